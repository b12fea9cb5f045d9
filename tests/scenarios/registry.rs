//! `wharf image push` and `wharf image pull`, against real registries.

pub(crate) mod front;

use std::sync::Mutex;
use std::sync::mpsc::channel;

use front::{Front, Verdict};
use serde_json::Value;
use wharf_testkit::{EngineKind, Output, Registry, Repo, Sandbox, Signal, WharfCommand, engines, sample};

use crate::image::Made;

const PASSWORD: &str = "s3cret-of-ada";
/// The engines' own architecture, as images name it.
const NATIVE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
/// Another one, and the platform that it is part of.
const OTHER: &str = if cfg!(target_arch = "aarch64") { "amd64" } else { "arm64" };
const OTHER_PLATFORM: &str = if cfg!(target_arch = "aarch64") { "linux/amd64" } else { "linux/arm64" };

/// A workspace whose images are made by hand: what is pushed is no business of how it was built.
struct Stage {
    sandbox: Sandbox,
    repo: Repo,
    engine: EngineKind,
    name: String,
}

impl Stage {
    fn new(engine: EngineKind, word: &str, toml: &str, dirs: &[&str]) -> Self {
        let mut sandbox = Sandbox::new();
        // Podman would keep log-ins in a folder of the machine.
        let auth = sandbox.home().join("auth.json");
        fs_err::write(&auth, "{}").unwrap();
        sandbox.set("REGISTRY_AUTH_FILE", auth);
        let name = format!("reg-{word}-{}-{engine}", std::process::id());
        let mut workspace = sample::workspace(&sandbox).name(&name).toml(toml);
        for dir in dirs {
            workspace = workspace.dir(dir, |dir| dir.no_requirements().toml("[python]\nmanager = \"none\"\n"));
        }
        let repo = workspace.build();
        Self { sandbox, repo, engine, name }
    }

    fn wharf(&self, args: &[&str]) -> WharfCommand {
        let command = self.sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(self.repo.path());
        command.args(["--engine", self.engine.name(), "image"]).args(args)
    }

    fn image(&self, args: &[&str]) -> Output {
        self.wharf(args).run()
    }

    fn engine(&self, args: &[&str]) -> Output {
        self.sandbox.command(self.engine.name()).args(args).run()
    }

    /// An image of a dir, of the version that its tag names, with `content` in its only layer, made by hand as `docker save`
    /// would write it.
    fn make(&self, dir: &str, tag: &str, content: &[u8], platform: Option<&str>) -> String {
        let version = tag.split('-').nth(1).unwrap();
        let (name, reference) = (format!("{}-{dir}", self.name), format!("{}-{dir}:{tag}", self.name));
        let folder = self.sandbox.path().join("archive");
        fs_err::create_dir_all(&folder).unwrap();
        let tar = |to: &str, from: &[&str]| {
            let command = self.sandbox.command("tar").cwd(&folder).args(["--owner=0", "--group=0", "--mtime=@0"]);
            command.args(["-cf", to]).args(from).run().assert_code(0);
        };
        let sum = |file: &str| {
            let output = self.sandbox.command("sha256sum").cwd(&folder).arg(file).run();
            format!("sha256:{}", output.stdout.split_whitespace().next().unwrap())
        };
        fs_err::write(folder.join("content"), content).unwrap();
        tar("layer.tar", &["content"]);
        let mut labels = serde_json::json!({
            "dev.wharf.name": name,
            "dev.wharf.inputs": "by-hand",
            "org.opencontainers.image.version": version,
        });
        if let Some(platform) = platform {
            labels["dev.wharf.platform"] = platform.into();
        }
        let config = serde_json::json!({
            "architecture": platform.map_or(NATIVE, |platform| platform.trim_start_matches("linux/")),
            "os": "linux",
            "config": { "Labels": labels },
            "rootfs": { "type": "layers", "diff_ids": [sum("layer.tar")] },
        });
        fs_err::write(folder.join("config.json"), config.to_string()).unwrap();
        let manifest = serde_json::json!([{ "Config": "config.json", "RepoTags": null, "Layers": ["layer.tar"] }]);
        fs_err::write(folder.join("manifest.json"), manifest.to_string()).unwrap();
        tar("image.tar", &["manifest.json", "config.json", "layer.tar"]);
        let archive = folder.join("image.tar").display().to_string();
        self.engine(&["load", "--input", &archive]).assert_code(0);
        self.engine(&["tag", &sum("config.json"), &reference]).assert_code(0);
        reference
    }

