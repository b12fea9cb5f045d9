//! What would be run, and what needs what.

use std::collections::BTreeSet;

use wharf_core::task::graph::Graph;

use super::super::data;
use super::Session;
use crate::exit::Failure;

/// Prints the commands of all tasks in an order in which they can run.
pub(super) fn plan(session: &Session<'_>) -> Result<u8, Failure> {
    let fresh = session.fresh()?;
    for node in &session.workshop.graph.nodes {
        let is_current = match session.workshop.freshness(node).filter(|_| !session.options.force) {
            Some(check) => fresh.is_current(&check, fresh.inputs(&check)?)?,
            None => false,
        };
        if is_current {
            data::line(&format!("# {}: up to date", node.label.replace('\n', " ")))?;
            continue;
        }
        data::line(&format!("# {}", node.label.replace('\n', " ")))?;
        for command in session.workshop.pasteable(node)? {
            data::line(&command.to_string())?;
        }
    }
    Ok(0)
}

/// Prints each task with what it needs below it; what stands above already is not repeated.
pub(super) fn graph(graph: &Graph) -> Result<u8, Failure> {
    let needed: BTreeSet<usize> = graph.nodes.iter().flat_map(|node| node.needs.iter().copied()).collect();
    let mut shown = BTreeSet::new();
    let mut open: Vec<(usize, usize)> =
        (0..graph.nodes.len()).filter(|place| !needed.contains(place)).map(|place| (place, 0)).collect();
    open.reverse();
    while let Some((place, depth)) = open.pop() {
        let node = &graph.nodes[place];
        let is_new = shown.insert(place);
        let above = if is_new || node.needs.is_empty() { "" } else { " (above)" };
        data::line(&format!("{}{}{above}", "  ".repeat(depth), node.label))?;
        if is_new {
            open.extend(node.needs.iter().rev().map(|need| (*need, depth + 1)));
        }
    }
    Ok(0)
}
