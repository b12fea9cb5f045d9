//! `junit.xml`: the report as CI servers read it.
//!
//! One `<testsuite>` a runnable dir. The dialect is that of Jenkins' `junit-10.xsd`, which GitLab's and GitHub's
//! viewers read too: `failure`, `error` and `skipped` elements, `flakyFailure` and `rerunFailure` for tests that
//! were tried again, `file` and `line` attributes. Owns names and escaping; refuses to leave out a dir that never
//! ran: it gets one case with an error, so that no viewer shows it green.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use quick_junit::{
    FlakyOrRerun, NonSuccessKind, Property, SerializeError, TestCase, TestCaseStatus, TestRerun, TestSuite,
};

use super::model::{DirReport, DirStatus, Report, TestReport};
use super::text::{clean, one_line};
use crate::test_suite::Verdict;

/// Writes `report` as JUnit XML.
///
/// # Errors
/// What `out` says.
pub fn write(report: &Report, mut out: impl Write) -> io::Result<()> {
    let mut whole = quick_junit::Report::new(clean(&report.workspace));
    whole.timestamp = report.started.parse().ok();
    whole.set_time(seconds(report.duration));
    report.dirs.iter().for_each(|dir| count(&mut whole, dir));
    // A suite as a tree is many times its tests' size, so each is made, written and dropped before the next.
    let frame = whole.to_string().map_err(system_error)?;
    let (head, tail) = frame.split_at(frame.rfind(CLOSING).unwrap_or(frame.len()));
    out.write_all(head.trim_end().as_bytes())?;
    out.write_all(b"\n")?;
    for dir in &report.dirs {
        let mut alone = quick_junit::Report::new("");
        alone.add_test_suite(suite(report, dir));
        let text = alone.to_string().map_err(system_error)?;
        let from = text.find("    <testsuite ").unwrap_or(0);
        let to = text.rfind(CLOSING).unwrap_or(text.len());
        out.write_all(&text.as_bytes()[from..to])?;
    }
    out.write_all(tail.as_bytes())
}

/// Adds the dir's cases to the sums, which stand before them.
fn count(whole: &mut quick_junit::Report, dir: &DirReport) {
    for test in &dir.tests {
        match test.verdict {
            Verdict::Passed | Verdict::Xpassed | Verdict::Flaky => {}
            Verdict::Skipped | Verdict::Xfailed => whole.skipped += 1,
            Verdict::Failed => whole.failures += 1,
            Verdict::Error | Verdict::TimedOut | Verdict::Crashed | Verdict::NotRun => whole.errors += 1,
        }
    }
    let own = usize::from(case_of_dir(dir).is_some());
    whole.tests += dir.tests.len() + own;
    whole.errors += own;
}

const CLOSING: &str = "</testsuites>";

/// What the system said, where it is somewhere in the chain of causes: `No space left on device` tells more than that
/// something could not be serialized.
fn system_error(error: SerializeError) -> io::Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(inner) = cause {
        let shared = inner.downcast_ref::<Arc<io::Error>>().map(AsRef::as_ref);
        let said = inner.downcast_ref::<io::Error>().or(shared);
        if let Some(code) = said.and_then(io::Error::raw_os_error) {
            return io::Error::from_raw_os_error(code);
        }
        cause = inner.source();
    }
    io::Error::other(error)
}

fn suite(report: &Report, dir: &DirReport) -> TestSuite {
    let mut suite = TestSuite::new(clean(&dir.path));
    suite.set_time(seconds(dir.duration));
    suite.timestamp = started(report, dir).and_then(|at| at.to_string().parse().ok());
    let properties = [
        ("engine", Some(&report.engine)),
        ("image", dir.image.as_ref()),
        ("python", dir.python.as_ref()),
        ("pytest", dir.pytest.as_ref()),
        ("log", dir.log.as_ref()),
    ];
    for (name, value) in properties {
        if let Some(value) = value {
            suite.add_property(Property::new(name, clean(value)));
        }
    }
    for test in &dir.tests {
        suite.add_test_case(case(test));
    }
    suite.add_test_cases(case_of_dir(dir));
    suite
}

fn started(report: &Report, dir: &DirReport) -> Option<jiff::Timestamp> {
    let start: jiff::Timestamp = report.started.parse().ok()?;
    start.checked_add(seconds(dir.waited)).ok()
}

/// The case that stands for a dir which went wrong while no test of it did.
fn case_of_dir(dir: &DirReport) -> Option<TestCase> {
    let kind = match dir.status {
        DirStatus::NotRun => "not-run",
        DirStatus::Crashed => "crashed",
        DirStatus::Interrupted => "interrupted",
        DirStatus::Passed | DirStatus::Failed | DirStatus::NoTests => return None,
    };
    if dir.summary.bad() > 0 {
        return None;
    }
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type(kind);
    status.set_message(one_line(dir.cause.as_deref().unwrap_or("the container did not end as it should")));
    if let Some(hint) = &dir.hint {
        status.set_description(format!("hint: {}", clean(hint)));
    }
    let mut case = TestCase::new("container", status);
    case.set_classname(dotted(&dir.path));
    case.set_time(Duration::ZERO);
    Some(case)
}

