//! Images of repos that are laid out the older way: contexts, tags, arguments, locks, prod images; and what people suffered from there.

use std::os::unix::fs::PermissionsExt;

use wharf_core::image::spec::ImageSpec;
use wharf_core::workspace::{Surroundings, discover};
use wharf_testkit::{EngineKind, Output, Registry, Repo, Sandbox, empty_image, older, require};

use crate::older::{Images, name, wharf};

fn labels(sandbox: &Sandbox, image: &str) -> serde_json::Value {
    let output = sandbox.command("docker").args(["image", "inspect", image]).run();
    output.assert_code(0);
    output.json()[0]["Config"].clone()
}

#[test]
fn a_build_gets_what_it_copies_and_no_more() {
    let sandbox = Sandbox::new();
    let repo = older::workspace(&sandbox, &name("context"));
    let workspace = discover(Surroundings { here: repo.path().to_owned(), ..Surroundings::default() }).unwrap();
    for dir in workspace.dirs.iter().filter(|dir| dir.image_from().is_none() && dir.address.as_str() != older::PARTIAL)
    {
        let spec = ImageSpec::read(&workspace, dir).unwrap();
        let names: Vec<&str> = spec.files.keys().map(String::as_str).collect();
        let copied = [
            "docker_build/install_python_packages.sh",
            "docker_build/poetry.toml",
            "docker_build/pyproject.toml",
            "docker_build/utils.sh",
            "docker_run/bashrc",
        ];
        let mut expected: Vec<String> = copied.iter().map(|file| format!("devops/{file}")).collect();
        // The shared repo has a lock of its own.
        if dir.address.as_str() == "helpers_root" {
            expected.insert(1, "devops/docker_build/poetry.lock".into());
        }
        assert_eq!(names, expected, "{}", dir.address);
        let script = &spec.files["devops/docker_build/install_python_packages.sh"];
        assert!(script.executable && script.bytes.starts_with(b"#!/bin/bash"), "links arrive as files");
        let size: usize = spec.files.values().map(|file| file.bytes.len()).sum();
        assert!(size < 135_000, "{size} bytes");
    }
    // A folder goes less what the ignore file names, and with what links in it lead to.
    repo.write("alpha/data/a.txt", "").write("alpha/data/b.pyc", "");
    fs_err::remove_file(repo.join("alpha/devops/docker_build/dev.Dockerfile")).unwrap();
    repo.write(
        "alpha/devops/docker_build/dev.Dockerfile",
        "FROM x\nCOPY alpha/data helpers_root/helpers devops/docker_run /x/\n",
    );
    repo.write("alpha/devops/docker_build/dockerignore.local", "**/*.pyc\n");
    repo.write("alpha/devops/wharf.toml", "[image]\nignore-file = \"devops/docker_build/dockerignore.local\"\n");
    let workspace = discover(Surroundings { here: repo.path().to_owned(), ..Surroundings::default() }).unwrap();
    let spec = ImageSpec::read(&workspace, workspace.dir("alpha").unwrap()).unwrap();
    let names: Vec<&str> = spec.files.keys().map(String::as_str).collect();
    let run = ["bashrc", "docker_setenv.sh", "entrypoint.sh"].map(|file| format!("devops/docker_run/{file}"));
    let mut expected: Vec<&str> = vec!["alpha/data/a.txt"];
    expected.extend(run.iter().map(String::as_str));
    expected.extend(["helpers_root/helpers/__init__.py", "helpers_root/helpers/hvalue.py"]);
    assert_eq!(names, expected);
}

