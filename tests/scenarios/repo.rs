//! `wharf repo`: the state of all repos, and the commands that change many at once. Pull and push are in `repo_move.rs`.

use std::path::Path;

use serde_json::Value;
use wharf_core::workspace::{Lock, Patience};
use wharf_testkit::{Output, Repo, Sandbox, WharfCommand};

/// A super-repo with its remotes, and one's own clone of it.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    /// One's own clone.
    pub(crate) mine: Repo,
}

impl World {
    /// A super-repo with these sub-repos, all populated, heads detached at their pins.
    #[track_caller]
    pub(crate) fn new(parts: &[&str]) -> Self {
        let sandbox = Sandbox::new();
        let whole = seed(&sandbox, "whole");
        for part in parts {
            seed(&sandbox, &flat(part));
            whole.add_submodule(&remote(&sandbox, &flat(part)), part);
        }
        whole.commit("whole: add parts");
        whole.push_to(&remote(&sandbox, "whole"));
        let mine = remote(&sandbox, "whole").clone_to(sandbox.path().join("mine"));
        Self { sandbox, mine }
    }

    /// `wharf repo` with these words, in one's own clone. Two blanks stand between the columns of a table.
    pub(crate) fn repo(&self, words: &[&str]) -> Output {
        let mut output = self.command(words).run();
        while output.stdout.contains("   ") {
            output.stdout = output.stdout.replace("   ", "  ");
        }
        output
    }

    pub(crate) fn command(&self, words: &[&str]) -> WharfCommand {
        self.sandbox.command(env!("CARGO_BIN_EXE_wharf")).arg("repo").args(words).cwd(self.mine.path())
    }

    /// One's own sub-repo.
    pub(crate) fn sub(&self, part: &str) -> Repo {
        Repo::open(self.mine.join(part))
    }

    /// One's own sub-repo, on its branch `main`.
    pub(crate) fn sub_on_main(&self, part: &str) -> Repo {
        let sub = self.sub(part);
        sub.git(&["switch", "--quiet", "main"]);
        sub
    }

    /// Where colleagues work on a repo.
    pub(crate) fn theirs(&self, part: &str) -> Repo {
        Repo::open(self.sandbox.path().join("seeds").join(flat(part)))
    }

    /// Colleagues commit a file and push it; gives the commit.
    #[track_caller]
    pub(crate) fn they_push(&self, part: &str, file: &str, content: &str) -> String {
        let seed = self.theirs(part);
        let commit = seed.write(file, content).commit(&format!("{part}: {file}"));
        seed.push_to(&self.remote(part));
        commit
    }

    /// Colleagues pin this commit of a sub-repo, and push that.
    #[track_caller]
    pub(crate) fn they_pin(&self, part: &str, commit: &str) -> String {
        let whole = self.theirs("whole");
        let sub = Repo::open(whole.join(part));
        sub.git(&["fetch", "--quiet", "origin"]);
        sub.git(&["checkout", "--quiet", commit]);
        whole.git(&["add", part]);
        let pinned = whole.commit(&format!("whole: pin {part}"));
        whole.push_to(&self.remote("whole"));
        pinned
    }

    pub(crate) fn remote(&self, part: &str) -> Repo {
        remote(&self.sandbox, &flat(part))
    }

    /// The head of a remote's branch.
    #[track_caller]
    pub(crate) fn at_remote(&self, part: &str, branch: &str) -> String {
        self.remote(part).git(&["rev-parse", &format!("refs/heads/{branch}")])
    }

    /// Fails unless all repos are sound, and these commits are reachable from a name or the head.
    #[track_caller]
    pub(crate) fn assert_sound(&self, kept: &[(&str, &str)]) {
        let mut repos = vec![".".to_owned()];
        let listed = self.mine.git(&["submodule", "--quiet", "foreach", "--recursive", "echo $displaypath"]);
        repos.extend(listed.lines().map(str::to_owned));
        for path in repos {
            self.sub(&path).git(&["fsck", "--no-dangling", "--no-progress"]);
        }
        for (path, commit) in kept {
            let known = self.sub(path).git(&["rev-list", "--all", "HEAD"]);
            assert!(known.lines().any(|known| known == *commit), "`{path}` lost {commit}");
        }
    }
}

fn flat(part: &str) -> String {
    part.replace('/', "-")
}

fn remote(sandbox: &Sandbox, name: &str) -> Repo {
    Repo::open(sandbox.path().join("remotes").join(format!("{name}.git")))
}

