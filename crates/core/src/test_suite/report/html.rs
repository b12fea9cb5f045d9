//! `report.html`: the report for people, one file that needs no network.
//!
//! The page's frame (summary, table of dirs, timeline) is rendered here from `report.html.j2`; tests go in as compact
//! JSON and are rendered by the page's own script when they are looked at, so that 20,000 of them open quickly.
//! Owns what is shown and how much of it; refuses to hold everything: long texts are cut and point to the log.

use std::collections::HashMap;
use std::io::{self, Write};

use minijinja::{Environment, Value, context};
use serde_json::json;

use super::model::{DirReport, DirStatus, Report, TestReport};
use super::text::{clean, shorten};
use crate::test_suite::Verdict;
use crate::test_suite::coverage::{FOLDER, INDEX_FILE};

const TEMPLATE: &str = include_str!("report.html.j2");
const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// The order of columns and filters: what asks for attention comes before what does not.
const COLUMNS: [Verdict; 10] = [
    Verdict::Passed,
    Verdict::Failed,
    Verdict::Error,
    Verdict::TimedOut,
    Verdict::Crashed,
    Verdict::NotRun,
    Verdict::Flaky,
    Verdict::Xpassed,
    Verdict::Xfailed,
    Verdict::Skipped,
];

/// Bytes of one traceback or captured text that are shown; the log has all of it.
const TEXT_LIMIT: usize = 24 * 1024;
/// Bytes of all of them together; after that, tests show only their message.
const TEXT_BUDGET: usize = 2 * 1024 * 1024;

/// What lies beside the page and can be linked to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside {
    /// Pages of coverage.
    pub coverage: bool,
}

/// Writes `report` as one self-contained HTML page.
///
/// # Errors
/// What `out` says.
pub fn write(report: &Report, beside: Beside, out: impl Write) -> io::Result<()> {
    let mut environment = Environment::new();
    environment.add_template("report.html", TEMPLATE).map_err(io::Error::other)?;
    let template = environment.get_template("report.html").map_err(io::Error::other)?;
    template.render_captured_to(page(report, beside), out).map_err(to_io)?;
    Ok(())
}

/// The writer's own error where there is one: a full disk must stay recognizable.
fn to_io(error: minijinja::Error) -> io::Error {
    let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<io::Error>());
    match source {
        Some(source) => source.raw_os_error().map_or_else(|| source.kind().into(), io::Error::from_raw_os_error),
        None => io::Error::other(error),
    }
}

fn page(report: &Report, beside: Beside) -> Value {
    let end = report.dirs.iter().map(|dir| dir.waited + dir.duration).fold(report.duration, f64::max).max(0.001);
    let columns: Vec<_> = COLUMNS
        .into_iter()
        .filter(|verdict| *verdict == Verdict::Passed || report.summary.count(*verdict) > 0)
        .collect();
    let counts: Vec<_> = columns.iter().map(|verdict| count(*verdict, report.summary.count(*verdict))).collect();
    let dirs: Vec<_> = report.dirs.iter().map(|dir| row(dir, &columns)).collect();
    let lanes: Vec<_> = (0..).zip(&report.dirs).filter_map(|(index, dir)| lane(index, dir, end)).collect();
    let ticks: Vec<_> = (0..=4).map(|quarter| seconds(end * f64::from(quarter) / 4.0)).collect();
    context! {
        report => context! {
            workspace => tidy(&report.workspace),
            run => report.run,
            command => tidy(&report.command),
            engine => tidy(&report.engine),
            wharf => tidy(&report.wharf),
            started => tidy(&report.started),
            seconds => seconds(report.duration),
            problems => report.problems.iter().map(|text| tidy(text)).collect::<Vec<_>>(),
            deselected => report.summary.deselected,
            cached => report.summary.cached,
            coverage => report.coverage.map(|counts| counts.shown()),
        },
        coverage_href => beside.coverage.then(|| format!("./{FOLDER}/{INDEX_FILE}")),
        lanes,
        ticks,
        end,
        state => if report.interrupted { "interrupted" } else if report.exit_code == 0 { "ok" } else { "bad" },
        headline => headline(report),
        counts,
        dirs,
        style => Value::from_safe_string(STYLE.to_owned()),
        script => Value::from_safe_string(SCRIPT.to_owned()),
        data => Value::from_safe_string(data(report)),
    }
}

fn headline(report: &Report) -> String {
    let tests = report.summary.total();
    let bad = report.summary.bad();
    let stuck = report.dirs.iter().filter(|dir| went_wrong(dir)).count();
    let dirs = if stuck == 1 { "dir" } else { "dirs" };
    match (report.interrupted, bad, stuck) {
        (true, _, _) => format!("Interrupted after {}", seconds(report.duration)),
        (_, 0, 0) if tests == 0 => "No tests".into(),
        (_, 0, 0) if report.exit_code != 0 => "Failed".into(),
        (_, 0, 0) if tests == 1 => "The one test passed".into(),
        (_, 0, 0) => format!("All {tests} tests are fine"),
        (_, 0, stuck) => format!("{stuck} {dirs} did not run to the end"),
        (_, bad, 0) => format!("{bad} of {tests} tests did not pass"),
        (_, bad, stuck) => {
            format!("{bad} of {tests} tests did not pass, {stuck} {dirs} did not run to the end")
        }
    }
}

