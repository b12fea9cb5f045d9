//! Where tasks run: in a container, in the thin environment, in a terminal; and how they are ended.

use std::path::Path;

use wharf_testkit::{EngineKind, Repo, Sandbox, Signal, WharfCommand, engines, sample};

const NO_PYTHON: &str = "[python]\nmanager = \"none\"\n";

fn wharf(sandbox: &Sandbox, repo: &Repo) -> WharfCommand {
    sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(repo.path())
}

fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

/// A tree that does not want to end: children, orphans, another session, all deaf.
const TREE: &str = "trap '' INT TERM; (trap '' INT TERM HUP; setsid sh -c 'trap \"\" TERM INT HUP; echo $$ >> pids; sleep 300; sleep 300' & ); \
                    (sleep 301 & echo $! >> pids); echo $$ >> pids; echo ready; while :; do sleep 302; done";

fn pids(repo: &Repo) -> Vec<String> {
    repo.read("pids").lines().map(str::to_owned).collect()
}

#[test]
fn ctrl_c_leaves_nothing_of_the_whole_tree() {
    for args in [&["task", "deaf"][..], &["task", "both"], &["task", "--output", "group", "deaf"]] {
        let sandbox = Sandbox::new();
        let toml =
            format!("[tasks]\ndeaf = '''{TREE}'''\nquick = \"true\"\nboth = {{ deps = [\"deaf\", \"quick\"] }}\n");
        let repo = sample::workspace(&sandbox).toml(&toml).build();
        let running = wharf(&sandbox, &repo).args(args).spawn();
        wait_for_lines(&repo.join("pids"), 3);
        running.signal(Signal::INT);
        let output = running.wait();
        output.assert_code(130);
        for pid in pids(&repo) {
            assert!(!is_alive(&pid), "{pid} of {args:?} is left\n{}", output.told());
        }
    }
}

#[test]
fn ctrl_c_on_a_terminal_leaves_nothing() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox).toml(&format!("[tasks]\ndeaf = '''{TREE}'''\n")).build();
    let mut terminal = wharf(&sandbox, &repo).args(["deaf"]).spawn_in_terminal(24, 80);
    wait_for_lines(&repo.join("pids"), 3);
    terminal.wait_screen_contains("ready");
    terminal.send("\x03");
    terminal.wait_exit().assert_code(130);
    assert!(pids(&repo).iter().all(|pid| !is_alive(pid)));
}

#[test]
fn a_task_in_its_runnable_dirs_container() {
    for engine in engines() {
        let sandbox = Sandbox::new();
        let toml = format!(
            "{NO_PYTHON}[tasks.where]\nin = \"container\"\nrun = \"pwd; echo {{who}} $MINE $WHARF_DIR > made; exit {{code}}\"\nenv = {{ MINE = \"m n\" }}\n\
             args.who = {{}}\nargs.code = {{ type = \"int\", default = 0 }}\n[tasks.two]\nin = \"container\"\nrun = \"echo two\"\ndeps = [\"where 'a  $b'\", \"where c\"]\n"
        );
        let repo = sample::workspace(&sandbox).dir("infra", |dir| dir.no_requirements().toml(&toml)).build();
        let run = |args: &[&str]| wharf(&sandbox, &repo).args(["--engine", engine.name(), "task"]).args(args).run();
        let output = run(&["infra:where", "x  'y' $z"]);
        output.assert_code(0).stdout_contains("/sample/infra\n");
        assert_eq!(repo.read("infra/made"), "x  'y' $z m n infra\n", "{engine}");
        let output = run(&["infra:two"]);
        output.assert_code(0).stdout_contains("| two\n").stderr_contains("infra:where c:");
        run(&["infra:where", "x", "--code", "3"]).assert_code(1).stderr_contains("ended with code 3");
        let dry = run(&["--dry-run", "infra:where", "a 'b"]);
        dry.assert_code(0).stdout_contains("wharf -C ").stdout_contains("run //infra/");
    }
}

