//! `wharf run` and `wharf bash`.

use std::os::unix::fs::MetadataExt;

use wharf_testkit::{EngineKind, Repo, Sandbox, Signal, WharfCommand, engines, require, sample};

use crate::workspace::{as_nobody, for_nobody};

/// No Python packages: builds take no network.
const NO_PYTHON: &str = "[python]\nmanager = \"none\"\n";

fn wharf(sandbox: &Sandbox, repo: &Repo, engine: EngineKind) -> WharfCommand {
    sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(repo.path()).args(["--engine", engine.name()])
}

fn repo(sandbox: &Sandbox) -> Repo {
    sample::workspace(sandbox)
        .dir("infra", |dir| dir.no_requirements().toml(NO_PYTHON).file("src/deep/a.txt", "hello\n"))
        .build()
}

#[test]
fn the_command_has_its_code_input_and_output() {
    for engine in engines() {
        let sandbox = Sandbox::new();
        let repo = repo(&sandbox);
        let run = |args: &[&str]| wharf(&sandbox, &repo, engine).arg("run").args(args);
        let output = run(&["infra", "--", "sh", "-c", "echo out; echo err >&2; exit 7"]).run();
        output.assert_code(7).stderr_contains("err\n").stderr_contains(&format!("engine {engine}, as --engine says"));
        assert_eq!(output.stdout, "out\n", "{engine}");
        let output = run(&["infra", "--", "sh", "-c", "wc -c; cat src/deep/a.txt"]).stdin("twelve bytes").run();
        output.assert_code(0);
        assert_eq!(output.stdout.split_whitespace().collect::<Vec<_>>(), ["12", "hello"], "{engine}");
        // With no input there is none, and nobody waits for it.
        assert_eq!(run(&["infra", "--", "cat"]).run().assert_code(0).stdout, "");
        run(&["infra", "--", "no-such-program"]).run().assert_code(127);
        let output = run(&[
            "-e",
            "GIVEN=a b",
            "-e",
            "PASSED",
            "-e",
            "UNSET",
            "infra",
            "--",
            "sh",
            "-c",
            "echo $GIVEN/$PASSED/${UNSET-no}",
        ]);
        assert_eq!(output.env("PASSED", "on").run().assert_code(0).stdout, "a b/on/no\n", "{engine}");
    }
}

#[test]
fn it_starts_where_one_stands() {
    for engine in engines() {
        let sandbox = Sandbox::new();
        let repo = repo(&sandbox);
        let pwd = |cwd: &str, args: &[&str]| {
            let output =
                wharf(&sandbox, &repo, engine).cwd(repo.join(cwd)).arg("run").args(args).args(["--", "pwd"]).run();
            output.assert_code(0);
            output.stdout.trim_end().rsplit_once("sample").expect("a path in it").1.to_owned()
        };
        assert_eq!(pwd("infra/src/deep", &[]), "/infra/src/deep");
        assert_eq!(pwd("infra/src/deep", &["//infra"]), "/infra");
        assert_eq!(pwd("infra/src/deep", &["--workdir", "src"]), "/infra/src");
        let output = wharf(&sandbox, &repo, engine).args(["run", "--", "true"]).run();
        output.assert_code(2).stderr_contains("the nearest ones are `infra`");
    }
}

#[test]
fn what_it_writes_is_the_callers() {
    for engine in engines() {
        let sandbox = Sandbox::new();
        let repo = repo(&sandbox);
        let output = wharf(&sandbox, &repo, engine).args(["run", "infra", "--", "touch", "made"]).run();
        output.assert_code(0);
        let metadata = fs_err::metadata(repo.join("infra/made")).expect("it was made");
        assert_eq!(metadata.uid(), rustix::process::getuid().as_raw(), "{engine}");
        if engine.has_containers() {
            let touch =
                ["run", "infra", "--user", "1234:1234", "--volume", "./open:/open", "--", "touch", "/open/theirs"];
            fs_err::create_dir(repo.join("open")).expect("a repo is writable");
            sandbox.command("chmod").arg("777").arg(repo.join("open")).run().assert_code(0);
            wharf(&sandbox, &repo, engine).args(touch).run().assert_code(0);
            assert_eq!(fs_err::metadata(repo.join("open/theirs")).expect("it was made").uid(), 1234, "{engine}");
        }
    }
}