/// A repo with one commit, at its bare remote.
pub(crate) fn seed(sandbox: &Sandbox, name: &str) -> Repo {
    let remote = Repo::bare_remote(remote(sandbox, name).path());
    let seed = Repo::init(sandbox.path().join("seeds").join(name));
    // Two lines far apart merge; edits of one line conflict.
    seed.write("a.txt", "one\n\n\n\n\n\ntwo\n").commit(&format!("{name}: first"));
    seed.push_to(&remote);
    seed
}

/// The row of one repo.
#[track_caller]
pub(crate) fn row<'a>(rows: &'a Value, path: &str) -> &'a Value {
    let found = rows.as_array().and_then(|rows| rows.iter().find(|row| row["path"] == path));
    found.unwrap_or_else(|| panic!("no row `{path}` in {rows:#}"))
}

#[test]
fn twelve_sub_repos_two_nested_one_unreadable() {
    let sandbox = Sandbox::new();
    let whole = seed(&sandbox, "whole");
    let parts: Vec<String> = (0..9).map(|number| format!("libs/p{number}")).collect();
    for inner in ["in0", "in1"] {
        seed(&sandbox, inner);
    }
    for part in &parts {
        let part = seed(&sandbox, &flat(part));
        if part.path().ends_with("libs-p0") {
            part.add_submodule(&remote(&sandbox, "in0"), "in0");
            part.add_submodule(&remote(&sandbox, "in1"), "deep/in1");
            part.commit("p0: nested");
            part.push_to(&remote(&sandbox, "libs-p0"));
        }
    }
    seed(&sandbox, "secret");
    for part in parts.iter().map(String::as_str).chain(["secret"]) {
        whole.add_submodule(&remote(&sandbox, &flat(part)), part);
    }
    whole.commit("whole: add parts");
    whole.push_to(&remote(&sandbox, "whole"));
    let hidden = sandbox.path().join("hidden.git");
    fs_err::rename(remote(&sandbox, "secret").path(), &hidden).unwrap();
    let mine = Repo::open(sandbox.path().join("mine"));
    whole.git(&["clone", "--quiet", &remote(&sandbox, "whole").url(), &mine.path().to_string_lossy()]);
    let world = World { sandbox, mine };

    let output = world.repo(&["pull"]);
    output.assert_code(0).stdout_contains("libs/p0/deep/in1  done  populated at");
    output.stdout_contains("secret  skipped  not populated: fatal");
    let rows = world.repo(&["status", "--json"]).json();
    assert_eq!(rows.as_array().map(Vec::len), Some(13));
    assert_eq!(row(&rows, "secret")["state"], "not-populated");
    assert_eq!(row(&rows, "secret")["pin"]["here"], false);
    assert_eq!(row(&rows, "libs/p0/in0")["pin"]["checked_out"], true);
    world.repo(&["status", "--check"]).assert_code(0).stdout_contains("secret").stdout_contains("not populated");
    let output = world.repo(&["foreach", "--", "sh", "-c", "echo $WHARF_REPO; test -d $WHARF_REPO_PATH"]);
    output.assert_code(0).stdout_contains("== libs/p0/deep/in1\nlibs/p0/deep/in1\n").stdout_contains("== .\n.\n");
    output.stderr_contains("secret: skipped: not populated");

    let sub = world.sub("libs/p0/in0");
    sub.git(&["switch", "--quiet", "main"]);
    sub.write("b.txt", "b").commit("in0: mine");
    sub.write("c.txt", "c");
    let rows = world.repo(&["status", "--json"]).json();
    let inner = row(&rows, "libs/p0/in0");
    assert_eq!((inner["ahead"].as_u64(), inner["untracked"].as_u64()), (Some(1), Some(1)));
    assert_eq!((inner["pin"]["ahead"].as_u64(), inner["branch"].as_str()), (Some(1), Some("main")));
    let named = world.repo(&["status", "--check", "libs/p0/in0"]);
    named.assert_code(1).stderr_contains("1 of 1 repos are not committed, pushed and as pinned");
    fs_err::rename(&hidden, world.remote("secret").path()).unwrap();
    world.repo(&["pull", "secret"]).assert_code(0).stdout_contains("populated at");
    world.assert_sound(&[]);
}

