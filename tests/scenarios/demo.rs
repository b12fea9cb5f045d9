//! `wharf demo`.

use wharf_testkit::{EngineKind, Sandbox, WharfCommand, base_image, require};

fn wharf(sandbox: &Sandbox) -> WharfCommand {
    sandbox.command(env!("CARGO_BIN_EXE_wharf")).env("WHARF_IMAGE_BASE", base_image())
}

fn is_empty(folder: &std::path::Path) -> bool {
    fs_err::read_dir(folder).expect("the folder is there").next().is_none()
}

#[track_caller]
fn runs_on(engine: EngineKind) {
    require(engine);
    let sandbox = Sandbox::new();
    let output = wharf(&sandbox).args(["demo", "--engine", engine.name(), "try it"]).run();
    output.assert_code(0).stderr_contains("made a super-repo in `try it`").stderr_contains("  cd 'try it'\n");
    output.stdout_contains("api").stdout_contains("etl").stdout_contains("ml").stdout_contains("17 passed");
    output.stderr_lacks("warning:");
    let dir = sandbox.path().join("try it");
    let status = sandbox.command("git").args(["status", "--short", "--ignored=no"]).cwd(&dir).run();
    assert_eq!(status.stdout, "", "all is committed, and running leaves nothing behind");

    let failing =
        wharf(&sandbox).args(["-C", "try it", "--engine", engine.name(), "test"]).env("WHARF_DEMO_FAIL", "1").run();
    failing.assert_code(1).stdout_contains("api/tests/test_answer.py::test_no_port_is_lost");
    failing.stdout_contains("tests failed in 1 of 3 runnable dirs");
}

#[test]
fn runs_on_docker() {
    runs_on(EngineKind::Docker);
}

#[test]
fn runs_on_podman() {
    runs_on(EngineKind::Podman);
}

#[test]
fn runs_on_the_host() {
    runs_on(EngineKind::Host);
}

#[test]
fn fails_on_purpose_where_asked_to() {
    let sandbox = Sandbox::new();
    let output = wharf(&sandbox).args(["demo", "--engine", "host"]).env("WHARF_DEMO_FAIL", "1").run();
    output.assert_code(1).stdout_contains("test_no_port_is_lost");
    assert!(sandbox.path().join("wharf-demo/README.md").is_file());
}

#[test]
fn falls_back_to_the_host_where_the_image_cannot_be_had() {
    require(EngineKind::Docker);
    let sandbox = Sandbox::new();
    let base = "registry.invalid/no/such:image";
    let output = wharf(&sandbox).arg("demo").env("WHARF_IMAGE_BASE", base).run();
    output.assert_code(0).stdout_contains("17 passed");
    output.stderr_contains(base).stderr_contains("using `--engine host`").stderr_contains("export WHARF_ENGINE=host");
    assert_eq!(output.stderr.matches("warning:").count(), 1, "{}", output.told());
}

#[test]
fn keeps_to_the_engine_that_was_chosen() {
    require(EngineKind::Docker);
    let sandbox = Sandbox::new();
    let base = "registry.invalid/no/such:image";
    let output = wharf(&sandbox).arg("demo").env("WHARF_IMAGE_BASE", base).env("WHARF_ENGINE", "docker").run();
    output.assert_code(4).stderr_lacks("--engine host");
}

#[test]
fn refuses_a_folder_in_use() {
    let sandbox = Sandbox::new();
    let dir = sandbox.path().join("mine");
    fs_err::create_dir(&dir).unwrap();
    fs_err::write(dir.join("precious.txt"), "keep").unwrap();
    let output = wharf(&sandbox).args(["demo", "mine"]).run();
    output.assert_code(5).stderr_contains("error: `mine` is there and not empty\n\nhint: choose another place");
    assert_eq!(fs_err::read_to_string(dir.join("precious.txt")).unwrap(), "keep");
    assert_eq!(fs_err::read_dir(&dir).unwrap().count(), 1);

    let output = wharf(&sandbox).args(["demo", "mine/precious.txt"]).run();
    output.assert_code(5).stderr_contains("is there and no folder");
}

#[test]
fn refuses_to_make_it_twice() {
    let sandbox = Sandbox::new();
    wharf(&sandbox).args(["demo", "--no-run"]).run().assert_code(0);
    let output = wharf(&sandbox).args(["demo", "--no-run"]).run();
    output.assert_code(5).stderr_contains("hint: it is a demo already; run its tests with `wharf -C wharf-demo test`");
}

#[test]
fn needs_nothing_of_the_users_git_settings() {
    let mut sandbox = Sandbox::new();
    for name in
        ["NAME", "EMAIL"].iter().flat_map(|what| [format!("GIT_AUTHOR_{what}"), format!("GIT_COMMITTER_{what}")])
    {
        sandbox.unset(name);
    }
    let hooks = sandbox.home().join("hooks");
    fs_err::create_dir(&hooks).unwrap();
    let ignored = sandbox.home().join("ignored");
    fs_err::write(&ignored, "*.txt\ntests/\n").unwrap();
    let settings = format!(
        "[user]\n\tuseConfigOnly = true\n[commit]\n\tgpgSign = true\n[core]\n\thooksPath = {}\n\texcludesFile = {}\n[protocol \"file\"]\n\tallow = never\n",
        hooks.display(),
        ignored.display()
    );
    fs_err::write(sandbox.home().join(".gitconfig"), settings).unwrap();
    fs_err::create_dir(sandbox.path().join("empty")).unwrap();
    let output = wharf(&sandbox).args(["demo", "--no-run", "empty"]).run();
    output.assert_code(0).stderr_contains("made a super-repo in `empty`");
    let git = |args: &[&str]| sandbox.command("git").args(args).cwd(sandbox.path().join("empty")).run().stdout;
    assert_eq!(git(&["status", "--short"]), "");
    assert_eq!(git(&["log", "--format=%an <%ae>"]), "Wharf demo <demo@example.org>\n");
    let files = git(&["ls-files", "--recurse-submodules"]);
    assert!(files.contains("etl/changelog.txt\n") && files.contains("common/measures/__init__.py\n"), "{files}");
}

#[test]
fn leaves_nothing_where_git_fails() {
    let sandbox = Sandbox::new();
    let bin = sandbox.home().join("bin");
    fs_err::create_dir(&bin).unwrap();
    fs_err::create_dir(sandbox.path().join("empty")).unwrap();
    for place in ["empty", "fresh"] {
        let output = wharf(&sandbox).args(["demo", "--no-run", place]).env("PATH", &bin).run();
        output.assert_code(4).stderr_contains("the demo cannot be made").stderr_contains("hint: install Git");
    }
    assert!(is_empty(&sandbox.path().join("empty")));
    assert!(!sandbox.path().join("fresh").exists());
}
