//! `wharf test`: output that could be mistaken for something else, dirs that cannot run, and places that cannot be written.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use wharf_testkit::{EngineKind, Repo, Sandbox, base_image, empty_image, engines, sample};

use crate::testing::{Report, containers, wharf_test};

const LOUD: &str = r#"
import os, sys, json

def test_megabyte():
    os.write(1, b"x" * 1_000_000)

def test_binary():
    os.write(1, bytes(range(256)) * 40)

def test_separators():
    os.write(1, b"\x1e" * 1000 + b"\x1e{\"wharf\":")

def test_faked():
    for event in ("done", "finished", "collected", "session"):
        line = {"wharf": "x", "event": event, "exitstatus": 0, "id": "loud/test_loud.py::test_fails", "outcome": "passed"}
        os.write(1, b"\x1e" + json.dumps(line).encode() + b"\n")
        print("\x1e" + json.dumps(line))

def test_no_secret_to_fake_with():
    assert "WHARF_PLUGIN" not in os.environ

def test_closes_standard_output():
    os.close(1)
    os.open("/dev/null", os.O_WRONLY)

def test_fails():
    print("\x1b[31mred\x1b[0m \x00\x1e\x07 ]]> & <b>")
    assert False, "\x1e\x1b[2J\x00"

def test_surrogates():
    assert "\ud800" == "", "\ud800"
"#;

const NO_CAPTURE: &str = "[pytest]\naddopts = -s\n";

/// In a dir of its own: the two streams take ways of their own, so what comes on one may land amid the other.
const LOUD_ERRORS: &str = r#"
import os

def test_errors():
    os.write(2, b"y" * 1_000_000)
"#;

#[test]
fn whatever_tests_print_changes_no_verdict() {
    for engine in engines() {
        let sandbox = Sandbox::new();
        let repo = sample::workspace(&sandbox)
            .dir("loud", |dir| dir.file("pytest.ini", NO_CAPTURE).test("test_loud.py", LOUD))
            .dir("errors", |dir| dir.file("pytest.ini", NO_CAPTURE).test("test_errors.py", LOUD_ERRORS))
            .dir("captured", |dir| dir.test("test_loud.py", LOUD))
            .build();
        let output = wharf_test(&sandbox, &repo, engine, &[]).run();
        output.assert_code(1).stdout_lacks("\x1b").stderr_lacks("\x1b");
        let report = Report::of_run(&repo, 1);
        for dir in ["loud", "captured"] {
            let verdicts = report.verdicts(dir);
            assert_eq!(verdicts.len(), 8, "{engine} {dir}: {verdicts:?}");
            let bad: Vec<&String> =
                verdicts.iter().filter(|(_, verdict)| *verdict != "passed").map(|(id, _)| id).collect();
            assert_eq!(bad, ["test_loud.py::test_fails", "test_loud.py::test_surrogates"], "{engine} {dir}");
        }
        let log = fs_err::read(repo.join(".wharf/runs/1/loud.log")).unwrap();
        let has = |part: &[u8]| log.windows(part.len()).any(|window| window == part);
        assert!(has(&[b'x'; 1_000_000]), "{engine}: all of a megabyte is in the log");
        let errors = fs_err::read(repo.join(".wharf/runs/1/errors.log")).unwrap();
        let count = errors.iter().filter(|byte| **byte == b'y').count();
        assert!(count >= 1_000_000, "{engine}: all of a megabyte of errors is in the log, not {count} bytes");
        assert!(has(&(0..=255).collect::<Vec<u8>>().repeat(40)), "{engine}: binary output is in the log as it came");
        assert!(has(&[0x1e; 1000]) && has(b"\x1e{\"wharf\": \"x\", \"event\": \"done\""), "{engine}");
        let xml = sandbox.command("python3").args(["-c", "import sys, xml.dom.minidom as m; m.parse(sys.argv[1])"]);
        xml.arg(repo.join(".wharf/runs/1/junit.xml")).run().assert_code(0);
    }
}

/// Dirs that cannot run, each for a reason of its own, and one that can.
fn not_runnable(sandbox: &Sandbox, fine: &str) -> Repo {
    let test = "def test(): pass\n";
    let base = base_image();
    let own = format!("FROM {base} AS dev\nCMD [\"true\"]\nFROM dev AS prod\n");
    let without_python = format!("FROM {} AS dev\nCMD [\"true\"]\nFROM dev AS prod\n", empty_image());
    sample::workspace(sandbox)
        .dir("fine", |dir| dir.test("test_a.py", fine))
        .dir("no-pytest", |dir| dir.no_requirements().file("devops/Dockerfile", own).test("test_a.py", test))
        .dir("no-python", |dir| dir.no_requirements().file("devops/Dockerfile", without_python).test("test_a.py", test))
        .dir("no-package", |dir| dir.toml("[os]\npackages = [\"wharf-no-such-package\"]\n").test("test_a.py", test))
        .dir("script", |dir| {
            dir.toml("[os]\nscripts = [\"broken.sh\"]\n")
                .file("devops/broken.sh", "#!/bin/sh\necho the disk of the script is gone >&2\nexit 7\n")
                .test("test_a.py", test)
        })
        .dir("no-network", |dir| dir.toml("[run]\nnetwork = \"wharf-no-such-network\"\n").test("test_a.py", test))
        .dir("no-base", |dir| dir.toml("[image]\nbase = \"wharf-test/no-such-base:1\"\n").test("test_a.py", test))
        .build()
}

