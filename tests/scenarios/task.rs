//! `wharf task`, `wharf tasks`, and `wharf NAME`: tasks of `[tasks]`.

use wharf_testkit::{Repo, Sandbox, WharfCommand, sample};

fn repo(sandbox: &Sandbox, toml: &str) -> Repo {
    sample::workspace(sandbox).toml(toml).build()
}

fn wharf(sandbox: &Sandbox, repo: &Repo) -> WharfCommand {
    sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(repo.path())
}

#[test]
fn a_task_runs_with_its_arguments() {
    let sandbox = Sandbox::new();
    let toml = "[tasks]\nnoop = \"true\"\n\n[tasks.greet]\nhelp = \"Says hello\"\nrun = [\"echo one {who}\", 'echo two \"{who}\" $who ${times}']\n\
                env = { TONE = \"kind\" }\n[tasks.greet.args.who]\n[tasks.greet.args.times]\ntype = \"int\"\ndefault = 2\n\
                [tasks.all]\nrun = \"printf '%s\\\\n' {files}; echo $TONE\"\nargs.files = { variadic = true, required = false }\n";
    let repo = repo(&sandbox, toml);
    let run = |args: &[&str]| wharf(&sandbox, &repo).args(args).run();
    assert_eq!(run(&["task", "noop"]).assert_code(0).stdout, "");
    let value = "a  b $HOME `id` \"q\" 'r'";
    let output = run(&["task", "greet", value]);
    assert_eq!(
        output.assert_code(0).stdout,
        "one a  b $HOME `id` \"q\" 'r'\ntwo a  b $HOME `id` \"q\" 'r' a b $HOME `id` \"q\" 'r' 2\n"
    );
    // Where no command has the name, that of the task will do.
    assert_eq!(run(&["greet", "--who", "you", "--times=3"]).assert_code(0).stdout, "one you\ntwo you you 3\n");
    assert_eq!(run(&["all", "x y", "*"]).assert_code(0).stdout, "x y\n*\n\n");
    run(&["greet"])
        .assert_code(2)
        .stderr_contains("task `greet` needs the argument `who`")
        .stderr_contains("`wharf task greet WHO [--times TIMES]`");
    run(&["greet", "x", "--times", "many"])
        .assert_code(2)
        .stderr_contains("argument `times` of task `greet` is a whole number, not `many`");
    run(&["greet", "x", "y"]).assert_code(2).stderr_contains("takes no further argument such as `y`");
    run(&["task", "gret", "x"])
        .assert_code(2)
        .stderr_contains("there is no task `gret`")
        .stderr_contains("did you mean `greet`?");
    run(&["tset"]).assert_code(2).stderr_contains("unrecognized subcommand 'tset'").stderr_contains("'test'");
    // A dry run prints lines that do the same.
    let dry = run(&["task", "--dry-run", "greet", value]);
    dry.assert_code(0).stdout_contains("# greet");
    let pasted = sandbox.command("sh").args(["-c", &dry.stdout]).run();
    assert_eq!(pasted.assert_code(0).stdout, output.stdout);
    assert!(!repo.join(".wharf").exists(), "nothing is kept for tasks without inputs");
    // Input reaches the task.
    let output = wharf(&sandbox, &repo).args(["task", "all"]).stdin("x").run();
    output.assert_code(0);
}

#[test]
fn lists_name_all_tasks() {
    let sandbox = Sandbox::new();
    let toml = "[tasks]\nlater = \"echo later\"\nsecret = { run = \"true\", hidden = true }\n[tasks.build]\nhelp = \"Builds it\"\n\
                deps = [\"later\"]\nin = \"container\"\nargs.mode = { choices = [\"fast\", \"slow\"], default = \"fast\" }\n";
    let repo = sample::workspace(&sandbox)
        .toml(toml)
        .dir("infra", |dir| dir.no_requirements().toml("[tasks]\nhere = \"pwd\"\nlater = \"echo mine\"\n"))
        .build();
    let output = wharf(&sandbox, &repo).arg("tasks").run();
    output
        .assert_code(0)
        .stdout_contains("Builds it")
        .stdout_contains("echo later")
        .stdout_contains("infra:here")
        .stdout_lacks("secret");
    let all = wharf(&sandbox, &repo).args(["tasks", "--all"]).run();
    all.assert_code(0)
        .stdout_contains("secret")
        .stdout_contains("wharf task build [--mode MODE]")
        .stdout_contains("wharf.toml:");
    let json = wharf(&sandbox, &repo).args(["tasks", "--json"]).run().json();
    let build = json.as_array().unwrap().iter().find(|task| task["id"] == "build").unwrap();
    assert_eq!(build["in"], "container");
    assert_eq!(build["deps"], serde_json::json!(["later"]));
    assert_eq!(build["args"][0]["choices"], serde_json::json!(["fast", "slow"]));
    // A dir's own task comes first where one stands in it.
    let later = |cwd: &str, name: &str| wharf(&sandbox, &repo).cwd(repo.join(cwd)).args(["task", name]).run();
    assert_eq!(later("infra", "later").assert_code(0).stdout, "mine\n");
    assert_eq!(later(".", "later").assert_code(0).stdout, "later\n");
    assert_eq!(later("infra", ":later").assert_code(0).stdout, "later\n");
    let here = later(".", "infra:here");
    assert_eq!(here.assert_code(0).stdout, format!("{}\n", repo.join("infra").display()));
}

