//! `wharf test` that is stopped, killed, or not alone.

use std::time::{Duration, Instant};

use wharf_testkit::{EngineKind, Repo, Running, Sandbox, Signal, engines, sample};

use crate::testing::{Report, containers, wait_for, wharf_test};

/// A first test that passes, and one that takes longer than anyone waits.
const LONG: &str = "\
import subprocess, time

def test_first(): pass

def test_long():
    subprocess.run(['sleep', '987654'])

def test_never(): pass
";

fn long(sandbox: &Sandbox) -> Repo {
    sample::workspace(sandbox)
        .dir("long", |dir| dir.test("test_a.py", LONG))
        .dir("later", |dir| dir.test("test_a.py", "def test(): pass\n"))
        .build()
}

/// Starts it and waits until the long test runs.
fn start(sandbox: &Sandbox, repo: &Repo, engine: EngineKind, arguments: &[&str]) -> Running {
    let running = wharf_test(sandbox, repo, engine, &["-j", "1", "long", "later"]).args(arguments).spawn();
    wait_for("the long test to run", || {
        assert!(running.so_far().code.is_none(), "{}", running.so_far().told());
        children_of(repo) > 0
    });
    running
}

/// How many `sleep 987654` run in a container or on the host for this repo.
fn children_of(repo: &Repo) -> usize {
    let processes = fs_err::read_dir("/proc").expect("Linux has it").flatten();
    let of_test = |path: &std::path::Path| {
        let line = std::fs::read(path.join("cmdline")).unwrap_or_default();
        let environment = std::fs::read(path.join("environ")).unwrap_or_default();
        let home = repo.path().parent().expect("a repo is in a folder").as_os_str().as_encoded_bytes();
        let mine = environment.windows(home.len()).any(|window| window == home);
        line.starts_with(b"sleep\0987654") && (mine || in_container_of(path, repo))
    };
    processes.filter(|entry| of_test(&entry.path())).count()
}

/// Whether a process sees this repo's folder as one of its mounts.
fn in_container_of(process: &std::path::Path, repo: &Repo) -> bool {
    let mounts = std::fs::read_to_string(process.join("mountinfo")).unwrap_or_default();
    let root = repo.path().to_str().expect("a sandbox has a plain path");
    mounts.lines().any(|line| line.split(' ').nth(3).is_some_and(|source| root.ends_with(source) && source.len() > 1))
}

fn assert_interrupted(repo: &Repo) -> Report {
    let report = Report::of_run(repo, 1);
    assert_eq!(report.0["interrupted"], true);
    assert_eq!(report.0["exit_code"], 130);
    assert_eq!(report.status("long"), "interrupted");
    // Whose turn comes first depends on whose image is known first.
    assert!(["interrupted", "passed"].contains(&report.status("later")), "{}", report.dir("later"));
    assert_interrupted_dir(&report);
    report
}

fn assert_interrupted_dir(report: &Report) {
    report.assert_verdicts(
        "long",
        &[
            ("test_a.py::test_first", "passed"),
            ("test_a.py::test_long", "not-run"),
            ("test_a.py::test_never", "not-run"),
        ],
    );
}

