//! Services beside tests and commands.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use wharf_testkit::{
    EngineKind, Repo, Running, Sandbox, Signal, WharfCommand, engines, require, sample, services_image,
};

use crate::testing::{Report, containers, wait_for, wharf, wharf_test};

/// No Python packages: builds take no network.
const NO_PYTHON: &str = "[python]\nmanager = \"none\"\n";

/// What the services are asked, as their own clients would (PostgreSQL, "Message Formats"; Redis, "RESP protocol").
const CLIENTS: &str = r#"
import os, socket, struct

def redis(*words):
    address = os.environ["WHARF_SERVICE_REDIS_HOST"], int(os.environ["WHARF_SERVICE_REDIS_PORT"])
    with socket.create_connection(address, 20) as s:
        s.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w.encode()) for w in words))
        return s.recv(4096).decode()

def postgres(query):
    address = os.environ["WHARF_SERVICE_DB_HOST"], int(os.environ["WHARF_SERVICE_DB_PORT"])
    with socket.create_connection(address, 20) as s:
        start = b"user\0postgres\0database\0postgres\0\0"
        s.sendall(struct.pack("!ii", len(start) + 8, 196608) + start)
        said = b""
        while b"Z\0\0\0\x05I" not in said:
            said += s.recv(4096)
        text = query.encode() + b"\0"
        s.sendall(b"Q" + struct.pack("!i", len(text) + 4) + text)
        said = b""
        while b"Z\0\0\0\x05I" not in said:
            said += s.recv(4096)
        return said
"#;

/// A database and a store from Debian's packages, the latter after the former.
fn both() -> String {
    let image = services_image();
    format!(
        "[services.db]\nimage = \"{image}\"\nready = \"pg_isready -h 127.0.0.1\"\nready-timeout = \"5m\"\n\
         [services.redis]\nimage = \"{image}\"\ncommand = \"redis-server --port 6379 --bind 0.0.0.0 --protected-mode no --save ''\"\n\
         ready = \"redis-cli ping | grep -q PONG\"\nready-timeout = \"5m\"\nports = [\"6379\"]\nneeds = [\"db\"]\n"
    )
}

/// Redis alone, with a port that could be taken once only.
fn redis() -> String {
    let image = services_image();
    format!(
        "[services.redis]\nimage = \"{image}\"\ncommand = \"redis-server --bind 0.0.0.0 --protected-mode no --save ''\"\n\
         ready = \"tcp:6379\"\nready-timeout = \"5m\"\nports = [\"6379:6379\"]\n"
    )
}

/// A service of a shell script.
fn script(name: &str, script: &str, more: &str) -> String {
    format!(
        "[services.{name}]\nimage = \"wharf-test/empty:bookworm\"\ncommand = [\"sh\", \"-c\", '''{script}''']\n{more}\n"
    )
}

fn container_engines() -> Vec<EngineKind> {
    engines().into_iter().filter(|engine| engine.has_containers()).collect()
}

fn networks(sandbox: &Sandbox, repo: &Repo, engine: EngineKind) -> Vec<String> {
    let label = format!("label=dev.wharf.root={}", repo.path().display());
    let output = sandbox.command(engine.name()).args(["network", "ls", "-q", "--filter", &label]).run();
    output.assert_code(0);
    output.stdout.lines().map(str::to_owned).collect()
}

#[track_caller]
fn assert_nothing_left(sandbox: &Sandbox, repo: &Repo, engine: EngineKind) {
    assert_eq!(containers(sandbox, repo, engine), [""; 0], "{engine}");
    assert_eq!(networks(sandbox, repo, engine), [""; 0], "{engine}");
}

fn run(sandbox: &Sandbox, repo: &Repo, engine: EngineKind, arguments: &[&str]) -> WharfCommand {
    wharf(sandbox, repo).args(["--engine", engine.name()]).args(arguments)
}

