//! `wharf test --repro`: a script that repeats what was bad in a run. Pure but for finding and reading the run's report.
//!
//! Owns which commands repeat it. Refuses to hold a value of a variable: names are said, values are the reader's own.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::report::JSON_FILE;
use super::report::json::{self, ReadError};
use super::report::model::{DirReport, DirStatus, Report};
use super::report::text::one_line;
use crate::workspace::StateDir;

/// Ids in one command: far below what a command line holds, with ids of any length.
const AT_ONCE: usize = 200;

/// Why there is no script.
#[derive(Debug, thiserror::Error)]
pub enum ReproError {
    /// No run has left a report.
    #[error("there is no report of an earlier run in this workspace")]
    NoRun,
    /// Not this one.
    #[error("run {run} has left no report here{}", kept(known))]
    NotKept {
        /// The run that was asked for.
        run: u32,
        /// Those that have.
        known: Vec<u32>,
    },
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

fn kept(known: &[u32]) -> String {
    match known {
        [] => String::new(),
        [one] => format!(", only run {one}"),
        [first, .., last] => format!(", only runs between {first} and {last}"),
    }
}

impl ReproError {
    /// The next command to type.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoRun => {
                Some("run the tests with `wharf test`, or name a report's folder with `--report-dir`".into())
            }
            Self::NotKept { .. } => Some("name the folder of its report with `--report-dir`".into()),
            Self::Read(error) => error.hint(),
        }
    }
}

/// The folder of a run's report; of the last run that left one where none is named.
///
/// # Errors
/// [`ReproError::NoRun`] and [`ReproError::NotKept`].
pub fn folder(state: &StateDir, run: Option<u32>) -> Result<PathBuf, ReproError> {
    let runs = state.path().join("runs");
    let entries = std::fs::read_dir(&runs).into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let mut known: Vec<u32> =
        numbers.filter(|number| runs.join(number.to_string()).join(JSON_FILE).is_file()).collect();
    known.sort_unstable();
    let found = match run {
        Some(run) if known.contains(&run) => run,
        Some(run) => return Err(ReproError::NotKept { run, known }),
        None => *known.last().ok_or(ReproError::NoRun)?,
    };
    Ok(runs.join(found.to_string()))
}

/// What a script is made of besides the report.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The workspace's root.
    pub root: PathBuf,
    /// Options of the run's command that matter for its tests, as words.
    pub options: Vec<String>,
    /// Whether these options name an image's stage.
    pub names_stage: bool,
    /// Its arguments for pytest.
    pub pytest: Vec<String>,
    /// Names of variables that are passed on, by the address of a dir.
    pub variables: std::collections::BTreeMap<String, Vec<String>>,
}

/// Reads a report.
///
/// # Errors
/// When it is not there or cannot be read.
pub fn read(folder: &Path) -> Result<Report, ReproError> {
    Ok(json::read(&folder.join(JSON_FILE))?)
}

/// The script; `None` where nothing was bad. `folder` holds the logs.
#[must_use]
pub fn script(report: &Report, folder: &Path, facts: &Facts) -> Option<String> {
    let dirs: Vec<(&DirReport, Vec<&str>)> = report.dirs.iter().filter_map(|dir| Some((dir, bad(dir)?))).collect();
    if dirs.is_empty() {
        return None;
    }
    let mut out = String::from("#!/usr/bin/env bash\n");
    let (workspace, started) = (one_line(&report.workspace), one_line(&report.started));
    comment(
        &mut out,
        &format!("Repeats what was bad in run {} of `{workspace}`, which began at {started}:", report.run),
    );
    comment(&mut out, &format!("  {}", one_line(&report.command)));
    comment(
        &mut out,
        &format!(
            "Written by wharf {}. It takes the workspace as it is now; another place than the one below can be",
            one_line(&report.wharf)
        ),
    );
    comment(&mut out, "its argument. It ends with the code of the last command that failed, or with 0.");
    let _ = writeln!(
        out,
        "set -uo pipefail\ncd -- \"${{1:-{}}}\" || exit",
        in_double_quotes(&facts.root.display().to_string())
    );
    out.push_str("status=0\nagain() { wharf \"$@\" || status=$?; }\n");
    if dirs.iter().any(|(dir, _)| dir.image_id.is_some()) {
        out.push_str(SAME_IMAGE);
    }
    for (dir, tests) in dirs {
        Part { report, folder, facts, dir }.write(&mut out, &tests);
    }
    out.push_str("\nexit \"$status\"\n");
    Some(out)
}

