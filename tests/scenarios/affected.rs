//! `wharf test --affected`: which test files a change reaches. Most of it needs no engine: the plan says it.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use wharf_testkit::{EngineKind, Output, Repo, Sandbox, sample};

use crate::testing::{Report, wharf, wharf_test};

/// By test file: why it is affected, and by which path.
type Found = BTreeMap<String, (String, String)>;

fn plan(sandbox: &Sandbox, repo: &Repo, arguments: &[&str]) -> Output {
    wharf(sandbox, repo).args(["test", "--affected", "--plan", "--json"]).args(arguments).run()
}

#[track_caller]
fn found(output: &Output) -> Found {
    output.assert_code(0);
    let plan = output.json();
    let affected = &plan["affected"];
    let mut found = Found::new();
    for (dir, planned) in affected["dirs"].as_array().expect("dirs").iter().zip(plan["dirs"].as_array().expect("dirs"))
    {
        let files = dir["affected"].as_object().expect("files");
        for (file, reason) in files {
            let word = |key: &str| reason[key].as_str().expect("a word").to_owned();
            found.insert(file.clone(), (word("cause"), word("by")));
        }
        let left = planned["leave_out"].as_array().map_or(0, Vec::len);
        assert_eq!(files.len() + left, usize::try_from(dir["files"].as_u64().unwrap()).unwrap(), "{plan:#}");
    }
    found
}

/// Fails unless exactly these test files are affected: file, cause, path.
#[track_caller]
fn assert_affected(output: &Output, expected: &[(&str, &str, &str)]) {
    let expected: Found =
        expected.iter().map(|(file, cause, by)| ((*file).into(), ((*cause).into(), (*by).into()))).collect();
    assert_eq!(found(output), expected, "{}", output.told());
}

const ONE: &str = "infra/tests/test_one.py";
const TWO: &str = "infra/tests/test_two.py";
const ML: &str = "ml/test_ml.py";

/// Two dirs, code that belongs to none, and a sub-repo that one of them uses.
fn sample(sandbox: &Sandbox) -> Repo {
    sample::workspace(sandbox)
        .file("lib/__init__.py", "")
        .file("lib/a.py", "")
        .file("lib/b.py", "")
        .file("docs/page.md", "")
        .dir("infra", |dir| {
            dir.file("server.py", "from lib import a\n")
                .test("tests/test_one.py", "import server\n\ndef test_one(): pass\n")
                .test("tests/test_two.py", "import json\nfrom lib import b\n\ndef test_two(): pass\n")
        })
        .dir("ml", |dir| dir.test("test_ml.py", "from helpers import tool\n\ndef test_ml(): pass\n"))
        .sub_repo("libs/helpers", |sub| {
            sub.file("helpers/__init__.py", "").file("helpers/tool.py", "").file("helpers/other.py", "")
        })
        .build()
}