#[test]
fn tests_reach_a_real_database() {
    for engine in container_engines() {
        let sandbox = Sandbox::new();
        let test = format!(
            "{CLIENTS}\nimport pytest\n\
             def test_db(): assert b'forty-two' in postgres(\"select 'forty-' || 'two'\")\n\
             def test_redis(): assert redis('set', 'a', '1') == '+OK\\r\\n'\n\
             def test_name(): assert socket.create_connection(('db', 5432), 20)\n\
             @pytest.mark.needs_db\ndef test_marked(): pass\n\
             @pytest.mark.needs_other\ndef test_other(): pass\n"
        );
        let ini = "[pytest]\nmarkers =\n    needs_db: x\n    needs_other: x\n";
        let toml = format!(
            "{}[test]\nservices = [\"redis\"]\n[test.requires]\nneeds_db = \"service:db:5432\"\nneeds_other = \"service:other\"\n",
            both()
        );
        let repo = sample::workspace(&sandbox)
            .dir("app", |dir| dir.toml(&toml).test("test_a.py", &test).file("pytest.ini", ini))
            .build();
        let output = wharf_test(&sandbox, &repo, engine, &[]).deadline(Duration::from_secs(400)).run();
        output.assert_code(0);
        let expected = ["test_db", "test_redis", "test_name", "test_marked"].map(|name| format!("test_a.py::{name}"));
        let mut verdicts: Vec<(&str, &str)> = expected.iter().map(|name| (name.as_str(), "passed")).collect();
        verdicts.push(("test_a.py::test_other", "skipped"));
        Report::of_run(&repo, 1).assert_verdicts("app", &verdicts);
        let log = |name: &str| fs_err::read_to_string(repo.join(format!(".wharf/runs/1/app.{name}.log"))).unwrap();
        assert!(log("db").contains("ready to accept connections"), "{}", log("db"));
        assert!(log("redis").contains("Ready to accept connections"), "{}", log("redis"));
        assert_nothing_left(&sandbox, &repo, engine);
    }
}

/// Ten runs of one dir, then two dirs in two clones: whoever saw another's store would find more than its own key.
#[test]
fn nobody_meets_anybody_else() {
    let engine = EngineKind::Docker;
    let sandbox = Sandbox::new();
    let body = format!(
        "{CLIENTS}\nimport time\n\
         def test_mine():\n    assert redis('dbsize') == ':0\\r\\n'\n    redis('set', 'mine', 'x')\n    time.sleep(0.5)\n\
         \x20   assert redis('dbsize') == ':1\\r\\n'\n"
    );
    let toml = format!("{}{NO_PYTHON}[run]\nservices = [\"redis\"]\n", redis().replace("6379:6379", "auto:6379"));
    let tested = format!("{}[run]\nservices = [\"redis\"]\n", redis());
    let fill = |name: &str| {
        let own = sandbox.path().join(name);
        fs_err::create_dir(&own).unwrap();
        let sandbox = &sandbox;
        let workspace = sample::workspace(sandbox)
            .dir("app", |dir| dir.no_requirements().toml(&toml).file("clients.py", CLIENTS))
            .dir("a/same", |dir| dir.toml(&tested).test("test_a.py", &body))
            .dir("b/same", |dir| dir.toml(&tested).test("test_a.py", &body));
        let repo = workspace.build();
        fs_err::rename(repo.path(), own.join("sample")).unwrap();
        Repo::open(own.join("sample"))
    };
    let (first, second) = (fill("first"), fill("second"));
    let store = "from clients import redis; import sys, time\n\
        assert redis('dbsize') == ':0\\r\\n'; redis('set', sys.argv[1], 'x'); time.sleep(1); print(redis('keys', '*').split()[2])";
    let start = |number: usize| {
        let number = number.to_string();
        run(&sandbox, &first, engine, &["run", "app", "--", "python3", "-c", store, &number])
            .deadline(Duration::from_secs(500))
            .spawn()
    };
    let runs: Vec<(usize, Running)> = (0..10).map(|number| (number, start(number))).collect();
    for (number, running) in runs {
        assert_eq!(running.wait().assert_code(0).stdout, format!("{number}\n"));
    }
    let tests = [&first, &second].map(|repo| {
        wharf_test(&sandbox, repo, engine, &["-j", "2", "--dir", "a/same", "--dir", "b/same"])
            .deadline(Duration::from_secs(500))
            .spawn()
    });
    for running in tests {
        running.wait().assert_code(0);
    }
    assert_nothing_left(&sandbox, &first, engine);
    assert_nothing_left(&sandbox, &second, engine);
}

