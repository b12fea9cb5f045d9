//! What came of every test in every run: verdicts and durations, kept in `.wharf/history`.
//!
//! Owns the file, and the questions to it: what is slow, what is flaky, what a test did, how long things will take.
//! Refuses to decide anything: a run without a history is as right as one with it, only worse ordered.
//!
//! # Theory of operation
//! One append-only file of checksummed records ([`file`]): names of tests, each written once, and a record a run
//! ([`codec`]). A run adds its record at its end, under a lock, with one write and no wait for the disk: what is lost with
//! the power is a statistic. What is too old, or too much, goes when the file is rewritten, which happens seldom. Readers
//! take no lock, because what is there never changes in place.

mod code;
mod codec;
mod error;
mod expected;
mod file;
mod flaky;
mod note;
mod of_test;
mod slowest;
mod timeouts;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::verdict::Verdict;

pub(super) use code::{Code, CodeState, RepoState};
pub use error::HistoryError;
pub use expected::Expected;
pub use file::{History, Loaded};
pub use flaky::{FlakyTest, flaky};
pub(super) use note::{counts, entry_of};
pub use of_test::{Occurrence, names, occurrences};
pub use slowest::{Slow, Slowest, slowest};
pub use timeouts::{Proposal, proposals};

/// One run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunEntry {
    /// Its number in the workspace.
    pub run: u32,
    /// When it began, seconds of Unix time.
    pub started: i64,
    /// A hash of the code of all repos, uncommitted changes included; `None` where it could not be had.
    pub code: Option<u64>,
    /// Its dirs in which tests ran.
    pub dirs: Vec<DirEntry>,
}

/// The tests of one runnable dir in a run.
#[derive(Debug, Clone, PartialEq)]
pub struct DirEntry {
    /// Its address.
    pub path: String,
    /// Reference of the image; empty where there was none.
    pub image: String,
    /// Id of the image; empty where there was none.
    pub image_id: String,
    /// The commit that its repo was at; empty before the first.
    pub commit: String,
    /// Whether files of that repo were not committed.
    pub dirty: bool,
    /// Its tests.
    pub tests: Vec<TestEntry>,
}

/// What came of one test.
#[derive(Debug, Clone, PartialEq)]
pub struct TestEntry {
    /// Workspace-relative id, the same text in all runs.
    pub id: Arc<str>,
    /// Its verdict.
    pub verdict: Verdict,
    /// How often it was run, up to 15.
    pub attempts: u32,
    /// Seconds, to the microsecond.
    pub duration: f64,
}

impl DirEntry {
    /// What tells the image from others.
    fn image_key(&self) -> &str {
        if self.image_id.is_empty() { &self.image } else { &self.image_id }
    }
}

/// Whether a verdict says that the test ran, so that its duration means something.
fn ran(verdict: Verdict) -> bool {
    !matches!(verdict, Verdict::Skipped | Verdict::NotRun)
}

/// Whether a verdict says that the test itself went wrong.
fn went_wrong(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Failed | Verdict::Error | Verdict::TimedOut | Verdict::Crashed)
}

/// The test file of an id.
fn file_of(id: &str) -> &str {
    id.split("::").next().unwrap_or(id)
}

/// The value below which the share `part` of sorted values lies; 0 of none.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let place = (last as f64 * part).ceil() as usize;
    sorted.get(place.min(last)).copied().unwrap_or_default()
}

/// The middle of some values; 0 of none.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        length if length % 2 == 1 => values[length / 2],
        length => f64::midpoint(values[length / 2 - 1], values[length / 2]),
    }
}