/// Says so where the image is another one by now.
const SAME_IMAGE: &str = r#"same_image() {
  local now
  now=$("$1" image inspect --format '{{.Id}}' "$2" 2>/dev/null)
  [ "${now#sha256:}" = "${3#sha256:}" ] || echo "note: image $2 is ${now:-not here}, it was $3" >&2
}
"#;

/// The ids of what was bad; none where the dir as a whole is to run again; `None` where all was fine.
fn bad(dir: &DirReport) -> Option<Vec<&str>> {
    let tests: Vec<&str> = dir.tests.iter().filter(|test| test.verdict.is_bad()).map(|test| test.id.as_str()).collect();
    let fine = matches!(dir.status, DirStatus::Passed | DirStatus::NoTests);
    if tests.is_empty() && fine { None } else { Some(tests) }
}

/// What repeats one dir.
struct Part<'a> {
    report: &'a Report,
    folder: &'a Path,
    facts: &'a Facts,
    dir: &'a DirReport,
}

impl Part<'_> {
    fn write(&self, out: &mut String, tests: &[&str]) {
        let Self { report, folder, facts, dir } = *self;
        out.push('\n');
        let count = match tests.len() {
            0 => dir.cause.as_deref().map_or_else(|| "it did not pass".to_owned(), one_line),
            1 => "1 test".to_owned(),
            count => format!("{count} tests"),
        };
        let image = dir.image.as_deref().map_or(String::new(), |image| format!(", in image `{}`", one_line(image)));
        comment(out, &format!("`{}`: {count}{image}", one_line(&dir.path)));
        if let Some(names) = facts.variables.get(&dir.path).filter(|names| !names.is_empty()) {
            comment(out, &format!("variables that are passed on, to be set as they were: {}", names.join(", ")));
        }
        if let (Some(image), Some(id)) = (&dir.image, &dir.image_id) {
            let _ = writeln!(out, "same_image {} {} {}", quote(&report.engine), quote(image), quote(id));
        }
        let stage = if facts.names_stage { Vec::new() } else { stage(dir) };
        let head = ["--engine", &report.engine, "test", "--retries", "0"].map(str::to_owned);
        let head: Vec<String> =
            head.into_iter().chain(stage).chain(facts.options.iter().cloned()).map(|word| quote(&word)).collect();
        let head = head.join(" ");
        let tail: String = facts.pytest.iter().map(|word| format!(" {}", quote(word))).collect();
        let tail = if tail.is_empty() { tail } else { format!(" \\\n  --{tail}") };
        if tests.is_empty() {
            let _ = writeln!(out, "again {head} --dir {}{tail}", quote(&dir.path));
        }
        for ids in tests.chunks(AT_ONCE) {
            let ids: String = ids.iter().map(|id| format!(" \\\n  {}", quote(id))).collect();
            let _ = writeln!(out, "again {head}{ids}{tail}");
        }
        if let Some(command) = by_hand(folder, dir) {
            comment(out, "the container of that run, without wharf:");
            comment(out, &format!("  {command}"));
        }
    }
}

/// Stage and version of the image, from its tag: see "Names, tags and labels" in the architecture.
fn stage(dir: &DirReport) -> Vec<String> {
    let Some((_, tag)) = dir.image.as_deref().and_then(|image| image.rsplit_once(':')) else { return Vec::new() };
    let (stage, rest) = tag.split_once('-').unwrap_or((tag, ""));
    if !["local", "dev", "prod"].contains(&stage) {
        return Vec::new();
    }
    let mut words = vec!["--stage".to_owned(), stage.to_owned()];
    // A local image belongs to the checkout as it is; for another platform a word follows the version.
    let version = rest.split('-').next().unwrap_or(rest);
    if stage != "local" && semver::Version::parse(version).is_ok() {
        words.extend(["--version".to_owned(), version.to_owned()]);
    }
    words
}

