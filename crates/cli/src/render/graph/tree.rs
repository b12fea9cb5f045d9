//! A graph as a tree of what holds what, with all else beside the names.

use wharf_core::graph::{EdgeKind, Graph, Node, RepoKind};

use crate::render::style::{Paint, Style};
use crate::render::width::{pad_end, width};

/// Lines, each with its end.
#[must_use]
pub fn render(graph: &Graph, style: Style) -> String {
    let mut tree = Tree { graph, style, rows: Vec::new() };
    for node in graph.nodes.iter().filter(|node| graph.holder(&node.id).is_none()) {
        tree.add(node, "", "");
    }
    let column = tree.rows.iter().map(|row| width(&row.head)).max().unwrap_or_default() + 2;
    let mut text = String::new();
    for Row { head, paint, rest } in tree.rows {
        text.push_str(&style.paint(paint, &head));
        if !rest.is_empty() {
            text.push_str(&pad_end("", column - width(&head)));
            text.push_str(&style.paint(Paint::Dim, &rest));
        }
        text.push('\n');
    }
    text
}

struct Row {
    head: String,
    paint: Paint,
    rest: String,
}

struct Tree<'a> {
    graph: &'a Graph,
    style: Style,
    rows: Vec<Row>,
}

impl Tree<'_> {
    /// Adds a node and what it holds; `lead` stands before its name, `below` before those of what it holds.
    fn add(&mut self, node: &Node, lead: &str, below: &str) {
        let paint = match node.repo {
            Some(RepoKind::Absent) => Paint::Dim,
            Some(_) => Paint::Bold,
            None => Paint::Plain,
        };
        self.rows.push(Row { head: format!("{lead}{}", node.label), paint, rest: rest(self.graph, node) });
        let graph = self.graph;
        let is_child = |other: &&Node| graph.holder(&other.id) == Some(node.id.as_str());
        let children: Vec<&Node> = graph.nodes.iter().filter(is_child).collect();
        for (at, child) in children.iter().enumerate() {
            let (branch, trunk) = if at + 1 == children.len() {
                (self.style.sign("└─ ", "`- "), "   ")
            } else {
                (self.style.sign("├─ ", "|- "), self.style.sign("│  ", "|  "))
            };
            self.add(child, &format!("{below}{branch}"), &format!("{below}{trunk}"));
        }
    }
}

fn rest(graph: &Graph, node: &Node) -> String {
    let mut parts = Vec::new();
    match node.repo {
        Some(RepoKind::SuperRepo) => parts.push("super-repo".to_owned()),
        Some(RepoKind::SubRepo) => parts.push("sub-repo".to_owned()),
        Some(RepoKind::Absent) => parts.push("sub-repo, not here".to_owned()),
        None => {}
    }
    let to = |kind: EdgeKind| {
        let edges = graph.edges.iter().filter(|edge| edge.kind == kind && edge.from == node.id);
        edges.map(|edge| edge.to.as_str()).collect::<Vec<_>>()
    };
    if let Some(dir) = &node.dir {
        parts.push(dir.version.clone());
        parts.push(match to(EdgeKind::Image).first() {
            Some(owner) => format!("image of {owner}"),
            None => format!("image {}", dir.image),
        });
    }
    let imports = to(EdgeKind::Imports);
    if !imports.is_empty() {
        parts.push(format!("imports {}", imports.join(", ")));
    }
    parts.join("  ")
}
