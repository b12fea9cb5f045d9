//! Wharf's domain: what a workspace is, which images its runnable dirs need, and what runs in them.
//!
//! Nothing in here prints, exits, reads an environment variable or asks the time: those enter once, in the
//! `wharf-cli` crate. Modules depend on each other in one direction only (`cargo xtask layers` checks it):
//!
//! ```text
//! test_suite → container → image → workspace → {sub_repo, runnable_dir, thin_env} → {config, version} → event
//! release → test_suite → container → image → workspace → {sub_repo, runnable_dir} → {config, version} → event
//! ```
//!
//! | on disk | module |
//! | --- | --- |
//! | `wharf.toml`, `devops/wharf.toml`, `~/.config/wharf/config.toml` | [`config`] |
//! | `changelog.txt` | [`version`] |
//! | `.gitmodules`, `.git` | [`sub_repo`] |
//! | a `devops` folder | [`runnable_dir`] |
//! | Git's own folders and `.gitmodules`, where they are changed | [`repos`] |
//! | `dev_scripts_<name>/requirements.txt`, `envs/` in the user's data folder | [`thin_env`] |
//! | `.wharf/` | [`workspace`] |
//! | `wharf.files.lock` | [`common_files`] |
//! | `devops/Dockerfile`, lock files | [`image`] |
//! | `.wharf/runs/<n>/` | [`test_suite`] |
//! | `templates/` of a repo | [`start`] |
//! | `.wharf/release/` | [`release`] |
//! | the files of the older layout, where they are replaced | [`adopt`] |

pub mod adopt;
pub mod ci;
pub mod common_files;
pub mod config;
pub mod container;
pub mod dependency;
pub mod event;
pub mod generated;
pub mod graph;
pub mod ide;
pub mod image;
pub mod release;
pub mod repos;
pub mod runnable_dir;
pub mod service;
pub mod shell_env;
pub mod start;
pub mod sub_repo;
pub mod task;
pub mod test_suite;
pub mod thin_env;
pub mod version;
pub mod workspace;
