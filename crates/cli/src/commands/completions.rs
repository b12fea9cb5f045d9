//! `wharf completions`.

use std::io::Write;

use clap_complete::env::Shells;

use crate::context::Context;
use crate::exit::Failure;

/// Prints a script that makes a shell complete wharf's commands, options and runnable dirs.
///
/// For bash, add to ~/.bashrc: source <(wharf completions bash)
///
/// For zsh, add to ~/.zshrc, below compinit: source <(wharf completions zsh)
///
/// For fish: wharf completions fish > ~/.config/fish/completions/wharf.fish
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell.
    pub shell: Shell,
}

/// A shell that can complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Shell {
    /// Bash.
    Bash,
    /// Zsh.
    Zsh,
    /// Fish.
    Fish,
    /// Elvish.
    Elvish,
    /// PowerShell.
    Powershell,
}

impl Shell {
    /// The word people type.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Elvish => "elvish",
            Self::Powershell => "powershell",
        }
    }
}

/// The script for a shell. It asks the `wharf` on the search path each time, so it never goes out of date and knows the
/// runnable dirs around the user.
///
/// # Errors
/// Never, but for a lack of memory.
pub fn script(shell: Shell) -> std::io::Result<Vec<u8>> {
    let mut script = Vec::new();
    if let Some(shell) = Shells::builtins().completer(shell.word()) {
        shell.write_registration("COMPLETE", "wharf", "wharf", "wharf", &mut script)?;
    }
    Ok(script)
}

impl Completions {
    /// Runs the command.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn run(&self, _context: &Context) -> Result<u8, Failure> {
        std::io::stdout().write_all(&script(self.shell)?)?;
        Ok(0)
    }
}
