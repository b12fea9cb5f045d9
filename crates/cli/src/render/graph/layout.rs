//! Where nodes and edges of a layered drawing go, from left to right (Sugiyama, Tagawa, Toda 1981).
//!
//! # Theory of operation
//! 1. Edges that would close a circle are turned round. 2. A node's layer is the longest way to it. 3. An edge over several
//!    layers gets a bend in each layer that it crosses, which takes room as a node does: so no line runs through a box.
//! 4. Layers are sorted by the mean place of their neighbours, forth and back, and the order with the fewest crossings
//!    is kept. 5. Heights: each node wants the mean height of its neighbours; the nearest heights that keep the order and the
//!    distances are found exactly, by pooling neighbours that want to pass each other.

/// An edge to lay out, from the node on the left to the one on the right.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub left: usize,
    pub right: usize,
}

/// How large things are, in pixels.
#[derive(Debug, Clone)]
pub(super) struct Sizes {
    /// Widths of the nodes.
    pub widths: Vec<f64>,
    /// Height of each node.
    pub height: f64,
    /// Room between two nodes of a layer.
    pub gap: f64,
    /// Room between a line and its neighbours of a layer.
    pub line_gap: f64,
    /// Room between two layers.
    pub layer_gap: f64,
}

/// A box, by its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// A finished drawing.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// The nodes' boxes.
    pub places: Vec<Place>,
    /// For each link the boxes that it passes, from left to right, its own ends left out. They are as wide as their layer.
    pub bends: Vec<Vec<Place>>,
    /// For each link whether its ends were exchanged so that it leads to the right.
    pub turned: Vec<bool>,
    pub width: f64,
    pub height: f64,
}

/// Something that takes room in a layer: a node, or the bend of a link.
struct Item {
    layer: usize,
    node: Option<usize>,
    lefts: Vec<usize>,
    rights: Vec<usize>,
    y: f64,
}

/// Lays out nodes and links; nodes of a layer stand in their given order where nothing speaks against it.
pub(super) fn layout(links: &[Link], sizes: &Sizes) -> Layout {
    let count = sizes.widths.len();
    let turned = turn(count, links);
    let straight: Vec<(usize, usize)> = links
        .iter()
        .zip(&turned)
        .map(|(link, turned)| if *turned { (link.right, link.left) } else { (link.left, link.right) })
        .collect();
    let layer_of = layers(count, &straight);
    let (mut items, chains) = items(&layer_of, &straight);
    let mut order: Vec<Vec<usize>> = vec![Vec::new(); layer_of.iter().max().map_or(0, |last| last + 1)];
    for (at, item) in items.iter().enumerate() {
        order[item.layer].push(at);
    }
    sort(&items, &mut order);
    set_heights(&mut items, &order, sizes);
    finish(&items, &order, &chains, turned, sizes)
}

/// Which links lead back to a node that is still open in a depth-first walk.
fn turn(count: usize, links: &[Link]) -> Vec<bool> {
    let mut turned = vec![false; links.len()];
    // 0: not seen, 1: open, 2: done. The walk keeps its own stack: node and next link to look at.
    let mut state = vec![0u8; count];
    for start in 0..count {
        if state[start] != 0 {
            continue;
        }
        let mut stack = vec![(start, 0)];
        state[start] = 1;
        while let Some((node, next)) = stack.pop() {
            let Some(at) = (next..links.len()).find(|at| links[*at].left == node) else {
                state[node] = 2;
                continue;
            };
            stack.push((node, at + 1));
            match state[links[at].right] {
                0 => {
                    state[links[at].right] = 1;
                    stack.push((links[at].right, 0));
                }
                1 => turned[at] = true,
                _ => {}
            }
        }
    }
    turned
}

/// The longest way to each node.
fn layers(count: usize, links: &[(usize, usize)]) -> Vec<usize> {
    let mut layer = vec![0; count];
    // As there are no circles, it settles after at most as many rounds as there are nodes.
    for _ in 0..count {
        let mut settled = true;
        for (left, right) in links.iter().filter(|(left, right)| left != right) {
            if layer[*right] <= layer[*left] {
                layer[*right] = layer[*left] + 1;
                settled = false;
            }
        }
        if settled {
            break;
        }
    }
    layer
}

fn items(layer_of: &[usize], links: &[(usize, usize)]) -> (Vec<Item>, Vec<Vec<usize>>) {
    let item = |layer, node| Item { layer, node, lefts: Vec::new(), rights: Vec::new(), y: 0.0 };
    let mut items: Vec<Item> = layer_of.iter().enumerate().map(|(at, layer)| item(*layer, Some(at))).collect();
    let mut chains = Vec::new();
    for (left, right) in links {
        let mut chain = Vec::new();
        let mut before = *left;
        for layer in layer_of[*left] + 1..layer_of[*right] {
            items.push(item(layer, None));
            let bend = items.len() - 1;
            items[before].rights.push(bend);
            items[bend].lefts.push(before);
            chain.push(bend);
            before = bend;
        }
        if left != right {
            items[before].rights.push(*right);
            items[*right].lefts.push(before);
        }
        chains.push(chain);
    }
    (items, chains)
}