    /// The digest and the bytes of what a registry has under `host/acme/<name>-<dir>:<tag>`.
    fn raw(&self, host: &str, dir: &str, tag: &str) -> Option<(String, Value)> {
        let reference = format!("docker://{host}/acme/{}-{dir}:{tag}", self.name);
        let skopeo = |args: &[&str]| {
            let command = self.sandbox.command("skopeo").args(["inspect", "--tls-verify=false"]).args(args);
            command.arg("--creds").arg(format!("ada:{PASSWORD}")).arg(&reference).run()
        };
        let raw = skopeo(&["--raw"]);
        if raw.code != Some(0) {
            assert!(raw.stderr.contains("manifest unknown") || raw.stderr.contains("name unknown"), "{}", raw.told());
            return None;
        }
        let file = self.sandbox.path().join("manifest.json");
        fs_err::write(&file, &raw.stdout_bytes).unwrap();
        let digest = self.sandbox.command("skopeo").arg("manifest-digest").arg(&file).run();
        Some((digest.stdout.trim().to_owned(), raw.json()))
    }

    fn log_in(&self, host: &str, password: &str) {
        let auth = self.sandbox.command("base64").arg("-w0").stdin(format!("ada:{password}")).run().stdout;
        let text = format!("{{\"auths\":{{\"{host}\":{{\"auth\":\"{auth}\"}}}}}}");
        fs_err::create_dir_all(self.sandbox.home().join(".docker")).unwrap();
        for file in [".docker/config.json", "auth.json"] {
            fs_err::write(self.sandbox.home().join(file), &text).unwrap();
        }
    }

    fn remove(&self, references: &[String]) {
        for reference in references {
            let _gone = self.engine(&["image", "rm", "--force", reference]);
        }
    }
}

fn push_to(hosts: &[&str]) -> String {
    let list = hosts.iter().map(|host| format!("\"{host}/acme\"")).collect::<Vec<_>>().join(", ");
    format!("[registry]\npush = [{list}]\npull = \"{}/acme\"\n", hosts[0])
}

fn containers() -> impl Iterator<Item = EngineKind> {
    engines().into_iter().filter(|engine| engine.has_containers())
}

/// Bytes that do not compress.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ u64::from(std::process::id());
    let next = |state: &mut u64| {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        state.to_le_bytes()
    };
    (0..length / 8).flat_map(|_| next(&mut state)).collect()
}

#[test]
fn what_is_pushed_to_all_mirrors_is_read_back_and_pulled() {
    for engine in containers() {
        let (first, second) = (Registry::with_password("ada", PASSWORD), Registry::start());
        let (host, mirror) = (first.host(), second.host());
        let stage = Stage::new(engine, "all", &push_to(&[&host, &mirror]), &["a", "b", "c", "d"]);
        stage.log_in(&host, PASSWORD);
        let seen = log_calls(&stage);
        let mut made: Vec<String> =
            ["a", "b", "c"].iter().map(|dir| stage.make(dir, "dev-0.1.0", dir.as_bytes(), None)).collect();
        made.push(stage.make("a", &format!("dev-0.1.0-{OTHER}"), b"other", Some(OTHER_PLATFORM)));
        let path = with_calls(&stage);
        let run = |args: &[&str]| stage.wharf(args).env("PATH", &path).run();

        let planned = run(&["push", "--dry-run"]);
        planned.assert_code(0).stdout_contains("would be pushed for linux/amd64, linux/arm64\n");
        planned.stdout_contains(&format!("image push //a --stage dev --to {host}/acme\n"));
        assert_eq!(stage.raw(&host, "a", "dev-0.1.0"), None, "a plan changes nothing");

        let pushed = run(&["push"]);
        pushed.assert_code(0).stdout_contains("(pushed, `dev` is this version now)");
        pushed.stderr_contains("d: no image of version 0.1.0 is here");
        assert_eq!(pushed.stdout.lines().count(), 6, "{}", pushed.told());
        let (digest, index) = stage.raw(&host, "a", "dev-0.1.0").unwrap();
        assert_eq!(index["mediaType"], "application/vnd.oci.image.index.v1+json");
        let platforms: Vec<_> = index["manifests"].as_array().unwrap().iter().map(|entry| &entry["platform"]).collect();
        assert_eq!((platforms[0]["architecture"].as_str(), platforms.len()), (Some("amd64"), 2));
        assert_eq!(platforms[1]["architecture"], "arm64");
        for (host, tag) in [(&host, "dev"), (&mirror, "dev-0.1.0"), (&mirror, "dev")] {
            assert_eq!(stage.raw(host, "a", tag).unwrap().0, digest, "{host} {tag}");
        }
        pushed.stdout_contains(&format!("a: {host}/acme/{}-a:dev-0.1.0@{digest} (pushed", stage.name));

        let again = run(&["push", "a", "--stage", "dev"]);
        again.assert_code(0).stdout_contains("(there already)").stdout_lacks("(pushed");
        run(&["push", "d"]).assert_code(4).stderr_contains("wharf image ls");
        pulls(&stage, &host, &mut made, &run);

        let calls = fs_err::read_to_string(seen).unwrap_or_default();
        assert!(!calls.contains(PASSWORD), "{calls}");
        for output in [&planned, &pushed, &again] {
            output.stderr_lacks(PASSWORD).stdout_lacks(PASSWORD);
        }
        stage.remove(&made);
    }
}

