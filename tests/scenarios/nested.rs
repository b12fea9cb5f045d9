//! Containers that start containers: with the engine of the host, and with one of their own.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::thread;
use std::time::{Duration, Instant};

use wharf_testkit::{EngineKind, Repo, Sandbox, Signal, WharfCommand, base_image, engines, require, sample};

use crate::workspace::{as_nobody, for_nobody};

const SIBLING: &str = "[python]\nmanager = \"none\"\n[run]\ndocker = \"sibling\"\n";
/// What a second container runs, so that only Docker is needed in the first one.
const SLEEP: &str = "sleep 3000";

fn wharf(sandbox: &Sandbox, repo: &Repo, engine: EngineKind) -> WharfCommand {
    sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(repo.path()).args(["--engine", engine.name()])
}

fn siblings(sandbox: &Sandbox) -> Repo {
    sample::workspace(sandbox).dir("infra", |dir| dir.no_requirements().toml(SIBLING).file("a.txt", "hello\n")).build()
}

/// What the engine has that carries this label.
fn labelled(sandbox: &Sandbox, engine: EngineKind, label: &str) -> Vec<String> {
    let filter = format!("label={label}");
    let mut found = Vec::new();
    for (noun, format) in [("ps", "{{.Names}}"), ("network", "{{.Name}}"), ("volume", "{{.Name}}")] {
        let words: &[&str] = if noun == "ps" { &["ps", "--all"] } else { &[noun, "ls"] };
        let output = sandbox.command(engine.name()).args(words).args(["--filter", &filter, "--format", format]).run();
        found.extend(output.assert_code(0).stdout.lines().map(|name| format!("{noun} {name}")));
    }
    found
}

/// The label of all that a workspace has.
fn workspace_label(repo: &Repo) -> String {
    format!("dev.wharf.root={}", repo.path().display())
}

