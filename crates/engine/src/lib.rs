//! Typed verbs over what runs commands: docker, podman, or the host itself.

pub mod host;
