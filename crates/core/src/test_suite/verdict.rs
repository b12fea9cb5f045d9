//! What came of one test.

use serde::{Deserialize, Serialize};

/// What came of one test. Every test that was collected ends with exactly one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It passed.
    Passed,
    /// It failed first and passed when it was tried again.
    Flaky,
    /// It was skipped; the message says why.
    Skipped,
    /// It was expected to fail and did.
    Xfailed,
    /// It was expected to fail and passed (not strict).
    Xpassed,
    /// Its body failed.
    Failed,
    /// Its set-up or tear-down failed, or its file could not be collected.
    Error,
    /// It took longer than its limit.
    TimedOut,
    /// Its process ended while it ran.
    Crashed,
    /// It was collected but never started; the message says why.
    NotRun,
}

impl Verdict {
    /// All of them, in the order of a table's columns.
    pub const ALL: [Self; 10] = [
        Self::Passed,
        Self::Flaky,
        Self::Skipped,
        Self::Xfailed,
        Self::Xpassed,
        Self::Failed,
        Self::Error,
        Self::TimedOut,
        Self::Crashed,
        Self::NotRun,
    ];

    /// Whether a run that has it cannot be called a success.
    #[must_use]
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Failed | Self::Error | Self::TimedOut | Self::Crashed | Self::NotRun)
    }

    /// The word that people read.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Flaky => "flaky",
            Self::Skipped => "skipped",
            Self::Xfailed => "xfailed",
            Self::Xpassed => "xpassed",
            Self::Failed => "failed",
            Self::Error => "error",
            Self::TimedOut => "timed out",
            Self::Crashed => "crashed",
            Self::NotRun => "not run",
        }
    }
}