fn pulls(stage: &Stage, host: &str, made: &mut Vec<String>, run: &dyn Fn(&[&str]) -> Output) {
    stage.remove(made);
    made.clear();
    let planned = run(&["pull", "b", "--dry-run"]);
    planned.assert_code(0).stdout_contains(&format!("{host}/acme/{}-b:dev-0.1.0\n", stage.name));
    let pulled = run(&["pull"]);
    pulled.assert_code(0).stderr_contains("d: the registry has no `").stderr_lacks(PASSWORD);
    assert_eq!(pulled.stdout.lines().count(), 3, "{}", pulled.told());
    for dir in ["a", "b", "c"] {
        let reference = format!("{host}/acme/{}-{dir}:dev-0.1.0", stage.name);
        pulled.stdout_contains(&format!("{dir}: {reference} (its inputs differ from the checkout)\n"));
        stage.engine(&["image", "inspect", &reference]).assert_code(0);
        made.push(reference);
    }
    run(&["pull", "d"]).assert_code(4).stderr_contains("wharf image build d");
    run(&["pull", "a", "--version", "9.9.9"]).assert_code(4).stderr_contains("dev-9.9.9");
}

/// A folder whose programs write down how they are called, then do as the real ones.
fn log_calls(stage: &Stage) -> std::path::PathBuf {
    let (bin, log) = (stage.sandbox.home().join("bin"), stage.sandbox.home().join("calls"));
    fs_err::create_dir_all(&bin).unwrap();
    let name = stage.engine.name();
    let which = stage.sandbox.command("sh").args(["-c", &format!("command -v {name}")]).run();
    let script = format!("#!/bin/sh\necho \"$0 $*\" >> {}\nexec {} \"$@\"\n", log.display(), which.stdout.trim());
    fs_err::write(bin.join(name), script).unwrap();
    stage.sandbox.command("chmod").arg("+x").arg(bin.join(name)).run().assert_code(0);
    log
}

fn with_calls(stage: &Stage) -> std::ffi::OsString {
    let path = stage.sandbox.variables().iter().find(|(name, _)| name == "PATH").unwrap().1.clone();
    let bin = stage.sandbox.home().join("bin");
    std::env::join_paths(std::iter::once(bin).chain(std::env::split_paths(&path))).unwrap()
}

