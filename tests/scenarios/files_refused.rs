//! What `wharf files` refuses, and that nothing was changed then.

use wharf_testkit::{Repo, Sandbox};

use super::files::{ENTRY, INI, files, shared, state, synced};

#[test]
fn files_that_differ_from_the_start_or_lost_their_base_are_conflicts() {
    let sandbox = Sandbox::new();
    let (repo, helpers) = shared(&sandbox, ENTRY);
    repo.write("pytest.ini", "mine\n").write("ci/lint.yml", "lint: 1\n");
    let refused = files(&sandbox, &repo, &["sync"]);
    refused.assert_code(5).stderr_contains("pytest.ini: differs, and was never synced");
    assert!(!repo.join("tool.sh").exists());
    fs_err::remove_file(repo.join("pytest.ini")).unwrap();
    files(&sandbox, &repo, &["sync"]).assert_code(0);
    // Never committed here, and rewritten there: no history has the base any more.
    helpers.git(&["checkout", "--quiet", "--orphan", "fresh"]);
    helpers.write("pytest.ini", "new\n").commit("rewritten");
    helpers.git(&["branch", "--quiet", "-D", "main"]);
    helpers.git(&["update-ref", "-d", "refs/remotes/origin/main"]);
    helpers.git(&["update-ref", "-d", "refs/remotes/origin/HEAD"]);
    helpers.git(&["reflog", "expire", "--expire=now", "--all"]);
    helpers.git(&["gc", "--quiet", "--prune=now"]);
    files(&sandbox, &repo, &["sync"]).assert_code(0);
    assert_eq!(repo.read("pytest.ini"), "new\n");
    repo.write("pytest.ini", "here\n");
    let old = helpers.git(&["rev-parse", "HEAD"]);
    helpers.git(&["checkout", "--quiet", "--orphan", "again"]);
    helpers.write("pytest.ini", "there\n").commit("rewritten again");
    helpers.git(&["branch", "--quiet", "-D", "fresh"]);
    helpers.git(&["reflog", "expire", "--expire=now", "--all"]);
    helpers.git(&["gc", "--quiet", "--prune=now"]);
    assert!(!repo.read("wharf.files.lock").is_empty() && repo.read("wharf.files.lock").contains(&old));
    let refused = files(&sandbox, &repo, &["sync"]);
    refused.assert_code(5).stderr_contains("no history has what it was at the last sync");
    files(&sandbox, &repo, &["diff", "--log", "pytest.ini"]).stdout_contains("all, its history was rewritten");
    assert_eq!(repo.read("pytest.ini"), "here\n");
}

#[test]
fn paths_that_leave_the_repo_are_refused_with_file_and_line() {
    let sandbox = Sandbox::new();
    let (repo, _) = shared(&sandbox, "");
    let base = repo.read("wharf.toml");
    let line = base.lines().count() + 3;
    let try_entry = |rest: &str| {
        repo.write("wharf.toml", format!("{base}[[files]]\nfrom = \"//helpers\"\n{rest}\n"));
        let output = files(&sandbox, &repo, &["sync"]);
        output.assert_code(3);
        output
    };
    for bad in ["../x", "/etc/passwd", "ci/../../x", ".git/hooks/post-commit", "ci/.git/x"] {
        let output = try_entry(&format!("paths = [\"{bad}\"]"));
        output.stderr_contains(&format!("wharf.toml:{line}:")).stderr_contains("bad value");
        try_entry(&format!("to = \"{bad}\"\npaths = [\"ci\"]")).stderr_contains("wharf.toml");
    }
    std::os::unix::fs::symlink(sandbox.home(), repo.join("out")).unwrap();
    let output = try_entry("paths = [\"ci\"]\nto = \"out/x\"");
    output
        .stderr_contains(&format!("wharf.toml:{}: `out/x/ci/", line - 1))
        .stderr_contains("through the symbolic link `out`");
    assert_eq!(
        fs_err::read_dir(sandbox.home()).unwrap().filter(|entry| entry.as_ref().unwrap().file_name() == "x").count(),
        0
    );
    try_entry("paths = [\"ci\"]\nto = \"helpers/x\"").stderr_contains("into another repo, `helpers`");
    try_entry("paths = [\"ci\"]\nfro = \"x\"")
        .stderr_contains("unknown key `files.fro`")
        .stderr_contains("did you mean `files.from`?");
}

