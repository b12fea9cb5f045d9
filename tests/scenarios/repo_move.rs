//! `wharf repo pull` and `push`: each way forward, and each reason to leave a repo alone.

use wharf_testkit::Repo;

use super::repo::{World, row};

const SAME: &str = "one\n\n\n\n\n\ntwo\n";

#[test]
fn pull_goes_to_the_pins() {
    let world = World::new(&["libs/on-main", "libs/detached", "libs/gone"]);
    let main = world.sub_on_main("libs/on-main");
    let detached = world.sub("libs/detached");
    let first = world.they_push("libs/on-main", "b.txt", "b");
    let second = world.they_push("libs/detached", "b.txt", "b");
    world.they_pin("libs/on-main", &first);
    world.they_pin("libs/detached", &second);
    let whole = world.theirs("whole");
    super::repo::seed(&world.sandbox, "new");
    whole.add_submodule(&world.remote("new"), "new");
    whole.git(&["rm", "--quiet", "libs/gone"]);
    whole.commit("whole: add one, remove one");
    let newest = world.they_push("whole", "readme.txt", "x");

    let before = world.mine.git(&["rev-parse", "HEAD"]);
    let output = world.repo(&["pull", "--dry-run"]);
    output.assert_code(0).stderr_contains("from what was fetched before").stdout_contains("main: up to date");
    world.mine.git(&["fetch", "--quiet", "--no-recurse-submodules"]);
    world.repo(&["pull", "--dry-run"]).assert_code(0).stdout_contains("git merge --ff-only");
    assert_eq!(world.mine.git(&["rev-parse", "HEAD"]), before);

    let output = world.repo(&["pull"]);
    output.assert_code(0).stdout_contains("new  done  populated at");
    output.stderr_contains(
        "`libs/gone` is no sub-repo any more; all of it is pushed, so `rm -r libs/gone` loses nothing",
    );
    assert!(world.mine.join("libs/gone/a.txt").is_file(), "nothing is deleted");
    assert_eq!(world.mine.git(&["rev-parse", "HEAD"]), newest);
    assert_eq!((main.git(&["rev-parse", "HEAD"]), detached.git(&["rev-parse", "HEAD"])), (first, second));
    assert_eq!(main.git(&["branch", "--show-current"]), "main", "it stays on its branch");
    world.sub("libs/gone").write("mine.txt", "");
    let output = world.repo(&["pull", "--json"]);
    output.assert_code(0).stderr_lacks("loses nothing");
    let rows = output.json();
    assert_eq!(row(&rows, "libs/on-main")["message"], "main: at its pin");
    let notes = row(&rows, ".")["notes"].to_string();
    assert!(notes.contains("has edits or unpushed commits: save these"), "{notes}");
    world.assert_sound(&[]);
}

#[test]
fn pull_latest_goes_to_the_branches_and_leaves_pins_to_the_user() {
    let world = World::new(&["libs/a", "libs/b", "libs/c"]);
    let (a, b) = (world.sub_on_main("libs/a"), world.sub("libs/b"));
    let new_a = world.they_push("libs/a", "b.txt", "b");
    let new_b = world.they_push("libs/b", "b.txt", "b");
    let theirs = world.theirs("libs/c");
    theirs.git(&["switch", "--quiet", "--create", "stable"]);
    let new_c = world.they_push("libs/c", "c.txt", "c");
    let whole = world.theirs("whole");
    whole.git(&["config", "--file", ".gitmodules", "submodule.libs/c.branch", "stable"]);
    whole.commit("whole: follow stable");
    whole.push_to(&world.remote("whole"));
    world.repo(&["pull", "--latest"]).assert_code(0).stdout_contains("libs/b  done  main");
    for (repo, commit, branch) in [(&a, &new_a, "main"), (&b, &new_b, "main"), (&world.sub("libs/c"), &new_c, "stable")]
    {
        assert_eq!(repo.git(&["rev-parse", "HEAD"]), *commit);
        assert_eq!(repo.git(&["branch", "--show-current"]), branch);
    }
    assert_eq!(world.mine.git(&["log", "origin/main..HEAD"]), "", "pins are not committed");
    let rows = world.repo(&["status", "--json"]).json();
    assert_eq!(row(&rows, "libs/a")["pin"]["ahead"], 1);
    world.repo(&["pull", "--latest"]).assert_code(0).stdout_lacks("done");
    world.repo(&["pin"]).assert_code(0).stdout_contains("pinned libs/a");
    world.repo(&["push"]).assert_code(0).stdout_contains("main -> origin/main (1 commits)");
    assert_eq!(world.at_remote("whole", "main"), world.mine.git(&["rev-parse", "HEAD"]));
}

