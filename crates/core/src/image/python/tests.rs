//! Whole dirs in, plans out.

use std::path::Path;

use tempfile::TempDir;

use super::*;

/// A repo with these files; the runnable dir is `app` in it.
pub(super) fn repo(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("app/devops")).unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    root
}

fn found(root: &Path) -> Result<Dependencies, Error> {
    discover_with(root, None, None)
}

pub(super) fn discover_with(
    root: &Path,
    manager: Option<Manager>,
    dev: Option<&[String]>,
) -> Result<Dependencies, Error> {
    let (dir, devops) = (root.join("app"), root.join("app/devops"));
    discover(&Request { dir: &dir, devops: &devops, stop_at: root, manager, groups_dev: dev, groups_prod: None })
}

fn text<'d>(found: &'d Dependencies, file: &str) -> &'d str {
    std::str::from_utf8(found.files.get(file).unwrap_or_else(|| panic!("no {file} in {:?}", found.files.keys())))
        .unwrap()
}

fn requirements(file: &str) -> Install {
    Install::Requirements { file: file.into() }
}

fn pytest() -> Install {
    Install::Packages { names: vec!["pytest".into()] }
}

#[test]
fn an_empty_dir_gets_pytest_alone() {
    let root = repo(&[]);
    let found = found(root.path()).unwrap();
    assert_eq!((found.manager, found.dev, found.prod), (Manager::None, vec![pytest()], vec![]));
    assert_eq!(found.notes, ["nothing in the dev groups brings pytest; it is added"]);
}

#[test]
fn pyproject_without_lock_is_written_out() {
    let manifest = r#"
[project]
name = "demo"
version = "1.0"
dependencies = ["requests>=2", "idna; python_version < '3.9'"]
[project.optional-dependencies]
socks = ["pysocks"]
test = ["demo[socks]", "pytest>=7"]
[dependency-groups]
tests = [{ include-group = "typing" }, "hypothesis"]
typing = ["mypy"]
dev = ["ruff"]
[tool.ruff]
line-length = 100
"#;
    let root = repo(&[("app/pyproject.toml", manifest)]);
    let found = found(root.path()).unwrap();
    assert_eq!(found.prod, [requirements("main.txt")]);
    assert_eq!(found.dev, [requirements("dev.txt")]);
    assert_eq!(text(&found, "main.txt"), "requests>=2\nidna; python_version < '3.9'\n");
    let dev = "requests>=2\nidna; python_version < '3.9'\nmypy\nhypothesis\npysocks\npytest>=7\n";
    assert_eq!(text(&found, "dev.txt"), dev);
    assert_eq!(found.sources, [Path::new("pyproject.toml")]);
    assert!(found.notes.is_empty());
}

#[test]
fn older_ways_to_state_dependencies_are_read() {
    let poetry = "[tool.poetry]\nname = 'x'\n[tool.poetry.dependencies]\npython = '^3.9'\nflask = '^2.1'\n[tool.poetry.group.test.dependencies]\npytest = '*'\n";
    let root = repo(&[("app/pyproject.toml", poetry)]);
    let plan = found(root.path()).unwrap();
    assert_eq!(text(&plan, "dev.txt"), "flask>=2.1,<3.0\npytest\n");

    let cfg = "[metadata]\nname = x\n[options]\ninstall_requires =\n    six\n[options.extras_require]\ntesting =\n    pytest-cov\n";
    let root = repo(&[("app/setup.cfg", cfg), ("app/setup.py", "raise SystemExit('never run')")]);
    assert_eq!(text(&found(root.path()).unwrap(), "dev.txt"), "six\npytest-cov\n");

    let dynamic = "[project]\nname = 'x'\ndynamic = ['dependencies']\n[tool.setuptools.dynamic]\ndependencies = { file = ['deps.txt'] }\n";
    let root = repo(&[("app/pyproject.toml", dynamic), ("app/deps.txt", "six # why\n\n# no\n")]);
    assert_eq!(text(&found(root.path()).unwrap(), "main.txt"), "six\n");

    let hatch = "[project]\nname = 'x'\ndependencies = ['six']\n[tool.hatch.envs.test]\ndependencies = ['pytest']\n[tool.pdm.dev-dependencies]\ntest = ['mock']\n";
    let root = repo(&[("app/pyproject.toml", hatch)]);
    assert_eq!(text(&found(root.path()).unwrap(), "dev.txt"), "six\nmock\npytest\n");
}

