//! Changes declarations: `track` and `detach` edit a repo's `wharf.toml` in place, and keep its comments and layout.

use std::path::PathBuf;

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, Value};
use wharf_git::Git;

use super::apply::{replace, write_records};
use super::contents::Contents;
use super::declared::{Declaration, Mode};
use super::error::FilesError;
use super::examine::Examined;
use super::pattern::Patterns;
use super::plan::{Action, Plan, Reason, Step};
use super::scene::{Scene, join};
use super::status::{CommonFile, State};
use super::target;
use crate::sub_repo::State as RepoState;

/// An edit of one repo's `wharf.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The declaring repo.
    pub repo: usize,
    /// Its `wharf.toml`.
    pub file: PathBuf,
    /// Its text; `None` where it is not there yet.
    pub old: Option<String>,
    /// Its new text.
    pub new: String,
}

impl Edit {
    /// Writes it.
    ///
    /// # Errors
    /// When the file changed meanwhile or cannot be written.
    pub fn write(&self) -> Result<(), FilesError> {
        let now = std::fs::read_to_string(&self.file).ok();
        if now != self.old {
            return Err(FilesError::Meanwhile(self.file.display().to_string()));
        }
        replace(&self.file, self.new.as_bytes(), None).map_err(FilesError::write(&self.file))
    }
}

/// Starts to share the file at `path` (from the super-repo's root) with the owner's folder `from`.
///
/// # Errors
/// When there is no such file or owner, it is shared already, or it may not be.
pub fn track(scene: &Scene, path: &str, from: &str) -> Result<Edit, FilesError> {
    let usage = |message: String, hint: &str| FilesError::Usage { message, hint: hint.to_owned() };
    let (repo, inner) = scene.repo_of(path);
    let root = &scene.repos[repo].root;
    if !root.join(inner).symlink_metadata().is_ok_and(|metadata| metadata.is_file() || metadata.is_dir())
        || inner.is_empty()
    {
        return Err(usage(format!("`{path}` is no file or folder here"), "name one that is there"));
    }
    target::check_way(root, inner).map_err(|how| FilesError::Escapes {
        place: "command line".into(),
        path: path.to_owned(),
        how,
    })?;
    let (owner, folder) = scene.repo_of(from);
    let is_ready = scene.repos[owner].state == RepoState::Ready;
    if !is_ready || (owner == 0 && !folder.is_empty() && !scene.root.join(folder).is_dir()) {
        let message = format!("owner `//{from}` is not here");
        return Err(usage(message, "name a repo of this super-repo, `.` for itself"));
    }
    let (to, source) = split(scene, (owner, folder), inner)?;
    if (owner, join(folder, &source).as_str()) == (repo, inner) {
        return Err(usage(format!("`{path}` would be its own owner"), "name another repo with `--from`"));
    }
    let (mut document, file, old) = open(scene, repo)?;
    let tables = entries(&mut document, &file)?;
    for (number, declaration) in scene.declared[repo].iter().enumerate() {
        let is_owner = declaration.from == from && declaration.to == [to.clone()] && declaration.mode == Mode::Copy;
        let Some(table) = tables.get_mut(number) else { continue };
        if declaration.detached.iter().any(|own| own == inner) {
            drop_item(table, "detached", inner);
            return Ok(Edit { repo, file, old, new: document.to_string() });
        }
        if is_owner && Patterns::new(&declaration.paths).matches(&source) {
            let message = format!("`{path}` is a common file already, by {}", declaration.place);
            return Err(usage(message, "see its state with `wharf files status`"));
        }
        if is_owner {
            add_item(table, "paths", &source);
            return Ok(Edit { repo, file, old, new: document.to_string() });
        }
    }
    let mut table = Table::new();
    table.insert("from", Item::Value(format!("//{from}").into()));
    table.insert("paths", Item::Value(Array::from_iter([source]).into()));
    if to != "." {
        table.insert("to", Item::Value(Array::from_iter([to]).into()));
    }
    table.decor_mut().set_prefix(if old.as_deref().unwrap_or_default().is_empty() { "" } else { "\n" });
    tables.push(table);
    Ok(Edit { repo, file, old, new: document.to_string() })
}

