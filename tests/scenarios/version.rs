//! `wharf version show`, `check` and `bump`, and what `run`, `bash` and `test` say of a stale container.

use serde_json::{Value, json};
use wharf_testkit::{Output, Repo, Sandbox, WharfCommand, engines, sample};

use super::image::Made;

/// No Python packages: builds take no network.
const NO_PYTHON: &str = "[python]\nmanager = \"none\"\n";
const REQUIREMENTS: &str = "a/devops/requirements.txt";

fn wharf(sandbox: &Sandbox, repo: &Repo, args: &[&str]) -> WharfCommand {
    sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(repo.path()).args(args)
}

fn version(sandbox: &Sandbox, repo: &Repo, args: &[&str]) -> Output {
    wharf(sandbox, repo, &["version"]).args(args).run()
}

/// A super-repo with one dir `a`, released as 1.4.0.
fn released(sandbox: &Sandbox) -> Repo {
    let repo = sample::workspace(sandbox)
        .dir("a", |dir| dir.requirements("pytest==8.3.4\n").version("1.4.0").test("test_a.py", "def test(): pass\n"))
        .build();
    repo.git(&["tag", "sample-a-1.4.0"]);
    repo
}

fn kinds(checked: &Value) -> Vec<(String, Option<u64>)> {
    let findings = checked[0]["findings"].as_array().expect("findings").iter();
    findings.map(|found| (found["kind"].as_str().expect("a kind").to_owned(), found["line"].as_u64())).collect()
}

#[test]
fn show_says_where_each_version_is_stated() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox)
        .dir("a", |dir| dir.version("1.10.0").toml("[image]\nrequires = \">=1.2\"\n"))
        .dir("b", |dir| dir)
        .dir("c", |dir| dir.file("changelog.txt", "# c-v1.2.3\n\n# c-1.0.0\n"))
        .build();
    let shown = version(&sandbox, &repo, &["show"]);
    shown.assert_code(0).stderr_contains("`c/changelog.txt` states no version: line 1: `v1.2.3` is no version X.Y.Z");
    let lines: Vec<Vec<&str>> = shown.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[1], ["a", "1.10.0", "2024-01-01", "a/changelog.txt:1"]);
    assert_eq!(lines[2], ["b", "0.1.0", "nowhere", "yet,", "it", "has", "no", "changelog"]);
    assert_eq!(lines[3], ["c", "0.1.0", "nowhere,", "its", "changelog", "is", "unclear"]);
    let rows = version(&sandbox, &repo, &["show", "a", "b", "--json"]).json();
    let expected = json!({
        "path": "a", "name": "sample-a", "version": "1.10.0", "date": "2024-01-01", "file": "a/changelog.txt", "line": 1,
        "requires": ">=1.2", "problem": null,
    });
    assert_eq!(rows[0], expected);
    assert_eq!((&rows[1]["file"], rows.as_array().map(Vec::len)), (&Value::Null, Some(2)));
    version(&sandbox, &repo, &["show", "nowhere"]).assert_code(2);
}

#[test]
fn bump_adds_an_entry_and_leaves_all_else() {
    let sandbox = Sandbox::new();
    let old = b"\xef\xbb\xbf# A-1.9.0\r\n- 2024-01-01\r\n- caf\xe9, ODD  \r\n\r\n\r\n# a-1.8.0\r\n- no end";
    let repo =
        sample::workspace(&sandbox).dir("a", |dir| dir.file("changelog.txt", &old[..])).dir("b", |dir| dir).build();
    let read = || fs_err::read(repo.join("a/changelog.txt")).expect("it is there");

    let planned = version(&sandbox, &repo, &["bump", "b", "--dry-run", "-m", "First"]);
    planned
        .assert_code(0)
        .stdout_contains("--- /dev/null\n+++ b/b/changelog.txt\n@@ -0,0 +1,3 @@\n+# sample-b-0.1.1\n+- 20");
    assert!(!repo.join("b/changelog.txt").exists() && !repo.join(".wharf").exists());
    let before = version(&sandbox, &repo, &["bump", "b", "-m", "First"]);
    before.assert_code(0).stderr_contains("b: 0.1.0 -> 0.1.1, in `b/changelog.txt`");
    assert_eq!(before.stdout, "0.1.1\n");
    fs_err::write(repo.join("first.patch"), &planned.stdout).expect("writable");
    repo.git(&["apply", "--check", "--reverse", "first.patch"]);

    let bumped = version(&sandbox, &repo, &["bump", "//a", "--minor", "-m", "Add graphviz", "-m", "Two\nlines"]);
    bumped.assert_code(0);
    assert_eq!(bumped.stdout, "1.10.0\n");
    let new = read();
    assert!(new.ends_with(&old[3..]) && new.starts_with(b"\xef\xbb\xbf# sample-a-1.10.0\r\n- 20"), "{new:?}");
    let added = &new[3..new.len() - old.len() + 3];
    assert!(added.ends_with(b"\r\n- Add graphviz\r\n- Two\r\n  lines\r\n\r\n"), "{added:?}");
    assert_eq!(repo.git(&["status", "--short"]), "M a/changelog.txt\n?? b/changelog.txt\n?? first.patch");
    let here = wharf(&sandbox, &repo, &["version", "bump", "--major", "-m", "x"]).cwd(repo.join("a")).run();
    assert_eq!((here.code, here.stdout.as_str()), (Some(0), "2.0.0\n"));
}

