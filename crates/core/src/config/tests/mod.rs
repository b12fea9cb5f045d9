//! Tests of the configuration.

mod defaults;
mod errors;
mod exports;
mod forms;
mod masking;
mod merging;
mod outside;
mod typed;

use std::path::Path;

use super::{ConfigError, Layer, LayerKind};

/// Reads `text` as the file that such a layer has.
fn read(kind: LayerKind, text: &str) -> Result<Layer, ConfigError> {
    let path = match kind {
        LayerKind::User => "/home/me/.config/wharf/config.toml",
        LayerKind::SubRepo => "libs/wharf.toml",
        LayerKind::RunnableDir => "infra/devops/wharf.toml",
        _ => "wharf.toml",
    };
    Layer::from_toml(kind, Path::new(path), text.as_bytes())
}

fn layer(kind: LayerKind, text: &str) -> Layer {
    read(kind, text).unwrap_or_else(|error| panic!("{error}"))
}

/// The message about a runnable dir's file.
fn error(text: &str) -> ConfigError {
    read(LayerKind::RunnableDir, text).expect_err("the file is bad")
}