#[test]
fn nothing_changed_and_each_kind_of_change() {
    let sandbox = Sandbox::new();
    let repo = sample(&sandbox);
    let nothing = plan(&sandbox, &repo, &[]);
    assert_affected(&nothing, &[]);
    nothing.stderr_contains("compared with main, which is checked out").stderr_contains("0 of 3 test files affected");
    let json = nothing.json();
    assert!(json["dirs"].as_array().unwrap().iter().all(|dir| dir["runs"] == false), "{json:#}");
    // Not staged, staged, committed.
    repo.write("lib/a.py", "A = 1\n");
    let one = [(ONE, "imports", "lib/a.py")];
    let output = plan(&sandbox, &repo, &[]);
    assert_affected(&output, &one);
    output.stderr_contains("infra: 1 of 2 test files: 1 by lib/a.py (imported)");
    repo.git(&["add", "--all"]);
    assert_affected(&plan(&sandbox, &repo, &[]), &one);
    repo.git(&["switch", "--quiet", "--create", "topic"]);
    repo.commit("lib: edited");
    let output = plan(&sandbox, &repo, &[]);
    assert_affected(&output, &one);
    output.stderr_contains("compared with main (");
    // main goes on: what it got does not count.
    repo.git(&["switch", "--quiet", "main"]);
    repo.write("lib/b.py", "B = 1\n").commit("lib: b");
    repo.git(&["switch", "--quiet", "topic"]);
    let output = plan(&sandbox, &repo, &[]);
    assert_affected(&output, &one);
    output.stderr_contains("merge base with main");
    // A new test, an edited one, a mode.
    repo.write("ml/test_new.py", "");
    repo.write(TWO, "def test_two(): pass\n");
    std::fs::set_permissions(repo.join("infra/server.py"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let more = [(ONE, "imports", "infra/server.py"), (TWO, "edited", TWO), ("ml/test_new.py", "new", "ml/test_new.py")];
    assert_affected(&plan(&sandbox, &repo, &[]), &more);
    assert_affected(&plan(&sandbox, &repo, &["--dir", "ml"]), &more[2..]);
    let text = wharf(&sandbox, &repo).args(["test", "--affected", "--plan"]).run();
    text.assert_code(0).stdout_contains("2 of 2").stdout_contains("1 of 2");
    // Ignored files are no change.
    repo.write(".git/info/exclude", "ml/test_new.py\n");
    assert_affected(&plan(&sandbox, &repo, &["--base", "HEAD"]), &more[..2]);
}

#[test]
fn files_that_come_and_go() {
    let sandbox = Sandbox::new();
    let repo = sample(&sandbox);
    // A rename is a removal and a new file; so is a folder in the way of a module.
    repo.git(&["mv", "lib/b.py", "lib/c.py"]);
    assert_affected(&plan(&sandbox, &repo, &[]), &[(TWO, "absent", "lib/b.py")]);
    repo.git(&["reset", "--quiet", "--hard"]);
    repo.write("infra/json.py", "");
    assert_affected(&plan(&sandbox, &repo, &[]), &[(TWO, "imports", "infra/json.py")]);
    repo.git(&["clean", "--quiet", "-d", "--force"]);
    repo.git(&["rm", "--quiet", "infra/server.py"]);
    let gone = found(&plan(&sandbox, &repo, &[]));
    assert_eq!(gone[ONE].1, "infra/server.py");
    assert!(!gone.contains_key(ML), "{gone:?}");
    repo.git(&["reset", "--quiet", "--hard"]);
    repo.write("conftest.py", "");
    let all = [(ONE, "imports", "conftest.py"), (TWO, "imports", "conftest.py"), (ML, "imports", "conftest.py")];
    assert_affected(&plan(&sandbox, &repo, &[]), &all);
    std::fs::remove_file(repo.join("conftest.py")).unwrap();
    repo.write("infra/tests/conftest.py", "");
    assert_affected(
        &plan(&sandbox, &repo, &[]),
        &[(ONE, "imports", "infra/tests/conftest.py"), (TWO, "imports", "infra/tests/conftest.py")],
    );
    repo.commit("conftest");
    repo.git(&["rm", "--quiet", "infra/tests/conftest.py"]);
    assert_eq!(found(&plan(&sandbox, &repo, &[])).len(), 2);
    repo.git(&["reset", "--quiet", "--hard"]);
    // What a test that never ran may read: anything in its dir, and what lies beside code that it imports.
    repo.write("infra/data/x.csv", "");
    assert_affected(
        &plan(&sandbox, &repo, &[]),
        &[(ONE, "data", "infra/data/x.csv"), (TWO, "data", "infra/data/x.csv")],
    );
    std::fs::remove_dir_all(repo.join("infra/data")).unwrap();
    repo.write("lib/x.csv", "");
    assert_affected(&plan(&sandbox, &repo, &[]), &[(ONE, "data", "lib/x.csv"), (TWO, "data", "lib/x.csv")]);
    std::fs::remove_file(repo.join("lib/x.csv")).unwrap();
    repo.write("docs/page.md", "x");
    assert_affected(&plan(&sandbox, &repo, &[]), &[]);
}

#[test]
fn what_governs_reaches_all_that_it_governs() {
    let sandbox = Sandbox::new();
    let repo = sample(&sandbox);
    let root = repo.read("wharf.toml");
    let infra = |cause: &'static str, by: &'static str| [(ONE, cause, by), (TWO, cause, by)];
    for (file, text, cause) in [
        ("infra/uv.lock", "", "image"),
        ("infra/devops/install.sh", "x", "image"),
        ("infra/devops/requirements.txt", "pytest\n", "image"),
        ("infra/devops/wharf.toml", "[run]\nenv = [\"A=b\"]\n", "configuration"),
        ("infra/pytest.ini", "[pytest]\n", "settings"),
    ] {
        repo.write(file, text);
        assert_affected(&plan(&sandbox, &repo, &[]), &infra(cause, file));
        repo.git(&["reset", "--quiet", "--hard"]);
        repo.git(&["clean", "--quiet", "-d", "--force"]);
    }
    repo.write("infra/devops/wharf.toml", "# a note\n[python]\nuses = [\"//ml\"]\n");
    assert_affected(&plan(&sandbox, &repo, &[]), &[]);
    repo.git(&["reset", "--quiet", "--hard"]);
    // The root's, where it matters.
    repo.write("wharf.toml", format!("{root}\n[tasks.x]\nrun = \"true\"\n"));
    assert_affected(&plan(&sandbox, &repo, &[]), &[]);
    repo.write("wharf.toml", format!("{root}\n[test]\nargs = [\"-q\"]\n"));
    let all = [ONE, TWO, ML].map(|file| (file, "configuration", "wharf.toml"));
    assert_affected(&plan(&sandbox, &repo, &[]), &all);
    repo.git(&["reset", "--quiet", "--hard"]);
    // That of the sub-repo governs its own dirs, and there are none.
    repo.write("libs/helpers/wharf.toml", "[test]\nargs = [\"-q\"]\n");
    assert_affected(&plan(&sandbox, &repo, &[]), &[]);
    // An image that another dir uses.
    repo.write("ml/devops/wharf.toml", "[image]\nfrom = \"//infra\"\n");
    repo.commit("ml: the image of infra");
    repo.write("infra/devops/requirements.txt", "pytest\nsix\n");
    let all = [ONE, TWO, ML].map(|file| (file, "image", "infra/devops/requirements.txt"));
    assert_affected(&plan(&sandbox, &repo, &["--base", "HEAD"]), &all);
    // A requirements file that another one includes.
    repo.git(&["reset", "--quiet", "--hard"]);
    repo.write("infra/devops/requirements.txt", "-r ../../common/base.in\n").write("common/base.in", "pytest\n");
    repo.commit("infra: shared requirements");
    repo.write("common/base.in", "pytest\nsix\n");
    let all = [ONE, TWO, ML].map(|file| (file, "image", "common/base.in"));
    assert_affected(&plan(&sandbox, &repo, &["--base", "HEAD"]), &all);
}

#[test]
fn a_sub_repo_counts_by_the_files_that_differ() {
    let sandbox = Sandbox::new();
    let repo = sample(&sandbox);
    let sub = Repo::open(repo.join("libs/helpers"));
    let tool = "libs/helpers/helpers/tool.py";
    let ml = [(ML, "imports", tool)];
    // Edited in it, and new in it.
    sub.write("helpers/other.py", "x = 1\n");
    assert_affected(&plan(&sandbox, &repo, &[]), &[]);
    sub.write("helpers/tool.py", "x = 1\n");
    assert_affected(&plan(&sandbox, &repo, &[]), &ml);
    // Committed in it: the pin is moved, and not committed.
    sub.commit("helpers: both");
    assert_affected(&plan(&sandbox, &repo, &[]), &ml);
    // The pin is committed.
    repo.git(&["switch", "--quiet", "--create", "topic"]);
    repo.commit("bump");
    assert_affected(&plan(&sandbox, &repo, &[]), &ml);
    assert_affected(&plan(&sandbox, &repo, &["--base", "HEAD"]), &[]);
    // Only what differs from the base's pin counts: taking the edit back on top is no change.
    sub.write("helpers/tool.py", "");
    assert_affected(&plan(&sandbox, &repo, &[]), &[]);
    let backwards = plan(&sandbox, &repo, &["--base", "HEAD"]);
    assert_affected(&backwards, &ml);
    // A pin that only touches what nobody reaches.
    repo.git(&["reset", "--quiet", "--hard", "main"]);
    repo.git(&["submodule", "--quiet", "update", "--force"]);
    sub.write("helpers/other.py", "x = 2\n").commit("helpers: other");
    repo.commit("bump again");
    assert_affected(&plan(&sandbox, &repo, &[]), &[]);
    // A shadow from a sub-repo: its root is on the import path.
    sub.write("lib/__init__.py", "");
    assert!(!found(&plan(&sandbox, &repo, &[])).contains_key(ML));
}

#[test]
fn nested_sub_repos_and_those_that_come_and_go() {
    let sandbox = Sandbox::new();
    let repo = sample(&sandbox);
    let remotes = sandbox.path().join("more");
    let inner = Repo::bare_remote(remotes.join("inner.git"));
    Repo::init(remotes.join("inner"))
        .write("inner/__init__.py", "")
        .write("inner/x.py", "")
        .write("inner/y.py", "")
        .commit("one");
    Repo::open(remotes.join("inner")).push_to(&inner);
    let outer = Repo::bare_remote(remotes.join("outer.git"));
    let working = Repo::init(remotes.join("outer"));
    working.write("outer.py", "from inner import x\n");
    working.add_submodule(&inner, "deep/inner");
    working.commit("one");
    working.push_to(&outer);
    repo.write("ml/test_ml.py", "import outer\n\ndef test_ml(): pass\n").commit("ml: uses outer");
    // Added.
    repo.add_submodule(&outer, "libs/outer");
    repo.git(&["submodule", "--quiet", "update", "--init", "--recursive"]);
    let ml = |by: &'static str| [(ML, "imports", by)];
    assert_eq!(found(&plan(&sandbox, &repo, &[])).keys().collect::<Vec<_>>(), [ML]);
    repo.commit("add outer");
    assert_eq!(found(&plan(&sandbox, &repo, &["--base", "HEAD~1"])).keys().collect::<Vec<_>>(), [ML]);
    // Nested: edited, moved, pinned by the one around it, pinned by the super-repo.
    let nested = Repo::open(repo.join("libs/outer/deep/inner"));
    nested.write("inner/y.py", "y = 1\n");
    assert_affected(&plan(&sandbox, &repo, &[]), &[]);
    nested.write("inner/x.py", "x = 1\n");
    let by = "libs/outer/deep/inner/inner/x.py";
    assert_affected(&plan(&sandbox, &repo, &[]), &ml(by));
    nested.commit("two");
    assert_affected(&plan(&sandbox, &repo, &[]), &ml(by));
    Repo::open(repo.join("libs/outer")).commit("two");
    assert_affected(&plan(&sandbox, &repo, &[]), &ml(by));
    repo.commit("bump");
    assert_affected(&plan(&sandbox, &repo, &["--base", "HEAD~1"]), &ml(by));
    assert_affected(&plan(&sandbox, &repo, &[]), &[]);
    // Removed, with the Git folder kept, and without.
    repo.git(&["rm", "--quiet", "--force", "libs/outer"]);
    assert_eq!(found(&plan(&sandbox, &repo, &[])).keys().collect::<Vec<_>>(), [ML]);
    std::fs::remove_dir_all(repo.join(".git/modules/libs/outer")).unwrap();
    let output = plan(&sandbox, &repo, &[]);
    assert!(found(&output).contains_key(ML));
    output.stderr_contains("`libs/outer` was removed");
}

#[test]
fn a_pin_whose_commit_is_not_here_is_named() {
    let sandbox = Sandbox::new();
    let repo = sample(&sandbox);
    let remote = sandbox.path().join("sample.remotes/libs-helpers");
    let (remote, sub) = (Repo::open(remote), repo.join("libs/helpers"));
    let pin = remote.write("helpers/other.py", "x = 3\n").commit("elsewhere");
    repo.git(&["update-index", "--cacheinfo", &format!("160000,{pin},libs/helpers")]);
    repo.git(&["commit", "--quiet", "--message", "a pin that nobody pushed"]);
    let output = plan(&sandbox, &repo, &[]);
    // It may have held a `json.py`, which the second test would have found there.
    assert_eq!(found(&output).keys().collect::<Vec<_>>(), [TWO, ML]);
    output
        .stderr_contains("sub-repo `libs/helpers`")
        .stderr_contains(&format!("git -C libs/helpers fetch origin {pin}"));
    // Not here at all: no test reads it now, but another commit was meant than at the base.
    std::fs::remove_dir_all(&sub).unwrap();
    std::fs::create_dir(&sub).unwrap();
    assert_affected(&plan(&sandbox, &repo, &[]), &[]);
    plan(&sandbox, &repo, &["--base", "HEAD~1"]).assert_code(0).stderr_contains("its files are not here");
}

#[test]
fn a_base_that_is_not_there_or_out_of_reach() {
    let sandbox = Sandbox::new();
    let repo = sample(&sandbox);
    let refused = plan(&sandbox, &repo, &["--base", "mian"]);
    refused.assert_code(2).stderr_contains("`mian`").stderr_contains("did you mean `main`?");
    plan(&sandbox, &repo, &["--base", "mian", "--affected-or-all"]).assert_code(2);
    wharf(&sandbox, &repo)
        .args(["test", "--plan", "--base", "main"])
        .run()
        .assert_code(2)
        .stderr_contains("--affected");
    repo.write("wharf.toml", format!("{}\n[test]\nbase = \"develop\"\n", repo.read("wharf.toml")));
    plan(&sandbox, &repo, &[]).assert_code(2).stderr_contains("`develop`, from `base` in `[test]`");
    repo.git(&["checkout", "--quiet", "wharf.toml"]);
    // CI names a branch that was not fetched, and one that was.
    let ci = |name: &str, value: &str| {
        wharf(&sandbox, &repo).args(["test", "--affected", "--plan", "--json"]).env(name, value).env("CI", "true").run()
    };
    ci("GITHUB_BASE_REF", "develop").assert_code(5).stderr_contains("git fetch origin develop");
    ci("GITHUB_BASE_REF", "main").assert_code(0).stderr_contains("compared with main");
    ci("CI_MERGE_REQUEST_DIFF_BASE_SHA", &repo.git(&["rev-parse", "HEAD"])).assert_code(0);
    // A build of the default branch does not pass for want of a base.
    let all = ci("OTHER", "");
    all.assert_code(0).stderr_contains("everything runs").stderr_contains("--base");
    assert!(all.json()["dirs"].as_array().unwrap().iter().all(|dir| dir["runs"] == true));
    // No commit yet.
    let fresh = Repo::init(sandbox.path().join("fresh"));
    fresh.write("d/devops/wharf.toml", "").write("d/test_x.py", "");
    let output = plan(&sandbox, &fresh, &[]);
    output.assert_code(0).stderr_contains("everything runs: there is no commit yet");
    assert_eq!(output.json()["dirs"][0]["runs"], true);
    assert!(output.json()["affected"]["everything"].is_string());
}

#[test]
fn a_shallow_clone_says_how_to_deepen() {
    let sandbox = Sandbox::new();
    let origin = Repo::init(sandbox.path().join("origin"));
    origin.write("d/devops/wharf.toml", "").write("d/test_x.py", "").write("d/test_y.py", "").commit("one");
    origin.write("d/y.py", "").commit("two");
    origin.git(&["switch", "--quiet", "--create", "topic"]);
    origin.write("d/test_x.py", "x = 1\n").commit("three");
    origin.git(&["switch", "--quiet", "main"]);
    let clone = Repo::open(sandbox.path().join("clone"));
    origin.git(&["clone", "--quiet", "--depth=1", "--branch=topic", &origin.url(), &clone.path().to_string_lossy()]);
    for arguments in [&[][..], &["--base", "origin/main"]] {
        let output = plan(&sandbox, &clone, arguments);
        output.assert_code(5).stderr_contains("shallow clone").stderr_contains("--unshallow");
        output.stderr_contains("fetch-depth: 0").stderr_contains("--affected-or-all");
        assert_eq!(output.stdout, "");
    }
    // The branch is there, where HEAD left it is not.
    clone.git(&["fetch", "--quiet", "--depth=1", "origin", "main:refs/remotes/origin/main"]);
    plan(&sandbox, &clone, &[]).assert_code(5).stderr_contains("where HEAD left `origin/main`");
    let all = plan(&sandbox, &clone, &["--affected-or-all"]);
    all.assert_code(0).stderr_contains("everything runs: this is a shallow clone");
    assert_eq!(all.json()["dirs"][0]["runs"], true);
    assert!(all.json()["dirs"][0].get("leave_out").is_none());
    clone.git(&["fetch", "--quiet", "--unshallow", "origin"]);
    assert_affected(&plan(&sandbox, &clone, &["--affected-or-all"]), &[("d/test_x.py", "edited", "d/test_x.py")]);
}

#[test]
fn only_what_is_affected_runs_and_the_rest_keeps_its_verdict() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox)
        .file("lib/a.py", "A = 1\n")
        .dir("one", |dir| {
            dir.test("test_a.py", "from lib.a import A\n\ndef test_a(): assert A == 1\n")
                .test("test_b.py", "def test_bad(): assert False\n")
        })
        .dir("two", |dir| dir.test("test_c.py", "def test_c(): pass\n"))
        .build();
    let test = |arguments: &[&str]| wharf_test(&sandbox, &repo, EngineKind::Docker, arguments).run();
    test(&[]).assert_code(1);
    // Nothing: passes, and says so.
    let nothing = test(&["--affected"]);
    nothing.assert_code(0).stderr_contains("0 of 3 test files affected");
    let report = Report::of_run(&repo, 2);
    assert_eq!(report.status("one"), "no-tests");
    assert!(report.cause("one").contains("nothing that changed reaches its 2 test files"), "{}", report.cause("one"));
    // One file, and what was bad before is bad still.
    repo.write("lib/a.py", "A = 1  # the same\n");
    test(&["--affected"]).assert_code(0);
    let report = Report::of_run(&repo, 3);
    report.assert_verdicts("one", &[("test_a.py::test_a", "passed")]);
    assert_eq!(report.status("two"), "no-tests");
    test(&["--last-failed"]).assert_code(1);
    Report::of_run(&repo, 4).assert_verdicts("one", &[("test_b.py::test_bad", "failed")]);
    // A run of a part says nothing of an image.
    let tested = std::fs::read_dir(repo.join(".wharf/tested")).map(|entries| entries.flatten().count()).unwrap_or(0);
    assert_eq!(tested, 1, "only `two` passed whole, in the first run");
}

