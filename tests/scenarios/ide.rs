//! `wharf ide`: what editors are told, judged by their own tools and by what then runs.

use std::path::Path;

use serde_json::Value;
use wharf_testkit::{EngineKind, Output, Repo, Sandbox, WharfCommand, devcontainers_cli, require, sample};

use crate::testing::wharf;

/// A plugin of pytest that answers as that of VS Code's Python extension does: JSON into the pipe that `TEST_RUN_PIPE` names.
const PLUGIN: &str = r#"import json, os

_pipe = open(os.environ["TEST_RUN_PIPE"], "w")

def _say(value):
    _pipe.write(json.dumps(value) + "\n")

def pytest_collection_finish(session):
    _say({"cwd": os.getcwd(), "tests": sorted(f"{item.path}::{item.name}" for item in session.items)})

def pytest_sessionfinish(session, exitstatus):
    _say({"status": int(exitstatus), "where": open("/etc/hostname").read().strip()})

def pytest_unconfigure(config):
    _pipe.close()
"#;

/// What the extension asks an interpreter first, in a file of its own.
const INFO: &str = "import json, sys; print(json.dumps({'version': sys.version_info[:2], 'prefix': sys.prefix}))\n";

/// What its locator asks, in the same form.
const QUESTION: &str = "import json, sys; print('\"093385e9-59f7-4a16-a604-14bf206256fe\"'); print(json.dumps({'version': \
                        '.'.join(str(n) for n in sys.version_info), 'sys_prefix': sys.prefix, 'executable': sys.executable}))";

fn conftest(name: &str) -> String {
    format!("import pytest\n\n@pytest.fixture\ndef me():\n    return {name:?}\n")
}

fn test(name: &str) -> String {
    format!(
        "import shared\n\ndef test_me(me):\n    assert (me, shared.__file__.startswith('/src/')) == ({name:?}, False)\n"
    )
}

/// Two dirs whose `tests/conftest.py`s say different things, one with a dir inside, and one that is a package.
fn repo(sandbox: &Sandbox) -> Repo {
    let toml = "[run]\nenv = [\"COLOR=red\", \"TOKEN\"]\nvolumes = [\"~/data:/data:ro\"]\n";
    let python = |name| (conftest(name), test(name));
    let ((infra, infra_test), (ml, ml_test)) = (python("infra"), python("ml"));
    sample::workspace(sandbox)
        .toml("[setenv]\nDATA = \"${ROOT}/data\"\n")
        .file("shared.py", "")
        .dir("infra", |dir| dir.toml(toml).file("tests/conftest.py", infra).test("tests/test_same.py", &infra_test))
        .dir("infra/nested", |dir| {
            dir.toml("[image]\nfrom = \"//infra\"\n").no_requirements().test("test_n.py", "raise 1\n")
        })
        .dir("ml", |dir| {
            let package = "[project]\nname = \"ml-part\"\nversion = \"2.0\"\n";
            let dir = dir.file("pyproject.toml", package).file("src/ml_part/__init__.py", "");
            dir.file("tests/conftest.py", ml).test("tests/test_same.py", &ml_test)
        })
        .build()
}

/// A sandbox whose search path starts with the program under test, as editors' files call it.
pub(crate) fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::new();
    let bin = Path::new(env!("CARGO_BIN_EXE_wharf")).parent().expect("a program lies in a folder").to_owned();
    let path = sandbox.variables().iter().find(|(name, _)| name == "PATH").expect("it is always set").1.clone();
    let all = std::iter::once(bin).chain(std::env::split_paths(&path));
    sandbox.set("PATH", std::env::join_paths(all).expect("no part has a colon"));
    sandbox.set("WHARF_ENGINE", "docker");
    sandbox.set("USER", "someone");
    sandbox
}

#[track_caller]
pub(crate) fn ide(sandbox: &Sandbox, repo: &Repo, arguments: &[&str]) -> Output {
    wharf(sandbox, repo).arg("ide").args(arguments).run()
}

