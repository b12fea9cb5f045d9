use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use wharf_testkit::{Repo, Sandbox};

use super::*;

/// A clone with some files, old enough for its clock to tell.
struct World {
    sandbox: Sandbox,
    repo: Repo,
}

impl World {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let seed = Repo::init(sandbox.path().join("seed"));
        seed.write("a.txt", "a").write("b/c/d.py", "d").write("b/e.py", "e").write(".gitignore", "*.log\nbuild/\n");
        std::os::unix::fs::symlink("a.txt", seed.path().join("link")).unwrap();
        seed.commit("first");
        let repo = Repo::open(sandbox.path().join("repo"));
        seed.git(&["clone", "--quiet", &seed.path().to_string_lossy(), &repo.path().to_string_lossy()]);
        let world = Self { sandbox, repo };
        world.settle();
        world
    }

    /// Lets Git look at files that are older than its index.
    fn settle(&self) {
        std::thread::sleep(std::time::Duration::from_millis(60));
        self.repo.git(&["update-index", "-q", "--unmerged", "--really-refresh"]);
        // The index is written anew only where something in it changed.
        let index = place::at(self.repo.path()).unwrap().unwrap().git_dir.join("index");
        let bytes = fs_err::read(&index).unwrap();
        fs_err::write(&index, bytes).unwrap();
    }

    fn place(&self) -> GitPlace {
        place::at(self.repo.path()).unwrap().unwrap()
    }

    fn found(&self) -> Option<WorkTree> {
        let place = self.place();
        unchanged(vec![(&place, place.still())]).remove(0)
    }

    #[track_caller]
    fn assert_left_to_git(&self, what: &str) {
        assert_eq!(self.found(), None, "{what}");
    }

    fn file(&self, path: &str) -> PathBuf {
        self.repo.path().join(path)
    }
}

#[test]
fn a_clone_is_as_git_says() {
    let world = World::new();
    let found = world.found().expect("nothing changed");
    assert_eq!(found, Git::new(world.repo.path()).work_tree().unwrap());
    assert_eq!(found.upstream.as_deref(), Some("origin/main"));
    assert_eq!(found.apart, Some((0, 0)));
    world.repo.git(&["checkout", "--quiet", "--detach"]);
    assert_eq!(world.found(), Some(Git::new(world.repo.path()).work_tree().unwrap()));
    world.repo.git(&["switch", "--quiet", "--create", "mine"]);
    assert_eq!(world.found(), Some(Git::new(world.repo.path()).work_tree().unwrap()), "no upstream");
}

#[test]
fn what_is_ignored_is_no_change() {
    let world = World::new();
    world.repo.write("x.log", "x").write("b/build/y", "y").write("b/c/z.log", "z");
    fs_err::write(world.place().git_dir.join("info/exclude"), "/mine\n").unwrap();
    world.repo.write("mine", "");
    assert_eq!(world.found(), Some(Git::new(world.repo.path()).work_tree().unwrap()));
    world.repo.write("b/mine", "");
    world.assert_left_to_git("a file that no rule leaves out");
}

#[test]
fn every_kind_of_change_is_left_to_git() {
    type Change = fn(&World);
    let changes: [(&str, Change); 13] = [
        ("an edit", |world| {
            world.repo.write("a.txt", "other");
        }),
        ("an edit of equal length with the time set back", |world| {
            let before = fs_err::metadata(world.file("a.txt")).unwrap().modified().unwrap();
            world.repo.write("a.txt", "z");
            let file = fs_err::OpenOptions::new().write(true).open(world.file("a.txt")).unwrap();
            file.set_modified(before).unwrap();
        }),
        ("a new file", |world| {
            world.repo.write("b/new.py", "");
        }),
        ("a new file in a new folder", |world| {
            world.repo.write("n/new.py", "");
        }),
        ("a deleted file", |world| fs_err::remove_file(world.file("b/e.py")).unwrap()),
        ("a mode", |world| {
            let mode = std::fs::Permissions::from_mode(0o755);
            fs_err::set_permissions(world.file("b/e.py"), mode).unwrap();
        }),
        ("a file in place of a link", |world| {
            fs_err::remove_file(world.file("link")).unwrap();
            world.repo.write("link", "a.txt");
        }),
        ("a staged edit", |world| {
            world.repo.write("a.txt", "staged").git(&["add", "a.txt"]);
            world.settle();
        }),
        ("a staged deletion", |world| {
            world.repo.git(&["rm", "--quiet", "b/e.py"]);
        }),
        ("a commit that the upstream lacks", |world| {
            world.repo.write("a.txt", "mine").commit("mine");
            world.settle();
        }),
        ("an edit that is not to be seen", |world| {
            world.repo.git(&["update-index", "--assume-unchanged", "a.txt"]);
            world.settle();
        }),
        ("an index of another version", |world| {
            world.repo.git(&["update-index", "--index-version", "4"]);
            world.settle();
        }),
        ("settings that lie elsewhere", |world| {
            world.repo.git(&["config", "include.path", "other"]);
        }),
    ];
    for (what, change) in changes {
        let world = World::new();
        assert!(world.found().is_some(), "before {what}");
        change(&world);
        world.assert_left_to_git(what);
    }
}

#[test]
fn a_conflict_is_left_to_git() {
    let world = World::new();
    world.repo.git(&["switch", "--quiet", "--create", "one"]);
    world.repo.write("a.txt", "one").commit("one");
    world.repo.git(&["switch", "--quiet", "main"]);
    world.repo.write("a.txt", "two").commit("two");
    let _ = std::process::Command::new("git").args(["merge", "--quiet", "one"]).current_dir(world.repo.path()).output();
    world.settle();
    world.assert_left_to_git("a conflict");
}

#[test]
fn submodules_are_held_against_their_pins() {
    let world = World::new();
    let other = Repo::init(world.sandbox.path().join("other"));
    other.write("x", "x").commit("x");
    world.repo.git(&["switch", "--quiet", "--create", "mine"]);
    world.repo.add_submodule(&other, "libs/x");
    world.repo.commit("with x");
    world.settle();
    assert_eq!(world.found(), Some(Git::new(world.repo.path()).work_tree().unwrap()));
    Repo::open(world.file("libs/x")).write("y", "y").commit("moved");
    world.assert_left_to_git("a moved pin");
}

#[test]
fn a_worktree_and_odd_folders_are_as_git_says() {
    let world = World::new();
    let side = world.sandbox.path().join("a:b");
    world.repo.git(&["worktree", "add", "--quiet", "-b", "side", &side.to_string_lossy()]);
    let side = World { sandbox: Sandbox::new(), repo: Repo::open(side) };
    side.settle();
    let tree = Git::new(side.repo.path()).work_tree().unwrap();
    assert!(side.found().is_none_or(|found| found == tree));
}
