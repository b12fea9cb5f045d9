//! A few threads and one queue; each job may bring further jobs.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

struct Queue<J> {
    jobs: VecDeque<J>,
    busy: usize,
}

/// Does all jobs and those that they bring, `threads` at once, until none is left or `stop` is set.
pub(super) fn run<J: Send>(first: Vec<J>, threads: NonZeroUsize, stop: &AtomicBool, work: impl Fn(J) -> Vec<J> + Sync) {
    let queue = Mutex::new(Queue { jobs: first.into(), busy: 0 });
    let changed = Condvar::new();
    let next = || {
        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if stop.load(Ordering::Relaxed) {
                return None;
            }
            if let Some(job) = queue.jobs.pop_front() {
                queue.busy += 1;
                return Some(job);
            }
            if queue.busy == 0 {
                return None;
            }
            queue = changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    };
    let worker = || {
        while let Some(job) = next() {
            let more = work(job);
            let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.jobs.extend(more);
            queue.busy -= 1;
            changed.notify_all();
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.get() {
            scope.spawn(worker);
        }
    });
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn jobs_bring_jobs_and_run_at_once() {
        let (done, meet) = (AtomicUsize::new(0), Barrier::new(3));
        let threads = NonZeroUsize::new(3).unwrap();
        run(vec![3_u32, 3, 3], threads, &AtomicBool::new(false), |job| {
            if job == 3 {
                // Nobody gets past before all three are here.
                meet.wait();
            }
            done.fetch_add(1, Ordering::Relaxed);
            if job == 0 { Vec::new() } else { vec![job - 1] }
        });
        assert_eq!(done.into_inner(), 12);
    }

    #[test]
    fn stops_when_told() {
        let (done, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        run(vec![0_u32], NonZeroUsize::MIN, &stop, |job| {
            stop.store(true, Ordering::Relaxed);
            done.fetch_add(1, Ordering::Relaxed);
            vec![job; 5]
        });
        assert_eq!(done.into_inner(), 1);
    }
}
