//! Each way to fill an environment.

use wharf_process::Command;

use super::*;

const PYPROJECT: &str = r#"
[project]
name = "thing"
version = "1.0"
requires-python = ">=3.9"
dependencies = ["iniconfig==2.0.0"]
[project.optional-dependencies]
extra = ["toml==0.10.2"]
[dependency-groups]
dev = ["six==1.16.0"]
test = ["pluggy==1.5.0"]
[build-system]
requires = ["no-such-build-backend-anywhere"]
build-backend = "no_such"
"#;

const POETRY: &str = r#"
[tool.poetry]
name = "thing"
version = "1.0"
description = ""
authors = []
[tool.poetry.dependencies]
python = ">=3.9"
iniconfig = "2.0.0"
toml = { version = "0.10.2", optional = true }
[tool.poetry.extras]
extra = ["toml"]
[[tool.poetry.source]]
name = "simple"
url = "https://pypi.org/simple/"
[tool.poetry.group.dev.dependencies]
six = "1.16.0"
[tool.poetry.group.test.dependencies]
pluggy = "1.5.0"
"#;

/// The staged files of a project: its `pyproject.toml` and the lock that `lock` makes of it.
fn locked(pyproject: &str, lock: &str, command: &Command) -> BTreeMap<String, Vec<u8>> {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("pyproject.toml"), pyproject).unwrap();
    command.clone().cwd(folder.path()).run_checked().unwrap();
    let files =
        ["pyproject.toml", lock].map(|name| (name.to_owned(), std::fs::read(folder.path().join(name)).unwrap()));
    BTreeMap::from(files)
}

fn uv_sync(groups: &[&str], main: bool) -> InstallStep {
    InstallStep::UvSync { groups: words(groups), extras: vec![], main, package: None }
}

fn uv_locked() -> BTreeMap<String, Vec<u8>> {
    locked(PYPROJECT, "uv.lock", &Command::new("uv").args(["lock", "--python", "3.11"]))
}

#[test]
fn packages_with_uv_are_made_once_and_then_found() {
    let (_folder, tools) = host();
    let spec = spec("k", &[packages(&["iniconfig==2.0.0"])]);
    assert!(tools.find(&spec).is_none());
    let mut lines = Vec::new();
    let venv = tools.ensure(&spec, &mut |line| lines.push(line.to_owned())).unwrap();
    assert!(lines.iter().any(|line| line.contains("iniconfig")), "{lines:?}");
    assert_eq!(installed(&venv), ["iniconfig 2.0.0"]);
    assert_eq!(python(&venv, "import platform; print(platform.python_version())"), venv.python_version);

    let mut offline = tools.clone();
    offline.uv = Some(PathBuf::from("/no/such/uv"));
    let again = offline.ensure(&spec, &mut |line| panic!("nothing is to be done, yet: {line}")).unwrap();
    assert_eq!(again.path, venv.path);
    assert_eq!(tools.find(&spec).unwrap().path, venv.path);
    assert_eq!(attempts(&tools).len(), 1);
}

#[test]
fn requirements_with_pip_where_there_is_no_uv() {
    let (_folder, tools) = host();
    let tools = without_uv(tools);
    let mut spec = spec("k", &[InstallStep::Requirements { file: "sub/all.txt".into() }, packages(&["six==1.16.0"])]);
    spec.files.insert("sub/all.txt".into(), b"-r more.txt\n".to_vec());
    spec.files.insert("sub/more.txt".into(), b"iniconfig==2.0.0\n".to_vec());
    let venv = tools.ensure(&spec, &mut quiet()).unwrap();
    assert_eq!(installed(&venv), ["iniconfig 2.0.0", "six 1.16.0"]);
}

#[test]
fn a_command_sees_the_environment_first() {
    let (_folder, tools) = host();
    let venv = tools.ensure(&spec("k", &[packages(&["pluggy==1.5.0", "pytest==8.3.4"])]), &mut quiet()).unwrap();
    let output = venv.command(&words(&["pytest", "--version"])).run().unwrap();
    assert_eq!(output.text().trim(), "pytest 8.3.4");
    let shell = "command -v python; echo $VIRTUAL_ENV; echo ${PYTHONHOME-none}";
    let command = venv.command(&words(&["sh", "-c", shell]));
    let bin = venv.bin();
    let expected = format!("{}\n{}\nnone\n", bin.join("python").display(), venv.path.display());
    assert_eq!(command.run().unwrap().text(), expected);
}

#[test]
fn a_uv_lock_with_just_the_groups_and_extras_asked_for() {
    let (_folder, tools) = host();
    let mut spec = spec(
        "k",
        &[InstallStep::UvSync { groups: words(&["test"]), extras: words(&["extra"]), main: true, package: None }],
    );
    spec.files = uv_locked();
    let venv = tools.ensure(&spec, &mut quiet()).unwrap();
    assert_eq!(installed(&venv), ["iniconfig 2.0.0", "pluggy 1.5.0", "toml 0.10.2"]);
}

