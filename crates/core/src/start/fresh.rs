//! A fresh runnable dir from a template. Reads what is there, writes nothing.

use std::path::Path;

use serde::Serialize;

use super::apply::{NewFile, NewFiles};
use super::error::StartError;
use super::name;
use super::template::Template;
use super::texts;
use crate::runnable_dir::{Address, DEVOPS, image_name};
use crate::sub_repo::State;
use crate::version;
use crate::workspace::Workspace;

/// What a user wants.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Where, as it was typed. Unlike elsewhere, a plain path counts from the current folder, as with `mkdir`.
    pub dir: &'a str,
    /// From which template.
    pub template: &'a Template,
    /// The day, `YYYY-MM-DD`.
    pub today: &'a str,
}

/// A dir that is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fresh {
    /// Where.
    pub address: Address,
    /// Its files.
    pub files: NewFiles,
}

/// The values of placeholders.
#[derive(Debug, Serialize)]
struct Values<'a> {
    /// Name of the dir.
    name: &'a str,
    /// Name of the module in it.
    package: &'a str,
    /// Name of the project, as package indexes write it.
    project: &'a str,
    /// Path of the dir from the super-repo's root.
    path: &'a str,
    /// Name of the super-repo.
    workspace: &'a str,
    /// The first version.
    version: String,
    /// The day.
    date: &'a str,
    /// `devops`, for templates that bring such a folder: spelled out, it would make the template itself a runnable dir.
    devops: &'a str,
}

/// Plans a dir. What makes it runnable is added where the template does not bring it.
///
/// # Errors
/// When the place is in use or outside, the name is no good, or the template cannot be filled in.
pub fn plan_dir(workspace: &Workspace, wanted: Wanted<'_>) -> Result<Fresh, StartError> {
    let address = place(workspace, wanted.dir)?;
    let path = address.as_str();
    let last = path.rsplit('/').next().unwrap_or_default();
    let package = name::check(last)?;
    let repo = workspace.repo_of(&address);
    if let Some(repo) = workspace.repos.iter().find(|known| known.path == repo && known.state != State::Ready) {
        return Err(StartError::NotHere { path: path.into(), repo: repo.path.clone() });
    }
    check_free(workspace, &address, wanted.dir)?;
    let values = Values {
        name: last,
        package: &package,
        project: &last.to_ascii_lowercase(),
        path,
        workspace: &workspace.name,
        version: version::first().to_string(),
        date: wanted.today,
        devops: DEVOPS,
    };
    let mut files = wanted.template.fill(path, &values)?;
    let devops = format!("{path}/{DEVOPS}/");
    if !files.iter().any(|file| file.path.starts_with(&devops)) {
        files.push(NewFile::text(format!("{devops}wharf.toml"), texts::dir(&[])));
    }
    let changelog = format!("{path}/{}", version::FILE);
    if !files.iter().any(|file| file.path == changelog) {
        let owner = workspace.repos.iter().find(|known| known.path == repo);
        let inside = path.strip_prefix(&repo).unwrap_or(path).trim_start_matches('/');
        let image = image_name(owner.map_or(&workspace.name, |owner| &owner.name), inside);
        files.push(NewFile::text(changelog, texts::changelog(&image, &version::first(), wanted.today)));
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(Fresh { address, files: NewFiles { root: workspace.root.clone(), files } })
}

fn place(workspace: &Workspace, text: &str) -> Result<Address, StartError> {
    let address = if text.starts_with("//") || Path::new(text).is_absolute() {
        Address::parse(text, &workspace.root, &workspace.surroundings.here)?
    } else {
        Address::parse(&format!("./{text}"), &workspace.root, &workspace.surroundings.here)?
    };
    let hidden = address.as_str().split('/').find(|part| part.starts_with('.') || *part == DEVOPS);
    match hidden {
        Some(part) if !address.is_root() => {
            let reason = format!("`{part}` is never searched for runnable dirs");
            Err(StartError::Name { name: text.into(), reason })
        }
        _ if address.is_root() => Err(StartError::NotEmpty(text.into())),
        _ => Ok(address),
    }
}

/// Nothing may stand there, and no link on the way may lead out of the repo.
fn check_free(workspace: &Workspace, address: &Address, shown: &str) -> Result<(), StartError> {
    let target = address.under(&workspace.root);
    for above in target.ancestors().take_while(|above| *above != workspace.root) {
        let Ok(data) = above.symlink_metadata() else { continue };
        let is_target = above == target;
        if data.is_symlink() || !data.is_dir() {
            let inside = above.strip_prefix(&workspace.root).unwrap_or(above);
            return Err(StartError::There(if is_target { shown.into() } else { inside.to_path_buf() }));
        }
        if is_target && fs_err::read_dir(above)?.next().is_some() {
            return Err(StartError::NotEmpty(shown.into()));
        }
    }
    Ok(())
}
