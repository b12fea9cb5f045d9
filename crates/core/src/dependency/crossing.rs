//! Imports that cross from one runnable dir into another, and whether they were declared.
//!
//! A dir's code runs in the dir's image, where what other dirs' code needs may be missing. So a use of their code is
//! declared: by `uses` in the dir's `[python]` table, or because both use one image (`image.from`), which then holds what
//! both need. Code that belongs to no runnable dir is free for all.

use super::graph::{FileId, Graph, Link};
use crate::runnable_dir::RunnableDir;
use crate::workspace::Workspace;

/// An import in one runnable dir of a file in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crossing {
    /// The dir that imports, by place in `Workspace::dirs`.
    pub from_dir: usize,
    /// The dir whose code it is.
    pub to_dir: usize,
    /// The file that imports.
    pub file: FileId,
    /// What it imports.
    pub link: Link,
    /// Whether the use was declared.
    pub declared: Declared,
}

/// Whether a use of another dir's code was declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Declared {
    /// It was not.
    No,
    /// By `python.uses`.
    Uses,
    /// Both dirs use one image.
    SameImage,
}

impl Declared {
    /// The words that people and JSON read.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Uses => "uses",
            Self::SameImage => "same image",
        }
    }
}

/// All imports that cross, by importing file and line.
#[must_use]
pub fn crossings(workspace: &Workspace, graph: &Graph) -> Vec<Crossing> {
    let mut found = Vec::new();
    for file in graph.files() {
        let Some(from_dir) = graph.holder(file) else { continue };
        for link in graph.imports_of(file).iter().filter(|link| link.why.is_named()) {
            let Some(to_dir) = graph.holder(link.to).filter(|to| *to != from_dir) else { continue };
            let declared = declared(workspace, &workspace.dirs[from_dir], &workspace.dirs[to_dir]);
            found.push(Crossing { from_dir, to_dir, file, link: *link, declared });
        }
    }
    found
}

fn declared(workspace: &Workspace, from: &RunnableDir, to: &RunnableDir) -> Declared {
    let named = |text: &String| {
        let text = text.trim_start_matches("//").trim_end_matches('/');
        text == to.address.as_str() || (to.address.is_root() && matches!(text, "" | "."))
    };
    if from.config.python.uses.iter().any(named) {
        return Declared::Uses;
    }
    match (workspace.image_owner(from), workspace.image_owner(to)) {
        (Ok(one), Ok(other)) if one.address == other.address => Declared::SameImage,
        _ => Declared::No,
    }
}