/// Where the owner has the file: the longest tail of its path that is there; else the whole path, to be carried there later.
fn split(scene: &Scene, (owner, folder): (usize, &str), inner: &str) -> Result<(String, String), FilesError> {
    let root = &scene.repos[owner].root;
    let git = Git::new(root);
    let Some(head) = git.head() else { return Ok((".".into(), inner.to_owned())) };
    let entries = git.entries(&head, folder).map_err(FilesError::git(root))?;
    let starts = [0].into_iter().chain(inner.match_indices('/').map(|(at, _)| at + 1));
    for start in starts {
        let wanted = join(folder, &inner[start..]);
        let is_it =
            |path: &str| path.strip_prefix(&wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if entries.iter().any(|entry| is_it(&entry.path)) {
            let to = inner[..start].trim_end_matches('/');
            return Ok((if to.is_empty() { ".".into() } else { to.to_owned() }, inner[start..].to_owned()));
        }
    }
    Ok((".".into(), inner.to_owned()))
}

/// Makes files one's own. Gives the edits, and a plan that drops their lines and turns links into files.
///
/// # Errors
/// When a `wharf.toml` cannot be edited.
pub fn detach(scene: &Scene, examined: &Examined, contents: &Contents) -> Result<(Vec<Edit>, Plan), FilesError> {
    let mut edits: Vec<Edit> = Vec::new();
    let mut plan = Plan::default();
    let repos: std::collections::BTreeSet<usize> = examined.files.iter().map(|file| file.repo).collect();
    for repo in repos {
        let (mut document, file, old) = open(scene, repo)?;
        let tables = entries(&mut document, &file)?;
        for common in examined.files.iter().filter(|common| common.repo == repo && common.state != State::Detached) {
            let number = scene.declared[repo].iter().position(|declared| declared.place == common.place);
            let Some(number) = number else { continue };
            match tables.get_mut(number) {
                Some(table) => add_item(table, "detached", &common.path),
                None => opt_out(tables, scene, (&scene.declared[repo][number], common)),
            }
            plan.records.push((repo, common.path.clone(), None));
            if let (Mode::Link, Some(bytes), Some(there)) = (common.mode, contents.there(common), &common.there)
                && common.state != State::LinkReplaced
            {
                plan.steps.push(Step {
                    repo,
                    path: common.path.clone(),
                    expected: common.here.clone(),
                    action: Action::Put { bytes: bytes.to_vec(), executable: there.executable },
                    reason: Reason::Restored,
                    source: (common.owner, common.source.clone()),
                    id: Some(there.id.clone()),
                });
            }
        }
        edits.push(Edit { repo, file, old, new: document.to_string() });
    }
    edits.retain(|edit| edit.old.as_deref() != Some(edit.new.as_str()));
    Ok((edits, plan))
}

/// An entry of one's own for a file that its owner exports: it wins over the exported one, and keeps the file as one's own.
fn opt_out(tables: &mut ArrayOfTables, scene: &Scene, (exported, common): (&Declaration, &CommonFile)) {
    let folder = scene.repo_of(&exported.from).1;
    let source = if folder.is_empty() { common.source.as_str() } else { &common.source[folder.len() + 1..] };
    let to = common.path.strip_suffix(source).unwrap_or_default().trim_end_matches('/');
    let mut table = Table::new();
    table.insert("from", Item::Value(format!("//{}", exported.from).into()));
    table.insert("paths", Item::Value(Array::from_iter([source]).into()));
    if !to.is_empty() {
        table.insert("to", Item::Value(Array::from_iter([to]).into()));
    }
    table.insert("detached", Item::Value(Array::from_iter([common.path.as_str()]).into()));
    table.decor_mut().set_prefix("\n");
    tables.push(table);
}

/// Drops the lines of detached files.
///
/// # Errors
/// When a record cannot be written.
pub fn forget(scene: &Scene, plan: &Plan) -> Result<(), FilesError> {
    write_records(scene, plan)
}

fn open(scene: &Scene, repo: usize) -> Result<(DocumentMut, PathBuf, Option<String>), FilesError> {
    let file = scene.config_file(repo);
    let old = match std::fs::read_to_string(&file) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(FilesError::read(&file)(error)),
    };
    let document = old.as_deref().unwrap_or_default().parse::<DocumentMut>();
    let document =
        document.map_err(|error| FilesError::NotToml { file: file.clone(), reason: error.message().into() })?;
    Ok((document, file, old))
}

fn entries<'d>(document: &'d mut DocumentMut, file: &std::path::Path) -> Result<&'d mut ArrayOfTables, FilesError> {
    let item = document.entry("files").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    item.as_array_of_tables_mut().ok_or_else(|| FilesError::NotToml {
        file: file.into(),
        reason: "`files` is an inline list; write each entry as `[[files]]`".into(),
    })
}

/// Adds an item to a list, in the list's own layout.
fn add_item(table: &mut Table, key: &str, item: &str) {
    let slot = table.entry(key).or_insert_with(|| Item::Value(Array::new().into()));
    if let Some(text) = slot.as_str().map(str::to_owned) {
        *slot = Item::Value(Array::from_iter([text]).into());
    }
    let Some(array) = slot.as_array_mut() else { return };
    if array.iter().any(|known| known.as_str() == Some(item)) {
        return;
    }
    // The prefix of the last item is the layout of a list over several lines.
    let prefix = array.iter().last().and_then(|last| last.decor().prefix()).and_then(|prefix| prefix.as_str());
    let prefix = prefix.filter(|prefix| prefix.contains('\n') && !prefix.contains('#')).map(str::to_owned);
    let mut value = Value::from(item);
    match prefix {
        Some(prefix) => {
            value.decor_mut().set_prefix(prefix);
            array.push_formatted(value);
        }
        None => array.push(item),
    }
}

fn drop_item(table: &mut Table, key: &str, item: &str) {
    let is_item = |value: &Value| value.as_str() == Some(item);
    let Some(slot) = table.get_mut(key) else { return };
    if let Some(array) = slot.as_array_mut() {
        array.retain(|value| !is_item(value));
    }
    if slot.as_str() == Some(item) || slot.as_array().is_some_and(Array::is_empty) {
        table.remove(key);
    }
}