#[test]
fn only_setup_py_is_noted_and_requirements_files_are_used() {
    let root = repo(&[("app/setup.py", "import os"), ("app/requirements.txt", "six\n")]);
    let plan = found(root.path()).unwrap();
    assert_eq!(
        (plan.prod, plan.dev),
        (vec![requirements("requirements.txt")], vec![requirements("requirements.txt"), pytest()])
    );
    assert!(plan.notes[0].starts_with("`setup.py` computes"));
}

#[test]
fn requirements_files_have_companions() {
    let root = repo(&[
        ("app/devops/requirements.txt", "six\n"),
        ("app/devops/requirements-test.txt", "pytest\n"),
        ("app/devops/dev-requirements.txt", "ruff\n"),
    ]);
    let plan = found(root.path()).unwrap();
    assert_eq!(plan.prod, [requirements("requirements.txt")]);
    assert_eq!(plan.dev, [requirements("dev.txt")]);
    assert_eq!(text(&plan, "dev.txt"), "-r requirements.txt\n-r requirements-test.txt\n");
    assert_eq!(plan.sources, [Path::new("devops/requirements-test.txt"), Path::new("devops/requirements.txt")]);

    let root =
        repo(&[("app/requirements.txt", "six\n"), ("app/requirements/dev.txt", "-r ../requirements.txt\npytest\n")]);
    assert_eq!(found(root.path()).unwrap().dev, [requirements("requirements/dev.txt")]);
}

#[test]
fn files_with_hashes_are_installed_apart() {
    let root =
        repo(&[("app/requirements.txt", "six==1.16.0 --hash=sha256:00\n"), ("app/requirements-dev.txt", "pytest\n")]);
    assert_eq!(
        found(root.path()).unwrap().dev,
        [requirements("requirements.txt"), requirements("requirements-dev.txt")]
    );
}

#[test]
fn a_file_above_the_dir_keeps_its_place() {
    let root = repo(&[("app/requirements.txt", "-r ../common/base.txt\n"), ("common/base.txt", "pytest\n")]);
    let plan = found(root.path()).unwrap();
    assert_eq!(plan.prod, [requirements("app/requirements.txt")]);
    assert_eq!(text(&plan, "common/base.txt"), "pytest\n");
    assert_eq!(plan.sources, [Path::new("requirements.txt"), Path::new("../common/base.txt")]);
}

#[test]
fn a_package_of_the_repo_brings_what_it_needs() {
    let root = repo(&[
        ("app/requirements.txt", "-e .[cli]\n-e ../lib[fast]\npytest\n"),
        ("app/setup.cfg", "[metadata]\nname = app\n[options.extras_require]\ncli = click\n"),
        (
            "lib/pyproject.toml",
            "[project]\nname = 'lib'\ndependencies = ['idna']\noptional-dependencies = { fast = ['ujson'] }\n",
        ),
    ]);
    let plan = found(root.path()).unwrap();
    assert_eq!(plan.local, [root.path().join("lib")]);
    assert_eq!(text(&plan, "main.txt"), "-r requirements.txt\nclick\nidna\nujson\n");
    assert!(text(&plan, "requirements.txt").starts_with("# importable without installing: -e .[cli]\n"));
}

