//! Published projects: `wharf test` gives, test by test, the verdicts of plain pytest run by hand, on every engine.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use wharf_testkit::{EngineKind, RealProject, Repo, Sandbox, base_image, engines, real_repo, target_dir};

use crate::testing::{Report, wharf_test};

/// How often a test, by class and name as pytest's JUnit XML has them, got a verdict.
type Verdicts = BTreeMap<(String, String, String), usize>;

/// Makes an environment from pinned requirements where there is none yet and runs plain pytest in it. Its arguments: the Python,
/// the environment, the project, what goes on the import path, the JUnit XML, the requirements.
const BY_HAND: &str = r#"
set -e
python=$1 venv=$2 dir=$3 path=$4 xml=$5
shift 5
if ! test -e "$venv/complete"; then
    rm -rf "$venv"
    "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@" >&2
    touch "$venv/complete"
fi
cd "$dir"
code=0
PYTHONPATH="$dir/$path" "$venv/bin/python" -m pytest -q -p no:cacheprovider --junitxml="$xml" >&2 || code=$?
test "$code" -le 1
"#;

/// Lines of class, name and verdict out of a JUnit XML of pytest's.
const READ_JUNIT: &str = r#"
import sys, xml.etree.ElementTree as tree
for case in tree.parse(sys.argv[1]).getroot().iter("testcase"):
    verdict = "passed"
    for child in case:
        if child.tag == "skipped":
            verdict = "xfailed" if child.get("type") == "pytest.xfail" else "skipped"
        elif child.tag in ("failure", "error"):
            verdict = {"failure": "failed", "error": "error"}[child.tag]
    print(case.get("classname"), case.get("name"), verdict, sep="\t")
"#;

#[test]
fn every_test_has_the_verdict_of_plain_pytest() {
    let sandbox = Sandbox::new();
    let (repo, projects) = real_repo(&sandbox);
    let mut by_hand: BTreeMap<(String, String), Verdicts> = BTreeMap::new();
    for (number, engine) in (1..).zip(engines()) {
        let output = wharf_test(&sandbox, &repo, engine, &[]).deadline(Duration::from_secs(400)).run();
        assert!(matches!(output.code, Some(0 | 1)), "{}", output.told());
        let report = Report::of_run(&repo, number);
        assert_eq!(report.dirs().len(), projects.len());
        for project in &projects {
            let python = report.dir(&project.path)["python"].as_str().expect("its tests ran").to_owned();
            let minor = python.rsplit_once('.').expect("a version has three parts").0.to_owned();
            let expected = by_hand
                .entry((project.path.clone(), minor.clone()))
                .or_insert_with(|| plain_pytest(&sandbox, &repo, project, &minor));
            let found = of_report(&report, &project.path);
            assert!(found.values().sum::<usize>() > 30, "{engine} {}: {found:?}", project.path);
            let missing: Vec<_> = expected.iter().filter(|(key, count)| found.get(*key) != Some(count)).collect();
            let surplus: Vec<_> = found.iter().filter(|(key, count)| expected.get(*key) != Some(count)).collect();
            assert!(
                missing.is_empty() && surplus.is_empty(),
                "{engine} {}: by hand {missing:#?}, with wharf {surplus:#?}",
                project.path
            );
        }
    }
}

