//! Before a dir's container starts: what of it is known.

use super::Dispatcher;
use crate::runnable_dir::RunnableDir;
use crate::test_suite::cache::Facts;
use crate::test_suite::container::Order;
use crate::test_suite::event::TestEvent;

impl Dispatcher<'_> {
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
