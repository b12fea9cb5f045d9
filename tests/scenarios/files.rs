//! `wharf files`: real Git, no engine.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use wharf_testkit::{Output, Repo, Sandbox, Signal, WharfCommand, sample};

pub(super) const INI: &str = "[pytest]\naddopts = -q\n1\n2\n3\n4\n5\n6\n7\nlast = 1\n";
pub(super) const ENTRY: &str = "[[files]]\nfrom = \"//helpers\"\npaths = [\"pytest.ini\", \"ci/\", \"tool.sh\"]\n";

fn wharf(sandbox: &Sandbox, repo: &Repo, args: &[&str]) -> WharfCommand {
    sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(repo.path()).arg("files").args(args)
}

pub(super) fn files(sandbox: &Sandbox, repo: &Repo, args: &[&str]) -> Output {
    wharf(sandbox, repo, args).run()
}

/// A super-repo with the sub-repo `helpers`, which owns a few files.
pub(super) fn shared(sandbox: &Sandbox, toml: &str) -> (Repo, Repo) {
    let repo = sample::workspace(sandbox)
        .toml(toml)
        .sub_repo("helpers", |sub| {
            sub.file("pytest.ini", INI)
                .file("ci/lint.yml", "lint: 1\n")
                .file("ci/deep/test.yml", "test: 1\n")
                .file("tool.sh", "#!/bin/sh\n")
        })
        .build();
    let helpers = Repo::open(repo.join("helpers"));
    fs_err::set_permissions(helpers.join("tool.sh"), PermissionsExt::from_mode(0o755)).unwrap();
    helpers.commit("tool is executable");
    (repo, helpers)
}

/// The same, synced and committed.
pub(super) fn synced(sandbox: &Sandbox) -> (Repo, Repo) {
    let (repo, helpers) = shared(sandbox, ENTRY);
    files(sandbox, &repo, &["sync"]).assert_code(0);
    repo.commit("synced");
    (repo, helpers)
}

/// Path and state of all files.
pub(super) fn states(sandbox: &Sandbox, repo: &Repo) -> Vec<(String, String)> {
    let rows = files(sandbox, repo, &["status", "--json"]).json();
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    rows.as_array().unwrap().iter().map(|row| (text(row, "path"), text(row, "state"))).collect()
}

pub(super) fn state(sandbox: &Sandbox, repo: &Repo, path: &str) -> String {
    let found = states(sandbox, repo).into_iter().find(|(known, _)| known == path);
    found.unwrap_or_else(|| panic!("`{path}` is no common file")).1
}

fn is_clean(repo: &Repo) -> bool {
    repo.git(&["status", "--short"]).is_empty()
}

#[test]
fn a_first_sync_brings_all_and_a_second_changes_nothing() {
    let sandbox = Sandbox::new();
    let (repo, helpers) = shared(&sandbox, ENTRY);
    assert!(states(&sandbox, &repo).iter().all(|(_, state)| state == "not-yet-here"));
    let planned = files(&sandbox, &repo, &["sync", "--dry-run"]);
    planned.assert_code(0).stdout_contains("mkdir -p ci && git -C helpers cat-file blob ");
    assert!(!repo.join("pytest.ini").exists());
    files(&sandbox, &repo, &["status", "--check"]).assert_code(1).stderr_contains("4 common files are not equal");
    let first = files(&sandbox, &repo, &["sync"]);
    first.assert_code(0).stderr_contains("ci/deep/test.yml: added").stderr_contains("4 files changed");
    assert_eq!(repo.read("pytest.ini"), INI);
    let mode = |path: &str| repo.join(path).metadata().unwrap().permissions().mode() & 0o111;
    assert!(mode("tool.sh") != 0 && mode("pytest.ini") == 0);
    let record = repo.read("wharf.files.lock");
    let head = helpers.git(&["rev-parse", "HEAD"]);
    let blob = helpers.git(&["rev-parse", "HEAD:pytest.ini"]);
    assert!(record.contains(&format!("pytest.ini\t//helpers\tpytest.ini\t100644\t{blob}\t{head}\n")), "{record}");
    assert!(record.contains("tool.sh\t//helpers\ttool.sh\t100755\t"), "{record}");
    repo.commit("synced");
    files(&sandbox, &repo, &["sync"]).assert_code(0).stderr_contains("nothing to do");
    assert!(is_clean(&repo) && is_clean(&helpers));
    files(&sandbox, &repo, &["status", "--check"]).assert_code(0).stderr_contains("4 of 4 common files are equal");
    let plan = files(&sandbox, &repo, &["sync", "--dry-run"]);
    assert_eq!(plan.stdout, "");
}

