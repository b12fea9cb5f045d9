//! What Wharf's tests stand on: a hermetic environment, real Git repos, sample workspaces, real engines and terminals.
//!
//! Owns everything a test needs that is not the thing under test. Refuses to know Wharf's own types, so that any crate can use
//! it, and to skip: where a real part is missing, the test fails and says which command brings it.
//!
//! ```
//! use wharf_testkit::{Sandbox, sample};
//!
//! let sandbox = Sandbox::new();
//! let repo = sample::workspace(&sandbox)
//!     .dir("infra", |dir| dir.test("test_a.py", "def test_one(): pass\n"))
//!     .build();
//! let output = sandbox.command("git").args(["status", "--short"]).cwd(repo.path()).run();
//! output.assert_code(0);
//! assert_eq!(output.stdout, "");
//! ```
//!
//! | file | what |
//! | --- | --- |
//! | `sandbox.rs` | the temporary home and the cleared environment |
//! | `command.rs`, `running.rs`, `output.rs` | a program under test: how it starts, while it runs, what it said |
//! | `terminal.rs` | the same inside a pseudo-terminal |
//! | `browser.rs` | headless Chromium, for pages |
//! | `repo.rs` | Git repos |
//! | `cache_server.rs` | a WebDAV server that can be unwell |
//! | `git_server.rs` | real Git servers on loopback |
//! | `sample.rs` | super-repos with runnable dirs |
//! | `older.rs` | a super-repo laid out the older way, without any `wharf.toml` |
//! | `real_repo.rs` | a super-repo of published projects |
//! | `registry.rs` | a registry, with a password, TLS, or a small disk |
//! | `engines.rs` | which engines to test with, and their images |
//! | `platforms.rs` | which platforms to test with, and their images |
//! | `tools.rs` | programs from PyPI and npm that judge what Wharf writes |
//! | `place.rs` | where things shared between tests are |

#![allow(clippy::missing_panics_doc, reason = "failing a test is what these functions do")]

mod browser;
mod cache_server;
mod command;
mod engines;
mod git_server;
pub mod older;
mod output;
mod place;
mod platforms;
mod real_repo;
mod registry;
mod repo;
mod running;
pub mod sample;
mod sandbox;
mod terminal;
mod tools;

pub use browser::{Browser, Colours};
pub use cache_server::{CacheServer, Lie, Mood};
pub use command::WharfCommand;
pub use engines::{EngineKind, base_image, empty_image, engines, require, services_image};
pub use git_server::{Access, GitServer};
pub use output::Output;
pub use place::{repo_root, target_dir};
pub use platforms::{foreign_platform, machine, native_platform, tiny_image};
pub use real_repo::{RealProject, real_repo};
pub use registry::Registry;
pub use repo::Repo;
pub use running::Running;
pub use rustix::process::Signal;
pub use sandbox::Sandbox;
pub use terminal::Terminal;
pub use tools::{check_jsonschema, devcontainers_cli};
