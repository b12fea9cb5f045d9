//! A program under test, while it runs.
//!
//! One thread reads each output and one waits for the end; all put what they learn into one state and wake who waits for a
//! condition on it. So a test never sleeps: it waits until something is said, or fails at its deadline with all that was.

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::output::Output;

/// How long outputs may stay open after the program's end before that counts as something left behind.
const LEFT_BEHIND: Duration = Duration::from_secs(10);

/// What the program reads.
pub(crate) enum Input {
    None,
    Bytes(Vec<u8>),
    Open,
}

/// All that is known of a program so far.
#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    /// How many outputs may still bring something.
    pub(crate) open: usize,
    pub(crate) end: Option<(ExitStatus, Duration)>,
}

/// The state shared with the threads that fill it.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<(Mutex<Heard>, Condvar)>);

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Heard> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Heard)) {
        change(&mut self.lock());
        self.0.1.notify_all();
    }

    /// Waits until `is_met`; false when the deadline came first.
    pub(crate) fn wait(&self, deadline: Instant, mut is_met: impl FnMut(&Heard) -> bool) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let waited = self.0.1.wait_timeout_while(self.lock(), left, |heard| !is_met(heard));
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Collects `source` in the background into the part of the state that `part` picks.
    pub(crate) fn listen(&self, mut source: impl Read + Send + 'static, part: fn(&mut Heard) -> &mut Vec<u8>) {
        let shared = self.clone();
        shared.lock().open += 1;
        thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            // A terminal whose other side has closed gives an error, not an end.
            while let Ok(count @ 1..) = source.read(&mut buffer) {
                shared.change(|heard| part(heard).extend_from_slice(&buffer[..count]));
            }
            shared.change(|heard| heard.open -= 1);
        });
    }

    /// Waits in the background for the program's end.
    pub(crate) fn watch(&self, mut child: Child, start: Instant) {
        let shared = self.clone();
        thread::spawn(move || {
            let status = child.wait().expect("a child that nobody else waits for can be waited for");
            shared.change(|heard| heard.end = Some((status, start.elapsed())));
        });
    }

    /// What is known now, as an output.
    pub(crate) fn output(&self, line: &str, start: Instant) -> Output {
        let heard = self.lock();
        Output {
            line: line.to_owned(),
            code: heard.end.and_then(|(status, _)| status.code()),
            signal: heard.end.and_then(|(status, _)| status.signal()),
            stdout: String::from_utf8_lossy(&heard.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&heard.stderr).into_owned(),
            stdout_bytes: heard.stdout.clone(),
            elapsed: heard.end.map_or_else(|| start.elapsed(), |(_, elapsed)| elapsed),
        }
    }
}

/// A started program. Dropping it kills its process group.
pub struct Running {
    pub(crate) shared: Shared,
    pid: Pid,
    stdin: Option<ChildStdin>,
    line: String,
    start: Instant,
    deadline: Instant,
}

impl Running {
    pub(crate) fn new(mut child: Child, line: String, input: Input, deadline: Duration) -> Self {
        let start = Instant::now();
        let pid = Pid::from_child(&child);
        let shared = Shared::default();
        shared.listen(child.stdout.take().expect("standard output is piped"), |heard| &mut heard.stdout);
        shared.listen(child.stderr.take().expect("standard error is piped"), |heard| &mut heard.stderr);
        let mut stdin = child.stdin.take();
        if let Input::Bytes(bytes) = input
            && let Some(mut pipe) = stdin.take()
        {
            // A program may end without reading all of its input.
            thread::spawn(move || drop(pipe.write_all(&bytes)));
        }
        shared.watch(child, start);
        Self { shared, pid, stdin, line, start, deadline: start + deadline }
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Sends a signal to the program alone, as `kill` does.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        if let Err(error) = kill_process(self.pid, signal) {
            panic!("cannot send {signal:?}: {error}\n{}", self.so_far().told());
        }
    }

    /// Sends a signal to the program and its children, as ctrl-C on a terminal does.
    #[track_caller]
    pub fn signal_group(&self, signal: Signal) {
        if let Err(error) = kill_process_group(self.pid, signal) {
            panic!("cannot send {signal:?}: {error}\n{}", self.so_far().told());
        }
    }

