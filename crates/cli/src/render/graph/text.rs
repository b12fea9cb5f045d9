//! A graph in the languages of two drawing programs.

use std::fmt::Write as _;

use wharf_core::graph::{EdgeKind, Graph, RepoKind};

use super::{MADE_BY, about};

/// For Mermaid (<https://mermaid.js.org/syntax/flowchart.html>), which GitHub and GitLab draw in Markdown.
#[must_use]
pub fn mermaid(graph: &Graph) -> String {
    let mut text = format!("%% {MADE_BY}\nflowchart LR\n");
    for (at, node) in graph.nodes.iter().enumerate() {
        // Mermaid's own escapes: a quote would end the label, `#` starts an entity.
        let plain =
            |text: &str| text.replace('#', "#35;").replace('"', "#quot;").replace('<', "#lt;").replace('>', "#gt;");
        let label = format!("{}<br/>{}", plain(&node.label), plain(&about(node)));
        let (open, close) = if node.repo.is_some() { ("[[\"", "\"]]") } else { ("(\"", "\")") };
        let _ = writeln!(text, "  n{at}{open}{label}{close}");
    }
    for edge in &graph.edges {
        let (Some(from), Some(to)) = (index(graph, &edge.from), index(graph, &edge.to)) else { continue };
        let arrow = match edge.kind {
            EdgeKind::Holds => "---",
            EdgeKind::Image => "-. image .->",
            EdgeKind::Imports => "-- imports -->",
        };
        let _ = writeln!(text, "  n{from} {arrow} n{to}");
    }
    text
}

/// For Graphviz (<https://graphviz.org/doc/info/lang.html>).
#[must_use]
pub fn dot(graph: &Graph) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let mut text =
        format!("// {MADE_BY}\ndigraph workspace {{\n  rankdir=LR;\n  node [shape=box, fontname=\"monospace\"];\n");
    for node in &graph.nodes {
        let label = quoted(&format!("{}\n{}", node.label, about(node))).replace('\n', "\\n");
        let style = match node.repo {
            Some(RepoKind::Absent) => ", style=dashed",
            Some(_) => ", style=bold",
            None => ", style=rounded",
        };
        let _ = writeln!(text, "  {} [label={label}{style}];", quoted(&node.id));
    }
    for edge in &graph.edges {
        let style = match edge.kind {
            EdgeKind::Holds => "dir=none",
            EdgeKind::Image => "style=dashed, label=\"image\", constraint=false",
            EdgeKind::Imports => "color=blue, label=\"imports\", constraint=false",
        };
        let _ = writeln!(text, "  {} -> {} [{style}];", quoted(&edge.from), quoted(&edge.to));
    }
    text.push_str("}\n");
    text
}

fn index(graph: &Graph, id: &str) -> Option<usize> {
    graph.nodes.iter().position(|node| node.id == id)
}
