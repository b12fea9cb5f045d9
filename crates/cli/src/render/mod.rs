//! What people see of a test run: live on a terminal, plain in a pipe, a summary at the end, annotations in CI.
//!
//! Each reporter consumes [`TestEvent`]s and writes where its caller says; none knows anything else. Owns words,
//! columns and colours; refuses to find out by itself whether there is a terminal or what its user prefers.
//!
//! Failing to print is never a reason to stop a run: reporters of progress drop such errors.

mod closing;
pub mod coverage;
mod frame;
pub mod github;
pub mod graph;
pub mod keys;
pub mod live;
mod news;
pub mod plain;
mod state;
pub mod style;
pub mod summary;
pub mod table;
pub mod transfer;
pub mod width;
mod words;

pub use live::Live;
pub use plain::Plain;
pub use style::{Paint, Style};
pub use summary::Summary;
pub use table::Table;
pub use transfer::Transfers;
pub use words::{bytes, seconds};

use wharf_core::test_suite::TestEvent;
use wharf_core::test_suite::event::TestListener;

/// Several reporters as one; each gets every event, in the order in which they stand here.
#[derive(Default)]
pub struct Listeners(pub Vec<Box<dyn TestListener + Send>>);

impl TestListener for Listeners {
    fn on(&mut self, event: &TestEvent) {
        for listener in &mut self.0 {
            listener.on(event);
        }
    }

    fn tick(&mut self) {
        for listener in &mut self.0 {
            listener.tick();
        }
    }
}

#[cfg(test)]
mod sample;
