//! Reports for the tests of this folder.

use super::model::{DirReport, DirStatus, Report, SCHEMA, Summary, TestReport};
use crate::test_suite::Verdict;
use crate::test_suite::coverage::Counts;

/// A test of dir `infra` that ended with `verdict`, with the fields that go with it.
pub fn test(id: &str, verdict: Verdict) -> TestReport {
    let told = verdict != Verdict::Passed;
    let traced = verdict.is_bad() || verdict == Verdict::Flaky;
    TestReport {
        id: id.into(),
        verdict,
        duration: 0.25,
        offset: 1.5,
        attempts: if verdict == Verdict::Flaky { 2 } else { 1 },
        file: id.split("::").next().map(Into::into),
        line: Some(12),
        phase: traced.then(|| "call".into()),
        message: told.then(|| format!("it {}: 1 < 2 & \"x\"", verdict.word())),
        longrepr: traced
            .then(|| "    def test():\n>       assert 1 == 2\nE       </script> \u{1b}[31mred\u{1b}[0m".into()),
        cached: false,
        sections: if traced {
            vec![("Captured stdout call".into(), "a\u{1e}b\0 <b>é</b> ]]>\n".into())]
        } else {
            Vec::new()
        },
    }
}

/// A dir with one test of each verdict.
pub fn dir(path: &str) -> DirReport {
    let tests: Vec<_> = Verdict::ALL
        .iter()
        .enumerate()
        .map(|(index, verdict)| test(&format!("{path}/tests/test_a.py::TestX::test_{index}[a::b]"), *verdict))
        .collect();
    let mut summary = Summary { deselected: 3, ..Summary::default() };
    for test in &tests {
        summary.add(test.verdict);
    }
    DirReport {
        path: path.into(),
        name: path.replace('/', "-"),
        repo: ".".into(),
        image: Some(format!("{path}:local-me-0.1.0")),
        status: DirStatus::Failed,
        cause: None,
        hint: None,
        log: Some(format!("{path}.log")),
        python: Some("3.11.2".into()),
        pytest: Some("8.3.4".into()),
        waited: 0.5,
        duration: 4.5,
        exit_code: Some(1),
        summary,
        coverage: Some(Counts { lines: 10, lines_hit: 7, branches: 4, branches_hit: 1 }),
        image_ready: Some(0.2),
        session_started: Some(0.9),
        image_id: Some("sha256:0123".into()),
        tests,
    }
}

/// A dir whose container could not start.
pub fn dir_not_run(path: &str) -> DirReport {
    DirReport {
        status: DirStatus::NotRun,
        image: None,
        coverage: None,
        image_ready: None,
        session_started: None,
        image_id: None,
        cause: Some("engine refused the mount `data`".into()),
        hint: Some("share the folder with the engine".into()),
        log: None,
        python: None,
        pytest: None,
        duration: 0.0,
        exit_code: None,
        summary: Summary::default(),
        tests: Vec::new(),
        ..dir(path)
    }
}

/// A report with both.
pub fn report() -> Report {
    let dirs = vec![dir("infra"), dir_not_run("ml/train")];
    let mut summary = Summary::default();
    for dir in &dirs {
        summary.merge(&dir.summary);
    }
    Report {
        schema: SCHEMA,
        wharf: "0.1.0".into(),
        run: 17,
        workspace: "harbor".into(),
        command: "wharf test".into(),
        started: "2026-11-22T14:37:00Z".into(),
        duration: 5.25,
        engine: "docker".into(),
        exit_code: 1,
        interrupted: false,
        summary,
        coverage: Some(Counts { lines: 10, lines_hit: 7, branches: 4, branches_hit: 1 }),
        problems: vec!["sub-repo `secret` is not readable".into()],
        dirs,
    }
}