#[test]
fn a_version_that_is_there_with_other_content_is_never_overwritten() {
    let registry = Registry::start();
    let host = registry.host();
    let stage = Stage::new(EngineKind::Docker, "taken", &push_to(&[&host]), &["a"]);
    let made = stage.make("a", "dev-0.1.0", b"one", None);
    let _made = Made(&stage.sandbox, stage.engine, &made);
    stage.image(&["push"]).assert_code(0);
    let before = stage.raw(&host, "a", "dev-0.1.0").unwrap().0;
    let id = |stage: &Stage| stage.engine(&["image", "inspect", "--format", "{{.Id}}", &made]).stdout.trim().to_owned();
    let old = id(&stage);
    stage.make("a", "dev-0.1.0", b"two", None);
    for args in [&["push"][..], &["push", "--dry-run"]] {
        let refused = stage.image(args);
        refused.assert_code(5).stderr_contains(&old).stderr_contains(&id(&stage));
        refused.stderr_contains("wharf version bump a");
    }
    assert_eq!(stage.raw(&host, "a", "dev").unwrap().0, before);

    // A platform may be added to a version.
    stage.engine(&["tag", &old, &made]).assert_code(0);
    let arm = stage.make("a", &format!("dev-0.1.0-{OTHER}"), b"other", Some(OTHER_PLATFORM));
    let _arm = Made(&stage.sandbox, stage.engine, &arm);
    stage.image(&["push"]).assert_code(0).stdout_contains("(pushed, `dev` is this version now)");
    let (digest, index) = stage.raw(&host, "a", "dev").unwrap();
    let entries = index["manifests"].as_array().unwrap();
    assert!(entries.len() == 2 && entries.iter().any(|entry| entry["digest"] == before.as_str()), "{index}");
    assert_eq!(stage.raw(&host, "a", "dev-0.1.0").unwrap().0, digest);
}

#[test]
fn the_floating_tag_never_goes_back_by_a_push() {
    let registry = Registry::start();
    let host = registry.host();
    let stage = Stage::new(EngineKind::Docker, "float", &push_to(&[&host]), &["a"]);
    let old = stage.make("a", "prod-0.1.0", b"one", None);
    let _old = Made(&stage.sandbox, stage.engine, &old);
    let new = stage.make("a", "prod-0.10.0", b"ten", None);
    let _new = Made(&stage.sandbox, stage.engine, &new);
    stage.repo.write("a/changelog.txt", "# a-0.10.0\n- ten\n");
    stage.image(&["push", "--stage", "dev"]).assert_code(0).stderr_contains("no image of version 0.10.0");
    stage.image(&["push"]).assert_code(0).stdout_contains("`prod` is this version now");
    let newest = stage.raw(&host, "a", "prod").unwrap().0;
    stage.repo.write("a/changelog.txt", "# a-0.1.0\n- one\n");
    stage.image(&["push"]).assert_code(0).stdout_contains("(pushed, `prod` stays at 0.10.0)");
    assert_eq!(stage.raw(&host, "a", "prod").unwrap().0, newest);
    assert_ne!(stage.raw(&host, "a", "prod-0.1.0").unwrap().0, newest);
}

#[test]
fn rights_are_found_missing_before_anything_is_sent() {
    let (good, closed) = (Registry::start(), Registry::with_password("ada", PASSWORD));
    let (open, locked) = (good.host(), closed.host());
    let stage = Stage::new(EngineKind::Docker, "rights", &push_to(&[&open, &locked]), &["a"]);
    let made = stage.make("a", "dev-0.1.0", b"one", None);
    let _made = Made(&stage.sandbox, stage.engine, &made);
    let anonymous = stage.image(&["push"]);
    anonymous.assert_code(4).stderr_contains(&format!("registry `{locked}` wants a log-in"));
    anonymous.stderr_contains(&format!("docker login {locked}")).stderr_contains("--password-stdin");
    stage.log_in(&locked, "wrong-password");
    let wrong = stage.image(&["push"]);
    wrong.assert_code(4).stderr_contains("refused the log-in of user `ada`").stderr_lacks("wrong-password");
    stage.wharf(&["push", "--to", &format!("{locked}/acme")]).run().assert_code(4);

    let denied = "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"requested access is denied\"}]}";
    let reader = Front::start(&open, move |asked| match asked.method.as_str() {
        "GET" | "HEAD" => Verdict::Pass,
        _ => Verdict::Answer("403 Forbidden", "Content-Type: application/json\r\n", denied),
    });
    let refused = stage.image(&["push", "--to", &format!("{}/acme", reader.host()), "--to", &format!("{open}/acme")]);
    refused.assert_code(4).stderr_contains("does not let anyone push to").stderr_contains("requested access is denied");
    let writes = reader.seen().iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(writes, 1, "what is denied is not asked again");

    let full = Registry::read_only();
    let refused = stage.image(&["push", "--to", &format!("{}/acme", full.host()), "--to", &format!("{open}/acme")]);
    refused.assert_code(4).stderr_contains("is read-only");
    assert_eq!(stage.raw(&open, "a", "dev-0.1.0"), None, "nothing was sent anywhere");

    let named = stage.image(&["push", "--to", &format!("{open}/Acme")]);
    named
        .assert_code(3)
        .stderr_contains("no registry accepts the name")
        .stderr_contains(&format!("write `{open}/acme/"));
    let long = format!("{open}/{}", "x".repeat(250));
    stage.image(&["push", "--to", &long]).assert_code(3).stderr_contains("more than 255 characters");
}

