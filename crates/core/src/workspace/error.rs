//! What can stop a workspace from being read, and what is merely odd in it.

use std::path::PathBuf;

use wharf_git::PlaceError;

use super::requires::WrongWharf;
use crate::config::ConfigError;
use crate::runnable_dir::{Address, AddressError, NameError};

/// Why a workspace cannot be worked with.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// There is no usable Git repo.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// A path that is not in it.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Its configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its configuration is for another version of Wharf.
    #[error("{0}")]
    Wharf(WrongWharf),
    /// A configuration file is there but cannot be read.
    #[error("`{}` cannot be read", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// An image name that no registry takes.
    #[error("runnable dir `{dir}`: {source}")]
    Name {
        /// Which dir.
        dir: Address,
        /// What is wrong with the name.
        source: NameError,
        /// Where the name is stated.
        place: String,
    },
    /// Two dirs with one image name.
    #[error("runnable dirs `{first}` and `{second}` both claim the image name `{name}`")]
    SameName {
        /// The name.
        name: String,
        /// One of them.
        first: Address,
        /// The other.
        second: Address,
    },
    /// `image.from` names a dir that is not runnable.
    #[error("runnable dir `{dir}` takes its image from `{from}`, which is not a runnable dir")]
    FromMissing {
        /// The dir that asks.
        dir: Address,
        /// What it asks for.
        from: String,
        /// Dirs that may be meant.
        nearest: Vec<Address>,
    },
    /// `image.from` leads round in a circle.
    #[error("`image.from` goes round in a circle: {}", .path.iter().map(|address| format!("`{address}`")).collect::<Vec<_>>().join(" → "))]
    FromCycle {
        /// The dirs of the circle, the first one again at the end.
        path: Vec<Address>,
    },
    /// Something was asked of a dir that is not runnable.
    #[error("`{text}` {}", if *.exists { "is not a runnable dir: it has no `devops` folder" } else { "is not there" })]
    NotRunnable {
        /// What the user wrote.
        text: String,
        /// Whether it is at least a folder.
        exists: bool,
        /// Dirs that may be meant.
        nearest: Vec<Address>,
    },
    /// There is no runnable dir at all.
    #[error("there is no runnable dir in `{}`", .root.display())]
    NoDirs {
        /// The super-repo.
        root: PathBuf,
        /// What may have hidden them.
        problems: Vec<Problem>,
    },
}