fn wait_until(what: &str, is_met: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_met() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// The engines whose containers can be lent what a Docker client talks to. Podman's is spoken to through its socket, too, but
/// there is a Docker client on the host only where there is Docker.
fn docker() -> EngineKind {
    require(EngineKind::Docker);
    EngineKind::Docker
}

#[test]
fn a_sibling_sees_the_same_files_and_goes_with_the_run() {
    let engine = docker();
    let sandbox = Sandbox::new();
    let repo = siblings(&sandbox);
    let base = base_image();
    let unique = format!("wharf-nested-{}", std::process::id());
    // A mount of a path of the container; input through an attached one; a command in one; what stays behind.
    let script = format!(
        "set -e; docker run --rm -v $PWD:/x:ro {base} cat /x/a.txt
         docker run --rm --mount type=bind,source=$PWD/a.txt,target=/y {base} cat /y
         echo through | docker run --rm -i {base} cat
         id=$(docker run -d --name {unique} {base} {SLEEP}); docker exec $id echo within
         docker run --rm -v {unique}-made-with-it:/v {base} true
         docker network create {unique} >/dev/null; docker volume create {unique} >/dev/null; exit 6"
    );
    let output = wharf(&sandbox, &repo, engine).args(["run", "infra", "--", "sh", "-c", &script]).run();
    output.assert_code(6);
    assert_eq!(output.stdout, "hello\nhello\nthrough\nwithin\n", "{}", output.stderr);
    assert_eq!(labelled(&sandbox, engine, &workspace_label(&repo)), Vec::<String>::new());
    let there =
        sandbox.command("docker").args(["volume", "ls", "--quiet", "--filter", &format!("name={unique}")]).run();
    assert_eq!(there.stdout, "", "its volumes are gone, too");
}

#[test]
fn prune_removes_what_siblings_left() {
    let engine = docker();
    let sandbox = Sandbox::new();
    let repo = siblings(&sandbox);
    let command = |arguments: &[&str]| wharf(&sandbox, &repo, engine).args(arguments).run();
    let dry = command(&["run", "infra", "--dry-run", "--", "true"]);
    let name = "dev.wharf.workspace=";
    let id =
        dry.assert_code(0).stdout.split(name).nth(1).and_then(|rest| rest.split([' ', '\'']).next()).expect("a label");
    let unique = format!("wharf-nested-left-{}", std::process::id());
    // Of a process of before the machine's start.
    let labels = [format!("{name}{id}"), "dev.wharf.parent-owner=00000000-1-1-1".to_owned()];
    let made = ["volume", "create", "--label", &labels[0], "--label", &labels[1], &unique];
    sandbox.command("docker").args(made).run().assert_code(0);
    let workspace = labels[0].as_str();
    command(&["prune", "--dry-run"])
        .assert_code(0)
        .stdout_contains("volume ls --quiet --filter label=dev.wharf.parent-owner=00000000-1-1-1 | xargs");
    assert_eq!(labelled(&sandbox, engine, workspace), [format!("volume {unique}")]);
    command(&["prune"]).assert_code(0);
    assert_eq!(labelled(&sandbox, engine, workspace), [""; 0]);
}

#[test]
fn without_being_asked_for_there_is_no_engine() {
    let engine = docker();
    let sandbox = Sandbox::new();
    let fill = |dir: sample::Dir| dir.no_requirements().toml("[python]\nmanager = \"none\"\n");
    let repo = sample::workspace(&sandbox).dir("infra", fill).build();
    let script = "test ! -e /var/run/docker.sock && test -z \"$DOCKER_HOST\" && test ! -e /opt/wharf/bin";
    wharf(&sandbox, &repo, engine).args(["run", "infra", "--", "sh", "-c", script]).run().assert_code(0);
}

#[test]
fn an_unprivileged_user_needs_no_sudo() {
    let engine = docker();
    let sandbox = Sandbox::new();
    let repo = siblings(&sandbox);
    let wharf = for_nobody(&sandbox);
    let group = fs_err::metadata("/var/run/docker.sock").expect("the engine listens there").gid();
    let base = base_image();
    let script = format!("id -u; docker run --rm {base} echo started");
    let words = ["--engine", engine.name(), "run", "infra", "--", "sh", "-c", &script];
    let output = as_nobody(&sandbox, group, &wharf).args(words).cwd(repo.path()).run();
    assert_eq!(output.assert_code(0).stdout, "65534\nstarted\n", "{}", output.stderr);
    // Nor does another one.
    let words = ["run", "infra", "--user", "1234", "--", "sh", "-c", &script];
    let output = self::wharf(&sandbox, &repo, engine).args(words).run();
    assert_eq!(output.assert_code(0).stdout, "1234\nstarted\n", "{}", output.stderr);
}

#[test]
fn wharf_works_in_a_container_with_the_hosts_engine() {
    let engine = docker();
    let sandbox = Sandbox::new();
    let test = "import os\n\ndef test_one():\n    assert os.path.exists('/src/sample')\n";
    let repo = sample::workspace(&sandbox)
        .dir("infra", |dir| dir.no_requirements().toml(SIBLING))
        .dir("ml", |dir| dir.file("a.txt", "in ml\n").test("test_a.py", test))
        .build();
    wharf(&sandbox, &repo, engine).args(["run", "ml", "--", "true"]).run().assert_code(0);
    let script = "set -e; cd ..; wharf -q run ml -- cat a.txt; wharf ps --json; wharf -q run infra -- docker ps --quiet >/dev/null
                  wharf test --no-cache --dir ml >&2";
    let output = wharf(&sandbox, &repo, engine).args(["run", "infra", "--", "sh", "-c", script]).run();
    output.assert_code(0).stderr_contains("1 passed");
    let (first, listed) = output.stdout.split_once('\n').expect("two things are printed");
    assert_eq!(first, "in ml");
    let listed: Vec<serde_json::Value> = serde_json::from_str(listed).expect("a listing in JSON");
    assert_eq!((listed.len(), &listed[0]["dir"]), (1, &"infra".into()), "it sees what the host started: {listed:?}");
    assert_eq!(labelled(&sandbox, engine, &workspace_label(&repo)), Vec::<String>::new());
}

#[test]
fn a_task_in_a_container_has_it_too() {
    let engine = docker();
    let sandbox = Sandbox::new();
    let base = base_image();
    let task = format!(
        "[tasks.look]\nrun = \"docker run -d {base} {SLEEP} && docker run --rm {base} echo looked\"\nin = \"container\"\n"
    );
    let toml = format!("{SIBLING}{task}");
    let repo = sample::workspace(&sandbox).dir("infra", |dir| dir.no_requirements().toml(&toml)).build();
    let output = wharf(&sandbox, &repo, engine).cwd(repo.join("infra")).args(["task", "look"]).run();
    output.assert_code(0).stdout_contains("looked\n");
    assert_eq!(labelled(&sandbox, engine, &workspace_label(&repo)), Vec::<String>::new());
}

/// A test that starts what stays behind, tells, and waits to be killed.
fn lingering(base: &str) -> String {
    format!(
        "import pathlib, subprocess, time\n\ndef test_one():\n    \
         subprocess.run(['docker', 'run', '-d', '{base}', 'sleep', '3000'], check=True)\n    \
         subprocess.run(['docker', 'network', 'create', 'wharf-nested-{}'], check=True)\n    \
         pathlib.Path('ready').touch()\n    time.sleep(3000)\n",
        std::process::id()
    )
}

#[test]
fn siblings_of_a_test_are_removed_after_a_kill() {
    let engine = docker();
    let sandbox = Sandbox::new();
    let toml = "[run]\ndocker = \"sibling\"\n";
    let test = lingering(&base_image());
    let repo = sample::workspace(&sandbox).dir("infra", |dir| dir.toml(toml).test("test_a.py", &test)).build();
    let running = wharf(&sandbox, &repo, engine).args(["test", "--no-cache"]).spawn();
    wait_until("the test to have started them", || repo.join("infra/ready").exists());
    let listed = labelled(&sandbox, engine, &workspace_label(&repo));
    assert_eq!(listed.len(), 3, "the test's container, its sibling and the network: {listed:?}");
    running.signal(Signal::KILL);
    drop(running);
    let output = wharf(&sandbox, &repo, engine).args(["ps"]).run();
    output.assert_code(0).stderr_contains("removed what a killed wharf left behind");
    assert_eq!(labelled(&sandbox, engine, &workspace_label(&repo)), Vec::<String>::new());
}

#[test]
fn a_passing_test_with_siblings_leaves_nothing() {
    let engine = docker();
    let sandbox = Sandbox::new();
    let base = base_image();
    let test = format!(
        "import subprocess\n\ndef test_one():\n    \
         said = subprocess.run(['docker', 'run', '-d', '{base}', 'sleep', '3000'], check=True, capture_output=True)\n    \
         assert said.stdout\n"
    );
    let toml = "[run]\ndocker = \"sibling\"\n";
    let repo = sample::workspace(&sandbox).dir("infra", |dir| dir.toml(toml).test("test_a.py", &test)).build();
    wharf(&sandbox, &repo, engine).args(["test", "--no-cache"]).run().assert_code(0).stdout_contains("1 passed");
    assert_eq!(labelled(&sandbox, engine, &workspace_label(&repo)), Vec::<String>::new());
}

#[test]
fn podman_lends_its_socket_too() {
    if !engines().contains(&EngineKind::Podman) {
        return;
    }
    let engine = EngineKind::Podman;
    let sandbox = Sandbox::new();
    let repo = siblings(&sandbox);
    // No client but Python: what the API makes is removed with the run.
    let script = "import http.client, json, socket
class Unix(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect('/var/run/docker.sock')
def ask(method, path, body=None):
    connection = Unix('docker')
    connection.request(method, path, json.dumps(body) if body else None, {'Content-Type': 'application/json'})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read() or 'null')
code, made = ask('POST', '/v1.40/volumes/create', {'Name': 'NAME'})
assert code == 201, made
print(ask('GET', '/v1.40/volumes/NAME')[1]['Labels']['dev.wharf.verb'])
";
    let script = script.replace("NAME", &format!("wharf-nested-{}", std::process::id()));
    let output = wharf(&sandbox, &repo, engine).args(["run", "infra", "--", "python3", "-c", &script]).run();
    assert_eq!(output.assert_code(0).stdout, "sibling\n", "{}", output.stderr);
    assert_eq!(labelled(&sandbox, engine, &workspace_label(&repo)), Vec::<String>::new());
}

#[test]
fn a_socket_that_is_not_there_is_named() {
    docker();
    let sandbox = Sandbox::new();
    let repo = siblings(&sandbox);
    wharf(&sandbox, &repo, EngineKind::Docker).args(["run", "infra", "--", "true"]).run().assert_code(0);
    // An engine that is reached by a context has no socket on this machine.
    let context = format!("nested-{}", std::process::id());
    let host = "host=unix:///var/run/docker.sock";
    sandbox.command("docker").args(["context", "create", &context, "--docker", host]).run().assert_code(0);
    let run = || wharf(&sandbox, &repo, EngineKind::Docker).args(["run", "infra", "--", "true"]);
    let output = run().env("DOCKER_CONTEXT", &context).run();
    output.assert_code(4).stderr_contains("engine `docker` has no socket to lend to a container");
    output.stderr_contains("reached through a context").stderr_contains("hint: use an engine of this machine");
}

#[test]
fn an_image_with_an_engine_has_one_of_its_own() {
    let engine = docker();
    let sandbox = Sandbox::new();
    let toml = "[os]\npackages = [\"docker.io\"]\n[run]\ndocker = \"child\"\n";
    let tiny = tiny();
    let test = format!(
        "import pathlib, subprocess, time\n\ndef test_one():\n    subprocess.run(['sh', '-c', r'''{tiny}'''], check=True)\n    \
         said = subprocess.run(['docker', 'run', '--rm', 'tiny', '/bin/sh', '-c', 'echo deep'], check=True, capture_output=True)\n    \
         assert said.stdout == b'deep\\n'\n    \
         subprocess.run(['docker', 'run', '-d', 'tiny', '/bin/sh', '-c', 'read x'], check=True)\n    \
         pathlib.Path('ready').touch()\n    \
         while pathlib.Path('linger').exists(): time.sleep(0.1)\n"
    );
    let repo = sample::workspace(&sandbox).dir("infra", |dir| dir.toml(toml).test("test_a.py", &test)).build();
    let run = |words: &[&str]| wharf(&sandbox, &repo, engine).args(words).run();
    run(&["image", "build", "infra"]).assert_code(0);
    // Least power: not the host's engine, and no more than is named.
    let dry = run(&["run", "infra", "--dry-run", "--", "true"]);
    dry.assert_code(0).stdout_contains("--cap-add SYS_ADMIN --cap-add NET_ADMIN").stdout_lacks("--privileged");
    let script = "docker ps --all --quiet | wc -l; id -u; pwd; exit 3";
    let output = run(&["run", "infra", "--user", "1234:1234", "--", "sh", "-c", script]);
    assert_eq!(output.assert_code(3).stdout, "0\n1234\n/src/sample/infra\n", "{}", output.stderr);
    let inner =
        run(&["run", "infra", "--", "sh", "-c", "cd .. && wharf --engine docker -q ls && wharf --engine docker -q ps"]);
    inner.assert_code(0).stdout_contains("infra");
    // From a test, and after a kill.
    run(&["test", "--no-cache"]).assert_code(0).stdout_contains("1 passed");
    fs_err::remove_file(repo.join("infra/ready")).expect("the test has written it");
    repo.write("infra/linger", "");
    let running = wharf(&sandbox, &repo, engine).args(["test", "--no-cache"]).spawn();
    wait_until("the test to have started its own", || repo.join("infra/ready").exists());
    let listed: Vec<serde_json::Value> =
        serde_json::from_str(&run(&["ps", "--json"]).assert_code(0).stdout).expect("a listing in JSON");
    let name = listed[0]["name"].as_str().expect("a name");
    let format = "{{range .Mounts}}{{if eq .Type \"volume\"}}{{.Name}}{{end}}{{end}}";
    let storage = sandbox.command("docker").args(["inspect", "--format", format, name]).run();
    let storage = storage.assert_code(0).stdout.trim().to_owned();
    let is_there = || sandbox.command("docker").args(["volume", "inspect", &storage]).run().code == Some(0);
    assert!(!storage.is_empty() && is_there());
    running.signal(Signal::KILL);
    drop(running);
    run(&["ps"]).assert_code(0).stderr_contains("removed what a killed wharf left behind");
    assert_eq!(labelled(&sandbox, engine, &workspace_label(&repo)), Vec::<String>::new());
    assert!(!is_there(), "its storage goes with the container");
    without_capabilities(&sandbox, &repo);
}

/// Makes an image without a registry: a shell and what it needs.
fn tiny() -> &'static str {
    if cfg!(target_arch = "aarch64") {
        "tar -C / -ch bin/sh lib/aarch64-linux-gnu/libc.so.6 lib/ld-linux-aarch64.so.1 2>/dev/null | docker import - tiny >/dev/null"
    } else {
        "tar -C / -ch bin/sh lib/x86_64-linux-gnu/libc.so.6 lib64/ld-linux-x86-64.so.2 2>/dev/null | docker import - tiny >/dev/null"
    }
}

