//! Circles of modules that import each other while they are imported.
//!
//! Imports in functions and for type checkers are left out: they are how circles are broken. So are packages around a
//! module, which every module of a package needs.

use std::collections::{HashMap, VecDeque};

use super::graph::{FileId, Graph, Link};

/// Modules that all import each other, at first hand or further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// All of them, by path.
    pub members: Vec<FileId>,
    /// A shortest way round: each file with the line of the import that leads on, from the first member back to it.
    pub way: Vec<(FileId, u32)>,
}

impl Graph {
    /// All circles, by their first member.
    #[must_use]
    pub fn cycles(&self) -> Vec<Cycle> {
        let mut cycles: Vec<Cycle> = Components::of(self)
            .into_iter()
            .filter(|members| members.len() > 1)
            .map(|mut members| {
                members.sort_unstable();
                let way = self.way_round(&members);
                Cycle { members, way }
            })
            .collect();
        cycles.sort_by_key(|cycle| cycle.members[0]);
        cycles
    }

    fn at_import(&self, file: FileId) -> impl Iterator<Item = &Link> {
        self.imports_of(file).iter().filter(|link| link.why.is_named() && link.when.at_import())
    }

    fn way_round(&self, members: &[FileId]) -> Vec<(FileId, u32)> {
        let first = members[0];
        let mut came: HashMap<FileId, (FileId, u32)> = HashMap::new();
        let mut waiting = VecDeque::from([first]);
        while let Some(file) = waiting.pop_front() {
            for link in self.at_import(file) {
                if members.binary_search(&link.to).is_ok() && !came.contains_key(&link.to) {
                    came.insert(link.to, (file, link.line));
                    waiting.push_back(link.to);
                }
            }
            if came.contains_key(&first) {
                break;
            }
        }
        let mut way = Vec::new();
        let mut at = first;
        while let Some((from, line)) = came.get(&at) {
            way.push((*from, *line));
            at = *from;
            if at == first {
                break;
            }
        }
        way.reverse();
        way
    }
}

/// Tarjan's strongly connected components, without recursion.
struct Components<'a> {
    graph: &'a Graph,
    /// When each file was met, from 1; 0: not yet.
    met: Vec<u32>,
    lowest: Vec<u32>,
    is_open: Vec<bool>,
    open: Vec<FileId>,
    count: u32,
    found: Vec<Vec<FileId>>,
}

impl<'a> Components<'a> {
    fn of(graph: &'a Graph) -> Vec<Vec<FileId>> {
        let size = graph.files.0.len();
        let mut this = Self {
            graph,
            met: vec![0; size],
            lowest: vec![0; size],
            is_open: vec![false; size],
            open: Vec::new(),
            count: 0,
            found: Vec::new(),
        };
        for file in graph.files() {
            if this.met[file.0 as usize] == 0 {
                this.follow(file);
            }
        }
        this.found
    }

    fn follow(&mut self, first: FileId) {
        let graph = self.graph;
        self.meet(first);
        let mut path = vec![(first, graph.imports_of(first).iter())];
        while let Some((file, links)) = path.last_mut() {
            let place = file.0 as usize;
            let next = links.by_ref().find(|link| link.why.is_named() && link.when.at_import());
            if let Some(link) = next {
                let to = link.to.0 as usize;
                if self.met[to] == 0 {
                    self.meet(link.to);
                    path.push((link.to, graph.imports_of(link.to).iter()));
                } else if self.is_open[to] {
                    self.lowest[place] = self.lowest[place].min(self.met[to]);
                }
                continue;
            }
            let file = *file;
            path.pop();
            if let Some((above, _)) = path.last() {
                let above = above.0 as usize;
                self.lowest[above] = self.lowest[above].min(self.lowest[place]);
            }
            if self.lowest[place] == self.met[place] {
                self.close(file);
            }
        }
    }

    fn meet(&mut self, file: FileId) {
        self.count += 1;
        let place = file.0 as usize;
        self.met[place] = self.count;
        self.lowest[place] = self.count;
        self.is_open[place] = true;
        self.open.push(file);
    }

    fn close(&mut self, file: FileId) {
        let from = self.open.iter().rposition(|open| *open == file).unwrap_or_default();
        let members = self.open.split_off(from);
        members.iter().for_each(|member| self.is_open[member.0 as usize] = false);
        self.found.push(members);
    }
}
