//! Tasks that run tests, of `tasks.py` and of `main_pytest.py`.

use super::containers::{BASE_IMAGE, SKIP_PULL};
use super::line::{Call, Line, Refusal, Translation};
use super::option::{Opt, needed, off, on, text};
use super::table::Row;

/// The options of all tasks that run suites.
const SUITE: &[Opt] = &[
    text("stage"),
    text("version"),
    text("pytest_opts"),
    off("skip_submodules"),
    off("coverage"),
    off("collect_only"),
    off("tee_to_file").needless("each run keeps its logs in `.wharf/runs`"),
    text("n_threads"),
    off("git_clean_").needless("nothing of an earlier run is taken for one of this"),
    off("abort_on_first_error"),
    text("allure_dir").refused("a run leaves `junit.xml` and `report.html`, which also show earlier runs"),
    BASE_IMAGE,
    SKIP_PULL,
];

const MAIN: &[Opt] = &[
    text("dir"),
    off("remove_docker_images")
        .needless("images that no version needs any more are removed by `wharf image prune`, when you want it"),
];

const fn suite(name: &'static str, help: &'static str, make: super::table::Make) -> Row {
    Row { name, help, options: SUITE, make }
}

pub(super) const ROWS: &[Row] = &[
    suite("run_fast_tests", "Runs the fast tests", |call| tests(call, &Tests::Suites(&["fast"]))),
    suite("run_slow_tests", "Runs the slow tests", |call| tests(call, &Tests::Suites(&["slow"]))),
    suite("run_superslow_tests", "Runs the superslow tests", |call| tests(call, &Tests::Suites(&["superslow"]))),
    suite("run_fast_slow_tests", "Runs the fast and slow tests", |call| tests(call, &Tests::Suites(&["fast", "slow"]))),
    suite("run_fast_slow_superslow_tests", "Runs the fast, slow and superslow tests", |call| {
        tests(call, &Tests::Suites(&["fast", "slow", "superslow"]))
    }),
    suite("run_qa_tests", "Runs the tests of the image itself", |call| tests(call, &Tests::Marked("qa"))),
    Row {
        name: "run_coverage",
        help: "Measures the coverage of a suite",
        options: &[
            needed("suite"),
            text("target_dir"),
            off("generate_html_report"),
            on("publish_html_on_s3").needless("`wharf` publishes nothing"),
            text("aws_profile").needless("`wharf` publishes nothing"),
        ],
        make: coverage,
    },
    Row {
        name: "pytest_repro",
        help: "Prints a script that repeats the tests that failed",
        options: &[
            text("mode").needless("the script repeats the tests that failed"),
            text("file_name").needless("the last run is known"),
            off("show_stacktrace").needless("the report of the run has it"),
            on("create_script").needless("the script goes to standard output"),
            text("script_name").needless("the script goes to standard output"),
        ],
        make: |_| Ok(Line::new(["test", "--repro"]).into()),
    },
    Row {
        name: "pytest_failed",
        help: "Prints the tests that failed, as a script that repeats them",
        options: &[
            off("only_file").needless("the script names the tests"),
            off("only_class").needless("the script names the tests"),
            text("file_name").needless("the last run is known"),
        ],
        make: |_| Ok(Line::new(["test", "--repro"]).into()),
    },
];

/// What `main_pytest.py` has.
pub(super) const MAIN_ROWS: &[Row] = &[
    main("run_fast_tests", "Runs the fast tests of all runnable dirs", |call| main_tests(call, "fast")),
    main("run_slow_tests", "Runs the slow tests of all runnable dirs", |call| main_tests(call, "slow")),
    main("run_superslow_tests", "Runs the superslow tests of all runnable dirs", |call| main_tests(call, "superslow")),
];

const fn main(name: &'static str, help: &'static str, make: super::table::Make) -> Row {
    Row { name, help, options: MAIN, make }
}

fn main_tests(call: &Call<'_>, suite: &str) -> Result<Translation, Refusal> {
    let line = Line::new(["test", "--suite"]).word(suite).option("dir", call.text("dir"));
    Ok(Line { goes_on: true, ..line }.into())
}

/// Which tests a task runs.
enum Tests<'a> {
    Suites(&'a [&'a str]),
    Marked(&'a str),
}