#[test]
fn another_user_gets_files_of_their_own() {
    if !engines().contains(&EngineKind::Docker) {
        return;
    }
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    let wharf = for_nobody(&sandbox);
    let group = fs_err::metadata("/var/run/docker.sock").expect("the engine listens there").gid();
    let run = |script: &str| {
        let command =
            as_nobody(&sandbox, group, &wharf).args(["--engine", "docker", "run", "infra", "--", "sh", "-c", script]);
        command.cwd(repo.path()).run()
    };
    let output = run("id -u; echo x > made; echo $HOME; touch $HOME/x && echo home is writable");
    output.assert_code(0).stdout_contains("65534\n").stdout_contains("home is writable");
    assert_eq!(fs_err::metadata(repo.join("infra/made")).expect("it was made").uid(), 65534);

    // A work tree that this user may not write to can be run in.
    sandbox.command("chown").args(["-R", "0:0"]).arg(repo.path()).run().assert_code(0);
    let output = run("cat src/deep/a.txt; touch made2 || echo refused");
    output.assert_code(0).stdout_contains("hello\nrefused\n");
    assert!(!repo.join("infra/made2").exists());
}

#[test]
fn a_dry_run_prints_a_line_that_does_the_same() {
    for engine in engines() {
        let sandbox = Sandbox::new();
        let name = format!("dry-{}-{engine}", std::process::id());
        let toml = format!("{NO_PYTHON}[os]\nscripts = [\"make.sh\"]\n");
        let script = format!("echo {name} > /made\n");
        let fill = |dir: sample::Dir| dir.no_requirements().toml(&toml).file("devops/make.sh", script.as_str());
        let repo = sample::workspace(&sandbox).name(&name).dir("in fra", fill).build();
        let tag = format!("{name}-in-fra:local-root-0.1.0");
        let _made = crate::image::Made(&sandbox, engine, &tag);
        let dry = || {
            wharf(&sandbox, &repo, engine)
                .args(["run", "in fra", "--dry-run", "--", "sh", "-c", "pwd; echo 'a  b'"])
                .run()
        };
        let before = dry();
        before.assert_code(0).stderr_contains("would make ").stderr_contains("there is none yet");
        assert_eq!(before.stdout.lines().count(), 1);
        assert!(!repo.join(".wharf").exists(), "nothing is touched");
        if engine.has_containers() {
            before.stdout_contains(&format!(" {tag} sh -c "));
            let image = sandbox.command(engine.name()).args(["image", "inspect", &tag]).run();
            assert_ne!(image.code, Some(0), "nothing is built");
        }
        wharf(&sandbox, &repo, engine).args(["run", "in fra", "--", "true"]).run().assert_code(0);
        let line = dry();
        line.assert_code(0).stderr_lacks("would make");
        let pasted = sandbox.command("sh").args(["-c", line.stdout.trim_end()]).run();
        pasted.assert_code(0).stdout_contains("/in fra\na  b\n");
    }
}

#[test]
fn odd_names_can_be_run_in() {
    for engine in engines() {
        let sandbox = Sandbox::new();
        let odd = ["-dash", "UPPER", "with space", "Ünïcode 漢字", "comma,colon"];
        let fill = |dir: sample::Dir| dir.no_requirements().toml(NO_PYTHON).file("here.txt", "found\n");
        let workspace = sample::workspace(&sandbox).name("odd");
        let repo = odd.iter().fold(workspace, |workspace, name| workspace.dir(name, fill)).build();
        for name in odd {
            let output =
                wharf(&sandbox, &repo, engine).args(["run", &format!("//{name}"), "--", "cat", "here.txt"]).run();
            assert_eq!(output.assert_code(0).stdout, "found\n", "{engine}: {name}");
        }
    }
}

