//! `wharf image build`, `dockerfile`, `eject` and `ls`.

use serde_json::Value;
use wharf_testkit::{EngineKind, Repo, Sandbox, Signal, WharfCommand, engines, sample};

/// No Python packages: builds take no network.
const NO_PYTHON: &str = "[python]\nmanager = \"none\"\n";

fn wharf(sandbox: &Sandbox, repo: &Repo, engine: EngineKind) -> WharfCommand {
    sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(repo.path()).args(["--engine", engine.name()])
}

/// Removes, at the end of a test, the images that it made.
pub(crate) struct Made<'a>(pub(crate) &'a Sandbox, pub(crate) EngineKind, pub(crate) &'a str);

impl Drop for Made<'_> {
    fn drop(&mut self) {
        if self.1.has_containers() {
            let _gone = self.0.command(self.1.name()).args(["image", "rm", "--force", self.2]).run();
        }
    }
}

fn ids(listed: &Value) -> Vec<String> {
    let rows = listed.as_array().expect("an array").iter();
    rows.map(|row| row["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn builds_what_is_missing_and_nothing_twice() {
    for engine in engines().into_iter().filter(|engine| engine.has_containers()) {
        let sandbox = Sandbox::new();
        let name = format!("once-{}-{engine}", std::process::id());
        let script = format!("echo {name} > /made\n");
        let repo = sample::workspace(&sandbox)
            .name(&name)
            .dir("a", |dir| {
                dir.no_requirements()
                    .toml(&format!("{NO_PYTHON}[os]\nscripts = [\"make.sh\"]\n"))
                    .file("devops/make.sh", script.as_str())
            })
            .dir("b", |dir| dir.no_requirements().toml("[image]\nfrom = \"//a\"\n"))
            .build();
        let tag = format!("{name}-a:local-root-0.1.0");
        let _made = Made(&sandbox, engine, &tag);
        let image = |args: &[&str]| wharf(&sandbox, &repo, engine).arg("image").args(args).run();

        let planned = image(&["build", "--dry-run"]);
        planned.assert_code(0).stdout_contains(&format!("# a: {tag}, because there is none yet\n"));
        planned.stdout_contains(&format!("--engine {engine} image build //a\n"));
        let listed = image(&["ls", "--json"]);
        listed.assert_code(0).stderr_contains("wharf image build");
        assert_eq!(ids(&listed.json()), [""; 0]);

        let built = image(&["build"]);
        built.assert_code(0);
        assert_eq!(built.stdout, format!("a: {tag} (built now: there is none yet)\n"));
        let listed = image(&["ls", "--json"]).json();
        let row = &listed[0];
        let expected = (name.clone() + "-a", "local-root-0.1.0", "local", "0.1.0", true, tag.clone());
        let found = (&row["name"], &row["tag"], &row["stage"], &row["version"], &row["matches"], &row["reference"]);
        assert_eq!(
            found,
            (
                &expected.0.into(),
                &expected.1.into(),
                &expected.2.into(),
                &expected.3.into(),
                &expected.4.into(),
                &expected.5.into()
            )
        );

        let again = image(&["build", "b"]);
        again.assert_code(0);
        assert_eq!(again.stdout, format!("a: {tag} (its inputs match the checkout)\n"));
        assert_eq!(again.stderr.lines().count(), 1, "only the engine is named: {}", again.stderr);
        image(&["build", "--dry-run"]).assert_code(0).stdout_contains(&format!("# a: nothing, {tag}"));

        ejects(&sandbox, &repo, engine, &ids(&listed));
        changes_are_seen(&repo, &image);
    }
}

/// The generated Dockerfile as the dir's own is the same image.
fn ejects(sandbox: &Sandbox, repo: &Repo, engine: EngineKind, before: &[String]) {
    let image = |args: &[&str]| wharf(sandbox, repo, engine).arg("image").args(args).run();
    let text = image(&["dockerfile", "a"]);
    text.assert_code(0).stdout_contains("AS dev\n").stdout_contains("AS prod\n").stdout_contains("make.sh");
    let planned = image(&["eject", "a", "--dry-run"]);
    planned.assert_code(0).stdout_contains("image dockerfile //a > ");
    assert!(!repo.join("a/devops/Dockerfile").exists());
    image(&["eject", "b"])
        .assert_code(5)
        .stderr_contains("it takes that of `a`")
        .stderr_contains("wharf image eject a");
    assert!(!repo.join("b/devops/Dockerfile").exists());

    let ejected = image(&["eject", "a"]);
    ejected.assert_code(0).stderr_contains("from now on this file decides the image of `a`");
    assert_eq!(ejected.stdout, format!("{}\n", repo.join("a/devops/Dockerfile").display()));
    assert_eq!(repo.read("a/devops/Dockerfile"), text.stdout);
    image(&["build"]).assert_code(0).stdout_contains("its inputs match the checkout");
    assert_eq!(ids(&image(&["ls", "--json"]).json()), before);

    repo.write("a/devops/Dockerfile", format!("{}# mine\n", text.stdout));
    for args in [&["eject", "a"][..], &["eject", "a", "--dry-run"]] {
        image(args).assert_code(5).stderr_contains("devops/Dockerfile` is there already");
    }
    assert!(repo.read("a/devops/Dockerfile").ends_with("# mine\n"), "nothing is overwritten");
}

fn changes_are_seen(repo: &Repo, image: &dyn Fn(&[&str]) -> wharf_testkit::Output) {
    let listed = image(&["ls", "--json"]).json();
    assert_eq!(listed[0]["matches"], Value::Bool(false));
    image(&["build", "--dry-run"]).assert_code(0).stdout_contains("because its inputs changed");
    fs_err::remove_file(repo.join("a/devops/Dockerfile")).expect("it is there");
    assert_eq!(image(&["ls", "--json"]).json()[0]["matches"], Value::Bool(true));
    image(&["ls"]).assert_code(0).stdout_contains("matches").stdout_contains("  yes  ");
}

#[test]
fn on_the_host_an_environment_stands_in() {
    if !engines().contains(&EngineKind::Host) {
        return;
    }
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox).dir("a", |dir| dir.no_requirements().toml(NO_PYTHON)).build();
    let image = |args: &[&str]| wharf(&sandbox, &repo, EngineKind::Host).arg("image").args(args).run();
    image(&["build", "--dry-run"]).assert_code(0).stdout_contains("# a: venv ");
    image(&["build"]).assert_code(0).stdout_contains("a: venv ").stdout_contains("(made now, Python 3.");
    image(&["build"]).assert_code(0).stdout_contains("(Python 3.");
    let listed = image(&["ls", "--json"]).json();
    assert_eq!(listed[0]["matches"], Value::Bool(true));
    image(&["dockerfile", "a"]).assert_code(0).stdout_contains("AS dev");
}

#[test]
fn a_base_that_nobody_has_is_named() {
    for engine in engines().into_iter().filter(|engine| engine.has_containers()) {
        let sandbox = Sandbox::new();
        let base = "[image]\nbase = \"localhost:1/wharf-test/nowhere:1\"\n";
        let repo = sample::workspace(&sandbox)
            .name(&format!("nobase-{engine}"))
            .dir("a", |dir| dir.no_requirements().toml(&format!("{base}{NO_PYTHON}")))
            .build();
        let output = wharf(&sandbox, &repo, engine).args(["image", "build"]).run();
        output.assert_code(4).stderr_contains("localhost:1/wharf-test/nowhere:1").stderr_contains("hint: ");
        assert_eq!(output.stdout, "");
    }
}

#[test]
fn a_build_that_fails_shows_its_last_lines_and_its_log() {
    for engine in engines().into_iter().filter(|engine| engine.has_containers()) {
        let sandbox = Sandbox::new();
        let script = format!("echo first line; echo the disk is upside down >&2; exit 3 # {}\n", std::process::id());
        let toml = format!("{NO_PYTHON}[os]\nscripts = [\"bad.sh\"]\n");
        let repo = sample::workspace(&sandbox)
            .name(&format!("bad-{engine}"))
            .dir("a", |dir| dir.no_requirements().toml(&toml).file("devops/bad.sh", script.as_str()))
            .dir("b", |dir| dir.no_requirements().toml(&toml).file("devops/bad.sh", script.as_str()))
            .build();
        let output = wharf(&sandbox, &repo, engine).args(["image", "build", "a"]).run();
        output.assert_code(4).stderr_contains("error: the image of `a` could not be built");
        output.stderr_contains("the disk is upside down").stderr_contains("hint: the whole log is in `");
        let logs = fs_err::read_dir(repo.join(".wharf/logs")).expect("logs are kept").flatten();
        let texts: Vec<String> = logs.map(|log| fs_err::read_to_string(log.path()).expect("text")).collect();
        assert!(texts.iter().any(|text| text.contains("first line")), "{texts:?}");
        assert_eq!(repo.git(&["status", "--short"]), "", "logs are ignored by Git");
        let both = wharf(&sandbox, &repo, engine).args(["image", "build"]).run();
        both.assert_code(4).stderr_contains("2 of 2 images could not be had").stderr_contains("the image of `b`");
        let output = wharf(&sandbox, &repo, engine).args(["run", "a", "--", "true"]).run();
        output.assert_code(4).stderr_contains("the disk is upside down");
    }
}

#[test]
fn nothing_to_build_and_nothing_to_eject() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox).build();
    let output = wharf(&sandbox, &repo, EngineKind::Host).args(["image", "build"]).run();
    output.assert_code(4).stderr_contains("there is no runnable dir in").stderr_contains("wharf init");
    wharf(&sandbox, &repo, EngineKind::Host).args(["image", "eject"]).run().assert_code(4);
}