#[test]
fn one_that_never_gets_ready_is_shown_with_its_log() {
    for engine in container_engines() {
        let sandbox = Sandbox::new();
        let hangs = script(
            "hangs",
            "echo waiting for a miracle; exec sleep 1000",
            "ready = \"sleep 900\"\nready-timeout = \"2s\"",
        );
        let ends = script("ends", "echo no disk >&2; exit 7", "ready = \"tcp:80\"");
        let repo = sample::workspace(&sandbox)
            .dir("hangs", |dir| {
                dir.toml(&format!("{hangs}[run]\nservices = [\"hangs\"]\n")).test("test_a.py", "def test(): pass\n")
            })
            .dir("ends", |dir| {
                dir.toml(&format!("{ends}[run]\nservices = [\"ends\"]\n")).test("test_a.py", "def test(): pass\n")
            })
            .dir("fine", |dir| dir.test("test_a.py", "def test(): pass\n"))
            .build();
        let output = wharf_test(&sandbox, &repo, engine, &[]).run();
        output.assert_code(4);
        let report = Report::of_run(&repo, 1);
        assert_eq!(report.status("fine"), "passed");
        for (dir, says) in [
            ("hangs", ["service `hangs` did not get ready", "`sleep 900` did not end", "waiting for a miracle"]),
            ("ends", ["service `ends` did not get ready", "it ended with code 7", "no disk"]),
        ] {
            assert_eq!(report.status(dir), "not-run");
            for says in says {
                output.stderr_contains(says);
            }
            assert!(report.cause(dir).contains(says[0]) && report.cause(dir).lines().count() == 1);
            let log = fs_err::read_to_string(repo.join(format!(".wharf/runs/1/{dir}.{dir}.log"))).unwrap();
            assert!(log.contains(says[2]), "{log}");
        }
        output.stdout_contains("ready-timeout");
        let output = run(&sandbox, &repo, engine, &["run", "ends", "--", "echo", "never"]).run();
        output.assert_code(4).stdout_lacks("never").stderr_contains("no disk");
        assert_nothing_left(&sandbox, &repo, engine);
    }
}

#[test]
fn one_that_dies_midway_is_named_and_the_rest_is_tested() {
    let engine = EngineKind::Docker;
    let sandbox = Sandbox::new();
    let once = script("once", "echo serving; nc -l -p 7777; echo out of memory; exit 9", "ready = \"tcp:7777\"");
    let test = "import os, socket, time\n\
            def test_before(): pass\n\
            def test_kills():\n    socket.create_connection(('once', 7777), 20).close()\n\
            def test_after():\n    deadline = time.time() + 60\n    while time.time() < deadline:\n\
            \x20       socket.create_connection(('once', 7777), 5).close()\n        time.sleep(0.1)\n\
            def test_last():\n    while not os.path.exists('told') and time.time() < START + 120: time.sleep(0.05)\n\
            \x20   assert os.path.exists('told')\nSTART = time.time()\n";
    let repo = sample::workspace(&sandbox)
        .dir("app", |dir| dir.toml(&format!("{once}[test]\nservices = [\"once\"]\n")).test("test_a.py", test))
        .build();
    let running = wharf_test(&sandbox, &repo, engine, &[]).spawn();
    // Told while the last test still waits.
    running.wait_stderr_contains("app: service `once` ended with code 9 while tests ran");
    repo.write("app/told", "");
    let output = running.wait();
    output.assert_code(1).stderr_contains("out of memory");
    let report = Report::of_run(&repo, 1);
    report.assert_verdicts(
        "app",
        &[
            ("test_a.py::test_before", "passed"),
            ("test_a.py::test_kills", "passed"),
            ("test_a.py::test_after", "failed"),
            ("test_a.py::test_last", "passed"),
        ],
    );
    assert!(report.cause("app").contains("service `once` ended with code 9"), "{}", report.cause("app"));
    let log = fs_err::read_to_string(repo.join(".wharf/runs/1/app.once.log")).unwrap();
    assert!(log.starts_with("serving\n") && log.contains("out of memory"), "{log}");
    assert_nothing_left(&sandbox, &repo, engine);
}

