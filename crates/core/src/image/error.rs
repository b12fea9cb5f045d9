//! Why an image cannot be had.

use std::path::PathBuf;

use wharf_engine::host::HostError;
use wharf_engine::{EngineError, RegistryError};
use wharf_git::GitError;

use super::{project, python};

/// Why an image cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// What the dir needs cannot be read.
    #[error("the Python dependencies of `{dir}` cannot be read: {source}")]
    Python {
        /// Address of the dir.
        dir: String,
        /// What is wrong with them.
        source: python::Error,
    },
    /// A file that the image is made from is missing or cannot be read.
    #[error("`{}`, which the image of `{dir}` needs, cannot be read: {source}", .file.display())]
    File {
        /// Address of the dir.
        dir: String,
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A base image that is to come from a sub-repo, which does not export it or is not here.
    #[error("the base image `{base}` of `{dir}` is exported by no sub-repo here")]
    NotExported {
        /// Address of the dir.
        dir: String,
        /// The address of the image.
        base: String,
    },
    /// A path in the dir's own Dockerfile or config leads out of the dir.
    #[error("`{path}`, which the image of `{dir}` copies, is outside of the dir")]
    Outside {
        /// Address of the dir.
        dir: String,
        /// The path as it is written.
        path: String,
    },
    /// A link that leads out of the workspace.
    #[error(
        "`{}`, which the image of `{dir}` needs, leads out of the workspace, to `{}`", .link.display(), .to.display()
    )]
    LeadsOut {
        /// Address of the dir.
        dir: String,
        /// The link, from the super-repo's root.
        link: PathBuf,
        /// Where it leads.
        to: PathBuf,
    },
    /// A device, a pipe or a folder where a file is needed.
    #[error("`{}`, which the image of `{dir}` needs, is no regular file", .path.display())]
    NoFile {
        /// Address of the dir.
        dir: String,
        /// Its path.
        path: PathBuf,
    },
    /// A link that leads nowhere.
    #[error(
        "`{path}`, which the image of `{dir}` needs, is a link that leads nowhere{}",
        .sub_repo.as_ref().map(|path| format!(": sub-repo `{path}` is not populated")).unwrap_or_default()
    )]
    Dangling {
        /// Address of the dir.
        dir: String,
        /// The link, from the super-repo's root.
        path: String,
        /// The sub-repo that it leads into, where that is not populated.
        sub_repo: Option<String>,
    },
    /// There is an own Dockerfile for the dev image and none for the prod image.
    #[error("`{dir}` has no Dockerfile for a prod image: `{}` makes the dev image alone", .file.display())]
    NoProdDockerfile {
        /// Address of the dir.
        dir: String,
        /// The Dockerfile of the dev image.
        file: PathBuf,
    },
    /// A prod image that starts from the dev image of its version, which is not here.
    #[error("the prod image of `{dir}` starts from `{wanted}`, which is not here")]
    NoDev {
        /// Address of the dir.
        dir: String,
        /// Name and tag of the dev image.
        wanted: String,
    },
    /// The dir's own Dockerfile lacks a target.
    #[error("`{}` has no target `{target}`", .file.display())]
    NoTarget {
        /// The Dockerfile.
        file: PathBuf,
        /// The target that is missing.
        target: &'static str,
    },
    /// A secret of the build cannot be had.
    #[error("build secret `{name}` of `{dir}` cannot be had: {reason}")]
    Secret {
        /// Address of the dir.
        dir: String,
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// The engine failed or refused.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A step of the build failed.
    #[error("the image of `{dir}` could not be built: {summary}{}", tail(.lines))]
    Build {
        /// Address of the dir.
        dir: String,
        /// The builder's summary.
        summary: String,
        /// The last lines of the failing step.
        lines: Vec<String>,
        /// The whole log.
        log: PathBuf,
    },
    /// The environment that stands in for an image could not be made.
    #[error("the environment of `{dir}` could not be made: {source}")]
    Host {
        /// Address of the dir.
        dir: String,
        /// Why not.
        source: Box<HostError>,
    },
    /// The host engine cannot do it.
    #[error("engine `host` cannot {what}")]
    HostCannot {
        /// What was asked.
        what: String,
    },
    /// The image that was asked for by stage or version is not here and not in the registry.
    #[error("runnable dir `{dir}` needs image `{wanted}`, {found}")]
    NotHere {
        /// Address of the dir.
        dir: String,
        /// Its name and tag.
        wanted: String,
        /// What there is instead.
        found: String,
    },
    /// No image of that name or id is here, and no runnable dir has that address.
    #[error("there is no image and no runnable dir `{text}`")]
    NoImage {
        /// As it was written.
        text: String,
    },
    /// The image that the dir's commands would run in is not made yet.
    #[error("the image of `{dir}` is not made yet")]
    NotMade {
        /// Address of the dir.
        dir: String,
    },
    /// The registry failed or refused.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// An image is not for the platform that its name and label say.
    #[error("image `{reference}` says that it is for {said}, but it is for {is}")]
    OtherPlatform {
        /// The image.
        reference: String,
        /// What its label says.
        said: String,
        /// What its config says.
        is: String,
    },
    /// The version is in a registry already, with other content.
    #[error("`{}` is there already with other content for {}: {} there, {} here", .0.reference, .0.platform, .0.there, .0.here)]
    VersionTaken(Box<Taken>),
    /// The metadata of the dir's own package cannot be read.
    #[error("the package in `{dir}` cannot be read: {source}")]
    Project {
        /// Address of the dir.
        dir: String,
        /// What is wrong with it.
        source: Box<project::Error>,
    },
    /// Git does not say what it tracks.
    #[error("what Git tracks here, which is the code of a prod image, cannot be read")]
    Git(#[from] GitError),
    /// The code or the base was changed while the image was built from it.
    #[error("the code of `{dir}` was changed while its image was built")]
    Moved {
        /// Address of the dir.
        dir: String,
    },
    /// The prod image of the checkout is not here and not in the registry.
    #[error("runnable dir `{dir}` needs image `{wanted}`, {found}")]
    NoProd {
        /// Address of the dir.
        dir: String,
        /// Its name and tag.
        wanted: String,
        /// What there is instead.
        found: String,
    },
    /// What tests need beside a prod image could not be taken from the dev image.
    #[error("the test tools for the prod image of `{dir}` could not be taken from its dev image: {detail}")]
    TestTools {
        /// Address of the dir.
        dir: String,
        /// What went wrong.
        detail: String,
    },
    /// The dir has a Dockerfile of its own already.
    #[error("`{}` is there already", .file.display())]
    OwnDockerfile {
        /// Address of the dir.
        dir: String,
        /// The Dockerfile.
        file: PathBuf,
    },
    /// Files of the build could not be written.
    #[error("the files of a build could not be written: {0}")]
    Io(#[from] std::io::Error),
}

/// A version that is in a registry with other content than here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Address of the dir.
    pub dir: String,
    /// The version's tag in the registry.
    pub reference: String,
    /// The platform whose image differs.
    pub platform: String,
    /// Id of the image that is here.
    pub here: String,
    /// Id of the image that is there.
    pub there: String,
}

fn tail(lines: &[String]) -> String {
    lines.iter().rev().take(15).rev().fold(String::new(), |text, line| format!("{text}\n  | {line}"))
}

impl ImageError {
    /// The error in one line, for tables and reports: a failed build as the last error that it printed.
    #[must_use]
    pub fn brief(&self) -> String {
        let line = match self {
            Self::Build { summary, lines, .. } => {
                // Podman's own last line repeats the step and says no more than that it failed.
                let said = || lines.iter().rev().filter(|line| !line.starts_with("Error: building at STEP"));
                let telling = said().find(|line| line.to_lowercase().contains("error")).or(said().next());
                format!("its image could not be built: {}", telling.unwrap_or(summary))
            }
            Self::Host { source, .. } => format!("its environment could not be made: {source}"),
            other => other.to_string(),
        };
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        if line.chars().count() <= 200 { line } else { line.chars().take(199).chain(['…']).collect() }
    }

    /// The whole log, where there is one.
    #[must_use]
    pub fn log(&self) -> Option<&std::path::Path> {
        match self {
            Self::Build { log, .. } => Some(log),
            _ => None,
        }
    }

    /// The next command to type, or what to change.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Python { source, .. } => source.hint(),
            Self::Engine(error) => error.hint(),
            Self::Registry(error) => error.hint(),
            Self::VersionTaken(taken) => Some(format!(
                "a version never changes: give this one a new number with `wharf version bump {}`",
                taken.dir
            )),
            Self::Build { log, .. } => Some(format!("the whole log is in `{}`", log.display())),
            Self::Host { source, .. } => source.hint(),
            Self::HostCannot { .. } => Some("use `--engine docker` or `--engine podman`".into()),
            Self::NotHere { dir, .. } => Some(format!(
                "leave out `--stage` and `--version` to use one that is built from the checkout of `{dir}`"
            )),
            Self::Dangling { sub_repo: Some(path), .. } => {
                Some(format!("populate it with `git submodule update --init --recursive -- {path}`"))
            }
            Self::Dangling { sub_repo: None, .. } => Some("mend the link or remove it".into()),
            Self::NoProdDockerfile { dir, .. } => Some(format!(
                "write `{dir}/devops/docker_build/prod.Dockerfile`, or name another with `[image] prod-dockerfile`"
            )),
            Self::NoDev { dir, .. } => Some(format!("make it with `wharf image promote {dir}`")),
            Self::NoTarget { target, .. } => Some(format!("name one of its stages: `FROM … AS {target}`")),
            Self::NotExported { base, .. } => {
                let owner = base.trim_start_matches("//").rsplit_once(':').map_or(base.as_str(), |(path, _)| path);
                Some(format!(
                    "see whether it is populated with `wharf repo status {owner}`, and what it states in `[exports.images]`"
                ))
            }
            Self::LeadsOut { .. } => {
                Some("put a copy of it where the link is, or leave the link out with the ignore file".into())
            }
            Self::NoFile { .. } => Some("copy files alone".into()),
            Self::Outside { .. } => Some("copy only what lies below the runnable dir".into()),
            Self::Secret { .. } => Some("see `[build.secrets]` with `wharf config show --origin`".into()),
            Self::OwnDockerfile { dir, .. } => {
                Some(format!("`wharf image dockerfile {dir}` prints it; move it away to have a fresh one"))
            }
            Self::NoImage { .. } => {
                Some("`wharf image ls` and `wharf ls` list what there is; a version is written `DIR@1.2.3`".into())
            }
            Self::NotMade { dir } => Some(format!("make it with `wharf image build {dir}`")),
            Self::OtherPlatform { .. } => Some("build it anew for that platform".into()),
            Self::NoProd { dir, .. } => Some(format!("build it with `wharf image build --stage prod {dir}`")),
            Self::Moved { dir } => Some(format!("start again with `wharf image build --stage prod {dir}`")),
            Self::Git(error) => error.hint(),
            Self::TestTools { dir, .. } => {
                Some(format!("see whether its dev image works with `wharf run {dir} -- python3 -V`"))
            }
            Self::File { .. } | Self::Io(_) | Self::Project { .. } => None,
        }
    }
}
