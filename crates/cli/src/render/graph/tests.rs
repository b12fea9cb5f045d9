//! What holds of every drawing, and a small one as a whole.

use wharf_core::graph::{Dir, Edge, EdgeKind, Graph, Node, RepoKind};

use super::layout::{Link, Place, Sizes, layout};
use super::{svg, text, tree};
use crate::render::style::Style;

fn node(id: &str, repo: Option<RepoKind>, dir: bool) -> Node {
    let dir = dir.then(|| Dir { version: "1.2.0".into(), image: format!("harbor-{}", id.replace('/', "-")) });
    Node { id: id.into(), label: if id == "." { "harbor".into() } else { id.into() }, repo, dir }
}

fn edge(from: &str, to: &str, kind: EdgeKind) -> Edge {
    Edge { from: from.into(), to: to.into(), kind }
}

/// A super-repo with `count` dirs, each fourth with the image of another, with imports in a circle.
pub(super) fn sample(count: usize) -> Graph {
    let mut nodes = vec![node(".", Some(RepoKind::SuperRepo), false), node("helpers", Some(RepoKind::SubRepo), true)];
    let mut edges = vec![edge(".", "helpers", EdgeKind::Holds)];
    for at in 0..count.saturating_sub(2) {
        let id = format!("{}d{at}", if at % 5 == 4 { "helpers/" } else { "" });
        edges.push(edge(if at % 5 == 4 { "helpers" } else { "." }, &id, EdgeKind::Holds));
        if at % 4 == 3 {
            edges.push(edge(&id, "d0", EdgeKind::Image));
        }
        if at % 6 == 2 {
            edges.push(edge(&id, "helpers", EdgeKind::Imports));
            edges.push(edge(&id, "d1", EdgeKind::Imports));
        }
        nodes.push(node(&id, None, true));
    }
    if count > 4 {
        edges.push(edge("d1", "d2", EdgeKind::Imports));
    }
    Graph { nodes, images: Vec::new(), edges }
}

fn overlap(a: Place, b: Place) -> bool {
    let apart = |low: f64, size: f64, other: f64, other_size: f64| {
        low + size <= other + 0.01 || other + other_size <= low + 0.01
    };
    !apart(a.x, a.width, b.x, b.width) && !apart(a.y, a.height, b.y, b.height)
}

#[test]
fn no_box_overlaps_another_and_no_line_runs_through_one() {
    for count in [1, 2, 3, 12, 40, 120] {
        let graph = sample(count);
        let index = |id: &str| graph.nodes.iter().position(|node| node.id == id);
        let links: Vec<Link> = graph
            .edges
            .iter()
            .filter_map(|edge| Some(Link { left: index(&edge.from)?, right: index(&edge.to)? }))
            .collect();
        let widths = (0..graph.nodes.len()).map(|at| 90.0 + 10.0 * f64::from(u32::try_from(at % 7).unwrap())).collect();
        let drawing = layout(&links, &Sizes { widths, height: 44.0, gap: 16.0, line_gap: 14.0, layer_gap: 84.0 });
        for (at, one) in drawing.places.iter().enumerate() {
            assert!(one.x >= 0.0 && one.y >= 0.0 && one.x + one.width <= drawing.width + 0.01);
            assert!(one.y + one.height <= drawing.height + 0.01);
            for two in &drawing.places[at + 1..] {
                assert!(!overlap(*one, *two), "{count}: {one:?} {two:?}");
            }
            for bend in drawing.bends.iter().flatten() {
                assert!(!overlap(*one, *bend), "{count}: {one:?} {bend:?}");
            }
        }
        for (at, link) in links.iter().enumerate() {
            let (left, right) = if drawing.turned[at] { (link.right, link.left) } else { (link.left, link.right) };
            assert!(drawing.places[left].x < drawing.places[right].x, "links lead to the right");
        }
    }
}

#[test]
fn a_small_tree() {
    let mut graph = sample(5);
    graph.nodes.push(node("secret", Some(RepoKind::Absent), false));
    graph.edges.push(edge(".", "secret", EdgeKind::Holds));
    graph.edges.push(edge("d0", "helpers", EdgeKind::Image));
    let expected = "\
harbor      super-repo
├─ helpers  sub-repo  1.2.0  image harbor-helpers
├─ d0       1.2.0  image of helpers
├─ d1       1.2.0  image harbor-d1  imports d2
├─ d2       1.2.0  image harbor-d2  imports helpers, d1
└─ secret   sub-repo, not here
";
    assert_eq!(tree::render(&graph, Style { color: false, unicode: true }), expected);
}

#[test]
fn odd_names_break_no_language() {
    let mut graph = sample(3);
    graph.nodes[2].label = "a\"b<c>&d\u{7}#e".into();
    let picture = svg::render(&graph);
    assert!(picture.contains("a&quot;b&lt;c&gt;&amp;d#e") && !picture.contains('\u{7}'));
    assert!(text::mermaid(&graph).contains("a#quot;b#lt;c#gt;&d"));
    assert!(text::dot(&graph).contains("a\\\"b<c>&d"));
}
