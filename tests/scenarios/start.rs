//! `wharf init` and `wharf new`: from a repo that Wharf does not know to tests that pass.

use wharf_testkit::{EngineKind, Output, Repo, Sandbox, WharfCommand, base_image, require};

fn wharf(sandbox: &Sandbox) -> WharfCommand {
    sandbox.command(env!("CARGO_BIN_EXE_wharf")).env("WHARF_IMAGE_BASE", base_image())
}

fn repo(sandbox: &Sandbox, files: &[(&str, &str)]) -> Repo {
    let repo = Repo::init(sandbox.path().join("harbor"));
    for (path, text) in files {
        repo.write(path, text);
    }
    repo.commit("first");
    repo
}

#[track_caller]
fn init(sandbox: &Sandbox, repo: &Repo) -> Output {
    let output = wharf(sandbox).arg("init").cwd(repo.path()).run();
    output.assert_code(0);
    output
}

#[track_caller]
fn test_on(sandbox: &Sandbox, repo: &Repo, engine: EngineKind) -> Output {
    require(engine);
    wharf(sandbox).args(["test", "--engine", engine.name()]).cwd(repo.path()).run()
}

const PACKAGE: &str = "[build-system]\nrequires = ['setuptools']\n[project]\nname = 'tide'\nversion = '1.2.0'\n\
                       requires-python = '>=3.8'\n";
const TIDE: &str = "def high():\n    return 7\n";
const TEST_TIDE: &str = "from tide import high\n\ndef test_high():\n    assert high() == 7\n";

/// Three projects, one a flat package, one in `src`, one a script with requirements, and tests that are nobody's.
const MONOREPO: [(&str, &str); 10] = [
    ("flat/pyproject.toml", "[project]\nname = 'flat'\nversion = '0.3.0'\n[tool.pytest.ini_options]\naddopts = '-q'\n"),
    ("flat/flat/__init__.py", "ONE = 1\n"),
    ("flat/tests/test_flat.py", "import flat\n\ndef test_one():\n    assert flat.ONE == 1\n"),
    ("tide/pyproject.toml", PACKAGE),
    ("tide/src/tide/__init__.py", TIDE),
    ("tide/tests/test_tide.py", TEST_TIDE),
    ("jobs/requirements.txt", "# nothing yet\n"),
    ("jobs/job.py", "def run():\n    return 'done'\n"),
    ("jobs/tests/test_job.py", "import job\n\ndef test_run():\n    assert job.run() == 'done'\n"),
    ("tests/test_all.py", "from jobs import job\n\ndef test_from_the_root():\n    assert job.run() == 'done'\n"),
];

#[test]
fn a_monorepo_works_on_docker_and_on_the_host() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox, &MONOREPO);
    let output = init(&sandbox, &repo);
    let expected = "wharf.toml\ndevops/wharf.toml\nchangelog.txt\nflat/devops/wharf.toml\nflat/changelog.txt\n\
                    jobs/devops/wharf.toml\njobs/changelog.txt\ntide/devops/wharf.toml\ntide/changelog.txt\n";
    assert_eq!(output.stdout, expected);
    output.stderr_contains("tide states a project: project `tide`, pyproject.toml, 1 test file\n");
    output.stderr_contains(". has tests that are in no other dir: 1 test file\n").stderr_contains("next: `wharf test`");
    let status = repo.git(&["status", "--short", "--untracked-files=all"]);
    assert_eq!(status.lines().filter(|line| !line.starts_with("??")).count(), 0, "only new files: {status}");
    assert!(repo.read("tide/changelog.txt").starts_with("# harbor-tide-1.2.0\n- "));
    for engine in [EngineKind::Docker, EngineKind::Host] {
        test_on(&sandbox, &repo, engine).assert_code(0).stdout_contains("4 passed");
    }
    let again = wharf(&sandbox).arg("init").cwd(repo.join("tide")).run();
    again.assert_code(0).stderr_contains("nothing to do").stderr_contains("tide: runnable already");
    assert_eq!(again.stdout, "");
}

#[test]
fn a_flat_project_and_one_in_src_that_only_setup_py_knows() {
    let sandbox = Sandbox::new();
    let setup = "from setuptools import setup\nsetup(name='tide', package_dir={'': 'src'})\n";
    let repo =
        repo(&sandbox, &[("setup.py", setup), ("src/tide/__init__.py", TIDE), ("tests/test_tide.py", TEST_TIDE)]);
    init(&sandbox, &repo).stderr_contains("code in `src`");
    test_on(&sandbox, &repo, EngineKind::Host).assert_code(0).stdout_contains("1 passed");
}

