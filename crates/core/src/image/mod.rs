//! Images of runnable dirs: what is in them, when one can be used again, how one is made.
//!
//! Owns the generated Dockerfile, the build context, the inputs hash, the choice between images that are here, in a
//! registry, or to be built, and the environments that stand in for images on the host engine. Refuses to start
//! containers.
//!
//! [`spec`] reads what decides an image; [`dockerfile`] writes its recipe (pure); [`choice`] says which image will do
//! (pure); [`ensure`] makes it so, [`plan`] says what it would do. [`past`] reads the same at an earlier commit; [`stale`]
//! says when an image and the checkout have drifted apart.

pub mod build;
pub mod choice;
pub mod code;
pub mod context;
pub mod copies;
pub mod dockerfile;
pub mod eject;
pub mod ensure;
pub mod error;
pub mod host;
pub mod list;
pub mod past;
pub mod pin;
pub mod place;
pub mod plan;
pub mod prod;
pub mod project;
pub mod python;
pub mod secrets;
pub mod site;
pub mod spec;
pub mod stage;
pub mod stale;

pub use choice::{Choice, StageWish};
pub use ensure::{Ready, ensure};
pub use error::ImageError;
pub use place::Place;
pub use spec::ImageSpec;
pub use stage::Stage;