#[test]
fn a_build_can_be_interrupted() {
    for engine in engines().into_iter().filter(|engine| engine.has_containers()) {
        let sandbox = Sandbox::new();
        let script = format!("echo asleep; sleep 100 # {}\n", std::process::id());
        let toml = format!("{NO_PYTHON}[os]\nscripts = [\"slow.sh\"]\n");
        let repo = sample::workspace(&sandbox)
            .name(&format!("slow-{engine}"))
            .dir("a", |dir| dir.no_requirements().toml(&toml).file("devops/slow.sh", script))
            .build();
        let running = wharf(&sandbox, &repo, engine).args(["image", "build"]).spawn();
        let log = || fs_err::read_to_string(repo.join(".wharf/logs/image-a.log")).unwrap_or_default();
        let start = std::time::Instant::now();
        while !log().lines().any(|line| line.ends_with("asleep")) {
            assert!(start.elapsed().as_secs() < 60, "{engine}: {}", running.so_far().told());
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        running.signal_group(Signal::INT);
        let output = running.wait();
        output.assert_code(130).stderr_lacks("panicked");
        assert!(output.elapsed.as_secs() < 60, "{engine}: {:?}", output.elapsed);
        let planned = wharf(&sandbox, &repo, engine).args(["image", "build", "--dry-run"]).run();
        planned.assert_code(0).stdout_contains("because there is none yet");
    }
}
