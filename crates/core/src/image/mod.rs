//! Images of runnable dirs: what is in them, when one can be used again, how one is made.
//!
//! Owns the generated Dockerfile, the build context, the inputs hash, the choice between images that are here, in a
//! registry, or to be built, and the environments that stand in for images on the host engine. Refuses to start
//! containers.
//!
//! [`spec`] reads what decides an image; [`dockerfile`] writes its recipe (pure); [`choice`] says which image will do
//! (pure); [`ensure`] makes it so, [`plan`] says what it would do. [`past`] reads the same at an earlier commit; [`stale`]
//! says when an image and the checkout have drifted apart. [`lock`] has the dir's manager decide versions; [`packages`] reads what
//! an image really holds, [`diff`] compares two. [`push`] and [`pull`] carry images to registries and back.

mod brought;
pub mod build;
pub mod change;
pub mod choice;
pub mod code;
pub mod context;
pub mod copies;
pub mod diff;
pub mod dockerfile;
pub mod eject;
pub mod ensure;
pub mod error;
mod folder;
pub mod host;
pub mod inspect;
mod instruction;
pub mod known;
pub mod list;
pub mod lock;
pub mod packages;
pub mod past;
pub mod pin;
pub mod place;
pub mod plan;
pub mod platform;
pub mod prod;
pub mod project;
pub mod promote;
pub mod pull;
pub mod push;
pub mod python;
pub mod registry;
pub mod remove;
pub mod secrets;
pub mod site;
pub mod spec;
pub mod stage;
pub mod stale;
pub mod tested;

pub use choice::{Choice, StageWish};
pub use ensure::{Ready, ensure};
pub use error::ImageError;
pub use place::Place;
pub use platform::WantedPlatform;
pub use spec::ImageSpec;
pub use stage::Stage;
