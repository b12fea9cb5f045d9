//! `wharf image lock`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Serialize;
use wharf_core::container::{Life, OWNER, Owner, ROOT, VERB, WORKSPACE};
use wharf_core::image::change::Change;
use wharf_core::image::lock::{LockError, Order, Resolution, TEMPORARY, Target, Upgrade, apply, resolve, target};
use wharf_core::image::{ImageError, Place};
use wharf_core::runnable_dir::RunnableDir;
use wharf_core::workspace::Workspace;
use wharf_engine::Image;
use wharf_process::Command;

use super::super::data;
use super::super::interrupt::Interrupt;
use crate::context::Context;
use crate::exit::Failure;

/// Resolves which versions of Python packages an image gets, with the dir's own manager (uv, Poetry or pip) and in the Python of
/// its image. Writes `uv.lock`, `poetry.lock` or, for pip, `devops/requirements.lock`, and `pip_list.txt`; prints what moved. Versions that
/// still satisfy stay unless they are to be upgraded.
#[derive(Debug, clap::Args)]
pub(super) struct Lock {
    /// Whose; without it, that of the runnable dir that holds the current folder.
    #[arg(value_name = "DIR", add = crate::commands::complete::dirs())]
    dirs: Vec<String>,
    /// Moves these packages, and what they need, to the newest versions that can be had; without a package, all.
    #[arg(long, value_name = "PACKAGE", num_args = 0.., conflicts_with = "check")]
    upgrade: Option<Vec<String>>,
    /// Writes nothing; exit 5 where a lock is missing or not what the manifest asks for.
    #[arg(long)]
    check: bool,
    /// Prints what would be done, and does nothing.
    #[arg(long, conflicts_with = "check")]
    dry_run: bool,
    /// Prints JSON: an array with an object for each dir.
    #[arg(long, conflicts_with = "dry_run")]
    json: bool,
}

/// What came of one dir, as JSON.
#[derive(Debug, Serialize)]
struct Outcome {
    dir: String,
    manager: String,
    lock: String,
    list: String,
    stale: bool,
    changes: Vec<Change>,
    written: Vec<String>,
}

impl Lock {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        let dirs = self.owners(context, &workspace)?;
        if self.dry_run {
            return self.show(context, &workspace, &dirs);
        }
        let place = context.place(&workspace)?;
        let interrupt = Interrupt::listen()?;
        let (labels, upgrade) = (labels(&workspace, "lock"), self.wish());
        let mut outcomes = Vec::new();
        remove_leftovers(&place)?;
        for dir in dirs {
            let order = Order { workspace: &workspace, dir, place: &place, labels: &labels, listener: &context.talk };
            let resolved = resolve(&order, &upgrade);
            interrupt.check()?;
            outcomes.push(self.settle(context, &workspace, &resolved.map_err(failure)?)?);
        }
        if self.json {
            data::json(&outcomes)?;
        }
        let stale: Vec<&str> = outcomes.iter().filter(|it| it.stale).map(|it| it.dir.as_str()).collect();
        if self.check && !stale.is_empty() {
            return Err(stale_failure(&outcomes, &stale));
        }
        Ok(0)
    }

    fn wish(&self) -> Upgrade {
        match self.upgrade.as_deref() {
            None => Upgrade::Nothing,
            Some([]) => Upgrade::All,
            Some(names) => Upgrade::Only(names.to_vec()),
        }
    }

    /// The dirs whose images are meant, each once.
    fn owners<'a>(&self, context: &Context, workspace: &'a Workspace) -> Result<Vec<&'a RunnableDir>, Failure> {
        let named: Vec<&RunnableDir> = match self.dirs.as_slice() {
            [] => vec![workspace.here()?],
            some => some.iter().map(|text| workspace.dir(text)).collect::<Result<_, _>>()?,
        };
        let mut owners: Vec<&RunnableDir> = Vec::new();
        for dir in named {
            let owner = workspace.image_owner(dir)?;
            if owner.address != dir.address {
                context.talk.note(&format!("`{}` takes its image from `{}`", dir.address, owner.address));
            }
            if !owners.iter().any(|known| known.address == owner.address) {
                owners.push(owner);
            }
        }
        Ok(owners)
    }

    /// Writes what was resolved, unless it is only to be checked, and says what moved.
    fn settle(&self, context: &Context, workspace: &Workspace, resolution: &Resolution) -> Result<Outcome, Failure> {
        let Target { dir, manager, lock, list, .. } = &resolution.target;
        let holder = format!("process {}, wharf image lock", std::process::id());
        let written = match self.check {
            true => Vec::new(),
            false => apply(workspace, resolution, &holder).map_err(failure)?,
        };
        if !self.json {
            let several = self.dirs.len() > 1;
            for change in &resolution.changes {
                data::line(&if several { format!("{dir}: {change}") } else { change.to_string() })?;
            }
        }
        match written.as_slice() {
            [] if resolution.is_stale => {}
            [] => context.talk.note(&format!("{dir}: `{}` is as it should be", shown(workspace, lock).display())),
            files => {
                let names: Vec<String> =
                    files.iter().map(|file| format!("`{}`", shown(workspace, file).display())).collect();
                context.talk.note(&format!("{dir}: wrote {}; commit what you keep", names.join(" and ")));
                for repo in elsewhere(workspace, dir, files) {
                    context.talk.note(&format!("{dir}: that is in sub-repo `{repo}`; commit it there"));
                }
            }
        }
        let text = |file: &Path| shown(workspace, file).display().to_string();
        Ok(Outcome {
            dir: dir.clone(),
            manager: manager.to_string(),
            lock: text(lock),
            list: text(list),
            stale: resolution.is_stale && self.check,
            changes: resolution.changes.clone(),
            written: written.iter().map(|file| text(file)).collect(),
        })
    }

    fn show(&self, context: &Context, workspace: &Workspace, dirs: &[&RunnableDir]) -> Result<u8, Failure> {
        let place = context.place(workspace)?;
        for dir in dirs {
            let Target { manager, lock, list, .. } = target(workspace, dir).map_err(failure)?;
            let room = match place {
                Place::Containers(_) => "a container of its image's first stages",
                Place::Host(_) => "the host's Python of its version",
            };
            let (lock, list) = (shown(workspace, &lock), shown(workspace, &list));
            data::line(&format!(
                "# {}: {manager} in {room}, to write `{}` and `{}`",
                dir.address,
                lock.display(),
                list.display()
            ))?;
            let line = Command::new("wharf").arg("-C").arg(workspace.root.clone());
            let line = line.args(["--engine", place.kind().word(), "image", "lock"]);
            let line = line.arg(format!("//{}", dir.address));
            let line = match &self.upgrade {
                None => line,
                Some(names) => line.arg("--upgrade").args(names.iter().cloned()),
            };
            data::line(&line.to_string())?;
        }
        Ok(0)
    }
}