    /// Writes to its input, left open by `stdin_open`.
    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let stdin = self.stdin.as_mut().expect("the input was opened with `stdin_open` and not closed");
        stdin.write_all(bytes.as_ref()).and_then(|()| stdin.flush()).expect("the program reads its input");
    }

    /// Ends its input.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Waits until standard output holds this.
    #[track_caller]
    pub fn wait_stdout_contains(&self, text: &str) -> &Self {
        self.wait_until(&format!("standard output to hold {text:?}"), |stdout, _| stdout.contains(text))
    }

    /// Waits until standard error holds this.
    #[track_caller]
    pub fn wait_stderr_contains(&self, text: &str) -> &Self {
        self.wait_until(&format!("standard error to hold {text:?}"), |_, stderr| stderr.contains(text))
    }

    /// Waits until `is_met`, which gets standard output and standard error so far. Fails at the deadline, and when the program
    /// has ended without meeting it.
    #[track_caller]
    pub fn wait_until(&self, what: &str, is_met: impl Fn(&str, &str) -> bool) -> &Self {
        let check =
            |heard: &Heard| is_met(&String::from_utf8_lossy(&heard.stdout), &String::from_utf8_lossy(&heard.stderr));
        self.shared.wait(self.deadline, |heard| check(heard) || heard.over());
        let met = check(&self.shared.lock());
        assert!(met, "waited in vain for {what}\n{}", self.so_far().told());
        self
    }

    /// What it has said so far.
    pub fn so_far(&self) -> Output {
        self.shared.output(&self.line, self.start)
    }

    /// Waits for its end. Past the deadline, kills its group and fails with what it had said.
    #[track_caller]
    pub fn wait(mut self) -> Output {
        self.close_stdin();
        if !self.shared.wait(self.deadline, |heard| heard.end.is_some()) {
            let allowed = (self.deadline - self.start).as_secs_f64();
            self.kill();
            panic!("did not end within {allowed} s\n{}", self.so_far().told());
        }
        if !self.shared.wait(Instant::now() + LEFT_BEHIND, Heard::over) {
            self.kill();
            panic!("ended, but something that it started still holds its output\n{}", self.so_far().told());
        }
        self.so_far()
    }

    fn kill(&self) {
        // The group may be gone already.
        let _ = kill_process_group(self.pid, Signal::KILL);
    }
}

impl Heard {
    /// Has it ended, with all that it said heard?
    pub(crate) fn over(&self) -> bool {
        self.end.is_some() && self.open == 0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Once it has ended and nothing holds its output, its number may be another's.
        if !self.shared.lock().over() {
            self.kill();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sandbox;

    fn shell(script: &str) -> crate::WharfCommand {
        Sandbox::new().command("sh").args(["-c", script]).cwd("/")
    }

    #[test]
    fn both_outputs_and_the_code_are_kept() {
        let output = shell("cat; echo two >&2; exit 3").stdin("one").run();
        output.assert_code(3).stdout_contains("one").stderr_contains("two").stdout_lacks("two");
    }

    #[test]
    fn a_program_is_spoken_to_while_it_runs() {
        let mut running = shell("echo ready; read word; echo got $word; read never").stdin_open().spawn();
        running.wait_stdout_contains("ready");
        running.send("tea\n");
        running.wait_stdout_contains("got tea");
        running.signal(Signal::TERM);
        running.wait().assert_signal(Signal::TERM);
    }

    #[test]
    #[should_panic(expected = "did not end within 0.2 s\n$ sh -c echo partial; sleep 60")]
    fn past_the_deadline_it_is_killed_and_told() {
        shell("echo partial; sleep 60").deadline(Duration::from_millis(200)).run();
    }

    #[test]
    #[should_panic(expected = "waited in vain for standard output to hold \"never\"")]
    fn waiting_ends_with_the_program() {
        shell("echo other").spawn().wait_stdout_contains("never");
    }

    #[test]
    fn a_dropped_program_is_killed_with_its_children() {
        let running = shell("sleep 60 & echo $!; wait").spawn();
        running.wait_stdout_contains("\n");
        let child: i32 = running.so_far().stdout.trim().parse().unwrap();
        let shared = running.shared.clone();
        drop(running);
        assert!(shared.wait(Instant::now() + LEFT_BEHIND, Heard::over), "process {child} still holds the output");
    }
}