#[test]
fn edits_are_put_aside_and_back() {
    let world = World::new(&["libs/a", "libs/b", "libs/c"]);
    let (a, b, c) = (world.sub_on_main("libs/a"), world.sub_on_main("libs/b"), world.sub_on_main("libs/c"));
    for part in ["libs/a", "libs/b", "libs/c"] {
        let newer = world.they_push(part, "a.txt", &SAME.replace("two", "theirs"));
        world.they_push(part, "new.txt", "theirs");
        world.they_pin(part, &newer);
    }
    // Far from theirs; on the same line; staged beside it and unknown.
    a.write("a.txt", SAME.replace("one", "mine"));
    b.write("a.txt", SAME.replace("two", "mine"));
    c.write("own.txt", "mine").git(&["add", "own.txt"]);
    c.write("unknown.txt", "mine");
    let output = world.repo(&["pull", "--no-autostash"]);
    output.assert_code(5).stderr_contains("libs/a: 1 file would be overwritten: `a.txt`").stderr_lacks("libs/c:");
    assert_eq!(a.read("a.txt"), SAME.replace("one", "mine"));
    let output = world.repo(&["pull"]);
    output.assert_code(0).stderr_contains("libs/b: edits stay in the stash: they conflict with what came");
    output.stderr_contains("`git -C libs/b stash pop`");
    assert_eq!(a.read("a.txt"), SAME.replace("one", "mine").replace("two", "theirs"));
    assert_eq!(a.git(&["stash", "list"]), "");
    assert_eq!(b.read("a.txt"), SAME.replace("two", "theirs"), "the work tree is left clean");
    assert!(b.git(&["show", "stash@{0}:a.txt"]).contains("mine"));
    assert_eq!((c.read("own.txt"), c.read("unknown.txt")), ("mine".into(), "mine".into()));
    assert_eq!(c.git(&["diff", "--cached", "--name-only"]), "own.txt");
    world.repo(&["pull"]).assert_code(0).stderr_lacks("stash");
    assert_eq!(b.git(&["stash", "list"]).lines().count(), 1, "it is not tried again");
    world.assert_sound(&[]);
}

#[test]
fn unknown_files_are_never_overwritten() {
    let world = World::new(&["libs/a"]);
    let a = world.sub_on_main("libs/a");
    a.write("new.txt", "mine").write(".git-ignored", "");
    let newer = world.they_push("libs/a", "new.txt", "theirs");
    world.they_pin("libs/a", &newer);
    let output = world.repo(&["pull"]);
    output.assert_code(5).stderr_contains("libs/a: 1 file would be overwritten: `new.txt`").stdout_contains(".  done");
    assert_eq!(a.read("new.txt"), "mine");
    // Ignored files are no exception.
    fs_err::write(world.mine.join(".git/modules/libs/a/info/exclude"), "new.txt\n").unwrap();
    world.repo(&["pull"]).assert_code(1).stderr_contains("libs/a: ").stderr_contains("new.txt");
    assert_eq!(a.read("new.txt"), "mine");
    fs_err::remove_file(a.join("new.txt")).unwrap();
    world.repo(&["pull"]).assert_code(0);
    assert_eq!(a.read("new.txt"), "theirs");
}