#[test]
fn several_dirs_at_once() {
    let sandbox = Sandbox::new();
    let fill = |dir: sample::Dir| dir.no_requirements();
    let own = |dir: sample::Dir| dir.no_requirements().toml("[tasks]\nname = \"echo own\"\n");
    let repo = sample::workspace(&sandbox)
        .toml("[tasks]\nname = { run = \"basename $PWD\", deps = [\"before\"] }\nbefore = \"basename $PWD/..\"\n")
        .dir("a", fill)
        .dir("b", own)
        .build();
    let run = |args: &[&str]| wharf(&sandbox, &repo).args(args).run();
    let output = run(&["task", "--dir", "all", "name"]);
    output
        .assert_code(0)
        .stdout_contains("a:name")
        .stdout_contains("| a\n")
        .stdout_contains("b:name")
        .stdout_contains("| own\n");
    let output = run(&["task", "--dir", "a", "--graph", "name"]);
    assert_eq!(output.assert_code(0).stdout, "a:name\n  a:before\n");
    run(&["task", "--dir", "nowhere", "name"]).assert_code(2);
}

#[test]
fn each_node_runs_once_and_no_more_at_once_than_asked() {
    use std::fmt::Write as _;
    let sandbox = Sandbox::new();
    let (layers, width) = (50, 10);
    let mut toml = String::from("[tasks]\n");
    for layer in 0..layers {
        for place in 0..width {
            let deps: Vec<String> = if layer == 0 {
                Vec::new()
            } else {
                (0..width).map(|below| format!("\"t{}-{below}\"", layer - 1)).collect()
            };
            // The folder of who runs now has at most three in it.
            let run = "d=$(mktemp -d now/XXXXXX); ls now | wc -l >> counts; echo $WHARF_TASK >> ran; rmdir $d";
            let _ = writeln!(toml, "t{layer}-{place} = {{ run = '{run}', deps = [{}] }}", deps.join(", "));
        }
    }
    let last: Vec<String> = (0..width).map(|place| format!("\"t{}-{place}\"", layers - 1)).collect();
    let _ = writeln!(toml, "all = {{ deps = [{}] }}", last.join(", "));
    let repo = repo(&sandbox, &toml);
    fs_err::create_dir(repo.join("now")).unwrap();
    let output = wharf(&sandbox, &repo)
        .args(["-q", "task", "-j", "3", "all"])
        .deadline(std::time::Duration::from_secs(300))
        .run();
    output.assert_code(0);
    let ran = repo.read("ran");
    let mut names: Vec<&str> = ran.lines().collect();
    let place = |name: &str| name[1..].split_once('-').unwrap().0.parse::<usize>().unwrap();
    assert!(names.windows(2).all(|pair| place(pair[0]) <= place(pair[1])), "a layer waits for the one below");
    names.sort_unstable();
    names.dedup();
    assert_eq!((names.len(), ran.lines().count()), (500, 500));
    let most = repo.read("counts").lines().map(|line| line.trim().parse::<usize>().unwrap()).max().unwrap();
    assert!((2..=3).contains(&most), "{most} at once");
}

