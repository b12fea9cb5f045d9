//! Before a dir's container starts: whether there is room for it, and what of it is known.

use super::Dispatcher;
use crate::runnable_dir::RunnableDir;
use crate::test_suite::cache::Facts;
use crate::test_suite::container::Order;
use crate::test_suite::event::{DirIndex, TestEvent};

impl Dispatcher<'_> {
    /// Whether one more part of a dir may run: of those of `--split` so many at once, of others there is one.
    pub(super) fn has_lane(&self, index: DirIndex) -> bool {
        let plans = &self.shared.plan.dirs;
        let part = plans[index].shard.as_ref().and_then(|shard| shard.part);
        part.is_none_or(|part| {
            let running = self.running.keys().filter(|other| plans[**other].path == plans[index].path).count();
            running < part.lanes as usize
        })
    }

    /// Takes known verdicts of the dir's tests; gives whether these are all, so that it needs no container.
    pub(super) fn recall(&mut self, dir: &RunnableDir, order: &Order<'_>) -> bool {
        let Some(cache) = &mut self.cache else { return false };
        let Ok(key) = order.key() else { return false };
        let index = order.index;
        let facts = Facts::of(&self.shared.workspace, dir, order.arguments);
        let plan = &self.shared.plan.dirs[index];
        let is_mine =
            |file: &str| !plan.leave_out.contains(file) && plan.shard.as_ref().is_none_or(|shard| shard.holds(file));
        let known = cache.look_up(index, facts, key, &is_mine);
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
}
