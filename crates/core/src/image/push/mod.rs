//! Sends images to all registries that hold the team's: `wharf image push`.
//!
//! Order of things, for each registry by itself:
//!
//! 1. each platform's image goes up under a tag of its own, `dev-1.2.0-amd64`;
//! 2. the version's tag, `dev-1.2.0`, is written in one step over what is now there: a manifest for one platform, an index for several;
//! 3. what it stands for is read back by digest;
//! 4. only then the floating tag, `dev`, moves.
//!
//! So a version's tag is whole or not there, and after a stop at any point the same command goes on. What a version is for a platform
//! never changes: [`Standing::Other`] is refused before anything is sent anywhere. Platforms may be added.

mod apply;
mod plan;
mod standing;

pub use apply::{Done, Floating, OnMove, Outcome, Reach, Way, float, point, push, refuse};
pub use plan::{Item, Local, Planned, Skip, plan};
pub use standing::{Standing, Target, survey};
