//! `wharf test --watch`: what each save runs, in a container that waits, and how it ends.

use std::process::Command;
use std::time::{Duration, Instant};

use wharf_testkit::{EngineKind, Repo, Running, Sandbox, Signal, sample};

use crate::testing::{Report, wharf_test};

const UNIT: &str = "import lib.code\n\ndef test_code(): assert lib.code.VALUE == 1\n";

fn repo(sandbox: &Sandbox) -> Repo {
    sample::workspace(sandbox)
        .dir("alpha", |dir| {
            dir.test("tests/test_code.py", UNIT).test(
                "tests/test_data.py",
                "import pathlib\n\ndef test_data(): assert (pathlib.Path(__file__).parent / 'data.txt').read_text() == 'good'\n",
            )
            .file("tests/data.txt", "good")
        })
        .dir("beta", |dir| dir.test("test_b.py", "import os\n\ndef test_b(): assert os.environ.get('COLOUR') != 'red'\n"))
        .file("lib/__init__.py", "")
        .file("lib/code.py", "VALUE = 1\n")
        .file(".gitignore", "*.log\n")
        .build()
}

fn write(repo: &Repo, path: &str, text: &str) {
    fs_err::write(repo.join(path), text).unwrap();
}

fn watch(sandbox: &Sandbox, repo: &Repo, engine: EngineKind) -> Running {
    let running =
        wharf_test(sandbox, repo, engine, &["--watch"]).deadline(Duration::from_secs(240)).stdin_open().spawn();
    running.wait_stderr_contains("watching ");
    running
}

/// Waits for a round's line and gives it.
#[track_caller]
fn round(running: &Running, number: usize) -> String {
    let head = format!("round {number}: ");
    running.wait_stdout_contains(&head);
    running.wait_until("the round's line to end", |stdout, _| {
        stdout.split(&head).nth(1).is_some_and(|rest| rest.contains('\n'))
    });
    let stdout = running.so_far().stdout;
    stdout.lines().find(|line| line.contains(&head)).unwrap().to_owned()
}

/// Containers of this workspace.
fn containers(repo: &Repo) -> Vec<String> {
    let filter = format!("label=dev.wharf.root={}", repo.path().display());
    let output = Command::new("docker").args(["ps", "--quiet", "--no-trunc", "--filter", &filter]).output().unwrap();
    assert!(output.status.success());
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

#[track_caller]
fn wait_for_containers(repo: &Repo, count: usize) {
    let deadline = Instant::now() + Duration::from_secs(90);
    while containers(repo).len() != count {
        assert!(Instant::now() < deadline, "{:?}", containers(repo));
    }
}

#[test]
fn each_save_runs_what_it_reaches_in_the_container_that_waits() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    let mut running = watch(&sandbox, &repo, EngineKind::Docker);
    let mut before = containers(&repo);
    assert_eq!(before.len(), 2, "one a dir");

    write(&repo, "lib/code.py", "VALUE = 2\n");
    let line = round(&running, 1);
    assert!(line.starts_with("error: round 1: lib/code.py: 1 failed in "), "{line}");
    assert!(running.so_far().stdout.contains("test_code"), "the failure is shown");
    // Renamed over, as editors do; and what Git ignores, which reaches nothing.
    write(&repo, "tests.log", "");
    write(&repo, "alpha/tests/.data.txt.new", "bad");
    fs_err::rename(repo.join("alpha/tests/.data.txt.new"), repo.join("alpha/tests/data.txt")).unwrap();
    let line = round(&running, 2);
    assert!(line.contains("1 failed in ") && line.ends_with("; 1 others failed before and were not run"), "{line}");
    // Several files at once: one round.
    write(&repo, "lib/code.py", "VALUE = 1\n");
    write(&repo, "alpha/tests/data.txt", "good");
    let line = round(&running, 3);
    assert!(line.starts_with("ok: round 3: ") && !line.contains("failed"), "{line}");
    let mut now = containers(&repo);
    now.sort();
    before.sort();
    assert_eq!(now, before, "still the same ones");

    // Other circumstances: another container, for this dir only.
    let toml = repo.join("beta/devops/wharf.toml");
    let text = fs_err::read_to_string(&toml).unwrap();
    fs_err::write(&toml, format!("{text}\nrun.env = [\"COLOUR=red\"]\n")).unwrap();
    let line = round(&running, 4);
    assert!(line.starts_with("error: round 4: beta/devops/wharf.toml: 1 failed in "), "{line}");
    let mut now = containers(&repo);
    now.sort();
    assert_eq!(now.len(), 2);
    assert_eq!(now.iter().filter(|id| before.contains(id)).count(), 1);
    // A mistake in the configuration is said, and put right.
    fs_err::write(&toml, "[nonsense").unwrap();
    running.wait_stderr_contains("beta/devops/wharf.toml");
    fs_err::write(&toml, &text).unwrap();
    running.wait_until("beta to pass again", |stdout, _| {
        stdout.lines().any(|line| line.starts_with("ok: ") && line.contains("beta/devops/wharf.toml"))
    });

    running.send("\n");
    running.wait_until("all to run", |stdout, _| stdout.lines().any(|line| line.contains(": all: ")));
    running.send("q");
    running.wait().assert_code(0);
    assert_eq!(containers(&repo), [] as [&str; 0]);
}