#[test]
fn a_failure_names_the_command_its_code_and_what_was_not_run() {
    let sandbox = Sandbox::new();
    let toml = "[tasks]\nbad = { run = [\"true\", \"exit 7\", \"echo never\"] }\nafter = { run = \"echo after\", deps = [\"bad\"] }\n\
                other = { run = \"echo other\" }\nboth = { deps = [\"after\", \"other\"] }\n";
    let repo = repo(&sandbox, toml);
    let output = wharf(&sandbox, &repo).args(["task", "-j", "1", "after"]).run();
    output.assert_code(1).stderr_contains("error: task `bad` failed: `exit 7` ended with code 7\n  not run: `after`");
    output.stdout_lacks("never").stdout_lacks("after");
    let output = wharf(&sandbox, &repo).args(["task", "-j", "1", "--keep-going", "both"]).run();
    output.assert_code(1).stdout_contains("other | other\n").stderr_contains("not run: `after`, `both`");
    let output = wharf(&sandbox, &repo).args(["task", "--output", "group", "other"]).run();
    assert_eq!(output.assert_code(0).stdout, "== other\nother\n");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let sandbox = Sandbox::new();
    let cases = [
        (
            "[tasks]\na = { run = \"x\", deps = [\"b\"] }\nb = { deps = [\"c\"] }\nc = { deps = [\"a\"] }\n",
            "tasks wait for each other: `a` → `b` → `c` → `a`",
        ),
        (
            "[tasks]\na = { run = \"x\", deps = [\"bulid\"] }\nbuild = \"y\"\n",
            "task `a` needs `bulid`, which is not there (wharf.toml:8)",
        ),
        (
            "[tasks]\na = { deps = [\"b --n x\"] }\nb = { run = \"y\", args.n = { type = \"int\" } }\n",
            "argument `n` of task `b` is a whole number, not `x`",
        ),
        ("[tasks]\ntest = \"pytest\"\na = \"x\"\n", "task `test` (wharf.toml:8) hides the command `wharf test`"),
        ("[tasks]\na = { help = \"nothing\" }\n", "it has neither `run` nor `deps`"),
        (
            "[tasks]\na = { run = \"x\", args.n = { type = \"int\", default = \"many\" } }\n",
            "argument `n` is a whole number, but its default is `many`",
        ),
        ("[tasks]\na = { rnu = \"x\" }\n", "unknown key `tasks.a.rnu`"),
        ("[tasks]\na = { run = 7 }\n", "wrong type of `tasks.a.run`"),
        ("[tasks]\n\"a b\" = \"x\"\n", "bad value \"a b\" of `tasks`"),
        ("[tasks]\na = { run = \"x\", in = \"docker\" }\n", "bad value \"docker\" of `tasks.a.in`"),
        ("[tasks]\na = { run = \"x\", dir = \"gone\" }\n", "is not there"),
        ("[tasks]\na = { run = \"x\", in = \"container\" }\n", "no runnable dir holds"),
    ];
    for (number, (toml, message)) in cases.into_iter().enumerate() {
        let repo = sample::workspace(&sandbox).name(&format!("case{number}")).toml(toml).build();
        wharf(&sandbox, &repo).args(["task", "a"]).run().assert_code(3).stderr_contains(message);
    }
    // The name of a command is refused by every command.
    let repo = sample::workspace(&sandbox).name("hides").toml("[tasks]\nrun = \"x\"\n").build();
    wharf(&sandbox, &repo).args(["ls"]).run().assert_code(3).stderr_contains("hides the command `wharf run`");
    let repo = sample::workspace(&sandbox)
        .name("other")
        .toml("[tasks]\na = { run = \"x\", in = \"thin-env\" }\nm = { run = \"x\", os = \"macos\" }\n")
        .build();
    wharf(&sandbox, &repo)
        .args(["task", "a"])
        .run()
        .assert_code(4)
        .stderr_contains("hint: make it with `wharf env sync`");
    if cfg!(target_os = "linux") {
        wharf(&sandbox, &repo).args(["task", "m"]).run().assert_code(4).stderr_contains("only for macos");
    }
}

#[test]
fn a_task_that_asks_needs_an_answer() {
    let sandbox = Sandbox::new();
    let repo = repo(
        &sandbox,
        "[tasks]\ndeploy = { run = \"echo deployed\", confirm = \"Deploy now?\" }\nall = { deps = [\"deploy\"] }\n",
    );
    let output = wharf(&sandbox, &repo).args(["task", "all"]).run();
    output
        .assert_code(5)
        .stdout_lacks("deployed")
        .stderr_contains("Deploy now?")
        .stderr_contains("wharf task --yes deploy");
    wharf(&sandbox, &repo).args(["task", "--yes", "all"]).run().assert_code(0).stdout_contains("deployed");
    for (answer, code) in [("y\r", 0), ("\r", 5)] {
        let mut terminal = wharf(&sandbox, &repo).args(["deploy"]).spawn_in_terminal(24, 80);
        terminal.wait_screen_contains("Deploy now? [y/N]");
        terminal.send(answer);
        terminal.wait_exit().assert_code(code);
    }
}

