//! What is known is given out while nothing changed, and never when something did.

mod sharing;

use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::test_suite::report::model::DirReport;
use crate::test_suite::report::sample;
use crate::test_suite::verdict::Verdict;

/// A work tree with one runnable dir `infra`, and a cache.
struct Case {
    folder: TempDir,
    store: Arc<Folder>,
    parts: Vec<(String, String)>,
    learned: LearnedFiles,
}

fn set(items: &[&str]) -> BTreeSet<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

fn reads_of(file: &str) -> Reads {
    Reads {
        opened: set(&[file, "lib/a.py", "infra/conftest.py"]),
        listed: set(&["infra/data"]),
        absent: set(&["infra/local.toml", "infra/tests/conftest.py"]),
        modules: set(&["json", "lib", "lib.a", "lib.native"]),
        roots: vec![".".into(), "infra".into()],
        ..Reads::default()
    }
}

fn learned(file: &str) -> Learned {
    Learned { reads: reads_of(file), complete: true }
}

const A: &str = "infra/tests/test_a.py";
const B: &str = "infra/tests/test_b.py";

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Folder::new(folder.path().join("cache"), Some(1_000_000)));
        let learned = [A, B].iter().map(|file| ((*file).to_owned(), learned(file))).collect();
        let case = Self { folder, store, parts: vec![("image".into(), "one".into())], learned };
        std::fs::create_dir_all(case.root().join(".wharf")).unwrap();
        for path in
            [A, B, "infra/conftest.py", "infra/devops/wharf.toml", "lib/__init__.py", "lib/a.py", "infra/data/x.csv"]
        {
            case.write(path, "x = 1\n");
        }
        case.write("infra/nested/devops/wharf.toml", "");
        case.write(".gitignore", "ignored*\n");
        case
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn remove(&self, path: &str) {
        std::fs::remove_file(self.root().join(path)).unwrap();
    }

    fn start(&self, purpose: Purpose) -> Cache {
        let caching = Caching { store: self.store.clone(), purpose };
        let mut cache = Cache::start(caching, &self.root(), &self.root().join(".wharf"));
        // As if images had taken a while: what is written from here on is written during the run.
        cache.scene().unwrap();
        cache
    }

    fn look(&self, cache: &mut Cache) -> Recalled {
        let facts = Facts { dir: "infra".into(), nested: vec!["infra/nested".into()], collects_more: false };
        cache.look_up(0, facts, Key::of_dir(&self.parts), &|_| true)
    }

    /// What is given out now.
    fn known(&self) -> Recalled {
        self.look(&mut self.start(Purpose::Take))
    }

    /// A run of the tests that are not known, with a change while they run.
    fn run_while(&self, verdicts: &[(&str, Verdict)], change: impl FnOnce(&Self)) -> Vec<String> {
        let mut cache = self.start(Purpose::Take);
        let known = self.look(&mut cache);
        change(self);
        let report = report(verdicts, known.tests);
        let ran = BTreeMap::from([(0, Ran { report: &report, is_complete: true, is_whole: true, shard: None })]);
        cache.keep(&ran, &self.learned);
        cache.notes()
    }

    fn run(&self) -> Vec<String> {
        let known = self.known().files;
        let fresh: Vec<(&str, Verdict)> =
            PASSED.iter().filter(|(id, _)| !known.contains(id.split("::").next().unwrap())).copied().collect();
        self.run_while(&fresh, |_| ())
    }

    /// The files that are known.
    fn files(&self) -> Vec<String> {
        self.known().files.into_iter().collect()
    }
}

const PASSED: [(&str, Verdict); 3] = [
    ("infra/tests/test_a.py::test_one", Verdict::Passed),
    ("infra/tests/test_a.py::test_two", Verdict::Skipped),
    ("infra/tests/test_b.py::test_one", Verdict::Xfailed),
];

fn report(verdicts: &[(&str, Verdict)], known: Vec<TestReport>) -> DirReport {
    let mut report = sample::dir("infra");
    report.tests = known;
    report.tests.extend(verdicts.iter().map(|(id, verdict)| TestReport { phase: None, ..sample::test(id, *verdict) }));
    report.summary = crate::test_suite::Summary { deselected: 2, ..Default::default() };
    report
}

#[test]
fn what_passed_is_known_until_something_changes() {
    let case = Case::new();
    assert!(case.known().files.is_empty());
    assert_eq!(case.run(), Vec::<String>::new());
    let known = case.known();
    assert_eq!(known.files, set(&[A, B]));
    let verdicts: Vec<(&str, Verdict, bool)> =
        known.tests.iter().map(|test| (test.id.as_str(), test.verdict, test.cached)).collect();
    assert_eq!(verdicts, PASSED.map(|(id, verdict)| (id, verdict, true)));
    assert_eq!(known.tests[1].message.as_deref(), Some("it skipped: 1 < 2 & \"x\""));
    let whole = known.whole.expect("no container is needed");
    assert_eq!((whole.deselected, whole.pytest.as_deref()), (2, Some("8.3.4")));
}

