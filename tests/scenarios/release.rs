//! `wharf image release` and `wharf image rollback`, against real registries and a real remote.

use serde_json::Value;
use wharf_testkit::{
    EngineKind, Output, Registry, Repo, Sandbox, WharfCommand, engines, foreign_platform, machine, native_platform,
    sample,
};

const PASSWORD: &str = "s3cret-of-ada";
const SECRET: &str = "t0ken-that-no-image-holds";

/// A workspace with dirs on the tiny base, whose builds take a second, and a remote. The images that were made go with it.
pub(crate) struct Release {
    pub(crate) sandbox: Sandbox,
    pub(crate) repo: Repo,
    pub(crate) remote: Repo,
    pub(crate) engine: EngineKind,
    pub(crate) name: String,
}

impl Release {
    pub(crate) fn new(word: &str, hosts: &[&str], dirs: &[&str]) -> Self {
        Self::with(word, hosts, dirs, &format!("\"{}\"", native_platform()))
    }

    pub(crate) fn with(word: &str, hosts: &[&str], dirs: &[&str], platforms: &str) -> Self {
        let mut sandbox = Sandbox::new();
        sandbox.set("TOKEN", SECRET);
        let name = format!("rel-{word}-{}", std::process::id());
        let hosts = hosts.iter().map(|host| format!("\"{host}/acme\"")).collect::<Vec<_>>().join(", ");
        let toml = format!("[registry]\npush = [{hosts}]\n[build.secrets]\ntoken = \"env:TOKEN\"\n");
        let dir_toml = format!("[image]\nplatforms = [{platforms}]\n[python]\nmanager = \"none\"\n");
        let mut workspace = sample::workspace(&sandbox).name(&name).toml(&toml);
        for dir in dirs {
            workspace = workspace.dir(dir, |filled| {
                filled
                    .no_requirements()
                    .toml(&dir_toml)
                    .file("devops/Dockerfile", dockerfile(&format!("{name} {dir}")))
                    .file("code.txt", "code\n")
            });
        }
        let repo = workspace.build();
        let remote = Repo::bare_remote(sandbox.path().join("remote.git"));
        repo.push_to(&remote);
        Self { sandbox, repo, remote, engine: EngineKind::Docker, name }
    }

    /// With Podman, which gives up sooner than Docker where a registry fails: that tries for a minute by itself.
    pub(crate) fn with_podman(mut self) -> Self {
        if engines().contains(&EngineKind::Podman) {
            self.engine = EngineKind::Podman;
        }
        let auth = self.sandbox.home().join("auth.json");
        fs_err::write(&auth, "{}").unwrap();
        self.sandbox.set("REGISTRY_AUTH_FILE", auth);
        self
    }

    pub(crate) fn wharf(&self, args: &[&str]) -> WharfCommand {
        self.wharf_in(&self.repo, args)
    }

    fn wharf_in(&self, repo: &Repo, args: &[&str]) -> WharfCommand {
        let command = self.sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(repo.path());
        command.args(["--engine", self.engine.name()]).args(args)
    }

    pub(crate) fn release(&self, args: &[&str]) -> Output {
        self.wharf(&["image", "release"]).args(args).deadline(std::time::Duration::from_secs(400)).run()
    }

    pub(crate) fn engine(&self, args: &[&str]) -> Output {
        self.sandbox.command(self.engine.name()).args(args).run()
    }

    /// Content id of an image here.
    fn id(&self, reference: &str) -> Option<String> {
        let output = self.engine(&["image", "inspect", "--format", "{{.Id}}", reference]);
        (output.code == Some(0)).then(|| output.stdout.trim().to_owned())
    }