#[test]
fn what_a_killed_wharf_leaves_goes_with_the_next() {
    for engine in container_engines() {
        let sandbox = Sandbox::new();
        let idle = script("idle", "exec sleep 1000", "");
        let toml = format!("{NO_PYTHON}{idle}[run]\nservices = [\"idle\"]\n");
        let repo = sample::workspace(&sandbox).dir("app", |dir| dir.no_requirements().toml(&toml)).build();
        let start = |signal: Signal| {
            let running = run(
                &sandbox,
                &repo,
                engine,
                &["run", "app", "--", "sh", "-c", "trap 'exit 3' TERM; echo here; while :; do sleep 0.2; done"],
            );
            let running = running.spawn();
            running.wait_stdout_contains("here");
            if signal == Signal::KILL {
                running.signal_group(signal);
            } else {
                running.signal(signal);
            }
            running.wait()
        };
        start(Signal::KILL).assert_signal(Signal::KILL);
        assert_eq!((containers(&sandbox, &repo, engine).len(), networks(&sandbox, &repo, engine).len()), (2, 1));
        let dry = run(&sandbox, &repo, engine, &["prune", "--dry-run"]).run();
        dry.assert_code(0).stdout_contains("network rm wharf-").stdout_contains("-idle");
        let next = run(&sandbox, &repo, engine, &["ps", "--json"]).run();
        next.assert_code(0).stderr_contains("removed what a killed wharf left behind");
        assert_eq!(next.stdout.trim(), "[]");
        assert_nothing_left(&sandbox, &repo, engine);
        // One that is only asked to end cleans up itself.
        start(Signal::TERM);
        wait_for("its services to be gone", || {
            containers(&sandbox, &repo, engine).is_empty() && networks(&sandbox, &repo, engine).is_empty()
        });
    }
}

