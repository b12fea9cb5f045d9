//! Several at once, and one that is killed midway.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use wharf_process::{Command, Running};

use super::*;

const CACHE: &str = "WHARF_TEST_HOST_CACHE";

fn slow() -> VenvSpec {
    spec("atonce", &[packages(&["iniconfig==2.0.0", "six==1.16.0", "pygments==2.18.0"])])
}

/// The part of the tests below that runs in a process of its own; does nothing when started as a test.
#[test]
fn in_another_process() {
    let Some(cache) = std::env::var_os(CACHE) else { return };
    let tools = without_uv(host_at(Path::new(&cache)));
    let venv = tools.ensure(&slow(), &mut |line| println!("{line}")).unwrap();
    println!("made {}", venv.path.display());
}

fn another_process(cache: &Path) -> Command {
    let name = "host::tests::atonce::in_another_process";
    Command::new(std::env::current_exe().unwrap()).args(["--exact", name, "--nocapture"]).env(CACHE, cache)
}

#[test]
fn ten_threads_make_it_once() {
    let (_folder, tools) = host();
    let paths: Vec<PathBuf> = std::thread::scope(|scope| {
        let ask = || tools.ensure(&slow(), &mut quiet()).unwrap().path;
        let threads: Vec<_> = (0..10).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(paths.iter().all(|path| *path == paths[0]));
    assert_eq!(attempts(&tools), [paths[0].clone()]);
}

#[test]
fn ten_processes_make_it_once_and_say_for_whom_they_wait() {
    let (_folder, tools) = host();
    let texts: Vec<String> = std::thread::scope(|scope| {
        let ask = || another_process(&tools.cache).run_checked().unwrap().text();
        let threads: Vec<_> = (0..10).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let count = |part: &str| texts.iter().filter(|text| text.contains(part)).count();
    assert_eq!(count("Successfully installed"), 1, "{texts:?}");
    assert_eq!(count("made "), 10);
    assert!(count("waiting for process ") >= 1, "{texts:?}");
    assert_eq!(attempts(&tools).len(), 1);
}

/// Starts another process that makes the environment, and waits until it is in the midst of it.
fn start_and_wait(tools: &HostTools) -> Running {
    let running = another_process(&tools.cache).stream(|_| {}).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !attempts(tools).iter().any(|attempt| attempt.join("bin/python").exists()) {
        assert!(Instant::now() < deadline, "the environment was never begun");
        std::thread::sleep(Duration::from_millis(5));
    }
    running
}

#[test]
fn killed_midway_it_is_made_anew() {
    let (_folder, tools) = host();
    let tools = without_uv(tools);
    let running = start_and_wait(&tools);
    assert!(tools.find(&slow()).is_none(), "half an environment is none");
    let remains = attempts(&tools);
    // Only Wharf itself is killed: its installer lives on and goes on writing.
    kill_process(Pid::from_raw(i32::try_from(running.id()).unwrap()).unwrap(), Signal::KILL).unwrap();
    let venv = tools.ensure(&slow(), &mut quiet()).unwrap();
    assert!(!running.wait().unwrap().is_success());
    assert!(!remains.contains(&venv.path), "the installer that lives on must not meet the new one");
    assert_eq!(installed(&venv), ["Pygments 2.18.0", "iniconfig 2.0.0", "six 1.16.0"]);
    assert_eq!(tools.find(&slow()).unwrap().path, venv.path);
}

#[test]
fn an_environment_whose_python_is_gone_is_made_anew() {
    let (_folder, tools) = host();
    let venv = tools.ensure(&spec("k", &[]), &mut quiet()).unwrap();
    std::fs::remove_file(venv.bin().join("python")).unwrap();
    assert!(tools.find(&spec("k", &[])).is_none());
    let again = tools.ensure(&spec("k", &[]), &mut quiet()).unwrap();
    assert_eq!(python(&again, "print(1)"), "1");
}

#[test]
fn one_that_is_being_made_is_not_pruned() {
    let (_folder, tools) = host();
    let running = start_and_wait(&tools);
    let removed = tools.prune(Duration::ZERO, std::time::SystemTime::now() + Duration::from_secs(60)).unwrap();
    assert!(removed.is_empty(), "{removed:?}");
    assert!(running.wait().unwrap().is_success());
    assert_eq!(tools.list().len(), 1);
}
