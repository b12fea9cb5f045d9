//! A graph as a picture, without any outside program.
//!
//! Letters are of a fixed width, so that the room of a text is known without its font; in a browser that has a wider one the
//! text is pressed into its box. Colours follow the reader's preference for light or dark.

use std::fmt::Write as _;

use wharf_core::graph::{EdgeKind, Graph, Node, RepoKind};

use super::layout::{Layout, Link, Place, Sizes, layout};
use super::{MADE_BY, about};
use crate::render::style::Style;
use crate::render::width::{cut_end, width};

/// Width of a letter of the name and of the line below it: 0.6 em of a monospaced font of 13 and of 11 pixels.
const LETTER: f64 = 7.8;
const SMALL_LETTER: f64 = 6.6;
const PADDING: f64 = 12.0;
const MARGIN: f64 = 24.0;
const HEIGHT: f64 = 44.0;
const LEGEND: f64 = 34.0;
/// Longer texts are cut; the whole one shows when the pointer rests on the box.
const LONGEST: usize = 44;

const STYLE: &str = "\
text{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#1f2328}\
.name{font-size:13px;font-weight:600}.about,.legend{font-size:11px;fill:#59636e}\
rect{fill:#ffffff;stroke:#818b98;stroke-width:1.2}.super{fill:#ddf4ff;stroke:#0969da}.sub{fill:#dafbe1;stroke:#1a7f37}\
.absent{fill:none;stroke-dasharray:4 3}\
path{fill:none;stroke-width:1.4}.holds{stroke:#afb8c1}.image{stroke:#9a6700;stroke-dasharray:5 4}.imports{stroke:#0969da}\
.image-head{fill:#9a6700;stroke:none}.imports-head{fill:#0969da;stroke:none}\
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.about,.legend{fill:#9198a1}\
rect{fill:#161b22;stroke:#656c76}.super{fill:#0c2d4d;stroke:#4493f8}.sub{fill:#0f2e1a;stroke:#3fb950}.absent{fill:none}\
.holds{stroke:#484f58}.image{stroke:#d29922}.imports{stroke:#4493f8}\
.image-head{fill:#d29922}.imports-head{fill:#4493f8}}";

/// The picture.
#[must_use]
pub fn render(graph: &Graph) -> String {
    let plain = Style { color: false, unicode: true };
    let names: Vec<String> = graph.nodes.iter().map(|node| cut_end(&node.label, LONGEST, plain)).collect();
    let abouts: Vec<String> = graph.nodes.iter().map(|node| cut_end(&about(node), LONGEST, plain)).collect();
    let widths = names
        .iter()
        .zip(&abouts)
        .map(|(name, about)| (letters(name) * LETTER).max(letters(about) * SMALL_LETTER) + 2.0 * PADDING)
        .collect();
    let sizes = Sizes { widths, height: HEIGHT, gap: 16.0, line_gap: 14.0, layer_gap: 84.0 };
    let edges = edges(graph);
    let links: Vec<Link> = edges.iter().map(|edge| edge.link).collect();
    let drawing = layout(&links, &sizes);
    let (columns, rows) = ((drawing.width + 2.0 * MARGIN).max(420.0), drawing.height + 2.0 * MARGIN + LEGEND);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {columns:.0} {rows:.0}\" width=\"{columns:.0}\" \
         height=\"{rows:.0}\" role=\"img\">\n<!-- {MADE_BY} -->\n<title>{}</title>\n<style>{STYLE}</style>\n",
        escape(graph.nodes.first().map_or("", |node| &node.label))
    );
    let _ = writeln!(text, "<g transform=\"translate({MARGIN} {MARGIN})\">");
    let ports = ports(&links, &drawing);
    for (at, edge) in edges.iter().enumerate() {
        draw_edge(&mut text, edge, &drawing, at, ports[at]);
    }
    for (at, node) in graph.nodes.iter().enumerate() {
        draw_node(&mut text, node, drawing.places[at], &names[at], &abouts[at]);
    }
    text.push_str("</g>\n");
    draw_legend(&mut text, rows - LEGEND / 2.0);
    text.push_str("</svg>\n");
    text
}

/// An edge between nodes that are drawn.
struct Drawn {
    link: Link,
    kind: EdgeKind,
    /// Whether its arrow is at its left end.
    head_left: bool,
    title: String,
}

/// What others use stands to their left, as what holds them does.
fn edges(graph: &Graph) -> Vec<Drawn> {
    let index = |id: &str| graph.nodes.iter().position(|node| node.id == id);
    let drawn = graph.edges.iter().filter_map(|edge| {
        let (from, to) = (index(&edge.from)?, index(&edge.to)?);
        let title = format!("{} {} {}", edge.from, edge.kind.words(), edge.to);
        let (link, head_left) = match edge.kind {
            EdgeKind::Holds => (Link { left: from, right: to }, false),
            EdgeKind::Image | EdgeKind::Imports => (Link { left: to, right: from }, true),
        };
        Some(Drawn { link, kind: edge.kind, head_left, title })
    });
    drawn.collect()
}

/// The heights at which each link leaves its left box and enters its right one: spread over the side, in the order of what
/// is at the other end.
fn ports(links: &[Link], drawing: &Layout) -> Vec<(f64, f64)> {
    let mut ports = vec![(0.0, 0.0); links.len()];
    let ends: Vec<(usize, usize)> = links
        .iter()
        .zip(&drawing.turned)
        .map(|(link, turned)| if *turned { (link.right, link.left) } else { (link.left, link.right) })
        .collect();
    for (node, place) in drawing.places.iter().enumerate() {
        for is_right_side in [true, false] {
            let mut here: Vec<(f64, usize)> = Vec::new();
            for (at, (left, right)) in ends.iter().enumerate() {
                let (own, other) = if is_right_side { (*left, *right) } else { (*right, *left) };
                if own == node {
                    let bends = &drawing.bends[at];
                    let next = if is_right_side { bends.first() } else { bends.last() };
                    here.push((next.map_or(middle(drawing.places[other]), |bend| bend.y), at));
                }
            }
            here.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let step = place.height / f64::from(u32::try_from(here.len()).unwrap_or(u32::MAX).saturating_add(1));
            let mut y = place.y;
            for (_, at) in here {
                y += step;
                if is_right_side { ports[at].0 = y } else { ports[at].1 = y }
            }
        }
    }
    ports
}

