//! Which tests run where. Pure: a workspace and a selection go in, a plan comes out; no engine is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;

use super::history::Expected;
use super::last::LastFailed;
use super::lists::{self, ListError, Lists};
use super::nearest::no_holder;
use super::report::json::ReadError;
use super::spread::DirShard;
use super::suites::{self, Chosen, DirSuite};
use crate::config::ConfigError;
use crate::image::ImageError;
use crate::runnable_dir::{Address, DEVOPS, RunnableDir};
use crate::service::ServiceError;
use crate::workspace::{Workspace, WorkspaceError};

/// What a user wants to run.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Files, folders and test ids; all where there are none.
    pub paths: Vec<String>,
    /// Runnable dirs, exactly these.
    pub dirs: Vec<String>,
    /// `-k`.
    pub keyword: Option<String>,
    /// `-m`.
    pub markers: Option<String>,
    /// Suites, the union of which runs; none: as each dir's configuration says.
    pub suites: Vec<String>,
    /// Test lists, the union of which runs; none: all tests.
    pub lists: Vec<String>,
    /// Whether pytest stops at the first failure.
    pub fail_fast: bool,
    /// Arguments for pytest as they are.
    pub pytest: Vec<String>,
    /// Only what was bad in an earlier run.
    pub only: Option<LastFailed>,
}

impl Selection {
    /// Whether each dir that is meant runs all its tests, or all of a suite: see [`TestPlan::has_all_markers`].
    #[must_use]
    pub fn is_whole(&self) -> bool {
        // Named one by one, so that whoever adds another decides here too.
        let Self { paths, dirs: _, keyword, markers, suites: _, lists, fail_fast: _, pytest, only } = self;
        paths.is_empty()
            && keyword.is_none()
            && markers.is_none()
            && lists.is_empty()
            && pytest.is_empty()
            && only.is_none()
    }
}

/// What of a dir an earlier run's record asks for.
enum Asked {
    Nothing,
    Whole,
    Tests(Vec<String>),
}

/// What will run where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TestPlan {
    /// One entry a runnable dir, by address.
    pub dirs: Vec<DirPlan>,
    /// The test lists that were asked for.
    #[serde(skip)]
    pub lists: Option<Wanted>,
}

/// Test lists with where their tests can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The lists.
    pub lists: Lists,
    /// Where.
    pub located: lists::Located,
    /// Whether an entry that no test matched says something: not where paths or an earlier run's failures narrow it too.
    pub judges: bool,
}

impl Wanted {
    /// The lines about entries for which there is not even a file.
    #[must_use]
    pub fn without_file(&self) -> Vec<String> {
        let lost =
            |(index, entry): &(usize, &lists::ListEntry)| entry.adds && !self.located.entries.contains_key(index);
        self.lists.entries.iter().enumerate().filter(lost).map(|(index, _)| self.lists.unmatched(index)).collect()
    }
}

impl TestPlan {
    /// Whether no suite leaves tests out by their markers.
    #[must_use]
    pub fn has_all_markers(&self) -> bool {
        self.dirs.iter().all(|dir| dir.suite.as_ref().is_none_or(|suite| suite.markers.is_empty()))
    }
}

/// What will run for one runnable dir.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DirPlan {
    /// Its address.
    pub path: String,
    /// The dir whose image it uses.
    pub image_of: String,
    /// Name of that image.
    pub image: String,
    /// Files whose names look like tests.
    pub test_files: usize,
    /// Whether a container starts; without test files and a reason to look there is nothing to run.
    pub runs: bool,
    /// Arguments for pytest.
    pub arguments: Vec<String>,
    /// The suite that runs, where it is not simply all tests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suite: Option<DirSuite>,
    /// Only these tests, by workspace-relative id.
    pub only: Option<Vec<String>>,
    /// Test files, by workspace-relative path, that are not even collected: their verdicts are known, or nothing that changed
    /// reaches them. What is not named here runs, so that a file nobody knew of is never missed.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub leave_out: BTreeSet<String>,
    /// Which of its test files run here; all where it says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<DirShard>,
    /// Milliseconds that its tests will take by the history: what takes longest starts first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_ms: Option<u64>,
    /// Why no container starts, where it is not for want of test files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nothing: Option<String>,
    /// Whether paths or ids in it were asked for by name.
    #[serde(skip)]
    pub named: bool,
}

impl TestPlan {
    /// Says of each dir how long it will take, so that the longest start first.
    pub fn expect(&mut self, expected: &Expected) {
        for dir in self.dirs.iter_mut().filter(|dir| dir.runs) {
            dir.expected_ms = Some((expected.of_dir(dir) * 1e3) as u64);
        }
    }
}

