//! `wharf test --shard` and `--split`: nothing is lost, nothing runs twice.

use std::collections::BTreeMap;

use wharf_testkit::{EngineKind, Repo, Sandbox, Signal, sample};

use crate::testing::{Report, containers, wharf, wharf_test};

const ONE: &str = "def test_one(): pass\n";

fn repo(sandbox: &Sandbox) -> Repo {
    let repo = sample::workspace(sandbox)
        .dir("alpha", |dir| {
            let dir = dir.test("pkg/__init__.py", "").test("pkg/test_p.py", ONE);
            (0..5)
                .fold(dir, |dir, n| dir.test(&format!("test_{n}.py"), "def test_one(): pass\n\ndef test_two(): pass\n"))
        })
        .dir("alpha/nested", |dir| dir.test("test_n.py", "def test_bad(): assert False\n"))
        .dir("beta", |dir| {
            let dir = dir.file("pytest.ini", "[pytest]\npython_files = check_*.py test_*.py\n").test("test_b.py", ONE);
            (0..6).fold(dir, |dir, n| dir.test(&format!("check_{n}.py"), ONE))
        })
        .sub_repo("libs/sub", |sub| sub.dir("deep", |dir| dir.test("test_deep.py", ONE).test("test_more.py", ONE)))
        .build();
    repo.write("alpha/test_not_committed.py", ONE);
    repo
}

/// How often each test ran, by id.
fn ran(report: &Report) -> BTreeMap<String, usize> {
    let mut ran = BTreeMap::new();
    for dir in report.dirs() {
        for id in report.verdicts(dir).into_keys() {
            *ran.entry(format!("{dir}/{id}")).or_default() += 1;
        }
    }
    ran
}

#[test]
fn the_union_of_all_shards_is_the_whole() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    wharf_test(&sandbox, &repo, EngineKind::Docker, &[]).run().assert_code(1);
    let whole = ran(&Report::of_run(&repo, 1));
    assert_eq!(whole.len(), 22, "{whole:#?}");
    let (mut union, mut said, mut without) = (BTreeMap::new(), Vec::new(), 0);
    for shard in 1..=4 {
        let name = format!("{shard}/4");
        let output = wharf_test(&sandbox, &repo, EngineKind::Docker, &["--shard", &name]).run();
        let note = output.stderr.lines().find(|line| line.contains("all machines must say")).expect("a shard is noted");
        said.push(note.rsplit(' ').next().unwrap_or_default().to_owned());
        let report = Report::of_run(&repo, shard + 1);
        for (id, count) in ran(&report) {
            *union.entry(id).or_default() += count;
        }
        for dir in report.dirs() {
            if report.cause(dir).contains("no test in shard") {
                assert_eq!((report.status(dir), report.dir(dir)["log"].is_null()), ("no-tests", true), "{dir}");
                without += 1;
            }
        }
    }
    assert_eq!(union, whole);
    assert!(said.iter().all(|one| *one == said[0]), "{said:?}");
    // The one file of alpha/nested is in one shard, the two of libs/sub/deep in at most two.
    assert!(without >= 5, "{without} dirs needed no container");
}

#[test]
fn all_machines_share_out_alike_by_the_committed_durations() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    let mut durations: BTreeMap<String, f64> = (1..5).map(|n| (format!("alpha/test_{n}.py"), 1.0)).collect();
    durations.insert("alpha/test_0.py".into(), 100.0);
    durations.insert("beta/check_3.py".into(), 90.0);
    repo.write("d.json", serde_json::json!({ "version": 1, "files": durations }).to_string());
    let root = repo.read("wharf.toml");
    repo.write("wharf.toml", format!("{root}\n[test]\ndurations = \"d.json\"\n"));
    repo.commit("durations");
    let other = repo.clone_to(sandbox.path().join("elsewhere/sample"));
    other.git(&["-c", "protocol.file.allow=always", "submodule", "update", "--init"]);
    let plan = |repo: &Repo, shard: &str| {
        let arguments = ["test", "--plan", "--json", "--shard", shard];
        wharf(&sandbox, repo).args(arguments).run().assert_code(0).json()
    };
    let mut files = Vec::new();
    for shard in ["1/2", "2/2"] {
        let here = plan(&repo, shard);
        assert_eq!(here, plan(&other, shard));
        files.push(here.to_string());
    }
    let long = |text: &str| [text.contains("alpha/test_0.py"), text.contains("beta/check_3.py")];
    assert_eq!(files.iter().map(|text| long(text)).collect::<Vec<_>>(), [[true, false], [false, true]]);
}

