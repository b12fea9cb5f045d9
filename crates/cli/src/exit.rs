//! Failures as messages and exit codes. The codes are part of the contract: `docs/reference/exit-codes.md`.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use wharf_core::config::ConfigError;
use wharf_core::container::ContainerError;
use wharf_core::image::ImageError;
use wharf_core::image::promote::PromoteError;
use wharf_core::repos::ReposError;
use wharf_core::service::ServiceError;
use wharf_core::shell_env::ShellEnvError;
use wharf_core::start::StartError;
use wharf_core::task::TaskError;
use wharf_core::thin_env::ThinEnvError;
use wharf_core::workspace::{LockError, WorkspaceError};
use wharf_engine::{EngineError, RegistryError};

/// What a command could not do.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub code: u8,
    /// What, where and why.
    pub message: String,
    /// The next command to type.
    pub hint: Option<String>,
}

/// The exit codes, with their meaning.
pub const CODES: [(u8, &str); 8] = [
    (0, "done (also: no tests collected, with a note)"),
    (1, "the work ran and failed"),
    (2, "usage: the command line does not make sense"),
    (3, "configuration: a file, variable or flag states something that cannot be used"),
    (4, "environment not ready: no engine, an image that cannot be had, nothing runnable"),
    (5, "refused because of state: something would be lost or overwritten"),
    (70, "a bug in Wharf"),
    (130, "interrupted"),
];

impl Failure {
    /// Says it, and gives the exit code.
    #[must_use]
    pub fn say(&self) -> u8 {
        let mut err = std::io::stderr().lock();
        // A config error comes rendered, heading and all.
        let is_rendered = self.message.starts_with("\u{1b}[") || self.message.starts_with("error");
        let _ = writeln!(err, "{}{}", if is_rendered { "" } else { "error: " }, self.message);
        if let Some(hint) = &self.hint {
            let _ = writeln!(err, "\nhint: {hint}");
        }
        self.code
    }

    /// The work ran and failed.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into(), hint: None }
    }

    /// The command line does not make sense.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, ..Self::failed(message) }
    }

    /// Configuration that cannot be used.
    #[must_use]
    pub fn configuration(message: impl Into<String>) -> Self {
        Self { code: 3, ..Self::failed(message) }
    }

    /// Something outside is not ready.
    #[must_use]
    pub fn environment(message: impl Into<String>) -> Self {
        Self { code: 4, ..Self::failed(message) }
    }

    /// Something would be lost or overwritten.
    #[must_use]
    pub fn refused(message: impl Into<String>) -> Self {
        Self { code: 5, ..Self::failed(message) }
    }

    /// Adds the next command to type.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// An error with its causes, in one line.
    #[must_use]
    pub fn describe(error: &dyn Error) -> String {
        chain(error)
    }

    fn from_error(code: u8, error: &dyn Error, hint: Option<String>) -> Self {
        Self { code, message: chain(error), hint }
    }
}

/// An error with its causes, each once.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            let _ = write!(text, ": {cause_text}");
        }
        next = cause.source();
    }
    text
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let color = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        // Each problem is rendered with its own hint.
        Self { code: 3, message: error.render(color), hint: None }
    }
}

impl From<WorkspaceError> for Failure {
    fn from(error: WorkspaceError) -> Self {
        let code = match &error {
            WorkspaceError::Config(_) => 3,
            WorkspaceError::Place(_)
            | WorkspaceError::Wharf(_)
            | WorkspaceError::NoDirs { .. }
            | WorkspaceError::Unreadable { .. } => 4,
            WorkspaceError::Address(_) | WorkspaceError::NotRunnable { .. } => 2,
            WorkspaceError::Name { .. }
            | WorkspaceError::SameName { .. }
            | WorkspaceError::FromMissing { .. }
            | WorkspaceError::FromCycle { .. } => 3,
        };
        match error {
            WorkspaceError::Config(error) => error.into(),
            error => Self::from_error(code, &error, error.hint()),
        }
    }
}

impl From<ThinEnvError> for Failure {
    fn from(error: ThinEnvError) -> Self {
        let code = match &error {
            ThinEnvError::Unreadable { .. } | ThinEnvError::Local { .. } | ThinEnvError::Remote { .. } => 3,
            ThinEnvError::Host { .. } if error.is_install() => 1,
            ThinEnvError::Host { .. } => 4,
        };
        Self::from_error(code, &error, error.hint())
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Self::from_error(4, &error, error.hint())
    }
}