    /// The digest and the bytes of what a registry has, read with skopeo.
    pub(crate) fn raw(&self, host: &str, dir: &str, tag: &str) -> Option<(String, Value)> {
        let reference = format!("docker://{host}/acme/{}-{dir}:{tag}", self.name);
        let inspect = ["inspect", "--tls-verify=false", "--raw", reference.as_str()];
        let raw = self.sandbox.command("skopeo").args(inspect).run();
        if raw.code != Some(0) {
            assert!(raw.stderr.contains("manifest unknown") || raw.stderr.contains("name unknown"), "{}", raw.told());
            return None;
        }
        let file = self.sandbox.path().join("manifest.json");
        fs_err::write(&file, &raw.stdout_bytes).unwrap();
        let digest = self.sandbox.command("skopeo").arg("manifest-digest").arg(&file).run();
        Some((digest.stdout.trim().to_owned(), raw.json()))
    }

    pub(crate) fn digest(&self, host: &str, dir: &str, tag: &str) -> Option<String> {
        self.raw(host, dir, tag).map(|(digest, _)| digest)
    }

    /// Commit of a tag at the remote.
    pub(crate) fn tagged(&self, tag: &str) -> String {
        self.remote.git(&["for-each-ref", "--format=%(objecttype) %(*objectname)", &format!("refs/tags/{tag}")])
    }

    fn change(&self, dir: &str, what: &str) {
        self.repo.write(format!("{dir}/devops/Dockerfile"), dockerfile(&format!("{} {dir} {what}", self.name)));
    }

