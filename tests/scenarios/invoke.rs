//! `wharf` called through links named `i`, `invoke` and `main_pytest.py`, and `wharf self link`.

use std::fmt::Write as _;
use std::path::PathBuf;

use wharf_testkit::{EngineKind, Repo, Sandbox, WharfCommand, engines, sample};

const WHARF: &str = env!("CARGO_BIN_EXE_wharf");
const NO_PYTHON: &str = "[python]\nmanager = \"none\"\n";

fn wharf(sandbox: &Sandbox, repo: &Repo) -> WharfCommand {
    sandbox.command(WHARF).cwd(repo.path())
}

/// The folder with the links.
fn links(sandbox: &Sandbox) -> PathBuf {
    let folder = sandbox.path().join("links");
    if !folder.is_dir() {
        sandbox.command(WHARF).args(["self", "link"]).arg(&folder).run().assert_code(0);
    }
    folder
}

fn i(sandbox: &Sandbox, repo: &Repo) -> WharfCommand {
    sandbox.command(links(sandbox).join("i")).cwd(repo.path())
}

/// A venv that stands in for the thin environment.
fn venv(sandbox: &Sandbox) -> PathBuf {
    let venv = sandbox.path().join("thin");
    sandbox.command("python3").args(["-m", "venv"]).arg(&venv).run().assert_code(0);
    sandbox.command(venv.join("bin/pip")).args(["install", "--quiet", "invoke==2.2.0"]).run().assert_code(0);
    venv
}

/// A `tasks.py` as such repos have it: everything is imported from the shared repo, and two tasks are the team's own.
const TASKS_PY: &str = "from invoke import task\nimport os\n\nfrom shared.lib_tasks import *\n\n\n@task\ndef docker_ps(c):\n    '''Ours.'''\n    \
                        print('our own docker_ps')\n\n\n@task\ndef my_task(c, who, loud=False):\n    '''Greets.'''\n    \
                        print('HELLO' if loud else 'hello', who)\n\n\n@task\ndef breaks(c):\n    raise SystemExit(7)\n\n\n\
                        for name in ['made_one', 'made_two']:\n    exec(f\"@task\\ndef {name}(c, x=''):\\n    print('{name}', x)\\n\")\n";

fn with_tasks_py(sandbox: &Sandbox) -> Repo {
    sample::workspace(sandbox)
        .file("tasks.py", TASKS_PY)
        .file("invoke.yaml", "run:\n  echo: false\ntasks:\n  auto_dash_names: false # as typed\n")
        .file("shared/__init__.py", "")
        .file(
            "shared/lib_tasks.py",
            "from invoke import task\n\n\n@task\ndef docker_images_ls_repo(c):\n    '''Theirs.'''\n    raise SystemExit(9)\n\n\n\
             @task\ndef docker_login(c, target_registry=''):\n    print('logged in to', target_registry)\n",
        )
        .dir("infra", |dir| dir.no_requirements().version("1.2.0").toml(NO_PYTHON))
        .build()
}

