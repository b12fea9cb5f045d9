//! Why a command failed, and with which exit code.

/// What every command gives back.
pub type Outcome<T = ()> = Result<T, Failure>;

/// A failed command: a message, perhaps the next thing to type, and the exit code.
#[derive(Debug)]
pub struct Failure {
    /// The exit code, as listed in the help.
    pub code: u8,
    /// What went wrong.
    pub message: String,
    /// What to type next.
    pub hint: Option<String>,
}

impl Failure {
    /// A check failed (exit code 1).
    pub fn failed(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into(), hint: None }
    }

    /// Arguments that make no sense (exit code 2).
    pub fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, message: message.into(), hint: Some("see `cargo xtask --help`".to_owned()) }
    }

    /// The machine lacks something (exit code 4).
    pub fn not_ready(message: impl Into<String>) -> Self {
        Self { code: 4, message: message.into(), hint: None }
    }

    /// The same failure with the next thing to type.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::failed(error.to_string())
    }
}
