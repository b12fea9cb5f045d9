//! Known verdicts: what is not run again, what is, and what is said of it.

use wharf_testkit::{EngineKind, Repo, Sandbox, sample};

use crate::testing::{Report, wharf, wharf_test};

const READS: &str = "\
import pathlib
import lib.code

def test_data():
    assert (pathlib.Path(__file__).parent / 'data.txt').read_text() != 'bad'

def test_code():
    assert lib.code.VALUE == 1
";

fn repo(sandbox: &Sandbox) -> Repo {
    sample::workspace(sandbox)
        .dir("alpha", |dir| {
            dir.test("tests/test_reads.py", READS)
                .file("tests/data.txt", "good")
                .test("tests/test_alone.py", "import pytest\n\ndef test_alone(): pass\n\n@pytest.mark.skip(reason='not today')\ndef test_skipped(): pass\n")
        })
        .dir("beta", |dir| dir.test("test_b.py", "def test_b(): pass\n"))
        .file("lib/__init__.py", "")
        .file("lib/code.py", "VALUE = 1\n")
        .build()
}

struct Case {
    sandbox: Sandbox,
    repo: Repo,
    runs: u32,
}

impl Case {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let repo = repo(&sandbox);
        Self { sandbox, repo, runs: 0 }
    }

    /// Runs `wharf test` and gives its report and what it said.
    #[track_caller]
    fn test(&mut self, code: i32, arguments: &[&str]) -> (Report, String) {
        self.runs += 1;
        let output = wharf_test(&self.sandbox, &self.repo, EngineKind::Docker, arguments).run();
        output.assert_code(code);
        (Report::of_run(&self.repo, self.runs), format!("{}{}", output.stdout, output.stderr))
    }

    /// How many tests of a dir were known, and how many ran.
    #[track_caller]
    fn counts(report: &Report, dir: &str) -> (u64, u64) {
        let tests = report.dir(dir)["tests"].as_array().unwrap();
        let cached = tests.iter().filter(|test| test["cached"] == true).count() as u64;
        assert_eq!(report.dir(dir)["summary"]["cached"], cached, "{dir}");
        (cached, tests.len() as u64 - cached)
    }
}

#[test]
fn only_what_can_have_changed_runs_again() {
    let mut case = Case::new();
    let (report, _) = case.test(0, &[]);
    assert_eq!((Case::counts(&report, "alpha"), Case::counts(&report, "beta")), ((0, 4), (0, 1)));

    let (report, said) = case.test(0, &[]);
    assert_eq!((Case::counts(&report, "alpha"), Case::counts(&report, "beta")), ((4, 0), (1, 0)));
    assert_eq!(report.dir("alpha")["log"], serde_json::Value::Null, "no container was started");
    assert_eq!((report.status("alpha"), report.status("beta")), ("passed", "passed"));
    assert_eq!(report.test("alpha/tests/test_alone.py::test_skipped")["message"], "not today");
    assert!(said.contains("5 cached in 2 runnable dirs"), "{said}");
    assert!(said.lines().any(|line| line.starts_with("dir ") && line.contains("cached")), "{said}");

    fs_err::write(case.repo.join("lib/code.py"), "VALUE = 2\n").unwrap();
    let (report, _) = case.test(1, &[]);
    assert_eq!((Case::counts(&report, "alpha"), Case::counts(&report, "beta")), ((2, 2), (1, 0)));
    assert_eq!(report.verdicts("alpha")["tests/test_reads.py::test_code"], "failed");
    // What failed is not known.
    let (report, _) = case.test(1, &[]);
    assert_eq!(Case::counts(&report, "alpha"), (2, 2));
    // As it was before: known from then.
    fs_err::write(case.repo.join("lib/code.py"), "VALUE = 1\n").unwrap();
    let (report, _) = case.test(0, &[]);
    assert_eq!((Case::counts(&report, "alpha"), Case::counts(&report, "beta")), ((4, 0), (1, 0)));

    fs_err::write(case.repo.join("alpha/tests/data.txt"), "bad").unwrap();
    let (report, _) = case.test(1, &[]);
    assert_eq!(report.verdicts("alpha")["tests/test_reads.py::test_data"], "failed");
}

#[test]
fn new_files_run_and_other_circumstances_count() {
    let mut case = Case::new();
    case.test(0, &["--dir", "beta"]);
    fs_err::write(case.repo.join("beta/test_new.py"), "def test_new(): pass\n").unwrap();
    let (report, _) = case.test(0, &["--dir", "beta"]);
    assert_eq!(Case::counts(&report, "beta"), (1, 1));
    let (report, _) = case.test(0, &["--dir", "beta"]);
    assert_eq!(Case::counts(&report, "beta"), (2, 0));
    // Another selection, another limit: nothing is known of these.
    for arguments in [["-k", "test_b"], ["--timeout", "50s"]] {
        let mut all = vec!["--dir", "beta"];
        all.extend(arguments);
        let (report, _) = case.test(0, &all);
        assert_eq!(Case::counts(&report, "beta").0, 0, "{arguments:?}");
    }
    for arguments in [&["--no-cache"][..], &["-x"], &["--", "-v"]] {
        let mut all = vec!["--dir", "beta"];
        all.extend(arguments);
        let (report, _) = case.test(0, &all);
        assert_eq!(Case::counts(&report, "beta"), (0, 2), "{arguments:?}");
    }
    let toml = case.repo.join("beta/devops/wharf.toml");
    let text = fs_err::read_to_string(&toml).unwrap();
    fs_err::write(&toml, format!("{text}\nrun.env = [\"COLOUR=red\"]\n")).unwrap();
    let (report, _) = case.test(0, &["--dir", "beta"]);
    assert_eq!(Case::counts(&report, "beta"), (0, 2), "another variable");
}