impl DirPlan {
    /// What people call it: its address, and which part of it this is.
    #[must_use]
    pub fn shown(&self) -> String {
        match self.shard.as_ref().and_then(|shard| shard.part) {
            Some(part) => format!("{} {}/{}", self.path, part.number, part.total),
            None => self.path.clone(),
        }
    }

    /// What a longer one has more of: expected milliseconds, else a second a test file.
    pub(super) fn weight(&self) -> u64 {
        self.expected_ms.unwrap_or(self.test_files as u64 * 1000)
    }

    /// Name of its log in the report's folder; `slug` is that of its dir.
    pub(super) fn log(&self, slug: &str) -> String {
        match self.shard.as_ref().and_then(|shard| shard.part) {
            Some(part) => format!("{slug}.{}.log", part.number),
            None => format!("{slug}.log"),
        }
    }
}

/// Why tests cannot be planned or run.
#[derive(Debug, thiserror::Error)]
pub enum TestError {
    /// The workspace does not allow it.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// Configuration that cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No image can be had for any dir.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A path that no runnable dir holds.
    #[error("`{path}` {}", if *.exists { "is in no runnable dir" } else { "is not there" })]
    NoHolder {
        /// What the user wrote.
        path: String,
        /// Whether there is such a file.
        exists: bool,
        /// The test file or runnable dir that was probably meant.
        nearest: Option<String>,
    },
    /// A suite that no dir has.
    #[error("no suite is named `{name}`{}", .from.as_ref().map(|from| format!(", as `test.suite` says ({from})")).unwrap_or_default())]
    NoSuite {
        /// Its name.
        name: String,
        /// The place in the configuration that names it; `None`: the command line does.
        from: Option<String>,
        /// The names of all suites.
        known: Vec<String>,
        /// The one that was probably meant.
        nearest: Option<String>,
    },
    /// Services that cannot be had.
    #[error(transparent)]
    Service(Box<ServiceError>),
    /// A test list that cannot be used.
    #[error(transparent)]
    List(#[from] ListError),
    /// A capability that nothing requires.
    #[error("nothing in `[test.requires]` names `{name}`")]
    NoCapability {
        /// What the user wrote.
        name: String,
        /// Markers and capabilities that could be meant.
        known: Vec<String>,
        /// The one that was probably meant.
        nearest: Option<String>,
    },
    /// Entries of test lists for which there is no file, where that is not allowed.
    #[error("{}", .lines.join("\n"))]
    Unmatched {
        /// A line for each.
        lines: Vec<String>,
    },
    /// The last run's failures were asked for, but there is no last run.
    #[error("there is no earlier run in this workspace")]
    NoLastRun,
    /// The last run's record cannot be read.
    #[error("the record of the last run cannot be read: {0}")]
    LastRun(#[from] ReadError),
    /// A file could not be written.
    #[error("a file of the run could not be written: {0}")]
    Io(#[from] std::io::Error),
}

impl From<ServiceError> for TestError {
    fn from(error: ServiceError) -> Self {
        Self::Service(Box::new(error))
    }
}

impl TestError {
    /// The next command to type.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Workspace(error) => error.hint(),
            Self::Config(error) => error.hint(),
            Self::Image(error) => error.hint(),
            Self::NoHolder { nearest: Some(near), .. } => Some(format!("did you mean `{near}`?")),
            Self::NoHolder { .. } => Some("see the runnable dirs with `wharf ls`".into()),
            Self::NoSuite { nearest: Some(near), from: None, .. } => Some(format!("did you mean `--suite {near}`?")),
            Self::NoSuite { nearest: Some(near), .. } => Some(format!("did you mean `{near}`?")),
            Self::NoSuite { known, .. } => Some(format!("there are {}", known.join(", "))),
            Self::Service(error) => error.hint(),
            Self::List(error) => error.hint(),
            Self::NoCapability { nearest: Some(near), .. } => Some(format!("did you mean `--require {near}`?")),
            Self::NoCapability { known, .. } if known.is_empty() => {
                Some("say in `[test.requires]` which marker needs what, such as `requires_docker = \"docker\"`".into())
            }
            Self::NoCapability { known, .. } => Some(format!("there are {}", known.join(", "))),
            Self::Unmatched { .. } => Some("correct the list, or leave `--strict` out for a warning".into()),
            Self::NoLastRun => Some("run all tests once with `wharf test`".into()),
            Self::LastRun(_) => Some("run all tests again with `wharf test`".into()),
            Self::Io(_) => None,
        }
    }
}

/// Plans what a selection means in a workspace.
///
/// # Errors
/// When a path or dir is not there or not runnable, or there is nothing runnable at all.
pub fn plan(workspace: &Workspace, selection: &Selection) -> Result<TestPlan, TestError> {
    if workspace.dirs.is_empty() {
        let (root, problems) = (workspace.root.clone(), workspace.problems.clone());
        return Err(WorkspaceError::NoDirs { root, problems }.into());
    }
    suites::check(workspace, selection)?;
    let wanted = wanted(workspace, selection)?;
    let lists = wanted_lists(workspace, selection)?;
    let mut dirs = Vec::new();
    for dir in &workspace.dirs {
        let Some(paths) = wanted.get(&dir.address) else { continue };
        let only = match asked(workspace, dir, selection) {
            Asked::Nothing => continue,
            Asked::Whole => None,
            Asked::Tests(ids) => Some(ids),
        };
        let suite = match suites::choose(dir, selection) {
            Chosen::Nothing => continue,
            Chosen::All => None,
            Chosen::Suite(suite) => Some(suite),
        };
        let listed = match &lists {
            Some(lists) if !lists.located.dirs.contains_key(dir.address.as_str()) => continue,
            Some(lists) if paths.is_empty() && only.is_none() => {
                lists.located.paths(&dir.address, may_collect_more(dir))
            }
            _ => None,
        };
        let paths = listed.as_ref().unwrap_or(paths);
        let owner = workspace.image_owner(dir)?;
        dirs.push(DirPlan {
            path: dir.address.to_string(),
            image_of: owner.address.to_string(),
            image: owner.name.clone(),
            test_files: dir.test_files,
            runs: !paths.is_empty() || only.is_some() || dir.test_files > 0 || may_collect_more(dir),
            arguments: arguments(
                workspace,
                dir,
                selection,
                &Narrow { paths, only: only.as_deref(), suite: suite.as_ref() },
            ),
            suite,
            only,
            leave_out: BTreeSet::new(),
            shard: None,
            expected_ms: None,
            nothing: None,
            named: !paths.is_empty(),
        });
    }
    Ok(TestPlan { dirs, lists })
}

pub(super) fn wanted_lists(workspace: &Workspace, selection: &Selection) -> Result<Option<Wanted>, TestError> {
    let Some(lists) = lists::resolve(workspace, &selection.lists)? else { return Ok(None) };
    let located = lists.locate(workspace);
    let judges = selection.paths.is_empty() && selection.dirs.is_empty() && selection.only.is_none();
    Ok(Some(Wanted { lists, located, judges }))
}

/// What narrows the tests of one dir.
struct Narrow<'n> {
    /// Paths from the dir; none: all of it.
    paths: &'n [String],
    only: Option<&'n [String]>,
    suite: Option<&'n DirSuite>,
}

