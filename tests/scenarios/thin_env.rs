//! `wharf env` and `wharf self`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use wharf_testkit::{Output, Repo, Sandbox, Signal, WharfCommand, sample};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const SMALL: &str = "# tools\n-r more.txt\n";

fn wharf(sandbox: &Sandbox, repo: &Repo, words: &str) -> WharfCommand {
    sandbox.command(env!("CARGO_BIN_EXE_wharf")).args(words.split(' ')).cwd(repo.path())
}

/// A workspace whose thin environment holds iniconfig.
fn small(sandbox: &Sandbox, name: &str) -> Repo {
    let file = |file: &str| format!("dev_scripts_{name}/{file}");
    let workspace = sample::workspace(sandbox).name(name).file(&file("requirements.txt"), SMALL);
    workspace.file(&file("more.txt"), "iniconfig==2.0.0\n").build()
}

fn with(sandbox: &Sandbox, toml: &str) -> Repo {
    sample::workspace(sandbox).toml(toml).build()
}

fn envs(sandbox: &Sandbox) -> PathBuf {
    sandbox.home().join(".local/share/wharf/envs")
}

/// Folders of environments, whole or not.
fn attempts(sandbox: &Sandbox) -> Vec<PathBuf> {
    let folders = |folder: &Path| -> Vec<PathBuf> {
        let entries = folder.read_dir().map(|all| all.map(|entry| entry.unwrap().path()).collect::<Vec<_>>());
        entries.unwrap_or_default().into_iter().filter(|path| path.is_dir()).collect()
    };
    let inside = folders(&envs(sandbox)).into_iter().flat_map(|place| folders(&place));
    inside.filter(|path| !path.ends_with("users")).collect()
}

/// A search path on which only Git and Python are.
fn without_uv(sandbox: &Sandbox) -> PathBuf {
    let bin = sandbox.home().join("bin");
    fs_err::create_dir(&bin).unwrap();
    let python = sandbox.command("python3").args(["-c", "import sys; print(sys.executable)"]).run();
    let git = sandbox.command("sh").args(["-c", "command -v git"]).run();
    for (name, found) in [("python3", python), ("git", git)] {
        std::os::unix::fs::symlink(found.stdout.trim(), bin.join(name)).unwrap();
    }
    bin
}

#[track_caller]
fn path(output: &Output) -> PathBuf {
    output.assert_code(0);
    PathBuf::from(output.stdout.trim())
}

#[test]
fn what_would_be_done_can_be_pasted() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox, "harbor");
    let plan = wharf(&sandbox, &repo, "env sync --dry-run").run();
    let lines = plan.assert_code(0).stdout_contains("iniconfig==2.0.0").stdout.clone();
    assert!(attempts(&sandbox).is_empty(), "{:?}", attempts(&sandbox));
    sandbox.command("sh").args(["-ec", &lines]).run().assert_code(0);
    let made = attempts(&sandbox);
    assert!(made.len() == 1 && made[0].join("bin/python").exists(), "{made:?}\n{lines}");
    let has = "import iniconfig, importlib.metadata as m; print(m.version('iniconfig'))";
    let python = made[0].join("bin/python").display().to_string();
    sandbox.command(&python).args(["-c", has]).run().assert_code(0).stdout_contains("2.0.0");

    // What was pasted is not taken for what Wharf made; that has nothing to do the second time.
    let env = path(&wharf(&sandbox, &repo, "env sync").run());
    assert!(!made.contains(&env));
    let again = wharf(&sandbox, &repo, "env sync --dry-run").run();
    assert_eq!(again.assert_code(0).stderr_contains("nothing to do").stdout, "");

    let secret = "--index-url https://ada:hunter2@example.org/simple\niniconfig\n";
    let workspace = sample::workspace(&sandbox).toml("[thin-env]\nrequirements = \"needs.txt\"\n");
    let repo = workspace.file("needs.txt", secret).build();
    let plan = wharf(&sandbox, &repo, "env sync --dry-run").run();
    assert!(!plan.assert_code(0).stdout.contains("hunter2"), "{}", plan.stdout);
}