#[test]
fn there_is_no_such_shard() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox).dir("alpha", |dir| dir.test("test_a.py", ONE)).build();
    let refused =
        |shard: &str| wharf(&sandbox, &repo).args(["test", "--shard", shard]).run().assert_code(2).stderr.clone();
    assert!(refused("0/4").contains("there is no shard 0 of 4"));
    assert!(refused("5/4").contains("shards go from 1 to 4"));
    assert!(refused("x").contains("write it as I/N"));
    assert!(refused("1/0").contains("there is no shard 1 of 0"));
}

#[test]
fn a_dir_that_is_split_has_one_report() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox)
        .dir("alpha", |dir| {
            let dir = (0..2).fold(dir, |dir, n| {
                dir.test(&format!("test_{n}.py"), &format!("def test_it(): print('said by {n}')\n"))
            });
            dir.test("test_4.py", "import os\ndef test_dies(): os._exit(3)\n\ndef test_after(): pass\n")
                .test("test_5.py", "def test_bad(): assert False\n\ndef test_later(tmp_path):\n    pass\n")
        })
        .build();
    repo.write("alpha/test_new.py", ONE);
    let arguments = ["--split", "2", "--jobs", "2", "--", "-s"];
    let output = wharf_test(&sandbox, &repo, EngineKind::Docker, &arguments).run();
    output.assert_code(1).stderr_contains("alpha 1/");
    let report = Report::of_run(&repo, 1);
    assert_eq!(report.dirs(), ["alpha"]);
    report.assert_verdicts(
        "alpha",
        &[
            ("test_0.py::test_it", "passed"),
            ("test_1.py::test_it", "passed"),
            ("test_4.py::test_dies", "crashed"),
            ("test_4.py::test_after", "passed"),
            ("test_5.py::test_bad", "failed"),
            ("test_5.py::test_later", "passed"),
            ("test_new.py::test_one", "passed"),
        ],
    );
    assert_eq!(report.status("alpha"), "crashed");
    assert_eq!(report.dir("alpha")["summary"]["passed"], 5);
    assert_eq!(report.dir("alpha")["log"], "alpha.log");
    let log = repo.read(".wharf/runs/1/alpha.log");
    assert!((0..2).all(|n| log.contains(&format!("said by {n}"))), "{log}");
    assert!(!repo.join(".wharf/runs/1/alpha.2.log").exists());
    assert!(repo.read(".wharf/runs/1/junit.xml").matches("<testcase").count() == 7);

    // The history knows each test once, and a retry runs in the part it belongs to.
    let arguments = ["--split", "2", "--jobs", "2", "--retries", "1"];
    wharf_test(&sandbox, &repo, EngineKind::Docker, &arguments).run().assert_code(1);
    let again = Report::of_run(&repo, 2);
    assert_eq!(again.test("alpha/test_5.py::test_bad")["attempts"], 2);
    assert_eq!(again.verdicts("alpha").len(), 7);
    let history = wharf(&sandbox, &repo).args(["test", "history", "alpha", "--json"]).run().assert_code(0).json();
    assert_eq!(history.as_array().map(Vec::len), Some(14));
}

#[test]
fn a_split_dir_stops_as_a_whole() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox)
        .dir("alpha", |dir| {
            let dir = (0..4).fold(dir, |dir, n| {
                dir.test(&format!("test_{n}.py"), "import time\ndef test_long(): time.sleep(600)\n")
            });
            dir.test("test_0_bad.py", "def test_bad(): assert False\n")
        })
        .build();
    // Nothing is known of the files yet, so each one is a part of its own and the second is the bad one.
    let arguments = ["--split", "2", "--jobs", "2", "--fail-fast"];
    wharf_test(&sandbox, &repo, EngineKind::Docker, &arguments).run().assert_code(1);
    let report = Report::of_run(&repo, 1);
    assert_eq!(report.test("alpha/test_0_bad.py::test_bad")["verdict"], "failed");
    assert!(report.verdicts("alpha").values().all(|verdict| verdict != "passed"));

    let running = wharf_test(&sandbox, &repo, EngineKind::Docker, &["--split", "2", "--jobs", "2"]).spawn();
    running.wait_stderr_contains("alpha 2/");
    running.signal(Signal::INT);
    running.wait().assert_code(130);
    let report = Report::of_run(&repo, 2);
    assert_eq!((report.dirs(), report.status("alpha")), (vec!["alpha"], "interrupted"));
    assert_eq!(containers(&sandbox, &repo, EngineKind::Docker), [""; 0]);
}