#[test]
fn packages_that_need_each_other_end() {
    let a = "[tool.poetry]\nname = 'a'\n[tool.poetry.dependencies]\nb = { path = '../b' }\n";
    let b = "[tool.poetry]\nname = 'b'\n[tool.poetry.dependencies]\nsix = '*'\na = { path = '../app' }\n";
    let root = repo(&[("app/pyproject.toml", a), ("b/pyproject.toml", b)]);
    let plan = found(root.path()).unwrap();
    assert_eq!(text(&plan, "main.txt"), "six\n");
    assert_eq!(plan.local, [root.path().join("b")]);
}

#[test]
fn what_is_wrong_is_said_with_file_and_line() {
    let message = |manifest: &str| {
        let root = repo(&[("app/pyproject.toml", manifest)]);
        found(root.path()).unwrap_err().to_string().replace(&root.path().display().to_string(), "")
    };
    assert_eq!(
        message("[project]\nname = \n"),
        "`/app/pyproject.toml`, line 2: string values must be quoted, expected literal string"
    );
    assert!(
        message("[project]\nname = 'x'\ndependencies = [\n  'a',\n  'b = 1',\n]\n")
            .starts_with("`/app/pyproject.toml`, line 5: `b = 1` is not a requirement: ")
    );
    assert_eq!(
        message("[dependency-groups]\na = [{ include-group = 'b' }]\n"),
        "`/app/pyproject.toml`, line 2: group `a` includes `b`, which does not exist"
    );
    assert!(message("[dependency-groups]\na = [{ include-group = 'a' }]\n").ends_with("group `a` includes itself"));
    let file = "[project]\nname = 'x'\ndynamic = ['dependencies']\n[tool.setuptools.dynamic]\ndependencies = { file = '../x.txt' }\n";
    assert_eq!(message(file), "`/app/pyproject.toml`, line 5: `../x.txt` lies outside of the repo");
    let path = "[tool.poetry.dependencies]\nx = { path = '../../x' }\n";
    assert_eq!(message(path), "`/app/pyproject.toml`, line 2: `../../x` lies outside of the repo");
}

#[test]
fn a_named_manager_must_be_there() {
    let root = repo(&[("app/requirements.txt", "pytest\n")]);
    let error = discover_with(root.path(), Some(Manager::Uv), None).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("uv is asked for, but `{}` has no `uv.lock`", root.path().join("app").display())
    );
    assert!(error.hint().unwrap().contains("wharf image lock"));
    assert_eq!(discover_with(root.path(), Some(Manager::None), None).unwrap().manager, Manager::None);
}

#[test]
fn configured_groups_are_taken_as_they_are() {
    let manifest = "[project]\nname = 'x'\n[dependency-groups]\ntest = ['pytest']\nlint = ['ruff']\n";
    let root = repo(&[("app/pyproject.toml", manifest)]);
    let plan = discover_with(root.path(), None, Some(&["lint".into()])).unwrap();
    assert_eq!(text(&plan, "dev.txt"), "ruff\n");
    assert_eq!(plan.dev, [requirements("dev.txt"), pytest()]);
    let error = discover_with(root.path(), None, Some(&["lnt".into()])).unwrap_err();
    assert!(error.to_string().ends_with("has no dependency group `lnt`; it has `lint`, `test`"), "{error}");
}

#[test]
fn a_lock_needs_its_manifest() {
    let root = repo(&[("app/uv.lock", "version = 1\n")]);
    assert!(matches!(found(root.path()).unwrap_err(), Error::LockAlone { .. }));
}

#[test]
fn an_edit_elsewhere_in_the_manifest_changes_nothing() {
    let lock = "version = 1\n\n[[package]]\nname = \"x\"\nversion = \"1.0\"\nsource = { editable = \".\" }\n";
    let one = "[project]\nname = 'x'\nversion = '1.0'\ndependencies = []\n[tool.ruff]\nline-length = 80\n";
    let two = "[project]\nname = 'x'\nversion = '1.1'\ndescription = 'more'\ndependencies = []\n[project.scripts]\nx = 'x:main'\n";
    let plan = |manifest: &str, lock: &str| {
        let root = repo(&[("app/pyproject.toml", manifest), ("app/uv.lock", lock)]);
        found(root.path()).unwrap()
    };
    assert_eq!(plan(one, lock), plan(two, &lock.replace("1.0", "1.1")));
    assert_ne!(plan(one, lock).files, plan(&one.replace("[]", "['six']"), lock).files);
}