#[test]
fn the_plan_can_be_pasted() {
    let sandbox = Sandbox::new();
    let (repo, _) = shared(&sandbox, ENTRY);
    let plan = files(&sandbox, &repo, &["sync", "--dry-run"]).stdout;
    sandbox.command("bash").args(["-euc", &plan]).cwd(repo.path()).run().assert_code(0);
    let done = files(&sandbox, &repo, &["sync"]);
    done.assert_code(0).stderr_contains("recorded 4 files as equal");
    files(&sandbox, &repo, &["status", "--check"]).assert_code(0);
}

#[test]
fn each_side_s_changes_are_seen_merged_and_kept() {
    let sandbox = Sandbox::new();
    let (repo, helpers) = synced(&sandbox);
    repo.write("pytest.ini", INI.replace("-q", "-v"));
    assert_eq!(state(&sandbox, &repo, "pytest.ini"), "changed-here");
    files(&sandbox, &repo, &["sync"]).assert_code(0).stderr_contains("nothing to do");
    assert_eq!(repo.read("pytest.ini"), INI.replace("-q", "-v"));

    helpers.write("ci/lint.yml", "lint: 2\n");
    let dirty = files(&sandbox, &repo, &["status"]);
    dirty.assert_code(0).stderr_contains("`//helpers` has uncommitted changes in `ci/lint.yml`");
    helpers.write("pytest.ini", INI.replace("last = 1", "last = 2"));
    helpers.commit("both");
    assert_eq!(state(&sandbox, &repo, "pytest.ini"), "changed-both");
    assert_eq!(state(&sandbox, &repo, "ci/lint.yml"), "changed-at-owner");
    let diff = files(&sandbox, &repo, &["diff", "pytest.ini", "--log"]);
    diff.assert_code(0).stdout_contains("--- //helpers/pytest.ini\n+++ pytest.ini\n");
    diff.stdout_contains("-addopts = -q\n+addopts = -v\n")
        .stdout_contains("owner //helpers, since the last sync: 1 commits");
    diff.stdout_contains(": both\n").stdout_contains("here //, since the last sync: 0 commits");
    files(&sandbox, &repo, &["diff", "-r", "ci"]).stdout_contains("-lint: 1\n+lint: 2\n");

    let done = files(&sandbox, &repo, &["sync"]);
    done.assert_code(0).stderr_contains("pytest.ini: merged").stderr_contains("ci/lint.yml: updated");
    assert_eq!(repo.read("pytest.ini"), INI.replace("-q", "-v").replace("last = 1", "last = 2"));
    assert_eq!(state(&sandbox, &repo, "pytest.ini"), "changed-here");
    let table = files(&sandbox, &repo, &["status"]);
    assert_eq!(table.stdout, "file        state         owner\npytest.ini  changed here  //helpers\n");
}

