//! Dirs that come to their end without a container of theirs ending.

use wharf_process::Exit;

use super::Dispatcher;
use crate::test_suite::report::model::DirStatus;
use crate::test_suite::session::Ended;

impl Dispatcher<'_> {
    pub(super) fn close_those_without_tests(&mut self) {
        for index in 0..self.sessions.len() {
            if !self.shared.plan.dirs[index].runs {
                let report = &mut self.sessions[index].report;
                report.status = DirStatus::NoTests;
                let plan = &self.shared.plan.dirs[index];
                let nothing = plan.nothing.clone().unwrap_or_else(|| match plan.leave_out.len() {
                    0 => "it has no file named like a test".to_owned(),
                    1 => "nothing that changed reaches its one test file".to_owned(),
                    left => format!("nothing that changed reaches its {left} test files"),
                });
                report.cause = Some(nothing);
                self.tell_dir(index);
            }
        }
    }

    /// After a stop: dirs that never had their turn, and those whose end nobody waits for.
    pub(super) fn close_the_rest(&mut self) {
        for index in 0..self.sessions.len() {
            let ran = self.running.remove(&index).is_some();
            let had_turn =
                self.sessions[index].report.cause.is_some() || self.sessions[index].report.exit_code.is_some();
            let had_turn = had_turn || self.sessions[index].is_known();
            if self.shared.plan.dirs[index].runs && (ran || !had_turn) {
                let tests = self.sessions[index].ended(Exit::Signal(9), &[], Ended::Stopped);
                for event in tests {
                    self.listener.on(&event);
                }
                let exit = ran.then_some(Exit::Signal(9));
                self.sessions[index].report.exit_code = None;
                self.sessions[index].close(exit, &[], Ended::Stopped);
                self.tell_dir(index);
            }
        }
    }
}