#[test]
fn what_would_be_lost_stays_and_others_go_on() {
    let parts = ["libs/ahead", "libs/beside", "libs/unnamed", "libs/merging", "libs/fine", "libs/missing"];
    let world = World::new(&parts);
    let ahead = world.sub_on_main("libs/ahead").write("m.txt", "m").commit("ahead: mine");
    let beside = world.sub_on_main("libs/beside").write("m.txt", "m").commit("beside: mine");
    let unnamed = world.sub("libs/unnamed").write("m.txt", "m").commit("unnamed: mine");
    for part in ["libs/beside", "libs/unnamed", "libs/merging", "libs/fine"] {
        let newer = world.they_push(part, "b.txt", "b");
        world.they_pin(part, &newer);
    }
    let merging = world.sub_on_main("libs/merging");
    merging.git(&["switch", "--quiet", "--create", "side"]);
    let side = merging.write("s.txt", "s").commit("merging: side");
    merging.git(&["switch", "--quiet", "main"]);
    merging.git(&["merge", "--quiet", "--no-commit", "--no-ff", "side"]);
    // A pin that was never pushed.
    let whole = world.theirs("whole");
    let lost = Repo::open(whole.join("libs/missing")).write("b.txt", "b").commit("missing: not pushed");
    whole.commit("whole: pin what is not pushed");
    whole.push_to(&world.remote("whole"));

    let output = world.repo(&["pull"]);
    output.assert_code(5).stderr_contains("`pull` left 4 of 7 repos alone");
    output.stdout_contains("libs/ahead  same  main: stays 1 ahead of its pin, with unpushed commits");
    output.stderr_contains("libs/beside: `main` has 1 unpushed commit, and the pin ");
    output.stderr_contains("libs/unnamed: the head is detached, and 1 commit would be lost that no branch has");
    output.stderr_contains("give them a branch with `wharf repo branch NAME libs/unnamed`");
    output.stderr_contains("libs/merging: a merge is under way").stderr_contains("`git -C libs/merging merge --abort`");
    output.stderr_contains(&format!("libs/missing: its pin {} is neither here nor at its remote", &lost[..9]));
    output.stdout_contains("libs/fine  done");
    assert_eq!(world.sub("libs/unnamed").git(&["rev-parse", "HEAD"]), unnamed);
    world.assert_sound(&[
        ("libs/ahead", &ahead),
        ("libs/beside", &beside),
        ("libs/unnamed", &unnamed),
        ("libs/merging", &side),
    ]);
}

#[test]
fn a_diverged_super_repo_is_refused_or_rebased() {
    let world = World::new(&["one"]);
    let mine = world.mine.write("mine.txt", "mine").commit("whole: mine");
    let theirs = world.they_push("whole", "theirs.txt", "theirs");
    let output = world.repo(&["pull"]);
    output.assert_code(5).stderr_contains(".: `main` and `origin/main` have diverged: 1 here, 1 there");
    output.stderr_contains("wharf repo pull --rebase .").stdout_contains("one  same");
    assert_eq!(world.mine.git(&["rev-parse", "HEAD"]), mine);
    world.mine.write("a.txt", "edited\n");
    world.repo(&["pull", "--rebase"]).assert_code(0);
    assert_eq!(world.mine.git(&["rev-parse", "HEAD~1"]), theirs);
    assert_eq!((world.mine.read("mine.txt"), world.mine.read("a.txt")), ("mine".into(), "edited\n".into()));
    assert_eq!(world.mine.git(&["stash", "list"]), "");

    world.mine.commit("whole: edit");
    world.they_push("whole", "a.txt", "theirs\n");
    let head = world.mine.git(&["rev-parse", "HEAD"]);
    let output = world.repo(&["pull", "--rebase"]);
    output.assert_code(5).stderr_contains(".: the commits of `main` conflict with `origin/main`");
    assert_eq!(world.mine.git(&["rev-parse", "HEAD"]), head);
    assert_eq!(world.mine.git(&["status", "--short"]), "");
    // Their history is rewritten: what was pushed before is not there any more.
    let seed = world.theirs("whole");
    seed.git(&["reset", "--quiet", "--hard", "HEAD~2"]);
    seed.write("other.txt", "").commit("whole: rewritten");
    seed.git(&["push", "--quiet", "--force", "origin", "main"]);
    world.repo(&["pull"]).assert_code(5).stderr_contains("have diverged");
    world.assert_sound(&[(".", &head)]);
}