#[test]
fn a_group_of_a_uv_lock_alone() {
    let (_folder, tools) = host();
    let mut spec = spec("k", &[uv_sync(&["test"], false)]);
    spec.files = uv_locked();
    assert_eq!(installed(&tools.ensure(&spec, &mut quiet()).unwrap()), ["pluggy 1.5.0"]);
}

#[test]
fn a_uv_lock_where_the_host_has_no_uv() {
    let (_folder, tools) = host();
    let tools = without_uv(tools);
    let mut spec = spec("k", &[packages(&["six==1.16.0"]), uv_sync(&[], true)]);
    spec.files = uv_locked();
    let mut lines = Vec::new();
    let venv = tools.ensure(&spec, &mut |line| lines.push(line.to_owned())).unwrap();
    assert!(lines.iter().any(|line| line.contains("which the host lacks")), "{lines:?}");
    assert_eq!(installed(&venv), ["iniconfig 2.0.0", "six 1.16.0"]);
}

#[test]
fn a_poetry_lock_with_just_the_groups_and_extras_asked_for() {
    let (_folder, tools) = host();
    let poetry = crate::host::tool::poetry(&tools, &mut quiet()).unwrap();
    let files = locked(
        POETRY,
        "poetry.lock",
        &Command::new(poetry).args(["lock", "--no-interaction"]).env("POETRY_VIRTUALENVS_CREATE", "false"),
    );
    let step =
        |groups: &[&str], extras: &[&str]| InstallStep::PoetrySync { groups: words(groups), extras: words(extras) };

    let mut plain = spec("plain", &[step(&[], &[])]);
    plain.files = files.clone();
    assert_eq!(installed(&tools.ensure(&plain, &mut quiet()).unwrap()), ["iniconfig 2.0.0"]);

    let mut more = spec("more", &[step(&["test"], &["extra"])]);
    more.files = files;
    more.python = Some("3.12".into());
    let venv = tools.ensure(&more, &mut quiet()).unwrap();
    assert_eq!(installed(&venv), ["iniconfig 2.0.0", "pluggy 1.5.0", "toml 0.10.2"]);
    assert!(venv.python_version.starts_with("3.12."));
}

#[test]
fn a_misleading_environment_changes_nothing() {
    let (folder, tools) = host();
    let elsewhere = folder.path().join("elsewhere");
    for (name, mut tools) in [("uv", tools.clone()), ("pip", without_uv(tools))] {
        tools.env.push(("PIP_USER".into(), "1".into()));
        tools.env.push(("PIP_TARGET".into(), elsewhere.clone().into()));
        tools.env.push(("UV_SYSTEM_PYTHON".into(), "1".into()));
        tools.env.push(("PYTHONPATH".into(), elsewhere.clone().into()));
        let venv = tools.ensure(&spec(name, &[packages(&["iniconfig==2.0.0"])]), &mut quiet()).unwrap();
        assert_eq!(installed(&venv), ["iniconfig 2.0.0"]);
        assert!(!elsewhere.exists());
    }
}

#[test]
fn list_and_prune() {
    use std::time::{Duration, SystemTime};
    let (_folder, tools) = host();
    let (old, new) = (spec("old", &[]), spec("new", &[]));
    let old_venv = tools.ensure(&old, &mut quiet()).unwrap();
    let new_venv = tools.ensure(&new, &mut quiet()).unwrap();
    let week = Duration::from_secs(7 * 24 * 3600);
    let stamp = old_venv.path.parent().unwrap().join(".used");
    std::fs::File::open(stamp).unwrap().set_modified(SystemTime::now() - week).unwrap();

    let list = tools.list();
    assert_eq!(list.iter().map(|info| info.key.as_str()).collect::<Vec<_>>(), ["old", "new"]);
    assert!(list.iter().all(|info| info.size > 1000), "{list:?}");
    let removed = tools.prune(week / 2, SystemTime::now()).unwrap();
    assert_eq!(removed.iter().map(|info| &info.path).collect::<Vec<_>>(), [&old_venv.path]);
    assert!(!old_venv.path.exists() && new_venv.path.exists());
    assert!(tools.prune(week / 2, SystemTime::now()).unwrap().is_empty());

    // Asking for it renews the stamp.
    let stamp = new_venv.path.parent().unwrap().join(".used");
    std::fs::File::open(stamp).unwrap().set_modified(SystemTime::now() - week).unwrap();
    tools.find(&new).unwrap();
    assert!(tools.prune(week / 2, SystemTime::now()).unwrap().is_empty());
}