fn plain_pytest(sandbox: &Sandbox, repo: &Repo, project: &RealProject, minor: &str) -> Verdicts {
    let python = format!("python{minor}");
    let on_host = sandbox.command("sh").args(["-c", &format!("{python} -c 'import venv, ensurepip'")]).run();
    let on_host = on_host.code == Some(0);
    let name = format!("{}-{minor}-{}", project.name, if on_host { "host" } else { "container" });
    let venv = target_dir().join("test-cache/by-hand").join(name);
    fs_err::create_dir_all(venv.parent().expect("it was joined")).expect("the target folder is writable");
    let xml = sandbox.path().join(format!("{}-{minor}.xml", project.name));
    let mut words = vec!["sh".to_owned(), "-c".into(), BY_HAND.into(), "sh".into()];
    words.push(if on_host { python } else { "python3".into() });
    let paths = [&venv, &repo.join(&project.path), &project.pythonpath, &xml];
    words.extend(paths.map(|path| path.display().to_string()));
    words.extend(project.requirements.iter().cloned());
    if !on_host {
        words = in_container(sandbox, &words, &[&sandbox.path(), &target_dir()]);
    }
    let output = sandbox.command(&words[0]).args(&words[1..]).deadline(Duration::from_secs(300)).run();
    output.assert_code(0);
    let lines = sandbox.command("python3").args(["-c", READ_JUNIT]).arg(&xml).run();
    lines.assert_code(0);
    let mut verdicts = Verdicts::new();
    for line in lines.stdout.lines() {
        let parts: Vec<&str> = line.split('\t').collect();
        let [class, name, verdict] = parts[..] else { panic!("{line:?} has three parts") };
        *verdicts.entry((class.to_owned(), name.to_owned(), verdict.to_owned())).or_default() += 1;
    }
    verdicts
}

/// The same words for a plain container, for machines that lack the images' version of Python.
fn in_container(sandbox: &Sandbox, words: &[String], folders: &[&Path]) -> Vec<String> {
    let mut command = vec![EngineKind::Docker.name().to_owned(), "run".into(), "--rm".into(), "--network=host".into()];
    for folder in folders {
        command.extend(["-v".to_owned(), format!("{0}:{0}", folder.display())]);
    }
    for (name, value) in sandbox.variables() {
        let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
        if ["SSL_CERT_FILE", "PIP_CERT"].contains(&name.as_ref()) {
            command.extend(["-v".to_owned(), format!("{value}:{value}:ro")]);
        }
        if ["SSL_CERT_FILE", "PIP_CERT", "PIP_INDEX_URL", "HTTPS_PROXY"].contains(&name.as_ref()) {
            command.extend(["-e".to_owned(), format!("{name}={value}")]);
        }
    }
    command.push(base_image());
    command.extend(words.iter().cloned());
    command
}

/// A report's verdicts under the names that pytest's JUnit XML gives tests.
fn of_report(report: &Report, dir: &str) -> Verdicts {
    let mut verdicts = Verdicts::new();
    for (id, verdict) in report.verdicts(dir) {
        let (path, parameters) = id.split_at(id.find('[').unwrap_or(id.len()));
        let mut names: Vec<String> = path.split("::").map(str::to_owned).collect();
        names[0] = names[0].strip_suffix(".py").unwrap_or(&names[0]).replace('/', ".");
        let name = names.pop().unwrap_or_default() + parameters;
        // For pytest's JUnit XML, what passes unexpectedly passes.
        let verdict = if verdict == "xpassed" { "passed".to_owned() } else { verdict };
        *verdicts.entry((names.join("."), name, verdict)).or_default() += 1;
    }
    verdicts
}

/// What both sides of the comparison name is what is compared: this fails where the naming itself is wrong.
#[test]
fn ids_become_the_names_of_junit() {
    let tests = [("a/tests/test_x.py::TestA::test_b[x::y/z.py]", "passed"), ("a/test_y.py", "error")];
    let tests: Vec<_> = tests.iter().map(|(id, verdict)| serde_json::json!({ "id": id, "verdict": verdict })).collect();
    let report = Report(serde_json::json!({ "dirs": [{ "path": "a", "tests": tests }] }));
    let names: Vec<_> = of_report(&report, "a").into_keys().map(|(class, name, _)| (class, name)).collect();
    let expected = [("", "test_y"), ("tests.test_x.TestA", "test_b[x::y/z.py]")];
    assert_eq!(names, expected.map(|(class, name)| (class.to_owned(), name.to_owned())));
}