#[test]
fn push_goes_inside_out() {
    let world = World::new(&["libs/a", "libs/b", "libs/c"]);
    let a = world.sub_on_main("libs/a");
    let mine = a.write("b.txt", "b").commit("a: mine");
    world.sub_on_main("libs/b");
    world.mine.commit("whole: pin a");
    let whole_before = world.at_remote("whole", "main");

    let output = world.repo(&["push", "."]);
    output.assert_code(5).stderr_contains(".: it pins `libs/a` at ").stderr_contains("`wharf repo push libs/a`");
    assert_eq!(world.at_remote("whole", "main"), whole_before);
    let output = world.repo(&["push", "--dry-run"]);
    assert_eq!(
        output.assert_code(0).stdout,
        "git push --quiet --no-recurse-submodules origin refs/heads/main\n\
         git -C libs/a push --quiet --no-recurse-submodules origin refs/heads/main\n"
    );
    assert_eq!(world.at_remote("whole", "main"), whole_before);
    let output = world.repo(&["push", "--json"]);
    assert_eq!(row(&output.assert_code(0).json(), "libs/b")["outcome"], "same");
    assert_eq!(world.at_remote("libs/a", "main"), mine);
    assert_eq!(world.at_remote("whole", "main"), world.mine.git(&["rev-parse", "HEAD"]));
    world.repo(&["push"]).assert_code(0).stdout_lacks("done");

    let c = world.sub("libs/c");
    world.repo(&["branch", "topic", "libs/c"]).assert_code(0);
    let topic = c.write("t.txt", "t").commit("c: topic");
    world.mine.commit("whole: topic");
    world
        .repo(&["push"])
        .assert_code(0)
        .stdout_contains("topic -> origin/topic, new there")
        .stdout_lacks("libs/a  done");
    assert_eq!(world.at_remote("libs/c", "topic"), topic);
    assert_eq!(c.git(&["rev-parse", "--abbrev-ref", "@{upstream}"]), "origin/topic");
    assert_eq!(world.at_remote("whole", "topic"), world.mine.git(&["rev-parse", "HEAD"]));
    world.assert_sound(&[]);
}

#[test]
fn what_may_not_be_pushed() {
    let world = World::new(&["libs/diverged", "libs/unnamed", "libs/refusing", "libs/fine"]);
    let diverged = world.sub_on_main("libs/diverged").write("m.txt", "m").commit("diverged: mine");
    world.they_push("libs/diverged", "b.txt", "b");
    let unnamed = world.sub("libs/unnamed").write("m.txt", "m").commit("unnamed: mine");
    let refusing = world.sub_on_main("libs/refusing").write("m.txt", "m").commit("refusing: mine");
    hook(&world.remote("libs/refusing").join("hooks/pre-receive"), "echo not today >&2; exit 1");
    let fine = world.sub_on_main("libs/fine").write("m.txt", "m").commit("fine: mine");
    world.mine.commit("whole: pin all");
    let before = world.at_remote("libs/diverged", "main");
    let output = world.repo(&["push"]);
    output.assert_code(1).stderr_contains("libs/refusing: remote: not today").stdout_contains("libs/fine  done");
    output
        .stderr_contains("and left 3 alone")
        .stderr_contains("libs/diverged: `main` and `origin/main` have diverged: 1 here, 1 there");
    output
        .stderr_contains("libs/unnamed: the head is detached: 1 unpushed commit can go to no branch")
        .stderr_contains(".: it pins `libs/");
    assert_eq!(world.at_remote("libs/diverged", "main"), before, "never by force");
    assert_eq!(world.at_remote("libs/fine", "main"), fine);
    fs_err::remove_file(world.remote("libs/refusing").join("hooks/pre-receive")).unwrap();
    let output = world.repo(&["push"]);
    output.assert_code(5).stdout_contains("libs/refusing  done");
    // The user's own hooks have their say.
    let sub = world.sub("libs/fine");
    sub.write("n.txt", "n").commit("fine: again");
    hook(&world.mine.join(".git/modules/libs/fine/hooks/pre-push"), "echo tests fail >&2; exit 1");
    world.repo(&["push", "libs/fine"]).assert_code(1).stderr_contains("tests fail");
    assert_eq!(world.at_remote("libs/fine", "main"), fine);
    world.assert_sound(&[("libs/diverged", &diverged), ("libs/unnamed", &unnamed), ("libs/refusing", &refusing)]);
}