#[test]
fn images_are_built_promoted_and_made_prod_with_their_tags() {
    require(EngineKind::Docker);
    let sandbox = Sandbox::new();
    let name = name("life");
    let _images = Images(&sandbox, name.clone());
    let repo = older::workspace(&sandbox, &name);
    let image = |args: &[&str]| wharf(&sandbox, repo.path()).arg("image").args(args).run();
    let alpha = format!("{name}-alpha");
    image(&["build", "alpha"]).assert_code(0).stdout_contains(&format!("{alpha}:local-root-2.0.0"));
    let config = labels(&sandbox, &format!("{alpha}:local-root-2.0.0"));
    let env: Vec<&str> = config["Env"].as_array().unwrap().iter().map(|pair| pair.as_str().unwrap()).collect();
    assert!(env.contains(&"AM_CONTAINER_VERSION=2.0.0"), "{env:?}");
    assert_eq!(config["Labels"]["org.opencontainers.image.version"], "2.0.0");
    image(&["build", "alpha"]).assert_code(0).stdout_contains("its inputs match the checkout");

    let missing = image(&["build", "--stage", "prod", "alpha"]);
    missing.assert_code(4).stderr_contains(&format!("{alpha}:dev-2.0.0")).stderr_contains("wharf image promote alpha");
    image(&["promote", "--untested", "alpha"]).assert_code(0).stdout_contains(&format!("{alpha}:dev-2.0.0"));
    let listed = image(&["ls"]);
    listed.assert_code(0).stdout_contains("dev-2.0.0");
    image(&["build", "--stage", "prod", "alpha"]).assert_code(0).stdout_contains(&format!("{alpha}:prod-2.0.3"));
    let prod = |command: &str| {
        wharf(&sandbox, repo.path()).args(["run", "--stage", "prod", "alpha", "--", "sh", "-c", command]).run()
    };
    let output = prod("cat /install/mark; ls -A /app; ls /app/alpha; cat /app/alpha/devops/docker_build/utils.sh");
    output
        .assert_code(0)
        .stdout_contains(&format!("{name}\n"))
        .stdout_contains("helpers_root\n")
        .stdout_contains("report() {");
    // The ignore file for prod leaves these out; Git's folder is never in.
    output.stdout_lacks("data\n").stdout_lacks(".git\n").stdout_lacks("\ntest\n");

    a_shell_is_opened(&sandbox, &repo);
    images_go_to_the_registry_and_come_back(&sandbox, &repo, &alpha);
    image(&["eject", "alpha"])
        .assert_code(5)
        .stderr_contains("alpha/devops/docker_build/dev.Dockerfile` is there already");
    let none = image(&["build", "--stage", "prod", older::PARTIAL]);
    none.assert_code(4).stderr_contains("`partial` has no Dockerfile for a prod image");
    none.stderr_contains("hint: write `partial/devops/docker_build/prod.Dockerfile`");
    image(&["build", older::PARTIAL]).assert_code(0);
    // A new patch number is a new prod image and no new dev image.
    repo.write("alpha/changelog.txt", format!("# {alpha}-2.0.4\n- 2024-02-01\n- x\n"));
    image(&["build", "alpha"]).assert_code(0).stdout_contains("its inputs match the checkout");
    repo.write("alpha/changelog.txt", format!("# {alpha}-2.10.0\n- 2024-02-01\n- x\n"));
    image(&["build", "alpha"]).assert_code(0).stdout_contains(&format!("{alpha}:local-root-2.10.0"));
}

/// In its dir, through the entry point, with the command's own code.
fn a_shell_is_opened(sandbox: &Sandbox, repo: &Repo) {
    let mut terminal = wharf(sandbox, repo.path()).args(["bash", "alpha"]).spawn_in_terminal(24, 80);
    terminal.send("echo in:$(pwd):$CSFY_GIT_ROOT_PATH\r");
    terminal.wait_written_contains("in:/app/alpha:/app");
    terminal.send("exit 4\r");
    terminal.wait_exit().assert_code(4);
}

