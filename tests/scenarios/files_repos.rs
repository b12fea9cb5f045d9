//! `wharf files` over several owners, several super-repos, and folders of two repos.

use serde_json::Value;
use wharf_testkit::{Repo, Sandbox, sample};

use super::files::{files, synced};

#[test]
fn several_owners_and_sub_repos_that_share_too() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox)
        .toml("[[files]]\nfrom = \"//one\"\npaths = [\"a.txt\"]\n\n[[files]]\nfrom = \"//two\"\npaths = \"**/*.cfg\"\n")
        .file("base.txt", "root\n")
        .sub_repo("one", |sub| {
            sub.file("a.txt", "a\n")
                .file("wharf.toml", "[[files]]\nfrom = \".\"\npaths = [\"base.txt\"]\nto = \"from-root\"\n")
        })
        .sub_repo("two", |sub| sub.file("x.cfg", "x\n").file("deep/y.cfg", "y\n"))
        .build();
    files(&sandbox, &repo, &["sync"]).assert_code(0);
    assert_eq!((repo.read("a.txt").as_str(), repo.read("deep/y.cfg").as_str()), ("a\n", "y\n"));
    assert_eq!(repo.read("one/from-root/base.txt"), "root\n");
    assert!(repo.read("one/wharf.files.lock").contains("from-root/base.txt\t//\tbase.txt\t100644\t"));
    let one = Repo::open(repo.join("one"));
    one.write("from-root/base.txt", "better\n");
    files(&sandbox, &one, &["upstream", "./from-root/base.txt"]).assert_code(0);
    assert_eq!(repo.git(&["show", "common-files/sample:base.txt"]), "better");
}

#[test]
fn many_super_repos_are_asked_at_once() {
    let sandbox = Sandbox::new();
    let (first, helpers) = synced(&sandbox);
    helpers.git(&["push", "--quiet", "origin", "HEAD:main"]);
    let second = first.clone_to(sandbox.path().join("second"));
    second.write("pytest.ini", "drifted\n");
    sandbox.command("sh").args(["-c", "printf 'sample\\n# note\\n\\nsecond\\n' > list"]).run().assert_code(0);
    let run = |args: &[&str]| sandbox.command(env!("CARGO_BIN_EXE_wharf")).args(["files", "status"]).args(args).run();
    let output = run(&["--repos", "list"]);
    output.assert_code(0).stderr_contains("of 8 common files in 2 super-repos are equal");
    assert!(output.stdout.lines().any(|line| line.starts_with("second  pytest.ini")), "{}", output.told());
    run(&["--check", "--repos", "sample", "second"]).assert_code(1);
    let rows = run(&["--json", "--repos", "sample"]).json();
    assert_eq!((rows.as_array().unwrap().len(), &rows[0]["workspace"]), (4, &Value::from("sample")));
    run(&["--repos", "sample", "nowhere"]).assert_code(4).stderr_contains("nowhere: ");

    for repo in [&first, &second] {
        let helpers = Repo::open(repo.join("helpers"));
        helpers.write("pytest.ini", "other\n").write("ci/lint.yml", "lint: 2\n").commit("other");
    }
    let sync = |args: &[&str]| sandbox.command(env!("CARGO_BIN_EXE_wharf")).args(["files", "sync"]).args(args).run();
    let planned = sync(&["--dry-run", "--repos", "list"]);
    planned.assert_code(5).stdout_contains("sample  2 files would change\n");
    assert_eq!(first.read("ci/lint.yml"), "lint: 1\n");
    let done = sync(&["--repos", "list"]);
    done.assert_code(5)
        .stdout_contains("sample  2 files changed")
        .stdout_contains("second  1 common files are in conflict");
    done.stderr_contains("second: 1 common files are in conflict");
    assert_eq!((first.read("ci/lint.yml").as_str(), second.read("ci/lint.yml").as_str()), ("lint: 2\n", "lint: 1\n"));
}

#[test]
fn folders_of_two_repos_are_held_against_each_other() {
    let sandbox = Sandbox::new();
    let text = "one\ntwo\nthree\nfour\n";
    let repo = sample::workspace(&sandbox)
        .file("lib/a.py", text)
        .file("lib/b.py", "b\n")
        .sub_repo("other", |sub| sub.file("src/a.py", text).file("src/b.py", "b\n").file("README.md", "x"))
        .build();
    let other = Repo::open(repo.join("other"));
    let between = ["--between", "lib", "other/src"];
    let run = |verb: &[&str]| files(&sandbox, &repo, &[verb, &between].concat());
    run(&["sync"]).assert_code(0).stderr_contains("recorded 2 files as equal");
    repo.commit("recorded");
    other.write("src/b.py", "b2\n").commit("other: better b");
    repo.git(&["mv", "lib/a.py", "lib/z.py"]);
    repo.write("lib/z.py", format!("{text}five\n")).write("lib/new.py", "new\n").commit("here: renamed");
    let diff = run(&["diff", "--log"]);
    diff.assert_code(0).stdout_contains("other: better b").stdout_contains("here: renamed");
    diff.stdout_contains("lib/a.py: renamed-here (lib/z.py)").stdout_contains("+++ lib/new.py");
    run(&["sync"]).assert_code(0).stderr_contains("lib/b.py: updated");
    let up = run(&["upstream", "--branch", "back"]);
    up.assert_code(0);
    assert_eq!(other.git(&["ls-tree", "-r", "--name-only", "back"]), "README.md\nsrc/b.py\nsrc/new.py\nsrc/z.py");
    other.git(&["checkout", "--quiet", "back"]);
    run(&["sync"]).assert_code(0);
    let rest = run(&["diff"]);
    run(&["status", "--check"]).assert_code(0);
    assert_eq!(rest.stdout, "", "{}", rest.told());
    files(&sandbox, &repo, &["diff", "--between", "lib", "lib"]).assert_code(2);
    files(&sandbox, &repo, &["diff", "--between", "lib", "nowhere"]).assert_code(2);
}