fn went_wrong(dir: &DirReport) -> bool {
    matches!(dir.status, DirStatus::NotRun | DirStatus::Crashed | DirStatus::Interrupted)
}

fn count(verdict: Verdict, count: usize) -> Value {
    context! { word => verdict.word(), class => class(verdict), count, index => index(verdict) }
}

/// Where a dir's time went, as parts of the whole run; `None` where no container ran. A part is `(class, word, from, width)`.
fn lane(index: usize, dir: &DirReport, end: f64) -> Option<Value> {
    if dir.duration <= 0.0 {
        return None;
    }
    let percent = |seconds: f64| format!("{:.3}", (seconds / end * 100.0).clamp(0.0, 100.0));
    let image = dir.image_ready.unwrap_or(dir.waited).min(dir.waited);
    let over = dir.waited + dir.duration;
    let session = dir.session_started.unwrap_or(over).clamp(dir.waited, over);
    let parts = [
        ("image", "waited for the image", 0.0, image),
        ("turn", "waited for its turn", image, dir.waited),
        ("start", "started its container", dir.waited, session),
        ("tests", "ran tests", session, over),
    ];
    let told: Vec<_> = parts.iter().filter(|(_, _, from, to)| to - from >= 0.005).collect();
    let words: Vec<_> = told.iter().map(|(_, word, from, to)| format!("{word} {}", seconds(to - from))).collect();
    let parts: Vec<_> = told
        .iter()
        .map(|(class, _, from, to)| context! { class => *class, left => percent(*from), width => percent(to - from) })
        .collect();
    Some(
        context! { index, path => tidy(&dir.path), parts, words => words.join(", "), seconds => seconds(dir.duration) },
    )
}

fn row(dir: &DirReport, columns: &[Verdict]) -> Value {
    let (status, class) = match dir.status {
        DirStatus::Passed => ("passed", "passed"),
        DirStatus::Failed => ("failed", "failed"),
        DirStatus::NoTests => ("no tests", "skipped"),
        DirStatus::NotRun => ("not run", "not-run"),
        DirStatus::Crashed => ("crashed", "crashed"),
        DirStatus::Interrupted => ("interrupted", "not-run"),
    };
    let with = |name: &str, version: &Option<String>| version.as_ref().map(|v| format!("{name} {}", tidy(v)));
    let versions: Vec<_> = [with("Python", &dir.python), with("pytest", &dir.pytest)].into_iter().flatten().collect();
    context! {
        path => tidy(&dir.path),
        status,
        class,
        image => dir.image.as_deref().map(tidy),
        versions => versions.join(", "),
        cause => dir.cause.as_deref().map(tidy),
        hint => dir.hint.as_deref().map(tidy),
        log => dir.log.as_deref().map(tidy),
        log_href => dir.log.as_deref().map(href),
        counts => columns.iter().map(|verdict| count(*verdict, dir.summary.count(*verdict))).collect::<Vec<_>>(),
        ran => dir.duration > 0.0,
        seconds => seconds(dir.duration),
    }
}

fn tidy(text: &str) -> String {
    clean(text).into_owned()
}

