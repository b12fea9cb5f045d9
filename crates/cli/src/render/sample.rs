//! Events and reports for the tests of this folder.

use wharf_core::test_suite::event::Runs;
use wharf_core::test_suite::report::model::SCHEMA;
use wharf_core::test_suite::{DirReport, DirStatus, Report, Summary, TestEvent, TestReport, Verdict};

pub fn run_started(dirs: &[&str]) -> TestEvent {
    TestEvent::RunStarted { run: 17, dirs: dirs.iter().map(|dir| (*dir).to_owned()).collect(), jobs: 2 }
}

pub fn dir_started(dir: usize, count: usize) -> [TestEvent; 2] {
    let deselected = 3;
    [TestEvent::DirStarted { dir, attempt: 1, runs: Runs::Planned }, TestEvent::Collected { dir, count, deselected }]
}

pub fn started(dirs: &[&str]) -> Vec<TestEvent> {
    let mut events = vec![run_started(dirs)];
    for dir in 0..dirs.len() {
        events.extend(dir_started(dir, 10));
    }
    events
}

pub fn dir_finished(dir: usize, path: &str, passed: usize) -> TestEvent {
    let summary = Summary { passed, ..Summary::default() };
    TestEvent::DirFinished { dir, report: Box::new(DirReport { summary, ..self::dir(path, Vec::new()) }) }
}

pub fn test(id: &str, verdict: Verdict) -> TestReport {
    let bad = verdict.is_bad() || verdict == Verdict::Flaky;
    TestReport {
        id: id.into(),
        verdict,
        duration: 0.12,
        offset: 0.0,
        attempts: 1,
        file: id.split("::").next().map(Into::into),
        line: Some(14),
        phase: bad.then(|| "call".into()),
        message: bad.then(|| "AssertionError: assert 1 == 2".into()),
        longrepr: bad.then(|| "    def test_x():\n>       assert 1 == 2\nE       assert 1 == 2".into()),
        cached: false,
        sections: if bad { vec![("Captured stdout call".into(), "hello\n".into())] } else { Vec::new() },
    }
}

pub fn dir(path: &str, tests: Vec<TestReport>) -> DirReport {
    let mut summary = Summary::default();
    for test in &tests {
        summary.add(test.verdict);
    }
    DirReport {
        path: path.into(),
        name: path.into(),
        repo: ".".into(),
        image: Some(format!("{path}:local-me-0.1.0")),
        status: if summary.bad() > 0 { DirStatus::Failed } else { DirStatus::Passed },
        cause: None,
        hint: None,
        log: Some(format!("{path}.log")),
        python: None,
        pytest: None,
        waited: 0.5,
        duration: 3.5,
        exit_code: Some(0),
        summary,
        coverage: None,
        image_ready: None,
        session_started: None,
        image_id: None,
        tests,
    }
}

pub fn not_run(path: &str, cause: &str) -> DirReport {
    DirReport {
        status: DirStatus::NotRun,
        image: None,
        cause: Some(cause.into()),
        log: None,
        duration: 0.0,
        exit_code: None,
        ..dir(path, Vec::new())
    }
}

pub fn report(dirs: Vec<DirReport>) -> Report {
    let mut summary = Summary::default();
    for dir in &dirs {
        summary.merge(&dir.summary);
    }
    let fine = dirs.iter().all(|dir| matches!(dir.status, DirStatus::Passed | DirStatus::NoTests));
    Report {
        schema: SCHEMA,
        wharf: "0.1.0".into(),
        run: 17,
        workspace: "harbor".into(),
        command: "wharf test".into(),
        started: "2026-11-22T14:37:00Z".into(),
        duration: 12.4,
        engine: "docker".into(),
        exit_code: u8::from(!fine),
        interrupted: false,
        summary,
        coverage: None,
        problems: Vec::new(),
        dirs,
    }
}
