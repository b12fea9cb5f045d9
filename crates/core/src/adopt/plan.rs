//! Which values go into which file. Pure: a workspace goes in, files come out.

use std::collections::BTreeMap;

use super::old_files::{self, OldFile};
use super::picture::counts;
use super::text::{Values, text};
use crate::config::{Layer, LayerKind, OLDER_FILES, Origin, Source, Value, schema};
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
    let of_root = of_root(workspace, &older, wanted);
    let mut made = Files { workspace, files: Vec::new(), by_hand: Vec::new() };
    // Where the root's file is there already it is not changed, and nothing can be shared in it.
    let shared = match &of_root {
        Some(values) if !workspace.root.join(CONFIG).exists() => values.clone(),
        _ => Values::new(),
    };
    let mut dirs = Vec::new();
    for dir in &older {
        let values = older_values(dir);
        let own = values.iter().filter(|(path, value)| {
            let known = shared.get(*path).or_else(|| default(path));
            place(path) == Some(LayerKind::RunnableDir) && known != Some(*value)
        });
        let mut own: Values = own.map(|(path, value)| (path.clone(), value.clone())).collect();
        own.insert(OLDER_FILES.to_owned(), Value::Boolean(false));
        made.add(&dir.address, &format!("{DEVOPS}/{CONFIG}"), &own);
        dirs.push(DirPlan { dir: dir.address.to_string(), values: origins(dir, &values) });
    }
    if let Some(mut values) = of_root {
        values.insert(OLDER_FILES.to_owned(), Value::Boolean(false));
        made.add(&Address::root(), CONFIG, &values);
    }
    made.by_hand.extend(from_variables(&older));
    // A dir whose file a person wrote needs its old files; one that left them behind earlier does not.
    let goes = older.iter().filter(|dir| !dir.devops().join(CONFIG).exists());
    let adopted: Vec<&RunnableDir> = goes.chain(native.iter().filter(|dir| has_left(dir))).copied().collect();
    let old = old_files::find(workspace, &adopted);
    let Files { files, by_hand, .. } = made;
    Plan {
        files: NewFiles { root: workspace.root.clone(), files },
        dirs,
        native: native.iter().map(|dir| dir.address.to_string()).collect(),
        old,
        by_hand,
    }
}

/// Whether a dir's own file says that older files beside it count no more.
fn has_left(dir: &RunnableDir) -> bool {
    let stated = dir.resolved.get(OLDER_FILES).filter(|(_, origin)| origin.layer == LayerKind::RunnableDir);
    stated.is_some_and(|(value, _)| value.as_boolean() == Some(false))
}

/// Values that a variable of this shell states and that a file would state for everyone.
fn from_variables(older: &[&RunnableDir]) -> Vec<String> {
    let mut lines = Vec::new();
    for (path, value, origin) in older.iter().flat_map(|dir| dir.resolved.entries()).filter(|(_, _, o)| is_older(o)) {
        let Source::Variable(name) = &origin.source else { continue };
        let line = format!("`{path} = {value}` is what `{name}` says here; see that it is right for the whole team");
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

fn is_older(origin: &Origin) -> bool {
    origin.layer == LayerKind::Older
}

/// The values that the older layout states for a dir.
fn older_values(dir: &RunnableDir) -> Values {
    let older = dir.resolved.entries().filter(|(_, _, origin)| is_older(origin));
    older.map(|(path, value, _)| (path.to_owned(), value.clone())).collect()
}

fn origins(dir: &RunnableDir, values: &Values) -> BTreeMap<String, String> {
    let origin = |path: &String| dir.resolved.get(path).map(|(_, origin)| origin.to_string()).unwrap_or_default();
    values.keys().map(|path| (path.clone(), origin(path))).collect()
}

/// What the root's file states, where the root is adopted: what the older layout states for the workspace, and what all adopted dirs
/// state alike, as far as no dir that stays as it is would get another value.
fn of_root(workspace: &Workspace, older: &[&RunnableDir], wanted: &[Address]) -> Option<Values> {
    let whole: Values = workspace
        .resolved
        .entries()
        .filter(|(path, _, origin)| is_older(origin) && may_stand_at_root(path))
        .map(|(path, value, _)| (path.to_owned(), value.clone()))
        .collect();
    if whole.is_empty() || !(wanted.is_empty() || wanted.contains(&Address::root())) {
        return None;
    }
    let stated: Vec<Values> = older.iter().map(|dir| older_values(dir)).collect();
    let owners = older.iter().zip(&stated).filter(|(dir, _)| dir.image_from().is_none());
    let first = owners.map(|(_, values)| values).next().cloned().unwrap_or_default();
    let alike = first.into_iter().filter(|(path, value)| {
        let has = |(dir, values): (&&RunnableDir, &Values)| !counts(dir, path) || values.get(path) == Some(value);
        older.len() > 1 && may_stand_at_root(path) && path != "image.name" && older.iter().zip(&stated).all(has)
    });
    let mut values: Values = alike.collect();
    values.extend(whole);
    values.retain(|path, value| {
        let is_whole = place(path) == Some(LayerKind::SuperRepo);
        let fits = |dir: &RunnableDir| match dir.resolved.get(path) {
            _ if older.iter().any(|known| known.address == dir.address) || !counts(dir, path) => true,
            Some((known, origin)) => known == value || origin.layer > LayerKind::SuperRepo,
            None => false,
        };
        default(path) != Some(value) && (is_whole || workspace.dirs.iter().all(fits))
    });
    Some(values)
}

fn default(path: &str) -> Option<&'static Value> {
    Layer::defaults().get(path).map(|entry| &entry.value)
}

fn may_stand_at_root(path: &str) -> bool {
    schema::find(&schema::without_item(path)).is_some_and(|key| key.is_allowed_in(LayerKind::SuperRepo))
}

/// The file that a key is stated in: the root's where it is one value for the whole workspace, else the dir's.
pub(super) fn place(path: &str) -> Option<LayerKind> {
    let key = schema::find(&schema::without_item(path))?;
    let is_of_dirs = key.dormant.is_empty() && key.is_allowed_in(LayerKind::RunnableDir);
    let kind = if is_of_dirs { LayerKind::RunnableDir } else { LayerKind::SuperRepo };
    key.is_allowed_in(kind).then_some(kind)
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
        let text = text(values);
        if self.workspace.root.join(&path).exists() {
            self.by_hand
                .push(format!("`{path}` is there already and stays as it is; what it lacks is\n{}", text.trim_end()));
        } else {
            self.files.push(NewFile::text(path, text));
        }
    }
}
