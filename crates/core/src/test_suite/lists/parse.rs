//! From what a user wrote to nodes.

use std::collections::BTreeMap;
use std::path::Path;

use super::glob::{is_glob, regex};
use super::{ListEntry, ListError, Lists, Node};
use crate::config::nearest_word;
use crate::config::schema::Form;
use crate::workspace::Workspace;

/// The names of all lists of a workspace.
#[must_use]
pub fn names(workspace: &Workspace) -> Vec<String> {
    workspace.config.test.lists.keys().cloned().collect()
}

/// The union of what was asked for: names of lists, or files with one entry a line (`@FILE`, or any path that is no name); `None`
/// where nothing was.
///
/// # Errors
/// When a list is not there, cannot be read, holds what is no entry, or refers to itself.
pub fn resolve(workspace: &Workspace, asked: &[String]) -> Result<Option<Lists>, ListError> {
    if asked.is_empty() {
        return Ok(None);
    }
    let configured = &workspace.config.test.lists;
    let mut maker = Maker {
        configured,
        lists: Lists { entries: Vec::new(), nodes: vec![Node::default()] },
        known: BTreeMap::new(),
        open: Vec::new(),
    };
    for text in asked {
        let node = match text.strip_prefix('@') {
            Some(file) => maker.file(&workspace.surroundings.here, file)?,
            None if configured.contains_key(text) => maker.named(text, None)?,
            None if workspace.surroundings.here.join(text).is_file() => {
                maker.file(&workspace.surroundings.here, text)?
            }
            None => maker.named(text, None)?,
        };
        maker.lists.nodes[0].lists.push(node);
    }
    Ok(Some(maker.lists))
}

struct Maker<'c> {
    configured: &'c BTreeMap<String, Vec<String>>,
    lists: Lists,
    /// Nodes of lists that are done.
    known: BTreeMap<String, usize>,
    /// Lists that are being made, to see circles.
    open: Vec<String>,
}

impl Maker<'_> {
    fn named(&mut self, name: &str, within: Option<&str>) -> Result<usize, ListError> {
        if let Some(node) = self.known.get(name) {
            return Ok(*node);
        }
        if self.open.iter().any(|open| open == name) {
            let mut names: Vec<String> = self.open.iter().skip_while(|open| *open != name).cloned().collect();
            names.push(name.to_owned());
            return Err(ListError::Circle { names });
        }
        let Some(entries) = self.configured.get(name) else {
            let known: Vec<String> = self.configured.keys().cloned().collect();
            let words: Vec<&str> = known.iter().map(String::as_str).collect();
            let nearest = nearest_word(name, &words);
            return Err(ListError::Unknown {
                name: name.to_owned(),
                within: within.map(str::to_owned),
                nearest,
                known,
            });
        };
        self.open.push(name.to_owned());
        let entries = entries.iter().map(|entry| (format!("`{name}`"), entry.as_str()));
        let node = self.node(entries)?;
        self.open.pop();
        self.known.insert(name.to_owned(), node);
        Ok(node)
    }

    fn file(&mut self, here: &Path, name: &str) -> Result<usize, ListError> {
        let path = here.join(name);
        let text = std::fs::read_to_string(&path).map_err(|source| ListError::File { path: name.into(), source })?;
        let mut entries = Vec::new();
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            // Ids may hold `#`, so a comment has a line of its own.
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if !Form::TestEntry.accepts(line) {
                return Err(ListError::Line { path: name.into(), line: index + 1, text: line.to_owned() });
            }
            entries.push((format!("`{name}`, line {}", index + 1), line));
        }
        self.node(entries.into_iter())
    }

    fn node<'t>(&mut self, entries: impl Iterator<Item = (String, &'t str)>) -> Result<usize, ListError> {
        let (mut node, mut not) = (Node::default(), Node::default());
        let mut adds_any = false;
        let mut origin = String::new();
        for (list, text) in entries {
            let (adds, text) = text.strip_prefix('!').map_or((true, text), |text| (false, text));
            adds_any |= adds;
            let side = if adds { &mut node } else { &mut not };
            if let Some(name) = text.strip_prefix('@') {
                side.lists.push(self.named(name, Some(&list))?);
            } else {
                self.entry(side, &list, text, adds);
            }
            origin = list;
        }
        let excludes = not != Node::default();
        if excludes && !adds_any {
            self.entry(&mut node, &origin, ".", true);
        }
        if excludes {
            self.lists.nodes.push(not);
            node.not = Some(self.lists.nodes.len() - 1);
        }
        self.lists.nodes.push(node);
        Ok(self.lists.nodes.len() - 1)
    }

    fn entry(&mut self, node: &mut Node, list: &str, text: &str, adds: bool) {
        let plain = text.strip_prefix("//").unwrap_or(text);
        let plain = plain.strip_prefix("./").unwrap_or(plain);
        let (path, inside) = plain.split_once("::").map_or((plain, None), |(path, inside)| (path, Some(inside)));
        let path = path.trim_end_matches('/');
        let index = self.lists.entries.len();
        self.lists.entries.push(ListEntry {
            list: list.to_owned(),
            text: text.to_owned(),
            path: path.to_owned(),
            adds,
        });
        if is_glob(path) || inside.is_some_and(is_glob) {
            node.globs.push((regex(path, inside), index));
        } else {
            let name = inside.map_or_else(|| path.to_owned(), |inside| format!("{path}::{inside}"));
            // Written twice it is one entry; the later one is then never told of as matched, so the first is kept for both.
            if let Some(first) = node.names.insert(name.clone(), index) {
                node.names.insert(name, first);
                self.lists.entries.pop();
            }
        }
    }
}
