//! `wharf test --coverage`: measured in each dir, merged over all, written for people and for CI.

use wharf_testkit::{EngineKind, Repo, Sandbox, sample};

use crate::testing::{Report, wharf, wharf_test};

const PYTEST_AND_COVERAGE: &str = "pytest==8.3.4\ncoverage==7.6.1\n";

/// `alpha` measures branches and has a child process; `beta` runs code of `alpha`, by another version of the same tool through
/// pytest-cov and xdist; `gamma` has nothing to measure with.
fn repo(sandbox: &Sandbox, toml: &str) -> Repo {
    let code = "def choose(x):\n    if x:\n        return 1\n    return 2\n\ndef never():\n    return 3\n";
    sample::workspace(sandbox)
        .toml(toml)
        .dir("alpha", |dir| {
            dir.requirements(PYTEST_AND_COVERAGE)
                .file("alpha.py", code)
                .file("unused.py", "x = 1\ny = 2\n")
                .file(".coveragerc", "[run]\nbranch = true\nomit = test_*\n")
                .test("test_a.py", "import alpha\n\ndef test_one(): assert alpha.choose(1) == 1\n")
        })
        .dir("beta", |dir| {
            dir.requirements("pytest==8.3.4\npytest-cov==6.0.0\npytest-xdist==3.6.1\ncoverage==7.6.9\n")
                .file("pytest.ini", "[pytest]\naddopts = -n 2 --cov=. --cov=../alpha --cov-report=\n")
                .file(".coveragerc", "[run]\nomit = test_*\n")
                .file("beta.py", "def two(): return 2\n\ndef three(): return 3\n")
                .test("test_b.py", "import sys; sys.path.insert(0, '../alpha')\nimport alpha, beta\n\ndef test_two(): assert alpha.choose(0) == beta.two()\n\ndef test_three(): assert beta.three() == 3\n")
        })
        .dir("gamma", |dir| dir.file("gamma.py", "z = 1\n").test("test_c.py", "import gamma\n\ndef test_z(): assert gamma.z\n"))
        .build()
}

#[test]
fn dirs_are_merged_and_a_dir_without_the_tool_is_named() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox, "[test]\ncoverage-min = 60\n");
    let output = wharf_test(&sandbox, &repo, EngineKind::Host, &["--coverage"]).run();
    output.assert_code(0);
    let advice = "no coverage of `gamma`: `coverage` is not installed in its image; add `coverage` to the development requirements of `gamma`";
    output.stdout_contains(advice).stdout_contains("coverage of").stdout_contains(".wharf/runs/1/coverage/index.html");

    let report = Report::of_run(&repo, 1);
    // `choose` ran both ways, once in each dir; `never` and `unused.py` did not.
    let alpha = &report.dir("alpha")["coverage"];
    assert_eq!((&alpha["lines"], &alpha["lines_hit"]), (&8.into(), &5.into()), "{alpha}");
    assert_eq!(alpha["branches"], 2, "{alpha}");
    let beta = &report.dir("beta")["coverage"];
    assert_eq!((&beta["lines"], &beta["lines_hit"]), (&2.into(), &2.into()), "{beta}");
    assert!(report.dir("gamma")["coverage"].is_null());

    let folder = repo.join(".wharf/runs/1");
    let xml = fs_err::read_to_string(folder.join("coverage.xml")).unwrap();
    for part in [
        "filename=\"alpha/alpha.py\"",
        "<package name=\"beta\"",
        "<line number=\"7\" hits=\"0\"/>",
        "lines-valid=\"10\"",
    ] {
        assert!(xml.contains(part), "{part} is not in {xml}");
    }
    let parse = "import sys, xml.etree.ElementTree as tree\nprint(len(tree.parse(sys.argv[1]).findall('.//class')))";
    let parsed = sandbox.command("python3").args(["-c", parse]).arg(folder.join("coverage.xml")).run();
    assert_eq!(parsed.stdout.trim(), "3", "{}", parsed.stderr);
    let alone: serde_json::Value =
        serde_json::from_str(&fs_err::read_to_string(folder.join("coverage/alpha.json")).unwrap()).unwrap();
    assert_eq!(alone["tool"], "coverage 7.6.1");
    assert_eq!(alone["files"]["alpha/alpha.py"]["missed"], "4,7");
    let index = fs_err::read_to_string(folder.join("coverage/index.html")).unwrap();
    assert!(index.contains("alpha-unused-py") && index.contains("gamma"), "{index}");
    assert!(fs_err::read_to_string(folder.join("report.html")).unwrap().contains("coverage 66.7 %</a>"));
}

#[test]
fn limits_and_strictness_are_exit_codes_and_forms_are_chosen() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox, "");
    let measured = |arguments: &[&str]| wharf_test(&sandbox, &repo, EngineKind::Host, arguments).run();
    let output = measured(&["--coverage=xml", "--strict", "--dir", "gamma"]);
    output.assert_code(4).stdout_contains("no coverage of `gamma`").stdout_contains("coverage: nothing was measured\n");
    assert!(
        repo.join(".wharf/runs/1/coverage.xml").is_file() && !repo.join(".wharf/runs/1/coverage/index.html").exists()
    );

    assert!(Report::of_run(&repo, 1).0.get("coverage").is_none());

    repo.write("alpha/devops/wharf.toml", "[test]\ncoverage-min = 90\n");
    let output = measured(&["--coverage=term", "--dir", "alpha"]);
    output.assert_code(1).stdout_contains("coverage of `alpha` is 50.0 %, below `coverage-min` of 90 %");
    assert!(!repo.join(".wharf/runs/2/coverage.xml").exists());

    // What is not asked for is not measured, and nothing of it is said.
    let output = measured(&["--dir", "alpha"]);
    output.assert_code(0).stdout_lacks("coverage");
    assert!(Report::of_run(&repo, 3).0.get("coverage").is_none());
    wharf(&sandbox, &repo).args(["test", "--coverage=svg"]).run().assert_code(2);
}

#[test]
fn it_comes_out_of_a_container_without_a_place_to_write_to() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox)
        .dir("alpha", |dir| {
            dir.requirements(PYTEST_AND_COVERAGE).file("alpha.py", "def f():\n    return 1\n").test(
                "test_a.py",
                "import alpha, os\n\ndef test_one(): assert alpha.f()\n\ndef test_two(): os._exit(3)\n",
            )
        })
        .build();
    let output = wharf_test(&sandbox, &repo, EngineKind::Docker, &["--coverage=xml"]).run();
    output.assert_code(1).stdout_contains("coverage of `alpha` lacks what ran in a process that died");
    let output = wharf_test(&sandbox, &repo, EngineKind::Docker, &["--coverage=xml", "-k", "one"]).run();
    output.assert_code(0).stdout_lacks("lacks");
    let report = Report::of_run(&repo, 2);
    assert_eq!(report.dir("alpha")["coverage"]["lines_hit"], 5, "{}", report.dir("alpha"));
    assert!(repo.git(&["status", "--short"]).is_empty(), "nothing is left in the work tree");
}
