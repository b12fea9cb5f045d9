//! Before a dir's container starts: what of it is known, and what it is told to run.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::Dispatcher;
use crate::runnable_dir::RunnableDir;
use crate::test_suite::cache::Facts;
use crate::test_suite::container::Order;
use crate::test_suite::event::{DirIndex, TestEvent};

impl Dispatcher<'_> {
    /// Takes known verdicts of the dir's tests; gives whether these are all, so that it needs no container.
    pub(super) fn recall(&mut self, dir: &RunnableDir, order: &Order<'_>) -> bool {
        let Some(cache) = &mut self.cache else { return false };
        let Ok(key) = order.key() else { return false };
        let index = order.index;
        let facts = Facts::of(&self.shared.workspace, dir, order.arguments);
        let known = cache.look_up(index, facts, key, &self.shared.plan.dirs[index].leave_out);
        let count = known.tests.len();
        let all = self.sessions[index].recall(known);
        if count > 0 || all {
            self.sessions[index].report.waited = self.now();
            self.listener.on(&TestEvent::Recalled { dir: index, count, all });
        }
        if all {
            self.tell_dir(index);
        }
        all
    }

    /// The tests that are wanted and the files that are not, where either is said.
    pub(super) fn write_lists(
        &self,
        index: DirIndex,
        attempt: u32,
    ) -> std::io::Result<(Option<PathBuf>, Option<PathBuf>)> {
        let select =
            self.sessions[index].selection().map(|ids| self.write_list("select", index, attempt, &ids.join("\n")));
        let planned = &self.shared.plan.dirs[index].leave_out;
        let left: BTreeSet<&str> = planned.iter().chain(self.sessions[index].recalled()).map(String::as_str).collect();
        let text = || left.iter().copied().collect::<Vec<_>>().join("\n");
        let left = (!left.is_empty()).then(|| self.write_list("leave-out", index, attempt, &text()));
        Ok((select.transpose()?, left.transpose()?))
    }

    fn write_list(&self, name: &str, index: DirIndex, attempt: u32, text: &str) -> std::io::Result<PathBuf> {
        let folder = self.shared.state.folder(name)?;
        let path = folder.join(format!("{}-{index}-{attempt}.txt", self.shared.run));
        fs_err::write(&path, text)?;
        // The user of a prod image is somebody else.
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o644))?;
        Ok(path)
    }
}
