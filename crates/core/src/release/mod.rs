//! Releases: a version of a dir's image goes to all registries, tested, and gets its Git tag. And back: rollback.
//!
//! A release is a row of [`Step`]s. What each has brought about is written down in a [`Record`] before the next one starts,
//! so that after any stop the same command goes on. A record is never trusted alone: `standing` looks at what it says,
//! cheaply, and opens the first step that no longer holds with all that follow.
//!
//! Order of things, and why: nothing is sent before tests have passed; every registry has the version before it is read
//! back; every registry's is read back before any floating tag moves; the Git tag comes last, since it says that all of
//! this is done.
//!
//! [`plan`] looks and changes nothing; [`run`] does what is open. Refuses to print and to know how tests are shown: they
//! are run by the caller, with what [`Suite`] says.

mod adopt;
mod error;
mod ground;
mod images;
mod plan;
mod publish;
mod record;
mod rollback;
mod run;
mod step;
mod suite;

pub use error::ReleaseError;
pub use plan::{Planned, plan};
pub use record::{Passed, Record};
pub use rollback::{Move, Rollback, Way as RollbackWay, left_behind, move_back, plan_rollback};
pub use run::{Told, Tools, run};
pub use step::{Standing, Step};
pub use suite::{RunSuite, Suite, Where};

use wharf_engine::{Client, Platform, Repository};

use crate::image::{Place, Stage, StageWish};
use crate::runnable_dir::RunnableDir;
use crate::workspace::{StateDir, Workspace};

/// What is to be released.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The workspace.
    pub workspace: &'a Workspace,
    /// The engine that builds and sends.
    pub place: &'a Place,
    /// Its client.
    pub client: &'a Client,
    /// The dir.
    pub dir: &'a RunnableDir,
    /// `dev` or `prod`.
    pub stage: Stage,
    /// Where records are.
    pub state: &'a StateDir,
    /// What `wharf version check` has against the version, a line each.
    pub findings: &'a [String],
}

impl Request<'_> {
    /// The tag in registries, `dev-1.2.0`.
    #[must_use]
    pub fn tag(&self) -> String {
        self.stage.tag_of(self.dir, "", &self.dir.version)
    }

    /// The Git tag, `infra-1.2.0`.
    #[must_use]
    pub fn git_tag(&self) -> String {
        format!("{}-{}", self.dir.name, self.dir.version)
    }

    /// The platforms that are released: those of `platforms` in `[image]`, else the engine's own.
    ///
    /// # Errors
    /// When the engine does not say which one is its own.
    pub fn platforms(&self) -> Result<Vec<Platform>, ReleaseError> {
        let mut platforms = self.dir.config.image.platforms.clone();
        if platforms.is_empty() {
            platforms.push(self.client.native_platform()?);
        }
        platforms.dedup();
        Ok(platforms)
    }

    /// The platform on which tests run: the engine's own where it is one of them.
    ///
    /// # Errors
    /// When the engine does not say which one is its own.
    pub fn tested_platform(&self) -> Result<Platform, ReleaseError> {
        let (platforms, native) = (self.platforms()?, self.client.native_platform()?);
        Ok(platforms.iter().copied().find(|platform| *platform == native).unwrap_or(platforms[0]))
    }

    /// Where it goes.
    ///
    /// # Errors
    /// When there is none, or no registry accepts the name.
    pub fn repositories(&self) -> Result<Vec<Repository>, ReleaseError> {
        let mut found: Vec<Repository> = Vec::new();
        for registry in &self.dir.config.registry.push {
            let repository = crate::image::registry::repository(registry, &self.dir.name)?;
            if !found.contains(&repository) {
                repository.tag(&self.tag())?;
                found.push(repository);
            }
        }
        if found.is_empty() {
            return Err(ReleaseError::NoRegistry { dir: self.dir.address.to_string() });
        }
        Ok(found)
    }

    /// What builds make for it.
    fn build_wish(&self) -> StageWish {
        match self.stage {
            Stage::Prod => StageWish::BuildProd,
            _ => StageWish::Only(Stage::Local),
        }
    }
}