#[test]
fn bump_refuses_what_it_cannot_do() {
    let sandbox = Sandbox::new();
    let text = "# a-1.0.0\n- x\n\n# a-1.0.1\n";
    let repo = sample::workspace(&sandbox)
        .dir("a", |dir| dir.file("changelog.txt", text))
        .dir("b", |dir| dir.file("changelog.txt", "# b-1.2\n\n# b-1.1.0\n"))
        .build();
    let there = version(&sandbox, &repo, &["bump", "a", "-m", "x"]);
    there
        .assert_code(5)
        .stderr_contains("`a/changelog.txt`: version 1.0.1 stands already in line 4")
        .stderr_contains("hint: ");
    assert_eq!(repo.read("a/changelog.txt"), text);
    version(&sandbox, &repo, &["bump", "b", "-m", "x"])
        .assert_code(3)
        .stderr_contains("line 1: `1.2` is no version X.Y.Z");
    version(&sandbox, &repo, &["bump", "a"]).assert_code(2).stderr_contains("--message");
    version(&sandbox, &repo, &["bump", "a", "-m", " "]).assert_code(2).stderr_contains("an entry needs a text");
    version(&sandbox, &repo, &["bump", "a", "--major", "--minor", "-m", "x"]).assert_code(2);
    assert_eq!(repo.git(&["status", "--short"]), "");
}

#[test]
fn bumps_at_once_lose_nothing() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox).dir("a", |dir| dir.version("1.0.0")).build();
    let running: Vec<_> = (0..6)
        .map(|at| wharf(&sandbox, &repo, &["version", "bump", "a", "-m"]).arg(format!("change {at}")).spawn())
        .collect();
    for one in running {
        one.wait().assert_code(0);
    }
    let text = repo.read("a/changelog.txt");
    for at in 0..6 {
        assert!(text.contains(&format!("- change {at}\n")), "{text}");
    }
    assert!(
        text.starts_with("# sample-a-1.0.6\n") && text.ends_with("\n\n# a-1.0.0\n- 2024-01-01\n- First\n"),
        "{text}"
    );
    version(&sandbox, &repo, &["check"]).assert_code(0);
}

