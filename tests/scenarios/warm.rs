//! Containers that are kept for the next command.

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use wharf_testkit::{EngineKind, Repo, Sandbox, Signal, WharfCommand, engines, sample};

/// Ends the warm containers of a workspace, however the test ends.
struct Ended<'a>(&'a Sandbox, &'a Repo, EngineKind);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        wharf(self.0, self.1, self.2).args(["stop", "--all", "--time", "0"]).run();
    }
}

fn wharf(sandbox: &Sandbox, repo: &Repo, engine: EngineKind) -> WharfCommand {
    sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(repo.path()).args(["--engine", engine.name()])
}

fn containers() -> impl Iterator<Item = EngineKind> {
    engines().into_iter().filter(|engine| engine.has_containers())
}

fn toml(warm: &str) -> String {
    format!("[python]\nmanager = \"none\"\n[run]\nwarm = \"{warm}\"\n")
}

fn repo(sandbox: &Sandbox, warm: &str) -> Repo {
    sample::workspace(sandbox)
        .dir("infra", |dir| dir.no_requirements().toml(&toml(warm)).file("a.txt", "hello\n"))
        .build()
}

/// Which container it is: the host name is the start of its id.
fn who(run: WharfCommand) -> String {
    run.args(["--", "cat", "/etc/hostname"]).run().assert_code(0).stdout.clone()
}

fn listed(sandbox: &Sandbox, repo: &Repo, engine: EngineKind) -> Vec<serde_json::Value> {
    let output = wharf(sandbox, repo, engine).args(["ps", "--json"]).run();
    output.assert_code(0);
    serde_json::from_str(&output.stdout).expect("a listing in JSON")
}

