//! Which folders of a repo become runnable dirs, and with which files. Pure: a survey goes in, a plan comes out.
//!
//! # Theory of operation
//! A folder that states a project becomes a dir of its own, as its dependencies are its own. What has tests but lies in none
//! of these belongs to the nearest folder of scripts above it, else to the repo's root. A repo without any of this gets its
//! root, so that there is something to go on from. Folders for documentation, examples and other people's code are left out and
//! named, since a wrong guess there costs more than a line typed.

use std::collections::BTreeMap;

use super::apply::{NewFile, NewFiles};
use super::discover::{Folder, Marker, Survey};
use super::python::{Base, Chosen, choose};
use super::texts;
use crate::runnable_dir::DEVOPS;
use crate::version;

/// Folders whose projects are not the repo's own work.
const ASIDE: [&str; 14] = [
    "docs",
    "doc",
    "examples",
    "example",
    "samples",
    "tests",
    "test",
    "testing",
    "fixtures",
    "templates",
    "vendor",
    "vendored",
    "third_party",
    "build",
];

/// Folders of tests: what else lies in them serves the tests.
const TESTS: [&str; 3] = ["tests", "test", "testing"];

/// Why a folder is proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It states a project.
    Project,
    /// It has scripts with tests.
    Scripts,
    /// It is the repo's root, and there are tests or scripts that are in no other dir.
    Rest,
    /// It is the repo's root, and there is no Python yet.
    Empty,
}

/// A line of configuration that a dir needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// A Python other than that of the base image.
    Python(Chosen),
    /// The folder that tests import from, which only `setup.py` knows.
    ImportFrom(&'static str),
}

/// A folder that could be a runnable dir.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Its path from the repo's root; empty for the root.
    pub path: String,
    /// Why it is proposed.
    pub reason: Reason,
    /// What was seen in it.
    pub saw: Vec<String>,
    /// Its first version.
    pub version: semver::Version,
    /// What its `devops/wharf.toml` states.
    pub settings: Vec<Setting>,
}

impl Proposal {
    /// Its path as an address.
    #[must_use]
    pub fn address(&self) -> &str {
        if self.path.is_empty() { "." } else { &self.path }
    }
}

/// A folder that looks like a project and is not proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its path from the repo's root.
    pub path: String,
    /// Why not.
    pub why: String,
}

/// What `wharf init` would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Dirs to be, by path.
    pub proposals: Vec<Proposal>,
    /// Folders that are runnable already.
    pub present: Vec<String>,
    /// Folders that were looked at and are not proposed.
    pub left_out: Vec<LeftOut>,
    /// What needs a second look, a line each.
    pub warnings: Vec<String>,
    /// The files.
    pub files: NewFiles,
}

/// Plans the start of the repo `name`; `today` is `YYYY-MM-DD`.
#[must_use]
pub fn plan(survey: &Survey, name: &str, base: &Base, today: &str) -> Plan {
    let broken = survey.broken.iter().map(|(path, why)| LeftOut { path: path.clone(), why: why.clone() });
    let mut left_out: Vec<LeftOut> = broken.collect();
    let mut chosen = projects(survey, &mut left_out);
    let present: Vec<String> =
        survey.folders.iter().filter(|(_, folder)| folder.runnable).map(|(path, _)| path.clone()).collect();
    add_rest(survey, &present, &mut chosen);
    if chosen.is_empty() && present.is_empty() {
        let has_python = survey.folders.values().any(|folder| folder.modules > 0);
        chosen.insert(String::new(), if has_python { Reason::Rest } else { Reason::Empty });
    }
    let mut warnings = Vec::new();
    let all: Vec<String> = chosen.keys().chain(&present).cloned().collect();
    let look = Look { survey, all: &all, base };
    let proposals: Vec<Proposal> =
        chosen.into_iter().map(|(path, reason)| propose(&look, path, reason, &mut warnings)).collect();
    let files = files(survey, &proposals, name, today);
    Plan { proposals, present, left_out, warnings, files: NewFiles { root: survey.root.clone(), files } }
}

/// Folders that state a project, and those that look so but are not taken.
fn projects(survey: &Survey, left_out: &mut Vec<LeftOut>) -> BTreeMap<String, Reason> {
    let mut chosen = BTreeMap::new();
    for (path, folder) in &survey.folders {
        if folder.markers.is_empty() || folder.runnable {
            continue;
        }
        let aside = path.split('/').find(|part| ASIDE.contains(part));
        // A project's own folder of tests or docs with a list of requirements is part of it, and not worth a word.
        let is_list = folder.markers.iter().all(|marker| *marker == Marker::Requirements);
        match aside {
            Some(part) if !is_list => {
                left_out.push(LeftOut { path: path.clone(), why: format!("it is below `{part}`") });
            }
            Some(_) => {}
            None if !has_code(survey, path) => {
                if !is_list {
                    left_out.push(LeftOut { path: path.clone(), why: "it has no code of its own".into() });
                }
            }
            None => {
                chosen.insert(path.clone(), Reason::Project);
            }
        }
    }
    chosen
}