#[test]
fn a_script_with_tests_needs_the_python_that_it_asks_for() {
    let sandbox = Sandbox::new();
    let python = "[project]\nname = 'job'\nversion = '1'\nrequires-python = '>=3.8,<3.12'\n";
    let files = [
        ("pyproject.toml", python),
        ("job.py", "import sys\nVERSION = sys.version_info[:2]\n"),
        ("tests/test_job.py", "import job\n\ndef test_python():\n    assert job.VERSION == (3, 11)\n"),
    ];
    let repo = repo(&sandbox, &files);
    let output = sandbox.command(env!("CARGO_BIN_EXE_wharf")).arg("init").cwd(repo.path()).run();
    output.assert_code(0).stderr_contains("asks for >=3.8,<3.12, so Python 3.11");
    let config = repo.read("devops/wharf.toml");
    assert!(
        config.contains("base = \"python:3.11-slim-bookworm\"") && config.contains("version = \"3.11\""),
        "{config}"
    );
    test_on(&sandbox, &repo, EngineKind::Docker).assert_code(0).stdout_contains("1 passed");
}

#[test]
fn a_repo_without_python_gets_a_place_to_begin() {
    let sandbox = Sandbox::new();
    let repo = Repo::init(sandbox.path().join("My Harbor"));
    let output = init(&sandbox, &repo);
    output.stderr_contains(". is a place to begin").stderr_contains("wharf new NAME");
    assert_eq!(output.stdout, "wharf.toml\ndevops/wharf.toml\nchangelog.txt\n");
    assert!(repo.read("wharf.toml").contains("name = \"my-harbor\""));
    test_on(&sandbox, &repo, EngineKind::Host).assert_code(0);
}

#[test]
fn uncommitted_work_stays_and_a_dry_run_writes_nothing() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox, &[("job.py", "x = 1\n"), ("changelog.txt", "mine\n")]);
    repo.write("job.py", "x = 2\n").write("test_job.py", "def test():\n    pass\n");
    let before = repo.git(&["status", "--short"]);
    let dry = wharf(&sandbox).args(["init", "--dry-run"]).cwd(repo.path()).run();
    dry.assert_code(0).stdout_contains("mkdir -p ").stdout_contains("[workspace]");
    assert_eq!(repo.git(&["status", "--short"]), before);
    sandbox.command("sh").args(["-ec", &dry.stdout]).cwd(repo.path()).run().assert_code(0);
    let after = repo.git(&["status", "--short", "--untracked-files=all"]);
    assert_eq!(after, " M job.py\n?? devops/wharf.toml\n?? test_job.py\n?? wharf.toml".trim());
    assert_eq!((repo.read("job.py").as_str(), repo.read("changelog.txt").as_str()), ("x = 2\n", "mine\n"));
    let output = init(&sandbox, &repo);
    output.stderr_contains("nothing to do");
}

#[test]
fn refuses_what_is_no_repo_or_is_in_the_way() {
    let sandbox = Sandbox::new();
    let output = wharf(&sandbox).arg("init").run();
    output.assert_code(5).stderr_contains("is not in a Git repo").stderr_contains("hint: make it one with `git init");
    assert_eq!(fs_err::read_dir(sandbox.path()).unwrap().count(), 0);
    wharf(&sandbox).args(["init", "nothing-here"]).run().assert_code(2);

    let repo = repo(&sandbox, &[("job.py", ""), ("devops", "a file\n")]);
    let output = wharf(&sandbox).arg("init").cwd(repo.path()).run();
    output.assert_code(5).stderr_contains("is there already");
    assert_eq!(repo.git(&["status", "--short"]), "", "nothing is left of the attempt");

    let plain = sandbox.path().join("plain");
    fs_err::create_dir(&plain).unwrap();
    wharf(&sandbox).args(["init", "--git", "plain"]).run().assert_code(0).stdout_contains("wharf.toml\n");
    assert!(plain.join(".git").is_dir());
}

#[test]
fn asks_once_on_a_terminal() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox, &[("job.py", "")]);
    let start = |args: &[&str]| wharf(&sandbox).args(args).cwd(repo.path()).spawn_in_terminal(24, 100);
    let mut terminal = start(&["init"]);
    terminal.wait_written_contains("go on? [Y/n]");
    terminal.send("n\n");
    terminal.wait_exit().assert_code(5);
    assert_eq!(repo.git(&["status", "--short"]), "");
    start(&["init", "--yes"]).wait_exit().assert_code(0).stdout_lacks("go on?");
    assert!(repo.join("devops/wharf.toml").is_file());
}