#[test]
fn each_dependency_counts() {
    type Change = fn(&Case);
    let changes: [(&str, Change, Change); 13] = [
        ("content", |case| case.write("lib/a.py", "x = 2\n"), |case| case.write("lib/a.py", "x = 1\n")),
        (
            "same size",
            |case| case.write("infra/conftest.py", "y = 1\n"),
            |case| case.write("infra/conftest.py", "x = 1\n"),
        ),
        ("gone", |case| case.remove("lib/a.py"), |case| case.write("lib/a.py", "x = 1\n")),
        ("mode", |case| mode(case, "lib/a.py", 0o755), |case| mode(case, "lib/a.py", 0o644)),
        ("listed, new", |case| case.write("infra/data/y.csv", ""), |case| case.remove("infra/data/y.csv")),
        ("listed, ignored", |case| case.write("infra/data/ignored", ""), |case| case.remove("infra/data/ignored")),
        ("listed, gone", |case| case.remove("infra/data/x.csv"), |case| case.write("infra/data/x.csv", "x = 1\n")),
        ("absent", |case| case.write("infra/local.toml", ""), |case| case.remove("infra/local.toml")),
        ("shadowed by a module", |case| case.write("infra/json.py", ""), |case| case.remove("infra/json.py")),
        (
            "shadowed by a package",
            |case| case.write("lib/a/__init__.py", ""),
            |case| {
                std::fs::remove_dir_all(case.root().join("lib/a")).unwrap();
            },
        ),
        (
            "shadowed by what Git ignores",
            |case| {
                case.write(".gitignore", "ignored*\n*.so\n");
                case.write("lib/native.cpython-311-x86_64-linux-gnu.so", "");
            },
            |case| case.remove("lib/native.cpython-311-x86_64-linux-gnu.so"),
        ),
        (
            "a folder that becomes a package",
            |case| case.write("json/data.txt", ""),
            |case| {
                std::fs::remove_dir_all(case.root().join("json")).unwrap();
            },
        ),
        (
            "a link in its place",
            |case| {
                case.remove("lib/a.py");
                std::os::unix::fs::symlink("__init__.py", case.root().join("lib/a.py")).unwrap();
            },
            |case| {
                case.remove("lib/a.py");
                case.write("lib/a.py", "x = 1\n");
            },
        ),
    ];
    for (name, change, back) in changes {
        let case = Case::new();
        case.run();
        change(&case);
        assert_eq!(case.files(), [""; 0], "{name}");
        case.run();
        // What should be there and is not, or the other way round, was read in another state than it is in now.
        let expected: &[&str] = if ["gone", "absent"].contains(&name) { &[] } else { &[A, B] };
        assert_eq!(case.files(), expected, "{name}: known in its new state");
        back(&case);
        assert_eq!(case.files(), [A, B], "{name}: known as it was before");
    }
}

