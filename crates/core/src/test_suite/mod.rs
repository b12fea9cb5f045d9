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

pub mod coverage;
pub mod event;
pub mod last;
pub mod message;
pub mod plan;
pub mod reads;
pub mod report;
pub mod repro;
pub mod run;
pub mod session;
pub mod stream;
pub mod verdict;

mod cause;
mod container;
mod dispatch;
mod record;
mod runs;

pub use event::TestEvent;
pub use plan::{Selection, TestError, TestPlan, plan};
pub use reads::Reads;
pub use report::model::{DirReport, DirStatus, Report, Summary, TestReport};
pub use run::{Around, Options, run};
pub use verdict::Verdict;
