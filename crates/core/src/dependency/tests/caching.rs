//! The cache changes how quick the graph is, never what it says.

use std::fs;

use wharf_testkit::{Repo, Sandbox, sample};

use super::super::cache;
use super::{cached, graph, named, whole};

fn sample(sandbox: &Sandbox) -> Repo {
    sample::workspace(sandbox)
        .file("lib/__init__.py", "from .a import x\n__all__ = ['a', 'b']\n")
        .file("lib/a.py", "import lib.b\n")
        .file("lib/b.py", "")
        .file("lib/odd.py", "print 'x'\nimport lib.a\n")
        .dir("infra", |dir| dir.test("test_a.py", "from lib import *\n"))
        .build()
}

#[test]
fn only_what_changed_is_parsed() {
    let sandbox = Sandbox::new();
    let repo = sample(&sandbox);
    let first = cached(&sandbox, &repo);
    assert_eq!(first.parsed(), 5);
    let second = cached(&sandbox, &repo);
    assert_eq!((second.parsed(), whole(&second)), (0, whole(&first)));
    repo.write("lib/b.py", "import lib.odd\n");
    let third = cached(&sandbox, &repo);
    assert_eq!((third.parsed(), named(&third, "lib/b.py")), (1, vec!["lib/odd.py"]));
    assert_eq!(whole(&third), whole(&graph(&sandbox, &repo)));
}

#[test]
fn an_edit_is_seen_whatever_its_time_says() {
    let sandbox = Sandbox::new();
    let repo = sample(&sandbox);
    cached(&sandbox, &repo);
    let path = repo.join("lib/a.py");
    let before = fs::metadata(&path).unwrap().modified().unwrap();
    // Same length, and the clock set back.
    repo.write("lib/a.py", "import lib.a\n");
    fs::File::options().write(true).open(&path).unwrap().set_modified(before).unwrap();
    let edited = cached(&sandbox, &repo);
    assert_eq!(named(&edited, "lib/a.py"), Vec::<&str>::new());
    assert_eq!(edited.parsed(), 1);
    assert_eq!(whole(&edited), whole(&graph(&sandbox, &repo)));
    // A copy of what is known is not parsed, a removed file is forgotten.
    repo.write("lib/copy.py", "import lib.a\n");
    fs::remove_file(repo.join("lib/odd.py")).unwrap();
    let moved = cached(&sandbox, &repo);
    assert_eq!((moved.parsed(), named(&moved, "lib/copy.py")), (0, vec!["lib/a.py"]));
    assert!(moved.file("lib/odd.py").is_none());
    assert_eq!(whole(&moved), whole(&graph(&sandbox, &repo)));
}

#[test]
fn a_damaged_or_newer_cache_is_as_good_as_none() {
    let sandbox = Sandbox::new();
    let repo = sample(&sandbox);
    let right = whole(&cached(&sandbox, &repo));
    let path = cache::file(&sandbox.home());
    let bytes = fs::read(&path).unwrap();
    assert!(cached(&sandbox, &repo).parsed() == 0);
    let mut newer = bytes.clone();
    newer[8] += 1;
    let mut flipped = bytes.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for damaged in [&b""[..], b"wharfimp", &bytes[..bytes.len() - 1], &newer, &flipped] {
        fs::write(&path, damaged).unwrap();
        let again = cached(&sandbox, &repo);
        assert_eq!(whole(&again), right);
        assert!(again.parsed() > 0);
        assert!(cached(&sandbox, &repo).parsed() == 0, "it healed");
    }
    // Nowhere to write to: slower, no more.
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(whole(&cached(&sandbox, &repo)), right);
}