#[test]
fn git_works_in_a_worktrees_container() {
    for engine in engines() {
        let sandbox = Sandbox::new();
        let repo = repo(&sandbox);
        let other = sandbox.path().join("other tree");
        repo.git(&["worktree", "add", "--quiet", "-b", "other", &other.to_string_lossy()]);
        let script = "git -c safe.directory='*' status --short && git -c safe.directory='*' branch --show-current";
        let output =
            wharf(&sandbox, &repo, engine).cwd(other.join("infra")).args(["run", "--", "sh", "-c", script]).run();
        assert_eq!(output.assert_code(0).stdout, "other\n", "{engine}");
    }
}

#[test]
fn it_has_a_real_terminal() {
    for engine in engines() {
        let sandbox = Sandbox::new();
        let repo = repo(&sandbox);
        wharf(&sandbox, &repo, engine).args(["run", "infra", "--", "true"]).run().assert_code(0);
        // Engines set the size a moment after the start.
        let script = "test -t 0 && test -t 1; until [ \"$(stty size)\" != '0 0' ]; do sleep 0.1; done; stty size; trap 'echo caught; exit 9' INT; \
                      trap 'stty size' WINCH; echo ready; while :; do sleep 0.1; done";
        let command = wharf(&sandbox, &repo, engine).args(["run", "infra", "--", "sh", "-c", script]);
        let mut terminal = command.spawn_in_terminal(30, 100);
        terminal.wait_screen_contains("30 100").wait_screen_contains("ready");
        terminal.resize(20, 60);
        terminal.wait_screen_contains("20 60");
        terminal.send("\x03");
        terminal.wait_screen_contains("caught");
        terminal.wait_exit().assert_code(9);
    }
}

#[test]
fn signals_reach_the_command() {
    for engine in engines() {
        let sandbox = Sandbox::new();
        let repo = repo(&sandbox);
        let script = "trap 'echo asked; exit 5' TERM; echo ready; while :; do sleep 0.1; done";
        let running = wharf(&sandbox, &repo, engine).args(["run", "infra", "--", "sh", "-c", script]).spawn();
        running.wait_stdout_contains("ready");
        running.signal(Signal::TERM);
        running.wait().assert_code(5).stdout_contains("asked");
    }
}

#[test]
fn a_shell_is_bash_where_there_is_one() {
    for engine in engines() {
        let sandbox = Sandbox::new();
        let repo = repo(&sandbox);
        let output = wharf(&sandbox, &repo, engine).args(["bash", "infra"]).stdin("echo shell=$BASH; exit 3\n").run();
        if engine.has_containers() {
            output.assert_code(3).stdout_contains("shell=/").stdout_contains("bash\n");
            let output = wharf(&sandbox, &repo, engine).args(["bash", "infra", "--dry-run"]).run();
            output.assert_code(0).stdout_contains("exec bash");
            let mut terminal = wharf(&sandbox, &repo, engine).args(["bash", "infra"]).spawn_in_terminal(24, 80);
            terminal.wait_screen_contains("/src/sample/infra");
            terminal.send("exit 4\r");
            terminal.wait_exit().assert_code(4);
        } else {
            output.assert_code(4).stderr_contains("no image to open a shell in").stderr_contains("-- bash`");
        }
    }
}

#[test]
fn the_host_refuses_what_only_containers_have() {
    require(EngineKind::Host);
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    let cases = [
        ["--port", "8080:80"],
        ["--volume", "/a:/b"],
        ["--network", "none"],
        ["--user", "1:1"],
        ["--stage", "prod"],
        ["--version", "1.2.3"],
    ];
    for flags in cases {
        let output =
            wharf(&sandbox, &repo, EngineKind::Host).args(["run", "infra"]).args(flags).args(["--", "true"]).run();
        output
            .assert_code(4)
            .stderr_contains("error: engine `host` cannot ")
            .stderr_contains("hint: use `--engine docker`");
    }
}