#[test]
fn a_container_is_gone_after_ctrl_c() {
    let Some(engine) = engines().into_iter().find(|engine| *engine == EngineKind::Docker) else { return };
    let sandbox = Sandbox::new();
    let toml = format!(
        "{NO_PYTHON}[tasks.deaf]\nin = \"container\"\nrun = \"trap '' INT TERM; echo $WHARF_TASK > made; while :; do sleep 300; done\"\n"
    );
    let repo = sample::workspace(&sandbox).dir("infra", |dir| dir.no_requirements().toml(&toml)).build();
    let running = wharf(&sandbox, &repo).args(["--engine", engine.name(), "task", "infra:deaf"]).spawn();
    wait_for_lines(&repo.join("infra/made"), 1);
    running.signal(Signal::INT);
    running.wait().assert_code(130);
    let left = wharf(&sandbox, &repo).args(["--engine", engine.name(), "ps", "--json"]).run();
    assert_eq!(left.json(), serde_json::json!([]));
}

/// Hooks that need nothing from the network.
const HOOKS: &str = "repos:
- repo: local
  hooks:
  - {id: no-tabs, name: no tabs, language: pygrep, entry: \"\\t\", files: '\\.py$'}
  - {id: seen, name: seen, language: system, entry: sh -c 'printf \"%s\\n\" \"$@\" >> /tmp/seen; cat /tmp/seen' sh, verbose: true}
";

#[test]
fn lint_looks_at_what_changed_in_the_dirs_own_container() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox)
        .file(".pre-commit-config.yaml", HOOKS)
        .dir("infra", |dir| {
            dir.requirements("pre-commit==4.0.1\n")
                .toml("[tasks]\nlint = { builtin = \"lint\" }\n")
                .file("old.py", "x = 1\n")
                .file("gone.py", "x = 1\n")
        })
        .build();
    let lint =
        |args: &[&str]| wharf(&sandbox, &repo).args(["--engine", "docker", "task", "infra:lint"]).args(args).run();
    lint(&[]).assert_code(0).stdout_contains("no file has changed").stdout_lacks("no tabs");
    // Changed, staged, new, with a space in its name; not what is gone or as it was.
    repo.write("infra/new file.py", "y = 2\n");
    repo.write("infra/staged.py", "z = 3\n");
    repo.git(&["add", "infra/staged.py"]);
    fs_err::remove_file(repo.join("infra/gone.py")).unwrap();
    let good = lint(&[]);
    good.assert_code(0).stdout_contains("infra/new file.py").stdout_contains("infra/staged.py");
    good.stdout_lacks("old.py").stdout_lacks("gone.py");
    repo.write("infra/staged.py", "if z:\n\tz = 3\n");
    lint(&[]).assert_code(1).stdout_contains("infra/staged.py:2").stderr_contains("infra:lint");
    lint(&["--all"]).assert_code(1).stdout_contains("old.py");
}

/// A venv that stands in for the thin environment, without its packages.
fn venv(sandbox: &Sandbox, packages: &[&str]) -> std::path::PathBuf {
    let venv = sandbox.path().join("thin");
    sandbox.command("python3").args(["-m", "venv"]).arg(&venv).run().assert_code(0);
    if !packages.is_empty() {
        sandbox.command(venv.join("bin/pip")).args(["install", "--quiet"]).args(packages).run().assert_code(0);
    }
    venv
}

const TASKS_PY: &str = "from invoke import task, Collection\nimport helpers\n\n@task\ndef plain(c):\n    '''Does it.'''\n    c.run('echo plain')\n\n\
                        @task(pre=[plain])\ndef more(c):\n    c.run(\"echo 'it is more' $HOME\")\n\n@task\ndef hello(c, who, loud=False):\n    \
                        '''Says hello.'''\n    print('HELLO' if loud else 'hello', who)\n\n@task(post=[plain])\ndef last(c):\n    c.run('x')\n\n\
                        ns = Collection(plain, more, hello, last)\nns.add_collection(helpers)\n";