/// Paths by runnable dir, relative to it; no paths: all of it.
pub(super) fn wanted(
    workspace: &Workspace,
    selection: &Selection,
) -> Result<BTreeMap<Address, Vec<String>>, TestError> {
    let mut wanted: BTreeMap<Address, Vec<String>> = BTreeMap::new();
    for dir in &selection.dirs {
        wanted.insert(workspace.dir(dir)?.address.clone(), Vec::new());
    }
    for path in &selection.paths {
        add_path(workspace, path, &mut wanted)?;
    }
    if selection.dirs.is_empty() && selection.paths.is_empty() {
        wanted.extend(workspace.dirs.iter().map(|dir| (dir.address.clone(), Vec::new())));
    }
    Ok(wanted)
}

fn add_path(workspace: &Workspace, text: &str, wanted: &mut BTreeMap<Address, Vec<String>>) -> Result<(), TestError> {
    let (path, inside) = text.split_once("::").map_or((text, None), |(path, inside)| (path, Some(inside)));
    let address = Address::parse(path, &workspace.root, &workspace.surroundings.here).map_err(WorkspaceError::from)?;
    let on_disk = address.under(&workspace.root);
    let missing = |exists| no_holder(workspace, text, exists);
    if !on_disk.exists() {
        return Err(missing(false));
    }
    let mut found = false;
    if on_disk.is_dir() && inside.is_none() {
        for dir in workspace.dirs.iter().filter(|dir| address.contains(&dir.address)) {
            wanted.insert(dir.address.clone(), Vec::new());
            found = true;
        }
    }
    let holder = workspace.holder(&address).filter(|holder| holder.address != address);
    if let Some(holder) = holder.filter(|holder| !found || worth(workspace, holder, &address)) {
        let relative = address.as_str().strip_prefix(&holder.address.prefix()).unwrap_or(address.as_str());
        let relative = inside.map_or_else(|| relative.to_owned(), |inside| format!("{relative}::{inside}"));
        match wanted.get_mut(&holder.address) {
            Some(paths) if paths.is_empty() => {}
            Some(paths) => paths.push(relative),
            None => {
                wanted.insert(holder.address.clone(), vec![relative]);
            }
        }
        found = true;
    }
    if found { Ok(()) } else { Err(missing(true)) }
}