    /// Gives a change a version, and commits both.
    fn bump(&self, dir: &str) {
        self.change(dir, "changed");
        self.wharf(&["version", "bump", dir, "-m", "changed"]).run().assert_code(0);
        self.repo.commit("a new version");
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        let listed = self.engine(&["image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]).stdout;
        let mine = listed.lines().filter(|line| line.contains(&format!("{}-", self.name)));
        let mine: Vec<&str> = mine.collect();
        if !mine.is_empty() {
            let _gone = self.engine(&[&["image", "rm", "--force"][..], &mine].concat());
        }
    }
}

/// One that needs a secret to be built; `mark` makes its content unlike any other.
pub(crate) fn dockerfile(mark: &str) -> String {
    format!(
        "FROM wharf-test/tiny:bookworm AS dev\nRUN --mount=type=secret,id=token test -s /run/secrets/token && echo {mark} > /mark\n\
         FROM dev AS prod\nCOPY .wharf/code/ /code/\n"
    )
}

pub(crate) fn both() -> String {
    format!("\"{}\", \"{}\"", native_platform(), foreign_platform())
}

#[test]
fn two_dirs_for_two_platforms_at_two_registries() {
    let (first, second) = (Registry::start(), Registry::start());
    let hosts = [first.host(), second.host()];
    let stage = Release::with("both", &[&hosts[0], &hosts[1]], &["a", "b"], &both());
    let head = stage.repo.git(&["rev-parse", "HEAD"]);

    let planned = stage.release(&["a", "--dry-run"]);
    planned.assert_code(0).stdout_contains("# a 0.1.0: build: images for all platforms (it is not begun)\n");
    planned.stdout_contains("image build --stage local --platform ").stdout_contains(" push --porcelain origin ");
    assert_eq!(stage.raw(&hosts[0], "a", "dev-0.1.0"), None, "a plan changes nothing");
    assert_eq!(stage.id(&format!("{}-a:local-root-0.1.0", stage.name)), None);

    let released = stage.release(&["a", "b"]);
    released.assert_code(0).stderr_contains("a 0.1.0: test: it has no tests");
    released.stderr_contains("it has no tests marked `qa`").stderr_contains(", here and at origin");
    assert_eq!(released.stdout.lines().count(), 4, "{}", released.told());
    for dir in ["a", "b"] {
        let (digest, index) = stage.raw(&hosts[0], dir, "dev-0.1.0").unwrap();
        assert_eq!(index["mediaType"], "application/vnd.oci.image.index.v1+json");
        let entries = index["manifests"].as_array().unwrap().iter();
        let platforms: Vec<&str> = entries.filter_map(|entry| entry["platform"]["architecture"].as_str()).collect();
        assert_eq!(platforms, ["amd64", "arm64"]);
        released
            .stdout_contains(&format!("{dir}: {}/acme/{}-{dir}:dev-0.1.0@{digest} (released)\n", hosts[0], stage.name));
        for (host, tag) in [(&hosts[0], "dev"), (&hosts[1], "dev-0.1.0"), (&hosts[1], "dev")] {
            assert_eq!(stage.digest(host, dir, tag), Some(digest.clone()), "{host} {tag}");
        }
        assert_eq!(stage.tagged(&format!("{}-{dir}-0.1.0", stage.name)), format!("tag {head}"));
        let name = format!("{}-{dir}", stage.name);
        assert_eq!(stage.id(&format!("{name}:dev")), stage.id(&format!("{name}:dev-0.1.0")));
    }
    for platform in [native_platform(), foreign_platform()] {
        let run = ["run", "--stage", "dev", "--platform", platform, "a", "--", "uname", "-m"];
        assert_eq!(stage.wharf(&run).run().assert_code(0).stdout, format!("{}\n", machine(platform)));
    }
    let again = stage.release(&["a", "b"]);
    again.assert_code(0).stderr_contains("b 0.1.0: tag is done").stderr_lacks("0.1.0: build: ");
    assert_eq!(again.stdout, released.stdout);
    stage.release(&["a", "--dry-run"]).assert_code(0).stdout_contains("# a 0.1.0: float: is done\n");

    // Prod, of the same version and commit; what is in it is no secret.
    let prod = stage.release(&["a", "--stage", "prod"]);
    prod.assert_code(0).stderr_lacks("promote");
    assert_eq!(stage.digest(&hosts[1], "a", "prod"), stage.digest(&hosts[0], "a", "prod-0.1.0"));
    for tag in ["dev", "prod"] {
        lacks_the_secret(&stage, &format!("{}-a:{tag}", stage.name));
    }
}

fn lacks_the_secret(stage: &Release, reference: &str) {
    let file = stage.sandbox.path().join(format!("saved-{}.tar", reference.replace(':', "-")));
    stage.engine(&["save", "--output", &file.to_string_lossy(), reference]).assert_code(0);
    let saved = fs_err::read(&file).unwrap();
    let holds = |wanted: &str| saved.windows(wanted.len()).any(|window| window == wanted.as_bytes());
    assert!(holds(&format!("{} a", stage.name)), "what is in the image is found");
    assert!(!holds(SECRET), "the secret is in {reference}");
}

#[test]
fn what_is_in_no_commit_or_has_no_place_is_refused() {
    let registry = Registry::start();
    let host = registry.host();
    let stage = Release::new("refused", &[&host], &["a", "b"]);
    stage.repo.write("a/code.txt", "edited\n").write("b/new.txt", "new\n");
    for args in [&["a"][..], &["a", "--dry-run"]] {
        let dirty = stage.release(args);
        dirty.assert_code(5).stderr_contains("\n  a/code.txt\n  b/new.txt\n").stderr_contains("hint: commit it");
        dirty.stderr_lacks("0.1.0: build");
    }
    stage.repo.commit("all of it");
    let from = "[image]\nfrom = \"//a\"\n";
    stage.repo.write("c/devops/wharf.toml", from).write("b/devops/wharf.toml", "[registry]\npush = []\n").commit("c");
    stage.release(&["c"]).assert_code(5).stderr_contains("takes that of `a`").stderr_contains("wharf image release a");
    stage.release(&["b"]).assert_code(3).stderr_contains("no registry to be released to");
    stage.wharf(&["image", "release", "nowhere"]).run().assert_code(2);
    let host_engine = stage.sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(stage.repo.path());
    host_engine.args(["--engine", "host", "image", "release", "a"]).run().assert_code(4);
    // The first that fails is named, others are not begun.
    let both = stage.release(&["b", "a"]);
    both.assert_code(3).stderr_contains("not begun: `a`");
    let all = stage.release(&["b", "a", "--keep-going"]);
    all.assert_code(3).stdout_contains("a: ").stderr_lacks("not begun: ");
    assert!(stage.digest(&host, "a", "dev").is_some());
}

#[test]
fn a_version_that_is_there_with_other_content_is_refused() {
    let (registry, other) = (Registry::start(), Registry::start());
    let host = registry.host();
    let stage = Release::new("taken", &[&host], &["a"]);
    let clone = stage.remote.clone_to(stage.sandbox.path().join("clone"));
    stage.release(&["a"]).assert_code(0);
    let before = stage.digest(&host, "a", "dev");

    stage.change("a", "other");
    stage.repo.commit("without a version");
    let checked = stage.release(&["a"]);
    checked.assert_code(5).stderr_contains("the version of `a` does not fit").stderr_contains("wharf version bump a");

    // Another clone knows no tag yet, and asks.
    clone.write("a/devops/Dockerfile", dockerfile("of another clone")).commit("other content");
    let refused = stage.wharf_in(&clone, &["image", "release", "a"]).run();
    refused.assert_code(5).stderr_contains("-a-0.1.0` is there already at origin, at commit ");
    // Without its remote, the registry knows.
    clone.git(&["remote", "remove", "origin"]);
    let refused = stage.wharf_in(&clone, &["image", "release", "a"]).run();
    refused.assert_code(5).stderr_contains(":dev-0.1.0` is there already with other content");
    refused.stderr_lacks("0.1.0: build");
    // Without its registry, the engine.
    let toml = clone.read("wharf.toml").replace(&host, &other.host());
    clone.write("wharf.toml", toml).commit("elsewhere");
    let refused = stage.wharf_in(&clone, &["image", "release", "a"]).run();
    refused.assert_code(5).stderr_contains("-a:dev-0.1.0` is there already with other content");
    assert_eq!(stage.digest(&other.host(), "a", "dev-0.1.0"), None);
    assert_eq!(stage.digest(&host, "a", "dev"), before);
}

#[test]
fn who_may_not_push_is_told_before_the_build() {
    let (open, closed) = (Registry::start(), Registry::with_password("ada", PASSWORD));
    let stage = Release::new("rights", &[&open.host(), &closed.host()], &["a"]);
    let anonymous = stage.release(&["a"]);
    anonymous.assert_code(4).stderr_contains(&format!("registry `{}` wants a log-in", closed.host()));
    anonymous.stderr_contains("--password-stdin").stderr_lacks("0.1.0: build");
    let auth = stage.sandbox.command("base64").arg("-w0").stdin("ada:wrong-password").run().stdout;
    let text = format!("{{\"auths\":{{\"{}\":{{\"auth\":\"{auth}\"}}}}}}", closed.host());
    fs_err::create_dir_all(stage.sandbox.home().join(".docker")).unwrap();
    fs_err::write(stage.sandbox.home().join(".docker/config.json"), text).unwrap();
    let wrong = stage.release(&["a"]);
    wrong.assert_code(4).stderr_contains("refused the log-in of user `ada`").stderr_lacks("wrong-password");
    wrong.stderr_lacks("0.1.0: build");
    assert_eq!(stage.id(&format!("{}-a:local-root-0.1.0", stage.name)), None);
    assert_eq!(stage.digest(&open.host(), "a", "dev-0.1.0"), None);
}

#[test]
fn back_and_forward_again() {
    let (first, second) = (Registry::start(), Registry::start());
    let hosts = [first.host(), second.host()];
    let stage = Release::new("back", &[&hosts[0], &hosts[1]], &["a"]);
    let name = format!("{}-a", stage.name);
    stage.release(&["a"]).assert_code(0);
    stage.bump("a");
    stage.release(&["a"]).assert_code(0);
    let at = |host: &str, tag: &str| stage.digest(host, "a", tag).unwrap();
    let all_at = |version: &str| {
        for host in &hosts {
            assert_eq!(at(host, "dev"), at(host, &format!("dev-{version}")), "{host}");
        }
        assert_eq!(stage.id(&format!("{name}:dev")), stage.id(&format!("{name}:dev-{version}")));
    };
    assert_ne!(at(&hosts[0], "dev-0.1.0"), at(&hosts[0], "dev-0.1.1"));
    all_at("0.1.1");
    let back = |args: &[&str]| stage.wharf(&["image", "rollback", "a", "--to"]).args(args).run();

    let planned = back(&["0.1.0", "--dry-run"]);
    planned.assert_code(0).stdout_contains(&format!("docker://{}/acme/{name}:dev-0.1.0 docker://", hosts[1]));
    all_at("0.1.1");
    let moved = back(&["0.1.0"]);
    moved.assert_code(0).stdout_contains(":dev is 0.1.0 now, it was 0.1.1 (sha256:");
    moved.stderr_contains("go by the checkout's version, 0.1.1");
    all_at("0.1.0");
    back(&["0.1.0"]).assert_code(0).stdout_contains("is 0.1.0 already");
    // To release what is released moves nothing forward by the way.
    stage.release(&["a"]).assert_code(0);
    all_at("0.1.0");
    back(&["0.1.1"]).assert_code(0);
    all_at("0.1.1");

    let never = back(&["0.0.9"]);
    never.assert_code(5).stderr_contains("no dev image of version 0.0.9").stderr_contains("there is 0.1.1, 0.1.0\n");
    back(&["0.1.0", "--stage", "prod"]).assert_code(5).stderr_contains("there is none");
    back(&["1.2"]).assert_code(2);
    all_at("0.1.1");
}

/// With Python: tests that fail, tests in the image, and one that sees it from outside.
#[test]
fn tests_decide() {
    const QA: &str = "import os, subprocess\nimport pytest\n\n@pytest.mark.qa\ndef test_from_outside():\n    \
        image, engine = os.environ['WHARF_IMAGE'], os.environ['WHARF_ENGINE']\n    \
        assert (os.environ['WHARF_STAGE'], os.environ['WHARF_VERSION']) == ('dev', '0.1.0')\n    \
        done = subprocess.run([engine, 'run', '--rm', image, 'echo', 'seen'], capture_output=True, text=True)\n    \
        assert done.stdout == 'seen\\n', done\n";
    let registry = Registry::start();
    let host = registry.host();
    let sandbox = Sandbox::new();
    let name = format!("rel-tests-{}", std::process::id());
    let toml = format!("[registry]\npush = [\"{host}/acme\"]\n[build]\nca-certificates = \"host\"\n");
    let repo = sample::workspace(&sandbox)
        .name(&name)
        .toml(&toml)
        .dir("a", |dir| {
            dir.toml("[os]\nscripts = [\"mark.sh\"]\n")
                .file("devops/mark.sh", format!("echo {name} > /mark\n"))
                .file("pytest.ini", "[pytest]\nmarkers =\n  qa: from outside\n  superslow: takes long\n")
                .test("test_a.py", "def test_one():\n    assert False\n")
        })
        .build();
    let remote = Repo::bare_remote(sandbox.path().join("remote.git"));
    repo.push_to(&remote);
    let stage = Release { sandbox, repo, remote, engine: EngineKind::Docker, name };
    let release = || stage.release(&["a"]);
    let failed = release();
    failed.assert_code(1).stderr_contains("the tests of `a` did not pass in run 1").stderr_contains("--last-failed");
    failed.stderr_contains("a/test_a.py::test_one").stderr_contains("assert False");
    assert_eq!(stage.digest(&host, "a", "dev-0.1.0"), None);
    let tests =
        "import pytest\n\ndef test_one():\n    pass\n\n@pytest.mark.superslow\ndef test_long():\n    assert False\n";
    stage.repo.write("a/test_a.py", tests).write("a/test_qa.py", QA).commit("they pass");
    let released = release();
    released.assert_code(0).stderr_contains("a 0.1.0: test: 1 test passed in run 2 at commit ");
    released.stderr_contains("a 0.1.0: qa: 1 test passed in run 3 ");
    let labels =
        stage.engine(&["image", "inspect", "--format", "{{json .Config.Labels}}", &format!("{}-a:dev", stage.name)]);
    let labels: Value = labels.json();
    assert_eq!((labels["dev.wharf.stage"].as_str(), labels.get("dev.wharf.untested")), (Some("dev"), None));
    assert_eq!(stage.digest(&host, "a", "dev"), stage.digest(&host, "a", "dev-0.1.0"));
}