#[test]
fn check_fails_when_inputs_changed_but_the_version_did_not() {
    let sandbox = Sandbox::new();
    let repo = released(&sandbox);
    let check = |args: &[&str]| version(&sandbox, &repo, &[&["check"], args].concat());
    check(&[]).assert_code(0).stderr_lacks("nothing to compare");
    repo.write("a/test_a.py", "def test(): assert True\n").commit("code is no input");
    check(&[]).assert_code(0);
    assert_eq!(
        check(&["--json"]).json()[0]["base"],
        json!({"reference": "sample-a-1.4.0", "version": "1.4.0", "same_inputs": true})
    );

    repo.write(REQUIREMENTS, "pytest==8.3.4\niniconfig==2.0.0\n");
    let failed = check(&["a"]);
    failed.assert_code(1).stdout_contains(
        "a/changelog.txt: error: what decides the image changed since `sample-a-1.4.0`, but the version is still 1.4.0\n",
    );
    failed
        .stderr_contains("the versions of 1 of 1 runnable dirs do not fit: `a`")
        .stderr_contains("wharf version bump a -m TEXT");
    failed.stdout_lacks("::error");
    let action = wharf(&sandbox, &repo, &["version", "check"]).env("GITHUB_ACTIONS", "true").run();
    action.assert_code(1).stdout_contains("::error file=a/changelog.txt::what decides");
    repo.commit("more");
    check(&[]).assert_code(1);
    let json = check(&["--json"]);
    json.assert_code(1);
    assert_eq!(
        (kinds(&json.json()), &json.json()[0]["ok"]),
        (vec![("inputs-changed".into(), None)], &Value::Bool(false))
    );

    version(&sandbox, &repo, &["bump", "a", "-m", "More"]).assert_code(0);
    check(&[]).assert_code(0);
    assert_eq!(repo.git(&["worktree", "list"]).lines().count(), 1, "no worktree is left");
}

#[test]
fn check_compares_with_what_is_asked_for_and_only_with_what_it_contains() {
    let sandbox = Sandbox::new();
    let repo = released(&sandbox);
    let check = |args: &[&str]| version(&sandbox, &repo, &[&["check"], args].concat());
    repo.git(&["branch", "target"]);
    repo.write(REQUIREMENTS, "pytest==8.3.4\niniconfig==2.0.0\n");
    repo.write("a/changelog.txt", "# a-1.10.0\n- x\n\n# a-1.4.0\n").commit("release");
    repo.git(&["tag", "sample-a-1.10.0"]);
    check(&[]).assert_code(0);
    check(&["--base", "target"]).assert_code(0);
    repo.write(REQUIREMENTS, "pytest==8.3.4\n").write("a/changelog.txt", "# a-1.9.0\n- x\n").commit("back");
    check(&[]).assert_code(1).stdout_contains("the version went backwards: 1.9.0 here, 1.10.0 in `sample-a-1.10.0`");
    check(&["--base", "target"]).assert_code(0);
    check(&["--base", "nowhere"]).assert_code(2).stderr_contains("`--base nowhere` names no commit");
    repo.git(&["switch", "--quiet", "target"]);
    // 1.10.0 was released from another branch.
    check(&[]).assert_code(0);
    repo.git(&["tag", "--delete", "sample-a-1.4.0"]);
    check(&[]).assert_code(0).stderr_contains("nothing to compare with: a (no Git tag");
    fs_err::remove_file(repo.join("a/changelog.txt")).expect("it was there");
    let missing = check(&["--base", "HEAD"]);
    missing.assert_code(1).stdout_contains("a/changelog.txt: note: there is no changelog yet, so the version is 0.1.0");
    missing.stdout_contains("went backwards: 0.1.0 here, 1.4.0 in `HEAD`");
}

#[test]
fn check_looks_into_sub_repos_and_own_dockerfiles() {
    let sandbox = Sandbox::new();
    let dockerfile = "FROM scratch AS dev\nCOPY code.py /\nFROM dev AS prod\n";
    let repo = sample::workspace(&sandbox)
        .sub_repo("libs/sub", |sub| {
            sub.dir("s", |dir| dir.version("1.0.0").file("devops/Dockerfile", dockerfile).file("code.py", "one\n"))
        })
        .build();
    let sub = Repo::open(repo.join("libs/sub"));
    let name = version(&sandbox, &repo, &["show", "--json"]).json()[0]["name"].as_str().expect("a name").to_owned();
    sub.git(&["tag", &format!("{name}-1.0.0")]);
    let check = |args: &[&str]| version(&sandbox, &repo, &[&["check"], args].concat());
    let same = check(&["--json"]);
    same.assert_code(0);
    assert_eq!(same.json()[0]["base"]["same_inputs"], Value::Bool(true));
    assert_eq!(check(&["--base", "HEAD", "--json"]).json()[0]["base"]["same_inputs"], Value::Bool(true));
    sub.write("s/code.py", "two\n").commit("code that is copied");
    check(&[]).assert_code(1).stdout_contains("libs/sub/s/changelog.txt: error: what decides the image changed since");
    // The super-repo still records the commit before.
    check(&["--base", "HEAD"]).assert_code(1).stdout_contains("changed since `HEAD`");
    repo.commit("sub: newer");
    check(&["--base", "HEAD"]).assert_code(0);
}

