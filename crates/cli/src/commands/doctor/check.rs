//! One finding.

use serde::Serialize;

use crate::render::Paint;

/// One finding. As JSON: `check`, `status`, `detail`, and `fix`, which may be null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    /// What was looked at.
    pub check: &'static str,
    /// How it is.
    pub status: Status,
    /// What was found.
    pub detail: String,
    /// What to paste to make it better.
    pub fix: Option<String>,
}

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    /// As it should be.
    Ok,
    /// Worth a look, but stops nothing.
    Warn,
    /// Tests cannot run because of it.
    Bad,
}

impl Status {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }

    pub(super) fn paint(self) -> Paint {
        match self {
            Self::Ok => Paint::Green,
            Self::Warn => Paint::Yellow,
            Self::Bad => Paint::BoldRed,
        }
    }
}

impl Check {
    pub(super) fn new(check: &'static str, status: Status, detail: impl Into<String>) -> Self {
        Self { check, status, detail: detail.into(), fix: None }
    }

    pub(super) fn ok(check: &'static str, detail: impl Into<String>) -> Self {
        Self::new(check, Status::Ok, detail)
    }

    pub(super) fn warn(check: &'static str, detail: impl Into<String>) -> Self {
        Self::new(check, Status::Warn, detail)
    }

    pub(super) fn bad(check: &'static str, detail: impl Into<String>) -> Self {
        Self::new(check, Status::Bad, detail)
    }

    pub(super) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}