#[test]
fn a_task_that_wharf_has_becomes_its_command() {
    let sandbox = Sandbox::new();
    let repo = with_tasks_py(&sandbox);
    // The shared repo's `docker_images_ls_repo` would end with 9.
    let output = i(&sandbox, &repo).args(["docker_images_ls_repo"]).run();
    output.assert_code(0).stderr_contains("+ wharf image ls\n");
    assert_eq!(output.stderr.matches("+ wharf").count(), 1);
    let plain = wharf(&sandbox, &repo).args(["image", "ls"]).run();
    assert_eq!(output.stdout, plain.stdout);
    // `-` or `_`, and `invoke` for `i`.
    let invoke = sandbox.command(links(&sandbox).join("invoke")).cwd(repo.path()).args(["print-setup"]).run();
    invoke.assert_code(0).stderr_contains("+ wharf config show\n");
    assert_eq!(invoke.stdout, wharf(&sandbox, &repo).args(["config", "show"]).run().stdout);
    // In a dir, its own.
    let dry = i(&sandbox, &repo)
        .cwd(repo.join("infra"))
        .args(["--dry", "docker_build_local_image", "--version", "1.2.0"])
        .run();
    dry.assert_code(0).stderr_contains("+ wharf image build . --stage local\n");
    i(&sandbox, &repo)
        .cwd(repo.join("infra"))
        .args(["docker_build_local_image", "--version=1.3.0"])
        .run()
        .assert_code(5)
        .stderr_contains("the top entry of the changelog of `.` is 1.2.0")
        .stderr_contains("wharf version bump");
    // Mistakes are usage errors, in the words of who finds them.
    i(&sandbox, &repo)
        .args(["docker_images_ls_repo", "--nothing"])
        .run()
        .assert_code(2)
        .stderr_contains("task `docker_images_ls_repo` has no option `--nothing`")
        .stderr_contains("`i --help docker_images_ls_repo` lists its options");
    i(&sandbox, &repo)
        .args(["docker_bash", "--base-image", "x"])
        .run()
        .assert_code(2)
        .stderr_contains("`--base-image` of `docker_bash` has no equal in wharf")
        .stderr_contains("CSFY_ECR_BASE_PATH");
    i(&sandbox, &repo)
        .cwd(repo.join("infra"))
        .args(["docker_pull", "--stage", "nowhere"])
        .run()
        .assert_code(2)
        .stderr_contains("invalid value 'nowhere' for '--stage <STAGE>'");
    i(&sandbox, &repo).args(["docker_push_dev_image"]).run().assert_code(4).stderr_contains("wharf ls");
}

#[test]
fn what_the_team_wrote_itself_comes_first_and_all_else_goes_on_to_invoke() {
    let sandbox = Sandbox::new();
    let repo = with_tasks_py(&sandbox);
    i(&sandbox, &repo).args(["my_task", "x"]).run().assert_code(4).stderr_contains("wharf env sync");
    let venv = venv(&sandbox);
    let run =
        |args: &[&str]| i(&sandbox, &repo).env("VIRTUAL_ENV", &venv).env("PYTHONPATH", repo.path()).args(args).run();
    assert_eq!(run(&["docker_ps"]).assert_code(0).stdout, "our own docker_ps\n");
    assert_eq!(run(&["my_task", "a b", "--loud"]).assert_code(0).stdout, "HELLO a b\n");
    // The other spelling finds it, too.
    assert_eq!(run(&["my-task", "--who", "you"]).assert_code(0).stdout, "hello you\n");
    run(&["breaks"]).assert_code(7);
    // One that is made by a loop is known to invoke alone; so is what is no task at all.
    assert_eq!(run(&["made_two", "-x", "y"]).assert_code(0).stdout, "made_two y\n");
    run(&["no_such_task"]).assert_code(1).stderr_contains("No idea what 'no_such_task' is!");
    assert_eq!(run(&["docker_login", "--target-registry", "ghcr"]).assert_code(0).stdout, "logged in to ghcr\n");
    // Several of both kinds in one line, each in its turn; the first failure ends it.
    let mixed = run(&["my_task", "x", "docker_images_ls_repo", "docker_ps"]);
    mixed.assert_code(0).stderr_contains("+ wharf image ls");
    assert!(mixed.stdout.starts_with("hello x\n") && mixed.stdout.ends_with("our own docker_ps\n"), "{}", mixed.told());
    let broken = run(&["breaks", "docker_images_ls_repo"]);
    broken.assert_code(7).stderr_lacks("+ wharf");
    assert!(run(&["--help", "my_task"]).assert_code(0).stdout.contains("Greets."));
    // `wharf` itself runs the team's task, by either spelling.
    let plain = wharf(&sandbox, &repo)
        .env("VIRTUAL_ENV", &venv)
        .env("PYTHONPATH", repo.path())
        .args(["task", "my-task", "x"])
        .run();
    assert_eq!(plain.assert_code(0).stdout, "hello x\n");
}