/// Under the base path that the variable names, with the tags that the team knows.
fn images_go_to_the_registry_and_come_back(sandbox: &Sandbox, repo: &Repo, name: &str) {
    let registry = Registry::start();
    let base = format!("{}/acme", registry.host());
    let image = |args: &[&str]| {
        let command = wharf(sandbox, repo.path()).env("CSFY_ECR_BASE_PATH", &base);
        command.arg("image").args(args).run()
    };
    let docker = |args: &[&str]| sandbox.command("docker").args(args).run();
    let id = |name: &str| docker(&["image", "inspect", "--format", "{{.Id}}", name]).assert_code(0).stdout.clone();
    let before = id(&format!("{name}:dev-2.0.0"));
    let pushed = image(&["push", "alpha"]);
    pushed.assert_code(0).stdout_contains(&format!("{base}/{name}:dev-2.0.0"));
    let tags = ["dev-2.0.0", "dev"].map(|tag| format!("{base}/{name}:{tag}"));
    for tag in &tags {
        let _gone = docker(&["image", "rm", "--force", tag]);
        docker(&["pull", tag]).assert_code(0);
        assert_eq!(id(tag), before, "{tag}");
    }
    docker(&["image", "rm", "--force", &tags[0], &tags[1], &format!("{name}:dev-2.0.0"), &format!("{name}:dev")])
        .assert_code(0);
    image(&["pull", "alpha"]).assert_code(0);
    image(&["ls"]).assert_code(0).stdout_contains("dev-2.0.0");
}

#[test]
fn a_registry_that_cannot_be_reached_stops_nothing_local() {
    require(EngineKind::Docker);
    let sandbox = Sandbox::new();
    let name = name("ecr");
    let _images = Images(&sandbox, name.clone());
    let repo = older::workspace(&sandbox, &name);
    let config = repo.read("alpha/repo_config.yaml");
    repo.write(
        "alpha/repo_config.yaml",
        format!("{config}container_registry_info:\n  ecr: 127.0.0.1:1/acme\n  ghcr: 127.0.0.1:1/other\n"),
    );
    let run = |args: &[&str]| wharf(&sandbox, repo.path()).args(args).run();
    let output = run(&["run", "alpha", "--", "true"]);
    output.assert_code(0).stderr_contains(&format!("`127.0.0.1:1/acme/{name}-alpha:dev-2.0.0` cannot be pulled"));
    let output = run(&["run", "--stage", "local", "alpha", "--", "true"]);
    output.assert_code(0);
    assert!(!output.stderr.contains("pull"), "`--stage local` asks no registry: {}", output.stderr);
    run(&["image", "promote", "--untested", "alpha"]).assert_code(0);
    let pushed = run(&["image", "push", "alpha"]);
    assert!(pushed.code == Some(4) || pushed.code == Some(1), "{}", pushed.stderr);
    pushed.stderr_contains("127.0.0.1:1");
}

#[test]
fn locks_are_made_in_the_image_and_copied_back() {
    require(EngineKind::Docker);
    let sandbox = Sandbox::new();
    let name = name("lock");
    let _images = Images(&sandbox, name.clone());
    let repo = older::workspace(&sandbox, &name);
    let lock = |args: &[&str]| wharf(&sandbox, repo.path()).args(["image", "lock", "alpha"]).args(args).run();
    let planned = lock(&["--dry-run"]);
    planned
        .assert_code(0)
        .stdout_contains("alpha/devops/docker_build/poetry.lock")
        .stdout_contains("image lock //alpha");
    let output = lock(&[]);
    output.assert_code(0).stdout_contains("+ six 1.17.0");
    assert!(repo.read("alpha/devops/docker_build/poetry.lock").contains("name = \"six\""));
    assert!(repo.read("alpha/devops/docker_build/pip_list.txt").contains("pytest"));
    lock(&["--check"]).assert_code(0);
    // Nothing moves unless it is told to, and then all does.
    let path = repo.join("alpha/devops/docker_build/poetry.lock");
    let earlier = repo.read("alpha/devops/docker_build/poetry.lock").replace("1.17.0", "1.16.0");
    fs_err::write(&path, &earlier).unwrap();
    lock(&[]).assert_code(0).stdout_lacks("six");
    assert_eq!(fs_err::read_to_string(&path).unwrap(), earlier);
    lock(&["--upgrade", "six"]).assert_code(2).stderr_contains("`wharf image lock alpha --upgrade` upgrades all");
    // What lies elsewhere is not written through a link.
    let outside = sandbox.path().join("outside.lock");
    fs_err::rename(&path, &outside).unwrap();
    std::os::unix::fs::symlink(&outside, &path).unwrap();
    lock(&[]).assert_code(5).stderr_contains("leads out of the workspace, to `").stderr_contains("outside.lock`");
    assert_eq!(fs_err::read_to_string(&outside).unwrap(), earlier);
    let left = sandbox.command("docker").args(["image", "ls", "--quiet", "wharf-lock"]).run();
    assert!(!left.stdout.contains("alpha"), "{}", left.stdout);
}