/// A relative link to a file beside the page (RFC 3986: what is not unreserved is percent-encoded).
fn href(path: &str) -> String {
    let mut out = String::from("./");
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// All tests as JSON: `{verdicts: [[word, class, bad]], dirs: [{path, log, files, tests}]}`, where a test is
/// `[file, name, verdict, milliseconds, start]` and, where there is more to tell, an object behind that.
fn data(report: &Report) -> String {
    let verdicts: Vec<_> =
        Verdict::ALL.iter().map(|verdict| json!([verdict.word(), class(*verdict), verdict.is_bad()])).collect();
    let mut budget = TEXT_BUDGET;
    let dirs: Vec<_> = report.dirs.iter().map(|dir| data_of_dir(dir, &mut budget)).collect();
    let text = json!({"verdicts": verdicts, "dirs": dirs}).to_string();
    // Inside <script>, `</script` and `<!--` would end or change it; in JSON `<` stands only in strings.
    text.replace('<', "\\u003c")
}

fn data_of_dir(dir: &DirReport, budget: &mut usize) -> serde_json::Value {
    let mut files: Vec<&str> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    let mut tests = Vec::with_capacity(dir.tests.len());
    for test in &dir.tests {
        let (file, name) = split(test);
        let file = *known.entry(file).or_insert_with(|| {
            files.push(file);
            files.len() - 1
        });
        // Whole milliseconds: as short as numbers get.
        let millis = |seconds: f64| json!((seconds * 1000.0).round().clamp(0.0, 1e12) as u64);
        let mut entry = vec![json!(file), json!(clean(name)), json!(index(test.verdict))];
        entry.extend([millis(test.duration), millis(test.offset)]);
        entry.extend(more(test, budget));
        tests.push(entry);
    }
    let files: Vec<_> = files.into_iter().map(clean).collect();
    let log = dir.log.as_deref().map(href);
    json!({"path": clean(&dir.path), "log": log, "files": files, "tests": tests})
}

fn split(test: &TestReport) -> (&str, &str) {
    let of_file = test.file.as_deref().and_then(|file| Some((file, test.id.strip_prefix(file)?.strip_prefix("::")?)));
    of_file.or_else(|| test.id.split_once("::")).unwrap_or((&test.id, ""))
}

fn more(test: &TestReport, budget: &mut usize) -> Option<serde_json::Value> {
    let mut take = |text: &str| {
        if *budget == 0 {
            return None;
        }
        let text = clean(&shorten(text, TEXT_LIMIT)).into_owned();
        if text.len() > *budget {
            *budget = 0;
            return None;
        }
        *budget -= text.len();
        Some(text)
    };
    let mut more = serde_json::Map::new();
    if test.cached {
        more.insert("cached".into(), json!(true));
    }
    if let Some(message) = &test.message {
        more.insert("message".into(), json!(shorten(&clean(message), 2048)));
    }
    if test.verdict.is_bad() || test.verdict == Verdict::Flaky {
        let trace = test.longrepr.as_deref().and_then(&mut take);
        let sections: Vec<_> =
            test.sections.iter().filter_map(|(title, text)| Some(json!([clean(title), take(text)?]))).collect();
        let cut = trace.is_none() && test.longrepr.is_some() || sections.len() < test.sections.len();
        for (key, value) in [("trace", json!(trace)), ("phase", json!(test.phase)), ("line", json!(test.line))] {
            if !value.is_null() {
                more.insert(key.into(), value);
            }
        }
        if !sections.is_empty() {
            more.insert("sections".into(), json!(sections));
        }
        if cut {
            more.insert("cut".into(), json!(true));
        }
        if test.attempts > 1 {
            more.insert("attempts".into(), json!(test.attempts));
        }
    }
    (!more.is_empty()).then(|| more.into())
}

fn index(verdict: Verdict) -> usize {
    Verdict::ALL.iter().position(|other| *other == verdict).unwrap_or_default()
}

fn class(verdict: Verdict) -> String {
    verdict.word().replace(' ', "-")
}

fn seconds(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => format!("{s:.2}s"),
        s if s < 99.95 => format!("{s:.1}s"),
        s => format!("{}m{:02}s", s.round() as u64 / 60, s.round() as u64 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn html(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, Beside::default(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn data_of(page: &str) -> serde_json::Value {
        let (_, rest) = page.split_once("type=\"application/json\">").unwrap();
        serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
    }

    #[test]
    fn the_page_is_whole_escaped_and_asks_for_nothing_from_outside() {
        let mut report = sample::report();
        report.workspace = "<img src=x>".into();
        let page = html(&report);
        assert!(!page.contains("<img"));
        assert_eq!(page.matches("</script>").count(), 2);
        assert!(!page.contains("http://") && !page.contains("https://"), "something from outside");
        assert!(page.contains("5 of 10 tests did not pass, 1 dir did not run to the end"));
        assert!(page.contains("engine refused the mount"));
        let data = data_of(&page);
        let failed = &data["dirs"][0]["tests"][5];
        assert_eq!(failed[1], "TestX::test_5[a::b]");
        assert_eq!(failed[5]["trace"], "    def test():\n>       assert 1 == 2\nE       </script> red");
        assert_eq!(failed[5]["sections"][0][1], "a\u{fffd}b\u{fffd} <b>é</b> ]]>\n");
    }

    #[test]
    fn twenty_thousand_tests_stay_under_five_megabytes_even_if_all_fail_loudly() {
        let mut report = sample::report();
        for loud in [false, true] {
            report.dirs[0].tests = (0..20_000)
                .map(|n| {
                    let id = format!("infra/tests/unit/test_module_{}.py::TestThing::test_name_{n}", n / 50);
                    let mut test = sample::test(&id, if loud { Verdict::Failed } else { Verdict::Passed });
                    test.longrepr = test.longrepr.map(|text| text.repeat(1000));
                    test
                })
                .collect();
            let page = html(&report);
            let limit = if loud { 5_000_000 } else { 2_000_000 };
            assert!(page.len() < limit, "{} bytes", page.len());
        }
        let data = data_of(&html(&report));
        assert_eq!(data["dirs"][0]["tests"][19_999][5]["cut"], true);
    }

    #[test]
    fn the_timeline_says_where_the_wait_was() {
        let mut report = sample::report();
        let test = &mut report.dirs[0].tests[2];
        test.cached = true;
        let page = html(&report);
        let words =
            "waited for the image 0.20s, waited for its turn 0.30s, started its container 0.40s, ran tests 4.1s";
        assert!(page.contains(words), "{page}");
        assert!(page.contains("coverage 57.1 %") && !page.contains("coverage/index.html"), "{page}");
        assert_eq!(data_of(&page)["dirs"][0]["tests"][2][5]["cached"], true);
    }

    #[test]
    fn links_to_logs_work_for_any_name() {
        assert_eq!(href("a b/ü#?.log"), "./a%20b/%C3%BC%23%3F.log");
    }
}