#[test]
fn made_once_then_found_without_network_and_shared() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox, "harbor");
    wharf(&sandbox, &repo, "env path").run().assert_code(4).stderr_contains("hint: make it with `wharf env sync`");
    let before = wharf(&sandbox, &repo, "env show --json").run().json();
    assert_eq!((&before["declared"], &before["made"], &before["bytes"]), (&json!(true), &json!(false), &Value::Null));

    let made = wharf(&sandbox, &repo, "env sync").run();
    made.stderr_contains("making the thin environment, of 1 requirements").stderr_contains("made, with Python 3.");
    let folder = path(&made);
    assert!(folder.starts_with(envs(&sandbox)), "{folder:?}");
    sandbox.command(folder.join("bin/python")).args(["-c", "import iniconfig"]).run().assert_code(0);

    let away = "http://127.0.0.1:1/simple";
    let again = wharf(&sandbox, &repo, "env sync").env("UV_DEFAULT_INDEX", away).env("UV_OFFLINE", "1").run();
    assert_eq!((path(&again), again.stderr.as_str()), (folder.clone(), ""));
    assert_eq!(path(&wharf(&sandbox, &repo, "env path").run()), folder);

    // Another workspace, its needs written otherwise, from inside the active environment.
    let other =
        sample::workspace(&sandbox).name("other").toml("[thin-env]\nrequirements = [\"iniconfig==2.0.0\"]\n").build();
    let variable = sandbox.variables().iter().find(|(name, _)| name == "PATH").unwrap().1.clone();
    let mut active = folder.join("bin").into_os_string();
    active.push(":");
    active.push(variable);
    assert_eq!(path(&wharf(&sandbox, &other, "env sync").env("PATH", active).run()), folder);

    let shown = wharf(&sandbox, &repo, "env show --json").run().json();
    let need = json!([{"kind": "requirement", "text": "iniconfig==2.0.0", "origin": "dev_scripts_harbor/more.txt:1"}]);
    assert_eq!(shown["needs"], need);
    assert_eq!(shown["packages"], json!([{"name": "iniconfig", "version": "2.0.0"}]));
    assert!(shown["bytes"].as_u64().unwrap() > 1000 && shown["made"] == true);
    let users: Vec<&str> = shown["users"].as_array().unwrap().iter().map(|one| one["root"].as_str().unwrap()).collect();
    assert_eq!(users, [repo.path(), other.path()].map(|path| path.to_str().unwrap()));
    let text = wharf(&sandbox, &repo, "env show").run();
    text.assert_code(0).stdout_contains("iniconfig==2.0.0  (dev_scripts_harbor/more.txt:1)");
    text.stdout_contains("packages  iniconfig 2.0.0").stdout_contains("3.8 or later will do");
    assert_eq!(repo.git(&["status", "--short", "--ignored"]), "", "nothing is written into the work tree");
}

#[test]
fn a_workspace_without_one_says_how_to_have_one() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox).build();
    let sync = wharf(&sandbox, &repo, "env sync").run();
    sync.assert_code(0).stderr_contains("`sample` declares no thin environment; declare one with");
    wharf(&sandbox, &repo, "env path").run().assert_code(4).stderr_contains("hint: declare one with");
    assert_eq!(wharf(&sandbox, &repo, "env show --json").run().json()["declared"], false);
    assert!(!envs(&sandbox).exists());
}

#[test]
fn needs_that_cannot_be_used_are_configuration_errors() {
    let sandbox = Sandbox::new();
    let repo = with(&sandbox, "[thin-env]\nrequirements = [\"invoke>=2\", \"not one\"]\n");
    let list = wharf(&sandbox, &repo, "env sync").run();
    list.assert_code(3).stderr_contains("wharf.toml:8").stderr_contains("a requirement such as `invoke>=2`");
    repo.write("wharf.toml", "[thin-env]\nrequirements = \"gone.txt\"\n");
    let gone = wharf(&sandbox, &repo, "env sync").run();
    gone.assert_code(3).stderr_contains("gone.txt`, which wharf.toml:2 names, cannot be read");
    repo.write("gone.txt", "six\n-e ./lib\n");
    let local = wharf(&sandbox, &repo, "env sync").run();
    local
        .assert_code(3)
        .stderr_contains("`-e ./lib` at gone.txt:2 is a path")
        .stderr_contains("hint: name a published");
}

#[test]
fn a_requirement_that_does_not_resolve_leaves_nothing() {
    let sandbox = Sandbox::new();
    let repo = with(&sandbox, "[thin-env]\nrequirements = [\"iniconfig==0.0.99\"]\n");
    let output = wharf(&sandbox, &repo, "env sync").run();
    output.assert_code(1).stderr_contains("iniconfig==0.0.99").stderr_contains("hint: read all of it with `less ");
    assert_eq!(attempts(&sandbox), Vec::<PathBuf>::new());
    wharf(&sandbox, &repo, "env path").run().assert_code(4);
}