#[test]
fn a_mirror_that_is_down_holds_up_nobody_else() {
    let (first, mut second) = (Registry::start(), Registry::start());
    let (host, mirror) = (first.host(), second.host());
    let stage = Stage::new(EngineKind::Docker, "down", &push_to(&[&mirror, &host]), &["a"]);
    let made = stage.make("a", "dev-0.1.0", b"one", None);
    let _made = Made(&stage.sandbox, stage.engine, &made);
    second.stop();
    let partly = stage.image(&["push"]);
    partly.assert_code(4).stderr_contains(&format!("registry `{mirror}` cannot be reached"));
    partly.stdout_contains(&format!("a: {host}/acme/")).stdout_lacks(&mirror);
    let digest = stage.raw(&host, "a", "dev").unwrap().0;
    let pulled = stage.image(&["pull"]);
    pulled.assert_code(4).stderr_contains(&mirror);
    second.start_again();
    let whole = stage.image(&["push"]);
    whole.assert_code(0).stdout_contains("(there already)").stdout_contains("(pushed, `dev`");
    assert_eq!(stage.raw(&mirror, "a", "dev").unwrap().0, digest);
}

#[test]
fn a_certificate_that_nobody_trusts_is_named_and_can_be_trusted() {
    let registry = Registry::with_tls();
    let host = registry.host();
    for engine in containers() {
        let stage = Stage::new(engine, "tls", &push_to(&[&host]), &["a"]);
        let made = stage.make("a", "dev-0.1.0", b"one", None);
        let _made = Made(&stage.sandbox, stage.engine, &made);
        let refused = stage.image(&["push"]);
        refused.assert_code(4).stderr_contains(&format!("the certificate of registry `{host}` is not trusted"));
        refused.stderr_contains("`[build] ca-certificates`").stderr_contains(&format!("certs.d/{host}/ca.crt"));
        let path = registry.certificate().display().to_string();
        let trusting = stage.wharf(&["push"]).env("WHARF_BUILD_CA_CERTIFICATES", path).run();
        trusting.assert_code(0).stdout_contains("(pushed, `dev` is this version now)");
        assert!(stage.raw(&host, "a", "dev").is_some());
    }
}

#[test]
fn a_full_disk_is_named() {
    let registry = Registry::with_disk(1 << 20);
    let host = registry.host();
    // Docker itself tries an upload for a minute before it gives up.
    let engine = containers().find(|engine| *engine == EngineKind::Podman).unwrap_or(EngineKind::Docker);
    let stage = Stage::new(engine, "full", &push_to(&[&host]), &["a"]);
    let made = stage.make("a", "dev-0.1.0", &noise(3 << 20), None);
    let _made = Made(&stage.sandbox, stage.engine, &made);
    let full = stage.wharf(&["push"]).deadline(std::time::Duration::from_secs(300)).run();
    full.assert_code(4).stderr_contains(&format!("the disk of registry `{host}` is full")).stderr_contains("make room");
    assert_eq!(full.stdout, "");
}

#[test]
fn a_registry_that_fails_now_and_then_is_tried_again() {
    let registry = Registry::start();
    let failing = Front::start(&registry.host(), |asked| match (asked.method.as_str(), asked.before) {
        ("POST", 0) => Verdict::Answer("503 Service Unavailable", "", "down for a moment"),
        ("POST", 1) => Verdict::Answer("429 Too Many Requests", "Retry-After: 1\r\n", ""),
        ("GET", 0) => Verdict::Cut,
        ("DELETE", _) => Verdict::Answer("405 Method Not Allowed", "", ""),
        _ => Verdict::Pass,
    });
    let host = failing.host();
    let stage = Stage::new(EngineKind::Docker, "flaky", &push_to(&[&host]), &["a"]);
    let made = stage.make("a", "dev-0.1.0", b"one", None);
    let _made = Made(&stage.sandbox, stage.engine, &made);
    let pushed = stage.image(&["push"]);
    pushed
        .assert_code(0)
        .stderr_contains(&format!("warning: registry `{host}` failed (503 Service Unavailable); try 2 of 5"));
    pushed.stderr_contains("failed (429 Too Many Requests); try 3 of 5 in 1.0 s");
    assert_eq!(stage.raw(&registry.host(), "a", "dev").unwrap().0, stage.raw(&host, "a", "dev-0.1.0").unwrap().0);

    let broken = Front::start(&registry.host(), |_| Verdict::Answer("500 Internal Server Error", "", "broken"));
    let failed = stage.image(&["push", "--to", &format!("{}/acme", broken.host())]);
    failed.assert_code(4).stderr_contains("fails (500 Internal Server Error), tried 5 times");
    assert_eq!(broken.seen().len(), 5, "{:?}", broken.seen());
}