/// Whether a folder that holds runnable dirs also holds tests of the dir around it.
fn worth(workspace: &Workspace, holder: &RunnableDir, address: &Address) -> bool {
    let below = |dir: &&RunnableDir| address.contains(&dir.address);
    let nested: Vec<&Path> = workspace.dirs.iter().filter(below).map(|dir| dir.path.as_path()).collect();
    let folder = address.under(&workspace.root);
    let Ok(entries) = std::fs::read_dir(&folder) else { return false };
    holder.test_files > 0
        && entries.flatten().any(|entry| {
            let path = entry.path();
            !nested.contains(&path.as_path())
                && (path.is_dir() || path.extension().is_some_and(|extension| extension == "py"))
        })
}

/// Whether the dir's pytest settings may collect files whose names do not look like tests.
pub(super) fn may_collect_more(dir: &RunnableDir) -> bool {
    ["pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"].iter().any(|name| {
        let text = std::fs::read_to_string(dir.path.join(name)).unwrap_or_default();
        text.contains("python_files") || text.contains("doctest-modules") || text.contains("doctest_glob")
    })
}

fn asked(workspace: &Workspace, dir: &RunnableDir, selection: &Selection) -> Asked {
    let Some(only) = &selection.only else { return Asked::Whole };
    if only.dirs.contains(dir.address.as_str()) {
        return Asked::Whole;
    }
    let mine = only.tests.iter().filter(|id| {
        let file = id.split("::").next().unwrap_or(id);
        let address = Address::from_relative(Path::new(file));
        address.is_ok_and(|address| workspace.holder(&address).is_some_and(|holder| holder.address == dir.address))
    });
    let mine: Vec<String> = mine.cloned().collect();
    if mine.is_empty() { Asked::Nothing } else { Asked::Tests(mine) }
}

fn arguments(workspace: &Workspace, dir: &RunnableDir, selection: &Selection, narrow: &Narrow<'_>) -> Vec<String> {
    let Narrow { paths, only, suite } = *narrow;
    let mut arguments: Vec<String> =
        nested(workspace, dir).into_iter().map(|path| format!("--ignore={path}")).collect();
    arguments.extend(dir.config.test.args.iter().cloned());
    if let Some(keyword) = &selection.keyword {
        arguments.extend(["-k".to_owned(), keyword.clone()]);
    }
    let markers = suites::expression(suite, selection);
    let last = markers.is_some() && suite.is_some_and(|suite| !suite.markers.is_empty());
    let markers = markers.map(|markers| ["-m".to_owned(), markers]);
    // Pytest obeys the last one, and that of a suite has the user's own in it.
    arguments.extend(markers.clone().filter(|_| !last).into_iter().flatten());
    if selection.fail_fast {
        arguments.push("-x".into());
    }
    arguments.extend(selection.pytest.iter().cloned());
    arguments.extend(markers.filter(|_| last).into_iter().flatten());
    if paths.is_empty() {
        // Naming the files spares pytest the collection of all others.
        arguments.extend(files_of(dir, only.unwrap_or_default()));
    } else {
        arguments.extend(paths.iter().cloned());
    }
    arguments
}

/// The files of ids, relative to the dir, for as many as a command line holds with ease.
fn files_of(dir: &RunnableDir, ids: &[String]) -> Vec<String> {
    let prefix = dir.address.prefix();
    let files: BTreeSet<&str> = ids.iter().map(|id| id.split("::").next().unwrap_or(id)).collect();
    if files.len() > 200 {
        return Vec::new();
    }
    files.into_iter().filter_map(|file| file.strip_prefix(&prefix)).map(str::to_owned).collect()
}

/// Runnable dirs, sub-repos and `devops` folders inside of `dir`, whose tests are not its own.
#[must_use]
pub fn nested(workspace: &Workspace, dir: &RunnableDir) -> Vec<String> {
    let prefix = dir.address.prefix();
    let dirs = workspace.dirs.iter().map(|other| other.address.to_string());
    let repos = workspace.repos.iter().map(|repo| repo.path.clone());
    let below =
        |path: String| path.strip_prefix(&prefix).filter(|rest| !rest.is_empty() && *rest != ".").map(str::to_owned);
    let mut found: Vec<String> = dirs.chain(repos).filter_map(below).collect();
    found.sort();
    // One inside of another is left out with it.
    let mut kept: Vec<String> = Vec::new();
    for path in found {
        if !kept.iter().any(|outer| path == *outer || path.starts_with(&format!("{outer}/"))) {
            kept.push(path);
        }
    }
    kept.push(DEVOPS.to_owned());
    kept
}
