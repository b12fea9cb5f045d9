//! Templates: plain folders whose files become those of a fresh dir.
//!
//! Names of files and folders may hold placeholders (`test_{{package}}.py`). A file that ends in `.jinja` is filled in and
//! loses that ending; all others are copied byte for byte, so that what uses braces itself needs no care. The file
//! `template.toml`, which is not copied, makes a folder in `templates/` of a repo a template that is listed.

use std::fs;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use serde::Serialize;

use super::apply::NewFile;
use super::built_in::{self, BuiltIn};
use super::error::StartError;
use crate::sub_repo::State;
use crate::sub_repo::exports::Exporter;
use crate::workspace::Workspace;

/// Name of the folder, at a repo's root, that holds the repo's templates.
pub const TEMPLATES: &str = "templates";

/// The file that describes a template.
const DESCRIPTION: &str = "template.toml";

/// The ending of files that are filled in.
const FILLED: &str = ".jinja";

/// A template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Template {
    /// What it is asked for by: `library`, or `helpers/library` for one of a sub-repo.
    pub name: String,
    /// What it makes.
    pub description: String,
    /// Whose it is: `wharf`, or the address of its folder.
    pub from: String,
    #[serde(skip)]
    source: Source,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    BuiltIn(usize),
    Folder(PathBuf),
}

/// A file of a template.
struct Raw {
    path: String,
    bytes: Vec<u8>,
    executable: bool,
}

/// The templates of a workspace: its own, those of its sub-repos, then those that Wharf brings along, less the names that
/// are the workspace's own.
#[must_use]
pub fn list(workspace: &Workspace) -> Vec<Template> {
    let mut all = Vec::new();
    for repo in workspace.repos.iter().filter(|repo| repo.state == State::Ready) {
        let exporter = workspace.exporters.iter().find(|exporter| exporter.path == repo.path);
        let folder = exporter.and_then(Exporter::templates).unwrap_or_else(|| folder_of(&repo.root));
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        let mut names: Vec<String> =
            entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        for name in names.into_iter().filter(|name| folder.join(name).join(DESCRIPTION).is_file()) {
            let prefix = if repo.path.is_empty() { String::new() } else { format!("{}/", repo.path) };
            all.push(of_folder(format!("{prefix}{name}"), shown(workspace, &folder.join(&name)), folder.join(name)));
        }
    }
    for (at, BuiltIn { name, description, .. }) in built_in::ALL.iter().enumerate() {
        if !all.iter().any(|template| template.name == *name) {
            all.push(Template {
                name: (*name).into(),
                description: (*description).into(),
                from: "wharf".into(),
                source: Source::BuiltIn(at),
            });
        }
    }
    all
}

/// The template of that name; without a name, the first that Wharf brings along. A path written with `//` is the folder
/// itself, whether it is listed or not.
///
/// # Errors
/// [`StartError::NoTemplate`], with the names that there are.
pub fn find(workspace: &Workspace, name: Option<&str>) -> Result<Template, StartError> {
    let all = list(workspace);
    let wanted = name.unwrap_or(built_in::ALL[0].name);
    if let Some(found) = all.iter().find(|template| template.name == wanted) {
        return Ok(found.clone());
    }
    if let Some(path) = wanted.strip_prefix("//") {
        let address = crate::runnable_dir::Address::from_relative(Path::new(path))?;
        let folder = address.under(&workspace.root);
        if !address.is_root() && folder.is_dir() {
            return Ok(of_folder(wanted.to_owned(), wanted.to_owned(), folder));
        }
    }
    Err(StartError::NoTemplate { name: wanted.into(), known: all.into_iter().map(|template| template.name).collect() })
}

/// A word without a value is an error, and text stays as it is written.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    if let Ok(syntax) = SyntaxConfig::builder().keep_trailing_newline(true).build() {
        environment.set_syntax(syntax);
    }
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment
}

/// A folder of the workspace as an address.
fn shown(workspace: &Workspace, folder: &Path) -> String {
    format!("//{}", folder.strip_prefix(&workspace.root).unwrap_or(folder).display())
}