#[test]
fn status_shows_what_is_under_way() {
    let world = World::new(&["one", "two"]);
    let one = world.sub_on_main("one");
    let pinned = one.git(&["rev-parse", "HEAD"]);
    world.they_push("one", "b.txt", "b");
    one.write("a.txt", "mine\n").git(&["add", "a.txt"]);
    one.write("a.txt", "mine again\n").write("new/x", "");
    fs_err::write(world.mine.join(".git/modules/two/index.lock"), "").unwrap();
    let output = world.repo(&["status", "--fetch"]);
    output.assert_code(0).stdout_contains("1 behind").stdout_contains("1 staged, 1 changed, 1 untracked");
    output.stdout_contains("same, 1 behind origin/main").stdout_contains("index locked");
    let rows = world.repo(&["status", "--json", "one"]).json();
    assert_eq!(row(&rows, "one")["pin"]["commit"], pinned.as_str());
    assert_eq!(row(&rows, "one")["pin"]["behind_branch"], 1);
    fs_err::remove_dir_all(world.remote("two").path()).unwrap();
    world.repo(&["status", "--fetch"]).assert_code(0).stderr_contains("two: not fetched: ");
    let output = world.repo(&["status", "tow"]);
    output.assert_code(2).stderr_contains("there is no repo `tow`").stderr_contains("hint: the nearest are `two`");
    output.stdout_lacks("path");
}

#[test]
fn a_branch_is_made_where_something_changed() {
    let world = World::new(&["libs/a", "libs/b", "libs/c"]);
    world.sub("libs/a").write("a.txt", "edited\n");
    let unnamed = world.sub("libs/b").write("b.txt", "b").commit("b: mine");
    let output = world.repo(&["branch", "--dry-run", "topic"]);
    assert_eq!(
        output.assert_code(0).stdout,
        "git switch --quiet --no-track --create topic\n\
         git -C libs/a switch --quiet --no-track --create topic\n\
         git -C libs/b switch --quiet --no-track --create topic\n"
    );
    assert_eq!(world.mine.git(&["branch", "--show-current"]), "main");
    world.repo(&["branch", "topic"]).assert_code(0).stdout_contains("detached -> topic, new").stdout_lacks("libs/c");
    for path in [".", "libs/a", "libs/b"] {
        assert_eq!(world.sub(path).git(&["branch", "--show-current"]), "topic");
    }
    world.repo(&["branch", "topic"]).assert_code(0).stdout_contains("topic: checked out already");
    world.sub("libs/c").git(&["branch", "other"]);
    let output = world.repo(&["branch", "other", "libs/a", "libs/c"]);
    output.assert_code(5).stderr_contains("libs/c: it has a branch `other` already");
    assert_eq!(world.sub("libs/a").git(&["branch", "--show-current"]), "topic", "all or nothing");
    world.repo(&["branch", "a..b"]).assert_code(2).stderr_contains("`a..b` is no name for a branch");
    assert_eq!(world.sub("libs/a").read("a.txt"), "edited\n");
    world.assert_sound(&[("libs/b", &unnamed)]);
}

#[test]
fn a_failure_midway_is_taken_back() {
    let world = World::new(&["libs/a", "libs/b"]);
    // A branch `x` leaves no room for `x/y`: Git only says so when it is made.
    world.sub("libs/b").git(&["branch", "x"]);
    let output = world.repo(&["branch", "x/y", "libs/a", "libs/b"]);
    output.assert_code(1).stderr_contains("libs/b: fatal").stdout_contains("left as it was, because of the others");
    assert_eq!(world.mine.git(&["branch", "--format=%(refname:short)"]), "main");
    assert!(!world.sub("libs/a").git(&["branch"]).contains("x/y"));
    assert_eq!(world.sub("libs/a").git(&["branch", "--show-current"]), "", "detached as before");
}

