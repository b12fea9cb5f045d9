//! What the user wants: `wharf.toml` files, `WHARF_*` variables and flags, laid over each other.
//!
//! Owns the table of every key ([`schema`]), the reading of one source into a checked [`Layer`], the laying of
//! layers over each other into [`Resolved`] (each value with its [`Origin`]), and the typed [`Config`] that the
//! rest of core works with. Refuses to find files, read variables or know where the user stands: these are
//! passed in.
//!
//! # Theory of operation
//! Every source becomes a flat list of `path → value`. A table of named things (`build.secrets`, `python.groups`)
//! becomes one path for each name, so that "a key overrides the same key wholly, named things merge by name" is
//! nothing but a map insertion, weakest layer first. All checks happen when a layer is read, against the schema,
//! so a file's problems are reported together with file, line and the nearest correct spelling; what is resolved
//! is known to be well formed.
//!
//! | weakest first | where |
//! | --- | --- |
//! | [`LayerKind::Defaults`] | `defaults.toml`, embedded |
//! | [`LayerKind::User`] | `~/.config/wharf/config.toml` |
//! | [`LayerKind::Exported`] | `[exports.defaults]` of sub-repos |
//! | [`LayerKind::Older`] | `repo_config.yaml` and what lies in `devops`, see [`older`] |
//! | [`LayerKind::SuperRepo`] | `wharf.toml` at the super-repo's root |
//! | [`LayerKind::SubRepo`] | `wharf.toml` at a sub-repo's root, outer ones first |
//! | [`LayerKind::RunnableDir`] | `devops/wharf.toml` |
//! | [`LayerKind::Variables`] | `WHARF_*` |
//! | [`LayerKind::Flags`] | the command line |

mod capability;
mod check;
mod ci;
mod duration;
mod error;
mod exports;
mod form;
mod hint;
mod keys;
mod layer;
mod layout;
mod listed;
mod mask;
mod merge;
mod nested;
pub mod older;
mod origin;
mod outside;
mod reference;
mod render;
pub mod schema;
mod services;
pub mod setenv;
mod site;
mod size;
mod suggest;
mod suites;
mod tasks;
mod typed;
mod typed_value;
mod value;

#[cfg(test)]
mod tests;

pub use capability::Capability;
pub use ci::CiConfig;
pub use duration::{format_duration, parse_duration};
pub use error::{ConfigError, Place, Problem, ProblemKind, SourceLine};
pub use exports::{Part, check_exported};
pub use keys::older::OLDER_FILES;
pub use layer::{Entry, Layer, MAX_FILE_BYTES};
pub use layout::{Context, DevPatch, LayoutConfig, Takes};
pub use mask::mask_credentials;
pub use merge::{Resolved, resolve};
pub use nested::{DockerMode, NestedConfig};
pub use older::REPO_CONFIGS;
pub use origin::{LayerKind, Located, Origin, Places, Source};
pub use outside::Flag;
pub use services::{ServiceConfig, ServicesConfig};
pub use setenv::SetenvConfig;
pub use size::parse_size;
pub use suggest::{nearest_path, nearest_word};
pub use suites::SuiteConfig;
pub use typed::{
    BuildConfig, CacheConfig, Config, EngineConfig, GitConfig, ImageConfig, ImageSource, OsConfig, PythonConfig,
    RegistryConfig, RunConfig, SharedCache, TestConfig, ThinEnvConfig, ThinRequirements, WorkspaceConfig,
};
pub use typed_value::{BuildCache, CaCertificates, IndexUrl, Proxy, PythonManager, SecretSource, Variable, Volume};
pub use value::Value;
