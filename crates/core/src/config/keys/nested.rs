//! The keys of `[run]` about warm containers and engines in containers.

use super::key;
use crate::config::form::Form;
use crate::config::schema::{Key, Kind};

/// All of them, in the order of the reference.
pub(super) const NESTED_KEYS: &[Key] = &[
    key(
        "run.warm",
        Kind::Text(Form::DurationOrNone),
        "How long the container of `wharf run` and `wharf bash` is kept for the next one; tests never use it",
    )
    .default(r#""none""#)
    .example(r#""30m""#),
    key(
        "run.docker",
        Kind::Text(Form::Choice(&["none", "sibling", "child"])),
        "Whether containers can start containers: with the engine of the host, or with one of their own inside",
    )
    .default(r#""none""#)
    .example(r#""sibling""#),
    key(
        "run.child-privileged",
        Kind::Boolean,
        "Whether a container with an engine of its own is privileged, instead of having only what Docker needs",
    )
    .default("false")
    .example("true"),
];
