//! `wharf image build --stage prod`, and `run` and `test` in what it makes.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use serde_json::Value;
use wharf_testkit::{
    EngineKind, Output, Repo, Sandbox, WharfCommand, engines, foreign_platform, machine, native_platform, require,
    sample,
};

use crate::image::Made;

/// No Python packages: builds take no network.
const NO_PYTHON: &str = "[python]\nmanager = \"none\"\n";

fn wharf(sandbox: &Sandbox, repo: &Repo, engine: EngineKind) -> WharfCommand {
    let deadline = std::time::Duration::from_secs(400);
    sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(repo.path()).args(["--engine", engine.name()]).deadline(deadline)
}

fn inspect(sandbox: &Sandbox, engine: EngineKind, tag: &str) -> Value {
    let output = sandbox.command(engine.name()).args(["image", "inspect", tag]).run();
    output.assert_code(0);
    output.json()[0].clone()
}

fn layers(image: &Value) -> Vec<String> {
    let layers = image["RootFS"]["Layers"].as_array().expect("layers").iter();
    layers.map(|layer| layer.as_str().expect("an id").to_owned()).collect()
}

fn name(what: &str, engine: EngineKind) -> String {
    format!("prod-{what}-{}-{engine}", std::process::id())
}

/// A package with a main dependency and a test dependency, a sub-repo, a script with a secret, and files that Git does
/// not track.
fn whole(sandbox: &Sandbox, name: &str) -> Repo {
    let repo = sample::workspace(sandbox)
        .name(name)
        .toml("[build]\nca-certificates = \"host\"\n[build.secrets]\ntoken = \"env:TOKEN\"\n")
        .dir("a", |dir| {
            dir.no_requirements()
                .toml("[os]\nscripts = [\"use.sh\"]\n")
                .file("devops/use.sh", format!("test -s /run/secrets/token # {name}\n"))
                .file(
                    "pyproject.toml",
                    "[project]\nname = \"apkg\"\nversion = \"1.2.3\"\ndependencies = [\"six==1.17.0\"]\n\
                     [project.scripts]\nsay = \"apkg:main\"\n[dependency-groups]\ntest = [\"pytest==8.3.4\"]\n",
                )
                .file("src/apkg/__init__.py", "def main():\n    print('first')\n")
                .test("tests/test_a.py", TESTS)
        })
        .sub_repo("libs/helpers", |sub| sub.file("helpers.py", "VALUE = 7\n"))
        .build();
    repo.write("a/untracked.txt", "untracked").write("a/__pycache__/ignored.txt", "ignored");
    repo
}

const TESTS: &str = "import importlib.metadata, os\nimport apkg, helpers, six\n\n\
    def test_it_is_the_image():\n    assert importlib.metadata.version('apkg') == '1.2.3'\n    assert helpers.VALUE == 7\n    \
    assert os.getuid() == 1000\n    assert six.__file__.startswith('/venv/')\n    assert not os.path.exists('untracked.txt')\n\n\
    def test_it_fails():\n    assert apkg.__file__ == ''\n";

#[test]
fn it_is_self_contained() {
    for engine in engines().into_iter().filter(|engine| engine.has_containers()) {
        let mut sandbox = Sandbox::new();
        let secret = format!("s3cret-{}-{engine}", std::process::id());
        sandbox.set("TOKEN", &secret);
        let name = name("whole", engine);
        let repo = whole(&sandbox, &name);
        let tag = format!("{name}-a:prod-0.1.0");
        let (_made, local) = (Made(&sandbox, engine, &tag), format!("{name}-a:local-root-0.1.0"));
        let _made_too = Made(&sandbox, engine, &local);
        let image = |args: &[&str]| wharf(&sandbox, &repo, engine).args(["image", "build"]).args(args).run();
        let run = |args: &[&str]| wharf(&sandbox, &repo, engine).args(["run", "--stage", "prod"]).args(args).run();

        let missing = run(&["a", "--", "true"]);
        missing.assert_code(4).stderr_contains(&format!("needs image `{tag}`, but there is none of that name here"));
        missing.stderr_contains("hint: build it with `wharf image build --stage prod a`");
        let planned = image(&["--stage", "prod", "--dry-run"]);
        planned.assert_code(0).stdout_contains(&format!("# a: {tag}, because there is none yet\n"));
        planned.stdout_contains("image build --stage prod //a\n");
        let built = image(&["--stage", "prod"]);
        built.assert_code(0);
        assert_eq!(built.stdout, format!("a: {tag} (built now: there is none yet)\n"));
        let again = image(&["--stage", "prod"]);
        assert_eq!(again.assert_code(0).stdout, format!("a: {tag} (its inputs match the checkout)\n"));

        holds_what_it_should(&run, &name);
        labels_say_what_it_is(&inspect(&sandbox, engine, &tag), &repo);
        // What follows builds twice more and does not depend on the engine.
        if engine == EngineKind::Docker {
            lacks(&sandbox, engine, &tag, &secret);
            its_tests_run_in_it(&sandbox, &repo, engine, &tag);
            its_own_code_counts(&run, &image, &repo);
        }
    }
}

