//! `wharf repo worktree`: further work trees of the super-repo with all sub-repos, here and in containers.

use std::path::Path;

use wharf_testkit::{EngineKind, GitServer, Repo, base_image, require};

use crate::clone::Fleet;

fn server_and_clone(fleet: &Fleet) -> (GitServer, std::path::PathBuf) {
    let server = GitServer::daemon(&fleet.remotes);
    fleet.wharf().args(["clone", &server.url("harbor.git")]).run().assert_code(0);
    (server, fleet.sandbox.path().join("harbor"))
}

fn check(root: &Path) {
    let repo = Repo::open(root);
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
    repo.git(&["submodule", "--quiet", "foreach", "--recursive", "git fsck --strict"]);
    let status = repo.git(&["submodule", "status", "--recursive"]);
    assert_eq!(status.lines().count(), 12, "{status}");
    assert!(status.lines().all(|line| !line.starts_with(['-', '+', 'U'])), "{status}");
}

#[test]
fn a_worktree_has_all_sub_repos_without_fetching() {
    let fleet = Fleet::new();
    let (server, root) = server_and_clone(&fleet);
    // From here on no remote answers: all comes from here.
    drop(server);
    let run = |words: &[&str]| fleet.wharf().cwd(&root).args(["repo", "worktree"]).args(words).run();
    let plan = run(&["add", "../fix", "--dry-run"]);
    plan.assert_code(0).stdout_contains("worktree add -b fix");
    assert!(!fleet.sandbox.path().join("fix").exists());
    run(&["add", "../fix"]).assert_code(0).stderr_contains("on branch `fix`");
    let fix = fleet.sandbox.path().join("fix");
    check(&fix);
    check(&root);
    run(&["add", "../fix"]).assert_code(0);
    assert_eq!(Repo::open(fix.join("libs/s01/nested/n1")).read("n.txt"), "n1");
    let rows = run(&["list", "--json"]).json();
    assert_eq!((rows[1]["branch"].as_str(), rows[1]["ready"].as_u64()), (Some("fix"), Some(12)));
    assert_eq!((rows[0]["here"].as_bool(), rows[1]["here"].as_bool()), (Some(true), Some(false)));
    run(&["list"]).assert_code(0).stdout_contains("12 of 12");
    // A commit in one is there in the other, and garbage collection takes nothing that the other needs.
    let mine = Repo::open(fix.join("libs/s05"));
    mine.write("new.txt", "new");
    let commit = mine.commit("mine");
    let other = Repo::open(root.join("libs/s05"));
    other.git(&["gc", "--quiet", "--prune=now"]);
    assert_eq!(other.git(&["cat-file", "-t", &commit]), "commit");
    let here = run(&["remove", "../fix"]);
    here.assert_code(5).stderr_contains("`libs/s05` has 1 commit that is nowhere else");
    other.git(&["branch", "kept", &commit]);
    mine.git(&["checkout", "--quiet", "HEAD~"]);
    std::fs::write(fix.join("infra/x.txt"), "").unwrap();
    run(&["remove", "../fix"]).assert_code(5).stderr_contains("1 untracked file");
    std::fs::remove_file(fix.join("infra/x.txt")).unwrap();
    run(&["remove", "."]).assert_code(5).stderr_contains("is the main work tree");
    run(&["remove", "../nowhere"]).assert_code(2);
    run(&["remove", "../fix", "--dry-run"]).assert_code(0).stdout_contains("worktree remove --force");
    run(&["remove", "../fix"]).assert_code(0);
    assert!(!fix.exists());
    assert_eq!(run(&["list", "--json"]).json().as_array().map(Vec::len), Some(1));
    assert_eq!(other.git(&["worktree", "list"]).lines().count(), 1, "nothing of it is left in a sub-repo");
    check(&root);
}

#[test]
fn a_worktree_is_refused_where_it_would_be_in_the_way() {
    let fleet = Fleet::new();
    let (_server, root) = server_and_clone(&fleet);
    let run = |words: &[&str]| fleet.wharf().cwd(&root).args(["repo", "worktree", "add"]).args(words).run();
    run(&["inside"]).assert_code(5).stderr_contains("lies inside the work tree");
    run(&["../x", "-bad"]).assert_code(2);
    run(&["../x", "main"]).assert_code(1).stderr_contains("already");
    std::fs::create_dir(fleet.sandbox.path().join("full")).unwrap();
    std::fs::write(fleet.sandbox.path().join("full/mine"), "").unwrap();
    run(&["../full"]).assert_code(5).stderr_contains("is not empty");
}

#[test]
fn what_is_not_here_is_fetched_for_a_worktree() {
    let fleet = Fleet::new();
    let server = GitServer::daemon(&fleet.remotes);
    let clone = fleet.sandbox.command("git").args(["clone", "--quiet", &server.url("harbor.git")]).run();
    clone.assert_code(0);
    let root = fleet.sandbox.path().join("harbor");
    fleet.wharf().cwd(&root).args(["repo", "worktree", "add", "../fix"]).run().assert_code(0);
    check(&fleet.sandbox.path().join("fix"));
    // What was fetched for the worktree serves the main work tree too.
    drop(server);
    Repo::open(&root).git(&["submodule", "--quiet", "update", "--init", "--recursive"]);
    check(&root);
    check(&fleet.sandbox.path().join("fix"));
}

#[test]
fn git_works_in_a_worktrees_container_in_sub_repos_too() {
    require(EngineKind::Docker);
    let fleet = Fleet::new();
    let (_server, root) = server_and_clone(&fleet);
    let text = format!("[workspace]\nname = \"harbor\"\n\n[image]\nbase = \"{}\"\n", base_image());
    let repo = Repo::open(&root);
    repo.write("wharf.toml", text);
    repo.commit("base");
    fleet.wharf().cwd(&root).args(["repo", "worktree", "add", "../fix"]).run().assert_code(0);
    let fix = fleet.sandbox.path().join("fix");
    let script = "for dir in . libs/s04 libs/s01/nested/n1; do
        git -c safe.directory='*' -C /src/harbor/$dir status --short --branch && git -c safe.directory='*' -C /src/harbor/$dir log -1 --format=%s
    done; git -c safe.directory='*' -C /src/harbor submodule status --recursive | grep -c '^ '";
    let output = fleet.wharf().cwd(&fix).args(["--engine", "docker", "run", "infra", "--", "sh", "-c", script]).run();
    output.assert_code(0);
    assert_eq!(
        output.stdout,
        "## fix\nbase\n## HEAD (no branch)\ndev\n## HEAD (no branch)\nn1: first\n12\n",
        "{}",
        output.told()
    );
    let ls = fleet.wharf().cwd(&fix).args(["ls", "--json"]).run().json();
    assert_eq!(ls[0]["path"], "infra");
}
