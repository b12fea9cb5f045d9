//! Dirs that wait for services, and what comes of these.

use std::path::PathBuf;
use std::sync::mpsc::Receiver;

use super::{Dispatcher, Signal, Stopping, TICK};
use crate::event::{Event, ImageState};
use crate::runnable_dir::RunnableDir;
use crate::test_suite::event::DirIndex;
use crate::test_suite::report::model::DirStatus;
use crate::test_suite::services::Answer;

impl Dispatcher<'_> {
    /// While an image takes its time, the services of its dirs start.
    pub(super) fn begin_services(&mut self, event: &Event) {
        let Event::Image { dir, state: ImageState::Pulling { .. } | ImageState::Building { .. } } = event else {
            return;
        };
        for index in 0..self.sessions.len() {
            let plan = &self.shared.plan.dirs[index];
            if plan.runs && plan.image_of == *dir && self.services.running() < self.shared.jobs {
                self.services.begin(self.shared, index, &self.sender);
            }
        }
    }

    /// Whether a dir has to wait for its services, or cannot have them.
    pub(super) fn waits_for_services(&mut self, index: DirIndex, attempt: u32) -> bool {
        match self.services.ask(self.shared, index, attempt, &self.sender) {
            Answer::Go => false,
            Answer::Wait => true,
            Answer::Never(error) => {
                self.not_run(index, error.to_string(), error.hint());
                true
            }
        }
    }

    /// Services are up, or cannot be had.
    pub(super) fn services_over(&mut self, index: DirIndex) {
        if self.services.take(index) && self.stopping == Stopping::No {
            self.start(index);
        }
    }

    /// Ends the services of a dir whose tests are over, and says which had died.
    pub(super) fn end_services(&mut self, index: DirIndex) {
        let logs = self.service_logs(index);
        let died = self.services.end(index, logs);
        let path = self.shared.plan.dirs[index].shown();
        for (line, tail) in died {
            let report = &mut self.sessions[index].report;
            if matches!(report.status, DirStatus::Failed | DirStatus::Crashed) && report.cause.is_none() {
                report.cause = Some(line.clone());
            }
            let tail: String = tail.iter().map(|line| format!("\n  {line}")).collect();
            self.problem(format!("{path}: {line}{tail}"));
        }
    }

    /// Ends all services that are left.
    pub(super) fn close_services(&mut self, receiver: &Receiver<Signal>) {
        let paths: Vec<PathBuf> = (0..self.sessions.len()).map(|index| self.service_logs(index)).collect();
        let mut drain = || drop(receiver.recv_timeout(TICK / 4));
        for problem in self.services.close(&|index| paths[index].clone(), &mut drain) {
            self.problem(problem);
        }
    }

    /// The start of the path of each service's log: `.wharf/runs/1/infra` for `infra.postgres.log`.
    fn service_logs(&self, index: DirIndex) -> PathBuf {
        let plan = &self.shared.plan.dirs[index];
        let dir = self.shared.workspace.dirs.iter().find(|dir| dir.address.as_str() == plan.path);
        let log = plan.log(&dir.map(RunnableDir::slug).unwrap_or_default());
        self.shared.folder.join(log.trim_end_matches(".log"))
    }
}
