//! A store of one's own with one behind it that a team shares.
//!
//! What is here is never asked for elsewhere. The shared one gets a time in which it has to say something, and one for all that is asked;
//! one that takes longer, or that refuses, is left alone for the rest of the run, with a note: the tests then run as they would without it.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::key::Key;
use super::store::{Folder, Store};

/// Questions that are open at once.
const AT_ONCE: usize = 8;

/// Whether this place may add to what is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It may.
    ReadWrite,
    /// It may not: jobs for code that nobody has looked at yet.
    Read,
}

/// One's own store, and a shared one.
#[derive(Debug)]
pub struct Shared {
    own: Folder,
    shared: Arc<dyn Store>,
    mode: Mode,
    patience: Duration,
    limits: Limits,
    /// Time since some moment.
    clock: fn() -> Duration,
    waited: Mutex<Duration>,
    waiting: Mutex<Vec<(Key, Vec<u8>)>>,
    is_left_alone: AtomicBool,
    notes: Mutex<Vec<String>>,
}

/// How long a run waits for a shared store in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For what it knows.
    pub reading: Duration,
    /// For what it is given at the end.
    pub writing: Duration,
}

enum Job {
    Get(Key),
    Put(Key, Vec<u8>),
    Remove(Key),
}

impl Shared {
    /// `patience` is the time without any answer after which the shared store is left alone; twice that all reading may take, and
    /// three times that all writing. `clock` says the time since some moment.
    #[must_use]
    pub fn new(own: Folder, shared: Arc<dyn Store>, mode: Mode, patience: Duration, clock: fn() -> Duration) -> Self {
        Self {
            own,
            shared,
            mode,
            patience,
            clock,
            limits: Limits { reading: patience * 2, writing: patience * 3 },
            waited: Mutex::default(),
            waiting: Mutex::default(),
            is_left_alone: AtomicBool::new(false),
            notes: Mutex::default(),
        }
    }

    /// The same with other limits.
    #[must_use]
    pub fn within(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Asks for all keys at once, as long as there is time left for it.
    fn read(&self, keys: &[Key]) -> Vec<(Key, Vec<u8>)> {
        let Ok(mut waited) = self.waited.lock() else { return Vec::new() };
        let began = (self.clock)();
        let left = self.limits.reading.saturating_sub(*waited);
        let found = self.ask(keys.iter().map(|key| Job::Get(*key)).collect(), (left, self.limits.reading));
        *waited += (self.clock)().saturating_sub(began);
        found
    }

    /// Does all jobs, several at once, within the time that is `left` of `all`, and gives what was found. Threads that hang are not
    /// waited for.
    fn ask(&self, jobs: Vec<Job>, (left_time, all): (Duration, Duration)) -> Vec<(Key, Vec<u8>)> {
        let mut left = jobs.len();
        let mut found = Vec::new();
        if left == 0 || self.is_left_alone.load(Ordering::Relaxed) {
            return found;
        }
        let threads = left.min(AT_ONCE);
        let jobs = Arc::new(Mutex::new(VecDeque::from(jobs)));
        let (sender, receiver) = channel();
        for _ in 0..threads {
            let (jobs, shared, sender) = (Arc::clone(&jobs), Arc::clone(&self.shared), sender.clone());
            thread::spawn(move || {
                while let Some(job) = jobs.lock().ok().and_then(|mut jobs| jobs.pop_front()) {
                    let answer = match job {
                        Job::Get(key) => shared.get(&key).map(|bytes| bytes.map(|bytes| (key, bytes))),
                        Job::Put(key, bytes) => shared.put(&key, &bytes).map(|()| None),
                        Job::Remove(key) => shared.remove(&key).map(|()| None),
                    };
                    if sender.send(answer).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let began = (self.clock)();
        while left > 0 {
            let time = left_time.saturating_sub((self.clock)().saturating_sub(began));
            match receiver.recv_timeout(self.patience.min(time)) {
                Ok(Ok(answer)) => found.extend(answer),
                Ok(Err(error)) => {
                    self.leave_alone(&error.to_string());
                    return found;
                }
                Err(_) if time <= self.patience => {
                    self.leave_alone(&format!("all of it took longer than {} s", all.as_secs_f64()));
                    return found;
                }
                Err(_) => {
                    self.leave_alone(&format!("it said nothing for {} s", self.patience.as_secs_f64()));
                    return found;
                }
            }
            left -= 1;
        }
        found
    }

    fn leave_alone(&self, why: &str) {
        self.is_left_alone.store(true, Ordering::Relaxed);
        self.note(format!("the shared test cache `{}` is not used: {why}", self.shared.name()));
    }

    fn note(&self, note: String) {
        if let Ok(mut notes) = self.notes.lock() {
            notes.push(note);
        }
    }
}

impl Store for Shared {
    fn name(&self) -> String {
        self.own.name()
    }

    fn get(&self, key: &Key) -> io::Result<Option<Vec<u8>>> {
        self.own.get(key)
    }

    fn put(&self, key: &Key, bytes: &[u8]) -> io::Result<()> {
        if self.mode == Mode::ReadWrite
            && let Ok(mut waiting) = self.waiting.lock()
        {
            waiting.push((*key, bytes.to_vec()));
        }
        self.own.put(key, bytes)
    }

    fn remove(&self, key: &Key) -> io::Result<()> {
        // One of one's own that is damaged says nothing of the one that is shared.
        self.own.remove(key)
    }

    fn forget(&self, keys: &[Key]) -> io::Result<()> {
        if let Ok(mut waiting) = self.waiting.lock() {
            waiting.retain(|(key, _)| !keys.contains(key));
        }
        match self.mode {
            Mode::ReadWrite => {
                let jobs = keys.iter().map(|key| Job::Remove(*key)).collect();
                self.ask(jobs, (self.limits.writing, self.limits.writing));
            }
            Mode::Read if !keys.is_empty() => self.note(format!(
                "what is wrong is still in the shared test cache `{}`, which is only read here: run `wharf test --verify-cache` \
                 where it may be written",
                self.shared.name()
            )),
            Mode::Read => {}
        }
        keys.iter().try_for_each(|key| self.own.remove(key))
    }

    fn fetch(&self, keys: &[Key]) -> Vec<(Key, Vec<u8>)> {
        self.read(keys)
    }

    fn keep_near(&self, key: &Key, bytes: &[u8]) -> io::Result<()> {
        self.own.put(key, bytes)
    }

    fn finish(&self) -> io::Result<()> {
        let waiting = self.waiting.lock().map(|mut waiting| std::mem::take(&mut *waiting)).unwrap_or_default();
        let jobs = waiting.into_iter().map(|(key, bytes)| Job::Put(key, bytes)).collect();
        self.ask(jobs, (self.limits.writing, self.limits.writing));
        self.own.finish()
    }

    fn notes(&self) -> Vec<String> {
        self.notes.lock().map(|mut notes| std::mem::take(&mut *notes)).unwrap_or_default()
    }
}
