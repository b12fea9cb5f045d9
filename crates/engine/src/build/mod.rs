//! Building images, always with BuildKit on Docker and with Podman's own builder on Podman.
//!
//! Which way is taken is found out, never assumed: `docker buildx` where the plugin is, else a session of our own over
//! the engine's API where it is on a local socket, else a client older than 23 with `DOCKER_BUILDKIT=1`.

mod bases;
mod program;
mod session;
mod status;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::client::Client;
use crate::error::EngineError;
use crate::kind::Kind;
use crate::platform::Platform;

/// An image to build. The context is a folder that holds exactly what the build needs.
#[derive(Debug, Clone)]
pub struct BuildSpec {
    /// Folder that is sent to the builder.
    pub context: PathBuf,
    /// The Dockerfile, relative to the context.
    pub dockerfile: String,
    /// Stage of the Dockerfile to build.
    pub target: Option<String>,
    /// Name and tag that the image gets.
    pub tag: String,
    /// Labels that the image gets.
    pub labels: BTreeMap<String, String>,
    /// Build arguments, shown to all.
    pub args: BTreeMap<String, String>,
    /// Secrets: id and the file that holds the value.
    pub secrets: BTreeMap<String, PathBuf>,
    /// Platform that the image is for; `None`: whatever the engine makes of it.
    pub platform: Option<Platform>,
    /// Time of all that the build writes, in seconds since 1970; Podman alone can do that.
    pub timestamp: Option<i64>,
    /// Whether each step runs anew, whatever earlier builds left.
    pub no_cache: bool,
}

/// A build that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum BuildFailure {
    /// The engine itself failed or refused.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A step of the Dockerfile failed.
    #[error("{summary}")]
    Step {
        /// The builder's own one-line summary.
        summary: String,
        /// The last lines of the failing step's output.
        tail: Vec<String>,
    },
}

/// Which way images are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builder {
    /// `docker buildx build`.
    Buildx,
    /// `docker build` of a client older than 23, with `DOCKER_BUILDKIT=1`.
    LegacyClient,
    /// A BuildKit session over the engine's API.
    Session,
    /// `podman build`.
    Podman,
}

impl Builder {
    /// One line for people.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Buildx => "BuildKit through `docker buildx`",
            Self::LegacyClient => "BuildKit through `docker build` with DOCKER_BUILDKIT=1",
            Self::Session => "BuildKit through the engine's API",
            Self::Podman => "Podman's own builder",
        }
    }
}

impl Client {
    /// Finds out how images can be built here.
    ///
    /// # Errors
    /// When Docker is remote and its client can do no BuildKit.
    pub fn builder(&self) -> Result<Builder, EngineError> {
        if self.kind() == Kind::Podman {
            return Ok(Builder::Podman);
        }
        if program::has_buildx(self) {
            return Ok(Builder::Buildx);
        }
        if self.socket().is_some() {
            return Ok(Builder::Session);
        }
        if program::client_is_older_than_23(self) {
            return Ok(Builder::LegacyClient);
        }
        Err(EngineError::Refused {
            kind: self.kind(),
            verb: "build with BuildKit".into(),
            detail: "this client has no buildx plugin and the engine is not on a local socket".into(),
        })
    }

    /// Builds an image and puts it into the engine; `on_line` gets the builder's log line by line.
    ///
    /// # Errors
    /// [`BuildFailure::Step`] when the Dockerfile fails, [`BuildFailure::Engine`] when the engine does, or when it cannot
    /// build for the platform.
    pub fn build(
        &self,
        builder: Builder,
        spec: &BuildSpec,
        on_line: &(dyn Fn(&str) + Sync),
    ) -> Result<(), BuildFailure> {
        let pinned = bases::pin(self, builder, spec, on_line).map_err(|failure| bases::explain(self, spec, failure))?;
        let spec = &*pinned;
        let built = match builder {
            Builder::Session => session::build(self, spec, on_line),
            other => program::build(self, other, spec, on_line),
        };
        built.map_err(|failure| bases::explain(self, spec, failure))
    }
}
