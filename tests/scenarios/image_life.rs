//! `wharf image promote`, `rm`, `inspect` and `prune`, the record of what was tested, and what `wharf prune` finds in the
//! cache.

use std::time::{Duration, SystemTime};

use serde_json::Value;
use wharf_testkit::{EngineKind, Output, Repo, Sandbox, engines, sample};

use crate::testing::Report;

const PASSES: &str = "\
import pathlib

def test_one():
    assert not pathlib.Path(__file__).with_name('bad').exists()
";

/// Runs Wharf in a repo whose images are called after it, and removes these at the end.
struct Life<'a> {
    sandbox: &'a Sandbox,
    repo: Repo,
    engine: EngineKind,
    name: String,
}

impl Life<'_> {
    fn wharf(&self, args: &[&str]) -> Output {
        self.on(self.engine, args)
    }

    fn host(&self, args: &[&str]) -> Output {
        self.on(EngineKind::Host, args)
    }

    fn on(&self, engine: EngineKind, args: &[&str]) -> Output {
        let command = self.sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(self.repo.path());
        command.args(["--engine", engine.name()]).args(args).run()
    }

    fn image(&self, args: &[&str]) -> Output {
        self.wharf(&[&["image"], args].concat())
    }

    fn engine(&self, args: &[&str]) -> Output {
        self.sandbox.command(self.engine.name()).args(args).run()
    }

    fn inspect(&self, image: &str) -> Value {
        self.engine(&["image", "inspect", image]).assert_code(0).json()[0].clone()
    }

    /// Tags of the dir's images, sorted.
    fn tags(&self) -> Vec<String> {
        let listed = self.image(&["ls", "--json"]).json();
        let rows = listed.as_array().expect("an array").iter();
        let mut tags: Vec<String> = rows.map(|row| row["tag"].as_str().expect("a tag").to_owned()).collect();
        tags.sort();
        tags
    }

    fn version(&self, version: &str) {
        self.repo.write("a/changelog.txt", format!("# a-{version}\n- 2024-01-01\n- Change\n"));
    }

    /// What is recorded of tests.
    fn records(&self) -> Vec<Value> {
        let Ok(entries) = fs_err::read_dir(self.repo.join(".wharf/tested")) else { return Vec::new() };
        let read = |path| serde_json::from_slice(&fs_err::read(path).expect("a file")).expect("JSON");
        entries.map(|entry| read(entry.expect("an entry").path())).collect()
    }
}

impl Drop for Life<'_> {
    fn drop(&mut self) {
        if !self.engine.has_containers() {
            return;
        }
        let filter = format!("label=dev.wharf.name={}-a", self.name);
        let ids = self.engine(&["image", "ls", "--quiet", "--no-trunc", "--filter", &filter]).stdout;
        for id in ids.split_whitespace() {
            let _gone = self.engine(&["image", "rm", "--force", id]);
        }
    }
}

fn with_engines() -> impl Iterator<Item = EngineKind> {
    engines().into_iter().filter(|engine| engine.has_containers())
}

fn unique(what: &str, engine: EngineKind) -> String {
    format!("{what}-{}-{engine}", std::process::id())
}

/// A dir with tests. Its image is that of any such sample with a file on top: what no other test has, for an image with
/// equal inputs would be used by them, and removed under their feet.
fn tested<'a>(sandbox: &'a Sandbox, engine: EngineKind) -> Life<'a> {
    let name = unique("promoted", engine);
    let repo = sample::workspace(sandbox)
        .name(&name)
        .dir("a", |dir| dir.test("test_a.py", PASSES).file("made", made(&name)).version("1.2.0"))
        .dir("b", |dir| dir.no_requirements().toml("[image]\nfrom = \"//a\"\n").test("test_b.py", PASSES))
        .build();
    let life = Life { sandbox, repo, engine, name };
    let generated = life.image(&["dockerfile", "a"]).stdout;
    let (dev, prod) = generated.rsplit_once("\nFROM ").expect("it has several stages");
    assert!(prod.lines().next().is_some_and(|line| line.ends_with(" AS prod")), "{generated}");
    life.repo.write("a/devops/Dockerfile", format!("{dev}\nCOPY made /made\nFROM {prod}"));
    life.repo.commit("a: a file on top");
    life
}

