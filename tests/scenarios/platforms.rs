//! Images for other platforms than the engine's own: `--platform` of `image build`, `run` and `test`.

use serde_json::Value;
use wharf_testkit::{
    EngineKind, Output, Repo, Running, Sandbox, WharfCommand, engines, foreign_platform, machine, native_platform,
    sample, tiny_image,
};

use crate::image::Made;

fn wharf(sandbox: &Sandbox, repo: &Repo, engine: EngineKind) -> WharfCommand {
    sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(repo.path()).args(["--engine", engine.name()])
}

/// A dir with an own Dockerfile on `base`; `mark` makes its content unlike any other.
fn repo(sandbox: &Sandbox, name: &str, base: &str, mark: &str) -> Repo {
    let dockerfile = format!("FROM {base} AS dev\nRUN echo {mark}; uname -m > /machine\nFROM dev AS prod\n");
    let platforms = format!("[image]\nplatforms = [\"{}\", \"{}\"]\n", foreign_platform(), native_platform());
    sample::workspace(sandbox)
        .name(name)
        .dir("a", |dir| dir.no_requirements().toml(&platforms).file("devops/Dockerfile", dockerfile))
        .build()
}

/// The machine's own tiny image by its plain name; with the suffix there is that of the other platform.
const TINY: &str = "wharf-test/tiny:bookworm";

fn suffix() -> &'static str {
    foreign_platform().trim_start_matches("linux/")
}

fn containers() -> impl Iterator<Item = EngineKind> {
    engines().into_iter().filter(|engine| engine.has_containers())
}

fn field(sandbox: &Sandbox, engine: EngineKind, reference: &str, format: &str) -> String {
    let output = sandbox.command(engine.name()).args(["image", "inspect", "--format", format, reference]).run();
    output.assert_code(0);
    output.stdout.trim().to_owned()
}

#[test]
fn each_platform_has_an_image_and_runs() {
    for engine in containers() {
        let sandbox = Sandbox::new();
        let name = format!("both-{}-{engine}", std::process::id());
        let repo = repo(&sandbox, &name, TINY, &name);
        let plain = format!("{name}-a:local-root-0.1.0");
        let foreign = format!("{plain}-{}", suffix());
        let _made = (Made(&sandbox, engine, &plain), Made(&sandbox, engine, &foreign));
        let wharf = |args: &[&str]| wharf(&sandbox, &repo, engine).args(args).run();
        let before = field(&sandbox, engine, TINY, "{{.Id}}");

        let both = format!("{},{}", native_platform(), foreign_platform());
        let built = wharf(&["image", "build", "--platform", &both]);
        built.assert_code(0);
        let why = "(built now: there is none yet)";
        assert_eq!(built.stdout, format!("a: {plain} {why}\na: {foreign} {why}\n"));
        let again = wharf(&["image", "build", "--all-platforms"]);
        let why = "(its inputs match the checkout)";
        assert_eq!(again.assert_code(0).stdout, format!("a: {foreign} {why}\na: {plain} {why}\n"));
        for (reference, platform) in [(&plain, native_platform()), (&foreign, foreign_platform())] {
            let of_image = "{{.Os}}/{{.Architecture}} {{index .Config.Labels \"dev.wharf.platform\"}}";
            assert_eq!(field(&sandbox, engine, reference, of_image), format!("{platform} {platform}"), "{engine}");
        }
        let inputs =
            |reference: &str| field(&sandbox, engine, reference, "{{index .Config.Labels \"dev.wharf.inputs\"}}");
        assert_eq!(inputs(&plain), inputs(&foreign), "what decides an image is the same everywhere");
        assert_eq!(field(&sandbox, engine, TINY, "{{.Id}}"), before, "the base's name goes on meaning the same");

        let show = ["a", "--", "sh", "-c", "cat /machine; uname -m"];
        for (flags, platform) in
            [(&[][..], native_platform()), (&["--platform", foreign_platform()][..], foreign_platform())]
        {
            let output = wharf(&[&["run"][..], flags, &show].concat());
            assert_eq!(output.assert_code(0).stdout, format!("{0}\n{0}\n", machine(platform)), "{engine}");
        }
        lists_both(&wharf(&["image", "ls", "--json"]), &wharf(&["image", "ls"]));
    }
}

fn lists_both(json: &Output, table: &Output) {
    let listed = json.assert_code(0).json();
    let rows = listed.as_array().expect("an array").iter();
    let mut platforms: Vec<&str> = rows.filter_map(|row| row["platform"].as_str()).collect();
    platforms.sort_unstable();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64"], "{listed}");
    let columns: Vec<&str> = table.stdout.lines().next().unwrap_or_default().split_whitespace().collect();
    assert_eq!(columns[3..6], ["version", "platform", "matches"]);
}