/// A changelog, the exit code, and what is found in which line.
type Case<'a> = (Option<&'a str>, i32, &'a [(&'a str, Option<u64>)]);

#[test]
fn check_names_what_is_wrong_in_a_changelog() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox).dir("a", |dir| dir).build();
    let cases: &[Case<'_>] = &[
        (None, 0, &[("missing", None)]),
        (Some(""), 0, &[("missing", None)]),
        (Some(" \r\n"), 0, &[("missing", None)]),
        (Some("hello\n"), 1, &[("no-version", None)]),
        (Some("# a\n- 2024-01-01\n"), 1, &[("no-version", None)]),
        (Some("# a-1.0.0\n- x\n\n# a-1.0.0\n- y\n"), 1, &[("twice", Some(4))]),
        (Some("# a-1.1.0\n\n# a-1.0.0\n\n# a-1.0.5\n"), 1, &[("order", Some(5))]),
        (Some("# a-1.10.0\r\n- 2024-01-01\r\n\r\n# a-1.9.0\r\n"), 0, &[]),
        (Some("# a-1.2\n"), 1, &[("bad-version", Some(1))]),
        (Some("# a-v1.2.3\n"), 1, &[("bad-version", Some(1))]),
        (Some("# a-1.3.0\n\n# a-01.2.3\n"), 1, &[("bad-version", Some(3))]),
        (Some("# other-1.2.3\n"), 0, &[("other-name", Some(1))]),
    ];
    for (text, code, expected) in cases {
        match text {
            Some(text) => drop(repo.write("a/changelog.txt", text)),
            None => assert!(!repo.join("a/changelog.txt").exists()),
        }
        let checked = version(&sandbox, &repo, &["check", "--json"]);
        checked.assert_code(*code);
        let expected: Vec<_> = expected.iter().map(|(kind, line)| ((*kind).to_owned(), *line)).collect();
        assert_eq!(kinds(&checked.json()), expected, "{text:?}");
    }
    repo.write("a/changelog.txt", "# a-1.3.0\n\n# a-01.2.3\n");
    let text = version(&sandbox, &repo, &["check"]);
    text.assert_code(1).stdout_contains("a/changelog.txt:3: error: `01.2.3` is no version; write it as X.Y.Z");
    text.stderr_contains("hint: correct `a/changelog.txt`");
}

#[test]
fn check_knows_what_the_code_needs() {
    let sandbox = Sandbox::new();
    let requires = |text: &str| format!("[image]\nfrom = \"//a\"\nrequires = \"{text}\"\n");
    let repo = sample::workspace(&sandbox)
        .dir("a", |dir| dir.version("1.10.0"))
        .dir("b", |dir| dir.toml(&requires(">=1.9, <2")))
        .build();
    version(&sandbox, &repo, &["check"]).assert_code(0);
    repo.write("b/devops/wharf.toml", requires(">=2"));
    let failed = version(&sandbox, &repo, &["check", "b"]);
    failed
        .assert_code(1)
        .stdout_contains("the code needs an image of version >=2 (b/devops/wharf.toml:3), but it is 1.10.0");
    repo.write("b/devops/wharf.toml", requires("newest"));
    let bad = version(&sandbox, &repo, &["check", "b"]);
    bad.assert_code(3).stderr_contains("b/devops/wharf.toml").stderr_contains("a requirement on a version such as");
}