fn mode(case: &Case, path: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(case.root().join(path), std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_nobody_read_does_not_count() {
    let case = Case::new();
    case.run();
    case.write("lib/b.py", "new");
    case.write("README.md", "new");
    case.write("infra/data/x.csv", "it was listed, not read");
    assert_eq!(case.files(), [A, B]);
    assert!(case.known().whole.is_some());
}

#[test]
fn another_image_command_or_variable_is_another_key() {
    let mut case = Case::new();
    case.run();
    case.parts[0].1 = "two".into();
    assert!(case.known().files.is_empty());
    case.parts[0].1 = "one".into();
    case.parts.push(("$AWS_PROFILE".into(), String::new()));
    assert!(case.known().files.is_empty());
    case.parts.pop();
    assert_eq!(case.files(), [A, B]);
}

#[test]
fn only_what_was_fine_at_once_is_kept() {
    for verdict in
        [Verdict::Failed, Verdict::Error, Verdict::TimedOut, Verdict::Crashed, Verdict::NotRun, Verdict::Flaky]
    {
        let case = Case::new();
        let mut verdicts = PASSED;
        verdicts[0].1 = verdict;
        case.run_while(&verdicts, |_| ());
        let known = case.known();
        assert_eq!(known.files, set(&[B]), "{verdict:?}");
        assert_eq!(known.whole, None, "{verdict:?}");
    }
}

#[test]
fn what_changes_while_tests_run_is_not_kept() {
    type Change = fn(&Case);
    let changes: [(&str, Change); 6] = [
        ("content", |case| case.write("lib/a.py", "x = 2\n")),
        ("gone", |case| case.remove("lib/a.py")),
        ("listed", |case| case.write("infra/data/y.csv", "")),
        ("absent", |case| case.write("infra/local.toml", "")),
        ("a module in between", |case| case.write("json.py", "")),
        ("an ignored module in between", |case| case.write("infra/json.pyc", "")),
    ];
    for (name, change) in changes {
        let case = Case::new();
        case.run_while(&PASSED, change);
        assert_eq!(case.files(), [""; 0], "{name}");
    }
}

#[test]
fn a_new_file_starts_a_container_that_leaves_out_the_known_ones() {
    let case = Case::new();
    case.run();
    case.write("infra/tests/other.txt", "");
    let known = case.known();
    assert_eq!((known.files.len(), known.whole), (2, None));
    case.run_while(&[], |_| ());
    assert!(case.known().whole.is_some());
    // Nested dirs have tests of their own.
    case.write("infra/nested/test_n.py", "");
    assert!(case.known().whole.is_some());
    case.write("infra/conftest.py", "collect_ignore = []\n");
    assert_eq!(case.known().whole, None);
}

#[test]
fn a_file_without_tests_is_watched() {
    let mut case = Case::new();
    case.write("infra/tests/test_empty.py", "");
    case.run();
    assert!(case.known().whole.is_some());
    // Nothing is known of what it reads: so anything may give it tests.
    case.write("elsewhere.txt", "");
    assert_eq!(case.known().whole, None);
    case.learned.insert("infra/tests/test_empty.py".into(), learned("infra/tests/test_empty.py"));
    case.run();
    case.write("elsewhere.txt", "changed");
    assert!(case.known().whole.is_some());
    case.write("infra/tests/test_empty.py", "def test_new(): pass\n");
    assert_eq!((case.files(), case.known().whole), (vec![A.to_owned(), B.to_owned()], None));
}

#[test]
fn who_may_have_read_anything_depends_on_everything() {
    let mut case = Case::new();
    case.learned.get_mut(A).unwrap().reads.everything = true;
    case.run();
    case.write("ignored.txt", "");
    assert_eq!(case.files(), [A, B]);
    case.write("elsewhere/deep/file.txt", "");
    assert_eq!(case.files(), [B]);
    case.run_while(&PASSED, |case| case.write("elsewhere/deep/file.txt", "changed"));
    assert_eq!(case.files(), [B]);
}

#[test]
fn what_is_left_out_anyhow_is_not_told() {
    let case = Case::new();
    case.run();
    let facts = Facts { dir: "infra".into(), nested: Vec::new(), collects_more: false };
    let known = case.start(Purpose::Take).look_up(0, facts, Key::of_dir(&case.parts), &|file| file != A);
    assert_eq!(known.files, set(&[B]));
    assert!(known.tests.iter().all(|test| test.id.starts_with(B)));
}

#[test]
fn without_reads_nothing_is_kept() {
    let mut case = Case::new();
    case.learned.remove(A);
    case.run();
    assert_eq!(case.files(), [B]);
}

fn entries(case: &Case) -> Vec<PathBuf> {
    let folders = std::fs::read_dir(case.folder.path().join("cache")).unwrap().flatten().map(|entry| entry.path());
    folders
        .filter(|path| path.is_dir())
        .flat_map(|folder| std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).collect::<Vec<_>>())
        .collect()
}

#[test]
fn damaged_entries_are_made_anew_and_newer_ones_left_alone() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage, &str); 3] = [
        (
            "truncated",
            |path| std::fs::write(path, &std::fs::read(path).unwrap()[..50]).unwrap(),
            "3 entries of the test cache could not be read and will be made anew",
        ),
        (
            "a bit flipped",
            |path| {
                let mut bytes = std::fs::read(path).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 4;
                std::fs::write(path, bytes).unwrap();
            },
            "3 entries of the test cache could not be read and will be made anew",
        ),
        (
            "of a newer wharf",
            |path| {
                let mut bytes = std::fs::read(path).unwrap();
                bytes[8] += 1;
                std::fs::write(path, bytes).unwrap();
            },
            "3 entries of the test cache were left alone: a newer wharf wrote them",
        ),
    ];
    for (name, damage, note) in damages {
        let case = Case::new();
        case.run();
        entries(&case).iter().for_each(|path| damage(path));
        let mut cache = case.start(Purpose::Take);
        assert!(case.look(&mut cache).files.is_empty(), "{name}");
        assert_eq!(cache.notes(), [note], "{name}");
        assert_eq!(entries(&case).len(), if name == "of a newer wharf" { 3 } else { 0 }, "{name}");
        case.run();
        assert_eq!(case.files(), [A, B], "{name}: whole again");
    }
}