#[test]
fn a_dot_in_devops_means_the_dir() {
    let manifest = "[project]\nname = 'app'\ndynamic = ['dependencies']\noptional-dependencies = { cli = ['click'] }\n[tool.setuptools.dynamic]\ndependencies = { file = 'deps.txt' }\n";
    let root = repo(&[
        ("app/devops/requirements.txt", "-e .[cli]\npytest\n"),
        ("app/pyproject.toml", "[project]\nname = 'app'\n"),
    ]);
    assert_eq!(found(root.path()).unwrap().dev, [requirements("requirements.txt")]);
    let both = [
        ("app/devops/requirements.txt", "-e .[cli]\npytest\n"),
        ("app/pyproject.toml", manifest),
        ("app/deps.txt", "six\n"),
    ];
    let root = repo(&both);
    let plan = found(root.path()).unwrap();
    let all: Vec<String> = plan.files.keys().map(|name| text(&plan, name).to_owned()).collect();
    for package in ["six", "pytest", "click"] {
        assert!(all.iter().any(|text| text.contains(package)), "the image's own list counts too: {all:?}");
    }
}

#[test]
fn a_lock_of_pips_decides_versions_alone() {
    let lock = ("app/devops/requirements.lock", "pytest==8.3.4\nsix==1.16.0\n");
    let root = repo(&[("app/requirements.txt", "six # mine\n"), lock]);
    let plan = found(root.path()).unwrap();
    assert_eq!(plan.dev, [requirements("dev.txt")]);
    assert_eq!(plan.prod, [requirements("main.txt")]);
    assert_eq!(text(&plan, "dev.txt"), "-r requirements.txt\npytest\n-c devops/requirements.lock\n");
    assert_eq!(text(&plan, "main.txt"), "-r requirements.txt\n-c devops/requirements.lock\n");
    assert_eq!(text(&plan, "requirements.txt"), "six # mine\n");
    assert!(plan.sources.contains(&"devops/requirements.lock".into()));

    let hashed = "six==1.16.0 --hash=sha256:00\n";
    let root = repo(&[("app/requirements.txt", hashed), lock]);
    let plan = found(root.path()).unwrap();
    assert_eq!(plan.prod, [requirements("requirements.txt")], "hashes and a lock without them do not go together");
    assert_eq!(plan.dev, [requirements("requirements.txt"), requirements("dev.txt")]);

    let root = repo(&[("app/devops/requirements.txt", "pytest\n"), lock]);
    let plan = found(root.path()).unwrap();
    assert_eq!(text(&plan, "dev.txt"), "-r requirements.txt\n-c requirements.lock\n");
}

#[test]
fn a_lock_has_its_place_before_it_is_there() {
    let at = |root: &TempDir, manager| {
        let (dir, devops) = (root.path().join("app"), root.path().join("app/devops"));
        let request =
            Request { dir: &dir, devops: &devops, stop_at: root.path(), manager, groups_dev: None, groups_prod: None };
        locate(&request).unwrap().map(|it| (it.manager, it.lock.strip_prefix(root.path()).unwrap().to_owned()))
    };
    let root = repo(&[("app/pyproject.toml", "[project]\nname = 'x'\ndependencies = ['six']\n")]);
    assert_eq!(at(&root, Some(Manager::Uv)), Some((Manager::Uv, "app/uv.lock".into())));
    assert_eq!(at(&root, Some(Manager::Poetry)), Some((Manager::Poetry, "app/poetry.lock".into())));
    assert_eq!(at(&root, None), Some((Manager::Pip, "app/devops/requirements.lock".into())));
    assert_eq!(at(&repo(&[]), None), None);
}
