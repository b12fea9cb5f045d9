//! `report.html` in a real browser: clicks, keys, colours, a phone's width, hostile content, 20,000 tests.

use serde_json::{Value, json};
use wharf_core::test_suite::report::html::{self, Beside};
use wharf_core::test_suite::{DirReport, DirStatus, Report, Summary, TestReport, Verdict};
use wharf_testkit::{Browser, Colours};

const HOSTILE: &str = "</script><script>window.pwned = 1</script><img src=x onerror='window.pwned = 2'><!--<script>\u{202e}\u{0}\u{1b}[31m";

fn test(id: String, verdict: Verdict, offset: f64) -> TestReport {
    let traced = verdict.is_bad();
    let output = "what it printed".to_owned();
    TestReport {
        verdict,
        duration: 0.5,
        offset,
        attempts: 1,
        file: id.split("::").next().map(str::to_owned),
        line: Some(3),
        phase: traced.then(|| "call".into()),
        message: (verdict != Verdict::Passed).then(|| format!("because of {}", verdict.word())),
        longrepr: traced.then(|| "    def test():\n>       assert 1 == 2\nE       assert 1 == 2".into()),
        cached: false,
        sections: if traced { vec![("Captured stdout call".into(), output)] } else { Vec::new() },
        id,
    }
}

fn dir(path: &str, tests: Vec<TestReport>) -> DirReport {
    let mut summary = Summary::default();
    for test in &tests {
        summary.add(test.verdict);
        summary.cached += usize::from(test.cached);
    }
    DirReport {
        path: path.into(),
        name: path.into(),
        repo: ".".into(),
        image: Some(format!("{path}:local-somebody-with-a-long-name-0.1.0")),
        status: if summary.bad() > 0 { DirStatus::Failed } else { DirStatus::Passed },
        cause: None,
        hint: None,
        log: Some(format!("{path}.log")),
        python: Some("3.11.2".into()),
        pytest: Some("8.3.4".into()),
        waited: 2.0,
        duration: 8.0,
        exit_code: Some(0),
        summary,
        coverage: None,
        image_ready: Some(1.0),
        session_started: Some(2.5),
        image_id: None,
        tests,
    }
}

fn report(dirs: Vec<DirReport>) -> Report {
    let mut summary = Summary::default();
    dirs.iter().for_each(|dir| summary.merge(&dir.summary));
    Report {
        schema: 1,
        wharf: "0.1.0".into(),
        run: 17,
        workspace: "harbor".into(),
        command: "wharf test".into(),
        started: "2026-11-22T14:37:00Z".into(),
        duration: 10.0,
        engine: "docker".into(),
        exit_code: u8::from(summary.bad() > 0),
        interrupted: false,
        summary,
        coverage: None,
        problems: vec!["sub-repo `secret` is not readable".into()],
        dirs,
    }
}

fn usual() -> Report {
    let of = |name: &str, verdict, offset| test(format!("infra/tests/test_a.py::{name}"), verdict, offset);
    let mut cached = of("test_known", Verdict::Passed, 0.0);
    cached.cached = true;
    let infra = vec![
        of("test_bad", Verdict::Failed, 3.0),
        of("TestX::test_worse[a::b]", Verdict::Error, 4.0),
        of("test_good", Verdict::Passed, 5.0),
        of("test_left", Verdict::Skipped, 6.0),
        cached,
    ];
    let long = "a_name_that_goes_on_".repeat(12);
    let ml = vec![test(format!("ml/train/test_b.py::{long}"), Verdict::Passed, 3.0)];
    report(vec![dir("infra", infra), dir("ml/train", ml)])
}

fn open(browser: &mut Browser, report: &Report) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("report.html");
    html::write(report, Beside::default(), fs_err::File::create(&page).unwrap()).unwrap();
    for dir in &report.dirs {
        let log = folder.path().join(format!("{}.log", dir.path));
        fs_err::create_dir_all(log.parent().unwrap()).unwrap();
        fs_err::write(log, "the log").unwrap();
    }
    browser.open(&page);
    folder
}

/// How many elements a selector finds that can be seen.
fn seen(browser: &mut Browser, selector: &str) -> u64 {
    let script =
        format!("[...document.querySelectorAll({})].filter((node) => node.checkVisibility()).length", json!(selector));
    browser.eval(&script).as_u64().unwrap()
}