fn holds_what_it_should(run: &dyn Fn(&[&str]) -> Output, name: &str) {
    let script = "set -e; id -u; pwd; echo $PYTHONPATH; say; python3 -c 'import helpers, six; print(helpers.VALUE)'; \
                  python3 -c 'import pytest' 2>/dev/null || echo no pytest; \
                  touch x 2>/dev/null || echo read only; find / -xdev -name .git -o -xdev -name .wharf 2>/dev/null || true; \
                  cd ../; find . -type f | sort; grep -c /src/ /proc/mounts || true";
    let output = run(&["a", "--", "sh", "-c", script]);
    let src = format!("/src/{name}");
    let expected = format!(
        "1000\n{src}/a\n{src}:{src}/libs/helpers:{src}/a/src:/opt/wharf/site\nfirst\n7\nno pytest\nread only\n\
         ./.gitignore\n./.gitmodules\n./a/devops/use.sh\n./a/devops/wharf.toml\n./a/pyproject.toml\n./a/src/apkg/__init__.py\n\
         ./a/tests/test_a.py\n./libs/helpers/helpers.py\n./wharf.toml\n0\n"
    );
    assert_eq!(output.assert_code(0).stdout, expected);
    let given = run(&["-e", "GIVEN=on", "a", "--", "sh", "-c", "echo $GIVEN"]);
    assert_eq!(given.assert_code(0).stdout, "on\n");
}

fn labels_say_what_it_is(image: &Value, repo: &Repo) {
    let labels = &image["Config"]["Labels"];
    let head = repo.git(&["rev-parse", "HEAD"]);
    let found = ["org.opencontainers.image.revision", "dev.wharf.stage", "org.opencontainers.image.version"]
        .map(|label| labels[label].as_str().unwrap_or_default().to_owned());
    assert_eq!(found, [head, "prod".to_owned(), "0.1.0".to_owned()]);
    assert!(labels["dev.wharf.base"].as_str().is_some_and(|id| id.starts_with("sha256:")), "{labels}");
    assert_eq!(image["Config"]["User"], "1000:1000");
    assert!(image["Created"].as_str().is_some_and(|time| time.starts_with("2024-01-01T12:00:00")), "{image}");
}

/// Fails where the bytes of `secret` stand anywhere in the saved image: layers, history, configuration.
fn lacks(sandbox: &Sandbox, engine: EngineKind, tag: &str, secret: &str) {
    let file = sandbox.path().join("saved.tar");
    sandbox.command(engine.name()).args(["save", "--output"]).arg(&file).arg(tag).run().assert_code(0);
    assert!(holds(&file, b"apkg"), "what is in the image is found");
    assert!(!holds(&file, secret.as_bytes()), "the secret is in the image");
    fs_err::remove_file(file).expect("it is there");
}

fn holds(file: &Path, wanted: &[u8]) -> bool {
    let mut file = fs_err::File::open(file).expect("it is there");
    let mut buffer = vec![0; 1 << 20];
    let mut kept = 0;
    loop {
        let got = file.read(&mut buffer[kept..]).expect("it can be read");
        let all = kept + got;
        if got == 0 {
            return false;
        }
        let first = wanted[0];
        let mut rest = &buffer[..all];
        while let Some(at) = rest.iter().position(|byte| *byte == first) {
            if rest[at..].starts_with(wanted) {
                return true;
            }
            rest = &rest[at + 1..];
        }
        kept = all.min(wanted.len() - 1);
        buffer.copy_within(all - kept..all, 0);
    }
}

