//! Why a task cannot be run.

use std::path::PathBuf;

use super::arguments::ArgumentError;
use crate::container::ContainerError;
use crate::image::ImageError;

/// Why a task cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// There is no such task.
    #[error("there is no task `{name}`")]
    Unknown {
        /// What was asked for.
        name: String,
        /// Tasks that may be meant.
        nearest: Vec<String>,
    },
    /// Tasks that wait for each other.
    #[error("tasks wait for each other: {}", .path.iter().map(|task| format!("`{task}`")).collect::<Vec<_>>().join(" → "))]
    Cycle {
        /// The tasks of the circle, the first one again at the end.
        path: Vec<String>,
    },
    /// A task needs one that is not there.
    #[error("task `{task}` needs `{dep}`, which is not there ({at})")]
    MissingDep {
        /// The task.
        task: String,
        /// What it needs.
        dep: String,
        /// Where the task is stated.
        at: String,
        /// Tasks that may be meant.
        nearest: Vec<String>,
    },
    /// A task is stated in a way that does not make sense.
    #[error("task `{task}` ({at}): {what}")]
    Declaration {
        /// The task.
        task: String,
        /// Where it is stated.
        at: String,
        /// What is wrong.
        what: String,
    },
    /// A task has the name of a command.
    #[error("task `{task}` ({at}) hides the command `wharf {task}`")]
    HidesCommand {
        /// The task.
        task: String,
        /// Where it is stated.
        at: String,
    },
    /// Arguments that do not fit.
    #[error(transparent)]
    Argument(#[from] ArgumentError),
    /// Arguments that a dependency is given do not fit.
    #[error("task `{task}` needs `{dep}` ({at})")]
    DepArgument {
        /// The task.
        task: String,
        /// What it needs, with the arguments.
        dep: String,
        /// Where the task is stated.
        at: String,
        /// What does not fit.
        source: Box<ArgumentError>,
    },
    /// The task is not for this system.
    #[error("task `{task}` is only for {}", .os.join(", "))]
    OtherSystem {
        /// The task.
        task: String,
        /// The systems that it is for.
        os: Vec<String>,
    },
    /// A task in a container whose folder no runnable dir holds.
    #[error("task `{task}` runs in a container, but no runnable dir holds `{}`", .folder.display())]
    NotRunnable {
        /// The task.
        task: String,
        /// Its folder.
        folder: PathBuf,
    },
    /// There is no thin environment.
    #[error("task `{task}` needs the thin environment, which is not there")]
    NoThinEnv {
        /// The task.
        task: String,
    },
    /// A file cannot be read or written.
    #[error("`{}` cannot be used", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A file that is not TOML.
    #[error("`{}` is not TOML: {reason}", .file.display())]
    NotToml {
        /// The file.
        file: PathBuf,
        /// What the parser says.
        reason: String,
    },
    /// A signal came while an image was made.
    #[error("interrupted")]
    Stopped,
    /// The dir's image has no owner.
    #[error(transparent)]
    Workspace(#[from] crate::workspace::WorkspaceError),
    /// There is no engine.
    #[error(transparent)]
    Engine(#[from] wharf_engine::EngineError),
    /// The image cannot be had.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The container cannot be made.
    #[error(transparent)]
    Container(#[from] ContainerError),
}

impl TaskError {
    /// The next command to type, where there is a good one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let nearest = |nearest: &[String]| match nearest {
            [] => "`wharf tasks` lists those that are there".to_owned(),
            names => {
                format!("did you mean {}?", names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
            }
        };
        match self {
            Self::Unknown { nearest: names, .. } | Self::MissingDep { nearest: names, .. } => Some(nearest(names)),
            Self::Cycle { path } => {
                let last = path.len().checked_sub(2).and_then(|last| path.get(last))?;
                Some(format!("take one of the `deps` away, such as that of `{last}`"))
            }
            Self::HidesCommand { task, .. } => Some(format!("give the task another name, such as `{task}-all`")),
            Self::Argument(error) => error.hint(),
            Self::DepArgument { source, .. } => source.hint(),
            Self::NoThinEnv { .. } => Some("make it with `wharf env sync`".into()),
            Self::NotRunnable { .. } => {
                Some("state the runnable dir with `dir`, or ask for one with `--dir`; `wharf ls` lists them".into())
            }
            Self::Workspace(error) => error.hint(),
            Self::Engine(error) => error.hint(),
            Self::Image(error) => error.hint(),
            Self::Container(error) => error.hint(),
            Self::Declaration { .. }
            | Self::OtherSystem { .. }
            | Self::Stopped
            | Self::Io { .. }
            | Self::NotToml { .. } => None,
        }
    }
}