#[test]
fn dirs_that_cannot_run_say_why_and_the_others_run() {
    for engine in engines().into_iter().filter(|engine| engine.has_containers()) {
        let sandbox = Sandbox::new();
        let repo = not_runnable(&sandbox, "def test(): pass\n");
        let output = wharf_test(&sandbox, &repo, engine, &[]).run();
        output.assert_code(4);
        let report = Report::of_run(&repo, 1);
        assert_eq!(report.status("fine"), "passed", "{engine}");
        assert_eq!(report.0["exit_code"], 4);
        let expected = [
            ("no-pytest", "its image has no pytest", "add pytest to the Python dependencies of `no-pytest`"),
            ("no-python", "its image has no python3", "[image] base"),
            ("no-package", "wharf-no-such-package", "the whole log is in"),
            ("script", "its image could not be built", "the whole log is in"),
            ("no-network", "wharf-no-such-network", "wharf doctor"),
            ("no-base", "wharf-test/no-such-base:1", ""),
        ];
        for (dir, cause, hint) in expected {
            assert_eq!(report.status(dir), "not-run", "{engine} {dir}: {}", report.dir(dir));
            assert!(report.cause(dir).contains(cause), "{engine} {dir}: {}", report.dir(dir));
            let told = report.dir(dir)["hint"].as_str().unwrap_or_default();
            assert!(told.contains(hint), "{engine} {dir}: {}", report.dir(dir));
            output.stdout_contains(&format!("cause: {}", report.cause(dir).chars().take(40).collect::<String>()));
        }
        let logs: String = fs_err::read_dir(repo.join(".wharf/logs"))
            .unwrap()
            .map(|entry| String::from_utf8_lossy(&fs_err::read(entry.unwrap().path()).unwrap()).into_owned())
            .collect();
        assert!(logs.contains("the disk of the script is gone"), "{engine}: {logs}");
        output.stdout_contains("6 of 7 runnable dirs could not start");
    }
}

#[test]
fn a_failed_test_outweighs_dirs_that_cannot_run() {
    let sandbox = Sandbox::new();
    let repo = not_runnable(&sandbox, "def test(): assert False\n");
    let dirs = ["--dir", "fine", "--dir", "no-pytest"];
    wharf_test(&sandbox, &repo, EngineKind::Docker, &dirs).run().assert_code(1);
    let report = Report::of_run(&repo, 1);
    assert_eq!((report.status("fine"), report.status("no-pytest")), ("failed", "not-run"));
    // What failed and what could not run are both tried again.
    wharf_test(&sandbox, &repo, EngineKind::Docker, &["--last-failed"]).run().assert_code(1);
    let again = Report::of_run(&repo, 2);
    assert_eq!(again.dirs(), ["fine", "no-pytest"]);
}

#[test]
fn the_host_engine_says_what_it_cannot_do() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox)
        .dir("fine", |dir| dir.test("test_a.py", "def test(): pass\n"))
        .dir("no-package", |dir| {
            dir.requirements("pytest==8.3.4\nwharf-no-such-package==1.0\n").test("test_a.py", "def test(): pass\n")
        })
        .build();
    let output = wharf_test(&sandbox, &repo, EngineKind::Host, &[]).run();
    output.assert_code(4);
    let report = Report::of_run(&repo, 1);
    assert_eq!((report.status("fine"), report.status("no-package")), ("passed", "not-run"));
    assert!(report.cause("no-package").contains("its environment could not be made"), "{}", report.cause("no-package"));
}

/// A folder mounted as a tiny file system of its own, unmounted when dropped.
struct Mounted(PathBuf);