#[test]
fn tasks_of_a_dir_and_of_the_configuration_are_run_too() {
    let sandbox = Sandbox::new();
    let repo = with_tasks_py(&sandbox);
    repo.write("infra/tasks.py", "from invoke import task\n\n\n@task\ndef hello(c):\n    print('hello of infra')\n");
    repo.write(
        "infra/devops/wharf.toml",
        format!(
            "{NO_PYTHON}[tasks.greet]\nhelp = \"Greets all.\"\nrun = \"echo greetings {{who}}\"\nargs.who = {{}}\n"
        ),
    );
    repo.commit("infra: tasks");
    let venv = venv(&sandbox);
    let run = |args: &[&str]| i(&sandbox, &repo).cwd(repo.join("infra")).env("VIRTUAL_ENV", &venv).args(args).run();
    assert_eq!(run(&["hello"]).assert_code(0).stdout, "hello of infra\n");
    let greet = run(&["greet", "--who", "you"]);
    greet.assert_code(0).stderr_contains("+ wharf task infra:greet --who you\n");
    assert_eq!(greet.stdout, "greetings you\n");
    run(&["--list"]).assert_code(0).stdout_contains("greet ").stdout_contains("Greets all.");
    run(&["--help", "greet"]).assert_code(0).stdout_contains("wharf task infra:greet").stdout_contains("--who");
    // `--dry` stands for the whole line, wherever it is.
    let dry = run(&["greet", "--who", "x", "--dry", "docker_kill"]);
    dry.assert_code(0).stderr_contains("+ wharf stop");
    assert!(!dry.stdout.starts_with("greetings"), "{}", dry.told());
    // A mistake is one in a dry run, too.
    run(&["--dry", "docker_pull", "--stage", "nowhere"]).assert_code(2).stderr_contains("invalid value 'nowhere'");
}

#[test]
fn without_a_tasks_py_an_unknown_name_is_a_usage_error() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox).build();
    i(&sandbox, &repo)
        .args(["nothing_of_the_kind"])
        .run()
        .assert_code(2)
        .stderr_contains("there is no task `nothing_of_the_kind`, and no `tasks.py` that could have it")
        .stderr_contains("`i --list`");
    let outside = i(&sandbox, &repo).cwd(sandbox.home()).args(["docker_ps"]).run();
    outside.assert_code(4).stderr_contains("Git");
    // What needs no workspace works anywhere.
    i(&sandbox, &repo).cwd(sandbox.home()).args(["--list"]).run().assert_code(0).stdout_contains("docker_ps");
    i(&sandbox, &repo).cwd(sandbox.home()).args(["--version"]).run().assert_code(0).stdout_contains("wharf 0.");
    i(&sandbox, &repo).cwd(sandbox.home()).args(["--help", "docker_cmd"]).run().assert_code(0).stdout_contains("--cmd");
}

#[test]
fn lists_and_help_tell_of_both_kinds() {
    let sandbox = Sandbox::new();
    let repo = with_tasks_py(&sandbox);
    let list = i(&sandbox, &repo).args(["--list"]).run();
    list.assert_code(0).stderr_contains("tasks.py:");
    let line = |name: &str| {
        let line = list.stdout.lines().find(|line| line.trim_start().starts_with(&format!("{name} ")));
        line.unwrap_or_default().split_once("   ").unwrap_or_default().1.trim().to_owned()
    };
    assert_eq!(line("docker_ps"), "Ours.");
    assert_eq!(line("my_task"), "Greets.");
    assert_eq!(line("docker_images_ls_repo"), "Lists the images of this workspace");
    assert_eq!(list.stdout.matches("docker_ps").count(), 1);
    assert_eq!(i(&sandbox, &repo).run().assert_code(0).stdout, list.stdout, "no task is `--list`");
    let help = i(&sandbox, &repo).args(["run_fast_tests", "--help"]).run();
    help.assert_code(0)
        .stdout_contains("Usage: i run_fast_tests [OPTIONS]")
        .stdout_contains("Runs `wharf test --suite fast`")
        .stdout_contains("-s, --stage")
        .stdout_contains("not needed: each run keeps its logs");
    assert_eq!(i(&sandbox, &repo).args(["--help", "run_fast_tests"]).run().stdout, help.stdout);
}

#[test]
fn a_list_of_120_tasks_is_whole() {
    let sandbox = Sandbox::new();
    let mut text = String::from("from invoke import task\n");
    for number in 0..120 {
        let _ = write!(
            text,
            "\n@task\ndef step_{number:03}(c, where='.'):\n    '''Does step {number}.'''\n    c.run('true')\n"
        );
    }
    let repo = sample::workspace(&sandbox).file("tasks.py", text).build();
    let list = i(&sandbox, &repo).args(["-l"]).run();
    list.assert_code(0).stdout_contains("Does step 119.").stdout_contains("run_fast_slow_tests");
    assert_eq!(list.stdout.lines().filter(|line| line.contains("step-")).count(), 120);
}

