//! Tests of runnable dirs: what to run where, what came of it, and the report.
//!
//! Owns the plan, the scheduling of containers, the reading of the plugin's event stream, verdicts and
//! reports. Refuses to know how an engine starts a container or how anything is shown.

pub mod event;
pub mod report;
pub mod verdict;

pub use event::TestEvent;
pub use report::model::{DirReport, DirStatus, Report, Summary, TestReport};
pub use verdict::Verdict;