#[test]
fn one_signal_ends_it_with_what_is_known() {
    for (engine, signal) in [
        (EngineKind::Docker, Signal::INT),
        (EngineKind::Docker, Signal::TERM),
        (EngineKind::Podman, Signal::INT),
        (EngineKind::Host, Signal::INT),
    ] {
        if !engines().contains(&engine) {
            continue;
        }
        let sandbox = Sandbox::new();
        let repo = long(&sandbox);
        let running = start(&sandbox, &repo, engine, &[]);
        let asked = Instant::now();
        running.signal_group(signal);
        let output = running.wait();
        output.assert_code(130).stderr_contains("stopping:");
        assert!(asked.elapsed() < Duration::from_secs(9), "{engine} {signal:?}: {:?}", asked.elapsed());
        assert_interrupted(&repo);
        output.stdout_contains(".wharf/runs/1");
        if engine.has_containers() {
            assert_eq!(containers(&sandbox, &repo, engine), [""; 0], "{engine} {signal:?}");
        }
        wait_for("the tests' processes to be gone", || children_of(&repo) == 0);
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    for engine in engines() {
        let sandbox = Sandbox::new();
        // It does not listen to the first.
        let deaf = LONG.replace(
            "import subprocess, time\n",
            "import signal, subprocess, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n",
        );
        let repo = long(&sandbox);
        repo.write("long/test_a.py", deaf);
        let running = start(&sandbox, &repo, engine, &[]);
        running.signal(Signal::INT);
        running.wait_stderr_contains("once more");
        let asked = Instant::now();
        running.signal(Signal::INT);
        running.wait().assert_code(130);
        assert!(asked.elapsed() < Duration::from_secs(3), "{engine}: {:?}", asked.elapsed());
        assert_interrupted(&repo);
        if engine.has_containers() {
            wait_for("its container to be gone", || containers(&sandbox, &repo, engine).is_empty());
        }
        wait_for("the tests' processes to be gone", || children_of(&repo) == 0);
    }
}

#[test]
fn what_a_killed_wharf_leaves_is_removed_by_the_next() {
    for engine in engines() {
        let sandbox = Sandbox::new();
        let repo = long(&sandbox);
        let folder = sandbox.path().join("reports");
        let arguments = ["--report-dir", folder.to_str().unwrap()];
        wharf_test(&sandbox, &repo, engine, &["later"]).args(arguments).run().assert_code(0);
        assert!(folder.join("report.json").exists());
        let running = start(&sandbox, &repo, engine, &arguments);
        running.signal(Signal::KILL);
        running.wait().assert_signal(Signal::KILL);
        // The report of the run before is not taken for that of the one that never ended.
        assert!(!folder.join("report.json").exists() && !folder.join("junit.xml").exists());
        if engine.has_containers() {
            assert_eq!(containers(&sandbox, &repo, engine).len(), 1, "{engine}");
        }
        let next = wharf_test(&sandbox, &repo, engine, &["later"]).run();
        next.assert_code(0).stderr_contains("removed what a killed wharf left behind");
        assert_eq!(containers_or_none(&sandbox, &repo, engine), [""; 0], "{engine}");
        wait_for("the tests' processes to be gone", || children_of(&repo) == 0);
    }
}

fn containers_or_none(sandbox: &Sandbox, repo: &Repo, engine: EngineKind) -> Vec<String> {
    if engine.has_containers() { containers(sandbox, repo, engine) } else { Vec::new() }
}

#[test]
fn two_at_once_do_not_disturb_each_other() {
    for engine in [EngineKind::Docker, EngineKind::Host] {
        let sandbox = Sandbox::new();
        let slow = "import time, pytest\n@pytest.mark.parametrize('n', range(5))\n\
            def test_n(n):\n    time.sleep(0.3)\n    assert n != 3\n";
        let repo = sample::workspace(&sandbox)
            .dir("one", |dir| dir.test("test_a.py", slow))
            .dir("two", |dir| dir.test("test_a.py", slow))
            .build();
        let both = [(); 2].map(|()| wharf_test(&sandbox, &repo, engine, &["-j", "2"]).spawn());
        let outputs = both.map(Running::wait);
        for output in &outputs {
            output.assert_code(1).stderr_lacks("removed what").stdout_lacks("warning");
        }
        for run in [1, 2] {
            let report = Report::of_run(&repo, run);
            assert_eq!(report.0["run"], run);
            assert_eq!((&report.0["summary"]["passed"], &report.0["summary"]["failed"]), (&8.into(), &2.into()));
        }
    }
}

#[test]
fn a_container_that_is_killed_midway_names_its_test() {
    for engine in engines().into_iter().filter(|engine| engine.has_containers()) {
        let sandbox = Sandbox::new();
        let repo = long(&sandbox);
        let running = start(&sandbox, &repo, engine, &["--json"]);
        let names = containers(&sandbox, &repo, engine);
        assert_eq!(names.len(), 1);
        sandbox.command(engine.name()).args(["kill", &names[0]]).run().assert_code(0);
        running.wait().assert_code(1);
        let report = Report::of_run(&repo, 1);
        report.assert_verdicts(
            "long",
            &[
                ("test_a.py::test_first", "passed"),
                ("test_a.py::test_long", "crashed"),
                ("test_a.py::test_never", "passed"),
            ],
        );
        let crashed = report.test("long/test_a.py::test_long");
        assert_eq!(crashed["message"], "it was killed (out of memory?)");
        assert_eq!(report.status("later"), "passed");
    }
}

#[test]
fn a_terminal_shows_a_line_a_dir_and_then_the_table() {
    let sandbox = Sandbox::new();
    let slow = "import time\ndef test_first(): pass\n\ndef test_slow(): time.sleep(3)\n";
    let repo = sample::workspace(&sandbox)
        .dir("quick", |dir| dir.test("test_a.py", "def test_bad(): assert 1 == 2\n"))
        .dir("slow", |dir| dir.test("test_a.py", slow))
        .build();
    let terminal = wharf_test(&sandbox, &repo, EngineKind::Docker, &["-j", "2"]).spawn_in_terminal(30, 100);
    terminal.wait_screen("a bar of the dir that runs, with its test", |screen| {
        screen.lines().any(|line| line.contains("slow") && line.contains("1/2") && line.contains("test_slow"))
    });
    terminal.wait_screen_contains("report: .wharf/runs/1/report.html");
    let screen = terminal.screen();
    let output = terminal.wait_exit();
    output.assert_code(1);
    let lines: Vec<&str> = screen.lines().collect();
    assert!(lines.iter().any(|line| line.contains("FAILED quick/test_a.py::test_bad")), "{screen}");
    let head = lines.iter().position(|line| line.starts_with("dir ")).unwrap_or_else(|| panic!("no table\n{screen}"));
    assert!(lines[head + 1].starts_with("quick ") && lines[head + 2].starts_with("slow "), "{screen}");
    assert!(!screen.contains("1/2"), "no bar is left over\n{screen}");
    assert_eq!(lines.last(), Some(&"report: .wharf/runs/1/report.html"), "{screen}");
    let hidden = output.stdout.rfind("\x1b[?25l");
    assert!(hidden.is_none() || hidden < output.stdout.rfind("\x1b[?25h"), "the cursor is shown again");
}

#[test]
fn ctrl_c_in_a_terminal_leaves_a_clean_screen() {
    let sandbox = Sandbox::new();
    let repo = long(&sandbox);
    let command = wharf_test(&sandbox, &repo, EngineKind::Docker, &["--dir", "long"]).env("NO_COLOR", "1");
    let mut terminal = command.spawn_in_terminal(30, 100);
    terminal.wait_screen("the long test", |screen| screen.contains("test_long"));
    wait_for("the long test to run", || children_of(&repo) > 0);
    terminal.send("\x03");
    terminal.wait_screen_contains("report: .wharf/runs/1/report.html");
    let screen = terminal.screen();
    let output = terminal.wait_exit();
    output.assert_code(130);
    assert!(screen.lines().all(|line| !line.contains("1/3")), "no bar is left over\n{screen}");
    for color in ["\x1b[3", "\x1b[1m", "\x1b[2m"] {
        assert!(!output.stdout.contains(color), "NO_COLOR is obeyed: {}", output.stdout.escape_debug());
    }
    assert_interrupted_dir(&Report::of_run(&repo, 1));
    assert_eq!(containers(&sandbox, &repo, EngineKind::Docker), [""; 0]);
}

#[test]
fn a_signal_while_images_are_built_ends_it_too() {
    for engine in engines().into_iter().filter(|engine| engine.has_containers()) {
        let sandbox = Sandbox::new();
        let own = format!("#!/bin/sh\n# {}\necho it builds\nsleep 60\n", sandbox.path().display());
        let repo = sample::workspace(&sandbox)
            .dir("slow", |dir| {
                dir.toml("[os]\nscripts = [\"slow.sh\"]\n").file("devops/slow.sh", own).test("test_a.py", LONG)
            })
            .dir("fine", |dir| dir.test("test_a.py", "def test(): pass\n"))
            .build();
        let running = wharf_test(&sandbox, &repo, engine, &[]).spawn();
        running.wait_stderr_contains("fine: 1 passed");
        running.signal(Signal::INT);
        let asked = Instant::now();
        let output = running.wait();
        output.assert_code(130);
        assert!(asked.elapsed() < Duration::from_secs(9), "{engine}: {:?}", asked.elapsed());
        let report = Report::of_run(&repo, 1);
        assert_eq!((report.status("slow"), report.status("fine")), ("interrupted", "passed"));
        assert_eq!(report.0["interrupted"], true);
        // What one that was stopped knows of failures is not all: the record of the one before stays.
        wharf_test(&sandbox, &repo, engine, &["--last-failed"]).run().assert_code(4);
    }
}
