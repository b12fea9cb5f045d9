//! A workspace's graph, drawn: as a tree for terminals, as text for Mermaid and Graphviz, as a picture.
//!
//! All are pure: a graph goes in, text comes out.

mod layout;
pub mod svg;
#[cfg(test)]
mod tests;
pub mod text;
pub mod tree;

use wharf_core::graph::{Node, RepoKind};

/// What tells Wharf its own drawings from other files.
pub const MADE_BY: &str = "made by `wharf graph`";

/// What a node is, in a few words below its name.
fn about(node: &Node) -> String {
    let repo = match node.repo {
        Some(RepoKind::SuperRepo) => Some("super-repo".to_owned()),
        Some(RepoKind::SubRepo) => Some("sub-repo".to_owned()),
        Some(RepoKind::Absent) => Some("sub-repo, not here".to_owned()),
        None => None,
    };
    let dir = node.dir.as_ref().map(|dir| format!("{} {}", dir.image, dir.version));
    [repo, dir].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}
