//! The plugin's messages as types. The contract is `docs/design/test-events.md`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::learned::units::{FileReads, Unit};

/// One message of the plugin.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Message {
    /// Pytest has started.
    Session {
        /// Version of Python.
        python: String,
        /// Version of pytest.
        pytest: String,
    },
    /// Collection is over.
    Collected {
        /// Tests that will run.
        count: usize,
        /// Tests left out by the user's own options.
        #[serde(default)]
        deselected: usize,
    },
    /// Ids of tests that will run.
    Items {
        /// Workspace-relative ids.
        ids: Vec<String>,
    },
    /// A file that could not be collected.
    CollectError {
        /// Its id.
        id: String,
        /// The traceback.
        #[serde(default)]
        longrepr: String,
    },
    /// A file that skipped itself.
    CollectSkip {
        /// Its id.
        id: String,
        /// Why.
        #[serde(default)]
        reason: String,
    },
    /// A test is about to be set up.
    Started {
        /// Its id.
        id: String,
        /// Its file.
        file: Option<String>,
        /// Its line.
        line: Option<u32>,
    },
    /// A test has ended.
    Finished(Box<Finished>),
    /// Something that the plugin wants to be known.
    Problem {
        /// One line.
        #[serde(default)]
        message: String,
        /// `unmatched` where ids of the selection were not found.
        kind: Option<String>,
        /// Those ids.
        #[serde(default)]
        ids: Vec<String>,
    },
    /// What modules, fixtures and child processes of a process read and use.
    Units {
        /// The process, where there are several: a worker of pytest-xdist.
        #[serde(default)]
        of: String,
        /// Some of its units.
        units: Vec<Unit>,
    },
    /// What a process saw of a test file.
    Reads(Box<FileReads>),
    /// What was measured of one source file.
    Covered {
        /// Its workspace-relative path.
        path: String,
        /// Lines that ran, such as `1-3,7`.
        #[serde(default)]
        hit: String,
        /// Lines that did not.
        #[serde(default)]
        missed: String,
        /// Line, how many ways on it has, and where those lead that were not taken.
        #[serde(default)]
        branches: Vec<(u32, u32, BTreeSet<i64>)>,
    },
    /// All that was measured is told, or there is nothing to tell.
    Coverage {
        /// What measured.
        tool: Option<String>,
        /// Why nothing was.
        missing: Option<String>,
        /// Whether installing `coverage` is the way out.
        #[serde(default)]
        install: bool,
    },
    /// The session is over.
    Done {
        /// Exit status of pytest.
        exitstatus: i32,
        /// Tests left out by the user's own options, once more.
        #[serde(default)]
        deselected: usize,
    },
    /// Which entries of the test lists matched any test.
    Listed {
        /// Their numbers.
        entries: BTreeSet<usize>,
    },
    /// What selects a test and what does not, where that was asked.
    Explained(Box<Facts>),
    /// A piece of a longer message.
    Part {
        /// Which message it belongs to.
        of: u64,
        /// Whether it is the last.
        last: bool,
        /// The piece.
        text: String,
    },
    /// A message of a newer plugin.
    #[serde(other)]
    Unknown,
}

/// What the plugin found out of one test that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Facts {
    /// Its id.
    pub id: String,
    /// Names of its markers.
    pub markers: Vec<String>,
    /// Whether it is there after the project's own options and hooks.
    pub kept: bool,
    /// Whether the suite's expression takes it; `None` where there is none.
    pub suite: Option<bool>,
    /// Whether `-m` takes it.
    pub markexpr: Option<bool>,
    /// Whether `-k` takes it.
    pub keyword: Option<bool>,
    /// Entries of test lists that match it.
    pub entries: BTreeSet<usize>,
    /// Whether it is in the test lists.
    pub listed: Option<bool>,
    /// What it needs: marker, capability, and what is lacking, empty where nothing is.
    pub lacking: Vec<(String, String, String)>,
}

/// What came of a test, as pytest sees it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Finished {
    /// Its id.
    pub id: String,
    /// What came of it.
    pub outcome: Outcome,
    /// Seconds of set-up, call and tear-down.
    #[serde(default)]
    pub duration: f64,
    /// `setup`, `call` or `teardown`.
    pub phase: Option<String>,
    /// One line.
    #[serde(default)]
    pub message: Option<String>,
    /// The traceback.
    #[serde(default)]
    pub longrepr: Option<String>,
    /// What pytest captured.
    #[serde(default)]
    pub sections: Vec<(String, String)>,
    /// Its file.
    pub file: Option<String>,
    /// Its line.
    pub line: Option<u32>,
    /// How often pytest-rerunfailures ran it again.
    #[serde(default)]
    pub reruns: u32,
    /// Whether it passed only then.
    #[serde(default)]
    pub flaky: bool,
}

/// What came of a test, as pytest sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It passed.
    Passed,
    /// Its body failed.
    Failed,
    /// Its set-up or tear-down failed.
    Error,
    /// It was skipped.
    Skipped,
    /// It failed as expected.
    Xfailed,
    /// It passed against expectation.
    Xpassed,
    /// It took too long.
    TimedOut,
    /// A worker process ended while it ran.
    Crashed,
}

/// Puts messages together from events, some of which are pieces.
#[derive(Debug, Default)]
pub struct Assembler {
    open: BTreeMap<u64, String>,
}

/// The most bytes of all pieces that wait for their last one.
const MOST: usize = 8 * 1024 * 1024;

impl Assembler {
    /// Takes the JSON of one event; gives a message when one is complete, an error text when it makes no sense.
    ///
    /// # Errors
    /// A line for the list of problems.
    pub fn take(&mut self, json: &[u8]) -> Result<Option<Message>, String> {
        let message: Message =
            serde_json::from_slice(json).map_err(|error| format!("an event made no sense: {error}"))?;
        let Message::Part { of, last, text } = message else { return Ok(Some(message)) };
        let held: usize = self.open.values().map(String::len).sum();
        if held + text.len() > MOST {
            self.open.clear();
            return Err("an event was too long".into());
        }
        self.open.entry(of).or_default().push_str(&text);
        if !last {
            return Ok(None);
        }
        let whole = self.open.remove(&of).unwrap_or_default();
        self.take(whole.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_one_message() {
        let mut assembler = Assembler::default();
        let piece = |text: &str, last: bool| {
            serde_json::to_vec(&serde_json::json!({"wharf": "n", "event": "part", "of": 1, "last": last, "text": text}))
                .unwrap()
        };
        let whole = r#"{"wharf":"n","event":"collect_error","id":"a.py","longrepr":"x"}"#;
        assert_eq!(assembler.take(&piece(&whole[..20], false)), Ok(None));
        let message = assembler.take(&piece(&whole[20..], true)).unwrap();
        assert_eq!(message, Some(Message::CollectError { id: "a.py".into(), longrepr: "x".into() }));
    }

    #[test]
    fn a_newer_plugin_is_not_an_error() {
        let message = Assembler::default().take(br#"{"wharf":"n","event":"weather","files":[]}"#);
        assert_eq!(message, Ok(Some(Message::Unknown)));
    }
}