/// Something odd that stopped nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A sub-repo whose files are not here.
    #[error("sub-repo `{path}` is not populated")]
    NotPopulated {
        /// Its path.
        path: String,
    },
    /// A sub-repo that is broken or that this user may not read.
    #[error("sub-repo `{path}` cannot be used: {reason}")]
    RepoUnreadable {
        /// Its path.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// A sub-repo's configuration file that is there but cannot be read.
    #[error("`{path}` cannot be read, and counts as empty: {reason}")]
    ConfigUnreadable {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// `[workspace] exports` names what is no sub-repo of the super-repo.
    #[error("`{place}` takes exports of `{path}`, which is no sub-repo of the super-repo")]
    NoExporter {
        /// File and line.
        place: String,
        /// The path.
        path: String,
    },
    /// A base image that is to come from a sub-repo, which does not export it or is not here.
    #[error("`{place}` names the base image `{image}`, which no sub-repo here exports{}", others(.known))]
    NoImage {
        /// File and line.
        place: String,
        /// The address of the image.
        image: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A folder that was left out of the search.
    #[error("`{path}` was not searched: {reason}")]
    NotSearched {
        /// The folder.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// A Git repo that is not a sub-repo.
    #[error("`{path}` is a Git repo but not a sub-repo: its runnable dirs are left out")]
    ForeignRepo {
        /// Its path.
        path: String,
    },
    /// A `wharf.toml` and the older layout both say what an image is made from.
    #[error("`{dir}` has both `{key}` in its `wharf.toml` and `devops/{file}`; `wharf.toml` counts")]
    BothLayouts {
        /// Address of the dir.
        dir: String,
        /// The key.
        key: String,
        /// The file in its `devops` folder.
        file: &'static str,
    },
    /// A `wharf.toml` states what only a generated Dockerfile has.
    #[error("`{key}` in the `wharf.toml` of `{dir}` has no effect: `devops/{file}` decides its image")]
    NoEffect {
        /// Address of the dir.
        dir: String,
        /// The key.
        key: String,
        /// The file in its `devops` folder.
        file: &'static str,
    },
    /// Nothing says how the image of a dir of the older layout is called.
    #[error("no `repo_config.yaml` states `docker_info.docker_image_name` for `{dir}`; its image is called `{name}`")]
    NoImageName {
        /// Address of the dir.
        dir: String,
        /// The name that is taken.
        name: String,
    },
    /// A changelog whose newest entry is that of another image.
    #[error("`{path}` is that of `{says}`, but the image is called `{image}`; its version is taken all the same")]
    OtherImage {
        /// The changelog.
        path: String,
        /// What its heading says.
        says: String,
        /// Name of the dir's image.
        image: String,
    },
    /// A `devops` that is a link to nothing.
    #[error("`{path}` is a link that leads nowhere{}", .sub_repo.as_ref().map(|path| format!(": sub-repo `{path}` is not populated")).unwrap_or_default())]
    Dangling {
        /// The link.
        path: String,
        /// The sub-repo that it leads into, where that is not populated.
        sub_repo: Option<String>,
    },
    /// A changelog that states no version.
    #[error("`{path}` states no version: {reason}; 0.1.0 is taken")]
    Changelog {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
}

fn others(known: &[String]) -> String {
    if known.is_empty() { String::new() } else { format!("; there are `{}`", known.join("`, `")) }
}

impl Problem {
    /// The next command to type, where there is a good one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotPopulated { path } => Some(format!("git submodule update --init --recursive -- {path}")),
            Self::Dangling { sub_repo, .. } => {
                sub_repo.as_ref().map(|path| format!("git submodule update --init --recursive -- {path}"))
            }
            Self::ForeignRepo { path } => Some(format!("git submodule add <url> {path}")),
            Self::RepoUnreadable { .. }
            | Self::ConfigUnreadable { .. }
            | Self::NoExporter { .. }
            | Self::NoImage { .. }
            | Self::NotSearched { .. }
            | Self::BothLayouts { .. }
            | Self::NoEffect { .. }
            | Self::NoImageName { .. }
            | Self::OtherImage { .. }
            | Self::Changelog { .. } => None,
        }
    }
}

impl WorkspaceError {
    /// The next command to type, or what to change.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Place(error) => Some(error.hint()),
            Self::Config(error) => error.hint(),
            Self::Wharf(wrong) => Some(wrong.hint()),
            Self::Address(_) => Some("addresses start at the super-repo's root; see them with `wharf ls`".into()),
            Self::Unreadable { .. } => None,
            Self::Name { place, .. } => Some(format!("set another `[image] name` in `{place}`")),
            Self::SameName { second, .. } => {
                Some(format!("give one of them another `[image] name`, for example in `{second}/devops/wharf.toml`"))
            }
            Self::FromMissing { nearest, .. } | Self::NotRunnable { nearest, .. } => match nearest.as_slice() {
                [] => Some("see all with `wharf ls`".into()),
                some => Some(format!("the nearest ones are {}; see all with `wharf ls`", listed(some))),
            },
            Self::FromCycle { path } => {
                path.first().map(|dir| format!("give one of them an `[image] base` instead, for example `{dir}`"))
            }
            Self::NoDirs { problems, .. } => Some(match problems.iter().find_map(Problem::hint) {
                Some(command) => format!("a sub-repo may hold some: `{command}`"),
                None => {
                    "`wharf init` makes the Python projects here runnable, `wharf new DIR` makes one; or look at `wharf demo`".into()
                }
            }),
        }
    }
}

fn listed(addresses: &[Address]) -> String {
    addresses.iter().map(|address| format!("`{address}`")).collect::<Vec<_>>().join(", ")
}