#[test]
fn each_template_makes_a_dir_whose_tests_pass() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox, &[]);
    wharf(&sandbox)
        .args(["new", "price-feed"])
        .cwd(repo.path())
        .run()
        .assert_code(0)
        .stdout_contains("price-feed/src/price_feed/__init__.py\n");
    for (dir, template) in [("report", "script"), ("deep/er/gateway", "service")] {
        let output = wharf(&sandbox).args(["new", dir, "--template", template]).cwd(repo.path()).run();
        output.assert_code(0).stdout_contains(&format!("{dir}/devops/wharf.toml\n"));
        output.stderr_contains(&format!("next: `wharf test --dir {dir}`"));
    }
    let output = test_on(&sandbox, &repo, EngineKind::Host);
    output.assert_code(0).stdout_contains("5 passed");
    let docker = wharf(&sandbox).args(["test", "--engine", "docker", "--dir", "price-feed"]).cwd(repo.path()).run();
    docker.assert_code(0).stdout_contains("1 passed");
    let run = ["run", "--engine", "host", "report", "--", "python", "report.py", "you"];
    wharf(&sandbox).args(run).cwd(repo.path()).run().assert_code(0).stdout_contains("hello, you\n");
}

#[test]
fn a_folder_of_a_sub_repo_is_a_template() {
    let sandbox = Sandbox::new();
    let remote = Repo::bare_remote(sandbox.path().join("helpers.git"));
    let helpers = Repo::init(sandbox.path().join("helpers"));
    helpers.write("templates/job/template.toml", "description = 'our kind of job'\n");
    helpers.write("templates/job/{{package}}.py.jinja", "NAME = '{{ name }}'\nWHERE = '{{ workspace }}/{{ path }}'\n");
    helpers.write("templates/job/check_it.py", "print('{{ not filled }}')\n");
    helpers.write("templates/job/{{devops}}/wharf.toml", "[test]\nretries = 1\n");
    helpers.write("templates/bad/template.toml", "").write("templates/bad/x.jinja", "one\n{{ nobody }}\n");
    helpers.commit("first");
    helpers.push_to(&remote);
    let repo = repo(&sandbox, &[("wharf.toml", "[workspace]\nname = 'harbor'\n")]);
    repo.add_submodule(&remote, "helpers");
    repo.commit("helpers");

    let list = wharf(&sandbox).args(["new", "--list", "--json"]).cwd(repo.path()).run();
    let names: Vec<String> =
        list.json().as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["helpers/bad", "helpers/job", "library", "script", "service"]);
    wharf(&sandbox).args(["new", "--list"]).cwd(repo.path()).run().stdout_contains("our kind of job");

    let new =
        |dir: &str, template: &str| wharf(&sandbox).args(["new", dir, "--template", template]).cwd(repo.path()).run();
    new("night-run", "helpers/job").assert_code(0);
    assert_eq!(repo.read("night-run/night_run.py"), "NAME = 'night-run'\nWHERE = 'harbor/night-run'\n");
    assert_eq!(repo.read("night-run/check_it.py"), "print('{{ not filled }}')\n");
    assert_eq!(repo.read("night-run/devops/wharf.toml"), "[test]\nretries = 1\n");
    assert!(!repo.join("night-run/template.toml").exists());
    wharf(&sandbox).args(["ls", "--json"]).cwd(repo.path()).run().assert_code(0).stdout_lacks("templates");

    let bad = new("other", "helpers/bad");
    bad.assert_code(3).stderr_contains("template `helpers/bad`, file `x.jinja`: line 2");
    assert!(!repo.join("other").exists());
    new("other", "nosuch").assert_code(2).stderr_contains("there are helpers/bad, helpers/job, library");
}

#[test]
fn new_refuses_bad_names_and_places_in_use() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox, &[("used/file.txt", "keep\n"), ("plain", "a file\n")]);
    std::os::unix::fs::symlink(sandbox.home(), repo.join("out")).unwrap();
    let new = |dir: &str| wharf(&sandbox).args(["new", dir]).cwd(repo.path()).run();
    new("used").assert_code(5).stderr_contains("`used` is there and not empty");
    new("plain").assert_code(5);
    new("out/side").assert_code(5).stderr_contains("`out` is there already");
    for name in ["json", "3d", "a b", "../x", "class", "devops", ".", ".hidden/x"] {
        let output = new(name);
        assert!(matches!(output.code, Some(2 | 5)), "{}", output.told());
    }
    new("json").assert_code(2).stderr_contains("hint: ");
    let dry = wharf(&sandbox).args(["new", "fresh", "--dry-run"]).cwd(repo.path()).run();
    dry.assert_code(0).stdout_contains("mkdir -p ");
    repo.git(&["clean", "-fdq", "-e", "out"]);
    assert!(!repo.join("fresh").exists());
    assert_eq!(repo.read("used/file.txt"), "keep\n");
    assert!(fs_err::read_dir(sandbox.home()).unwrap().flatten().all(|entry| entry.file_name() != "side"));
}