#[test]
fn podmans_containers_can_have_an_engine_too() {
    if !engines().contains(&EngineKind::Podman) {
        return;
    }
    let sandbox = Sandbox::new();
    let toml = "[python]\nmanager = \"none\"\n[os]\npackages = [\"docker.io\"]\n[run]\ndocker = \"child\"\n";
    let repo = sample::workspace(&sandbox).dir("infra", |dir| dir.no_requirements().toml(toml)).build();
    let script = format!("{} && docker run --rm tiny /bin/sh -c 'echo deep'", tiny());
    let output = wharf(&sandbox, &repo, EngineKind::Podman).args(["run", "infra", "--", "sh", "-c", &script]).run();
    assert_eq!(output.assert_code(0).stdout, "deep\n", "{}", output.stderr);
}

/// The engine of the host is made to grant nothing: the message names what is missing.
fn without_capabilities(sandbox: &Sandbox, repo: &Repo) {
    let bin = sandbox.path().join("bin");
    fs_err::create_dir(&bin).expect("a sandbox is writable");
    let found = sandbox.command("sh").args(["-c", "command -v docker"]).run();
    let real = found.stdout.trim_end();
    let script = format!(
        "#!/bin/sh\nfor word; do shift\n  case $word in --cap-add) skip=1;; *) [ \"$skip\" ] || set -- \"$@\" \"$word\"; skip=;; esac\n\
         done\nexec {real} \"$@\"\n"
    );
    let fake = bin.join("docker");
    fs_err::write(&fake, script).expect("a sandbox is writable");
    fs_err::set_permissions(&fake, std::fs::Permissions::from_mode(0o755)).expect("the file is ours");
    let path = format!("{}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", bin.display());
    let run = wharf(sandbox, repo, EngineKind::Docker).args(["run", "infra", "--", "true"]).env("PATH", path).run();
    run.assert_code(4).stderr_contains("the engine of this container did not start: it lacks the capability SYS_ADMIN");
    run.stderr_contains("hint: ").stderr_contains("child-privileged = true");
}

#[test]
fn an_image_without_an_engine_says_what_to_add() {
    let engine = docker();
    let sandbox = Sandbox::new();
    let toml = "[python]\nmanager = \"none\"\n[run]\ndocker = \"child\"\n";
    let repo = sample::workspace(&sandbox).dir("infra", |dir| dir.no_requirements().toml(toml)).build();
    let output = wharf(&sandbox, &repo, engine).args(["run", "infra", "--", "true"]).run();
    output
        .assert_code(4)
        .stderr_contains("the image has no `dockerd`")
        .stderr_contains("add `docker.io` to `[os] packages`");
    // All power only where the configuration says so.
    repo.write("infra/devops/wharf.toml", format!("{toml}child-privileged = true\n"));
    let dry = wharf(&sandbox, &repo, engine).args(["run", "infra", "--dry-run", "--", "true"]).run();
    dry.assert_code(0).stdout_contains("--privileged").stdout_lacks("--cap-add");
}
