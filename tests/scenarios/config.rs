//! `wharf config show`, and configuration that cannot be used.

use serde_json::json;
use wharf_testkit::{Repo, Sandbox, WharfCommand, base_image, sample};

fn wharf(sandbox: &Sandbox, repo: &Repo) -> WharfCommand {
    sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(repo.path())
}

fn repo(sandbox: &Sandbox) -> Repo {
    sample::workspace(sandbox)
        .toml("[build]\nindex-url = \"https://me:s3cret@pypi.example.org/simple\"\n[test]\ntimeout = \"60s\"\n")
        .dir("infra", |dir| dir.toml("[os]\npackages = [\"graphviz\"]\n"))
        .build()
}

#[test]
fn shows_what_is_in_effect_without_credentials() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    let output = wharf(&sandbox, &repo).args(["config", "show", "infra"]).run();
    output.assert_code(0).stdout_contains("os.packages = [\"graphviz\"]\n").stdout_contains("test.timeout = \"60s\"\n");
    output.stdout_contains("build.index-url = \"https://me:***@pypi.example.org/simple\"\n").stdout_lacks("s3cret");
    // Without a dir and outside of one: the workspace.
    let output = wharf(&sandbox, &repo).args(["config", "show"]).run();
    output.assert_code(0).stdout_contains("os.packages = []\n").stderr_contains("workspace `sample`");
    let output = wharf(&sandbox, &repo).args(["config", "show"]).cwd(repo.join("infra/devops")).run();
    output.assert_code(0).stdout_contains("graphviz").stderr_contains("runnable dir `infra`");
    wharf(&sandbox, &repo).args(["config", "show", "nowhere"]).run().assert_code(2);
}

#[test]
fn every_value_says_where_it_came_from() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    fs_err::create_dir_all(sandbox.home().join(".config/wharf")).expect("a home is writable");
    fs_err::write(sandbox.home().join(".config/wharf/config.toml"), "[test]\nretries = 2\n").expect("writable");
    let show = |args: &[&str]| {
        wharf(&sandbox, &repo)
            .args(["--engine", "host", "config", "show", "infra", "--origin"])
            .args(args)
            .env("WHARF_TEST_SLOW", "9s")
            .run()
    };
    let output = show(&[]);
    output.assert_code(0);
    for line in [
        "os.packages = [\"graphviz\"]  # infra/devops/wharf.toml:2",
        "test.timeout = \"60s\"  # wharf.toml:10",
        "test.slow = \"9s\"  # WHARF_TEST_SLOW",
        "engine.kind = \"host\"  # --engine",
        "build.proxy = \"host\"  # default",
    ] {
        output.stdout_contains(&format!("{line}\n"));
    }
    let user = format!("test.retries = 2  # {}/.config/wharf/config.toml:2\n", sandbox.home().display());
    output.stdout_contains(&user);
    let entry = &show(&["--json"]).json()["os.packages"];
    let origin = json!({ "layer": "runnable-dir", "file": "infra/devops/wharf.toml", "line": 2 });
    assert_eq!(*entry, json!({ "value": ["graphviz"], "origin": origin }));
    let plain = wharf(&sandbox, &repo).args(["config", "show", "infra", "--json"]).run().json();
    assert_eq!(plain["image"]["base"], json!(base_image()));
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_its_line() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    let cases: [(&[u8], &[&str]); 4] = [
        (b"[image]\nbase = = 1\n", &["infra/devops/wharf.toml:2"]),
        (b"[image]\nbase = \"\xff\"\n", &["infra/devops/wharf.toml:2", "UTF-8"]),
        (b"\n[image]\nbsae = \"x\"\n", &["infra/devops/wharf.toml:3", "bsae", "did you mean `image.base`?"]),
        (b"[os]\npackages = \"graphviz\"\n", &["infra/devops/wharf.toml:2", "list"]),
    ];
    for (text, said) in cases {
        repo.write("infra/devops/wharf.toml", text);
        for command in [&["ls"][..], &["config", "show"], &["run", "infra", "--", "true"], &[]] {
            let output = wharf(&sandbox, &repo).args(command).run();
            output.assert_code(3);
            assert_eq!(output.stdout, "");
            for said in said {
                output.stderr_contains(said);
            }
        }
    }
}

#[test]
fn flags_and_variables_are_checked_as_files_are() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    let output = wharf(&sandbox, &repo).args(["--engine", "dokcer", "ls"]).run();
    output.assert_code(3).stderr_contains("--engine").stderr_contains("docker");
    let output = wharf(&sandbox, &repo).arg("ls").env("WHARF_ENGINE", "lxc").run();
    output.assert_code(3).stderr_contains("WHARF_ENGINE");
}