#[test]
fn an_entry_point_and_what_it_sources_count() {
    let mut case = Case::new();
    let toml = case.repo.join("beta/devops/wharf.toml");
    let text = fs_err::read_to_string(&toml).unwrap();
    fs_err::write(&toml, format!("{text}\n[run]\nentrypoint = \"devops/start.sh\"\n")).unwrap();
    fs_err::write(case.repo.join("beta/devops/start.sh"), ". ../lib/set.sh\nexec \"$@\"\n").unwrap();
    fs_err::write(case.repo.join("lib/set.sh"), "export COLOUR=green\n").unwrap();
    let test = "import os\n\ndef test_b(): assert os.environ['COLOUR'] == 'green'\n";
    fs_err::write(case.repo.join("beta/test_b.py"), test).unwrap();
    case.test(0, &["--dir", "beta"]);
    let (report, _) = case.test(0, &["--dir", "beta"]);
    assert_eq!(Case::counts(&report, "beta"), (1, 0));
    fs_err::write(case.repo.join("lib/set.sh"), "export COLOUR=red\n").unwrap();
    let (report, _) = case.test(1, &["--dir", "beta"]);
    assert_eq!(Case::counts(&report, "beta"), (0, 1), "no test reads it, and it decides all");
}

#[test]
fn verifying_finds_what_nobody_could_have_known() {
    let mut case = Case::new();
    // It depends on a file that is not in the work tree, and so is not recorded.
    let chance = "import os\n\ndef test_chance():\n    assert not os.path.exists('/src/harbor/.wharf/chance')\n";
    fs_err::write(case.repo.join("beta/test_b.py"), chance.replace("/src/harbor", &root_in_container(&case))).unwrap();
    case.test(0, &["--dir", "beta"]);
    let (report, _) = case.test(0, &["--dir", "beta", "--verify-cache"]);
    assert_eq!(Case::counts(&report, "beta"), (0, 1), "all runs");
    fs_err::write(case.repo.join(".wharf/chance"), "").unwrap();
    let (report, _) = case.test(0, &["--dir", "beta"]);
    assert_eq!(Case::counts(&report, "beta"), (1, 0), "known, and wrong");
    let (_, said) = case.test(1, &["--dir", "beta", "--verify-cache"]);
    assert!(
        said.contains("the test cache is wrong: `beta/test_b.py::test_chance` is known as passed and is failed"),
        "{said}"
    );
    fs_err::remove_file(case.repo.join(".wharf/chance")).unwrap();
    let (report, _) = case.test(0, &["--dir", "beta"]);
    assert_eq!(Case::counts(&report, "beta"), (0, 1), "what was wrong is forgotten");

    let refused = wharf(&case.sandbox, &case.repo).args(["test", "--verify-cache", "--last-failed"]).run();
    refused.assert_code(2);
    assert!(refused.stderr.contains("failures are not kept"), "{}", refused.stderr);
}

fn root_in_container(case: &Case) -> String {
    let name = case.repo.path().file_name().unwrap().to_string_lossy().into_owned();
    format!("/src/{name}")
}

#[test]
fn damaged_entries_cost_a_run_and_a_note() {
    let mut case = Case::new();
    case.test(0, &["--dir", "beta"]);
    let tests = case.sandbox.home().join(".cache/wharf/tests");
    let mut damaged = 0;
    for folder in fs_err::read_dir(&tests).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        for entry in fs_err::read_dir(folder.path()).unwrap().flatten() {
            fs_err::write(entry.path(), "cut").unwrap();
            damaged += 1;
        }
    }
    assert_eq!(damaged, 2, "one for the file and one for the dir");
    let (report, said) = case.test(0, &["--dir", "beta"]);
    assert_eq!(Case::counts(&report, "beta"), (0, 1));
    assert_eq!(said.matches("entries of the test cache could not be read and will be made anew").count(), 1, "{said}");
    let (report, _) = case.test(0, &["--dir", "beta"]);
    assert_eq!(Case::counts(&report, "beta"), (1, 0));
}

#[test]
fn a_shared_folder_brings_what_another_machine_learned() {
    let mut case = Case::new();
    let shared = case.sandbox.path().join("shared");
    let set = |sandbox: &mut Sandbox, own: &str| {
        let cache = sandbox.home().join(own);
        sandbox.set("WHARF_CACHE_REMOTE", format!("file://{}", shared.display()));
        sandbox.set("XDG_CACHE_HOME", cache);
    };
    set(&mut case.sandbox, "one");
    case.test(0, &["--dir", "beta"]);
    assert!(shared.is_dir());
    // As on another machine that has the same image.
    set(&mut case.sandbox, "two");
    let (report, _) = case.test(0, &["--dir", "beta"]);
    assert_eq!(Case::counts(&report, "beta"), (1, 0));
    // A job that may only read finds it, and adds nothing.
    case.sandbox.set("WHARF_CACHE_MODE", "read");
    set(&mut case.sandbox, "three");
    fs_err::write(case.repo.join("beta/test_new.py"), "def test_new(): pass\n").unwrap();
    let (report, _) = case.test(0, &["--dir", "beta"]);
    assert_eq!(Case::counts(&report, "beta"), (1, 1));
    set(&mut case.sandbox, "four");
    let (report, _) = case.test(0, &["--dir", "beta"]);
    assert_eq!(Case::counts(&report, "beta"), (1, 1));
}