#[test]
fn an_image_of_another_platform_is_never_taken_for_the_own_one() {
    for engine in containers() {
        let sandbox = Sandbox::new();
        let name = format!("own-{}-{engine}", std::process::id());
        let repo = repo(&sandbox, &name, TINY, &name);
        let plain = format!("{name}-a:local-root-0.1.0");
        let foreign = format!("{plain}-{}", suffix());
        let unlabelled = format!("{name}-a:dev-9.9.9");
        let _made = [&plain, &foreign, &unlabelled].map(|tag| Made(&sandbox, engine, tag));
        let wharf = |args: &[&str]| wharf(&sandbox, &repo, engine).args(args).run();
        wharf(&["image", "build", "--platform", foreign_platform()]).assert_code(0).stdout_contains(&foreign);
        let planned = wharf(&["image", "build", "--dry-run"]);
        planned.assert_code(0).stdout_contains(&format!("# a: {plain}, because there is none yet\n"));
        // One that says nothing of its platform, as other programs make them.
        if engine == EngineKind::Podman {
            let labels = field(&sandbox, engine, &foreign, "{{index .Config.Labels \"dev.wharf.inputs\"}}");
            let file = sandbox.path().join("Unlabelled");
            let label = format!("LABEL dev.wharf.stage=dev dev.wharf.inputs={labels}");
            fs_err::write(&file, format!("FROM {}\n{label}\n", tiny_image(foreign_platform()))).expect("writable");
            let build = ["build", "--platform", foreign_platform(), "--tag", &unlabelled, "--file"];
            sandbox.command("podman").args(build).arg(&file).arg(sandbox.path()).run().assert_code(0);
            wharf(&["image", "build", "--dry-run"]).assert_code(0).stdout_contains(&format!("# a: {plain}, because "));
            let rows = wharf(&["image", "ls", "--json"]).json();
            let row = rows.as_array().and_then(|rows| rows.iter().find(|row| row["tag"] == "dev-9.9.9").cloned());
            assert_eq!(row.expect("it is listed")["platform"], foreign_platform());
        }
        let output = wharf(&["run", "a", "--", "cat", "/machine"]);
        assert_eq!(output.assert_code(0).stdout, format!("{}\n", machine(native_platform())), "{engine}");
        output.stderr_contains(&plain);
    }
}

#[test]
fn a_plan_names_the_platform_and_builds_nothing() {
    let engine = EngineKind::Docker;
    let sandbox = Sandbox::new();
    let name = format!("planned-{}", std::process::id());
    let repo = repo(&sandbox, &name, TINY, &name);
    let wharf = |args: &[&str]| wharf(&sandbox, &repo, engine).args(args).run();
    let planned = wharf(&["image", "build", "--all-platforms", "--dry-run"]);
    planned.assert_code(0).stdout_contains(&format!("# a: {name}-a:local-root-0.1.0-{}, because", suffix()));
    planned.stdout_contains(&format!("image build --platform {} //a\n", foreign_platform()));
    let planned = wharf(&["run", "--platform", foreign_platform(), "--dry-run", "a", "--", "true"]);
    planned.assert_code(0).stdout_contains(&format!(" --platform {} ", foreign_platform()));
    planned.stdout_contains(&format!(" {name}-a:local-root-0.1.0-{} true\n", suffix()));
    let planned = wharf(&["run", "--platform", native_platform(), "--dry-run", "a", "--", "true"]);
    planned.assert_code(0).stdout_lacks("--platform").stdout_contains(&format!(" {name}-a:local-root-0.1.0 true\n"));
    assert_eq!(wharf(&["image", "ls", "--json"]).json(), Value::Array(Vec::new()));
}

#[test]
fn tests_run_on_the_platform_that_is_asked_for() {
    let engine = EngineKind::Docker;
    let sandbox = Sandbox::new();
    let name = format!("tested-{}", std::process::id());
    // A whole Python for the other platform takes minutes to make; which machine it is started on shows without one.
    let python = "#!/bin/sh\necho python on $(uname -m)\nexit 3\n";
    let dockerfile = format!("FROM {TINY} AS dev\nCOPY devops/python3 /bin/python3\nFROM dev AS prod\n");
    let repo = sample::workspace(&sandbox)
        .name(&name)
        .dir("a", |dir| {
            let dir =
                dir.no_requirements().file("devops/Dockerfile", dockerfile).test("test_a.py", "def test(): pass\n");
            dir.file("devops/python3", python)
        })
        .build();
    let script = repo.join("a/devops/python3");
    sandbox.command("chmod").arg("755").arg(&script).run().assert_code(0);
    let tag = format!("{name}-a:local-root-0.1.0-{}", suffix());
    let _made = Made(&sandbox, engine, &tag);
    let output = wharf(&sandbox, &repo, engine).args(["test", "--platform", foreign_platform()]).run();
    output.assert_code(4).stdout_contains(&tag);
    output.stderr_contains(&format!("did not start (code 3): python on {}\n", machine(foreign_platform())));
}