fn its_tests_run_in_it(sandbox: &Sandbox, repo: &Repo, engine: EngineKind, tag: &str) {
    let id = inspect(sandbox, engine, tag)["Id"].clone();
    let output = wharf(sandbox, repo, engine).args(["test", "--stage", "prod", "--json"]).run();
    output.assert_code(1);
    let dir = &output.json()["dirs"][0];
    assert_eq!(dir["image"], tag, "{}", output.told());
    let outcomes: Vec<&str> =
        dir["tests"].as_array().expect("tests").iter().filter_map(|test| test["verdict"].as_str()).collect();
    assert_eq!(outcomes, ["passed", "failed"], "{}", output.told());
    let junit = repo.read(".wharf/runs/1/junit.xml");
    assert!(junit.contains("test_it_fails") && junit.contains("apkg/__init__.py"), "{junit}");
    assert_eq!(inspect(sandbox, engine, tag)["Id"], id, "the image is untouched");
    // Failed ones alone, by a file that the image's user can read.
    let again = wharf(sandbox, repo, engine).args(["test", "--stage", "prod", "--last-failed"]).run();
    again.assert_code(1).stdout_contains("1 failed");
}

/// What is edited after the build is not in the image, and that is said.
fn its_own_code_counts(run: &dyn Fn(&[&str]) -> Output, image: &dyn Fn(&[&str]) -> Output, repo: &Repo) {
    repo.write("a/src/apkg/__init__.py", "def main():\n    print('second')\n");
    let old = run(&["a", "--", "say"]);
    assert_eq!(old.assert_code(0).stdout, "first\n");
    old.stderr_contains("its code differs from the checkout").stderr_contains("other code or packages");
    run(&["--strict", "a", "--", "say"]).assert_code(5).stderr_contains("wharf image build --stage prod a");
    let local = image(&["--dry-run"]);
    local.assert_code(0).stdout_contains("# a: nothing, ");
    image(&["--stage", "prod"]).assert_code(0).stdout_contains("built now: its inputs changed");
    assert_eq!(run(&["a", "--", "say"]).assert_code(0).stdout, "second\n");
}

/// Two checkouts of one commit, in folders of other names, with other modes and times, built without any cache. On
/// Docker, where Wharf rewrites the layers itself; Podman has an option for it.
#[test]
fn one_commit_makes_the_same_layers() {
    require(EngineKind::Docker);
    let (sandbox, engine) = (Sandbox::new(), EngineKind::Docker);
    let name = name("same", engine);
    let repo = sample::workspace(&sandbox)
        .name(&name)
        .dir("a", |dir| {
            dir.requirements("six==1.17.0\n")
                .toml("[os]\nscripts = [\"make.sh\"]\n")
                .file("devops/make.sh", format!("echo {name} > /etc/wharf-made; touch -d 1975-01-01 /etc/wharf-old\n"))
                .file("deep/code.py", "x = 1\n")
        })
        .toml("[build]\nca-certificates = \"host\"\n")
        .build();
    let tag = format!("{name}-a:prod-0.1.0");
    let _made = Made(&sandbox, engine, &tag);
    let build = |repo: &Repo, more: &[&str]| {
        let output = wharf(&sandbox, repo, engine).args(["image", "build", "--stage", "prod"]).args(more).run();
        output.assert_code(0).stdout_contains("built now: ");
        inspect(&sandbox, engine, &tag)
    };
    let first = build(&repo, &["--no-cache"]);
    let other = repo.clone_to(sandbox.path().join("elsewhere/other"));
    let changed = "chmod -R go-rwx . && find . -not -path './.git*' -exec touch -d 2020-05-05 {} +";
    sandbox.command("sh").cwd(other.path()).args(["-c", changed]).run().assert_code(0);
    let second = build(&other, &["--no-cache"]);
    assert_eq!(layers(&first), layers(&second));
    assert_eq!((&first["Created"], &first["Id"]), (&second["Created"], &second["Id"]));

    repo.write("a/deep/code.py", "x = 2\n");
    let dirty = build(&repo, &[]);
    let revision = dirty["Config"]["Labels"]["org.opencontainers.image.revision"].as_str().unwrap_or_default();
    assert_eq!(revision, format!("{}-dirty", repo.git(&["rev-parse", "HEAD"])));
    let (before, after): (BTreeSet<String>, BTreeSet<String>) =
        (layers(&first).into_iter().collect(), layers(&dirty).into_iter().collect());
    assert_eq!(after.difference(&before).count(), 1, "only the code's layer is new: {before:?} {after:?}");
}