#[test]
fn a_conflict_changes_nothing_at_all_unless_markers_are_asked_for() {
    let sandbox = Sandbox::new();
    let (repo, helpers) = synced(&sandbox);
    repo.write("pytest.ini", INI.replace("-q", "-v"));
    helpers.write("pytest.ini", INI.replace("-q", "-x")).write("ci/lint.yml", "lint: 2\n").commit("both");
    let before = repo.git(&["status", "--short"]);
    let refused = files(&sandbox, &repo, &["sync"]);
    refused.assert_code(5).stderr_contains("1 common files are in conflict, so nothing was changed");
    refused.stderr_contains("pytest.ini: changed on both sides in the same place").stderr_contains("sync --merge");
    assert_eq!((repo.read("ci/lint.yml").as_str(), repo.git(&["status", "--short"])), ("lint: 1\n", before));
    files(&sandbox, &repo, &["sync", "ci"]).assert_code(0);
    assert_eq!(repo.read("ci/lint.yml"), "lint: 2\n");

    files(&sandbox, &repo, &["sync", "--merge"])
        .assert_code(1)
        .stderr_contains("1 common files have conflict markers now");
    let marked = repo.read("pytest.ini");
    assert!(
        marked.contains("<<<<<<< ") && marked.contains("addopts = -v\n") && marked.contains("addopts = -x\n"),
        "{marked}"
    );
    files(&sandbox, &repo, &["upstream", "pytest.ini"]).assert_code(5).stderr_contains("still has conflict markers");
    files(&sandbox, &repo, &["sync"]).assert_code(0);
    assert_eq!(repo.read("pytest.ini"), marked);
}

#[test]
fn a_rewritten_history_takes_the_base_from_ones_own() {
    let sandbox = Sandbox::new();
    let (repo, helpers) = synced(&sandbox);
    helpers.git(&["checkout", "--quiet", "--orphan", "fresh"]);
    helpers.write("pytest.ini", INI.replace("last = 1", "last = 2")).commit("rewritten");
    for reference in ["refs/heads/main", "refs/remotes/origin/main", "refs/remotes/origin/HEAD"] {
        helpers.git(&["update-ref", "-d", reference]);
    }
    helpers.git(&["reflog", "expire", "--expire=now", "--all"]);
    helpers.git(&["gc", "--quiet", "--prune=now"]);
    repo.write("pytest.ini", INI.replace("-q", "-v"));
    files(&sandbox, &repo, &["sync"]).assert_code(0).stderr_contains("pytest.ini: merged");
    assert_eq!(repo.read("pytest.ini"), INI.replace("-q", "-v").replace("last = 1", "last = 2"));
}

#[test]
fn deletions_and_renames_at_the_owner_are_carried_while_nothing_is_lost() {
    let sandbox = Sandbox::new();
    let (repo, helpers) = synced(&sandbox);
    helpers.git(&["rm", "--quiet", "ci/deep/test.yml"]);
    helpers.git(&["mv", "ci/lint.yml", "ci/style.yml"]);
    helpers.commit("gone and renamed");
    assert_eq!(state(&sandbox, &repo, "ci/deep/test.yml"), "deleted-at-owner");
    assert_eq!(state(&sandbox, &repo, "ci/lint.yml"), "renamed-at-owner");
    let plan = files(&sandbox, &repo, &["sync", "--dry-run"]);
    plan.assert_code(0).stdout_contains("rm ci/deep/test.yml\n").stdout_contains("rm ci/lint.yml\n");
    repo.write("ci/deep/test.yml", "mine\n");
    files(&sandbox, &repo, &["sync"])
        .assert_code(5)
        .stderr_contains("ci/deep/test.yml: deleted at the owner, changed here");
    repo.git(&["checkout", "--quiet", "ci"]);
    repo.write("ci/lint.yml", "lint: 1\nmine: 1\n");
    files(&sandbox, &repo, &["sync"]).assert_code(0).stderr_contains("ci/deep/test.yml: deleted");
    assert!(!repo.join("ci/deep").exists() && !repo.join("ci/lint.yml").exists());
    assert_eq!(repo.read("ci/style.yml"), "lint: 1\nmine: 1\n");
    assert!(!repo.read("wharf.files.lock").contains("ci/lint.yml"));
    files(&sandbox, &repo, &["sync"]).assert_code(0).stderr_contains("nothing to do");
}

