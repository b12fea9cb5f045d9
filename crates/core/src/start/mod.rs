//! How a repo begins: which of its folders could be runnable dirs (`wharf init`), and fresh ones from templates (`wharf new`).
//!
//! Owns the look at a repo that Wharf does not know yet, the few files that make it a workspace, and templates. Refuses to
//! replace a file, to run anything of the user's, and to touch other repos inside of this one.
//!
//! [`survey()`] reads the work tree once; [`plan()`] decides from that alone; [`NewFiles::apply`] writes. Each file is linked into
//! place whole and only where there is none, so that two at once, or a second time, lose nothing.
//!
//! | on disk | file |
//! | --- | --- |
//! | `pyproject.toml`, `setup.cfg`, `.python-version`, tests | `discover.rs`, `python.rs` |
//! | `wharf.toml`, `DIR/devops/wharf.toml`, `DIR/changelog.txt` | `plan.rs`, `texts.rs` |
//! | `templates/NAME/` of a repo, and those embedded in the binary | `template.rs`, `built_in.rs` |

mod apply;
mod built_in;
mod discover;
mod error;
mod fresh;
mod name;
mod plan;
mod python;
mod template;
#[cfg(test)]
mod tests;
mod texts;

pub use apply::{NewFile, NewFiles};
pub use discover::{Folder, Marker, Survey, survey};
pub use error::StartError;
pub use fresh::{Fresh, Wanted, plan_dir};
pub use name::check as check_name;
pub use plan::{LeftOut, Plan, Proposal, Reason, Setting, plan};
pub use python::{Base, Chosen};
pub use template::{TEMPLATES, Template, find, list};