#[test]
fn an_own_dockerfile_decides() {
    require(EngineKind::Docker);
    let (sandbox, engine) = (Sandbox::new(), EngineKind::Docker);
    let name = name("own", engine);
    let base = wharf_testkit::base_image();
    let head = format!("FROM {base} AS dev\nRUN python3 -m venv /venv && echo {name}\nENV PATH=/venv/bin:$PATH\n");
    let only_dev = format!("{head}FROM dev AS tools\n");
    let repo = sample::workspace(&sandbox)
        .name(&name)
        .dir("a", |dir| {
            dir.no_requirements()
                .toml(NO_PYTHON)
                .file("devops/Dockerfile", only_dev)
                .file("code.py", "print('own')\n")
                .test("test_a.py", "def test():\n    pass\n")
        })
        .build();
    let tag = format!("{name}-a:prod-0.1.0");
    let local = format!("{name}-a:local-root-0.1.0");
    let (_made, _made_too) = (Made(&sandbox, engine, &tag), Made(&sandbox, engine, &local));
    let build = || wharf(&sandbox, &repo, engine).args(["image", "build", "--stage", "prod"]).run();
    let refused = build();
    refused.assert_code(3).stderr_contains("has no target `prod`").stderr_contains("FROM … AS prod");

    let prod = format!("{head}FROM {base} AS prod\nCOPY .wharf/code/a/code.py /app/\nWORKDIR /app\nUSER 1234\n");
    repo.write("a/devops/Dockerfile", prod);
    build().assert_code(0);
    let run = wharf(&sandbox, &repo, engine).args([
        "run",
        "--stage",
        "prod",
        "a",
        "--",
        "sh",
        "-c",
        "id -u; python3 code.py",
    ]);
    assert_eq!(run.run().assert_code(0).stdout, "1234\nown\n");
    // It has no tests, and that is no success.
    let tested = wharf(&sandbox, &repo, engine).args(["test", "--stage", "prod"]).run();
    tested.assert_code(4).stdout_contains("has no code at").stdout_contains(".wharf/code/");
}

#[test]
fn the_host_and_unknown_stages_are_refused() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox).dir("a", |dir| dir.no_requirements().toml(NO_PYTHON)).build();
    let host = |args: &[&str]| wharf(&sandbox, &repo, EngineKind::Host).args(args).run();
    host(&["image", "build", "--stage", "prod"])
        .assert_code(4)
        .stderr_contains("engine `host` cannot build a prod image");
    host(&["run", "--stage", "prod", "a", "--", "true"]).assert_code(4).stderr_contains("cannot use a prod image");
    host(&["image", "build", "--stage", "dev"]).assert_code(2).stderr_contains("possible values: local, prod");
}

/// The tiny base is here for both platforms, and has no Python: builds and runs take a second.
#[test]
fn each_platform_has_a_prod_image_of_the_same_code() {
    for engine in engines().into_iter().filter(|engine| engine.has_containers()) {
        let sandbox = Sandbox::new();
        let name = name("both", engine);
        let dockerfile = format!(
            "FROM {} AS dev\nRUN echo {name}\nFROM dev AS prod\nCOPY .wharf/code/a/code.txt /app/\nUSER 1234\n",
            "wharf-test/tiny:bookworm"
        );
        let repo = sample::workspace(&sandbox)
            .name(&name)
            .dir("a", |dir| dir.no_requirements().file("devops/Dockerfile", dockerfile).file("code.txt", "the code\n"))
            .build();
        let plain = format!("{name}-a:prod-0.1.0");
        let foreign = format!("{plain}-{}", foreign_platform().trim_start_matches("linux/"));
        let _made = [&plain, &foreign].map(|tag| Made(&sandbox, engine, tag));
        let both = format!("{},{}", native_platform(), foreign_platform());
        let build = || wharf(&sandbox, &repo, engine).args(["image", "build", "--stage", "prod", "--platform", &both]);
        let why = "(built now: there is none yet)";
        assert_eq!(build().run().assert_code(0).stdout, format!("a: {plain} {why}\na: {foreign} {why}\n"));
        let why = "(its inputs match the checkout)";
        assert_eq!(build().run().assert_code(0).stdout, format!("a: {plain} {why}\na: {foreign} {why}\n"));
        for (tag, platform) in [(&plain, native_platform()), (&foreign, foreign_platform())] {
            let run = ["run", "--stage", "prod", "--platform", platform, "a", "--", "sh", "-c"];
            let run = wharf(&sandbox, &repo, engine).args(run).arg("uname -m; id -u; cat /app/code.txt").run();
            let expected = format!("{}\n1234\nthe code\n", machine(platform));
            assert_eq!(run.assert_code(0).stdout, expected, "{engine}: {tag}");
            assert_eq!(inspect(&sandbox, engine, tag)["Config"]["Labels"]["dev.wharf.platform"], platform);
        }
    }
}