#[test]
fn what_is_deleted_here_stays_deleted_until_it_is_named() {
    let sandbox = Sandbox::new();
    let (repo, helpers) = synced(&sandbox);
    fs_err::remove_file(repo.join("ci/lint.yml")).unwrap();
    assert_eq!(state(&sandbox, &repo, "ci/lint.yml"), "deleted-here");
    files(&sandbox, &repo, &["sync"]).assert_code(0);
    assert!(!repo.join("ci/lint.yml").exists());
    helpers.write("ci/lint.yml", "lint: 2\n").commit("more");
    files(&sandbox, &repo, &["sync"]).assert_code(5).stderr_contains("deleted here, changed at the owner");
    files(&sandbox, &repo, &["sync", "ci/lint.yml"]).assert_code(0).stderr_contains("ci/lint.yml: restored");
    assert_eq!(repo.read("ci/lint.yml"), "lint: 2\n");
}

#[test]
fn binary_files_are_never_merged() {
    let sandbox = Sandbox::new();
    let (repo, helpers) = shared(&sandbox, "[[files]]\nfrom = \"//helpers\"\npaths = \"*.bin\"\n");
    helpers.write("a.bin", b"\0one").commit("binary");
    files(&sandbox, &repo, &["sync"]).assert_code(0);
    helpers.write("a.bin", b"\0two").commit("binary");
    files(&sandbox, &repo, &["sync"]).assert_code(0);
    assert_eq!(fs_err::read(repo.join("a.bin")).unwrap(), b"\0two");
    repo.write("a.bin", b"\0here");
    helpers.write("a.bin", b"\0there").commit("binary");
    files(&sandbox, &repo, &["sync", "--merge"]).assert_code(5).stderr_contains("is no text");
    files(&sandbox, &repo, &["diff"]).stdout_contains("Binary files //helpers/a.bin and a.bin differ\n");
    assert_eq!(fs_err::read(repo.join("a.bin")).unwrap(), b"\0here");
}

#[test]
fn upstream_makes_a_commit_and_touches_nothing_else() {
    let sandbox = Sandbox::new();
    let (repo, helpers) = synced(&sandbox);
    repo.write("pytest.ini", INI.replace("-q", "-v")).write("ci/new.yml", "new: 1\n");
    helpers.write("dirty.txt", "not to be touched").write("tool.sh", "edited\n");
    let before = (helpers.git(&["status", "--short"]), helpers.git(&["rev-parse", "HEAD"]));
    let planned = files(&sandbox, &repo, &["upstream", "pytest.ini", "--dry-run"]);
    planned.assert_code(0).stdout_contains("--- a/pytest.ini\n+++ b/pytest.ini\n").stdout_contains("+addopts = -v\n");
    assert_eq!(helpers.git(&["branch", "--list", "common-files/*"]), "");
    let done = files(&sandbox, &repo, &["upstream", "pytest.ini", "ci", "-m", "Louder\n\nWhy."]);
    done.assert_code(0).stderr_contains("git -C helpers push -u origin common-files/sample");
    assert_eq!(helpers.git(&["rev-parse", "common-files/sample"]), done.stdout.trim());
    assert_eq!(helpers.git(&["log", "-1", "--format=%B", "common-files/sample"]).trim(), "Louder\n\nWhy.");
    assert_eq!(helpers.git(&["show", "common-files/sample:ci/new.yml"]), "new: 1");
    assert_eq!(helpers.git(&["diff", "--name-only", "HEAD", "common-files/sample"]), "ci/new.yml\npytest.ini");
    assert_eq!((helpers.git(&["status", "--short"]), helpers.git(&["rev-parse", "HEAD"])), before);
    helpers.git(&["fsck", "--no-dangling"]);
    files(&sandbox, &repo, &["upstream", "pytest.ini"]).assert_code(0).stderr_contains("nothing to carry");

    repo.write("pytest.ini", INI.replace("-q", "-vv"));
    files(&sandbox, &repo, &["upstream", "pytest.ini"])
        .assert_code(5)
        .stderr_contains("already has another change of `pytest.ini`");
    files(&sandbox, &repo, &["upstream", "pytest.ini", "--branch", "main"])
        .assert_code(5)
        .stderr_contains("is checked out");
    files(&sandbox, &repo, &["upstream", "pytest.ini", "--branch", "a..b"]).assert_code(2);
    files(&sandbox, &repo, &["upstream", "README.md"])
        .assert_code(2)
        .stderr_contains("`README.md` is no common file here");
    files(&sandbox, &repo, &["upstream", "pytest.ini", "--branch", "other"]).assert_code(0);
    helpers.git(&["checkout", "--quiet", "--force", "other"]);
    files(&sandbox, &repo, &["sync", "pytest.ini"]).assert_code(0);
    assert_eq!(state(&sandbox, &repo, "pytest.ini"), "same");
    helpers.write("pytest.ini", "both\n").commit("both");
    repo.write("pytest.ini", "mine\n");
    files(&sandbox, &repo, &["upstream", "pytest.ini"]).assert_code(5).stderr_contains("changed at its owner too");
}