#[test]
fn the_shell_of_the_container_reads_the_command() {
    let Some(engine) = engines().into_iter().find(|engine| *engine == EngineKind::Docker) else { return };
    let mut sandbox = Sandbox::new();
    sandbox.set("WHARF_ENGINE", engine.name());
    sandbox.set("ONLY_HERE", "of the host");
    let repo = sample::workspace(&sandbox).dir("infra", |dir| dir.no_requirements().toml(NO_PYTHON)).build();
    let run = |command: &str| i(&sandbox, &repo).cwd(repo.join("infra")).args(["docker_cmd", "--cmd", command]).run();
    let output =
        run(r#"ONLY_HERE='a  "b"'; echo "$ONLY_HERE" | tr a-z A-Z; echo $(pwd) | cat; echo '$HOME' \$x `echo y`"#);
    output.assert_code(0).stderr_contains("+ wharf run -- bash -c");
    assert_eq!(output.stdout, "A  \"B\"\n/src/sample/infra\n$HOME $x y\n");
    assert_eq!(run("echo \"[$ONLY_HERE]\"").stdout, "[]\n");
    run("exit 42").assert_code(42);
}

/// What listened to signals for an earlier task must not end a later one.
#[test]
fn ctrl_c_belongs_to_the_task_that_runs() {
    let Some(engine) = engines().into_iter().find(|engine| *engine == EngineKind::Docker) else { return };
    let mut sandbox = Sandbox::new();
    sandbox.set("WHARF_ENGINE", engine.name());
    let repo =
        sample::workspace(&sandbox).dir("infra", |dir| dir.no_requirements().version("1.2.0").toml(NO_PYTHON)).build();
    let command = "trap 'echo caught; exit 9' INT; echo ready; while :; do sleep 0.2; done";
    let mut terminal = i(&sandbox, &repo)
        .cwd(repo.join("infra"))
        .args(["docker_build_local_image", "docker_cmd", "--cmd", command])
        .spawn_in_terminal(24, 80);
    terminal.wait_written_contains("\r\nready\r\n");
    terminal.send("\x03");
    terminal.wait_exit().assert_code(9);
}

#[test]
fn a_kill_ends_the_containers_of_this_workspace_only() {
    let Some(engine) = engines().into_iter().find(|engine| *engine == EngineKind::Docker) else { return };
    let mut sandbox = Sandbox::new();
    sandbox.set("WHARF_ENGINE", engine.name());
    let sleeper = |name: &str| {
        let repo =
            sample::workspace(&sandbox).name(name).dir("infra", |dir| dir.no_requirements().toml(NO_PYTHON)).build();
        let run = wharf(&sandbox, &repo).args(["run", "infra", "--", "sh", "-c", "echo up; sleep 300"]).spawn();
        run.wait_stdout_contains("up");
        (repo, run)
    };
    let (mine, running) = sleeper("mine");
    let (other, other_running) = sleeper("other");
    i(&sandbox, &mine).args(["docker_kill", "--all"]).run().assert_code(0).stderr_contains("+ wharf stop --all\n");
    running.wait();
    let left = |repo: &Repo| wharf(&sandbox, repo).args(["ps", "--json"]).run().json().as_array().map(Vec::len);
    assert_eq!((left(&mine), left(&other)), (Some(0), Some(1)));
    wharf(&sandbox, &other).args(["stop", "--all", "--time", "0"]).run().assert_code(0);
    other_running.wait();
}

#[test]
fn suites_run_in_one_go_and_the_worst_code_counts() {
    let mut sandbox = Sandbox::new();
    sandbox.set("WHARF_ENGINE", "host");
    let tests =
        "import pytest\n\n\ndef test_quick():\n    assert False\n\n\n@pytest.mark.slow\ndef test_slow():\n    pass\n";
    let repo = sample::workspace(&sandbox)
        .toml("[test.suites]\nfast = { markers = \"not slow and not superslow\" }\nslow = { markers = \"slow\" }\n")
        .file("pytest.ini", "[pytest]\nmarkers =\n    slow: is slow\n    superslow: is slower\n")
        .dir("infra", |dir| dir.test("test_a.py", tests))
        .build();
    let both = i(&sandbox, &repo).cwd(repo.join("infra")).args(["run_fast_slow_tests"]).run();
    both.assert_code(1).stderr_contains("+ wharf test --suite fast --suite slow\n").stdout_contains("1 of 2 failed");
    // Of two lists the second passes; the code is that of the first.
    let lists = i(&sandbox, &repo).cwd(repo.join("infra")).args(["run_fast_tests", "run_slow_tests"]).run();
    lists.assert_code(1).stderr_contains("+ wharf test --suite fast\n").stderr_contains("+ wharf test --suite slow\n");
    // What is no list waits for all of them to pass.
    let pushed =
        i(&sandbox, &repo).cwd(repo.join("infra")).args(["run_fast_tests", "run_slow_tests", "docker_ps"]).run();
    pushed.assert_code(1).stderr_contains("+ wharf test --suite slow\n").stderr_lacks("+ wharf ps");
    let only = sandbox
        .command(links(&sandbox).join("main_pytest.py"))
        .cwd(repo.path())
        .args(["run_slow_tests", "--dir", "infra"])
        .run();
    only.assert_code(0).stderr_contains("+ wharf test --suite slow --dir infra\n");
    let bad = sandbox.command(links(&sandbox).join("main_pytest.py")).cwd(repo.path()).args(["run_all"]).run();
    bad.assert_code(2).stderr_contains("`main_pytest.py` has no `run_all`");
    sandbox.command(links(&sandbox).join("main_pytest.py")).run().assert_code(2).stderr_contains("needs a task");
}

#[test]
fn links_are_made_once_and_replace_nothing() {
    let mut sandbox = Sandbox::new();
    let bin = sandbox.home().join(".local/bin");
    let link = |sandbox: &Sandbox, args: &[&str]| sandbox.command(WHARF).args(["self", "link"]).args(args).run();
    link(&sandbox, &[]).assert_code(4).stderr_contains("no folder on PATH is in your home");
    let path = std::env::var("PATH").unwrap();
    sandbox.set("PATH", format!("{}:{path}", bin.display()));
    let dry = link(&sandbox, &["--dry-run"]);
    dry.assert_code(0).stdout_contains("mkdir -p").stdout_contains("ln -s ").stdout_contains("main_pytest.py");
    assert!(!bin.exists());
    sandbox.command("sh").args(["-c", &dry.stdout]).run().assert_code(0);
    link(&sandbox, &[]).assert_code(0).stderr_contains("nothing is to be done");
    link(&sandbox, &["--remove"]).assert_code(0).stdout_contains("invoke");
    link(&sandbox, &[]).assert_code(0).stdout_contains("/.local/bin/i\n");
    // Found by its name alone.
    sandbox.command("i").args(["--version"]).run().assert_code(0).stdout_contains("wharf ");
    // A link to a wharf that was elsewhere is renewed; what is something else stays, and then nothing is done at all.
    std::fs::remove_file(bin.join("i")).unwrap();
    std::os::unix::fs::symlink("/gone/bin/wharf", bin.join("i")).unwrap();
    assert_eq!(link(&sandbox, &[]).assert_code(0).stdout.lines().count(), 1);
    sandbox.command("i").args(["--version"]).run().assert_code(0);
    std::fs::remove_file(bin.join("i")).unwrap();
    std::fs::remove_file(bin.join("invoke")).unwrap();
    std::fs::write(bin.join("invoke"), "#!/bin/sh\necho mine\n").unwrap();
    link(&sandbox, &[])
        .assert_code(5)
        .stderr_contains("/.local/bin/invoke` is no link of wharf")
        .stderr_contains("wharf self link DIR");
    assert!(!bin.join("i").exists());
    link(&sandbox, &["--remove"]).assert_code(0);
    assert_eq!(std::fs::read_dir(&bin).unwrap().count(), 1, "their own `invoke` is left");
    // Elsewhere there is room; what comes before it on PATH is said.
    let elsewhere = sandbox.path().join("elsewhere");
    let output = link(&sandbox, &[elsewhere.to_str().unwrap()]);
    output.assert_code(0).stderr_contains("is not on PATH");
}
