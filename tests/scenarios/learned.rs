//! `wharf test`: what is learned of each test file while it runs, and kept for later runs.

use wharf_core::test_suite::Reads;
use wharf_core::test_suite::learned::Store;
use wharf_core::workspace::StateDir;
use wharf_testkit::{EngineKind, Repo, Sandbox, engines, sample};

use crate::testing::wharf_test;

const TEST_A: &str = "\
import os, subprocess, sys
from lib.a import load

HERE = os.path.dirname(os.path.abspath(__file__))

def test_loads():
    assert load() == 'x'
    assert not os.path.exists(os.path.join(HERE, 'local.toml'))

def test_child():
    code = 'import lib.child'
    subprocess.check_call([sys.executable, '-c', code], cwd='/')
";

fn repo(sandbox: &Sandbox) -> Repo {
    let load = "import os\nfrom . import b\n\ndef load():\n    return open(os.path.join(os.path.dirname(__file__), 'data.txt')).read()\n";
    sample::workspace(sandbox)
        .file("lib/__init__.py", "")
        .file("lib/a.py", load)
        .file("lib/b.py", "")
        .file("lib/child.py", "import json\n")
        .file("lib/data.txt", "x")
        .dir("alpha", |dir| {
            dir.file("pytest.ini", "[pytest]\n").test("test_a.py", TEST_A).test("test_b.py", "def test_b(): pass\n")
        })
        .dir("beta", |dir| dir.test("test_c.py", "import lib.b\n\ndef test_c(): assert False\n"))
        .dir("off", |dir| dir.toml("[test]\nrecord = false\n").test("test_d.py", "def test_d(): pass\n"))
        .build()
}

fn store(sandbox: &Sandbox, repo: &Repo) -> Store {
    let cache = sandbox.home().join(".cache/wharf");
    Store::open(&StateDir::of_root(repo.path(), &cache).expect("the state folder can be made"))
}

fn opened(reads: Option<&Reads>) -> Vec<&str> {
    reads.map(|reads| reads.opened.iter().map(String::as_str).collect()).unwrap_or_default()
}

#[test]
fn a_run_learns_what_each_test_file_depends_on() {
    for engine in engines() {
        let sandbox = Sandbox::new();
        let repo = repo(&sandbox);
        wharf_test(&sandbox, &repo, engine, &[]).run().assert_code(1);
        let store = store(&sandbox, &repo);
        let a = store.of("alpha/test_a.py");
        let expected = [
            "alpha/pytest.ini",
            "alpha/test_a.py",
            "lib/__init__.py",
            "lib/a.py",
            "lib/b.py",
            "lib/child.py",
            "lib/data.txt",
        ];
        assert_eq!(opened(a), expected, "{engine}");
        let a = a.expect("something is known of it");
        assert!(!a.everything && !a.network, "{engine}: {a:?}");
        assert!(a.absent.contains("alpha/local.toml") && a.absent.contains("alpha/conftest.py"), "{engine}: {a:?}");
        assert!(a.modules.contains("json") && a.modules.contains("lib.child"), "{engine}: {a:?}");
        assert!(a.roots.contains(&".".to_owned()), "{engine}: {a:?}");
        assert_eq!(opened(store.of("alpha/test_b.py")), ["alpha/pytest.ini", "alpha/test_b.py"], "{engine}");
        assert_eq!(opened(store.of("beta/test_c.py")), ["beta/test_c.py", "lib/__init__.py", "lib/b.py"], "{engine}");
        assert_eq!(store.of("off/test_d.py"), None, "{engine}: recording is off there");
    }
}

#[test]
fn a_part_of_a_file_adds_and_all_of_it_replaces() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    let run = |arguments: &[&str]| wharf_test(&sandbox, &repo, EngineKind::Docker, arguments).run();
    run(&["alpha/test_a.py::test_loads"]).assert_code(0);
    let has = |file: &str| opened(store(&sandbox, &repo).of("alpha/test_a.py")).contains(&file);
    assert!(has("lib/data.txt") && !has("lib/child.py"));
    run(&["alpha/test_a.py", "-k", "child"]).assert_code(0);
    assert!(has("lib/data.txt") && has("lib/child.py"));
    repo.write("alpha/test_a.py", "def test_new(): pass\n");
    run(&["alpha"]).assert_code(0);
    assert!(!has("lib/data.txt") && !has("lib/child.py") && has("alpha/test_a.py"));
    fs_err::remove_file(repo.join("alpha/test_b.py")).expect("it is there");
    // Where all that is left is known, nothing is learned.
    run(&["alpha", "--no-cache"]).assert_code(0);
    assert_eq!(store(&sandbox, &repo).of("alpha/test_b.py"), None);
}

#[test]
fn a_damaged_store_is_learned_anew() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    repo.write(".wharf/learned", "wharf-learned 1 00\n{}");
    wharf_test(&sandbox, &repo, EngineKind::Docker, &["alpha/test_b.py"]).run().assert_code(0).stderr_lacks("learned");
    assert_eq!(opened(store(&sandbox, &repo).of("alpha/test_b.py")), ["alpha/pytest.ini", "alpha/test_b.py"]);
}