#[test]
fn a_stale_container_is_named_or_refused() {
    for engine in engines().into_iter().filter(|engine| engine.has_containers()) {
        let sandbox = Sandbox::new();
        let name = format!("drift-{}-{engine}", std::process::id());
        // No image of another test has the same inputs.
        let own = format!("{NO_PYTHON}[os]\nscripts = [\"own.sh\"]\n");
        let repo = sample::workspace(&sandbox)
            .name(&name)
            .dir("a", |dir| {
                dir.no_requirements().toml(&own).version("1.4.0").file("devops/own.sh", format!("echo {name}\n"))
            })
            .build();
        let run = |args: &[&str]| wharf(&sandbox, &repo, &["--engine", engine.name(), "run", "a"]).args(args).run();
        let tag = |stage: &str| format!("{name}-a:{stage}-1.4.0");
        let _local = Made(&sandbox, engine, &tag("local-root"));
        let dev = tag("dev");
        let _dev = Made(&sandbox, engine, &dev);
        run(&["--strict", "--", "true"]).assert_code(0).stderr_lacks("stale");
        sandbox.command(engine.name()).args(["tag", &tag("local-root"), &dev]).run().assert_code(0);

        repo.write("a/devops/own.sh", format!("echo newer {name}\n"));
        let warned = run(&["--stage", "dev", "--", "echo", "ran"]);
        let line = format!("the container of `a` is stale: image {dev} was made from other inputs than the checkout's");
        warned.assert_code(0).stderr_contains(&format!("warning: {line}\n"));
        assert_eq!((warned.stdout.as_str(), warned.stderr.matches("stale").count()), ("ran\n", 1));
        let refused = run(&["--stage", "dev", "--strict", "--", "echo", "ran"]);
        refused.assert_code(5).stderr_contains(&format!("error: {line}")).stderr_contains("hint: ");
        assert_eq!(refused.stdout, "");
        run(&["--stage", "dev", "--strict", "--dry-run", "--", "true"]).assert_code(5);

        repo.write("a/devops/own.sh", format!("echo {name}\n"));
        repo.write("a/devops/wharf.toml", format!("{own}[image]\nrequires = \">=1.5\"\n"));
        let needs = run(&["--", "true"]);
        needs.assert_code(0).stderr_contains("is version 1.4.0, the code needs >=1.5 (a/devops/wharf.toml:6)");
        let shell = wharf(&sandbox, &repo, &["--engine", engine.name(), "bash", "a", "--strict"]).run();
        shell.assert_code(5).stderr_contains("the code needs >=1.5");
        version(&sandbox, &repo, &["bump", "a", "--minor", "-m", "x"]).assert_code(0);
        // The same inputs under a new version are the same image.
        run(&["--strict", "--", "true"]).assert_code(0).stderr_lacks("stale");
    }
}

#[test]
fn tests_say_which_image_they_run_in() {
    for engine in engines() {
        let sandbox = Sandbox::new();
        let name = format!("header-{}-{engine}", std::process::id());
        let toml = "[image]\nrequires = \">=1.5\"\n";
        let repo = sample::workspace(&sandbox)
            .name(&name)
            .dir("a", |dir| dir.toml(toml).version("1.4.0").test("test_a.py", "def test(): pass\n"))
            .build();
        let tag = format!("{name}-a:local-root-1.4.0");
        let _made = Made(&sandbox, engine, &tag);
        let test = |args: &[&str]| wharf(&sandbox, &repo, &["--engine", engine.name(), "test"]).args(args).run();
        let warned = test(&[]);
        warned
            .assert_code(0)
            .stderr_contains("the container of `a` is stale: image ")
            .stderr_contains("the code needs >=1.5");
        let log = repo.read(".wharf/runs/1/a.log");
        let header = log.lines().find(|line| line.starts_with("wharf: image ")).expect("a header");
        let image = if engine.has_containers() { ":local-" } else { "venv " };
        assert!(header.contains(image), "{header}");
        assert!(
            header.ends_with(", stale: it is version 1.4.0, the code needs >=1.5 (a/devops/wharf.toml:2)"),
            "{header}"
        );

        let refused = test(&["--strict"]);
        refused.assert_code(5).stdout_contains("the code needs >=1.5");
        version(&sandbox, &repo, &["bump", "a", "--minor", "-m", "x"]).assert_code(0);
        test(&["--strict", "--no-cache"]).assert_code(0).stderr_lacks("stale");
        let log = repo.read(".wharf/runs/3/a.log");
        assert!(log.contains("\nwharf: image ") && !log.contains("stale"), "{log}");
    }
}

#[test]
fn engines_are_not_needed_for_versions() {
    let sandbox = Sandbox::new();
    let repo = released(&sandbox);
    let output = wharf(&sandbox, &repo, &["version", "check"]).env("DOCKER_HOST", "tcp://127.0.0.1:1").run();
    output.assert_code(0);
    assert_eq!(output.stdout, "");
}