fn wait_until(what: &str, is_met: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_met() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn the_next_command_is_in_the_same_container() {
    for engine in containers() {
        let sandbox = Sandbox::new();
        let repo = repo(&sandbox, "10m");
        let _ended = Ended(&sandbox, &repo, engine);
        let run = || wharf(&sandbox, &repo, engine).args(["run", "infra"]);
        let first = who(run());
        assert_eq!(who(run()), first, "{engine}");
        let listed = listed(&sandbox, &repo, engine);
        assert_eq!(listed.len(), 1, "{listed:?}");
        assert_eq!((&listed[0]["verb"], &listed[0]["warm"]["in_use"]), (&"warm".into(), &false.into()));
        assert!(listed[0]["warm"]["until"].as_u64().is_some(), "{listed:?}");
        let output = wharf(&sandbox, &repo, engine).arg("ps").run();
        output.assert_code(0).stdout_contains("kept until ");
        // What asks for another container gets one, and this one stays.
        assert_ne!(who(run().arg("--fresh")), first, "{engine}");
        assert_ne!(who(run().args(["--volume", "./infra:/other"])), first, "{engine}");
        assert_eq!(who(run()), first, "{engine}");
        // Another configuration is another container, and ends this one.
        repo.write("infra/devops/wharf.toml", format!("{}env = [\"A=1\"]\n", toml("10m")));
        let second = who(run());
        assert_ne!(second, first, "{engine}");
        assert_eq!(self::listed(&sandbox, &repo, engine).len(), 1, "{engine}: the first one is gone");
        wharf(&sandbox, &repo, engine).args(["stop", "infra", "--time", "0"]).run().assert_code(0);
        assert_eq!(self::listed(&sandbox, &repo, engine).len(), 0, "{engine}");
        assert_ne!(who(run()), second, "{engine}: it was stopped");
    }
}

#[test]
fn a_command_is_as_in_a_container_of_its_own() {
    for engine in containers() {
        let sandbox = Sandbox::new();
        let repo = repo(&sandbox, "10m");
        let _ended = Ended(&sandbox, &repo, engine);
        let run = |args: &[&str]| wharf(&sandbox, &repo, engine).args(["run", "infra"]).args(args);
        let output = run(&["--", "sh", "-c", "cat; cat a.txt; echo err >&2; exit 7"]).stdin("given\n").run();
        output.assert_code(7).stderr_contains("err\n");
        assert_eq!(output.stdout, "given\nhello\n", "{engine}");
        assert_eq!(run(&["--", "cat"]).run().assert_code(0).stdout, "");
        run(&["--", "no-such-program"]).run().assert_code(127);
        let script = "echo $GIVEN/$PASSED/${UNSET-no}; id -u; pwd";
        let flags = ["-e", "GIVEN=a b", "-e", "PASSED", "-e", "UNSET", "--user", "1234", "-w", "devops", "--"];
        let output = run(&[&flags[..], &["sh", "-c", script]].concat()).env("PASSED", "on").run();
        assert_eq!(output.assert_code(0).stdout, "a b/on/no\n1234\n/src/sample/infra/devops\n", "{engine}");
        run(&["--", "touch", "made"]).run().assert_code(0);
        assert!(repo.join("infra/made").exists());
        // Much output, whole and in order; and a reader that goes away.
        let output = run(&["--", "seq", "200000"]).run();
        assert_eq!(output.assert_code(0).stdout.lines().count(), 200_000, "{engine}");
        let line = format!("{} --engine {engine} -q run infra -- seq 9999999 | head -n 1", env!("CARGO_BIN_EXE_wharf"));
        let output = sandbox.command("sh").args(["-c", &line]).cwd(repo.path()).run();
        assert_eq!(output.stdout, "1\n", "{engine}");
        let script = "trap 'echo asked; exit 5' TERM; echo ready; while :; do sleep 0.1; done";
        let running = run(&["--", "sh", "-c", script]).spawn();
        running.wait_stdout_contains("ready");
        assert_eq!(listed(&sandbox, &repo, engine)[0]["warm"]["in_use"], true, "{engine}");
        running.signal(Signal::TERM);
        running.wait().assert_code(5).stdout_contains("asked");
        assert_eq!(listed(&sandbox, &repo, engine).len(), 1, "{engine}: all in one container");
    }
}

#[test]
fn a_terminal_is_a_terminal() {
    for engine in containers() {
        let sandbox = Sandbox::new();
        let repo = repo(&sandbox, "10m");
        let _ended = Ended(&sandbox, &repo, engine);
        let script = "test -t 0 && test -t 1; until [ \"$(stty size)\" = '30 100' ]; do sleep 0.1; done; stty size; \
                      trap 'echo caught; exit 9' INT; trap 'stty size' WINCH; echo ready; while :; do sleep 0.1; done";
        let command = wharf(&sandbox, &repo, engine).args(["run", "infra", "--", "sh", "-c", script]);
        let mut terminal = command.spawn_in_terminal(30, 100);
        terminal.wait_screen_contains("30 100").wait_screen_contains("ready");
        terminal.resize(20, 60);
        terminal.wait_screen_contains("20 60");
        terminal.send("\x03");
        terminal.wait_screen_contains("caught");
        terminal.wait_exit().assert_code(9);
        let mut terminal = wharf(&sandbox, &repo, engine).args(["bash", "infra"]).spawn_in_terminal(24, 80);
        terminal.wait_screen_contains("/src/sample/infra");
        terminal.send("exit 4\r");
        terminal.wait_exit().assert_code(4);
        assert_eq!(listed(&sandbox, &repo, engine).len(), 1, "{engine}: the same one for both");
    }
}

#[test]
fn it_ends_by_itself_but_not_while_it_is_used() {
    for engine in containers().take(1) {
        let sandbox = Sandbox::new();
        let repo = repo(&sandbox, "2s");
        let _ended = Ended(&sandbox, &repo, engine);
        let run = |script: &str| wharf(&sandbox, &repo, engine).args(["run", "infra", "--", "sh", "-c", script]);
        // Longer than it is kept idle, with a process left behind that is nobody's.
        run("sleep 600 >/dev/null 2>&1 & sleep 4; echo done").run().assert_code(0).stdout_contains("done");
        wait_until("the container to end by itself", || listed(&sandbox, &repo, engine).is_empty());
        run("echo again").run().assert_code(0).stdout_contains("again");
    }
}

#[test]
fn many_at_once_make_one() {
    for engine in containers().take(1) {
        let sandbox = Sandbox::new();
        let repo = repo(&sandbox, "10m");
        let _ended = Ended(&sandbox, &repo, engine);
        wharf(&sandbox, &repo, engine).args(["run", "infra", "--fresh", "--", "true"]).run().assert_code(0);
        let run = || wharf(&sandbox, &repo, engine).args(["run", "infra"]);
        let hosts: Vec<String> = thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| who(run()))).collect();
            threads.into_iter().map(|thread| thread.join().expect("it ran")).collect()
        });
        assert!(hosts.iter().all(|host| *host == hosts[0]), "{engine}: {hosts:?}");
    }
}

