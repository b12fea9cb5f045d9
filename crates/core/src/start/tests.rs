//! What is proposed for repos of several shapes.

use std::path::Path;

use super::*;

const BASE: &str = "python:3.12-slim-bookworm";
const PROJECT: &str = "[project]\nname = 'thing'\nversion = '2.1.0'\n";

fn planned(files: &[(&str, &str)]) -> Plan {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let file = dir.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    plan(&survey(dir.path(), &["old/*".into()]).unwrap(), "Harbor", &Base(BASE.into()), "2026-01-02")
}

fn proposed(files: &[(&str, &str)]) -> Vec<(String, Reason)> {
    planned(files).proposals.iter().map(|one| (one.address().to_owned(), one.reason)).collect()
}

fn text(plan: &Plan, path: &str) -> String {
    let file = plan.files.files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("{path} is planned"));
    String::from_utf8(file.bytes.clone()).unwrap()
}

#[test]
fn a_flat_project_is_the_root() {
    let plan = planned(&[("pyproject.toml", PROJECT), ("thing.py", ""), ("tests/test_a.py", ""), ("docs/conf.py", "")]);
    let paths: Vec<&str> = plan.files.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["wharf.toml", "devops/wharf.toml", "changelog.txt"]);
    assert_eq!(text(&plan, "changelog.txt"), "# harbor-2.1.0\n- 2026-01-02\n- First version with Wharf\n");
    assert!(text(&plan, "wharf.toml").ends_with("name = \"Harbor\"\n"));
    assert_eq!(plan.proposals[0].saw, ["project `thing`", "pyproject.toml", "2 Python files", "1 test file"]);
}

#[test]
fn each_project_is_a_dir_and_the_rest_is_the_roots() {
    let projects = [
        ("a/pyproject.toml", PROJECT),
        ("a/src/a/__init__.py", ""),
        ("libs/b/setup.py", ""),
        ("libs/b/b.py", ""),
        ("c/requirements.txt", ""),
        ("c/run.py", ""),
        ("pyproject.toml", "[tool.ruff]\n"),
    ];
    let dirs = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), Reason::Project)).collect::<Vec<_>>();
    assert_eq!(proposed(&projects), dirs(&["a", "c", "libs/b"]));
    let with_tests = [&projects[..], &[("tests/test_all.py", "")]].concat();
    assert_eq!(proposed(&with_tests)[0], (".".into(), Reason::Rest));
    let of_a = [&projects[..], &[("a/tests/test_a.py", "")]].concat();
    assert_eq!(proposed(&of_a).len(), 3);
}

#[test]
fn a_workspace_without_code_of_its_own_is_left_out() {
    let plan = planned(&[
        ("pyproject.toml", "[tool.uv.workspace]\nmembers = ['packages/*']\n"),
        ("uv.lock", ""),
        ("packages/one/pyproject.toml", PROJECT),
        ("packages/one/one.py", ""),
        ("examples/two/pyproject.toml", PROJECT),
        ("examples/two/two.py", ""),
        ("docs/requirements.txt", "sphinx"),
        ("old/three/pyproject.toml", PROJECT),
        ("old/three/three.py", ""),
    ]);
    assert_eq!(plan.proposals.len(), 1);
    let left: Vec<&str> = plan.left_out.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(left, ["", "examples/two"]);
}

#[test]
fn scripts_with_tests_are_dirs() {
    let root = [("job.py", ""), ("tests/test_job.py", ""), ("tests/tools.py", "")];
    assert_eq!(proposed(&root), [(".".into(), Reason::Rest)]);
    let two = [("x/x.py", ""), ("x/tests/test_x.py", ""), ("y/y.py", ""), ("y/test_y.py", "")];
    assert_eq!(proposed(&two), [("x".into(), Reason::Scripts), ("y".into(), Reason::Scripts)]);
    assert_eq!(proposed(&[("job.py", "")]), [(".".into(), Reason::Rest)]);
    assert_eq!(proposed(&[("README.md", "")]), [(".".into(), Reason::Empty)]);
}

#[test]
fn what_is_there_stays() {
    let files = [
        ("wharf.toml", ""),
        ("a/pyproject.toml", PROJECT),
        ("a/a.py", ""),
        ("a/devops/wharf.toml", ""),
        ("b/pyproject.toml", PROJECT),
        ("b/b.py", ""),
        ("b/changelog.txt", "mine"),
    ];
    let plan = planned(&files);
    assert_eq!(plan.present, ["a"]);
    let paths: Vec<&str> = plan.files.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["b/devops/wharf.toml"]);
}

#[test]
fn a_second_plan_is_empty() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("job.py"), "").unwrap();
    let again = |root: &Path| plan(&survey(root, &[]).unwrap(), "h", &Base(BASE.into()), "2026-01-02");
    again(dir.path()).files.apply().unwrap();
    assert_eq!(again(dir.path()).files.files, []);
}

#[test]
fn states_what_is_not_the_default() {
    let python = "[project]\nname = 'x'\nrequires-python = '>=3.8,<3.11'\n";
    let plan = planned(&[("pyproject.toml", python), ("x.py", "")]);
    let config: toml::Table = toml::from_str(&text(&plan, "devops/wharf.toml")).unwrap();
    assert_eq!(config["image"]["base"].as_str(), Some("python:3.10-slim-bookworm"));
    assert_eq!(config["python"]["version"].as_str(), Some("3.10"));

    let plan = planned(&[("setup.py", ""), ("src/x/__init__.py", ""), ("tests/test_x.py", "")]);
    let config: toml::Table = toml::from_str(&text(&plan, "devops/wharf.toml")).unwrap();
    assert_eq!(config["test"]["args"][1].as_str(), Some("pythonpath=src"));

    let never = planned(&[("pyproject.toml", "[project]\nname='x'\nrequires-python='<3'\n"), ("x.py", "")]);
    assert!(never.warnings[0].contains("asks for <3"), "{:?}", never.warnings);
}

#[test]
fn a_project_that_cannot_be_read_is_named() {
    let plan =
        planned(&[("a/pyproject.toml", "[project\n"), ("a/a.py", ""), ("b/pyproject.toml", PROJECT), ("b/b.py", "")]);
    assert_eq!(plan.proposals.len(), 1);
    assert_eq!(plan.left_out[0].path, "a");
}