/// Sorts each layer by its neighbours, forth and back, and keeps the best order.
fn sort(items: &[Item], order: &mut Vec<Vec<usize>>) {
    let mut best = (crossings(items, order), order.clone());
    for round in 0..12 {
        let forth = round % 2 == 0;
        let layers: Vec<usize> =
            if forth { (1..order.len()).collect() } else { (0..order.len().saturating_sub(1)).rev().collect() };
        for layer in layers {
            let beside = if forth { layer - 1 } else { layer + 1 };
            let place = positions(items.len(), &order[beside]);
            let mean = |item: usize, own: usize| {
                let near = if forth { &items[item].lefts } else { &items[item].rights };
                if near.is_empty() {
                    return to_f64(own);
                }
                near.iter().map(|other| to_f64(place[*other])).sum::<f64>() / to_f64(near.len())
            };
            let mut sorted: Vec<(f64, usize)> =
                order[layer].iter().enumerate().map(|(own, item)| (mean(*item, own), *item)).collect();
            sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
            order[layer] = sorted.into_iter().map(|(_, item)| item).collect();
        }
        let now = crossings(items, order);
        if now < best.0 {
            best = (now, order.clone());
        }
    }
    *order = best.1;
}

fn positions(count: usize, layer: &[usize]) -> Vec<usize> {
    let mut place = vec![0; count];
    for (at, item) in layer.iter().enumerate() {
        place[*item] = at;
    }
    place
}

/// How many pairs of lines between neighbouring layers cross.
fn crossings(items: &[Item], order: &[Vec<usize>]) -> usize {
    let mut crossed = 0;
    for pair in order.windows(2) {
        let place = positions(items.len(), &pair[1]);
        let lines: Vec<(usize, usize)> = pair[0]
            .iter()
            .enumerate()
            .flat_map(|(at, item)| items[*item].rights.iter().map(move |right| (at, *right)))
            .map(|(at, right)| (at, place[right]))
            .collect();
        for (index, one) in lines.iter().enumerate() {
            crossed += lines[index + 1..].iter().filter(|two| one.0 < two.0 && one.1 > two.1).count();
        }
    }
    crossed
}

fn set_heights(items: &mut [Item], order: &[Vec<usize>], sizes: &Sizes) {
    let room = |above: &Item, below: &Item| match (above.node, below.node) {
        (Some(_), Some(_)) => sizes.height + sizes.gap,
        (None, None) => sizes.line_gap,
        _ => sizes.height / 2.0 + sizes.line_gap,
    };
    let rooms: Vec<Vec<f64>> = order
        .iter()
        .map(|layer| layer.windows(2).map(|pair| room(&items[pair[0]], &items[pair[1]])).collect())
        .collect();
    for (layer, rooms) in order.iter().zip(&rooms) {
        let mut y = 0.0;
        for (at, item) in layer.iter().enumerate() {
            y += if at == 0 { 0.0 } else { rooms[at - 1] };
            items[*item].y = y;
        }
    }
    for round in 0..10 {
        let forth = round % 2 == 1;
        let layers: Vec<usize> = if forth { (0..order.len()).collect() } else { (0..order.len()).rev().collect() };
        for layer in layers {
            let wanted: Vec<f64> = order[layer]
                .iter()
                .map(|item| {
                    let near = if forth { &items[*item].lefts } else { &items[*item].rights };
                    let sum: f64 = near.iter().map(|other| items[*other].y).sum();
                    if near.is_empty() { items[*item].y } else { sum / to_f64(near.len()) }
                })
                .collect();
            for (item, y) in order[layer].iter().zip(spread(&wanted, &rooms[layer])) {
                items[*item].y = y;
            }
        }
    }
}

/// The heights nearest to `wanted` (least squares) that keep the order and these distances: pool adjacent violators.
fn spread(wanted: &[f64], rooms: &[f64]) -> Vec<f64> {
    let mut offset = vec![0.0; wanted.len()];
    for at in 1..wanted.len() {
        offset[at] = offset[at - 1] + rooms[at - 1];
    }
    // Blocks of items that move together: sum of what they want, and how many they are.
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for (want, offset) in wanted.iter().zip(&offset) {
        blocks.push((want - offset, 1));
        while let [.., above, below] = blocks.as_slice() {
            if above.0 / to_f64(above.1) <= below.0 / to_f64(below.1) {
                break;
            }
            let joined = (above.0 + below.0, above.1 + below.1);
            blocks.truncate(blocks.len() - 2);
            blocks.push(joined);
        }
    }
    let means = blocks.iter().flat_map(|(sum, count)| std::iter::repeat_n(sum / to_f64(*count), *count));
    means.zip(&offset).map(|(mean, offset)| mean + offset).collect()
}

fn finish(items: &[Item], order: &[Vec<usize>], chains: &[Vec<usize>], turned: Vec<bool>, sizes: &Sizes) -> Layout {
    let top = items.iter().map(|item| item.y).fold(f64::INFINITY, f64::min);
    let mut columns = Vec::new();
    let mut x = 0.0;
    for layer in order {
        let width =
            layer.iter().filter_map(|item| items[*item].node).map(|node| sizes.widths[node]).fold(0.0, f64::max);
        columns.push((x, width));
        x += width + sizes.layer_gap;
    }
    let place = |item: &Item| {
        let (x, column) = columns[item.layer];
        let y = item.y - top;
        match item.node {
            Some(node) => Place { x, y, width: sizes.widths[node], height: sizes.height },
            None => Place { x, y: y + sizes.height / 2.0, width: column, height: 0.0 },
        }
    };
    let places: Vec<Place> = items.iter().filter(|item| item.node.is_some()).map(place).collect();
    let bends = chains.iter().map(|chain| chain.iter().map(|bend| place(&items[*bend])).collect()).collect();
    let lowest = items.iter().map(|item| item.y - top).fold(0.0, f64::max);
    Layout { places, bends, turned, width: (x - sizes.layer_gap).max(0.0), height: lowest + sizes.height }
}

#[allow(clippy::cast_precision_loss, reason = "counts of nodes are far below 2^52")]
fn to_f64(number: usize) -> f64 {
    number as f64
}
