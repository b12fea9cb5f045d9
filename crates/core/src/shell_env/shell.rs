//! The shells that can be set up.

use std::fmt;
use std::path::Path;

use super::error::ShellEnvError;

/// A shell, by the language that it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// GNU Bash.
    Bash,
    /// Zsh.
    Zsh,
    /// Fish.
    Fish,
    /// Any POSIX shell: dash, ash, ksh.
    Sh,
}

impl Shell {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Bash, Self::Zsh, Self::Fish, Self::Sh];

    /// The word people type.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Sh => "sh",
        }
    }

    /// The shell of a program, such as `/usr/bin/zsh`: the value of `SHELL`.
    ///
    /// # Errors
    /// When no path is given, or it is a shell of another language.
    pub fn of_program(program: Option<&str>) -> Result<Self, ShellEnvError> {
        let program = program.ok_or(ShellEnvError::NoShell)?;
        let name = Path::new(program).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match name.trim_start_matches('-') {
            "bash" | "rbash" => Ok(Self::Bash),
            "zsh" | "rzsh" => Ok(Self::Zsh),
            "fish" => Ok(Self::Fish),
            "sh" | "dash" | "ash" | "busybox" | "ksh" | "ksh93" | "mksh" | "yash" => Ok(Self::Sh),
            _ => Err(ShellEnvError::UnknownShell(name)),
        }
    }

    /// What is typed to evaluate what `command` prints.
    #[must_use]
    pub fn evaluates(self, command: &str) -> String {
        match self {
            Self::Fish => format!("{command} | source"),
            Self::Bash | Self::Zsh | Self::Sh => format!("eval \"$({command})\""),
        }
    }
}

impl fmt::Display for Shell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