#[test]
fn track_and_detach_edit_the_file_and_leave_its_comments() {
    let sandbox = Sandbox::new();
    let (repo, _) = shared(
        &sandbox,
        "# ours\n[[files]]\nfrom = \"//helpers\" # the team's\npaths = [\n    \"tool.sh\", # a tool\n]\n",
    );
    repo.write("pytest.ini", INI).write("infra/ci/lint.yml", "lint: 1\n");
    let before = repo.read("wharf.toml");
    let planned = files(&sandbox, &repo, &["track", "pytest.ini", "--from", "helpers", "--dry-run"]);
    planned.assert_code(0).stdout_contains("--- a/wharf.toml\n+++ b/wharf.toml\n").stdout_contains("pytest.ini");
    assert_eq!(repo.read("wharf.toml"), before);
    files(&sandbox, &repo, &["track", "pytest.ini", "--from", "//helpers"]).assert_code(0);
    files(&sandbox, &repo, &["track", "infra/ci/lint.yml", "--from", "//helpers"]).assert_code(0);
    let text = repo.read("wharf.toml");
    for kept in ["# ours\n", "# the team's\n", "# a tool\n", "to = [\"infra\"]", "\"ci/lint.yml\""] {
        assert!(text.contains(kept), "{text}");
    }
    files(&sandbox, &repo, &["sync"]).assert_code(0);
    assert_eq!(state(&sandbox, &repo, "infra/ci/lint.yml"), "same");
    files(&sandbox, &repo, &["track", "pytest.ini", "--from", "//helpers"])
        .assert_code(2)
        .stderr_contains("is a common file already");
    files(&sandbox, &repo, &["track", "nowhere", "--from", "//helpers"]).assert_code(2);
    files(&sandbox, &repo, &["track", "wharf.toml", "--from", "//nobody"])
        .assert_code(2)
        .stderr_contains("owner `//nobody` is not here");

    files(&sandbox, &repo, &["detach", "pytest.ini"]).assert_code(0);
    assert_eq!(state(&sandbox, &repo, "pytest.ini"), "detached");
    assert!(repo.read("wharf.toml").contains("detached = [\"pytest.ini\"]"));
    assert!(!repo.read("wharf.files.lock").contains("pytest.ini"));
    repo.write("pytest.ini", "mine\n");
    files(&sandbox, &repo, &["sync"]).assert_code(0);
    assert_eq!(repo.read("pytest.ini"), "mine\n");
    files(&sandbox, &repo, &["status", "--check"]).assert_code(0).stderr_contains("1 detached");
    files(&sandbox, &repo, &["track", "pytest.ini", "--from", "//helpers"]).assert_code(0);
    assert_eq!(state(&sandbox, &repo, "pytest.ini"), "changed-both");
}