fn tests(call: &Call<'_>, which: &Tests<'_>) -> Result<Translation, Refusal> {
    let mut line = Line { goes_on: true, ..Line::new(["test"]) };
    let (split, notes) = split(call)?;
    // In front: a word that is no option would be taken for its value.
    line.words.extend(split);
    let given = pytest_options(call)?;
    let (suites, own_markers) = match which {
        Tests::Suites(suites) => (*suites, None),
        Tests::Marked(marker) => (&[][..], Some((*marker).to_owned())),
    };
    line = suites.iter().fold(line, |line, suite| line.option("suite", Some(suite)));
    // Files and tests that are named say themselves where they belong.
    if given.paths.is_empty() {
        line = dirs(call, line);
    }
    line = line.option("stage", call.text("stage")).option("version", call.text("version"));
    line = line.flag("coverage", call.given("coverage")).flag("collect", call.given("collect_only"));
    line = line.flag("fail-fast", given.fail_fast || call.given("abort_on_first_error"));
    line = line.flag("last-failed", given.last_failed);
    let markers = match (own_markers, given.markers) {
        (Some(own), Some(given)) => Some(format!("({own}) and ({given})")),
        (own, given) => own.or(given),
    };
    for (option, value) in [("-k", given.keyword), ("-m", markers)] {
        line.words.extend(value.into_iter().flat_map(|value| [option.to_owned(), value]));
    }
    line.words.extend(given.paths);
    if !given.rest.is_empty() {
        line = line.word("--");
        line.words.extend(given.rest);
    }
    Ok(Translation { lines: vec![line], notes })
}

/// Names the dir that one stands in with those of sub-repos in it, unless these are all.
fn dirs(call: &Call<'_>, mut line: Line) -> Line {
    let standing = call.standing;
    let Some(here) = &standing.here else { return line };
    let below: &[String] = if call.given("skip_submodules") { &[] } else { &standing.below };
    if 1 + below.len() < standing.dirs {
        for dir in [here].into_iter().chain(below) {
            line = line.option("dir", Some(dir));
        }
    }
    line
}

/// Workers of one dir are containers.
fn split(call: &Call<'_>) -> Result<(Vec<String>, Vec<String>), Refusal> {
    let Some(workers) = call.text("n_threads").filter(|workers| *workers != "serial") else {
        return Ok(Default::default());
    };
    if call.given("coverage") {
        let note = "`--n-threads` is left out: coverage is measured in one container a dir".to_owned();
        return Ok((Vec::new(), vec![note]));
    }
    let split = match workers {
        "-1" | "auto" | "logical" => "--split".to_owned(),
        "0" | "1" => return Ok(Default::default()),
        number if number.parse::<u32>().is_ok() => return Ok((vec!["--split".into(), number.into()], Vec::new())),
        value => {
            let (task, value) = (call.row.name, value.to_owned());
            return Err(Refusal::Value { task, option: "--n-threads", value, why: "it is `serial`, `-1` or a number" });
        }
    };
    Ok((vec![split], Vec::new()))
}

/// What pytest was to be given.
#[derive(Debug, Default)]
struct PytestOptions {
    keyword: Option<String>,
    markers: Option<String>,
    fail_fast: bool,
    last_failed: bool,
    /// Files, folders and tests.
    paths: Vec<String>,
    /// What pytest gets.
    rest: Vec<String>,
}

/// Options of pytest whose value is a word of its own.
const WITH_VALUE: [&str; 22] = [
    "-p",
    "-o",
    "-c",
    "-n",
    "-r",
    "-W",
    "--maxfail",
    "--tb",
    "--durations",
    "--durations-min",
    "--ignore",
    "--ignore-glob",
    "--deselect",
    "--log-level",
    "--log-cli-level",
    "--rootdir",
    "--confcutdir",
    "--timeout",
    "--reruns",
    "--cov",
    "--import-mode",
    "--basetemp",
];

fn pytest_options(call: &Call<'_>) -> Result<PytestOptions, Refusal> {
    let mut options = PytestOptions::default();
    let Some(text) = call.text("pytest_opts") else { return Ok(options) };
    let words = shlex::split(text).ok_or_else(|| Refusal::Value {
        task: call.row.name,
        option: "--pytest-opts",
        value: text.to_owned(),
        why: "a quote is open",
    })?;
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-k" => options.keyword = words.next(),
            // With a suite's own markers both must hold, which pytest's `-m`, given twice, does not do.
            "-m" => options.markers = words.next(),
            "-x" | "--exitfirst" => options.fail_fast = true,
            "--lf" | "--last-failed" => options.last_failed = true,
            option if WITH_VALUE.contains(&option) => options.rest.extend([word].into_iter().chain(words.next())),
            option if option.starts_with('-') => options.rest.push(word),
            _ => options.paths.push(word),
        }
    }
    Ok(options)
}

fn coverage(call: &Call<'_>) -> Result<Translation, Refusal> {
    let suite = call.text("suite").ok_or(Refusal::Missing { task: call.row.name, option: "--suite" })?;
    let suite = suite.trim_end_matches("_tests");
    let forms = if call.given("generate_html_report") { "--coverage" } else { "--coverage=term,xml" };
    let mut line = Line { goes_on: true, ..Line::new(["test", "--suite"]) }.word(suite).word(forms);
    match call.text("target_dir").filter(|dir| *dir != ".") {
        Some(dir) => line = line.word(dir),
        None => line = dirs(call, line),
    }
    Ok(line.into())
}