/// Whether a folder has Python of its own: in it or below, less the projects below.
fn has_code(survey: &Survey, path: &str) -> bool {
    let is_project = |folder: &Folder| !folder.markers.is_empty() || folder.runnable;
    below(survey, path).any(|(at, folder)| {
        let nested = ancestors(at)
            .take_while(|above| above != path)
            .any(|above| survey.folders.get(&above).is_some_and(is_project));
        !nested && (folder.modules + folder.tests > 0 || folder.is_package)
    })
}

/// Tests that are in no dir yet: the nearest folder of scripts becomes one, or the root.
fn add_rest(survey: &Survey, present: &[String], chosen: &mut BTreeMap<String, Reason>) {
    for (path, _) in survey.folders.iter().filter(|(_, folder)| folder.tests > 0) {
        let held = ancestors(path).any(|above| chosen.contains_key(&above) || present.contains(&above));
        if held {
            continue;
        }
        let scripts = ancestors(path).find(|above| {
            let last = above.rsplit('/').next().unwrap_or_default();
            let folder = survey.folders.get(above);
            !above.is_empty()
                && !above.split('/').any(|part| ASIDE.contains(&part))
                && !TESTS.contains(&last)
                && folder.is_some_and(|folder| folder.modules > 0 && !folder.is_package)
        });
        match scripts {
            Some(path) => chosen.insert(path, Reason::Scripts),
            None => chosen.insert(String::new(), Reason::Rest),
        };
    }
}

/// What a proposal is made from.
struct Look<'a> {
    survey: &'a Survey,
    /// All dirs, those that are there and those to be.
    all: &'a [String],
    base: &'a Base,
}

fn propose(look: &Look<'_>, path: String, reason: Reason, warnings: &mut Vec<String>) -> Proposal {
    let Look { survey, all, base } = *look;
    let folder = survey.folders.get(&path).cloned().unwrap_or_default();
    let mut saw: Vec<String> = folder.markers.iter().map(|marker| marker.file().to_owned()).collect();
    if let Some(name) = &folder.stated.name {
        saw.insert(0, format!("project `{name}`"));
    }
    let own = |at: &str| ancestors(at).find(|above| all.contains(above)).is_some_and(|holder| holder == path);
    let mine: Vec<&Folder> = survey.folders.iter().filter(|(at, _)| own(at)).map(|(_, folder)| folder).collect();
    saw.extend(count(mine.iter().map(|folder| folder.modules).sum(), "Python file"));
    saw.extend(count(mine.iter().map(|folder| folder.tests).sum(), "test file"));
    let mut settings = Vec::new();
    let shown = if path.is_empty() { "." } else { &path };
    match choose(folder.stated.python.as_ref(), base) {
        Ok(None) => {}
        Ok(Some(chosen)) => {
            saw.push(format!("{}, so Python {}", chosen.because, chosen.version));
            settings.push(Setting::Python(chosen));
        }
        Err(asked) => warnings.push(format!("`{shown}`: {asked}, which no image has; Python is that of `{}`", base.0)),
    }
    let at = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
    let has_src = below(survey, &at("src")).any(|(_, folder)| folder.is_package || folder.modules > 0);
    let is_src_package = survey.folders.get(&at("src")).is_some_and(|folder| folder.is_package);
    if has_src && !is_src_package && folder.stated.name.is_none() && !folder.stated.sets_path {
        saw.push("code in `src`".into());
        settings.push(Setting::ImportFrom("src"));
    }
    let version = folder.stated.version.unwrap_or_else(version::first);
    Proposal { path, reason, saw, version, settings }
}

fn files(survey: &Survey, proposals: &[Proposal], name: &str, today: &str) -> Vec<NewFile> {
    let mut files = Vec::new();
    if !survey.configured {
        files.push(NewFile::text("wharf.toml", texts::root(name)));
    }
    for proposal in proposals {
        let at =
            |name: &str| if proposal.path.is_empty() { name.to_owned() } else { format!("{}/{name}", proposal.path) };
        files.push(NewFile::text(at(&format!("{DEVOPS}/wharf.toml")), texts::dir(&proposal.settings)));
        if !survey.folders.get(&proposal.path).is_some_and(|folder| folder.changelog) {
            let image = crate::runnable_dir::image_name(name, &proposal.path);
            files.push(NewFile::text(at(version::FILE), texts::changelog(&image, &proposal.version, today)));
        }
    }
    files
}

/// `path` and what is below it.
fn below<'a>(survey: &'a Survey, path: &'a str) -> impl Iterator<Item = (&'a str, &'a Folder)> {
    let is_below = move |at: &str| {
        path.is_empty() || at.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    survey.folders.iter().filter(move |(at, _)| is_below(at)).map(|(at, folder)| (at.as_str(), folder))
}

/// `path`, then each folder above it, the root last.
fn ancestors(path: &str) -> impl Iterator<Item = String> {
    let up = |path: &String| match path.rsplit_once('/') {
        _ if path.is_empty() => None,
        Some((parent, _)) => Some(parent.to_owned()),
        None => Some(String::new()),
    };
    std::iter::successors(Some(path.to_owned()), up)
}

fn count(number: usize, what: &str) -> Option<String> {
    match number {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{number} {what}s")),
    }
}