impl From<ImageError> for Failure {
    fn from(error: ImageError) -> Self {
        let code = match &error {
            ImageError::Python { .. }
            | ImageError::File { .. }
            | ImageError::Outside { .. }
            | ImageError::LeadsOut { .. }
            | ImageError::NoFile { .. }
            | ImageError::Project { .. }
            | ImageError::NoTarget { .. } => 3,
            ImageError::NoImage { .. } => 2,
            ImageError::OwnDockerfile { .. } | ImageError::VersionTaken(_) => 5,
            ImageError::Registry(RegistryError::BadName { .. }) => 3,
            _ => 4,
        };
        Self::from_error(code, &error, error.hint())
    }
}

impl From<PromoteError> for Failure {
    fn from(error: PromoteError) -> Self {
        let hint = error.hint();
        match error {
            PromoteError::Image(error) => error.into(),
            error => Self::from_error(5, &error, hint),
        }
    }
}

impl From<ContainerError> for Failure {
    fn from(error: ContainerError) -> Self {
        let code = match &error {
            ContainerError::Unknown(_) => 2,
            ContainerError::Project { .. } => 3,
            _ => 4,
        };
        Self::from_error(code, &error, error.hint())
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        let code = match &error {
            ServiceError::Stopped => 130,
            error if error.is_configuration() => 3,
            _ => 4,
        };
        Self::from_error(code, &error, error.hint())
    }
}

impl From<ShellEnvError> for Failure {
    fn from(error: ShellEnvError) -> Self {
        let code = match &error {
            ShellEnvError::UnknownShell(_) | ShellEnvError::NoShell => 2,
            ShellEnvError::NoHooks => 3,
            ShellEnvError::HooksTaken { .. } | ShellEnvError::Differs { .. } => 5,
            ShellEnvError::Io { .. } => 4,
        };
        Self::from_error(code, &error, error.hint())
    }
}

impl From<ReposError> for Failure {
    fn from(error: ReposError) -> Self {
        let code = match &error {
            ReposError::Unknown { .. } | ReposError::BranchName { .. } => 2,
            ReposError::Lock(LockError::Held { .. }) | ReposError::NoBranch { .. } => 5,
            _ => 4,
        };
        Self::from_error(code, &error, error.hint())
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let code = match &error {
            StartError::Name { .. } | StartError::Address(_) | StartError::NoTemplate { .. } => 2,
            StartError::Template { .. } => 3,
            StartError::NotHere { .. } | StartError::Io(_) => 4,
            StartError::There(_) | StartError::NotEmpty(_) => 5,
        };
        Self::from_error(code, &error, error.hint())
    }
}

impl From<TaskError> for Failure {
    fn from(error: TaskError) -> Self {
        let code = match &error {
            TaskError::Unknown { .. } | TaskError::Argument(_) => 2,
            TaskError::Cycle { .. }
            | TaskError::MissingDep { .. }
            | TaskError::Declaration { .. }
            | TaskError::HidesCommand { .. }
            | TaskError::DepArgument { .. }
            | TaskError::NotRunnable { .. }
            | TaskError::NotToml { .. } => 3,
            TaskError::Stopped => 130,
            _ => 4,
        };
        let hint = error.hint();
        match error {
            TaskError::Workspace(error) => error.into(),
            TaskError::Image(error) => error.into(),
            TaskError::Container(error) => error.into(),
            error => Self::from_error(code, &error, hint),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::environment(chain(&error))
    }
}

/// Says what went wrong, if anything, and gives the exit code.
#[must_use]
pub fn code(result: Result<u8, Failure>) -> ExitCode {
    result.unwrap_or_else(|failure| failure.say()).into()
}

/// Prints what clap has to say; help and version go to standard output.
#[must_use]
pub fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if error.use_stderr() { 2.into() } else { 0.into() }
}

/// A panic is a bug of ours: says so, leaves nothing running, and ends with code 70.
pub fn install_panic_hook() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        usual(panic);
        wharf_process::kill_all();
        let _ = writeln!(
            std::io::stderr(),
            "error: this is a bug in wharf {}\n\nhint: report it with the lines above and the command that you typed; `wharf prune` removes \
             what may be left",
            env!("CARGO_PKG_VERSION")
        );
        std::process::exit(70);
    }));
}
