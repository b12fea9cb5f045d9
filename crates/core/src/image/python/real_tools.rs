//! Plans tried with the real uv and the real Poetry (from PyPI).

use std::path::{Path, PathBuf};
use std::process::Command;

use super::tests::{discover_with, repo};
use super::*;

/// Runs a command that has to succeed, and returns what it printed.
fn run(command: &mut Command) -> String {
    let output = command.env_remove("VIRTUAL_ENV").output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let all = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {all}");
    all
}

/// A folder that outlives the test, for tools that take long to install.
fn cache(name: &str) -> PathBuf {
    std::env::temp_dir().join("wharf-test-tools").join(name)
}

fn poetry() -> PathBuf {
    let venv = cache("poetry");
    if !venv.join("ready").exists() {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv));
        run(Command::new(venv.join("bin/python")).args(["-m", "pip", "install", "-q", "poetry"]));
        std::fs::write(venv.join("ready"), "").unwrap();
    }
    venv.join("bin/poetry")
}

/// Writes what a build context's `python/` folder would hold.
fn context(files: &BTreeMap<String, Vec<u8>>) -> tempfile::TempDir {
    let context = tempfile::tempdir().unwrap();
    for (path, bytes) in files {
        let path = context.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    context
}

/// Runs uv with the Python that is here, since it may not be able to fetch one.
fn uv(dir: &Path, arguments: &[&str]) -> String {
    let python = run(Command::new("python3").args(["-c", "import sys; print(sys.executable)"]));
    run(Command::new("uv")
        .args(arguments)
        .args(["--python", python.trim()])
        .env("UV_PROJECT_ENVIRONMENT", dir.join(".venv"))
        .current_dir(dir))
}

/// Names of what a `python/` folder's plan puts into a new environment.
fn uv_synced(plan: &Dependencies, install: &Install) -> Vec<String> {
    let Install::UvSync { groups, extras, main: true, package } = install else { panic!("{install:?}") };
    let context = context(&plan.files);
    let mut arguments: Vec<String> = [
        "sync",
        "--frozen",
        "--inexact",
        "--no-install-project",
        "--no-install-workspace",
        "--no-install-local",
        "--no-default-groups",
    ]
    .map(str::to_owned)
    .to_vec();
    arguments.extend(groups.iter().map(|name| format!("--group={name}")));
    arguments.extend(extras.iter().map(|name| format!("--extra={name}")));
    arguments.extend(package.iter().map(|name| format!("--package={name}")));
    uv(context.path(), &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    installed(&context.path().join(".venv"))
}

fn installed(venv: &Path) -> Vec<String> {
    let script = "import importlib.metadata as m; print(*sorted(d.metadata['Name'].lower() for d in m.distributions()), sep='\\n')";
    let all = run(Command::new(venv.join("bin/python")).args(["-c", script]));
    all.lines().filter(|name| !matches!(*name, "pip" | "setuptools" | "wheel")).map(str::to_owned).collect()
}

#[test]
fn uv_takes_the_reduced_files() {
    let manifest = r#"
[project]
name = "demo"
dynamic = ["version"]
requires-python = ">=3.9"
readme = "README.md"
dependencies = ["idna", "lib"]
[project.optional-dependencies]
test = ["iniconfig"]
[dependency-groups]
test = ["six"]
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[tool.hatch.version]
path = "demo.py"
[tool.uv.sources]
lib = { path = "../lib", editable = true }
"#;
    let lib = "[project]\nname = 'lib'\nversion = '3'\ndependencies = ['toml']\n[build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n";
    let root = repo(&[
        ("app/pyproject.toml", manifest),
        ("app/README.md", ""),
        ("app/demo.py", "__version__ = '2'"),
        ("lib/pyproject.toml", lib),
        ("lib/lib.py", ""),
    ]);
    uv(&root.path().join("app"), &["lock"]);
    let plan = discover_with(root.path(), None, None).unwrap();
    assert_eq!(plan.local, [root.path().join("lib")]);
    assert_eq!(uv_synced(&plan, &plan.dev[0]), ["idna", "iniconfig", "six", "toml"]);
    assert_eq!(uv_synced(&plan, &plan.prod[0]), ["idna", "toml"]);
    assert_eq!(plan.dev.len(), 2, "pytest is not in the lock");
}

#[test]
fn a_member_of_a_uv_workspace_uses_its_lock() {
    let root = repo(&[
        (
            "pyproject.toml",
            "[project]\nname = 'all'\nversion = '1'\nrequires-python = '>=3.9'\n[tool.uv.workspace]\nmembers = ['app', 'packages/*']\n",
        ),
        (
            "app/pyproject.toml",
            "[project]\nname = 'app'\nversion = '1'\nrequires-python = '>=3.9'\ndependencies = ['core']\n[dependency-groups]\ntest = ['six']\n[tool.uv.sources]\ncore = { workspace = true }\n",
        ),
        (
            "packages/core/pyproject.toml",
            "[project]\nname = 'core'\nversion = '1'\nrequires-python = '>=3.9'\ndependencies = ['idna']\n",
        ),
    ]);
    uv(root.path(), &["lock"]);
    let plan = discover_with(root.path(), None, None).unwrap();
    assert_eq!((plan.manager, plan.local.as_slice()), (Manager::Uv, &[root.path().join("packages/core")][..]));
    assert_eq!(uv_synced(&plan, &plan.dev[0]), ["idna", "six"]);
}

#[test]
fn poetry_takes_the_reduced_files() {
    let older = r#"
[tool.poetry]
name = "demo"
version = "1.2"
description = "d"
authors = ["A <a@example.org>"]
readme = "README.md"
[tool.poetry.dependencies]
python = "^3.9"
idna = "^3"
iniconfig = { version = "*", optional = true }
lib = { path = "../lib", develop = true }
[tool.poetry.extras]
test = ["iniconfig"]
[tool.poetry.group.test.dependencies]
six = "*"
[tool.poetry.scripts]
demo = "demo:main"
[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"
"#;
    let newer = r#"
[project]
name = "demo"
version = "1.2"
requires-python = ">=3.9"
dependencies = ["idna"]
[project.optional-dependencies]
test = ["iniconfig"]
[dependency-groups]
test = ["six"]
[tool.poetry]
packages = [{ include = "demo" }]
[tool.poetry.dependencies]
lib = { path = "../lib", develop = true }
"#;
    let lib = "[project]\nname = 'lib'\nversion = '3'\ndependencies = ['toml']\n[build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n";
    let tool = poetry();
    let poetry = |dir: &Path, arguments: &[&str]| {
        let settings = [
            ("POETRY_VIRTUALENVS_IN_PROJECT", "true"),
            ("POETRY_NO_INTERACTION", "1"),
            ("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring"),
        ];
        run(Command::new(&tool).args(arguments).envs(settings).current_dir(dir))
    };
    for manifest in [older, newer] {
        // The simple index: a mirror of PyPI need not have the JSON one that Poetry asks by default.
        let source =
            "[[tool.poetry.source]]\nname = 'simple'\nurl = 'https://pypi.org/simple/'\npriority = 'primary'\n";
        let text = format!("{manifest}\n{source}");
        let root = repo(&[("app/pyproject.toml", &text), ("lib/pyproject.toml", lib), ("lib/lib.py", "")]);
        poetry(&root.path().join("app"), &["lock"]);
        let plan = discover_with(root.path(), None, None).unwrap();
        let Install::PoetrySync { groups, extras } = &plan.dev[0] else { panic!("{plan:?}") };
        let context = context(&plan.files);
        poetry(context.path(), &["check", "--lock"]);
        let only = format!("--only=main,{}", groups.join(","));
        let extras: Vec<String> = extras.iter().map(|name| format!("--extras={name}")).collect();
        let mut arguments = vec!["install", "--no-root", "--no-directory", &only];
        arguments.extend(extras.iter().map(String::as_str));
        poetry(context.path(), &arguments);
        let expected: &[&str] =
            if manifest == older { &["idna", "iniconfig", "six", "toml"] } else { &["idna", "iniconfig", "six"] };
        assert_eq!(installed(&context.path().join(".venv")), expected);
    }
}

#[test]
fn pip_takes_the_carried_files() {
    let hashed =
        "# locked\nidna==3.10 \\\n    --hash=sha256:946d195a0d259cbba61165e88e65941f16e9b36ea6ddb97f00452bae8b1287d3\n";
    let packages = "[project]\nname = 'lib'\ndependencies = ['toml']\n";
    let hash_mode: &[(&str, &str)] = &[
        ("app/requirements.txt", "-r sub/locked.txt\n"),
        ("app/sub/locked.txt", hashed),
        ("app/requirements-test.txt", "iniconfig\n"),
    ];
    let local: &[(&str, &str)] = &[
        (
            "app/devops/requirements.txt",
            "-r ../../common.txt\n-e ../../lib  # \\\nsix; python_version > '3' \\\n  and os_name == 'posix'\n",
        ),
        ("common.txt", "-c pins.txt\nidna\n"),
        ("pins.txt", "idna==3.7\n"),
        ("lib/pyproject.toml", packages),
    ];
    for (files, expected) in [(hash_mode, &["idna", "iniconfig"][..]), (local, &["idna", "six", "toml"])] {
        let root = repo(files);
        let plan = discover_with(root.path(), None, None).unwrap();
        let context = context(&plan.files);
        let venv = context.path().join(".venv");
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv));
        for install in &plan.dev {
            // Pytest itself is not what is tried here.
            let Install::Requirements { file } = install else {
                continue;
            };
            run(Command::new(venv.join("bin/python"))
                .args(["-m", "pip", "install", "-q", "-r", file])
                .current_dir(context.path()));
        }
        assert_eq!(installed(&venv), expected);
    }
}