#[test]
fn what_was_tested_is_promoted() {
    for engine in with_engines() {
        let sandbox = Sandbox::new();
        let life = tested(&sandbox, engine);
        let hint = "wharf test --stage local --dir a";
        life.image(&["promote", "a"])
            .assert_code(5)
            .stderr_contains("there is no local image of `a`")
            .stderr_contains(hint);
        life.image(&["promote", "b"]).assert_code(5).stderr_contains("wharf image promote a");
        // A part of the suite says nothing of the image.
        life.wharf(&["test", "--stage", "local", "--dir", "a", "-k", "one"]).assert_code(0);
        assert_eq!(life.records(), [Value::Null; 0]);
        life.image(&["promote", "a"]).assert_code(5).stderr_contains("have not passed").stderr_contains(hint);

        life.wharf(&["test", "--stage", "local", "--dir", "a"]).assert_code(0);
        let local = format!("{}-a:local-root-1.2.0", life.name);
        let id = life.inspect(&local)["Id"].as_str().expect("an id").trim_start_matches("sha256:").to_owned();
        let records = life.records();
        assert_eq!(records.len(), 1, "{records:?}");
        assert_eq!((&records[0]["dir"], &records[0]["counts"]["passed"]), (&"a".into(), &1.into()));
        assert_eq!(records[0]["image"], format!("sha256:{id}"));
        assert_eq!(records[0]["code"]["commit"], life.repo.git(&["rev-parse", "HEAD"]).trim());
        assert_eq!(records[0]["code"]["dirty"], false);

        promotes(&life, &local, &id);
        // What fails takes the record away.
        assert_eq!(life.records().len(), 2, "of `a` on the local image, of `b` on the promoted one");
        life.repo.write("a/bad", "");
        life.wharf(&["test", "--stage", "local", "--dir", "a"]).assert_code(1);
        let records = life.records();
        assert_eq!((records.len(), &records[0]["dir"]), (1, &"b".into()));
        // What follows is decided before an engine is asked.
        if engine == EngineKind::Docker {
            the_next_version(&life);
        }
        life.host(&["image", "promote", "a"]).assert_code(4).stderr_contains("cannot promote images");
    }
}

fn promotes(life: &Life<'_>, local: &str, id: &str) {
    let dev = format!("{}-a:dev-1.2.0", life.name);
    let planned = life.image(&["promote", "a", "--dry-run"]);
    planned.assert_code(0).stdout_contains(&format!("echo FROM {local} | {} build ", life.engine));
    assert!(!life.tags().contains(&"dev-1.2.0".to_owned()));
    let promoted = life.image(&["promote", "a"]);
    promoted.assert_code(0).stdout_contains(&format!("a: {dev} (from {local}; 1 test passed in run 2 at commit "));
    promoted.stderr_contains("`b` uses this image too, and its tests have not passed on it");
    assert_eq!(life.tags(), ["dev", "dev-1.2.0", "local-root-1.2.0"]);

    let (before, after) = (life.inspect(local), life.inspect(&dev));
    assert_eq!(before["RootFS"]["Layers"], after["RootFS"]["Layers"], "what was tested");
    let labels = |image: &Value, name: &str| image["Config"]["Labels"][name].clone();
    assert_eq!(labels(&after, "dev.wharf.stage"), "dev");
    assert_eq!(labels(&after, "dev.wharf.inputs"), labels(&before, "dev.wharf.inputs"));
    assert_eq!(labels(&after, "dev.wharf.promoted-from"), format!("sha256:{id}"));
    assert_eq!(labels(&after, "dev.wharf.untested"), Value::Null);
    assert_eq!(before["Config"]["Env"], after["Config"]["Env"]);

    let again = life.image(&["promote", "a"]);
    again.assert_code(0).stdout_contains("nothing to do: it has this content already");
    assert_eq!(life.inspect(&dev)["Id"], after["Id"]);
    // The team's image is the one that is used from now on.
    life.image(&["build", "--dry-run"]).assert_code(0).stdout_contains(&format!("# a: nothing, {}-a:dev ", life.name));
    life.wharf(&["test", "--dir", "b"]).assert_code(0);
    let report = Report::of_run(&life.repo, 3);
    assert_eq!(report.dir("b")["image"], format!("{}-a:dev", life.name));
    life.image(&["inspect", "a"]).assert_code(0).stdout_contains("env           PATH=");
    let shown = life.image(&["inspect", "a", "--json"]).json();
    assert_eq!((&shown["stage"], &shown["matches"], &shown["tested"]["run"]), (&"dev".into(), &true.into(), &2.into()));
}