/// The sub-repos that files lie in, where that is another repo than the dir's.
fn elsewhere<'a>(workspace: &'a Workspace, dir: &str, files: &[PathBuf]) -> BTreeSet<&'a str> {
    let own = workspace.dirs.iter().find(|known| known.address.as_str() == dir).map(|known| known.repo.as_str());
    let repo_of = |file: &PathBuf| {
        let repos = workspace.repos.iter().filter(|repo| file.starts_with(&repo.root));
        repos.max_by_key(|repo| repo.path.len()).map(|repo| repo.path.as_str())
    };
    files.iter().filter_map(repo_of).filter(|repo| own.is_some_and(|own| own != *repo)).collect()
}

/// Removes what a killed Wharf left of locks that were taken out of images.
fn remove_leftovers(place: &Place) -> Result<(), Failure> {
    let Some(client) = place.client() else { return Ok(()) };
    let is_left = |image: &Image| {
        let owner = image.labels.get(OWNER).and_then(|text| text.parse::<Owner>().ok());
        owner.is_some_and(|owner| owner.life() == Life::Dead)
    };
    let is_temporary = |name: &&String| name.trim_start_matches("localhost/").starts_with(&format!("{TEMPORARY}:"));
    for image in client.images(&format!("{VERB}=lock"))?.iter().filter(|image| is_left(image)) {
        image.references.iter().filter(is_temporary).try_for_each(|name| client.remove_image(name))?;
    }
    Ok(())
}

/// Labels by which `ps`, `stop` and `prune` know a container that is not of a user's command.
pub(super) fn labels(workspace: &Workspace, verb: &str) -> BTreeMap<String, String> {
    let pairs = [
        (WORKSPACE, workspace.id.clone()),
        (ROOT, workspace.root.display().to_string()),
        (VERB, verb.to_owned()),
        (OWNER, Owner::current().to_string()),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value)).into()
}

fn shown(workspace: &Workspace, file: &Path) -> PathBuf {
    file.strip_prefix(&workspace.root).unwrap_or(file).to_path_buf()
}

fn stale_failure(outcomes: &[Outcome], stale: &[&str]) -> Failure {
    let lines = outcomes
        .iter()
        .filter(|it| it.stale)
        .map(|it| format!("`{}` is not what the files of `{}` ask for ({})", it.lock, it.dir, moved(it.changes.len())));
    let message = lines.collect::<Vec<_>>().join("\n");
    Failure::refused(message).hint(format!("bring it up to date with `wharf image lock {}`", stale.join(" ")))
}

fn moved(changes: usize) -> String {
    match changes {
        0 => "no version would move".into(),
        1 => "1 version would move".into(),
        more => format!("{more} versions would move"),
    }
}

fn failure(error: LockError) -> Failure {
    let code = match &error {
        LockError::Unsatisfiable { .. } => 1,
        LockError::NotLocked { .. } | LockError::AllOrNothing { .. } => 2,
        LockError::Nothing { .. } => 3,
        LockError::Moved { .. } | LockError::LeadsOut { .. } => 5,
        LockError::Image(ImageError::Python { .. }) => 3,
        _ => 4,
    };
    let hint = error.hint();
    let failure = match error {
        LockError::Image(error) => error.into(),
        error => Failure { code, message: Failure::describe(&error), hint: None },
    };
    Failure { hint, ..failure }
}