#[test]
fn a_remote_that_is_gone_stops_only_its_own_repo() {
    let world = World::new(&["libs/a", "libs/b"]);
    let newer = world.they_push("libs/b", "b.txt", "b");
    world.they_pin("libs/b", &newer);
    fs_err::remove_dir_all(world.remote("libs/a").path()).unwrap();
    let output = world.repo(&["pull"]);
    output.assert_code(0).stdout_contains("libs/a  same  detached: at its pin").stdout_contains("libs/b  done");
    let output = world.repo(&["pull", "--latest"]);
    output.assert_code(1).stderr_contains("libs/a: could not be fetched: fatal: ").stdout_contains("libs/b  done");
    let mine = world.sub_on_main("libs/a").write("m.txt", "m").commit("a: mine");
    world.repo(&["push", "libs/a"]).assert_code(1).stderr_contains("libs/a: could not be fetched");
    assert_eq!(world.sub("libs/a").git(&["rev-parse", "HEAD"]), mine);
}

#[test]
fn nested_repos_move_pin_and_push_as_one() {
    let world = World::new(&["libs/outer"]);
    super::repo::seed(&world.sandbox, "inner");
    let outer = world.theirs("libs/outer");
    outer.add_submodule(&world.remote("inner"), "in");
    let nested = outer.commit("outer: nest");
    outer.push_to(&world.remote("libs/outer"));
    world.they_pin("libs/outer", &nested);
    world.repo(&["pull"]).assert_code(0).stdout_contains("libs/outer/in  done  populated at");

    world.repo(&["branch", "topic", "libs/outer/in"]).assert_code(0);
    let inner = world.sub("libs/outer/in").write("b.txt", "b").commit("inner: mine");
    let output = world.repo(&["pin", "--unpushed"]);
    output
        .assert_code(0)
        .stdout_contains("libs/outer  done  pinned in ")
        .stdout_contains(".  done  pinned libs/outer ");
    let output = world.repo(&["push"]);
    output.assert_code(0).stdout_contains("libs/outer/in  done  topic -> origin/topic, new there");
    assert_eq!(world.at_remote("inner", "topic"), inner);
    let outer = world.sub("libs/outer").git(&["rev-parse", "HEAD"]);
    assert_eq!(world.at_remote("libs/outer", "topic"), outer);
    assert_eq!(world.at_remote("whole", "topic"), world.mine.git(&["rev-parse", "HEAD"]));
    world.repo(&["status", "--check"]).assert_code(0);
    world.repo(&["switch", "main"]).assert_code(0);
    let first = world.sub("libs/outer/in").git(&["rev-parse", "main"]);
    assert_eq!(world.sub("libs/outer/in").git(&["rev-parse", "HEAD"]), first);
    world.repo(&["switch", "topic"]).assert_code(0);
    assert_eq!(world.sub("libs/outer/in").git(&["rev-parse", "HEAD"]), inner);
    world.assert_sound(&[("libs/outer", &outer)]);
}

#[test]
fn worktrees_do_not_take_each_others_edits() {
    let world = World::new(&["one"]);
    let other = world.sandbox.path().join("other");
    world.mine.git(&["worktree", "add", "--quiet", "-b", "side", &other.to_string_lossy()]);
    let side = Repo::open(&other);
    side.git(&["branch", "--quiet", "--set-upstream-to", "origin/main"]);
    // As a killed run in the one worktree would leave it.
    world.mine.write("a.txt", "mine\n").git(&["stash", "push", "--quiet", "--message", "wharf autostash"]);
    let newest = world.they_push("whole", "b.txt", "b");
    let output = world.command(&["pull"]).cwd(&other).run();
    output.assert_code(0).stdout_contains("populated at");
    assert_eq!(side.git(&["rev-parse", "HEAD"]), newest);
    assert_eq!(side.git(&["status", "--short"]), "", "the edits are not this worktree's");
    assert_eq!(side.read("one/a.txt"), SAME);
    world.repo(&["pull"]).assert_code(0);
    assert_eq!((world.mine.read("a.txt"), world.mine.git(&["rev-parse", "HEAD"])), ("mine\n".into(), newest));
    assert_eq!(world.mine.git(&["stash", "list"]), "");
}

/// A hook, or another script that Git starts.
pub(crate) fn hook(path: &std::path::Path, script: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}