/// Other content needs another version, and may go without tests where somebody says so.
fn the_next_version(life: &Life<'_>) {
    life.repo.write("a/made", made(&format!("{} more", life.name)));
    life.image(&["build", "a"]).assert_code(0);
    for args in [&["promote", "a"][..], &["promote", "a", "--untested"], &["promote", "a", "--dry-run"]] {
        life.image(args).assert_code(5).stderr_contains("other content").stderr_contains("wharf version bump a");
    }
    life.version("1.3.0");
    let promoted = life.image(&["promote", "a", "--untested"]);
    promoted.assert_code(0).stdout_contains("untested, as its label says").stderr_contains("is not committed");
    let (versioned, floating) =
        (life.inspect(&format!("{}-a:dev-1.3.0", life.name)), life.inspect(&format!("{}-a:dev", life.name)));
    assert_eq!(versioned["Id"], floating["Id"]);
    assert_eq!(versioned["Config"]["Labels"]["dev.wharf.untested"], "true");
    let shown = life.image(&["inspect", "a"]);
    shown.assert_code(0).stdout_contains("no: it was promoted untested").stdout_contains("those of the checkout");
    // Tested after all.
    fs_err::remove_file(life.repo.join("a/bad")).expect("it is there");
    life.wharf(&["test", "--stage", "local", "--dir", "a"]).assert_code(0);
    life.image(&["promote", "a"]).assert_code(0).stdout_contains("; 1 test passed in run 5 at commit ");
    let proven = life.inspect(&format!("{}-a:dev", life.name));
    assert_eq!(proven["Config"]["Labels"]["dev.wharf.untested"], Value::Null);
    assert_eq!(proven["RootFS"]["Layers"], versioned["RootFS"]["Layers"]);
    // The record outlives the local image, for it speaks for the promoted one.
    let removed = life.image(&["rm", &format!("{}-a:local-root-1.2.0", life.name)]);
    removed.assert_code(0).stdout_contains("it was the last name of ");
    assert_eq!(life.image(&["inspect", "a", "--json"]).json()["tested"]["run"], 5);
}

/// Bytes that no other test has.
fn made(name: &str) -> Vec<u8> {
    name.bytes().cycle().take(300_000).collect()
}

/// A dir without tests, whose image is made in a moment.
fn plain<'a>(sandbox: &'a Sandbox, what: &str, engine: EngineKind) -> Life<'a> {
    let name = unique(what, engine);
    let dockerfile = format!("FROM {} AS dev\nCOPY made /made\nFROM dev AS prod\n", wharf_testkit::empty_image());
    let repo = sample::workspace(sandbox)
        .name(&name)
        .dir("a", |dir| {
            let dir = dir.no_requirements().file("devops/Dockerfile", dockerfile.as_str());
            dir.file("made", made(&name)).version("1.0.0")
        })
        .dir("b", |dir| dir.no_requirements().toml("[image]\nfrom = \"//a\"\n"))
        .build();
    Life { sandbox, repo, engine, name }
}

