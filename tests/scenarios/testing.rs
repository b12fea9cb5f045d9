//! What the tests of `wharf test` share: how it is started, and questions to its report.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use wharf_testkit::{EngineKind, Repo, Sandbox, WharfCommand, require};

/// The binary, in the repo's root.
pub fn wharf(sandbox: &Sandbox, repo: &Repo) -> WharfCommand {
    sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(repo.path())
}

/// `wharf test` on this engine, with these arguments.
#[track_caller]
pub fn wharf_test(sandbox: &Sandbox, repo: &Repo, engine: EngineKind, arguments: &[&str]) -> WharfCommand {
    require(engine);
    wharf(sandbox, repo).args(["--engine", engine.name(), "test"]).args(arguments)
}

/// A `report.json`.
pub struct Report(pub Value);

impl Report {
    /// The one in this folder.
    #[track_caller]
    pub fn read(folder: &Path) -> Self {
        let path = folder.join("report.json");
        let text = fs_err::read_to_string(&path).unwrap_or_else(|error| panic!("{error}"));
        Self(serde_json::from_str(&text).unwrap_or_else(|error| panic!("`{}`: {error}", path.display())))
    }

    /// The one of a run of this repo.
    #[track_caller]
    pub fn of_run(repo: &Repo, run: u32) -> Self {
        Self::read(&repo.join(format!(".wharf/runs/{run}")))
    }

    /// What it says of a dir.
    #[track_caller]
    pub fn dir(&self, path: &str) -> &Value {
        let dirs = self.0["dirs"].as_array().expect("a report has dirs");
        dirs.iter().find(|dir| dir["path"] == path).unwrap_or_else(|| panic!("no dir `{path}` in {:#}", self.0))
    }

    /// The addresses of its dirs.
    pub fn dirs(&self) -> Vec<&str> {
        self.0["dirs"].as_array().into_iter().flatten().filter_map(|dir| dir["path"].as_str()).collect()
    }

    /// A dir's status.
    #[track_caller]
    pub fn status(&self, path: &str) -> &str {
        self.dir(path)["status"].as_str().expect("a dir has a status")
    }

    /// A dir's cause.
    #[track_caller]
    pub fn cause(&self, path: &str) -> &str {
        self.dir(path)["cause"].as_str().unwrap_or_default()
    }

    /// A test.
    #[track_caller]
    pub fn test(&self, id: &str) -> &Value {
        let dirs = self.0["dirs"].as_array().into_iter().flatten();
        let all = dirs.flat_map(|dir| dir["tests"].as_array().into_iter().flatten());
        let mut found = all.filter(|test| test["id"] == id);
        let test = found.next().unwrap_or_else(|| panic!("no test `{id}` in {:#}", self.0));
        assert!(found.next().is_none(), "test `{id}` is there twice");
        test
    }

    /// The verdicts of a dir's tests, by id without the dir.
    #[track_caller]
    pub fn verdicts(&self, dir: &str) -> BTreeMap<String, String> {
        let prefix = if dir == "." { String::new() } else { format!("{dir}/") };
        let tests = self.dir(dir)["tests"].as_array().expect("a dir has tests");
        let verdicts: BTreeMap<String, String> = tests
            .iter()
            .map(|test| {
                let id = test["id"].as_str().expect("a test has an id");
                let id = id.strip_prefix(&prefix).unwrap_or(id);
                (id.to_owned(), test["verdict"].as_str().expect("a test has a verdict").to_owned())
            })
            .collect();
        assert_eq!(verdicts.len(), tests.len(), "a test of `{dir}` is there twice");
        verdicts
    }

    /// Fails unless a dir has exactly these tests with these verdicts.
    #[track_caller]
    pub fn assert_verdicts(&self, dir: &str, expected: &[(&str, &str)]) {
        let expected: BTreeMap<String, String> =
            expected.iter().map(|(id, verdict)| ((*id).to_owned(), (*verdict).to_owned())).collect();
        let found = self.verdicts(dir);
        let ids: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
        let differ: Vec<String> = ids
            .into_iter()
            .filter(|id| expected.get(*id) != found.get(*id))
            .map(|id| format!("{id}: expected {:?}, found {:?}", expected.get(id), found.get(id)))
            .collect();
        let whole = self.dir(dir);
        assert!(differ.is_empty(), "`{dir}` ({}: {}): {differ:#?}", whole["status"], whole["cause"]);
    }
}

/// Names of the containers that Wharf started from a repo and that are still there.
pub fn containers(sandbox: &Sandbox, repo: &Repo, engine: EngineKind) -> Vec<String> {
    let label = format!("label=dev.wharf.root={}", repo.path().display());
    let output = sandbox.command(engine.name()).args(["ps", "-a", "--filter", &label, "--format", "{{.Names}}"]).run();
    output.assert_code(0);
    output.stdout.lines().map(str::to_owned).collect()
}

/// Waits until something is so.
#[track_caller]
pub fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