#[test]
fn without_network_it_says_so() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox, "harbor");
    let sync = wharf(&sandbox, &repo, "env sync").env("UV_DEFAULT_INDEX", "http://me:s3cret@127.0.0.1:1/simple");
    let output = sync.env("UV_CACHE_DIR", sandbox.home().join("uv")).env("UV_HTTP_RETRIES", "0").run();
    output.assert_code(1).stderr_contains("hint: is the package index reachable?").stderr_lacks("s3cret");
    assert_eq!(attempts(&sandbox), Vec::<PathBuf>::new());
}

#[test]
fn without_python_it_names_the_package() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox, "harbor");
    let empty = sandbox.home().join("empty");
    fs_err::create_dir(&empty).unwrap();
    let output = wharf(&sandbox, &repo, "env sync").env("PATH", &empty).run();
    output.assert_code(4).stderr_contains("Python >=3.8 is not here").stderr_contains("apt-get install python3");
    let check = wharf(&sandbox, &repo, "env check").env("PATH", &empty).run();
    check.assert_code(4).stderr_contains("this machine is not ready: see git, engine, thin environment");
}

#[test]
fn a_home_that_cannot_be_written() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox, "harbor");
    let file = sandbox.home().join("file");
    fs_err::write(&file, "").unwrap();
    let output = wharf(&sandbox, &repo, "env sync").env("XDG_DATA_HOME", file.join("data")).run();
    output.assert_code(4).stderr_contains("file/data/wharf/envs` cannot be written");
    output.stderr_contains("hint: make `").stderr_contains("export WHARF_DATA_DIR=");
}

#[test]
fn ten_at_once_make_it_once() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox, "harbor");
    let running: Vec<_> = (0..10).map(|_| wharf(&sandbox, &repo, "env sync").spawn()).collect();
    let outputs: Vec<Output> = running.into_iter().map(|one| one.wait()).collect();
    let first = path(&outputs[0]);
    assert!(outputs.iter().all(|output| path(output) == first));
    assert_eq!(attempts(&sandbox), [first]);
}

#[test]
fn killed_midway_it_is_made_anew() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox, "harbor");
    let (bin, began) = (without_uv(&sandbox), sandbox.home().join("began"));
    let uv = sandbox.command("sh").args(["-c", "command -v uv"]).run().stdout;
    // uv's own, but that it never ends installing; it outlives the Wharf that started it.
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = pip ] || exec {} \"$@\"\necho $$ > {began}.new\nmv {began}.new {began}\nexec sleep 100\n",
        uv.trim(),
        began = began.display()
    );
    fs_err::write(bin.join("uv"), script).unwrap();
    fs_err::set_permissions(bin.join("uv"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path_with_sleep = format!("{}:/usr/bin:/bin", bin.display());
    let running = wharf(&sandbox, &repo, "env sync").env("PATH", path_with_sleep).spawn();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !began.exists() {
        assert!(Instant::now() < deadline, "it was never begun");
        std::thread::sleep(Duration::from_millis(5));
    }
    running.signal(Signal::KILL);
    running.wait().assert_signal(Signal::KILL);
    let remains = attempts(&sandbox);
    assert!(remains.iter().any(|attempt| attempt.join("bin/python").exists()), "{remains:?}");
    wharf(&sandbox, &repo, "env path").run().assert_code(4);
    let folder = path(&wharf(&sandbox, &repo, "env sync").run());
    let installer = fs_err::read_to_string(&began).unwrap();
    sandbox.command("sh").args(["-c", &format!("kill {installer}")]).run().assert_code(0);
    assert!(!remains.contains(&folder), "what the killed one began is never used");
    sandbox.command(folder.join("bin/python")).args(["-c", "import iniconfig"]).run().assert_code(0);
}

#[track_caller]
fn finding<'a>(all: &'a Value, name: &str) -> &'a Value {
    all.as_array().unwrap().iter().find(|one| one["check"] == name).unwrap_or_else(|| panic!("no `{name}` in {all:#}"))
}