fn with_tasks_py(sandbox: &Sandbox) -> Repo {
    sample::workspace(sandbox)
        .toml("[tasks]\nown = \"echo own\"\n")
        .file("tasks.py", TASKS_PY)
        .file("helpers.py", "from invoke import task\n\n@task\ndef deep_one(c):\n    print('deep')\n")
        .build()
}

#[test]
fn tasks_of_python_are_listed_and_run_through_invoke() {
    let sandbox = Sandbox::new();
    let repo = with_tasks_py(&sandbox);
    let output = wharf(&sandbox, &repo).arg("tasks").run();
    output.assert_code(0).stdout_contains("helpers.deep-one").stdout_contains("Says hello.").stdout_contains("own");
    wharf(&sandbox, &repo).args(["task", "hello", "x"]).run().assert_code(4).stderr_contains("wharf env sync");
    let venv = venv(&sandbox, &["invoke==2.2.0"]);
    let run = |args: &[&str]| wharf(&sandbox, &repo).env("VIRTUAL_ENV", &venv).args(args).run();
    assert_eq!(run(&["task", "hello", "a b", "--loud"]).assert_code(0).stdout, "HELLO a b\n");
    assert_eq!(run(&["helpers.deep-one"]).assert_code(0).stdout, "deep\n");
    assert_eq!(run(&["more"]).assert_code(0).stdout.lines().next(), Some("plain"));
    run(&["task", "hello"]).assert_code(1).stderr_contains("did not receive required positional arguments");
    run(&["task", "--dry-run", "hello", "a b"]).assert_code(0).stdout_contains("-m invoke hello 'a b'");
}

#[test]
fn plain_tasks_of_python_are_imported() {
    let sandbox = Sandbox::new();
    let repo = with_tasks_py(&sandbox);
    let before = repo.read("wharf.toml");
    let dry = wharf(&sandbox, &repo).args(["task", "import", "--dry-run"]).run();
    dry.assert_code(0).stdout_contains("[tasks.plain]").stderr_contains("2 tasks would be written");
    assert_eq!(repo.read("wharf.toml"), before);
    let output = wharf(&sandbox, &repo).args(["task", "import"]).run();
    output
        .assert_code(0)
        .stderr_contains("`hello` stays in `tasks.py`: it does more than")
        .stderr_contains("`last` stays in `tasks.py`: it has `post`");
    assert_eq!(repo.read("wharf.toml"), dry.stdout);
    assert!(dry.stdout.starts_with(&before));
    let output = wharf(&sandbox, &repo).args(["task", "--output", "group", "-j", "1", "more"]).run();
    assert_eq!(
        output.assert_code(0).stdout,
        format!("== plain\nplain\n== more\nit is more {}\n", sandbox.home().display())
    );
    let again = wharf(&sandbox, &repo).args(["task", "import"]).run();
    again.assert_code(0).stderr_contains("0 tasks were written");
    assert_eq!(repo.read("wharf.toml"), dry.stdout);
}

#[test]
fn a_broken_tasks_py_is_named_and_all_else_works() {
    let sandbox = Sandbox::new();
    let repo = with_tasks_py(&sandbox);
    repo.write("tasks.py", "from invoke import task\n\n@task\ndef a(c)\n    pass\n");
    let output = wharf(&sandbox, &repo).arg("tasks").run();
    output.assert_code(0).stderr_contains("warning: tasks.py:4: syntax error").stdout_contains("own");
    assert_eq!(wharf(&sandbox, &repo).arg("own").run().assert_code(0).stdout, "own\n");
}

