//! `wharf logs` of running tests: the log of their run, for the engine keeps none.

use wharf_testkit::{EngineKind, Repo, Running, Sandbox, Signal, engines, sample};

use crate::testing::{wait_for, wharf_test};

/// Says something, waits until it is told to go on, and says more than any buffer holds.
const TALKS: &str = "\
import pathlib, time

GO = pathlib.Path(__file__).with_name('go')

def test_talks(capfd):
    with capfd.disabled():
        print('\\nhello from the test', flush=True)
        while not GO.exists():
            time.sleep(0.05)
        for number in range(20000):
            print('line', number)
        print('the last words', flush=True)
";

fn repo(sandbox: &Sandbox) -> Repo {
    sample::workspace(sandbox).name("talks").dir("a", |dir| dir.test("test_a.py", TALKS)).build()
}

fn wharf(sandbox: &Sandbox, repo: &Repo, engine: EngineKind, args: &[&str]) -> wharf_testkit::WharfCommand {
    sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(repo.path()).args(["--engine", engine.name()]).args(args)
}

/// Starts the tests and waits until they can be read along.
fn start(sandbox: &Sandbox, repo: &Repo, engine: EngineKind) -> Running {
    let running = wharf_test(sandbox, repo, engine, &["a"]).spawn();
    wait_for("the test to have said something", || {
        assert!(running.so_far().code.is_none(), "{}", running.so_far().told());
        wharf(sandbox, repo, engine, &["logs", "a"]).run().stdout.contains("hello from the test\n")
    });
    running
}

#[test]
fn tests_can_be_read_along() {
    for engine in engines() {
        let sandbox = Sandbox::new();
        let repo = repo(&sandbox);
        let running = start(&sandbox, &repo, engine);
        let listed = wharf(&sandbox, &repo, engine, &["ps", "--json"]).run().json();
        let log = repo.join(".wharf/runs/1/a.log");
        assert_eq!(listed[0]["log"], log.to_string_lossy().as_ref(), "{listed}");
        let name = listed[0]["name"].as_str().expect("a name").to_owned();
        if engine.has_containers() {
            let kept = sandbox.command(engine.name()).args(["logs", &name]).run();
            assert_ne!(kept.code, Some(0), "the engine keeps no copy: {}", kept.told());
        }
        let follower = wharf(&sandbox, &repo, engine, &["logs", "--follow", &name]).spawn();
        follower.wait_stdout_contains("hello from the test\n");
        let stopped = wharf(&sandbox, &repo, engine, &["logs", "-f", "a"]).spawn();
        stopped.wait_stdout_contains("hello from the test\n");
        stopped.signal(Signal::INT);
        stopped.wait().assert_code(130);

        repo.write("a/go", "");
        running.wait().assert_code(0);
        let followed = follower.wait();
        followed.assert_code(0).stdout_contains("line 19999\nthe last words\n");
        assert_eq!(followed.stdout, fs_err::read_to_string(&log).expect("it is kept"), "{engine}: all of it, once");
        wharf(&sandbox, &repo, engine, &["logs", "a"]).run().assert_code(2).stderr_contains("wharf ps");
    }
}

#[test]
fn a_log_that_is_gone_is_named() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    let running = start(&sandbox, &repo, EngineKind::Host);
    fs_err::remove_file(repo.join(".wharf/runs/1/a.log")).expect("it is there");
    let output = wharf(&sandbox, &repo, EngineKind::Host, &["logs", "a"]).run();
    output.assert_code(4).stderr_contains("runs/1/a.log` cannot be shown").stderr_contains("hint: ");
    repo.write("a/go", "");
    running.wait().assert_code(0);
}