#[test]
fn what_is_no_platform_is_refused_with_those_that_are() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox, "refused", TINY, "x");
    let wharf = |args: &[&str]| wharf(&sandbox, &repo, EngineKind::Host).args(args).run();
    for args in [
        &["image", "build", "--platform", "linux/vax"][..],
        &["run", "--platform", "linux/vax", "a", "--", "true"],
        &["bash", "--platform", "linux/vax", "a"],
        &["test", "--platform", "linux/vax"],
    ] {
        wharf(args).assert_code(2).stderr_contains("`linux/vax` is no platform").stderr_contains("linux/arm/v7, ");
    }
    let output = wharf(&["image", "build", "--platform", "linux/amd64,aarch64"]);
    output.assert_code(2).stderr_contains("did you mean `linux/arm64`");
    wharf(&["image", "build", "--platform", "linux/amd64", "--all-platforms"]).assert_code(2);
    let output = wharf(&["run", "--platform", "linux/s390x", "a", "--", "true"]);
    output.assert_code(4).stderr_contains("engine `host` cannot run programs of another platform");

    repo.write("a/devops/wharf.toml", "[image]\nplatforms = [\n  \"linux/amd64\",\n  \"linux/arm46\",\n]\n");
    let output = wharf(&["image", "build"]);
    output.assert_code(3).stderr_contains("bad value \"linux/arm46\"").stderr_contains("a/devops/wharf.toml");
    output.stderr_contains("4").stderr_contains("linux/arm64");
}

#[test]
fn a_platform_without_an_emulator_is_told_before_the_build() {
    let sandbox = Sandbox::new();
    let name = format!("emulator-{}", std::process::id());
    let repo = repo(&sandbox, &name, TINY, &name);
    let is_root = sandbox.command("id").arg("-u").run().stdout == "0\n";
    // The same kernel, seen by a process for which nothing is registered.
    let hide = "b=/proc/sys/fs/binfmt_misc; mount -t tmpfs none $b && echo enabled > $b/status && exec \"$@\"";
    let without = |args: &[&str]| {
        let unshare = sandbox.command("unshare").arg("--mount").args((!is_root).then_some("--map-root-user"));
        let unshare = unshare.args(["sh", "-c", hide, "sh", env!("CARGO_BIN_EXE_wharf"), "--engine", "docker"]);
        unshare.args(args).cwd(repo.path()).run()
    };
    for args in [
        &["image", "build", "--platform", foreign_platform()][..],
        &["run", "--platform", foreign_platform(), "a", "--", "true"],
        &["test", "--platform", foreign_platform()],
    ] {
        let output = without(args);
        output.assert_code(4).stderr_contains(&format!("cannot run programs for {}", foreign_platform()));
        output.stderr_contains("apt-get install qemu-user-static binfmt-support");
        output.stderr_contains(&format!("tonistiigi/binfmt --install {}", suffix())).stderr_lacks("building");
    }
    without(&["image", "build", "--dry-run", "--platform", native_platform()]).assert_code(0);
}

/// A registry on this machine, with the tiny images in it: `single` for the machine's own platform alone, `index` likewise
/// but as an index, `both` as an index of two.
struct Registry {
    _running: Running,
    host: String,
}

const PUT_INDEX: &str = r#"
import json, sys, urllib.request
host, tag, *sources = sys.argv[1:]
kind = "application/vnd.docker.distribution.manifest."
manifests = []
for source in sources:
    name, architecture = source.split("=")
    get = urllib.request.Request(f"http://{host}/v2/tiny/manifests/{name}", headers={"Accept": kind + "v2+json"})
    answer = urllib.request.urlopen(get)
    body = answer.read()
    manifests.append({"mediaType": kind + "v2+json", "digest": answer.headers["Docker-Content-Digest"], "size": len(body),
                      "platform": {"os": "linux", "architecture": architecture}})
index = json.dumps({"schemaVersion": 2, "mediaType": kind + "list.v2+json", "manifests": manifests}).encode()
urllib.request.urlopen(urllib.request.Request(f"http://{host}/v2/tiny/manifests/{tag}", method="PUT", data=index,
                                              headers={"Content-Type": kind + "list.v2+json"}))
"#;