#[test]
fn links_are_relative_repaired_and_never_replace_an_edit() {
    let sandbox = Sandbox::new();
    let entry = "[[files]]\nfrom = \"//helpers/ci\"\npaths = \"lint.yml\"\nto = \"*/devops\"\nmode = \"link\"\n";
    let (repo, helpers) = shared(&sandbox, entry);
    fs_err::create_dir_all(repo.join("a/devops")).unwrap();
    files(&sandbox, &repo, &["sync"]).assert_code(0);
    let link = |path: &str| fs_err::read_link(repo.join(path)).unwrap();
    assert_eq!(link("a/devops/lint.yml"), Path::new("../../helpers/ci/lint.yml"));
    assert_eq!(state(&sandbox, &repo, "a/devops/lint.yml"), "link-ok");
    // A dir that moves deeper.
    fs_err::create_dir_all(repo.join("deep")).unwrap();
    fs_err::rename(repo.join("a"), repo.join("deep/a")).unwrap();
    let toml = repo.read("wharf.toml").replace("\"*/devops\"", "\"*/*/devops\"");
    repo.write("wharf.toml", toml);
    assert_eq!(state(&sandbox, &repo, "deep/a/devops/lint.yml"), "link-broken");
    files(&sandbox, &repo, &["sync"]).assert_code(0).stderr_contains("deep/a/devops/lint.yml: linked");
    assert_eq!(link("deep/a/devops/lint.yml"), Path::new("../../../helpers/ci/lint.yml"));
    assert_eq!(repo.read("deep/a/devops/lint.yml"), "lint: 1\n");

    fs_err::remove_file(repo.join("deep/a/devops/lint.yml")).unwrap();
    repo.write("deep/a/devops/lint.yml", "edited\n");
    assert_eq!(state(&sandbox, &repo, "deep/a/devops/lint.yml"), "link-replaced");
    files(&sandbox, &repo, &["sync"]).assert_code(5).stderr_contains("a file that differs from the owner's");
    assert_eq!(repo.read("deep/a/devops/lint.yml"), "edited\n");
    files(&sandbox, &repo, &["upstream", "deep"]).assert_code(0);
    repo.write("deep/a/devops/lint.yml", "lint: 1\n");
    files(&sandbox, &repo, &["sync"]).assert_code(0);
    assert!(repo.join("deep/a/devops/lint.yml").symlink_metadata().unwrap().is_symlink());
    files(&sandbox, &repo, &["detach", "deep/a/devops/lint.yml"]).assert_code(0);
    assert!(repo.join("deep/a/devops/lint.yml").symlink_metadata().unwrap().is_file());
    assert_eq!((repo.read("deep/a/devops/lint.yml").as_str(), is_clean(&helpers)), ("lint: 1\n", true));
}

#[test]
fn a_killed_sync_is_simply_run_again() {
    let sandbox = Sandbox::new();
    let (repo, helpers) = shared(&sandbox, "[[files]]\nfrom = \"//helpers\"\npaths = \"many/\"\n");
    for number in 0..400 {
        helpers.write(format!("many/{number:03}.txt"), format!("{number}\n").repeat(200));
    }
    helpers.commit("many");
    let running = wharf(&sandbox, &repo, &["sync"]).spawn();
    // As soon as there is a file, or all are there: wherever it is cut off, the next one ends right.
    let deadline = Instant::now() + Duration::from_secs(100);
    while !repo.join("many/000.txt").exists() && !repo.join("wharf.files.lock").exists() {
        assert!(Instant::now() < deadline, "{}", running.so_far().told());
        std::thread::yield_now();
    }
    running.signal(Signal::KILL);
    drop(running);
    repo.write("many/.wharf-files.left.tmp", "left by a killed sync");
    files(&sandbox, &repo, &["sync"]).assert_code(0);
    files(&sandbox, &repo, &["status", "--check"]).assert_code(0).stderr_contains("400 of 400 common files are equal");
    let names: Vec<_> = fs_err::read_dir(repo.join("many")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.len() == 400 || names.iter().any(|name| name == ".wharf-files.left.tmp"), "{names:?}");
    files(&sandbox, &repo, &["sync"]).assert_code(0).stderr_contains("nothing to do");
}
