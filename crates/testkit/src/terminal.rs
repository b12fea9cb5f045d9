//! A program under test in a pseudo-terminal of its own.
//!
//! `setsid --ctty` (util-linux) makes the terminal the program's controlling one, so that size changes and ctrl-C reach it as
//! they would from a user's hands. What it writes is kept as it comes and also drawn on an emulated screen.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process_group};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::output::Output;
use crate::running::{Heard, Shared};

/// Rows and columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) rows: u16,
    pub(crate) columns: u16,
}

/// A program in a terminal. Dropping it kills the program's process group.
pub struct Terminal {
    shared: Shared,
    keyboard: File,
    pid: Pid,
    /// The sizes it has had, each with how much had been written before.
    sizes: Vec<(usize, Size)>,
    line: String,
    start: Instant,
    deadline: Instant,
}

impl Terminal {
    #[track_caller]
    pub(crate) fn start(wanted: &Command, line: String, size: Size, deadline: Duration) -> Self {
        let (ours, theirs) = open(size).unwrap_or_else(|error| panic!("cannot open a terminal: {error}"));
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(wanted.get_program()).args(wanted.get_args());
        command.env_clear().env("TERM", "xterm-256color");
        command.envs(wanted.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(dir) = wanted.get_current_dir() {
            command.current_dir(dir);
        }
        let theirs = File::from(theirs);
        let side = || Stdio::from(theirs.try_clone().expect("a descriptor can be copied"));
        command.stdin(side()).stdout(side()).stderr(side());
        let start = Instant::now();
        let child = command.spawn().unwrap_or_else(|error| panic!("cannot start `setsid --ctty {line}`: {error}"));
        // The terminal ends when the last holder of its other side does: the command must not be one.
        drop((command, theirs));
        let pid = Pid::from_child(&child);
        let keyboard = File::from(ours);
        let shared = Shared::default();
        shared.listen(keyboard.try_clone().expect("a descriptor can be copied"), |heard| &mut heard.stdout);
        shared.watch(child, start);
        Self { shared, keyboard, pid, sizes: vec![(0, size)], line, start, deadline: start + deadline }
    }

    /// Types this: `"\x03"` is ctrl-C, `"\x04"` ctrl-D, `"\r"` return.
    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.keyboard.write_all(bytes.as_ref()).expect("a terminal takes what is typed");
    }

    /// Changes its size; the program gets SIGWINCH.
    #[track_caller]
    pub fn resize(&mut self, rows: u16, columns: u16) {
        let size = Size { rows, columns };
        self.sizes.push((self.shared.lock().stdout.len(), size));
        tcsetwinsize(&self.keyboard, size.into()).expect("a terminal can be resized");
    }

    /// What the screen shows now: its lines without trailing blanks.
    pub fn screen(&self) -> String {
        let heard = self.shared.lock();
        draw(&heard.stdout, &self.sizes)
    }

    /// All that was written, with its escape sequences.
    pub fn written(&self) -> String {
        String::from_utf8_lossy(&self.shared.lock().stdout).into_owned()
    }

    /// Waits until the screen shows this.
    #[track_caller]
    pub fn wait_screen_contains(&self, text: &str) -> &Self {
        self.wait_screen(&format!("the screen to show {text:?}"), |screen| screen.contains(text))
    }

    /// Waits until this has been written, on the screen still or not.
    #[track_caller]
    pub fn wait_written_contains(&self, text: &str) -> &Self {
        self.wait(&format!("{text:?} to be written"), |heard| String::from_utf8_lossy(&heard.stdout).contains(text))
    }

    /// Waits until `is_met`, which gets what the screen shows. Fails at the deadline, and when the program has ended without
    /// meeting it.
    #[track_caller]
    pub fn wait_screen(&self, what: &str, is_met: impl Fn(&str) -> bool) -> &Self {
        self.wait(what, |heard| is_met(&draw(&heard.stdout, &self.sizes)))
    }

    /// Waits for the program's end. Past the deadline, kills it and fails with what the screen showed.
    #[track_caller]
    pub fn wait_exit(self) -> Output {
        let ended = self.shared.wait(self.deadline, Heard::over);
        assert!(ended, "did not end within {} s\n{}", (self.deadline - self.start).as_secs_f64(), self.told());
        self.shared.output(&self.line, self.start)
    }

    #[track_caller]
    fn wait(&self, what: &str, is_met: impl Fn(&Heard) -> bool) -> &Self {
        self.shared.wait(self.deadline, |heard| is_met(heard) || heard.over());
        let met = is_met(&self.shared.lock());
        assert!(met, "waited in vain for {what}\n{}", self.told());
        self
    }

    fn told(&self) -> String {
        let written = self.written();
        format!("--- screen\n{}\n--- written\n{}", self.screen(), written.escape_debug())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if !self.shared.lock().over() {
            // The group may be gone already.
            let _ = kill_process_group(self.pid, Signal::KILL);
        }
    }
}

impl From<Size> for Winsize {
    fn from(size: Size) -> Self {
        Self { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 }
    }
}

/// Opens a terminal: our side, and the program's.
fn open(size: Size) -> rustix::io::Result<(OwnedFd, OwnedFd)> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    tcsetwinsize(&ours, size.into())?;
    let name = ptsname(&ours, Vec::new())?;
    let theirs = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    Ok((ours, theirs))
}

/// What a screen that had these sizes shows after all of `written`.
fn draw(written: &[u8], sizes: &[(usize, Size)]) -> String {
    let first = sizes[0].1;
    let mut parser = vt100::Parser::new(first.rows, first.columns, 0);
    let mut done = 0;
    for (from, size) in sizes {
        parser.process(&written[done..*from]);
        parser.screen_mut().set_size(size.rows, size.columns);
        done = *from;
    }
    parser.process(&written[done..]);
    let rows = parser.screen().rows(0, sizes.last().map_or(first.columns, |(_, size)| size.columns));
    rows.map(|row| row.trim_end().to_owned()).collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sandbox;

    fn shell(script: &str) -> crate::WharfCommand {
        Sandbox::new().command("sh").args(["-c", script]).cwd("/").deadline(Duration::from_secs(20))
    }

    #[test]
    fn the_screen_shows_what_is_left_after_cursor_movements() {
        let size = Size { rows: 3, columns: 10 };
        assert_eq!(draw(b"one\r\ntwo\x1b[1A\rONE\x1b[K\r\n", &[(0, size)]), "ONE\ntwo");
    }

    #[test]
    fn the_program_sees_a_terminal_and_its_size() {
        let script = "test -t 0 && test -t 1 && trap 'echo changed' WINCH && while :; do stty size; sleep 0.02; done";
        let mut terminal = shell(script).spawn_in_terminal(30, 100);
        terminal.wait_screen_contains("30 100");
        terminal.resize(20, 50);
        terminal.wait_written_contains("changed").wait_screen_contains("20 50");
    }

    #[test]
    fn ctrl_c_reaches_it() {
        let mut terminal =
            shell("trap 'echo caught; exit 7' INT; echo ready; while :; do sleep 0.02; done").spawn_in_terminal(24, 80);
        terminal.wait_written_contains("ready");
        terminal.send("\x03");
        terminal.wait_screen_contains("caught");
        terminal.wait_exit().assert_code(7);
    }

    #[test]
    #[should_panic(expected = "waited in vain for the screen to show \"never\"")]
    fn waiting_ends_with_the_program() {
        shell("echo other").spawn_in_terminal(24, 80).wait_screen_contains("never");
    }
}