#[test]
fn an_image_that_is_not_here_is_refused_with_those_that_are() {
    for engine in engines().into_iter().filter(|engine| engine.has_containers()) {
        let sandbox = Sandbox::new();
        let repo = repo(&sandbox);
        let run = |flags: &[&str]| {
            wharf(&sandbox, &repo, engine).args(["run", "infra"]).args(flags).args(["--", "true"]).run()
        };
        run(&["--stage", "dev"]).assert_code(4).stderr_contains("needs image `sample-infra:dev-0.1.0`");
        run(&["--version", "9.9.9"])
            .assert_code(4)
            .stderr_contains("`sample-infra:dev-9.9.9`")
            .stderr_contains("hint: ");
        run(&["--version", "nine"]).assert_code(2);
        run(&["--stage", "test"]).assert_code(2);
        run(&["--env", "=x"]).assert_code(2).stderr_contains("a variable needs a name");
    }
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    wharf(&sandbox, &repo, EngineKind::Host).args(["run", "infra"]).run().assert_code(2);
    let output = wharf(&sandbox, &repo, EngineKind::Host).args(["run", "infar", "--", "true"]).run();
    output.assert_code(2).stderr_contains("`infar` is not there").stderr_contains("`infra`");
}

#[test]
fn an_engine_that_cannot_be_used_is_named_with_the_reason() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    let run = |engine: EngineKind| wharf(&sandbox, &repo, engine).args(["run", "infra", "--", "true"]);
    for engine in [EngineKind::Docker, EngineKind::Podman] {
        let output = run(engine).env("PATH", "/nonexistent").run();
        output.assert_code(4).stderr_contains(&format!("error: engine `{engine}` is not installed"));
        output.stderr_contains("or use `--engine host`");
    }
    require(EngineKind::Docker);
    let socket = sandbox.path().join("engine.sock");
    let output = run(EngineKind::Docker).env("DOCKER_HOST", format!("unix://{}", socket.display())).run();
    output.assert_code(4).stderr_contains("is installed but does not answer").stderr_contains("hint: start it with");

    let _listening = std::os::unix::net::UnixListener::bind(&socket).expect("a socket can be made");
    let wharf = for_nobody(&sandbox);
    sandbox.command("chown").arg("0:0").arg(&socket).run().assert_code(0);
    sandbox.command("chmod").arg("600").arg(&socket).run().assert_code(0);
    let command = as_nobody(&sandbox, 65534, &wharf).args(["--engine", "docker", "run", "infra", "--", "true"]);
    let output = command.cwd(repo.path()).env("DOCKER_HOST", format!("unix://{}", socket.display())).run();
    output.assert_code(4).stderr_contains("this user may not use it").stderr_contains("usermod -aG docker");
}

#[test]
fn without_an_engine_the_host_is_taken_and_says_so() {
    require(EngineKind::Host);
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    // A search path with a Python and without engines.
    let bin = sandbox.path().join("bin");
    fs_err::create_dir(&bin).expect("a sandbox is writable");
    let python = sandbox.command("python3").args(["-c", "import sys; print(sys.executable)"]).run();
    std::os::unix::fs::symlink(python.stdout.trim_end(), bin.join("python3")).expect("a link can be made");
    let command = sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(repo.path()).env("PATH", &bin);
    let output =
        command.args(["run", "infra", "--", "python", "-c", "import sys; print(sys.prefix != sys.base_prefix)"]).run();
    output.assert_code(0).stderr_contains("engine host (docker is not installed, podman is not installed)");
    output.stderr_contains("OS packages are not isolated");
    assert_eq!(output.stdout, "True\n");
}
