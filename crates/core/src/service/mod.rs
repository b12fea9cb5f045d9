//! Services: containers that commands and tests of a runnable dir need beside their own, such as a database.
//!
//! Owns which services somebody asks for and in which order they start ([`plan`]), starting them on a network of
//! their own until they are ready ([`start`](fn@start)), what of them runs, and their end. Refuses to know what they are needed for.
//!
//! # Theory of operation
//! Every run makes a network of its own, named after the workspace, the dir and the process, and starts its services in it,
//! each under its own name. Nobody else is in that network, so two runs never meet; no port of the host is taken unless
//! the configuration says so. The containers carry the labels of all containers that Wharf starts, so a killed run's are found
//! and removed like any other. Docker's networks know names; for Podman, which may lack that, addresses are handed to
//! each container that starts.

mod compose;
mod error;
mod image;
mod plan;
mod ready;
mod rendered;
mod shared;
mod spec;
mod start;
mod started;
mod up;

pub use error::{NotReady, ServiceError};
pub use plan::{Planned, ServicePlan, identity, plan};
pub use shared::share;
pub use start::{Lifetime, Lines, Order, check, client, lines, start};
pub use started::{Died, Service, Started};
pub use up::{DownPlan, plan_down, reach, running_up, up_network};
