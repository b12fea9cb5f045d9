//! One finding.

use serde::Serialize;

use crate::render::Paint;

/// One finding. As JSON: `check`, `status`, `detail`, and `fix`, which may be null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::commands) struct Check {
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
pub(in crate::commands) enum Status {
    /// As it should be.
    Ok,
    /// Worth a look, but stops nothing.
    Warn,
    /// Tests cannot run because of it.
    Bad,
}

impl Status {
    pub(in crate::commands) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }

    pub(in crate::commands) fn paint(self) -> Paint {
        match self {
            Self::Ok => Paint::Green,
            Self::Warn => Paint::Yellow,
            Self::Bad => Paint::BoldRed,
        }
    }
}

impl Check {
    pub(in crate::commands) fn new(check: &'static str, status: Status, detail: impl Into<String>) -> Self {
        Self { check, status, detail: detail.into(), fix: None }
    }

    pub(in crate::commands) fn ok(check: &'static str, detail: impl Into<String>) -> Self {
        Self::new(check, Status::Ok, detail)
    }

    pub(in crate::commands) fn warn(check: &'static str, detail: impl Into<String>) -> Self {
        Self::new(check, Status::Warn, detail)
    }

    pub(in crate::commands) fn bad(check: &'static str, detail: impl Into<String>) -> Self {
        Self::new(check, Status::Bad, detail)
    }

    pub(in crate::commands) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}
