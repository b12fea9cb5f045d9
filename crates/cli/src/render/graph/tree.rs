//! A graph as a tree of what holds what, with all else beside the names.

use wharf_core::graph::{EdgeKind, Graph, Node, RepoKind};

use crate::render::style::{Paint, Style};
use crate::render::width::{pad_end, width};

/// Lines, each with its end.
#[must_use]
pub fn render(graph: &Graph, style: Style) -> String {
    let mut rows = Vec::new();
    let roots = graph.nodes.iter().filter(|node| graph.holder(&node.id).is_none());
    for node in roots {
        add(graph, node, "", "", &mut rows, style);
    }
    let column = rows.iter().map(|(head, _, _)| width(head)).max().unwrap_or_default() + 2;
    let mut text = String::new();
    for (head, paint, rest) in rows {
        let gap = if rest.is_empty() { String::new() } else { pad_end("", column - width(&head)) };
        let painted = style.paint(paint, &head);
        text.push_str(&format!("{painted}{gap}{}", style.paint(Paint::Dim, &rest)));
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

fn add(graph: &Graph, node: &Node, lead: &str, below: &str, rows: &mut Vec<(String, Paint, String)>, style: Style) {
    let paint = match node.repo {
        Some(RepoKind::Absent) => Paint::Dim,
        Some(_) => Paint::Bold,
        None => Paint::Plain,
    };
    rows.push((format!("{lead}{}", node.label), paint, rest(graph, node)));
    let children: Vec<&Node> =
        graph.nodes.iter().filter(|other| graph.holder(&other.id) == Some(node.id.as_str())).collect();
    for (at, child) in children.iter().enumerate() {
        let is_last = at + 1 == children.len();
        let branch = if is_last { style.sign("└─ ", "`- ") } else { style.sign("├─ ", "|- ") };
        let trunk = if is_last { "   " } else { style.sign("│  ", "|  ") };
        add(graph, child, &format!("{below}{branch}"), &format!("{below}{trunk}"), rows, style);
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
        let image = to(EdgeKind::Image);
        parts.push(dir.version.clone());
        parts.push(match image.first() {
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