fn focused(browser: &mut Browser) -> String {
    browser.eval("document.activeElement.textContent").as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_failure_opens_filters_narrow_and_search_finds() {
    let mut browser = Browser::start();
    let _folder = open(&mut browser, &usual());
    assert_eq!(seen(&mut browser, "#failures > details"), 2);
    assert_eq!(seen(&mut browser, "pre"), 0);
    browser.click("#failures > details > summary");
    browser.wait_for(
        "document.querySelector('#failures details').open && document.querySelectorAll('#failures pre').length === 2",
    );
    let text = browser.eval("document.querySelector('#failures details').innerText");
    for part in
        ["assert 1 == 2", "what it printed", "infra/tests/test_a.py:3", "wharf test infra/tests/test_a.py::test_bad"]
    {
        assert!(text.as_str().unwrap().contains(part), "{part} is not in {text}");
    }
    let log =
        browser.eval("fetch === undefined ? '' : document.querySelector('#failures .body a').getAttribute('href')");
    assert_eq!(log, "./infra.log#:~:text=test_bad");

    browser.click("[data-verdict='5'], .chips button:nth-child(2)");
    browser.wait_for("document.querySelectorAll('#failures > details').length === 1");
    assert_eq!(seen(&mut browser, "[aria-pressed=true]"), 1);
    browser.key("Escape");
    browser.wait_for("document.querySelectorAll('#failures > details').length === 2");

    browser.click("#search");
    browser.type_text("WORSE a::b");
    browser.wait_for("document.getElementById('found').textContent === '1 of 6 tests'");
    assert_eq!(seen(&mut browser, "#failures > details"), 1);
    browser.type_text(" nowhere");
    browser.wait_for("document.getElementById('found').textContent === 'Nothing matches.'");
    browser.key("Escape");
    browser.wait_for("document.getElementById('found').hidden");

    browser.click("#cached");
    browser.wait_for("document.querySelectorAll('#dirs .row').length === 1");
    let cached = browser.eval("document.querySelector('#dirs .row').innerText");
    assert!(cached.as_str().unwrap().contains("cached"), "{cached}");
    browser.key("Escape");
    browser.wait_for("document.querySelectorAll('#dirs > details').length === 2");
    browser.click("#dirs > details > summary");
    browser.wait_for("document.querySelector('#dirs details').innerText.includes('because of skipped')");
}

#[test]
fn it_can_be_used_by_keys_alone() {
    let mut browser = Browser::start();
    let _folder = open(&mut browser, &usual());
    browser.key("Tab");
    assert_eq!(focused(&mut browser), "Skip to the tests");
    browser.key("j");
    assert!(focused(&mut browser).contains("test_bad"));
    browser.key("Enter");
    browser.wait_for("document.querySelector('#failures details').open");
    browser.key("j");
    assert!(focused(&mut browser).contains("test_worse"));
    browser.key("k");
    assert!(focused(&mut browser).contains("test_bad"));
    browser.key("/");
    assert_eq!(browser.eval("document.activeElement.id"), "search");
    browser.type_text("j");
    assert_eq!(browser.eval("document.getElementById('search').value"), "j", "a letter is a letter while one types");
    browser.key("Escape");
    browser.key("Tab");
    assert_eq!(browser.eval("document.activeElement.tagName"), "BUTTON");
    browser.key(" ");
    browser.wait_for("document.activeElement.getAttribute('aria-pressed') === 'true'");
    let nameless = "[...document.querySelectorAll('input, button, a, [role=img], [role=region]')]
        .filter((node) => !(node.getAttribute('aria-label') || node.textContent.trim())).length";
    assert_eq!(browser.eval(nameless), 0);
}

#[test]
fn the_timeline_leads_to_a_test() {
    let mut browser = Browser::start();
    let _folder = open(&mut browser, &usual());
    browser.wait_for("document.querySelector('.track').rows === 1");
    // At 3.25 of 10 seconds `test_bad` runs; its block has the colour of failures.
    let pixel = "(() => { const canvas = document.querySelector('.track canvas');
        return [...canvas.getContext('2d').getImageData(Math.floor(canvas.width * 0.325), 8, 1, 1).data]; })()";
    assert_eq!(browser.eval(pixel), json!([0xcc, 0x3b, 0x34, 255]));
    let place = browser.eval(
        "(() => { const box = document.querySelector('.track').getBoundingClientRect();
        return [box.x + box.width * 0.325, box.y + 8]; })()",
    );
    for kind in ["mousePressed", "mouseReleased"] {
        let click = json!({"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1});
        browser.call("Input.dispatchMouseEvent", &click);
    }
    browser.wait_for("document.querySelector('#failures details[open] pre') !== null");
    assert_eq!(browser.eval("document.getElementById('search').value"), "infra/tests/test_a.py::test_bad");
    let label = browser.eval("document.querySelector('.track').getAttribute('aria-label')");
    assert_eq!(
        label,
        "infra: waited for the image 1.0s, waited for its turn 1.0s, started its container 0.50s, ran tests 7.5s"
    );
}

#[test]
fn dark_differs_and_a_phone_is_wide_enough() {
    let mut browser = Browser::start();
    let _folder = open(&mut browser, &usual());
    let background = "getComputedStyle(document.body).backgroundColor";
    browser.colours(Colours::Light);
    let (light, light_picture) = (browser.eval(background), browser.screenshot());
    browser.colours(Colours::Dark);
    let (dark, dark_picture) = (browser.eval(background), browser.screenshot());
    assert_ne!(light, dark);
    assert_ne!(light_picture, dark_picture);
    browser.size(390, 844);
    for action in ["0", "document.querySelectorAll('details').forEach((node) => { node.open = true; })"] {
        browser.eval(action);
        browser.wait_for("document.documentElement.clientWidth === 390");
        assert_eq!(browser.eval("document.documentElement.scrollWidth"), 390, "after {action}");
    }
    let narrow = "[...document.querySelectorAll('button, summary')].filter((node) => node.checkVisibility() && node.getBoundingClientRect().height < 24).length";
    assert_eq!(browser.eval(narrow), 0, "a finger hits what can be pressed");
}

#[test]
fn hostile_names_and_output_are_text() {
    let mut browser = Browser::start();
    let mut bad = test(format!("infra/test_a.py::test[{HOSTILE}]"), Verdict::Failed, 3.0);
    bad.message = Some(HOSTILE.into());
    bad.longrepr = Some(HOSTILE.into());
    bad.sections = vec![(HOSTILE.into(), HOSTILE.into())];
    let mut hostile = dir("infra", vec![bad]);
    hostile.path = HOSTILE.into();
    (hostile.cause, hostile.hint, hostile.log) =
        (Some(HOSTILE.into()), Some(HOSTILE.into()), Some("javascript:alert(1)".into()));
    let mut report = report(vec![hostile]);
    (report.workspace, report.command) = (HOSTILE.into(), HOSTILE.into());
    report.problems = vec![HOSTILE.into()];
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("report.html");
    html::write(&report, Beside { coverage: true }, fs_err::File::create(&page).unwrap()).unwrap();
    browser.open(&page);
    browser.eval("document.querySelectorAll('details').forEach((node) => { node.open = true; })");
    browser.wait_for("document.querySelectorAll('#failures pre').length === 2");
    assert_eq!(browser.eval("window.pwned === undefined"), true);
    assert_eq!(browser.eval("document.images.length + document.scripts.length"), 2, "the page's own two scripts");
    assert_eq!(browser.eval("[...document.links].every((link) => link.protocol === 'file:' )"), true);
}

#[test]
fn twenty_thousand_tests_are_there_and_few_are_drawn() {
    let mut browser = Browser::start();
    let tests = |dir: usize| {
        let verdict = |n: usize| if n.is_multiple_of(100) { Verdict::Failed } else { Verdict::Passed };
        let id = |n: usize| format!("dir{dir}/tests/test_module_{}.py::test_name[{n}]", n / 50);
        (0..2000).map(|n| test(id(n), verdict(n), 3.0 + n as f64 / 400.0)).collect()
    };
    let report = report((0..10).map(|number| dir(&format!("dir{number}"), tests(number))).collect());
    let folder = open(&mut browser, &report);
    let size = fs_err::metadata(folder.path().join("report.html")).unwrap().len();
    assert!(size < 5_000_000, "{size} bytes");
    browser.wait_for("document.querySelectorAll('#failures > details').length === 50");
    let nodes = browser.eval("document.querySelectorAll('*').length");
    assert!(nodes.as_u64().unwrap() < 2_000, "{nodes} elements");
    browser.click("#failures > button.more");
    browser.wait_for("document.querySelectorAll('#failures > details').length === 100");
    browser.click("#search");
    browser.type_text("dir7/ name[1999]");
    browser.wait_for("document.querySelectorAll('#dirs .row').length === 1");
    let none: Value = browser.eval("performance.getEntriesByType('resource').length");
    assert_eq!(none, 0, "nothing is fetched");
}
