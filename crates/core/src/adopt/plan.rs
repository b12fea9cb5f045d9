//! Which values go into which file. Pure: a workspace goes in, files come out.

use std::collections::BTreeMap;

use super::old_files::{self, OldFile};
use super::text::{Values, text};
use crate::config::{LayerKind, Value, schema};
use crate::runnable_dir::{Address, DEVOPS, Layout, RunnableDir};
use crate::start::{NewFile, NewFiles};
use crate::workspace::Workspace;

/// Name of the files of configuration.
const CONFIG: &str = "wharf.toml";

/// What `wharf adopt` would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The new files.
    pub files: NewFiles,
    /// The dirs that are adopted.
    pub dirs: Vec<DirPlan>,
    /// The dirs that are native already.
    pub native: Vec<String>,
    /// What became of each old file.
    pub old: Vec<OldFile>,
    /// What has to be done by hand, a line each.
    pub by_hand: Vec<String>,
}

/// A dir that is adopted.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct DirPlan {
    /// Its address.
    pub dir: String,
    /// Each value that is written for it, with where the older layout has it.
    pub values: BTreeMap<String, String>,
}

/// Plans the adoption of these dirs, of all where none is named. Dirs of sub-repos are their own repo's affair, unless named.
#[must_use]
pub fn plan(workspace: &Workspace, wanted: &[Address]) -> Plan {
    let is_wanted = |dir: &&RunnableDir| match wanted {
        [] => dir.repo.is_empty(),
        wanted => wanted.contains(&dir.address),
    };
    let (older, native): (Vec<&RunnableDir>, Vec<&RunnableDir>) =
        workspace.dirs.iter().filter(is_wanted).partition(|dir| dir.layout == Layout::Helpers);
    let stated: Vec<Values> = older.iter().map(|dir| older_values(dir)).collect();
    let mut made = Files { workspace, files: Vec::new(), by_hand: Vec::new() };
    // What is at the root counts for every dir of the workspace, so all must agree.
    let is_whole = older.len() == workspace.dirs.len();
    let shared = if is_whole { shared(&stated) } else { Values::new() };
    let mut root: Values = shared.clone();
    let mut dirs = Vec::new();
    let root_is_free = !workspace.root.join(CONFIG).exists();
    for (dir, values) in older.iter().zip(&stated) {
        let mut own = Values::new();
        for (path, value) in values {
            match place(path, root_is_free && shared.contains_key(path)) {
                Some(LayerKind::RunnableDir) => drop(own.insert(path.clone(), value.clone())),
                Some(_) => drop(root.insert(path.clone(), value.clone())),
                None => {}
            }
        }
        made.add(&dir.address, &format!("{DEVOPS}/{CONFIG}"), &own);
        dirs.push(DirPlan { dir: dir.address.to_string(), values: origins(dir, values) });
    }
    // Values of the workspace as a whole go with the root, which is adopted last where dirs go one by one.
    if is_whole || older.iter().any(|dir| dir.address.is_root()) {
        root.extend(of_workspace(workspace));
        made.add(&Address::root(), CONFIG, &root);
    }
    let old = old_files::find(workspace, &older);
    let Files { files, by_hand, .. } = made;
    Plan {
        files: NewFiles { root: workspace.root.clone(), files },
        dirs,
        native: native.iter().map(|dir| dir.address.to_string()).collect(),
        old,
        by_hand,
    }
}

/// The values that the older layout states for a dir and that are not what they would be anyway.
fn older_values(dir: &RunnableDir) -> Values {
    let older = dir.resolved.entries().filter(|(_, _, origin)| origin.layer.is_older());
    older.map(|(path, value, _)| (path.to_owned(), value.clone())).collect()
}

fn origins(dir: &RunnableDir, values: &Values) -> BTreeMap<String, String> {
    let origin = |path: &String| dir.resolved.get(path).map(|(_, origin)| origin.to_string()).unwrap_or_default();
    values.keys().map(|path| (path.clone(), origin(path))).collect()
}

/// The values of the workspace as a whole.
fn of_workspace(workspace: &Workspace) -> Values {
    let older = workspace.resolved.entries().filter(|(_, _, origin)| origin.layer.is_older());
    let at_root = older.filter(|(path, ..)| place(path, false) == Some(LayerKind::SuperRepo));
    at_root.map(|(path, value, _)| (path.to_owned(), value.clone())).collect()
}

/// What all dirs state alike.
pub(super) fn shared(stated: &[Values]) -> Values {
    let Some((first, rest)) = stated.split_first() else { return Values::new() };
    if rest.is_empty() {
        return Values::new();
    }
    let is_shared = |(path, value): &(&String, &Value)| {
        // A name is one dir's.
        path.as_str() != "image.name" && rest.iter().all(|values| values.get(*path) == Some(*value))
    };
    first.iter().filter(is_shared).map(|(path, value)| (path.clone(), value.clone())).collect()
}

/// The file that a key is stated in: the root's where it is shared or counts only there, else the dir's.
pub(super) fn place(path: &str, is_shared: bool) -> Option<LayerKind> {
    let key = schema::find(&schema::without_item(path))?;
    let [root, dir] = [LayerKind::SuperRepo, LayerKind::RunnableDir];
    match () {
        () if is_shared && key.is_allowed_in(root) => Some(root),
        () if key.is_allowed_in(dir) => Some(dir),
        () if key.is_allowed_in(root) => Some(root),
        () => None,
    }
}

/// The files as they are gathered.
struct Files<'a> {
    workspace: &'a Workspace,
    files: Vec<NewFile>,
    by_hand: Vec<String>,
}

impl Files<'_> {
    /// A file that is there is never changed: what it lacks is said.
    fn add(&mut self, dir: &Address, name: &str, values: &Values) {
        let path = if dir.is_root() { name.to_owned() } else { format!("{dir}/{name}") };
        if !self.workspace.root.join(&path).exists() {
            let is_native = name == CONFIG || !values.is_empty();
            let text = if is_native { text(values) } else { String::new() };
            if !(name == CONFIG && values.is_empty()) {
                self.files.push(NewFile::text(path, text));
            }
        } else if !values.is_empty() {
            let lines = text(values);
            self.by_hand.push(format!("`{path}` is there already; what it lacks is\n{}", lines.trim_end()));
        }
    }
}