#[test]
fn a_killed_wharf_leaves_no_command_behind() {
    for engine in containers() {
        let sandbox = Sandbox::new();
        let repo = repo(&sandbox, "10m");
        let _ended = Ended(&sandbox, &repo, engine);
        let run = |script: &str| wharf(&sandbox, &repo, engine).args(["run", "infra", "--", "sh", "-c", script]);
        let running = run("echo $$ >pid; echo ready; sleep 3000; true").spawn();
        running.wait_stdout_contains("ready");
        running.signal(Signal::KILL);
        drop(running);
        let is_there = "if [ -d /proc/$(cat pid) ]; then echo there; else echo gone; fi";
        wait_until("the command to be gone", || run(is_there).run().assert_code(0).stdout == "gone\n");
        assert_eq!(listed(&sandbox, &repo, engine)[0]["warm"]["in_use"], false, "{engine}");
    }
}

#[test]
fn clones_and_dirs_with_one_name_have_containers_of_their_own() {
    let Some(engine) = containers().next() else { return };
    let sandbox = Sandbox::new();
    let fill = |dir: sample::Dir| dir.no_requirements().toml(&toml("10m"));
    let repo = sample::workspace(&sandbox).dir("a/b", fill).dir("a-b/c", fill).dir("c", fill).build();
    let clone = sandbox.path().join("elsewhere/sample");
    repo.git(&["clone", "--quiet", ".", &clone.to_string_lossy()]);
    let _ended = Ended(&sandbox, &repo, engine);
    let here = |dir: &str| who(wharf(&sandbox, &repo, engine).args(["run", dir]));
    let there = || wharf(&sandbox, &repo, engine).cwd(&clone);
    let mut hosts = vec![here("a/b"), here("a-b/c"), here("c"), who(there().args(["run", "c"]))];
    there().args(["stop", "--all", "--time", "0"]).run().assert_code(0);
    hosts.sort();
    hosts.dedup();
    assert_eq!(hosts.len(), 4, "{hosts:?}");
    assert_eq!(listed(&sandbox, &repo, engine).len(), 3, "the clone's end is not theirs");
}

#[test]
fn a_dry_run_prints_lines_that_do_the_same() {
    for engine in containers().take(1) {
        let sandbox = Sandbox::new();
        let repo = repo(&sandbox, "10m");
        let _ended = Ended(&sandbox, &repo, engine);
        wharf(&sandbox, &repo, engine).args(["run", "infra", "--fresh", "--", "true"]).run().assert_code(0);
        let dry = || wharf(&sandbox, &repo, engine).args(["run", "infra", "--dry-run", "--", "cat", "a.txt"]).run();
        let lines = dry();
        let first: Vec<&str> = lines.assert_code(0).stdout.lines().filter_map(|line| line.split(' ').next()).collect();
        assert_eq!(
            (first[0], first[1], *first.last().expect("the last line")),
            ("mkdir", engine.name(), engine.name())
        );
        assert!(listed(&sandbox, &repo, engine).is_empty(), "{engine}: nothing is started");
        let pasted = sandbox.command("sh").args(["-e", "-c", &lines.stdout]).run();
        pasted.assert_code(0).stdout_contains("hello\n");
        assert_eq!(dry().assert_code(0).stdout.lines().count(), 1, "{engine}: it runs already");
        wharf(&sandbox, &repo, engine).args(["run", "infra", "--", "true"]).run().assert_code(0);
        assert_eq!(listed(&sandbox, &repo, engine).len(), 1, "{engine}: the one that was pasted is used");
    }
}

#[test]
fn its_port_is_that_of_the_one_before() {
    let Some(engine) = containers().next() else { return };
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox, "10m");
    let _ended = Ended(&sandbox, &repo, engine);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    let ports = format!("{}ports = [\"127.0.0.1:{port}:80\"]\n", toml("10m"));
    repo.write("infra/devops/wharf.toml", &ports);
    let run = || wharf(&sandbox, &repo, engine).args(["run", "infra"]);
    let refused = run().args(["--", "true"]).run();
    refused.assert_code(4).stderr_contains(&format!("port {port} of this machine is taken by `"));
    drop(listener);
    let first = who(run());
    repo.write("infra/devops/wharf.toml", format!("{ports}env = [\"A=1\"]\n"));
    assert_ne!(who(run()), first, "the first one makes room");
    assert_eq!(listed(&sandbox, &repo, engine).len(), 1);
}

#[test]
fn one_whose_folder_is_gone_is_followed_by_another() {
    let Some(engine) = containers().next() else { return };
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox, "10m");
    let _ended = Ended(&sandbox, &repo, engine);
    let run = || wharf(&sandbox, &repo, engine).args(["run", "infra"]);
    let first = who(run());
    fs_err::remove_dir_all(repo.join(".wharf")).expect("it is there");
    let second = who(run());
    assert_ne!(second, first);
    assert_eq!(who(run()), second, "that one is kept");
    assert_eq!(listed(&sandbox, &repo, engine).len(), 1);
}
