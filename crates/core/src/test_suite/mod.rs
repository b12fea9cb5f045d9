//! Tests of runnable dirs: what to run where, what came of it, and the report.
//!
//! Owns the plan, the scheduling of containers, the reading of the plugin's event stream, verdicts and reports. Refuses
//! to know how an engine starts a container or how anything is shown.
//!
//! # Theory of operation
//! [`plan`] says, without an engine, which dirs run which tests. [`run`] takes a plan to its report: one thread makes
//! sure of images and hands dirs over as theirs become ready; each dir whose turn it is gets a container with the
//! plugin in it; threads read its output, put all of it into the dir's log, and send the plugin's messages into one
//! channel. A single dispatcher takes that channel, the images' outcomes, signals and the clock in one order, keeps a
//! [`session::Session`] a dir, and is the only one to talk to the listener.

pub mod affected;
pub mod cache;
pub mod collect;
pub mod coverage;
pub mod event;
pub mod explain;
pub mod history;
pub mod last;
pub mod learned;
pub mod lists;
pub mod message;
mod nearest;
pub mod plan;
pub mod reads;
pub mod report;
pub mod repro;
pub mod run;
pub mod services;
mod session;
pub mod spread;
pub mod stream;
pub mod suites;
pub mod verdict;
pub mod warm;
pub mod watch;

mod cause;
mod container;
mod dispatch;
mod finish;
mod found;
mod handed;
mod pytest_files;
mod record;
mod runs;

pub use collect::{Collection, collect};
pub use event::TestEvent;
pub use explain::{Explained, explain};
pub use learned::Learned;
pub use plan::{DirPlan, Selection, TestError, TestPlan, nested, plan};
pub use reads::Reads;
pub use report::model::{DirReport, DirStatus, Report, Summary, TestReport};
pub use run::{Around, Options, run};
pub use verdict::Verdict;
pub use warm::Warm;