#[test]
fn a_store_that_cannot_be_written_is_said_once() {
    let case = Case::new();
    std::fs::write(case.folder.path().join("cache"), "a file").unwrap();
    let notes = case.run();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].starts_with("the test cache in `"), "{notes:?}");
}

#[test]
fn a_clock_that_was_set_back_costs_time_only() {
    let case = Case::new();
    case.run();
    // As after a run of tomorrow: records are of a time that has not come.
    let contents = case.root().join(".wharf/contents-1");
    assert!(contents.is_file());
    let future = std::time::SystemTime::now() + std::time::Duration::from_secs(86_400);
    for path in entries(&case).into_iter().chain([contents, case.root().join("lib/a.py")]) {
        std::fs::File::options().write(true).open(path).unwrap().set_modified(future).unwrap();
    }
    assert_eq!(case.files(), [A, B]);
    case.write("lib/a.py", "x = 3\n");
    std::fs::File::options().write(true).open(case.root().join("lib/a.py")).unwrap().set_modified(future).unwrap();
    assert_eq!(case.files(), [""; 0]);
}

#[test]
fn verifying_runs_all_and_names_what_was_missed() {
    let mut case = Case::new();
    case.run();
    let mut cache = case.start(Purpose::Verify);
    assert!(case.look(&mut cache).files.is_empty(), "all runs");
    case.learned.get_mut(A).unwrap().reads.opened.insert("infra/secret.txt".into());
    let mut verdicts = PASSED;
    verdicts[0].1 = Verdict::Failed;
    verdicts[2].1 = Verdict::Xpassed;
    let report = report(&verdicts, Vec::new());
    let ran = BTreeMap::from([(0, Ran { report: &report, is_complete: true, is_whole: true, shard: None })]);
    assert_eq!(
        cache.verify(&ran, &case.learned),
        [
            "the test cache is wrong: `infra/tests/test_a.py::test_one` is known as passed and is failed; it depends on what was not \
             known: file `infra/secret.txt`",
            "the test cache is wrong: `infra/tests/test_b.py::test_one` is known as xfailed and is xpassed; no file tells why, so it \
             depends on something else: time, chance, the network, the machine, or tests before it",
        ]
    );
    assert_eq!(case.files(), [""; 0], "what was wrong is forgotten");
}

#[test]
fn contents_are_read_once() {
    let case = Case::new();
    case.run();
    let read = |case: &Case| {
        let mut cache = case.start(Purpose::Take);
        case.look(&mut cache);
        let read = cache.scene().unwrap().contents.read;
        cache.keep(&BTreeMap::new(), &case.learned);
        read
    };
    // Those that changed in the moment of the first run are read again, and then known.
    read(&case);
    assert_eq!(read(&case), 0);
    case.write("lib/a.py", "x = 4\n");
    assert_eq!(read(&case), 1);
}

#[test]
fn what_git_tracks_though_it_ignores_it_counts() {
    let case = Case::new();
    case.write(".gitignore", "*.csv\n");
    case.write("infra/data/hidden/y.csv", "1\n");
    case.write("infra/data/loose.csv", "1\n");
    let git = |arguments: &[&str]| {
        let output = std::process::Command::new("git").arg("-C").arg(case.root()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    git(&["init", "--quiet"]);
    git(&["add", "--force", "infra/data/hidden/y.csv"]);
    let folder = case.root().join(".wharf");
    let everything = || {
        let contents = Contents::load(&case.root(), &folder);
        let mut scene = Scene::new(&case.root(), Tree::read(&case.root(), &folder), contents);
        let files: Vec<String> = scene.tree.files().iter().map(|(path, _)| path.clone()).collect();
        (scene.everything(), files)
    };
    let (before, files) = everything();
    assert!(
        files.contains(&"infra/data/hidden/y.csv".to_owned()) && !files.contains(&"infra/data/loose.csv".to_owned())
    );
    case.write("infra/data/loose.csv", "22\n");
    assert_eq!(everything().0, before);
    case.write("infra/data/hidden/y.csv", "22\n");
    assert_ne!(everything().0, before);
    // Another index, or other rules: Git is asked again.
    git(&["add", "--force", "infra/data/loose.csv"]);
    assert!(everything().1.contains(&"infra/data/loose.csv".to_owned()));
    case.write(".gitignore", "");
    assert_eq!(everything().1.iter().filter(|path| path.ends_with(".csv")).count(), 3);
}
