//! Dirs that wait for services, and what comes of these.

use std::sync::mpsc::Receiver;

use super::{Dispatcher, Signal, Stopping, TICK};
use crate::event::{Event, ImageState};
use crate::service::ServiceError;
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
                let path = self.shared.plan.dirs[index].shown();
                if !matches!(error, ServiceError::Stopped) {
                    self.problem(format!("{path}: {error}"));
                }
                self.not_run(index, error.brief(), error.hint());
                true
            }
        }
    }

    /// Services are up, or cannot be had.
    pub(super) fn services_over(&mut self, index: DirIndex) {
        if self.services.take(self.shared, index, &self.sender) && self.stopping == Stopping::No {
            self.start(index);
        }
    }

    /// Ends the services of a dir whose tests are over, and says which had died.
    pub(super) fn end_services(&mut self, index: DirIndex) {
        let died = self.services.end(self.shared, index);
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
        let mut drain = || drop(receiver.recv_timeout(TICK / 4));
        for problem in self.services.close(self.shared, &self.sender, &mut drain) {
            self.problem(problem);
        }
    }
}