#[test]
fn check_says_what_is_missing_and_then_that_all_is_there() {
    let mut sandbox = Sandbox::new();
    let bin = without_uv(&sandbox);
    sandbox.set("WHARF_ENGINE", "host");
    let repo = small(&sandbox, "harbor");
    let before = wharf(&sandbox, &repo, "env check").env("PATH", &bin).run();
    before.assert_code(4).stdout_contains("bad   thin environment  not made").stdout_contains("fix: wharf env sync");
    before.stderr_contains("error: this machine is not ready: see thin environment");
    wharf(&sandbox, &repo, "env sync").run().assert_code(0);
    let after = wharf(&sandbox, &repo, "env check --json").run();
    after.assert_code(0);
    let all = after.json();
    for name in ["git", "wharf", "engine", "thin environment", "python", "uv"] {
        assert_eq!(finding(&all, name)["status"], "ok", "{name}");
    }
}

/// Dates the notes of use back.
fn age(place: &Path, days: u32) {
    let users = place.join("users").read_dir().unwrap().map(|entry| entry.unwrap().path());
    for file in users.chain([place.join(".used")]) {
        let file = fs_err::File::options().write(true).open(file).unwrap();
        file.file().set_modified(SystemTime::now() - DAY * days).unwrap();
    }
}

#[test]
fn prune_removes_what_nobody_used_lately() {
    let sandbox = Sandbox::new();
    let repo = small(&sandbox, "harbor");
    let folder = path(&wharf(&sandbox, &repo, "env sync").run());
    let place = folder.parent().unwrap();
    age(place, 20);
    let kept = wharf(&sandbox, &repo, "env prune").run();
    kept.assert_code(0).stderr_contains("every thin environment is in use");
    let dry = wharf(&sandbox, &repo, "env prune --older-than 2w --dry-run").run();
    dry.assert_code(0).stdout_contains(&format!("rm -rf {}", place.display())).stderr_contains("not used lately");
    assert!(folder.is_dir());
    // Being asked for makes it used again.
    wharf(&sandbox, &repo, "env path").run().assert_code(0);
    wharf(&sandbox, &repo, "env prune --older-than 2w").run().assert_code(0);
    assert!(folder.is_dir());
    age(place, 31);
    let gone = wharf(&sandbox, &repo, "env prune").run();
    assert_eq!(path(&gone), place);
    assert!(!place.exists());
    wharf(&sandbox, &repo, "env prune --older-than 1d").run().assert_code(2).stderr_contains("such as `30d`");
}

#[test]
fn another_wharf_is_asked_for_in_one_line() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox).dir("infra", |dir| dir).build();
    let state = |text: &str| repo.write("wharf.toml", format!("[workspace]\n{text}\n[thin-env]\nrequirements = []\n"));
    let wrong = "but wharf.toml:2 requires >=99.1";
    let get = "git checkout v99.1.0 && cargo install --locked --path crates/cli";

    state("requires-wharf = \">=99.1\"");
    let look = wharf(&sandbox, &repo, "ls").run();
    look.assert_code(0).stdout_contains("infra").stderr_contains(wrong).stderr_contains(get);
    for words in ["env sync", "run infra -- true", "image build infra", "version bump --message x infra"] {
        let refused = wharf(&sandbox, &repo, words).run();
        refused.assert_code(4).stderr_contains(&format!("error: this is wharf {}, {wrong}", env!("CARGO_PKG_VERSION")));
        refused.stderr_contains(get);
    }
    wharf(&sandbox, &repo, "self check").run().assert_code(4).stderr_contains(wrong).stderr_contains(get);
    let version = wharf(&sandbox, &repo, "self version --json").run().json();
    assert_eq!((&version["requires"], &version["fits"]), (&json!(">=99.1"), &json!(false)));
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));

    // What this version does not know is then no slip.
    state("requires-wharf = \">=99.1\"\nfuture = 1");
    wharf(&sandbox, &repo, "ls").run().assert_code(4).stderr_contains(wrong).stderr_lacks("future");
    let check = wharf(&sandbox, &repo, "env check --json").run();
    check.assert_code(4);
    assert_eq!(finding(&check.json(), "wharf")["status"], "bad");

    state("requires-wharf = \">=0.0.1\"");
    wharf(&sandbox, &repo, "self check").run().assert_code(0).stderr_contains("wharf.toml:2 requires >=0.0.1");
    let fine = wharf(&sandbox, &repo, "env sync").run();
    fine.assert_code(0).stderr_lacks("requires");
    assert_eq!(wharf(&sandbox, &repo, "self version").run().stdout.trim(), env!("CARGO_PKG_VERSION"));
    state("requires-wharf = \"newest\"");
    wharf(&sandbox, &repo, "self check").run().assert_code(3).stderr_contains("wharf.toml:2");
}
