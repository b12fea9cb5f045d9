//! What a program said and how it ended, with the questions that tests ask.

use std::time::Duration;

use serde_json::Value;

/// A program's end.
#[derive(Debug, Clone)]
pub struct Output {
    /// The command line, for messages.
    pub line: String,
    /// The exit code; None when a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Standard output, with anything that is not UTF-8 replaced. In a terminal: all that it wrote.
    pub stdout: String,
    /// Standard error, with anything that is not UTF-8 replaced. In a terminal: empty.
    pub stderr: String,
    /// Standard output as it came.
    pub stdout_bytes: Vec<u8>,
    /// From the start to the program's end.
    pub elapsed: Duration,
}

impl Output {
    /// Fails unless it ended with this exit code.
    #[track_caller]
    pub fn assert_code(&self, code: i32) -> &Self {
        assert!(self.code == Some(code), "expected exit code {code}\n{}", self.told());
        self
    }

    /// Fails unless this signal ended it.
    #[track_caller]
    pub fn assert_signal(&self, signal: crate::Signal) -> &Self {
        assert!(self.signal == Some(signal.as_raw()), "expected to be ended by {signal:?}\n{}", self.told());
        self
    }

    /// Fails unless standard output holds this.
    #[track_caller]
    pub fn stdout_contains(&self, text: &str) -> &Self {
        assert!(self.stdout.contains(text), "standard output lacks {text:?}\n{}", self.told());
        self
    }

    /// Fails if standard output holds this.
    #[track_caller]
    pub fn stdout_lacks(&self, text: &str) -> &Self {
        assert!(!self.stdout.contains(text), "standard output holds {text:?}\n{}", self.told());
        self
    }

    /// Fails unless standard error holds this.
    #[track_caller]
    pub fn stderr_contains(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "standard error lacks {text:?}\n{}", self.told());
        self
    }

    /// Fails if standard error holds this.
    #[track_caller]
    pub fn stderr_lacks(&self, text: &str) -> &Self {
        assert!(!self.stderr.contains(text), "standard error holds {text:?}\n{}", self.told());
        self
    }

    /// Standard output as one JSON value.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.stdout_bytes) {
            Ok(value) => value,
            Err(error) => panic!("standard output is no JSON: {error}\n{}", self.told()),
        }
    }

    /// Standard output as one JSON value a line.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        let value = |line: &str| match serde_json::from_str(line) {
            Ok(value) => value,
            Err(error) => panic!("{line:?} is no JSON: {error}\n{}", self.told()),
        };
        self.stdout.lines().map(value).collect()
    }

    /// All that is known, for a failing test to show.
    pub fn told(&self) -> String {
        let end = match (self.code, self.signal) {
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "did not end".to_owned(),
        };
        let Self { line, stdout, stderr, elapsed, .. } = self;
        format!(
            "$ {line}\n[{end} after {:.2} s]\n--- stdout\n{stdout}\n--- stderr\n{stderr}\n---",
            elapsed.as_secs_f64()
        )
    }
}