#[test]
fn old_versions_go_and_what_is_used_stays() {
    for engine in with_engines().filter(|engine| *engine == EngineKind::Docker) {
        let sandbox = Sandbox::new();
        let life = plain(&sandbox, "pruned", engine);
        life.image(&["build"]).assert_code(0);
        life.image(&["promote", "a"]).assert_code(0).stdout_contains("the dir has no tests");
        life.repo.write("a/made", made(&format!("{} more", life.name)));
        for version in ["1.9.0", "1.10.0", "1.11.0"] {
            life.version(version);
            life.image(&["build"]).assert_code(0);
            life.image(&["promote", "a"]).assert_code(0);
        }
        let all = ["dev", "dev-1.0.0", "dev-1.10.0", "dev-1.11.0", "dev-1.9.0", "local-root-1.0.0", "local-root-1.9.0"];
        assert_eq!(life.tags(), all);
        life.image(&["prune", "b", "--keep", "4"]).assert_code(0).stderr_contains("nothing to remove");

        let used = format!("{}-a:dev-1.9.0", life.name);
        let container = format!("{}-box", life.name);
        life.engine(&["create", "--name", &container, &used, "true"]).assert_code(0);
        let refused = life.image(&["rm", &used]);
        refused
            .assert_code(5)
            .stderr_contains(&format!("is used by container `{container}`"))
            .stderr_contains("nothing was removed");
        let planned = life.image(&["prune", "--keep", "1", "--dry-run"]);
        planned.assert_code(0).stdout_contains(&format!("{engine} image rm ")).stderr_contains("would free");
        assert_eq!(life.tags(), all);

        let pruned = life.image(&["prune", "--keep", "1", "--json"]);
        pruned.assert_code(0).stderr_contains(&format!("stays: container `{container}` uses it"));
        let pruned = pruned.json();
        let removed = pruned["removed"].as_array().expect("an array").len();
        assert_eq!((removed, &pruned["in_use"][0]["container"]), (3, &container.as_str().into()), "{pruned}");
        let freed = pruned["freed"].as_u64().expect("bytes");
        assert!((200_000..1_000_000).contains(&freed), "the layer of 1.0.0, not the base: {pruned}");
        assert_eq!(life.tags(), ["dev", "dev-1.11.0", "dev-1.9.0", "local-root-1.9.0"]);
        life.engine(&["rm", &container]).assert_code(0);
        let pruned = life.image(&["prune", "a", "--keep", "1", "--stage", "dev"]);
        pruned.assert_code(0).stdout_contains("dev-1.9.0: it was the last name of ");
        life.image(&["prune", "--keep", "1"]).assert_code(0).stderr_contains("nothing to remove");
        // What the checkout asks for stays, whatever is newer.
        life.version("0.1.0");
        life.image(&["promote", "a"]).assert_code(0);
        life.image(&["prune", "--keep", "1"]).assert_code(0);
        assert_eq!(life.tags(), ["dev", "dev-0.1.0", "dev-1.11.0", "local-root-1.9.0"]);
        life.host(&["image", "prune"]).assert_code(4).stderr_contains("wharf prune");
    }
}

