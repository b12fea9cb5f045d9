//! Writes the plain tasks of a `tasks.py` over as `[tasks]`: those that do nothing but run commands that stand there in
//! full. All others stay as they are, and are named with the reason.

use std::path::{Path, PathBuf};

use toml_edit::{Array, DocumentMut, Item, Table, value};

use super::error::TaskError;
use super::tasks_py::{self, PythonTask, Unread};
use crate::workspace::Workspace;

/// What would be written.
#[derive(Debug, Clone, Default)]
pub struct Import {
    /// The file.
    pub file: PathBuf,
    /// Its new text.
    pub text: String,
    /// Names of the tasks that are written.
    pub written: Vec<String>,
    /// The tasks that stay, each with the reason.
    pub left: Vec<(String, String)>,
    /// What cannot be read.
    pub unread: Vec<Unread>,
}

/// Plans the import of the super-repo's `tasks.py`; `None` where there is none. `commands` are Wharf's own, whose names no
/// task may have.
///
/// # Errors
/// When `wharf.toml` cannot be read.
pub fn plan(workspace: &Workspace, commands: &[String]) -> Result<Option<Import>, TaskError> {
    let Some(found) = tasks_py::read(&workspace.root, &workspace.root) else { return Ok(None) };
    let file = workspace.root.join("wharf.toml");
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(TaskError::Io { file, source }),
    };
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| TaskError::NotToml {
        file: file.clone(),
        reason: error.message().to_owned(),
    })?;
    let tasks = document.entry("tasks").or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    let not_a_table = || TaskError::NotToml { file: file.clone(), reason: "`tasks` is no table".to_owned() };
    let tasks = tasks.as_table_like_mut().ok_or_else(not_a_table)?;
    let mut import = Import { file: file.clone(), unread: found.unread, ..Import::default() };
    // What a task needs is known only when all reasons to stay are: those that stay take others with them.
    let mut stays: Vec<(String, String)> = Vec::new();
    for task in &found.tasks {
        if let Some(why) = reason(task, commands, tasks.contains_key(&task.name)) {
            stays.push((task.name.clone(), why));
        }
    }
    loop {
        let is_left = |name: &String| stays.iter().any(|(left, _)| left == name);
        let declared = |name: &String| {
            tasks.contains_key(name) || (found.tasks.iter().any(|task| task.name == *name) && !is_left(name))
        };
        let next = found.tasks.iter().filter(|task| !is_left(&task.name)).find_map(|task| {
            let missing = task.pre.iter().find(|pre| !declared(pre))?;
            Some((task.name.clone(), format!("it needs `{missing}`, which stays")))
        });
        match next {
            Some(more) => stays.push(more),
            None => break,
        }
    }
    for task in found.tasks.iter().filter(|task| !stays.iter().any(|(left, _)| *left == task.name)) {
        tasks.insert(&task.name, Item::Table(declared(task)));
        import.written.push(task.name.clone());
    }
    stays.sort();
    import.left = stays;
    import.text = document.to_string();
    Ok(Some(import))
}

/// Why a task stays.
fn reason(task: &PythonTask, commands: &[String], is_declared: bool) -> Option<String> {
    let text = match () {
        () if is_declared => "`[tasks]` has one with this name".to_owned(),
        () if commands.contains(&task.name) => format!("it would hide the command `wharf {}`", task.name),
        () if task.name.contains('.') => "it is in a collection".to_owned(),
        () if task.commands.is_none() => "it does more than run commands that stand there in full".to_owned(),
        () if !task.arguments.is_empty() => "it takes arguments".to_owned(),
        () if !task.post.is_empty() => "it has `post`".to_owned(),
        () => return None,
    };
    Some(text)
}

fn declared(task: &PythonTask) -> Table {
    let mut table = Table::new();
    if !task.help.is_empty() {
        table.insert("help", value(&task.help));
    }
    let list = |items: &[String]| value(items.iter().collect::<Array>());
    match task.commands.as_deref().unwrap_or_default() {
        [command] => table.insert("run", value(command)),
        commands => table.insert("run", list(commands)),
    };
    if !task.pre.is_empty() {
        table.insert("deps", list(&task.pre));
    }
    table
}

/// Writes it.
///
/// # Errors
/// When the file cannot be written.
pub fn apply(import: &Import) -> Result<(), TaskError> {
    let failed = |source| TaskError::Io { file: import.file.clone(), source };
    let folder = import.file.parent().unwrap_or(Path::new("."));
    let temporary = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    fs_err::write(temporary.path(), &import.text).map_err(failed)?;
    if let Ok(data) = std::fs::metadata(&import.file) {
        std::fs::set_permissions(temporary.path(), data.permissions()).map_err(failed)?;
    }
    temporary.persist(&import.file).map(drop).map_err(|error| failed(error.error))
}