#[test]
fn what_was_seen_counts_as_long_as_it_holds() {
    let sandbox = Sandbox::new();
    let reading =
        "import pathlib\nfrom lib import a\n\ndef test_a(): assert pathlib.Path('data/x.txt').read_text() == 'x'\n";
    let repo = sample::workspace(&sandbox)
        .file("lib/__init__.py", "")
        .file("lib/a.py", "")
        .file("lib/new.txt", "")
        .dir("one", |dir| {
            dir.test("test_a.py", reading)
                .test("test_b.py", "def test_b(): pass\n")
                .file("data/x.txt", "x")
                .file("readme.md", "")
        })
        .build();
    let (test_a, test_b) = ("one/test_a.py", "one/test_b.py");
    // Never seen: anything in the dir may be read.
    repo.write("one/readme.md", "1");
    assert_affected(
        &plan(&sandbox, &repo, &[]),
        &[(test_a, "data", "one/readme.md"), (test_b, "data", "one/readme.md")],
    );
    wharf_test(&sandbox, &repo, EngineKind::Host, &[]).run().assert_code(0);
    // Seen: what is read is known.
    assert_affected(&plan(&sandbox, &repo, &[]), &[]);
    repo.write("one/data/x.txt", "y").write("lib/new.txt", "1");
    assert_affected(&plan(&sandbox, &repo, &[]), &[(test_a, "read", "one/data/x.txt")]);
    repo.write("one/json.py", "");
    assert_eq!(found(&plan(&sandbox, &repo, &[]))[test_a].0, "read");
    std::fs::remove_file(repo.join("one/json.py")).unwrap();
    repo.write("one/conftest.py", "");
    let conftest = found(&plan(&sandbox, &repo, &[]));
    assert_eq!(conftest[test_b], ("absent".into(), "one/conftest.py".into()));
    std::fs::remove_file(repo.join("one/conftest.py")).unwrap();
    repo.git(&["checkout", "--quiet", "."]);
    // Code that came since may read quite other files: what was seen does not hold any more.
    repo.write("lib/a.py", "import pathlib\nTEXT = (pathlib.Path(__file__).parent / 'new.txt').read_text()\n");
    repo.commit("lib: reads a file");
    repo.write("lib/new.txt", "2");
    assert_affected(&plan(&sandbox, &repo, &[]), &[(test_a, "data", "lib/new.txt")]);
    // There and back is no change.
    repo.git(&["checkout", "--quiet", "HEAD~1", "--", "lib/a.py"]);
    repo.commit("lib: reads none");
    assert_affected(&plan(&sandbox, &repo, &[]), &[]);
}

#[test]
fn what_an_entry_point_may_go_through_and_older_configuration_govern_dirs() {
    let sandbox = Sandbox::new();
    let repo = sample(&sandbox);
    let toml = repo.read("infra/devops/wharf.toml");
    repo.write("infra/devops/wharf.toml", format!("{toml}\n[run]\nentrypoint = \"devops/start.sh\"\n"));
    repo.write("infra/devops/start.sh", ". ../lib/set.sh\nexec \"$@\"\n").write("lib/set.sh", "").commit("a start");
    repo.write("lib/set.sh", "export A=1\n");
    let script = "lib/set.sh";
    assert_affected(&plan(&sandbox, &repo, &[]), &[(ONE, "configuration", script), (TWO, "configuration", script)]);
    repo.write("lib/set.sh", "").write("ml/repo_config.py", "");
    let config = plan(&sandbox, &repo, &[]);
    assert_affected(&config, &[(ML, "configuration", "ml/repo_config.py")]);
}