fn case(test: &TestReport) -> TestCase {
    let (classname, name) = names(test);
    let mut case = TestCase::new(clean(&name), status(test));
    case.set_classname(clean(&classname));
    case.set_time(seconds(test.duration));
    if let Some(file) = &test.file {
        case.extra.insert("file".into(), clean(file).into());
    }
    if test.cached {
        case.add_property(Property::new("cached", "true"));
    }
    if let Some(line) = test.line {
        case.extra.insert("line".into(), line.to_string().into());
    }
    if !test.sections.is_empty() {
        let mut text = String::new();
        for (title, captured) in &test.sections {
            text.push_str(&format!("--- {} ---\n{}", clean(title), clean(captured)));
            if !text.ends_with('\n') {
                text.push('\n');
            }
        }
        case.set_system_out(expand_tabs(&text));
    }
    case
}

fn status(test: &TestReport) -> TestCaseStatus {
    let kind = match test.verdict {
        Verdict::Passed | Verdict::Xpassed => return TestCaseStatus::success(),
        Verdict::Flaky => return flaky(test),
        Verdict::Skipped | Verdict::Xfailed => {
            let mut status = TestCaseStatus::skipped();
            // The types are those of pytest's own junitxml.
            status.set_type(if test.verdict == Verdict::Skipped { "pytest.skip" } else { "pytest.xfail" });
            if let Some(message) = &test.message {
                status.set_message(one_line(message));
            }
            return status;
        }
        Verdict::Failed => NonSuccessKind::Failure,
        Verdict::Error | Verdict::TimedOut | Verdict::Crashed | Verdict::NotRun => NonSuccessKind::Error,
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(type_of(test));
    status.set_message(message_of(test));
    if let Some(longrepr) = &test.longrepr {
        status.set_description(expand_tabs(&clean(longrepr)));
    }
    for attempt in 1..test.attempts {
        let mut rerun = TestRerun::new(kind);
        rerun.set_type(type_of(test));
        rerun.set_message(format!("attempt {attempt} of {} did not pass", test.attempts));
        status.add_rerun(rerun);
    }
    status.set_rerun_kind(FlakyOrRerun::Rerun);
    status
}

/// A success with a record for each attempt before it; what is known of the failure goes to the last of them.
fn flaky(test: &TestReport) -> TestCaseStatus {
    let mut status = TestCaseStatus::success();
    let failed = test.attempts.saturating_sub(1).max(1);
    for attempt in 1..=failed {
        let mut rerun = TestRerun::new(NonSuccessKind::Failure);
        rerun.set_type(type_of(test));
        if attempt == failed {
            rerun.set_message(message_of(test));
            if let Some(longrepr) = &test.longrepr {
                rerun.set_stack_trace(expand_tabs(&clean(longrepr)));
            }
        } else {
            rerun.set_message(format!("attempt {attempt} of {} did not pass", test.attempts));
        }
        status.add_rerun(rerun);
    }
    status
}

fn message_of(test: &TestReport) -> String {
    test.message.as_deref().map_or_else(|| test.verdict.word().to_owned(), one_line)
}

/// The exception's class where the message begins with one, else the verdict.
fn type_of(test: &TestReport) -> String {
    let verdict = match test.verdict {
        Verdict::TimedOut => "timed-out",
        Verdict::Crashed => "crashed",
        Verdict::NotRun => "not-run",
        _ => {
            let head = test.message.as_deref().and_then(|text| text.split(':').next());
            let is_name = |text: &&str| {
                let named = text.chars().all(|c| c.is_alphanumeric() || c == '.' || c == '_');
                named && text.rsplit('.').next().is_some_and(|last| last.starts_with(char::is_uppercase))
            };
            return head.filter(is_name).unwrap_or(test.verdict.word()).to_owned();
        }
    };
    verdict.to_owned()
}

/// Class name and name of a test, as pytest's own junitxml has them, but from the workspace's root:
/// `infra.tests.test_a.TestX` and `test_one[x]`.
fn names(test: &TestReport) -> (String, String) {
    let of_file = test.file.as_deref().and_then(|file| {
        let rest = test.id.strip_prefix(file)?.strip_prefix("::")?;
        Some((file, rest))
    });
    let Some((file, rest)) = of_file.or_else(|| test.id.split_once("::")) else {
        // A file that could not be collected.
        let name = test.id.rsplit('/').next().unwrap_or(&test.id);
        return (dotted(&test.id), name.to_owned());
    };
    // Parameters may hold `::` too.
    let (head, parameters) = rest.split_at(rest.find('[').unwrap_or(rest.len()));
    let mut classname = dotted(file);
    let function = match head.rsplit_once("::") {
        Some((classes, function)) => {
            classname.push('.');
            classname.push_str(&classes.replace("::", "."));
            function
        }
        None => head,
    };
    (classname, format!("{function}{parameters}"))
}

fn dotted(path: &str) -> String {
    path.strip_suffix(".py").unwrap_or(path).replace('/', ".")
}

/// quick-junit drops tabs together with terminal sequences; a traceback without its indentation is of no use.
fn expand_tabs(text: &str) -> String {
    text.replace('\t', "    ")
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::super::sample;
    use super::*;

    fn xml(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn names_follow_pytests_own() {
        let names_of = |id: &str, file: Option<&str>| {
            let mut test = sample::test(id, Verdict::Passed);
            test.file = file.map(Into::into);
            names(&test)
        };
        let pair = |class: &str, name: &str| (class.to_owned(), name.to_owned());
        assert_eq!(
            names_of("infra/tests/test_a.py::TestX::test_one[a::b]", Some("infra/tests/test_a.py")),
            pair("infra.tests.test_a.TestX", "test_one[a::b]")
        );
        assert_eq!(names_of("test_a.py::test_one", None), pair("test_a", "test_one"));
        assert_eq!(names_of("a/[x]/test_a.py::A::B::test_[y]", None), pair("a.[x].test_a.A.B", "test_[y]"));
        assert_eq!(names_of("infra/test_bad.py", Some("infra/test_bad.py")), pair("infra.test_bad", "test_bad.py"));
    }

    #[test]
    fn counts_and_elements_are_those_of_the_report() {
        let report = sample::report();
        let parsed = quick_junit::Report::deserialize_from_str(&xml(&report)).unwrap();
        assert_eq!(parsed.name.as_deref(), Some("harbor"));
        let suites = &parsed.test_suites;
        assert_eq!(suites.len(), 2);
        // failed; error, timed out, crashed, not run; skipped, xfailed
        assert_eq!((suites[0].tests, suites[0].failures, suites[0].errors, suites[0].skipped), (10, 1, 4, 2));
        assert_eq!((suites[1].tests, suites[1].errors), (1, 1));
        let TestCaseStatus::Success { flaky_runs } = &suites[0].test_cases[1].status else {
            panic!("flaky is a success");
        };
        assert_eq!(flaky_runs.len(), 1);
        assert!(flaky_runs[0].stack_trace.as_ref().unwrap().contains("assert 1 == 2"));
    }

    #[test]
    fn another_parser_reads_it_and_control_bytes_are_gone() {
        let script = "import sys, xml.etree.ElementTree as E\n\
            root = E.fromstring(sys.stdin.buffer.read())\n\
            for case in root.iter('testcase'):\n\
            \x20   child = next((c for c in case if c.tag != 'system-out'), None)\n\
            \x20   print(case.get('classname'), case.get('name'), case.get('file'), case.get('line'), \
            case.get('time'), *([child.tag, child.get('type')] if child is not None else []))\n\
            print(ascii(next(root.iter('system-out')).text))\n";
        let mut python =
            Command::new("python3").args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let text = xml(&sample::report());
        python.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = python.wait_with_output().unwrap();
        assert!(output.status.success());
        let case = |index: usize, rest: &str| {
            format!("infra.tests.test_a.TestX test_{index}[a::b] infra/tests/test_a.py 12 0.250{rest}\n")
        };
        let expected = [
            case(0, ""),
            case(1, " flakyFailure flaky"),
            case(2, " skipped pytest.skip"),
            case(3, " skipped pytest.xfail"),
            case(4, ""),
            case(5, " failure failed"),
            case(6, " error error"),
            case(7, " error timed-out"),
            case(8, " error crashed"),
            case(9, " error not-run"),
            "ml.train container None None 0.000 error not-run\n".to_owned(),
            "'--- Captured stdout call ---\\na\\ufffdb\\ufffd <b>\\xe9</b> ]]>\\n'\n".to_owned(),
        ];
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected.concat());
    }

    #[test]
    fn a_class_of_exception_is_the_type() {
        let mut test = sample::test("a.py::t", Verdict::Failed);
        for (message, expected) in [
            ("AssertionError: x", "AssertionError"),
            ("json.decoder.JSONDecodeError: Expecting", "json.decoder.JSONDecodeError"),
            ("assert 1 == 2", "failed"),
            ("", "failed"),
        ] {
            test.message = Some(message.into());
            assert_eq!(type_of(&test), expected);
        }
    }
}