#[test]
fn a_task_that_is_up_to_date_is_skipped() {
    let sandbox = Sandbox::new();
    let toml = "[tasks.copy]\nrun = \"mkdir -p out && cat src/*.txt > out/all && echo ran >> log\"\ninputs = [\"src/**\"]\noutputs = [\"out/all\"]\n\
                [tasks.use]\nrun = \"cp out/all used && echo used >> log\"\ninputs = [\"out/all\"]\ndeps = [\"copy\"]\nargs.mode = { default = \"a\" }\n";
    let repo = repo(&sandbox, toml);
    repo.write("src/a.txt", "one\n");
    let run = |args: &[&str]| {
        let before = fs_err::read_to_string(repo.join("log")).unwrap_or_default();
        wharf(&sandbox, &repo).args(args).run().assert_code(0);
        fs_err::read_to_string(repo.join("log")).unwrap_or_default()[before.len()..].replace('\n', " ")
    };
    assert_eq!(run(&["task", "use"]), "ran used ");
    assert_eq!(run(&["task", "use"]), "");
    // The same content under another time is the same.
    repo.write("src/a.txt", "one\n");
    assert_eq!(run(&["task", "use"]), "");
    repo.write("src/a.txt", "two\n");
    assert_eq!(run(&["task", "use"]), "ran used ");
    // Of the same size, at once.
    repo.write("src/a.txt", "six\n");
    assert_eq!(run(&["task", "use"]), "ran used ");
    repo.write("src/b.txt", "");
    assert_eq!(run(&["task", "use"]), "ran ", "what the second needs has not changed");
    fs_err::remove_file(repo.join("out/all")).unwrap();
    assert_eq!(run(&["task", "use"]), "ran ");
    repo.write("out/all", "edited");
    assert_eq!(run(&["task", "use"]), "ran ");
    assert_eq!(run(&["task", "--force", "use"]), "ran used ");
    assert_eq!(run(&["task", "use", "--mode", "b"]), "used ", "other arguments, another result");
    let dry = wharf(&sandbox, &repo).args(["task", "--dry-run", "use"]).run();
    assert_eq!(dry.assert_code(0).stdout, "# copy: up to date\n# use: up to date\n");
    // A failure is not remembered.
    repo.write("wharf.toml", repo.read("wharf.toml").replace("echo used", "false; exit 3; echo used"));
    wharf(&sandbox, &repo).args(["task", "use"]).run().assert_code(1);
    wharf(&sandbox, &repo).args(["task", "use"]).run().assert_code(1);
}

#[test]
fn watching_runs_again_on_a_change() {
    let sandbox = Sandbox::new();
    let repo =
        repo(&sandbox, "[tasks.show]\nrun = \"cat a.txt\"\ninputs = [\"a.txt\"]\n[tasks.blind]\nrun = \"true\"\n");
    repo.write("a.txt", "first\n");
    wharf(&sandbox, &repo).args(["task", "--watch", "blind"]).run().assert_code(2).stderr_contains("nothing to watch");
    let running = wharf(&sandbox, &repo).args(["task", "--watch", "show"]).spawn();
    running.wait_stdout_contains("first");
    running.wait_stderr_contains("watching");
    repo.write("a.txt", "second\n");
    running.wait_stdout_contains("second");
    running.signal(wharf_testkit::Signal::INT);
    running.wait().assert_code(130);
}

#[test]
fn built_in_tasks_are_taken_by_name() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox, "[tasks]\nclean = { builtin = \"clean\" }\nmine = { builtin = \"fix-perms\" }\n");
    repo.write("kept/__pycache__/tracked.txt", "x");
    repo.git(&["add", "--force", "kept"]);
    repo.commit("a tracked cache");
    for path in ["a b/__pycache__/x.pyc", ".pytest_cache/v/x", "deep/er/.mypy_cache/x", "src/x.py"] {
        repo.write(path, "");
    }
    let dry = wharf(&sandbox, &repo).args(["task", "clean", "--dry"]).run();
    dry.assert_code(0).stdout_contains("./a b/__pycache__\n").stdout_contains("./.pytest_cache\n").stdout_lacks("kept");
    assert!(repo.join(".pytest_cache").exists());
    wharf(&sandbox, &repo).args(["clean"]).run().assert_code(0);
    for gone in ["a b/__pycache__", ".pytest_cache", "deep/er/.mypy_cache"] {
        assert!(!repo.join(gone).exists(), "{gone}");
    }
    assert!(repo.join("kept/__pycache__/tracked.txt").exists() && repo.join("src/x.py").exists());
    sandbox.command("chown").arg("1234:1234").arg(repo.join("src/x.py")).run().assert_code(0);
    wharf(&sandbox, &repo).args(["mine"]).run().assert_code(0).stdout_contains("./src/x.py");
    wharf(&sandbox, &repo).args(["mine"]).run().assert_code(0).stdout_contains("all files are yours");
}