/// Where a repo keeps its templates, unless it says so itself.
fn folder_of(root: &Path) -> PathBuf {
    root.join(TEMPLATES)
}

fn of_folder(name: String, from: String, folder: PathBuf) -> Template {
    let text = fs::read_to_string(folder.join(DESCRIPTION)).unwrap_or_default();
    let table: toml::Table = toml::from_str(&text).unwrap_or_default();
    let description = table.get("description").and_then(toml::Value::as_str).unwrap_or_default().to_owned();
    Template { name, description, from, source: Source::Folder(folder) }
}

impl Template {
    /// The files that it makes in `dir` (a path from the root, with `/`) with these values.
    ///
    /// # Errors
    /// [`StartError::Template`], naming the file, where a placeholder has no value or a name leads out of the dir.
    pub fn fill(&self, dir: &str, values: &impl Serialize) -> Result<Vec<NewFile>, StartError> {
        let environment = environment();
        let values = Value::from(Serde(values));
        let mut files = Vec::new();
        for raw in self.read()? {
            let wrong =
                |reason: String| StartError::Template { template: self.name.clone(), file: raw.path.clone(), reason };
            let render = |text: &str| {
                environment.render_str(text, values.clone()).map_err(|error| {
                    let line = error.line().map(|line| format!("line {line}: ")).unwrap_or_default();
                    wrong(format!("{line}{}", error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)))
                })
            };
            let path = render(raw.path.strip_suffix(FILLED).unwrap_or(&raw.path))?;
            if path.split('/').any(|part| matches!(part, "" | "." | ".." | ".git")) || path.contains(['\\', '\0']) {
                return Err(wrong(format!("`{path}` is no path in a dir")));
            }
            let bytes = if raw.path.ends_with(FILLED) {
                let text = std::str::from_utf8(&raw.bytes).map_err(|_| wrong("it is not UTF-8".into()))?;
                render(text)?.into_bytes()
            } else {
                raw.bytes
            };
            files.push(NewFile { path: format!("{dir}/{path}"), bytes, executable: raw.executable });
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    fn read(&self) -> Result<Vec<Raw>, StartError> {
        match &self.source {
            Source::BuiltIn(at) => {
                let raw = |(path, text): &(&str, &str)| Raw {
                    path: (*path).into(),
                    bytes: text.as_bytes().to_vec(),
                    executable: false,
                };
                Ok(built_in::ALL[*at].files.iter().map(raw).collect())
            }
            Source::Folder(folder) => self.read_folder(folder),
        }
    }

    /// What Git ignores there, such as caches, is not part of it. Links are not followed.
    fn read_folder(&self, folder: &Path) -> Result<Vec<Raw>, StartError> {
        use std::os::unix::fs::PermissionsExt;
        let mut files = Vec::new();
        let mut builder = WalkBuilder::new(folder);
        builder.hidden(false).ignore(false).require_git(false).follow_links(false);
        builder.filter_entry(|entry| entry.file_name() != ".git" && entry.file_name() != "__pycache__");
        for entry in builder.build() {
            let entry = entry.map_err(std::io::Error::other)?;
            let path = entry.path().strip_prefix(folder).unwrap_or(entry.path());
            let wrong = |reason: &str| StartError::Template {
                template: self.name.clone(),
                file: path.display().to_string(),
                reason: reason.into(),
            };
            let kind = entry.file_type();
            if kind.is_some_and(|kind| kind.is_dir()) || path == Path::new(DESCRIPTION) {
                continue;
            }
            if !kind.is_some_and(|kind| kind.is_file()) {
                return Err(wrong("it is neither a file nor a folder"));
            }
            let executable = entry.metadata().is_ok_and(|data| data.permissions().mode() & 0o100 != 0);
            let shown = path.to_str().ok_or_else(|| wrong("its name is not UTF-8"))?.to_owned();
            files.push(Raw { path: shown, bytes: fs_err::read(entry.path())?, executable });
        }
        Ok(files)
    }
}