impl Registry {
    fn start(sandbox: &mut Sandbox) -> Self {
        let root = sandbox.path().join("registry");
        let settings = format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \"127.0.0.1:0\"}}\n",
            root.display()
        );
        let file = sandbox.path().join("registry.yml");
        fs_err::write(&file, settings).expect("writable");
        let running = sandbox.command("docker-registry").arg("serve").arg(&file).spawn();
        running.wait_stderr_contains("listening on ");
        let said = running.so_far().stderr;
        let port = said.split("listening on 127.0.0.1:").nth(1).expect("an address");
        let port: String = port.chars().take_while(char::is_ascii_digit).collect();
        let host = format!("127.0.0.1:{port}");
        let podman = sandbox.path().join("registries.conf");
        fs_err::write(&podman, format!("[[registry]]\nlocation = \"{host}\"\ninsecure = true\n")).expect("writable");
        sandbox.set("CONTAINERS_REGISTRIES_CONF", podman);
        for (tag, platform) in [("single", native_platform()), ("other", foreign_platform())] {
            let copy = sandbox.command("skopeo").args(["copy", "--quiet", "--dest-tls-verify=false"]);
            let copy = copy.arg(format!("docker-daemon:{}", tiny_image(platform)));
            copy.arg(format!("docker://{host}/tiny:{tag}")).run().assert_code(0);
        }
        let own = format!("single={}", native_platform().trim_start_matches("linux/"));
        let other = format!("other={}", suffix());
        for (tag, sources) in [("index", vec![&own]), ("both", vec![&own, &other])] {
            let put = sandbox.command("python3").args(["-c", PUT_INDEX, &host, tag]).args(sources);
            put.env("no_proxy", "127.0.0.1").run().assert_code(0);
        }
        Self { _running: running, host }
    }

    fn base(&self, tag: &str) -> String {
        format!("{}/tiny:{tag}", self.host)
    }
}

#[test]
fn a_base_of_a_registry_is_had_for_each_platform_and_keeps_its_name() {
    for engine in containers() {
        let mut sandbox = Sandbox::new();
        let registry = Registry::start(&mut sandbox);
        let base = registry.base("both");
        let name = format!("index-{}-{engine}", std::process::id());
        let repo = repo(&sandbox, &name, &base, &name);
        let plain = format!("{name}-a:local-root-0.1.0");
        let made = [plain.clone(), format!("{plain}-{}", suffix()), base.clone(), format!("{base}-{}", suffix())];
        let _made = made.each_ref().map(|tag| Made(&sandbox, engine, tag));
        let wharf = |args: &[&str]| wharf(&sandbox, &repo, engine).args(args).run();
        sandbox.command(engine.name()).args(["pull", "--quiet", &base]).run().assert_code(0);
        let before = field(&sandbox, engine, &base, "{{.Id}}");
        // The other one first: the own one must not be made from what that brought.
        let order = format!("{},{}", foreign_platform(), native_platform());
        wharf(&["image", "build", "--platform", &order]).assert_code(0).stdout_contains(&format!("a: {plain} "));
        assert_eq!(field(&sandbox, engine, &base, "{{.Id}}"), before, "{engine}");
        for platform in [native_platform(), foreign_platform()] {
            let output = wharf(&["run", "--platform", platform, "a", "--", "cat", "/machine"]);
            assert_eq!(output.assert_code(0).stdout, format!("{}\n", machine(platform)), "{engine}");
        }
    }
}

#[test]
fn a_base_that_lacks_a_platform_is_named_with_those_it_has() {
    let mut sandbox = Sandbox::new();
    let registry = Registry::start(&mut sandbox);
    for engine in containers() {
        for tag in ["single", "index"] {
            let base = registry.base(tag);
            let name = format!("lacks-{}-{engine}-{tag}", std::process::id());
            let workspace = Sandbox::new();
            let repo = repo(&workspace, &name, &base, &name);
            let made = format!("{base}-{}", suffix());
            let _made = (Made(&sandbox, engine, &base), Made(&sandbox, engine, &made));
            let command = sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(repo.path());
            let command = command.args(["--engine", engine.name(), "image", "build", "--platform", foreign_platform()]);
            let output = command.run();
            let (foreign, native) = (foreign_platform(), native_platform());
            let message = format!("image `{base}` is not there for {foreign}, only for {native}\n");
            output.assert_code(4).stderr_contains(&message).stderr_contains("hint: ");
            assert_eq!(output.stdout, "", "{engine}");
            let listed = sandbox.command(engine.name()).args(["image", "ls", "--quiet", &format!("{name}-a")]).run();
            assert_eq!(listed.assert_code(0).stdout, "", "nothing is left that looks like an image for it");
        }
    }
}