/// Runs `wharf image push`, calls `meddle` when the first layer is on its way, and lets that request fail.
fn meddle_in_mid_push(
    stage: &Stage,
    front: &Front,
    began: &std::sync::mpsc::Receiver<()>,
    meddle: impl FnOnce(&wharf_testkit::Running),
) -> Output {
    let running = stage.wharf(&["push", "--to", &format!("{}/acme", front.host())]).spawn();
    began.recv_timeout(std::time::Duration::from_secs(100)).expect("a layer is sent");
    meddle(&running);
    running.wait()
}

/// A front that tells when the first layer is on its way and waits to be let go on, then cuts the connection.
fn holding(upstream: &str) -> (Front, std::sync::mpsc::Receiver<()>, std::sync::mpsc::Sender<()>) {
    let (tell, began) = channel();
    let (release, released) = channel();
    let (tell, released) = (Mutex::new(tell), Mutex::new(released));
    let front = Front::start(upstream, move |asked| {
        if asked.method == "PATCH" && asked.before == 0 {
            let _ = tell.lock().unwrap().send(());
            // The test's end lets go, too.
            let _ = released.lock().unwrap().recv();
            return Verdict::Cut;
        }
        assert!(!asked.path.is_empty());
        Verdict::Pass
    });
    (front, began, release)
}

#[test]
fn a_registry_that_is_restarted_in_mid_push_gets_all_in_the_end() {
    let mut registry = Registry::start();
    let (front, began, release) = holding(&registry.host());
    let stage = Stage::new(EngineKind::Docker, "restart", &push_to(&[&front.host()]), &["a"]);
    let made = stage.make("a", "dev-0.1.0", &noise(1 << 20), None);
    let _made = Made(&stage.sandbox, stage.engine, &made);
    let pushed = meddle_in_mid_push(&stage, &front, &began, |_| {
        registry.start_again();
        release.send(()).unwrap();
    });
    pushed.assert_code(0).stdout_contains("(pushed, `dev` is this version now)");
    assert!(stage.raw(&registry.host(), "a", "dev").is_some());
}

#[test]
fn a_push_that_was_killed_goes_on_where_it_was() {
    let registry = Registry::start();
    let (front, began, release) = holding(&registry.host());
    let stage = Stage::new(EngineKind::Docker, "killed", &push_to(&[&front.host()]), &["a"]);
    let made = stage.make("a", "dev-0.1.0", &noise(1 << 20), None);
    let _made = Made(&stage.sandbox, stage.engine, &made);
    let arm = stage.make("a", &format!("dev-0.1.0-{OTHER}"), b"other", Some(OTHER_PLATFORM));
    let _arm = Made(&stage.sandbox, stage.engine, &arm);
    let killed = meddle_in_mid_push(&stage, &front, &began, |running| running.signal(Signal::KILL));
    killed.assert_signal(Signal::KILL);
    assert_eq!(stage.raw(&registry.host(), "a", "dev-0.1.0"), None, "a version is whole or not there");
    drop(release);
    stage.image(&["push"]).assert_code(0).stdout_contains("(pushed, `dev` is this version now)");
    let (digest, index) = stage.raw(&registry.host(), "a", "dev-0.1.0").unwrap();
    assert_eq!(index["manifests"].as_array().unwrap().len(), 2);
    assert_eq!(stage.raw(&registry.host(), "a", "dev").unwrap().0, digest);
    let left = stage.engine(&["images", "--format", "{{.Repository}}:{{.Tag}}", &format!("{}/acme/*", front.host())]);
    let names: Vec<String> = left.stdout.lines().map(str::to_owned).collect();
    stage.remove(&names);
}
