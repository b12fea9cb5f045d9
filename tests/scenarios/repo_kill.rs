//! `wharf repo pull` and `push` that are killed midway, with the Git that they run: running them again ends right.
//!
//! Hooks do the killing, so that it always happens at the same point.

use wharf_testkit::Signal;

use super::repo::World;
use super::repo_move::hook;

/// Kills all that is between this script and `wharf`, and `wharf` first; only once.
const KILL: &str = "p=$PPID; all=
while [ \"$(cat /proc/$p/comm)\" != wharf ]; do
  all=\"$all $p\"; p=$(awk '{print $4}' /proc/$p/stat); [ \"$p\" -gt 1 ] || exit 1
done
rm -f \"$0\"; kill -9 $p $all";

const SAME: &str = "one\n\n\n\n\n\ntwo\n";

/// A workspace in which a pull moves the super-repo and `libs/a`, which has edits in the way.
fn pulling() -> (World, String, String) {
    let world = World::new(&["libs/a", "libs/b"]);
    world.sub_on_main("libs/a").write("a.txt", SAME.replace("one", "mine")).write("unknown.txt", "mine");
    let newer = world.they_push("libs/a", "a.txt", &SAME.replace("two", "theirs"));
    let whole = world.they_pin("libs/a", &newer);
    (world, whole, newer)
}

/// All came forward and the edits are where they were.
#[track_caller]
fn assert_pulled(world: &World, whole: &str, newer: &str) {
    let a = world.sub("libs/a");
    assert_eq!(world.mine.git(&["rev-parse", "HEAD"]), whole);
    assert_eq!(a.git(&["rev-parse", "HEAD"]), newer);
    assert_eq!(a.git(&["branch", "--show-current"]), "main");
    assert_eq!(a.read("a.txt"), SAME.replace("one", "mine").replace("two", "theirs"));
    assert_eq!(a.read("unknown.txt"), "mine");
    assert_eq!(a.git(&["stash", "list"]), "");
    world.assert_sound(&[]);
}

#[test]
fn killed_while_fetching() {
    let (world, whole, newer) = pulling();
    let script = world.sandbox.path().join("upload-pack");
    hook(&script, KILL);
    world.mine.git(&["config", "remote.origin.uploadpack", &script.to_string_lossy()]);
    world.repo(&["pull", "--jobs", "1"]).assert_signal(Signal::KILL);
    world.mine.git(&["config", "--unset", "remote.origin.uploadpack"]);
    world.repo(&["pull"]).assert_code(0);
    assert_pulled(&world, &whole, &newer);
}

#[test]
fn killed_after_the_super_repo() {
    let (world, whole, newer) = pulling();
    hook(&world.mine.join(".git/hooks/post-merge"), KILL);
    world.repo(&["pull", "--jobs", "1"]).assert_signal(Signal::KILL);
    assert_eq!(world.mine.git(&["rev-parse", "HEAD"]), whole);
    world.repo(&["pull"]).assert_code(0);
    assert_pulled(&world, &whole, &newer);
}

#[test]
fn killed_while_edits_are_put_aside() {
    let (world, whole, newer) = pulling();
    let at_stash = format!("[ \"$1\" = committed ] && grep -q refs/stash || exit 0\n{KILL}");
    hook(&world.mine.join(".git/modules/libs/a/hooks/reference-transaction"), &at_stash);
    world.repo(&["pull", "--jobs", "1"]).assert_signal(Signal::KILL);
    assert_eq!(world.sub("libs/a").git(&["stash", "list"]).lines().count(), 1);
    let lock = world.mine.join(".git/modules/libs/a/index.lock");
    if lock.exists() {
        fs_err::remove_file(lock).unwrap();
    }
    world.repo(&["pull"]).assert_code(0);
    assert_pulled(&world, &whole, &newer);
}

#[test]
fn killed_with_edits_put_aside() {
    let (world, whole, newer) = pulling();
    hook(&world.mine.join(".git/modules/libs/a/hooks/post-merge"), KILL);
    world.repo(&["pull", "--jobs", "1"]).assert_signal(Signal::KILL);
    let a = world.sub("libs/a");
    assert_eq!(a.read("a.txt"), SAME.replace("two", "theirs"), "the edits are in the stash");
    let told = a.git(&["stash", "list", "--format=%gs"]);
    assert_eq!(told, "On main: wharf autostash");
    world.repo(&["pull"]).assert_code(0);
    assert_pulled(&world, &whole, &newer);
}

#[test]
fn killed_while_cloning() {
    let world = World::new(&["libs/a"]);
    super::repo::seed(&world.sandbox, "new");
    let whole = world.theirs("whole");
    whole.add_submodule(&world.remote("new"), "new");
    whole.commit("whole: add new");
    whole.push_to(&world.remote("whole"));
    let script = world.sandbox.path().join("connect");
    hook(&script, KILL);
    let config = world.sandbox.home().join(".gitconfig");
    let before = fs_err::read_to_string(&config).unwrap();
    let url = format!("[url \"ext::{} \"]\n\tinsteadOf = {}\n", script.display(), world.remote("new").url());
    fs_err::write(&config, format!("{before}[protocol \"ext\"]\n\tallow = always\n{url}")).unwrap();
    world.repo(&["pull", "--jobs", "1"]).assert_signal(Signal::KILL);
    fs_err::write(&config, before).unwrap();
    assert!(world.mine.join(".git/modules/new/HEAD").exists(), "something was left behind");
    world.repo(&["status"]).assert_code(0).stdout_contains("new  -  -  -").stdout_contains("not populated");
    world.repo(&["pull"]).assert_code(0).stdout_contains("new  done  populated at");
    assert_eq!(world.sub("new").read("a.txt"), SAME);
    world.assert_sound(&[]);
}

#[test]
fn killed_while_populating() {
    let world = World::new(&["libs/a"]);
    super::repo::seed(&world.sandbox, "new");
    let whole = world.theirs("whole");
    whole.add_submodule(&world.remote("new"), "new");
    let newest = whole.commit("whole: add new");
    whole.push_to(&world.remote("whole"));
    let template = world.sandbox.home().join("template/hooks/post-checkout");
    hook(&template, KILL);
    let template_dir = world.sandbox.home().join("template");
    let killed = world.command(&["pull", "--jobs", "1"]).env("GIT_TEMPLATE_DIR", template_dir).run();
    killed.assert_signal(Signal::KILL);
    world.repo(&["pull"]).assert_code(0);
    assert_eq!(world.mine.git(&["rev-parse", "HEAD"]), newest);
    assert_eq!(world.sub("new").git(&["status", "--short"]), "");
    assert_eq!(world.sub("new").read("a.txt"), SAME);
    world.assert_sound(&[]);
}

/// A workspace with something to push in `libs/a` and the super-repo.
fn pushing() -> (World, String, String) {
    let world = World::new(&["libs/a", "libs/b"]);
    let mine = world.sub_on_main("libs/a").write("b.txt", "b").commit("a: mine");
    let whole = world.mine.commit("whole: pin a");
    (world, whole, mine)
}

#[track_caller]
fn assert_pushed(world: &World, whole: &str, mine: &str) {
    world.repo(&["push"]).assert_code(0);
    assert_eq!(world.at_remote("libs/a", "main"), mine);
    assert_eq!(world.at_remote("whole", "main"), whole);
    world.repo(&["status", "--check"]).assert_code(0);
    world.remote("whole").git(&["fsck", "--no-progress"]);
    world.remote("libs/a").git(&["fsck", "--no-progress"]);
    world.assert_sound(&[("libs/a", mine), (".", whole)]);
}

#[test]
fn killed_before_the_super_repo_is_pushed() {
    let (world, whole, mine) = pushing();
    hook(&world.mine.join(".git/hooks/pre-push"), KILL);
    world.repo(&["push", "--jobs", "1"]).assert_signal(Signal::KILL);
    assert_eq!(world.at_remote("libs/a", "main"), mine);
    assert_ne!(world.at_remote("whole", "main"), whole);
    assert_pushed(&world, &whole, &mine);
}

#[test]
fn killed_when_the_remote_has_it_already() {
    let (world, whole, mine) = pushing();
    // The remote has taken the commits, but has not said so yet.
    hook(&world.remote("libs/a").join("hooks/post-receive"), KILL);
    world.repo(&["push", "--jobs", "1"]).assert_signal(Signal::KILL);
    assert_eq!(world.at_remote("libs/a", "main"), mine);
    assert_pushed(&world, &whole, &mine);
}