#[test]
fn services_that_are_up_are_used() {
    let engine = EngineKind::Docker;
    let sandbox = Sandbox::new();
    let server = script(
        "web",
        "echo started; mkdir -p /data /www; date +%s%N >> /data/starts; cp /data/starts /www/index.html; exec httpd -f -p 8080 -h /www",
        "ready = \"http:8080/index.html\"\nports = [\"auto:8080\"]\nvolumes = [\"data:/data\"]",
    );
    let toml = format!("{NO_PYTHON}{server}{}[run]\nservices = [\"web\"]\n", script("other", "exec sleep 999", ""));
    let repo = sample::workspace(&sandbox).dir("app", |dir| dir.no_requirements().toml(&toml)).build();
    let wharf = |arguments: &[&str]| run(&sandbox, &repo, engine, arguments);
    let read = "import os, urllib.request as r\n\
            print(r.urlopen('http://%s:%s/' % (os.environ['WHARF_SERVICE_WEB_HOST'], os.environ['WHARF_SERVICE_WEB_PORT'])).read().decode())";
    let starts = |with: &[&str]| {
        let output = wharf(&["run", "app"]).args(with).args(["--", "python3", "-c", read]).run();
        output.assert_code(0);
        output.stdout.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    wharf(&["up", "--dir", "app", "--dry-run"]).run().assert_code(0).stdout_contains("network create");
    let up = wharf(&["up", "--dir", "app", "--json"]).run();
    up.assert_code(0);
    let port = up.json()[0]["published"]["8080"].as_u64().expect("it is published");
    let first = starts(&[]);
    assert_eq!(first.len(), 1);
    assert_eq!(starts(&[]), first, "it is the same one");
    wharf(&["up", "--dir", "app"]).run().assert_code(0).stderr_lacks("starting web").stdout_contains("web");
    let page = sandbox
        .command("python3")
        .args(["-c", "import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).read())"]);
    page.arg(format!("http://127.0.0.1:{port}/")).run().assert_code(0).stdout_contains(&first[0]);
    let listed = wharf(&["ps", "--json"]).run();
    assert_eq!((&listed.json()[0]["service"], &listed.json()[0]["verb"]), (&"web".into(), &"up".into()));
    wharf(&["logs", "web"]).run().assert_code(0).stdout_contains("started");
    // A further service makes it a set of its own, with nothing stored yet.
    assert_ne!(starts(&["--with", "other"]), first);
    let down = wharf(&["down", "--dir", "app"]).run();
    down.assert_code(0).stdout_contains("-up-web\n");
    assert_nothing_left(&sandbox, &repo, engine);
    wharf(&["up", "--dir", "app"]).run().assert_code(0);
    assert_eq!(starts(&[]).len(), 2, "what is stored outlives it");
    wharf(&["down", "--volumes"]).run().assert_code(0);
    wharf(&["down", "--dir", "app"]).run().assert_code(0).stderr_contains("nothing of that is up");
    assert_nothing_left(&sandbox, &repo, engine);
}

#[test]
fn services_without_a_container_of_their_own() {
    let sandbox = Sandbox::new();
    let server = script("web", "mkdir /www; echo ok > /www/x; exec httpd -f -p 8080 -h /www", "ready = \"tcp:8080\"");
    let toml = format!("{server}[run]\nservices = [\"web\"]\n");
    let read = "import os, urllib.request as r\n\
        def test():\n    url = 'http://%s:%s/x' % (os.environ['WHARF_SERVICE_WEB_HOST'], os.environ['WHARF_SERVICE_WEB_PORT'])\n\
        \x20   assert r.urlopen(url).read() == b'ok\\n'\n";
    let repo = sample::workspace(&sandbox).dir("app", |dir| dir.toml(&toml).test("test_a.py", read)).build();
    wharf_test(&sandbox, &repo, EngineKind::Host, &[]).run().assert_code(0);
    assert_nothing_left(&sandbox, &repo, EngineKind::Docker);
    // Where there is no engine at all, that is said.
    let programs = only(&sandbox, &["git", "python3", "uv"]);
    let output = wharf_test(&sandbox, &repo, EngineKind::Host, &["--no-cache"]).env("PATH", programs).run();
    output.assert_code(4);
    let report = Report::of_run(&repo, 2);
    assert!(report.cause("app").contains("neither docker nor podman works here"), "{}", report.cause("app"));
}

/// A folder that has these programs alone.
pub(crate) fn only(sandbox: &Sandbox, programs: &[&str]) -> String {
    let folder = sandbox.path().join(format!("only-{}", programs.len()));
    fs_err::create_dir(&folder).unwrap();
    for program in programs {
        // What is found may be a script that looks for the real one.
        let script = match *program {
            "python3" => "python3 -c 'import os, sys; print(os.path.realpath(sys.executable))'".to_owned(),
            other => format!("command -v {other}"),
        };
        let found = sandbox.command("sh").args(["-c", &script]).run();
        found.assert_code(0);
        fs_err::os::unix::fs::symlink(found.stdout.trim(), folder.join(program)).unwrap();
    }
    folder.display().to_string()
}

#[test]
fn a_signal_while_they_start_leaves_nothing() {
    let engine = EngineKind::Docker;
    let sandbox = Sandbox::new();
    // A look that hangs is not waited for, either.
    let never = script("never", "echo thinking; exec sleep 1000", "ready = \"sleep 900\"\nready-timeout = \"10m\"");
    let repo = sample::workspace(&sandbox)
        .dir("app", |dir| {
            dir.toml(&format!("{never}[run]\nservices = [\"never\"]\n")).test("test_a.py", "def test(): pass\n")
        })
        .build();
    for command in [["run", "app", "--", "true"].as_slice(), &["test"]] {
        let running = run(&sandbox, &repo, engine, command).spawn();
        wait_for("the service to start", || {
            assert!(running.so_far().code.is_none(), "{}", running.so_far().told());
            !containers(&sandbox, &repo, engine).is_empty()
        });
        running.signal(Signal::INT);
        running.wait().assert_code(130);
        assert_nothing_left(&sandbox, &repo, engine);
    }
    assert_eq!(Report::of_run(&repo, 1).status("app"), "interrupted");
}

#[test]
fn an_end_that_takes_long_can_be_stopped() {
    let engine = EngineKind::Podman;
    require(engine);
    let sandbox = Sandbox::new();
    let toml = format!("{NO_PYTHON}{}[run]\nservices = [\"idle\"]\n", script("idle", "exec sleep 1000", ""));
    let repo = sample::workspace(&sandbox).dir("app", |dir| dir.no_requirements().toml(&toml)).build();
    // An engine that does not get done with removing.
    let slow = sandbox.path().join("slow");
    fs_err::create_dir(&slow).unwrap();
    let real = sandbox.command("sh").args(["-c", "command -v podman"]).run().stdout.trim().to_owned();
    let asked = slow.join("asked");
    let podman = format!(
        "#!/bin/sh\nif [ \"$1\" = rm ]; then touch {}; exec sleep 600; fi\nexec {real} \"$@\"\n",
        asked.display()
    );
    fs_err::write(slow.join("podman"), podman).unwrap();
    fs_err::set_permissions(slow.join("podman"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", slow.display(), std::env::var("PATH").unwrap());
    let running = run(&sandbox, &repo, engine, &["run", "app", "--", "echo", "done"]).env("PATH", path).spawn();
    running.wait_stdout_contains("done");
    wait_for("the end of the services", || asked.exists());
    running.signal(Signal::INT);
    running.wait().assert_code(0).stderr_contains("`wharf prune` removes them");
    run(&sandbox, &repo, engine, &["prune"]).run().assert_code(0);
    assert_nothing_left(&sandbox, &repo, engine);
}
