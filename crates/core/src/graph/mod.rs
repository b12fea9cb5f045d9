//! What is in a workspace and how it hangs together, as a graph: repos, runnable dirs, images, imports.
//!
//! Owns which nodes and edges there are and how they are named. Refuses to know how they are drawn, and to find imports out:
//! those are handed in. Pure: nothing is read.

use serde::Serialize;

use crate::runnable_dir::{Address, RunnableDir};
use crate::sub_repo::{Repo, State};
use crate::workspace::{Workspace, WorkspaceError};

/// A workspace as nodes and edges. Nodes are in the order of their addresses, what holds others before these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Graph {
    /// Repos and runnable dirs.
    pub nodes: Vec<Node>,
    /// Images, each with its owner.
    pub images: Vec<Image>,
    /// What belongs to what.
    pub edges: Vec<Edge>,
}

/// A repo, a runnable dir, or a repo that is itself one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Its address; `.` for the root.
    pub id: String,
    /// Its own name: the workspace's for the root, else the last part of its path as seen from the node around it.
    pub label: String,
    /// The repo that begins here, if one does.
    pub repo: Option<RepoKind>,
    /// What makes it runnable, if it is.
    pub dir: Option<Dir>,
}

/// Which repo begins at a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RepoKind {
    /// The super-repo.
    SuperRepo,
    /// A sub-repo whose files are here.
    SubRepo,
    /// A sub-repo whose files are not here, or that this user may not read.
    Absent,
}

/// What a runnable dir is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dir {
    /// Its version.
    pub version: String,
    /// Name of the image that it uses.
    pub image: String,
}

/// An image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Image {
    /// Its name, without registry and tag.
    pub name: String,
    /// Address of the dir that it belongs to.
    pub owner: String,
    /// What it is built on, where the dir's own Dockerfile does not say.
    pub base: String,
}

/// What an edge says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EdgeKind {
    /// `from` holds `to`.
    Holds,
    /// `from` uses the image of `to`.
    Image,
    /// Code in `from` imports code in `to`.
    Imports,
}

impl EdgeKind {
    /// The words that people read.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Image => "uses the image of",
            Self::Imports => "imports",
        }
    }
}

/// One node belongs to another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Edge {
    /// Id of the node that it starts from.
    pub from: String,
    /// Id of the node that it leads to.
    pub to: String,
    /// What it says.
    pub kind: EdgeKind,
}

impl Graph {
    /// The graph of a workspace, with the imports between its dirs where they are known: importer, imported.
    ///
    /// # Errors
    /// When an image is taken from a dir that is not there.
    pub fn new(workspace: &Workspace, imports: &[(Address, Address)]) -> Result<Self, WorkspaceError> {
        let mut graph = Self { nodes: nodes(workspace)?, images: Vec::new(), edges: Vec::new() };
        for node in &graph.nodes {
            if let Some(holder) =
                graph.nodes.iter().filter(|other| holds(&other.id, &node.id)).max_by_key(|it| depth(it))
            {
                graph.edges.push(Edge { from: holder.id.clone(), to: node.id.clone(), kind: EdgeKind::Holds });
            }
        }
        for dir in &workspace.dirs {
            if let Some(from) = dir.image_from() {
                // As it is written, though that one may in turn use another's: each step is an edge of its own.
                let owner = workspace.dir(&format!("//{}", from.trim_start_matches("//")))?;
                let (from, to) = (dir.address.to_string(), owner.address.to_string());
                graph.edges.push(Edge { from, to, kind: EdgeKind::Image });
            } else {
                graph.images.push(image(dir));
            }
        }
        let known = |address: &Address| graph.nodes.iter().any(|node| node.id == address.as_str());
        let mut between: Vec<Edge> = imports
            .iter()
            .filter(|(from, to)| from != to && known(from) && known(to))
            .map(|(from, to)| Edge { from: from.to_string(), to: to.to_string(), kind: EdgeKind::Imports })
            .collect();
        between.sort();
        between.dedup();
        graph.edges.extend(between);
        Ok(graph)
    }

    /// The node around `id`, if it is not the outermost one.
    #[must_use]
    pub fn holder(&self, id: &str) -> Option<&str> {
        self.edges.iter().find(|edge| edge.kind == EdgeKind::Holds && edge.to == id).map(|edge| edge.from.as_str())
    }
}

fn nodes(workspace: &Workspace) -> Result<Vec<Node>, WorkspaceError> {
    let mut nodes: Vec<Node> = Vec::new();
    for repo in &workspace.repos {
        let id = if repo.path.is_empty() { ".".to_owned() } else { repo.path.clone() };
        nodes.push(Node { label: id.clone(), id, repo: Some(kind(repo)), dir: None });
    }
    for dir in &workspace.dirs {
        let image = workspace.image_owner(dir)?.name.clone();
        let made = Some(Dir { version: dir.version.to_string(), image });
        match nodes.iter_mut().find(|node| node.id == dir.address.as_str()) {
            Some(node) => node.dir = made,
            None => {
                let id = dir.address.to_string();
                nodes.push(Node { label: id.clone(), id, repo: None, dir: made });
            }
        }
    }
    nodes.sort_by(|a, b| (a.id != ".", parts(&a.id)).cmp(&(b.id != ".", parts(&b.id))));
    let ids: Vec<String> = nodes.iter().map(|node| node.id.clone()).collect();
    for node in &mut nodes {
        let holder = ids.iter().filter(|id| *id != "." && holds(id, &node.id)).max_by_key(|id| id.len());
        if node.id == "." {
            node.label.clone_from(&workspace.name);
        } else if let Some(inside) = holder.and_then(|holder| node.id.strip_prefix(&format!("{holder}/"))) {
            node.label = inside.to_owned();
        }
    }
    Ok(nodes)
}

fn kind(repo: &Repo) -> RepoKind {
    match repo.state {
        _ if repo.path.is_empty() => RepoKind::SuperRepo,
        State::Ready => RepoKind::SubRepo,
        State::NotPopulated | State::Unreadable(_) => RepoKind::Absent,
    }
}

fn image(dir: &RunnableDir) -> Image {
    let base = match &dir.config.image.source {
        crate::config::ImageSource::Base(base) => base.value.clone(),
        crate::config::ImageSource::From(_) => String::new(),
    };
    Image { name: dir.name.clone(), owner: dir.address.to_string(), base }
}

fn parts(id: &str) -> Vec<&str> {
    id.split('/').collect()
}

fn holds(outer: &str, inner: &str) -> bool {
    outer != inner && (outer == "." || inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/')))
}

fn depth(node: &Node) -> usize {
    if node.id == "." { 0 } else { parts(&node.id).len() }
}