#[test]
fn what_people_suffered_from_is_not_here() {
    require(EngineKind::Docker);
    let sandbox = Sandbox::new();
    let name = name("pains");
    let _images = Images(&sandbox, name.clone());
    let repo = older::workspace(&sandbox, &name);
    let run = |args: &[&str]| wharf(&sandbox, repo.path()).args(args).run();
    // 1.10.0 comes after 1.9.0.
    let shown = run(&["version", "show", "."]);
    shown.assert_code(0).stdout_contains("1.10.0");

    // Two commands at once share no compose file and no project; a stop takes its own containers alone.
    let foreign = format!("{name}-foreign");
    let started = sandbox
        .command("docker")
        .args(["run", "--detach", "--rm", "--name", &foreign, empty_image(), "sleep", "300"])
        .run();
    started.assert_code(0);
    let _foreign = Container(&sandbox, foreign.clone());
    run(&["image", "build", "alpha", "."]).assert_code(0);
    let both = ["alpha", "zeta"]
        .map(|dir| wharf(&sandbox, repo.path()).args(["run", dir, "--", "sh", "-c", "echo up; sleep 1; pwd"]).spawn());
    let outputs: Vec<Output> = both.into_iter().map(|running| running.wait()).collect();
    assert_eq!([&*outputs[0].stdout, &*outputs[1].stdout], ["up\n/app/alpha\n", "up\n/app/zeta\n"]);
    run(&["stop", "--all"]);
    let alive = sandbox.command("docker").args(["inspect", "--format", "{{.State.Running}}", &foreign]).run();
    assert_eq!(alive.stdout, "true\n");

    // 1.9.0 to 1.10.0 is no step back.
    fs_err::write(repo.join("changelog.txt"), repo.read("changelog.txt").replacen("1.10.0", "1.11.0", 1)).unwrap();
    let checked = run(&["version", "check", "."]);
    checked.assert_code(0);
    shells_are_set_up_quietly(&sandbox, &repo);
    links_leave_their_source_alone(&sandbox, &repo);
    // One command makes a new runnable dir.
    run(&["new", "eta"]).assert_code(0);
    let listed = run(&["ls", "--json", "eta"]);
    assert_eq!(listed.json()[0]["path"], "eta");
}

struct Container<'a>(&'a Sandbox, String);

impl Drop for Container<'_> {
    fn drop(&mut self) {
        let _gone = self.0.command("docker").args(["rm", "--force", &self.1]).run();
    }
}

/// Secrets are not printed, zsh is as good as bash, nobody asks for `sudo`.
fn shells_are_set_up_quietly(sandbox: &Sandbox, repo: &Repo) {
    for shell in ["bash", "zsh"] {
        let output = wharf(sandbox, repo.path())
            .env("OPENAI_API_KEY", "s3cret-1")
            .env("CSFY_AWS_SECRET_ACCESS_KEY", "s3cret-2")
            .args(["setenv", "--shell", shell])
            .run();
        output.assert_code(0);
        let all = format!("{}{}", output.stdout, output.stderr);
        assert!(!all.contains("s3cret") && !all.contains("sudo"), "{shell}: {all}");
    }
}

fn links_leave_their_source_alone(sandbox: &Sandbox, repo: &Repo) {
    let source = repo.join("helpers_root/devops/docker_run/bashrc");
    let mode = || fs_err::metadata(&source).unwrap().permissions().mode() & 0o777;
    let before = mode();
    repo.write("wharf.toml", "[[files]]\nfrom = \"//helpers_root/devops/docker_run\"\npaths = [\"bashrc\"]\nto = [\"common\"]\nmode = \"link\"\n");
    let output = wharf(sandbox, repo.path()).args(["files", "sync"]).run();
    output.assert_code(0);
    assert!(repo.join("common/bashrc").symlink_metadata().unwrap().is_symlink());
    assert_eq!(mode(), before);
    fs_err::remove_file(repo.join("wharf.toml")).unwrap();
}