/// The first line of a dir's log.
fn by_hand(folder: &Path, dir: &DirReport) -> Option<String> {
    use std::io::BufRead;
    let file = std::fs::File::open(folder.join(dir.log.as_ref()?)).ok()?;
    let mut line = Vec::new();
    std::io::BufReader::new(file).read_until(b'\n', &mut line).ok()?;
    let line = String::from_utf8_lossy(&line);
    Some(one_line(line.strip_prefix("$ ")?))
}

/// One line, whatever it holds: a comment ends where its line does.
fn comment(out: &mut String, text: &str) {
    let _ = writeln!(out, "# {}", text.replace(['\n', '\r'], " "));
}

/// For a shell. A word with a NUL, which no shell can hold, loses it.
fn quote(text: &str) -> String {
    let text = text.replace('\0', "");
    shlex::try_quote(&text).map(std::borrow::Cow::into_owned).unwrap_or_default()
}

fn in_double_quotes(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().filter(|c| *c != '\0') {
        // Inside of `${1:-…}` in double quotes a brace would end it.
        if matches!(c, '"' | '\\' | '$' | '`' | '}') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_suite::Verdict;
    use crate::test_suite::report::sample;

    fn facts() -> Facts {
        Facts {
            root: "/home/me/a \"b\"".into(),
            options: vec!["--timeout".into(), "30s".into()],
            pytest: vec!["-p".into(), "no:randomly".into()],
            variables: [("infra".to_owned(), vec!["AWS_PROFILE".to_owned()])].into(),
            ..Facts::default()
        }
    }

    #[test]
    fn exactly_the_bad_ones_in_their_own_image() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("infra.log"), "$ docker run --rm x pytest\nmore\n").unwrap();
        let mut report = sample::report();
        report.dirs[0].image = Some("infra:dev-1.4.0".into());
        report.dirs[0].tests[5].id = "infra/test_a.py::test['; rm -rf /\n$(x)]".into();
        let script = script(&report, folder.path(), &facts()).unwrap();
        let bad = report.dirs[0].tests.iter().filter(|test| test.verdict.is_bad()).count();
        assert_eq!(script.matches("infra/test").count(), bad, "{script}");
        let expected = "again --engine docker test --retries 0 --stage dev --version 1.4.0 --timeout 30s \\\n";
        for part in [
            expected,
            "same_image docker infra:dev-1.4.0 sha256:0123\n",
            "--dir ml/train \\\n  -- -p no:randomly\n",
            "#   docker run --rm x pytest\n",
            "AWS_PROFILE",
            r#"cd -- "${1:-/home/me/a \"b\"}" || exit"#,
        ] {
            assert!(script.contains(part), "{part} is not in {script}");
        }
        // As a shell reads it, the hostile id is one word of one command.
        let words = shlex::split(&script).unwrap();
        assert!(words.contains(&report.dirs[0].tests[5].id), "{words:?}");
        assert_eq!(words.iter().filter(|word| word.contains("rm -rf")).count(), 1);
    }

    #[test]
    fn nothing_bad_gives_no_script() {
        let mut report = sample::report();
        report.dirs.truncate(1);
        report.dirs[0].status = DirStatus::Passed;
        report.dirs[0].tests.retain(|test| test.verdict == Verdict::Passed);
        assert_eq!(script(&report, Path::new("/nowhere"), &facts()), None);
    }

    #[test]
    fn a_run_that_is_not_kept_is_told_from_none_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::of_root(folder.path(), folder.path()).unwrap();
        assert!(matches!(super::folder(&state, None), Err(ReproError::NoRun)));
        for number in ["3", "12", "20"] {
            std::fs::create_dir_all(state.path().join("runs").join(number)).unwrap();
        }
        for number in ["3", "12"] {
            std::fs::write(state.path().join("runs").join(number).join(JSON_FILE), "{}").unwrap();
        }
        assert!(super::folder(&state, None).unwrap().ends_with("12"));
        let error = super::folder(&state, Some(20)).unwrap_err();
        assert_eq!(error.to_string(), "run 20 has left no report here, only runs between 3 and 12");
    }
}