#[test]
fn a_tasks_py_of_120_tasks_is_read_whole() {
    use std::fmt::Write as _;
    let sandbox = Sandbox::new();
    let mut text = String::from("from invoke import task, Collection\nfrom parts import tools\n");
    for number in 0..100 {
        let doc = if number % 3 == 0 { format!("    '''Does step {number}.'''\n") } else { String::new() };
        let _ = write!(
            text,
            "\n@task(aliases=['s{number}'])\ndef step_no_{number}(c, where='.', times={number}):\n{doc}    c.run(f'echo {{where}}')\n"
        );
    }
    text.push_str("\nns = Collection()\nns.add_collection(tools, name='the_tools')\n");
    for number in 0..100 {
        let _ = writeln!(text, "ns.add_task(step_no_{number})");
    }
    let mut tools = String::from("from invoke import task\n");
    for number in 0..20 {
        let _ = write!(
            tools,
            "\n@task(default={})\ndef tool{number}(c):\n    '''Tool {number}.'''\n",
            if number == 3 { "True" } else { "False" }
        );
    }
    let repo = sample::workspace(&sandbox)
        .file("tasks.py", text)
        .file("parts/__init__.py", "")
        .file("parts/tools.py", tools)
        .build();
    let venv = venv(&sandbox, &["invoke==2.2.0"]);
    let list = sandbox.command(venv.join("bin/invoke")).arg("--list").cwd(repo.path()).run();
    list.assert_code(0).stdout_contains("the-tools.tool3 (the-tools)");
    let theirs = of_invoke(&list.stdout);
    let mine = wharf(&sandbox, &repo).args(["tasks", "--json"]).run().json();
    let mut mine: Vec<(String, String)> = mine
        .as_array()
        .unwrap()
        .iter()
        .map(|task| (task["name"].as_str().unwrap().to_owned(), task["help"].as_str().unwrap().to_owned()))
        .collect();
    mine.sort();
    assert_eq!(mine.len(), 120);
    assert_eq!(mine, theirs);
}

/// Names and help of what `invoke --list` prints: two blanks, the name, aliases in brackets, help.
fn of_invoke(list: &str) -> Vec<(String, String)> {
    let lines = list.lines().filter_map(|line| line.strip_prefix("  "));
    let named = lines.map(|line| {
        let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim_start();
        let help = if rest.starts_with('(') { rest.split_once(')').unwrap().1 } else { rest };
        (name.to_owned(), help.trim().to_owned())
    });
    let mut found: Vec<_> = named.collect();
    found.sort();
    found
}

#[test]
fn names_and_arguments_complete() {
    let sandbox = Sandbox::new();
    let toml = "[tasks.build]\nrun = \"x\"\nargs.mode = { choices = [\"fast\", \"slow\"] }\nargs.jobs = { default = 1 }\n[tasks.bundle]\nrun = \"x\"\n[tasks.hid]\nrun = \"x\"\nhidden = true\n";
    let repo = sample::workspace(&sandbox).toml(toml).build();
    let complete = |words: &[&str]| {
        let command =
            wharf(&sandbox, &repo).env("COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string());
        let command =
            command.env("_CLAP_COMPLETE_COMP_TYPE", "9").env("_CLAP_COMPLETE_SPACE", "true").env("_CLAP_IFS", "\n");
        command.args(["--"]).args(words).run().stdout
    };
    assert_eq!(complete(&["wharf", "task", "bu"]).lines().collect::<Vec<_>>(), ["build", "bundle"]);
    assert_eq!(complete(&["wharf", "task", "build", "f"]).trim(), "fast");
    assert!(complete(&["wharf", "task", "build", "--j"]).contains("--jobs"));
    let commands = complete(&["wharf", "bu"]);
    assert!(commands.contains("build") && commands.contains("bundle") && !commands.contains("hid"), "{commands}");
}

fn wait_for_lines(file: &Path, count: usize) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(90);
    while std::fs::read_to_string(file).unwrap_or_default().lines().count() < count {
        assert!(std::time::Instant::now() < deadline, "{} has too few lines", file.display());
        std::thread::yield_now();
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