#[test]
fn one_place_belongs_to_one_entry_and_one_spelling() {
    let sandbox = Sandbox::new();
    let (repo, helpers) =
        shared(&sandbox, &format!("{ENTRY}\n[[files]]\nfrom = \"//helpers\"\npaths = \"ci/lint.yml\"\n"));
    let twice = files(&sandbox, &repo, &["status"]);
    twice.assert_code(3).stderr_contains("`ci/lint.yml` is claimed twice: by wharf.toml:8 and by wharf.toml:12");
    let toml = repo.read("wharf.toml").replace("\n[[files]]\nfrom = \"//helpers\"\npaths = \"ci/lint.yml\"\n", "");
    repo.write("wharf.toml", toml);
    repo.write("Pytest.ini", "mine\n");
    let clash = files(&sandbox, &repo, &["sync"]);
    clash.assert_code(3).stderr_contains("`pytest.ini` and `Pytest.ini` differ only in upper and lower case");
    fs_err::remove_file(repo.join("Pytest.ini")).unwrap();
    helpers.write("CI/other.yml", "x").commit("case");
    let toml = repo.read("wharf.toml").replace("\"ci/\"", "\"ci/\", \"CI/\"");
    repo.write("wharf.toml", toml);
    files(&sandbox, &repo, &["sync"]).assert_code(3).stderr_contains("differ only in upper and lower case");
    assert!(!repo.join("pytest.ini").exists());
}

#[test]
fn an_owner_that_is_not_there_is_named_and_the_others_go_on() {
    let sandbox = Sandbox::new();
    let (repo, _) = shared(&sandbox, &format!("{ENTRY}\n[[files]]\nfrom = \"//nobody\"\npaths = \"x\"\n"));
    let output = files(&sandbox, &repo, &["sync"]);
    output.assert_code(3).stderr_contains("wharf.toml:12: owner `//nobody` is not in this super-repo");
    assert_eq!(repo.read("pytest.ini"), INI);
    repo.commit("synced");
    let remote = Repo::open(sandbox.path().join("sample.remotes/helpers.git"));
    repo.add_submodule(&remote, "more");
    let toml = repo.read("wharf.toml").replace("//nobody", "//more");
    repo.write("wharf.toml", toml).commit("more");
    repo.git(&["submodule", "--quiet", "deinit", "--force", "more"]);
    let skipped = files(&sandbox, &repo, &["status", "--check"]);
    skipped.assert_code(0).stderr_contains("owner `//more` is not populated, its files are skipped");
    skipped.stderr_contains("git submodule update --init more");
}

#[test]
fn a_damaged_record_is_named_with_its_line() {
    let sandbox = Sandbox::new();
    let (repo, _) = synced(&sandbox);
    let record = repo.read("wharf.files.lock");
    repo.write("wharf.files.lock", format!("{record}<<<<<<< HEAD\n"));
    let output = files(&sandbox, &repo, &["sync"]);
    output
        .assert_code(3)
        .stderr_contains("`wharf.files.lock`, line 6: a conflict marker")
        .stderr_contains("git checkout --ours");
    files(&sandbox, &repo, &["status", "nowhere"]).assert_code(3);
    repo.write("wharf.files.lock", record);
    files(&sandbox, &repo, &["status", "nowhere"]).assert_code(2).stderr_contains("`nowhere` is no common file here");
    files(&sandbox, &repo, &["status", "../.."]).assert_code(2);
}

#[test]
fn a_sub_repo_s_broken_file_stops_no_other() {
    let sandbox = Sandbox::new();
    let (repo, helpers) = shared(&sandbox, ENTRY);
    helpers.write("wharf.toml", "[[files]]\nfrom = 3\n");
    let output = files(&sandbox, &repo, &["sync"]);
    output
        .assert_code(3)
        .stderr_contains("`helpers/wharf.toml` cannot be used: ")
        .stderr_contains("wrong type of `files[0].from`");
    assert_eq!(repo.read("pytest.ini"), INI);
}

#[test]
fn what_stands_in_the_way_is_not_replaced() {
    let sandbox = Sandbox::new();
    let (repo, helpers) = synced(&sandbox);
    fs_err::remove_file(repo.join("pytest.ini")).unwrap();
    std::os::unix::fs::symlink("tool.sh", repo.join("pytest.ini")).unwrap();
    helpers.write("pytest.ini", "new\n").commit("new");
    assert_eq!(state(&sandbox, &repo, "pytest.ini"), "unreadable");
    files(&sandbox, &repo, &["sync"]).assert_code(5).stderr_contains("pytest.ini: it is a symbolic link to `tool.sh`");
    fs_err::remove_file(repo.join("pytest.ini")).unwrap();
    fs_err::create_dir(repo.join("pytest.ini")).unwrap();
    files(&sandbox, &repo, &["sync"]).assert_code(5).stderr_contains("pytest.ini: it is a folder");
    assert_eq!(repo.read("tool.sh"), "#!/bin/sh\n");
}

#[test]
fn a_name_that_changed_only_its_case_waits_for_a_hand() {
    let sandbox = Sandbox::new();
    let (repo, helpers) = synced(&sandbox);
    helpers.git(&["mv", "ci/lint.yml", "ci/Lint.yml"]);
    helpers.commit("case");
    files(&sandbox, &repo, &["sync"]).assert_code(3).stderr_contains("differ only in upper and lower case");
    repo.git(&["mv", "ci/lint.yml", "ci/Lint.yml"]);
    files(&sandbox, &repo, &["sync"]).assert_code(0);
    files(&sandbox, &repo, &["status", "--check"]).assert_code(0);
    for repo in [&repo, &helpers] {
        repo.git(&["fsck", "--no-dangling"]);
    }
}