#[test]
fn switching_takes_the_branch_or_the_pin() {
    let world = World::new(&["libs/a", "libs/b"]);
    let (a, b) = (world.sub("libs/a"), world.sub("libs/b"));
    let first = b.git(&["rev-parse", "HEAD"]);
    let moved = world.they_push("libs/b", "b.txt", "b");
    world.repo(&["branch", "topic", "libs/a"]).assert_code(0);
    let mine = a.write("new.txt", "new").commit("a: mine");
    b.git(&["fetch", "--quiet"]);
    b.git(&["checkout", "--quiet", &moved]);
    world.mine.commit("whole: pins of topic");

    let output = world.repo(&["switch", "main"]);
    output.assert_code(0).stdout_contains("libs/a  done  topic -> main");
    assert_eq!(b.git(&["rev-parse", "HEAD"]), first);
    assert_eq!(b.git(&["branch", "--show-current"]), "main");
    let output = world.repo(&["switch", "topic"]);
    output.assert_code(0).stdout_contains("main -> its pin");
    assert_eq!((b.git(&["rev-parse", "HEAD"]), a.git(&["rev-parse", "HEAD"])), (moved.clone(), mine.clone()));
    world.repo(&["status", "--check", "libs/b"]).assert_code(0);
    // `main` of b is older than its pin here, but may go forward to it.
    world.repo(&["switch", "nowhere"]).assert_code(5).stderr_contains("no repo has a branch `nowhere`");

    a.write("new.txt", "edited");
    let output = world.repo(&["switch", "main"]);
    output.assert_code(5).stderr_contains("libs/a: 1 file would be overwritten: `new.txt`");
    for repo in [&world.mine, &a] {
        assert_eq!(repo.git(&["branch", "--show-current"]), "topic");
    }
    assert_eq!(a.read("new.txt"), "edited");
    let output = world.repo(&["switch", "--create", "next"]);
    output.assert_code(0).stdout_contains("topic -> next, new");
    assert_eq!(a.git(&["branch", "--show-current"]), "next");
    world.assert_sound(&[("libs/a", &mine), ("libs/b", &moved)]);
}

#[test]
fn switching_back_goes_forward_to_the_pin_and_follows_remote_branches() {
    let world = World::new(&["libs/a", "libs/b"]);
    let newer = world.they_push("libs/a", "b.txt", "b");
    world.they_pin("libs/a", &newer);
    world.repo(&["pull"]).assert_code(0).stdout_contains("libs/a  done  detached");
    world.repo(&["switch", "main"]).assert_code(0).stdout_contains("detached -> main, forward to its pin");
    assert_eq!(world.sub("libs/a").git(&["rev-parse", "main"]), newer);
    let theirs = world.theirs("libs/b");
    theirs.git(&["switch", "--quiet", "--create", "feature"]);
    let feature = world.they_push("libs/b", "f.txt", "f");
    world.sub("libs/b").git(&["fetch", "--quiet"]);
    let output = world.repo(&["switch", "--dry-run", "feature"]);
    output
        .assert_code(0)
        .stdout_contains("git -C libs/b switch --quiet --no-overwrite-ignore --create feature --track");
    let output = world.repo(&["switch", "feature"]);
    output.assert_code(0).stdout_contains("main -> feature, which follows origin/feature");
    output.stdout_contains("it has no branch `feature`");
    assert_eq!(world.sub("libs/b").git(&["rev-parse", "HEAD"]), feature);
    let unnamed = world.sub("libs/a");
    unnamed.git(&["checkout", "--quiet", "--detach"]);
    let lost = unnamed.write("c.txt", "c").commit("a: on no branch");
    let output = world.repo(&["switch", "main"]);
    output.assert_code(5).stderr_contains("1 commit would be lost that no branch has");
    assert_eq!(unnamed.git(&["rev-parse", "HEAD"]), lost);
}

#[test]
fn pins_are_committed_alone() {
    let world = World::new(&["libs/a", "libs/b"]);
    let a = world.sub_on_main("libs/a");
    a.write("b.txt", "b").commit("a: add b");
    let pushed = a.write("c.txt", "c").commit("a: add c");
    world.mine.write("staged.txt", "x").git(&["add", "staged.txt"]);
    let output = world.repo(&["pin"]);
    output
        .assert_code(5)
        .stderr_contains("it pins `libs/a` at")
        .stderr_contains("push it first: `wharf repo push libs/a`");
    world.repo(&["push", "libs/a"]).assert_code(0);
    let output = world.repo(&["pin", "--dry-run"]);
    output.assert_code(0).stdout_contains("git commit --quiet --only --message 'Pin libs/a at ");
    world.repo(&["pin"]).assert_code(0).stdout_contains("pinned libs/a");
    let told = world.mine.git(&["log", "-1", "--format=%B"]);
    assert!(told.starts_with("Pin libs/a at ") && told.ends_with("  > a: add c\n  > a: add b"), "{told}");
    assert_eq!(world.mine.git(&["ls-tree", "HEAD", "libs/a"]).split_whitespace().nth(2), Some(pushed.as_str()));
    assert_eq!(world.mine.git(&["diff", "--cached", "--name-only"]), "staged.txt");
    world.repo(&["pin"]).assert_code(0).stdout_contains("all pins are where their sub-repos are");

    a.git(&["checkout", "--quiet", "HEAD~1"]);
    let output = world.repo(&["pin"]);
    output.assert_code(5).stderr_contains("`libs/a` is 1 commit behind its pin, which would go back");
    world.repo(&["pin", "libs/a", "-m", "Back"]).assert_code(0);
    let told = world.mine.git(&["log", "-1", "--format=%B"]);
    assert!(told.starts_with("Back\n\nlibs/a ") && told.ends_with("  < a: add c"), "{told}");
    let own = world.sub("libs/b").write("d.txt", "d").commit("b: mine");
    world.repo(&["pin", "--unpushed"]).assert_code(0);
    assert!(world.mine.git(&["ls-tree", "HEAD", "libs/b"]).contains(&own));
    world.mine.git(&["checkout", "--quiet", "--detach"]);
    world.sub("libs/a").git(&["switch", "--quiet", "main"]);
    let output = world.repo(&["pin"]);
    output.assert_code(5).stderr_contains("a commit would be on no branch");
    world.assert_sound(&[("libs/a", &pushed), ("libs/b", &own)]);
}