#[test]
fn only_what_wharf_made_for_these_dirs_is_removed() {
    for engine in with_engines() {
        let sandbox = Sandbox::new();
        let life = plain(&sandbox, "removed", engine);
        life.image(&["rm", "a"]).assert_code(0).stderr_contains("there is none of that here");
        life.image(&["inspect", "a"]).assert_code(4).stderr_contains("wharf image build a");
        life.image(&["build"]).assert_code(0);
        life.image(&["promote", "a"]).assert_code(0);
        let local = format!("{}-a:local-root-1.0.0", life.name);
        let shown = life.image(&["inspect", &local]);
        shown.assert_code(0).stdout_contains("stage         local\n").stdout_contains("platform      linux/");
        shown.stdout_contains("those of the checkout").stdout_contains("/made").stdout_contains("COPY");

        let base = wharf_testkit::base_image();
        life.image(&["rm", &base]).assert_code(5).stderr_contains("is not an image that Wharf made");
        life.image(&["rm", "nothing:here"]).assert_code(2).stderr_contains("there is no image `nothing:here`");
        life.image(&["rm", "nothing"]).assert_code(2);
        life.image(&["rm", "b"]).assert_code(5).stderr_contains("wharf image rm a");
        life.image(&["rm", "a", "--version", "9.9.9"]).assert_code(0).stderr_contains("there is none of that here");
        let planned = life.image(&["rm", "a", "--stage", "dev", "--dry-run"]);
        planned.assert_code(0).stdout_contains(&format!("{engine} image rm ")).stdout_contains("-a:dev-1.0.0\n");
        assert_eq!(life.tags(), ["dev", "dev-1.0.0", "local-root-1.0.0"]);

        let floating = life.image(&["rm", &format!("{}-a:dev", life.name)]);
        floating.assert_code(0).stdout_contains(&format!("untagged {}-a:dev: the image ", life.name));
        let versioned = life.image(&["rm", "a", "--stage", "dev", "--version", "1.0.0"]);
        versioned
            .assert_code(0)
            .stdout_contains(&format!("deleted {}-a:dev-1.0.0: it was the last name of ", life.name));
        assert_eq!(life.tags(), ["local-root-1.0.0"]);
        let mine = format!("mine-{}:1", life.name);
        life.engine(&["tag", &local, &mine]).assert_code(0);
        life.image(&["rm", "a"])
            .assert_code(0)
            .stdout_contains("untagged ")
            .stdout_contains(&format!("stays as {mine}"));
        life.engine(&["image", "rm", &mine]).assert_code(0);
    }
}

#[test]
fn what_nobody_asked_for_in_a_month_goes_from_the_cache() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox)
        .name("aged")
        .dir("a", |dir| dir.no_requirements().toml("[python]\nmanager = \"none\"\n"))
        .build();
    let life = Life { sandbox: &sandbox, repo, engine: EngineKind::Host, name: "aged".into() };
    life.image(&["build"]).assert_code(0);
    let cache = sandbox.home().join(".cache/wharf");
    let (old, fresh) = (cache.join("past/at-old"), cache.join("past/at-fresh"));
    fs_err::create_dir_all(old.join("work")).expect("the cache is writable");
    fs_err::create_dir_all(&fresh).expect("the cache is writable");
    age(&old, Duration::from_secs(3600));
    life.wharf(&["prune", "--dry-run"]).assert_code(0).stdout_contains(&format!("rm -rf {}\n", old.display()));
    let pruned = life.wharf(&["prune"]);
    assert_eq!(pruned.assert_code(0).stdout, format!("{}\n", old.display()));
    assert!(!old.exists() && fresh.exists());
    life.wharf(&["prune"]).assert_code(0).stderr_contains("nothing is left behind");

    let environment = environment(&cache);
    age(&environment.join(".used"), Duration::from_secs(40 * 24 * 3600));
    life.wharf(&["prune", "--days", "50"]).assert_code(0).stderr_contains("nothing is left behind");
    life.wharf(&["prune", "--days", "1"]).assert_code(2);
    let planned = life.wharf(&["prune", "--dry-run"]);
    planned.assert_code(0).stdout_contains(&format!("rm -rf {}\n", environment.display()));
    let pruned = life.wharf(&["prune"]);
    pruned.assert_code(0).stderr_contains("that nobody asked for in 30 days");
    assert_eq!(pruned.stdout, format!("{}\n", environment.display()));
    assert!(!environment.exists());
    life.image(&["build"]).assert_code(0).stdout_contains("(made now, ");
}

/// The only environment of the host in the cache.
fn environment(cache: &std::path::Path) -> std::path::PathBuf {
    let entries = fs_err::read_dir(cache.join("venvs")).expect("one was made").flatten();
    let mut folders = entries.map(|entry| entry.path()).filter(|path| path.is_dir());
    let found = folders.next().expect("one was made");
    assert_eq!(folders.next(), None);
    found
}

fn age(path: &std::path::Path, age: Duration) {
    let file = std::fs::File::open(path).expect("it is there");
    file.set_modified(SystemTime::now() - age).expect("its time can be set");
}