pub(crate) fn devcontainer(sandbox: &Sandbox, repo: &Repo, verb: &str, dir: &str) -> WharfCommand {
    let command = sandbox.command(devcontainers_cli()).arg(verb).arg("--workspace-folder").arg(repo.path());
    command.arg("--config").arg(repo.join(format!(".devcontainer/{dir}/devcontainer.json"))).cwd(repo.path())
}

#[test]
fn a_devcontainer_is_what_bash_starts() {
    require(EngineKind::Docker);
    let sandbox = sandbox();
    let repo = repo(&sandbox);
    fs_err::create_dir(sandbox.home().join("data")).expect("a home is writable");
    fs_err::write(sandbox.home().join("data/one"), "1").expect("a home is writable");
    ide(&sandbox, &repo, &["generate", "devcontainer"]).assert_code(0);
    // Nothing of this machine stands in what is committed.
    let mut written = 0;
    for folder in fs_err::read_dir(repo.join(".devcontainer")).expect("it was made").flatten() {
        let text = fs_err::read_to_string(folder.path().join("devcontainer.json")).expect("each has its own");
        assert!(!text.contains(&*sandbox.home().to_string_lossy()) && !text.contains("someone"), "{text}");
        assert!(!text.contains(&*repo.path().to_string_lossy()), "{text}");
        written += 1;
    }
    assert_eq!(written, 3);
    let print = "id -u; id -g; pwd; for name in PYTHONPATH WHARF_DIR WHARF_ROOT WHARF_WORKSPACE USER LOGNAME HOME DATA COLOR TOKEN \
                 PYTHONPYCACHEPREFIX; do eval \"echo $name=\\${$name-unset}\"; done; cat /data/one 2>&1; ls /opt/wharf/site 2>&1; \
                 grep -E ' (/src|/data|/opt/wharf)' /proc/self/mountinfo | sed 's/.* \\(\\/[^ ]*\\) \\(r[ow]\\),.* - .*/\\1 \\2/' | sort";
    for dir in ["infra", "ml"] {
        let read = devcontainer(&sandbox, &repo, "read-configuration", dir).run();
        let value: Value = read.assert_code(0).json();
        assert_eq!(value["configuration"]["workspaceFolder"], format!("/src/sample/{dir}"));
        let up = devcontainer(&sandbox, &repo, "up", dir).env("TOKEN", "secret").run();
        let container = up.assert_code(0).json()["containerId"].as_str().expect("a container").to_owned();
        let inside = devcontainer(&sandbox, &repo, "exec", dir).args(["sh", "-c", print]).run();
        let removed = sandbox.command("docker").args(["rm", "--force", "--volumes", &container]).run();
        let mine = wharf(&sandbox, &repo).args(["run", dir, "--", "sh", "-c", print]).env("TOKEN", "secret").run();
        removed.assert_code(0);
        // The metadata of a package is mounted by a link; what is seen is the same.
        assert_eq!(inside.assert_code(0).stdout, mine.assert_code(0).stdout, "{dir}: {}", inside.told());
        assert!(dir == "ml" || mine.stdout.contains("COLOR=red\nTOKEN=secret\n"), "{}", mine.told());
    }
    sandbox.command("docker").args(["image", "rm", "sample-infra:editor", "sample-ml:editor"]).run().assert_code(0);
}

