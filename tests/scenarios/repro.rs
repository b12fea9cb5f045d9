//! `wharf test --repro`: a script that repeats exactly what was bad.

use wharf_testkit::{EngineKind, Repo, Sandbox, sample};

use crate::testing::{Report, wharf, wharf_test};

const BAD: &str = "\
import pytest

@pytest.mark.parametrize('x', ['a b', \"it's $HOME\", 'ok'])
def test_some(x): assert x == 'ok'
";

fn repo(sandbox: &Sandbox) -> Repo {
    sample::workspace(sandbox)
        .dir("alpha", |dir| {
            dir.toml("[run]\nenv = [\"TOKEN\", \"LEVEL=hidden-value\"]\n")
                .test("test_a.py", BAD)
                .test("test_fine.py", "def test_fine(): pass\n")
        })
        .dir("beta", |dir| dir.test("test_b.py", "def test_good(): pass\n"))
        .dir("gamma", |dir| dir.test("test_c.py", "import nothing_like_this\n"))
        .build()
}

fn run(sandbox: &Sandbox, repo: &Repo, script: &str) -> wharf_testkit::Output {
    let file = sandbox.path().join("again.sh");
    fs_err::write(&file, script).unwrap();
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_wharf")).parent().unwrap();
    let path = std::env::join_paths(
        std::iter::once(folder.to_owned()).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    );
    sandbox.command("bash").arg(&file).env("PATH", path.unwrap()).env("TOKEN", "s3cret").cwd(repo.join("beta")).run()
}

#[test]
fn the_script_runs_what_was_bad_and_nothing_else() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    let arguments = ["--timeout", "50s", "--", "-p", "no:cacheprovider"];
    wharf_test(&sandbox, &repo, EngineKind::Docker, &arguments).env("TOKEN", "s3cret").run().assert_code(1);
    let script = wharf(&sandbox, &repo).args(["test", "--repro"]).env("PATH", "/nonexistent").run();
    script.assert_code(0);
    for part in [
        "TOKEN",
        "--timeout 50s",
        "-- -p no:cacheprovider",
        "# the container of that run",
        "docker run",
        "--stage local",
    ] {
        script.stdout_contains(part);
    }
    script.stdout_lacks("s3cret").stdout_lacks("beta").stdout_lacks("test_fine");

    let again = run(&sandbox, &repo, &script.stdout);
    again.assert_code(1);
    assert!(!again.stderr.contains("note: image"), "{}", again.stderr);
    let first = Report::of_run(&repo, 2);
    assert_eq!(first.dirs(), ["alpha"]);
    first.assert_verdicts(
        "alpha",
        &[("test_a.py::test_some[a b]", "failed"), ("test_a.py::test_some[it's $HOME]", "failed")],
    );
    let second = Report::of_run(&repo, 3);
    assert_eq!(second.dirs(), ["gamma"]);
    assert_eq!(second.verdicts("gamma").len(), 1);

    repo.write(
        "alpha/test_a.py",
        "import pytest\n\n@pytest.mark.parametrize('x', ['a b', \"it's $HOME\", 'ok'])\ndef test_some(x): pass\n",
    );
    repo.write("gamma/test_c.py", "def test_now(): pass\n");
    run(&sandbox, &repo, &script.stdout).assert_code(0);
}

#[test]
fn a_run_without_failures_or_without_a_report_says_so() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    let repro = |arguments: &[&str]| wharf(&sandbox, &repo).args(["test", "--repro"]).args(arguments).run();
    repro(&[]).assert_code(4).stderr_contains("there is no report of an earlier run").stderr_contains("hint:");
    wharf_test(&sandbox, &repo, EngineKind::Host, &["--dir", "beta"]).run().assert_code(0);
    let fine = repro(&["1"]);
    fine.assert_code(0).stderr_contains("nothing was bad in run 1");
    assert_eq!(fine.stdout, "");
    repro(&["7"]).assert_code(4).stderr_contains("run 7 has left no report here, only run 1");
    repro(&["x"]).assert_code(2);
    let elsewhere = sandbox.path().join("reports");
    let arguments = ["--dir", "gamma", "--report-dir", elsewhere.to_str().unwrap()];
    wharf_test(&sandbox, &repo, EngineKind::Host, &arguments).run().assert_code(1);
    let script = repro(&["--report-dir", elsewhere.to_str().unwrap()]);
    script.assert_code(0).stdout_contains("--engine host test").stdout_contains("gamma/test_c.py");
}