#[test]
fn a_command_runs_everywhere() {
    let world = World::new(&["libs/a", "libs/b", "libs/c"]);
    let output = world.repo(&["foreach", "--jobs", "1", "--prefix", "--", "git", "rev-parse", "--show-prefix"]);
    assert_eq!(output.assert_code(0).stdout, ".: \nlibs/a: \nlibs/b: \nlibs/c: \n");
    let script = "echo in $WHARF_REPO; case $WHARF_REPO in libs/a) exit 3;; libs/b) exit 7;; esac";
    let output = world.repo(&["foreach", "--keep-going", "--", "sh", "-c", script]);
    output.assert_code(7).stderr_contains("failed in 2 of 4 repos: `libs/a` (3), `libs/b` (7)");
    output.stdout_contains("== libs/c\nin libs/c\n");
    let output = world.repo(&["foreach", "--jobs", "1", "--", "sh", "-c", script]);
    output.assert_code(3).stdout_lacks("libs/b").stderr_contains("not begun in 2 repos");
    world
        .repo(&["foreach", "--", "no-such-program"])
        .assert_code(127)
        .stderr_contains("`no-such-program` was not found");
    let output = world.repo(&["foreach", "--dry-run", "--repo", "libs/b", "--", "make", "all"]);
    output.assert_code(0).stdout_contains("libs/b && WHARF_REPO=libs/b WHARF_REPO_PATH=");
}

#[test]
fn one_at_a_time_changes_repos() {
    let world = World::new(&["one"]);
    let lock = world.mine.join(".wharf/repos.lock");
    let held = Lock::take(&lock, "process 1, wharf repo pull", Patience::GiveUp).unwrap();
    for words in [&["pull"][..], &["push"], &["branch", "x"], &["switch", "main"], &["pin"]] {
        world.repo(words).assert_code(5).stderr_contains("is held by process 1, wharf repo pull");
    }
    world.repo(&["status"]).assert_code(0);
    world.repo(&["pull", "--dry-run"]).assert_code(0);
    drop(held);
    world.repo(&["pull"]).assert_code(0);
}

#[test]
fn the_index_lock_of_another_git_is_named() {
    let world = World::new(&["one", "two"]);
    let newer = world.they_push("one", "b.txt", "b");
    world.they_pin("one", &newer);
    let lock = world.mine.join(".git/modules/one/index.lock");
    fs_err::write(&lock, "").unwrap();
    let output = world.repo(&["pull"]);
    output.assert_code(5).stderr_contains("modules/one/index.lock` is there since ");
    output.stderr_contains("held by no process that can be seen").stderr_contains("rm ").stdout_contains("two  same");
    let mut holder =
        world.sandbox.command("sh").args(["-c", "exec 9<>\"$0\"; echo held; read x"]).arg(&lock).stdin_open().spawn();
    holder.wait_stdout_contains("held");
    if Path::new("/proc/self/fd").exists() {
        world.repo(&["pull"]).assert_code(5).stderr_contains(&format!("held by {} sh", holder.pid()));
    }
    holder.send("\n");
    holder.wait();
    fs_err::remove_file(&lock).unwrap();
    world.repo(&["pull"]).assert_code(0);
    assert_eq!(world.sub("one").git(&["rev-parse", "HEAD"]), newer);
}