#[test]
fn a_process_that_dies_and_what_a_round_leaves_behind_do_no_harm() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox).dir("alpha", |dir| dir.test("test_a.py", "def test_a(): pass\n")).build();
    let mut running = watch(&sandbox, &repo, EngineKind::Docker);
    // It takes a port and leaves a process that holds it.
    let leave = "import subprocess, sys\n\ndef test_port():\n    code = 'import socket, time; s = socket.create_server((\"127.0.0.1\", 4711)); print(1, flush=True); time.sleep(600)'\n    child = subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE, start_new_session=True)\n    assert child.stdout.readline() == b'1\\n'  # NUMBER\n";
    for number in 1..=2 {
        write(&repo, "alpha/test_a.py", &leave.replace("NUMBER", &number.to_string()));
        let line = round(&running, number);
        assert!(line.starts_with("ok: "), "{line}: {}", running.so_far().stdout);
    }
    write(
        &repo,
        "alpha/test_a.py",
        "import os, signal\n\ndef test_a(): os.kill(os.getpid(), signal.SIGKILL)\n\ndef test_b(): pass\n",
    );
    let line = round(&running, 3);
    assert!(line.starts_with("error: ") && line.contains("1 passed, 1 failed"), "{line}");
    // A module that comes in front of one that is loaded already, and that pytest cannot do with.
    write(&repo, "alpha/test_a.py", "import json\n\ndef test_a(): assert json.loads('1') == 1\n");
    assert!(round(&running, 4).starts_with("ok: "));
    write(&repo, "alpha/json.py", "OWN = True\n");
    let line = round(&running, 5);
    assert!(line.starts_with("error: "), "a fresh process would find it: {line}");
    fs_err::remove_file(repo.join("alpha/json.py")).unwrap();
    let line = round(&running, 6);
    assert!(line.starts_with("ok: "), "{line}: {}", running.so_far().stdout);
    running.send("q");
    running.wait().assert_code(0);
}

#[test]
fn ctrl_c_ends_it_and_a_kill_leaves_nothing_for_long() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    let mut terminal = wharf_test(&sandbox, &repo, EngineKind::Docker, &["--watch"]).spawn_in_terminal(40, 120);
    terminal.wait_written_contains("return runs all, q ends");
    write(&repo, "lib/code.py", "VALUE = 1 \n");
    terminal.wait_written_contains("round 1: lib/code.py: 1 passed in ");
    terminal.send("\r");
    terminal.wait_written_contains("round 2: all: ");
    terminal.send("\x03");
    terminal.wait_exit().assert_code(130);
    assert_eq!(containers(&repo), [] as [&str; 0]);

    let running = watch(&sandbox, &repo, EngineKind::Docker);
    // Also where all is known.
    wait_for_containers(&repo, 2);
    running.signal(Signal::KILL);
    // Its containers end when nobody holds their input any more.
    wait_for_containers(&repo, 0);
}

#[test]
fn files_that_go_and_come_and_what_decides_an_image_are_seen() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    fs_err::create_dir(repo.join("kept")).unwrap();
    write(&repo, "kept/value.txt", "1");
    write(&repo, ".gitignore", "*.log\nkept/\n");
    repo.git(&["add", "--force", "kept/value.txt"]);
    let mut running = watch(&sandbox, &repo, EngineKind::Host);
    fs_err::remove_file(repo.join("alpha/tests/data.txt")).unwrap();
    let line = round(&running, 1);
    assert!(line.starts_with("error: round 1: alpha/tests/data.txt: 1 failed in "), "{line}");
    // A folder that comes with a file in it, and another file later.
    fs_err::create_dir(repo.join("beta/more")).unwrap();
    let test = "import pathlib, pytest\n\n@pytest.mark.skip\ndef test_not(): pass\n\ndef test_more():\n    \
                assert (pathlib.Path(__file__).parents[2] / 'kept/value.txt').read_text() == '1'\n";
    write(&repo, "beta/more/test_more.py", test);
    let line = round(&running, 2);
    assert!(line.contains("1 passed, 1 skipped"), "{line}");
    write(&repo, "beta/more/test_last.py", "def test_last(): pass\n");
    let line = round(&running, 3);
    assert!(line.starts_with("ok: round 3: beta/more/test_last.py: 1 passed"), "{line}");
    // Git tracks it though it ignores the folder.
    write(&repo, "kept/value.txt", "2");
    let line = round(&running, 4);
    assert!(line.starts_with("error: round 4: kept/value.txt: 1 failed"), "{line}");
    // All of the dir runs in another environment.
    write(&repo, "beta/requirements.txt", "# nothing\n");
    let line = round(&running, 5);
    assert!(line.starts_with("error: round 5: beta/requirements.txt: 2 passed, 1 failed, 1 skipped"), "{line}");
    running.send("q");
    running.wait().assert_code(1);
}

#[test]
fn on_the_host_and_with_podman_it_is_the_same() {
    for engine in [EngineKind::Host, EngineKind::Podman] {
        let sandbox = Sandbox::new();
        let repo = repo(&sandbox);
        let mut running = watch(&sandbox, &repo, engine);
        write(&repo, "lib/code.py", "VALUE = 2\n");
        let line = round(&running, 1);
        assert!(line.starts_with("error: round 1: lib/code.py: 1 failed in "), "{line}");
        write(&repo, "lib/code.py", "VALUE = 1\n");
        let line = round(&running, 2);
        assert!(line.starts_with("ok: round 2: lib/code.py: 1 "), "{line}");
        running.send("q");
        running.wait().assert_code(0);
        assert!(!Report::of_run(&repo, 2).dirs().contains(&"beta"), "only what is reached is in a round's report");
    }
}

#[test]
fn what_does_not_go_with_it_is_refused() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    for arguments in [&["--watch", "--stage", "prod"][..], &["--watch", "--split", "2"], &["--watch", "--plan"]] {
        wharf_test(&sandbox, &repo, EngineKind::Host, arguments).run().assert_code(2);
    }
}