/// Runs what the Python extension runs: the folder's interpreter, with its plugin on the path and a pipe to answer by.
#[track_caller]
fn extension(sandbox: &Sandbox, repo: &Repo, dir: &str, arguments: &[&str]) -> Vec<Value> {
    let files = sandbox.path().join("extension/python_files");
    fs_err::create_dir_all(files.join("vscode_like")).expect("a sandbox is writable");
    fs_err::write(files.join("vscode_like/__init__.py"), PLUGIN).expect("a sandbox is writable");
    fs_err::write(files.join("info.py"), INFO).expect("a sandbox is writable");
    let python = || sandbox.command(repo.join(dir).join(".vscode/wharf/bin/python")).cwd(repo.join(dir));
    if dir == "infra" && arguments == ["--collect-only"] {
        let info = python().arg("-I").arg(files.join("info.py")).run().assert_code(0).json();
        assert!(info["version"][0] == 3, "{info}");
        // And who it is: the extension goes on with the answer.
        let answer: Value = python().args(["-c", QUESTION]).run().assert_code(0).json_lines().remove(1);
        let venv = repo.join(dir).join(".vscode/wharf");
        assert_eq!(answer["executable"], venv.join("bin/python").display().to_string(), "{answer}");
        assert_eq!(answer["sys_prefix"], venv.display().to_string(), "{answer}");
    }
    let pipe = sandbox.path().join(format!("pipe-{dir}"));
    sandbox.command("mkfifo").arg(&pipe).run().assert_code(0);
    let reader = sandbox.command("cat").arg(&pipe).spawn();
    let command =
        python().args(["-m", "pytest", "-p", "vscode_like", &format!("--rootdir={}", repo.join(dir).display())]);
    let command = command.args(arguments).env("PYTHONPATH", &files).env("TEST_RUN_PIPE", &pipe);
    command.run().assert_code(0);
    let said = reader.wait().assert_code(0).json_lines();
    fs_err::remove_file(&pipe).expect("it is there");
    said
}

#[test]
fn vs_code_finds_and_runs_the_tests_of_each_dir_in_its_own_container() {
    let mut sandbox = sandbox();
    let repo = repo(&sandbox);
    ide(&sandbox, &repo, &["generate", "vscode"]).assert_code(0);
    let text = repo.read("sample.code-workspace");
    let (_, json) = text.split_once('\n').expect("a comment stands above");
    let value: Value = serde_json::from_str(json).expect("the rest is JSON");
    let folders: Vec<_> = value["folders"].as_array().into_iter().flatten().map(|one| one["path"].as_str()).collect();
    assert_eq!(folders, [Some("infra"), Some("infra/nested"), Some("ml")]);
    assert!(repo.read("infra/.vscode/wharf/pyvenv.cfg").contains("\nversion = "));
    assert_eq!(value["settings"]["python.defaultInterpreterPath"], "${workspaceFolder}/.vscode/wharf/bin/python");
    for engine in [EngineKind::Docker, EngineKind::Host] {
        require(engine);
        sandbox.set("WHARF_ENGINE", engine.name());
        let mut hosts = Vec::new();
        for dir in ["infra", "ml"] {
            // Paths are those of the host, and neither the dir inside nor the other dir is seen.
            let found = extension(&sandbox, &repo, dir, &["--collect-only"]);
            let id = format!("{}/tests/test_same.py::test_me", repo.join(dir).display());
            assert_eq!(found[0]["tests"], serde_json::json!([id]), "{engine} {dir}");
            assert_eq!(found[0]["cwd"], repo.join(dir).display().to_string(), "{engine} {dir}");
            let ran = extension(&sandbox, &repo, dir, &[&id]);
            let last = ran.last().expect("it says something");
            assert_eq!(last["status"], 0, "{engine} {dir}");
            hosts.push(last["where"].as_str().unwrap_or_default().to_owned());
        }
        assert_eq!(hosts[0] == hosts[1], engine == EngineKind::Host, "{engine}: {hosts:?}");
    }
}

