//! `[exports]`: what a super-repo has by adding a sub-repo. Real Git, no engine.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use wharf_testkit::{Output, Repo, Sandbox, sample};

const EXPORTS: &str = "\
[workspace]
name = \"tools\"

[exports.defaults.image]
base = \"//helpers:python\"
[exports.defaults.test]
retries = 2

[exports.images]
python = \"wharf-test/python:bookworm\"

[[exports.files]]
folder = \"common\"
paths = [\"pytest.ini\", \"ci/\"]
";

fn wharf(sandbox: &Sandbox, dir: impl AsRef<Path>, args: &[&str]) -> Output {
    sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(dir).args(args).run()
}

/// A remote of the repo that exports.
fn remote(sandbox: &Sandbox, name: &str, toml: &str) -> Repo {
    let bare = Repo::bare_remote(sandbox.path().join("remotes").join(format!("{name}.git")));
    let seed = Repo::init(sandbox.path().join("seeds").join(name));
    seed.write("wharf.toml", toml).write("common/pytest.ini", "[pytest]\n").write("common/ci/lint.yml", "lint: 1\n");
    seed.commit("first");
    seed.push_to(&bare);
    bare
}

/// A super-repo with one runnable dir, to which `helpers` is added.
fn added(sandbox: &Sandbox) -> (Repo, Output) {
    let helpers = remote(sandbox, "helpers", EXPORTS);
    let repo = sample::workspace(sandbox).toml("").dir("infra", |dir| dir.toml("")).build();
    let output = wharf(sandbox, repo.path(), &["repo", "add", &helpers.url(), "helpers"]);
    output.assert_code(0);
    (repo, output)
}

#[test]
fn adding_a_sub_repo_brings_defaults_files_and_images() {
    let sandbox = Sandbox::new();
    let (repo, output) = added(&sandbox);
    output.stderr_contains("`helpers` exports defaults, files, images").stderr_contains("ci/lint.yml: added");
    // Configuration, with its owner.
    let shown = wharf(&sandbox, repo.path(), &["config", "show", "infra", "--origin"]);
    shown.assert_code(0).stdout_contains("helpers/wharf.toml:7, exported");
    let json = wharf(&sandbox, repo.path(), &["config", "show", "infra", "--origin", "--json"]).json();
    assert_eq!(json["test.retries"]["value"], 2);
    assert_eq!(json["test.retries"]["origin"]["layer"], "exported");
    assert_eq!(json["test.retries"]["origin"]["file"], "helpers/wharf.toml");
    assert_eq!(json["exports.images.python"], serde_json::Value::Null, "it is the sub-repo's own");
    // The base image.
    let dockerfile = wharf(&sandbox, repo.path(), &["image", "dockerfile", "infra"]);
    dockerfile.assert_code(0).stdout_contains("FROM wharf-test/python:bookworm");
    // Common files.
    assert_eq!((repo.read("pytest.ini"), repo.read("ci/lint.yml")), ("[pytest]\n".into(), "lint: 1\n".into()));
    wharf(&sandbox, repo.path(), &["files", "status", "--check"]).assert_code(0);
    let helpers = Repo::open(repo.join("helpers"));
    helpers.write("common/ci/lint.yml", "lint: 2\n").commit("newer");
    let found = super::files::states(&sandbox, &repo);
    let expected = [("ci/lint.yml", "changed-at-owner"), ("pytest.ini", "same")];
    assert_eq!(found, expected.map(|(path, state)| (path.to_owned(), state.to_owned())));
    wharf(&sandbox, repo.path(), &["files", "sync"]).assert_code(0);
    assert_eq!(repo.read("ci/lint.yml"), "lint: 2\n");

    // What is nearer wins.
    repo.write("wharf.toml", "[image]\nbase = \"debian:bookworm\"\n");
    let json = wharf(&sandbox, repo.path(), &["config", "show", "infra", "--origin", "--json"]).json();
    assert_eq!(json["image.base"]["origin"]["layer"], "super-repo");
    assert_eq!(json["test.retries"]["value"], 2);
    // Where it stands alone, what it exports is not its own configuration.
    let seed = sandbox.path().join("seeds/helpers");
    let json = wharf(&sandbox, &seed, &["config", "show", "--origin", "--json"]).json();
    assert_eq!(json["test.retries"]["value"], 0);
}

#[test]
fn the_super_repo_says_what_it_takes() {
    let sandbox = Sandbox::new();
    let (repo, _) = added(&sandbox);
    // Its own entry for a path wins; another one stays exported.
    wharf(&sandbox, repo.path(), &["files", "detach", "pytest.ini"]).assert_code(0);
    assert!(repo.read("wharf.toml").contains("from = \"//helpers/common\"\npaths = [\"pytest.ini\"]"));
    assert_eq!(super::files::state(&sandbox, &repo, "pytest.ini"), "detached");
    assert_eq!(super::files::state(&sandbox, &repo, "ci/lint.yml"), "same");
    repo.write("wharf.toml", "[workspace]\nexports = [\"helpers:images\"]\n[image]\nbase = \"//helpers:python\"\n");
    assert_eq!(super::files::states(&sandbox, &repo), []);
    let json = wharf(&sandbox, repo.path(), &["config", "show", "infra", "--origin", "--json"]).json();
    assert_eq!(json["test.retries"]["origin"]["layer"], "defaults");
    assert_eq!(json["image.base"]["value"], "//helpers:python");
    let output = wharf(&sandbox, repo.path(), &["image", "dockerfile", "infra"]);
    output.assert_code(0).stdout_contains("FROM wharf-test/python:bookworm");
    repo.commit("take images");
    let output = wharf(&sandbox, repo.path(), &["repo", "remove", "helpers"]);
    output.assert_code(5).stderr_contains("`wharf.toml:4` has `[image] base = \"//helpers:python\"`");
    repo.write("wharf.toml", "[workspace]\nexports = [\"helper\"]\n");
    wharf(&sandbox, repo.path(), &["ls"])
        .assert_code(0)
        .stderr_contains("takes exports of `helper`, which is no sub-repo");
}

#[test]
fn two_that_differ_are_an_error_that_names_both() {
    let sandbox = Sandbox::new();
    let (repo, _) = added(&sandbox);
    let other = "[exports.defaults.test]\nretries = 3\n";
    let other = remote(&sandbox, "other", other);
    wharf(&sandbox, repo.path(), &["repo", "add", &other.url(), "other"]).assert_code(0);
    let output = wharf(&sandbox, repo.path(), &["ls"]);
    output.assert_code(3).stderr_contains("`helpers/wharf.toml:7` and `other/wharf.toml:2`");
    output.stderr_contains("state `test.retries` in `wharf.toml`");
    repo.write("wharf.toml", "[test]\nretries = 1\n");
    wharf(&sandbox, repo.path(), &["ls"]).assert_code(0);
}

#[test]
fn an_exporter_that_is_not_to_be_had_stops_nothing() {
    let sandbox = Sandbox::new();
    let (repo, _) = added(&sandbox);
    repo.write("wharf.toml", "[image]\nbase = \"//helpers:python\"\n").commit("added");
    let toml = repo.join("helpers/wharf.toml");
    if is_root() {
        // Nothing is unreadable to root: a folder in the file's place is.
        std::fs::remove_file(&toml).unwrap();
        std::fs::create_dir(&toml).unwrap();
    } else {
        std::fs::set_permissions(&toml, std::fs::Permissions::from_mode(0o000)).unwrap();
    }
    wharf(&sandbox, repo.path(), &["ls"]).assert_code(0).stderr_contains("`helpers/wharf.toml` cannot be read");
    std::fs::remove_dir_all(&toml).or_else(|_| std::fs::remove_file(&toml)).unwrap();
    repo.git(&["submodule", "--quiet", "deinit", "--force", "helpers"]);
    let output = wharf(&sandbox, repo.path(), &["ls"]);
    output.assert_code(0).stderr_contains("sub-repo `helpers` is not populated").stdout_contains("infra");
    output.stderr_contains("`wharf.toml:2` names the base image `//helpers:python`");
    wharf(&sandbox, repo.path(), &["files", "status"]).assert_code(0);
    // Only who needs it is stopped.
    let output = wharf(&sandbox, repo.path(), &["image", "dockerfile", "infra"]);
    assert_ne!(output.code, Some(0));
    output.stderr_contains("the base image `//helpers:python` of `infra` is exported by no sub-repo here");
}

#[test]
fn what_may_not_be_exported_is_refused_with_its_place() {
    let sandbox = Sandbox::new();
    let (repo, _) = added(&sandbox);
    // A configuration file would be a way around.
    let helpers = Repo::open(repo.join("helpers"));
    helpers.write("common/devops/wharf.toml", "[run]\nnetwork = \"host\"\n").write("common/devops/a.cfg", "");
    helpers.write("wharf.toml", EXPORTS.replace("\"ci/\"", "\"devops/\"")).commit("more");
    let output = wharf(&sandbox, repo.path(), &["files", "sync"]);
    output.assert_code(0).stderr_contains("`common/devops/wharf.toml` of `//helpers` is configuration");
    assert!(repo.join("devops/a.cfg").is_file() && !repo.join("devops/wharf.toml").exists());
    let text = "[exports.defaults.run]\nvolumes = [\"~/.ssh:/ssh\"]\n";
    repo.write("helpers/wharf.toml", text);
    let output = wharf(&sandbox, repo.path(), &["ls"]);
    output
        .assert_code(3)
        .stderr_contains("key `run.volumes` cannot be exported")
        .stderr_contains("helpers/wharf.toml:2");
    output.stderr_contains("state it in `wharf.toml` at the super-repo's root");
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}
