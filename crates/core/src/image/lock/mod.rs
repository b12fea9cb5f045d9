//! Locks: which versions of Python packages an image gets, resolved where they will be installed.
//!
//! Owns the writing of `uv.lock`, `poetry.lock`, `devops/requirements.lock` and `pip_list.txt`. Refuses to touch what people
//! write (`pyproject.toml`, requirements files), and to resolve anything itself: the dir's own manager does.
//!
//! [`target`] finds what there is to lock. [`stage`] copies what the manager needs into a temporary folder. [`room`] is where the
//! manager runs: a container of the image's own first stages, or the host with the interpreter of that version. [`uv`],
//! [`poetry`] and [`pip`] each know one manager; [`built`] takes the locks out of an image whose own Dockerfile makes them. [`resolve`] puts them together and gives a [`Resolution`], a plain value;
//! [`apply`] writes it.

mod apply;
mod built;
mod error;
mod pins;
mod pip;
mod poetry;
mod resolve;
mod room;
mod stage;
mod target;
mod tools;
mod uv;

pub use apply::apply;
pub use built::TEMPORARY;
pub use error::LockError;
pub use resolve::{Order, Resolution, Upgrade, resolve};
pub use target::{LIST, Target, target};