#[test]
fn pycharms_own_entries_stay() {
    let sandbox = sandbox();
    let repo = repo(&sandbox);
    let written = ide(&sandbox, &repo, &["generate", "pycharm"]);
    assert_eq!(written.assert_code(0).stdout.lines().count(), 2 + 2 * 3);
    let module = repo.read(".idea/sample.iml");
    for line in [
        "      <sourceFolder url=\"file://$MODULE_DIR$/infra/tests\" isTestSource=\"true\" />\n",
        "      <sourceFolder url=\"file://$MODULE_DIR$/ml/src\" isTestSource=\"false\" />\n",
        "      <excludeFolder url=\"file://$MODULE_DIR$/.wharf\" />\n",
    ] {
        assert!(module.contains(line), "{module}");
    }
    assert!(repo.read(".idea/modules.xml").contains("filepath=\"$PROJECT_DIR$/.idea/sample.iml\""));
    assert!(repo.read(".idea/runConfigurations/wharf_test_infra.xml").contains("value=\"wharf test --dir infra\""));
    // All of it is XML.
    let files = "import glob, xml.etree.ElementTree as e; print(len([e.parse(f) for f in glob.glob('.idea/**/*.*ml', recursive=True)]))";
    let parsed = sandbox.command("python3").args(["-c", files]).cwd(repo.path()).run();
    assert_eq!(parsed.assert_code(0).stdout, "8\n");
    // What the user has, with another name and other entries, is kept to the letter.
    let own = "<?xml version=\"1.0\"?>\n<module type=\"PYTHON_MODULE\" version=\"4\">\n  <component name=\"Mine\" />\n  \
               <component name=\"NewModuleRootManager\">\n    <content url=\"file://$MODULE_DIR$\">\n      \
               <excludeFolder url=\"file://$MODULE_DIR$/ml/src\" />\n    </content>\n  </component>\n</module>\n";
    repo.write(".idea/mine.iml", own).write(".idea/modules.xml", "<project>\n  <modules />\n</project>\n");
    fs_err::remove_file(repo.join(".idea/sample.iml")).expect("it is there");
    ide(&sandbox, &repo, &["generate", "pycharm", "--check"])
        .assert_code(1)
        .stdout_contains("+      <excludeFolder url=\"file://$MODULE_DIR$/.wharf\" />\n");
    ide(&sandbox, &repo, &["generate", "pycharm"]).assert_code(0);
    let merged = repo.read(".idea/mine.iml");
    assert!(own.lines().all(|line| merged.lines().any(|kept| kept == line)), "{merged}");
    assert_eq!(merged.lines().count(), own.lines().count() + 3, "{merged}");
    assert!(!repo.join(".idea/sample.iml").exists());
    ide(&sandbox, &repo, &["generate", "pycharm", "--check"]).assert_code(0);
    repo.write(".idea/mine.iml", "not XML");
    ide(&sandbox, &repo, &["generate", "pycharm"]).assert_code(5).stderr_contains("mine.iml");
}

#[test]
fn files_of_editors_are_not_overwritten() {
    let sandbox = sandbox();
    let repo = repo(&sandbox);
    for (editor, file) in [
        ("devcontainer", ".devcontainer/infra/devcontainer.json"),
        ("vscode", "infra/.vscode/wharf/bin/python"),
        ("pycharm", ".idea/runConfigurations/wharf_bash_ml.xml"),
    ] {
        let check = |code| ide(&sandbox, &repo, &["generate", editor, "--check"]).assert_code(code).clone();
        check(1).stderr_contains("is missing");
        let dry = ide(&sandbox, &repo, &["generate", editor, "--dry-run"]);
        assert!(!repo.join(file).exists());
        sandbox.command("sh").args(["-e", "-c", &dry.assert_code(0).stdout]).run().assert_code(0);
        check(0);
        let text = repo.read(file);
        repo.write(file, text.replace("wharf", "mine"));
        check(1).stderr_contains("was changed by hand");
        let refused = ide(&sandbox, &repo, &["generate", editor]);
        refused.assert_code(5).stdout_contains("\n-").stderr_contains(file);
        ide(&sandbox, &repo, &["generate", editor, "--force"]).assert_code(0);
        assert_eq!(repo.read(file), text);
    }
    // A clone elsewhere, of somebody else, finds them as they should be.
    repo.commit("editors");
    let other = repo.clone_to(sandbox.path().join("elsewhere/sample"));
    for editor in ["devcontainer", "vscode", "pycharm"] {
        let command = wharf(&sandbox, &other).args(["ide", "generate", editor, "--check"]);
        command.env("USER", "another").env("HOME", sandbox.path()).run().assert_code(0);
    }
    let bare = Repo::init(sandbox.path().join("bare"));
    wharf(&sandbox, &bare).args(["ide", "generate", "vscode"]).run().assert_code(4);
    let host = wharf(&sandbox, &repo).args(["--engine", "host", "ide", "image", "infra"]).run();
    host.assert_code(4).stderr_contains("has no images");
}