impl Mounted {
    fn new(folder: &Path, arguments: &[&str]) -> Self {
        fs_err::create_dir_all(folder).expect("its place is writable");
        mount(arguments, folder);
        Self(folder.to_owned())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

fn mount(arguments: &[&str], folder: &Path) {
    let status = Command::new("mount").args(arguments).arg(folder).status().expect("`mount` is there");
    assert!(status.success(), "`mount` needs root");
}

#[test]
fn a_full_disk_is_told_and_is_no_success() {
    let sandbox = Sandbox::new();
    let long = "x".repeat(4000);
    let test = format!("import pytest\n@pytest.mark.parametrize('n', range(50))\ndef test_{long}(n): pass\n");
    let repo = sample::workspace(&sandbox).dir("one", |dir| dir.test("test_a.py", &test)).build();
    let folder = sandbox.path().join("full");
    let _mounted = Mounted::new(&folder, &["-t", "tmpfs", "-o", "size=16k", "none"]);
    let arguments = ["--report-dir", folder.to_str().unwrap()];
    let output = wharf_test(&sandbox, &repo, EngineKind::Docker, &arguments).run();
    output.assert_code(4);
    output.stdout_contains("50 ").stdout_contains(&format!("cannot write `{}`", folder.join("report.json").display()));
    output.stdout_contains("No space left on device").stdout_contains("--report-dir`");
    output.stdout_lacks("serializ").stdout_lacks("report.html\n");
    assert!(!folder.join("report.json").exists() && !folder.join("junit.xml").exists(), "half a report is none");
}

#[test]
fn a_read_only_work_tree_is_tested_and_reported_elsewhere() {
    for engine in engines() {
        let sandbox = Sandbox::new();
        let repo = sample::workspace(&sandbox).dir("one", |dir| dir.test("test_a.py", "def test(): pass\n")).build();
        let path = repo.path().to_str().unwrap().to_owned();
        let _mounted = Mounted::new(repo.path(), &["--bind", &path]);
        mount(&["-o", "remount,bind,ro"], repo.path());
        let output = wharf_test(&sandbox, &repo, engine, &[]).run();
        output.assert_code(0).stderr_contains("the work tree is read-only, so reports go to");
        assert!(!repo.join(".wharf").exists());
        let place = output.stdout.lines().find_map(|line| line.strip_prefix("report: ")).expect("it names its report");
        let report = Report::read(Path::new(place).parent().unwrap());
        report.assert_verdicts("one", &[("test_a.py::test", "passed")]);
    }
}

#[test]
fn an_engine_that_stops_midway_is_named() {
    // Stopping the engine itself would end all other tests: its client ends as it does when the engine stops.
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox)
        .dir("one", |dir| {
            dir.test("test_a.py", "import time\ndef test_first(): pass\n\ndef test_long(): time.sleep(600)\n")
        })
        .build();
    let real = sandbox.command("sh").args(["-c", "command -v docker"]).run().stdout.trim().to_owned();
    let bin = sandbox.path().join("bin");
    fs_err::create_dir(&bin).unwrap();
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *wharf_plugin*) ;; *) exec {real} \"$@\" ;; esac\n\
         {real} \"$@\" & child=$!\nsleep 3\nkill -9 $child\n\
         echo 'error waiting for container: unexpected EOF' >&2\nexit 125\n"
    );
    let program = bin.join("docker");
    fs_err::write(&program, script).unwrap();
    assert!(Command::new("chmod").arg("+x").arg(&program).status().unwrap().success());
    let path = format!("{}:{}", bin.display(), sandbox_path(&sandbox));
    let output = wharf_test(&sandbox, &repo, EngineKind::Docker, &[]).env("PATH", path).run();
    output.assert_code(1);
    let report = Report::of_run(&repo, 1);
    report.assert_verdicts("one", &[("test_a.py::test_first", "passed"), ("test_a.py::test_long", "crashed")]);
    assert_eq!(report.cause("one"), "the engine stopped while it ran");
    assert_eq!(containers(&sandbox, &repo, EngineKind::Docker), [""; 0], "what the client lost is removed");
}

fn sandbox_path(sandbox: &Sandbox) -> String {
    let found = sandbox.variables().iter().find(|(name, _)| name == "PATH");
    found.map(|(_, value)| value.to_string_lossy().into_owned()).expect("a sandbox has a PATH")
}

#[test]
fn json_is_all_that_standard_output_has() {
    let sandbox = Sandbox::new();
    let test = "def test_fails(): assert False, 'a, b: 100%'\n\ndef test(): pass\n";
    let repo = sample::workspace(&sandbox).dir("one", |dir| dir.test("test_a.py", test)).build();
    let output = wharf_test(&sandbox, &repo, EngineKind::Docker, &["--json"]).run();
    output.assert_code(1).stderr_contains("FAILED one/test_a.py::test_fails");
    let from_file = Report::of_run(&repo, 1).0;
    assert_eq!(output.json(), from_file);
    // In GitHub Actions too, where the annotations go to the other stream.
    let output = wharf_test(&sandbox, &repo, EngineKind::Docker, &["--json"]).env("GITHUB_ACTIONS", "true").run();
    let report: Value = output.assert_code(1).json();
    assert_eq!(report["summary"]["failed"], 1);
    let output = wharf_test(&sandbox, &repo, EngineKind::Docker, &[]).env("GITHUB_ACTIONS", "true").run();
    output.assert_code(1);
    output.stdout_contains("::error file=one/test_a.py,line=1,title=FAILED one/test_a.py%3A%3Atest_fails::");
    output.stdout_contains("a, b: 100%25");
    wharf_test(&sandbox, &repo, EngineKind::Docker, &[]).run().stdout_lacks("::error");
}