fn draw_edge(text: &mut String, edge: &Drawn, drawing: &Layout, at: usize, port: (f64, f64)) {
    let turned = drawing.turned[at];
    let (left, right) = if turned { (edge.link.right, edge.link.left) } else { (edge.link.left, edge.link.right) };
    let head_left = edge.head_left != turned && edge.kind != EdgeKind::Holds;
    let (start, end) = (drawing.places[left], drawing.places[right]);
    let (mut x, mut y) = (start.x + start.width, port.0);
    let mut path = format!("M{x:.1} {y:.1}");
    // Out of its own layer first: a wider box above or below may be in the way.
    let widest =
        drawing.places.iter().filter(|place| (place.x - start.x).abs() < 0.01).map(|place| place.x + place.width);
    x = widest.fold(x, f64::max);
    let _ = write!(path, "H{x:.1}");
    let mut curve = |path: &mut String, to_x: f64, to_y: f64| {
        let half = (to_x - x) / 2.0;
        let _ = write!(path, "C{:.1} {y:.1} {:.1} {to_y:.1} {to_x:.1} {to_y:.1}", x + half, to_x - half);
        (x, y) = (to_x, to_y);
    };
    for bend in &drawing.bends[at] {
        curve(&mut path, bend.x, bend.y);
        let _ = write!(path, "H{:.1}", bend.x + bend.width);
        curve(&mut path, bend.x + bend.width, bend.y);
    }
    curve(&mut path, end.x, port.1);
    let class = class_of(edge.kind);
    let _ = writeln!(text, "<path class=\"{class}\" d=\"{path}\"><title>{}</title></path>", escape(&edge.title));
    if edge.kind != EdgeKind::Holds {
        let (tip_x, tip_y, way) = if head_left { (start.x + start.width, port.0, 1.0) } else { (end.x, port.1, -1.0) };
        draw_head(text, class, tip_x, tip_y, way);
    }
}

/// An arrow's head; `way` says on which side of the tip the line is.
fn draw_head(text: &mut String, class: &str, x: f64, y: f64, way: f64) {
    let back = x + 8.0 * way;
    let (above, below) = (y - 4.0, y + 4.0);
    let _ = writeln!(
        text,
        "<path class=\"{class}-head\" d=\"M{x:.1} {y:.1}L{back:.1} {above:.1}L{back:.1} {below:.1}Z\"/>"
    );
}

fn draw_node(text: &mut String, node: &Node, place: Place, name: &str, about: &str) {
    let class = match node.repo {
        Some(RepoKind::SuperRepo) => "super",
        Some(RepoKind::SubRepo) => "sub",
        Some(RepoKind::Absent) => "absent",
        None => "dir",
    };
    let Place { x, y, width, height } = place;
    let corner = if node.repo.is_some() { 3 } else { 10 };
    let _ = writeln!(
        text,
        "<g><title>{}</title><rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{corner}\"/>",
        escape(&format!("{}\n{}", node.id, self::about(node)))
    );
    let at = x + PADDING;
    let mut line = |class: &str, y: f64, what: &str, letter: f64| {
        if !what.is_empty() {
            let long = letters(what) * letter;
            let _ = writeln!(
                text,
                "<text class=\"{class}\" x=\"{at:.1}\" y=\"{y:.1}\" textLength=\"{long:.1}\" lengthAdjust=\"spacingAndGlyphs\">{}</text>",
                escape(what)
            );
        }
    };
    line("name", if about.is_empty() { y + 27.0 } else { y + 19.0 }, name, LETTER);
    line("about", y + 34.0, about, SMALL_LETTER);
    text.push_str("</g>\n");
}

fn draw_legend(text: &mut String, y: f64) {
    let mut x = MARGIN;
    for (kind, words) in
        [(EdgeKind::Holds, "holds"), (EdgeKind::Image, "uses its image"), (EdgeKind::Imports, "imports from")]
    {
        let class = class_of(kind);
        let _ = writeln!(text, "<path class=\"{class}\" d=\"M{x:.1} {y:.1}H{:.1}\"/>", x + 34.0);
        if kind != EdgeKind::Holds {
            draw_head(text, class, x, y, 1.0);
        }
        let _ = writeln!(text, "<text class=\"legend\" x=\"{:.1}\" y=\"{:.1}\">{words}</text>", x + 42.0, y + 4.0);
        x += 42.0 + letters(words) * SMALL_LETTER + 28.0;
    }
}

fn class_of(kind: EdgeKind) -> &'static str {
    match kind {
        EdgeKind::Holds => "holds",
        EdgeKind::Image => "image",
        EdgeKind::Imports => "imports",
    }
}

fn middle(place: Place) -> f64 {
    place.y + place.height / 2.0
}

fn letters(text: &str) -> f64 {
    f64::from(u32::try_from(width(text)).unwrap_or(u32::MAX))
}

/// What XML 1.0 allows in a text; other control characters have no way to be written at all.
fn escape(text: &str) -> String {
    let plain = text.chars().filter(|c| !c.is_control() || *c == '\n');
    plain.collect::<String>().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
