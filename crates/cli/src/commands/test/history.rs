//! `wharf test`'s history and what is made of it: what was slow or flaky, shares of a run, parts of a dir.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use wharf_core::config::format_duration;
use wharf_core::runnable_dir::Address;
use wharf_core::test_suite::TestPlan;
use wharf_core::test_suite::history::{self, Expected, HistoryError, Loaded, Slow};
use wharf_core::test_suite::run::default_jobs;
use wharf_core::test_suite::spread::{self, DURATIONS_FILE, Durations, DurationsError, Shard};
use wharf_core::workspace::{StateDir, Workspace};

use crate::commands::data;
use crate::context::Context;
use crate::exit::Failure;
use crate::render::{Table, seconds};

/// What of `wharf test` is about earlier runs and about sharing out a run.
#[derive(Debug, clap::Args)]
pub struct History {
    /// Run only this share of the test files, such as `2/4`: each machine of a job names another one. Shares are balanced by
    /// `[test] durations`.
    #[arg(long, value_name = "I/N")]
    pub shard: Option<String>,
    /// Run the tests of one dir in several containers at once, N of them; as many as there are jobs, where N is not given.
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "0", value_parser = clap::value_parser!(u32).range(0..=1024))]
    pub split: Option<u32>,
    /// Show what took longest in earlier runs, N test files and N tests, instead of running anything.
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "10", conflicts_with_all = ["shard", "split"])]
    pub slowest: Option<usize>,
    /// Print time limits that earlier runs suggest, as configuration, instead of running anything.
    #[arg(long, conflicts_with_all = ["slowest", "shard", "split"])]
    pub propose_timeouts: bool,
    /// Write the durations of test files, for `--shard`, to FILE (by default that of `[test] durations`, else
    /// `test-durations.json` at the root), instead of running anything.
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with_all = ["slowest", "propose_timeouts", "shard", "split"])]
    pub write_durations: Option<Option<PathBuf>>,
}

/// What is asked of the history.
pub struct Question<'a> {
    /// The words that else are paths.
    pub paths: &'a [String],
    /// Whether data is wanted as JSON.
    pub json: bool,
}

impl History {
    /// Answers what is asked of earlier runs; `None` where tests are to be run.
    ///
    /// # Errors
    /// When the history cannot be read, or holds nothing of what is asked.
    pub fn answer(&self, context: &Context, question: &Question<'_>) -> Result<Option<u8>, Failure> {
        self.share()?;
        let here = &context.surroundings.here;
        let word = question.paths.first().map(String::as_str).filter(|word| !here.join(word).exists());
        let asker = || Asker::new(context, question.json);
        match (word, question.paths) {
            (Some("flaky"), [_]) => asker()?.flaky(),
            (Some("history"), [_, id]) => asker()?.of_test(id),
            (Some("history"), _) => {
                return Err(Failure::usage("`wharf test history` wants one test")
                    .hint("name a test, a class or a file, such as `wharf test history infra/tests/test_a.py`"));
            }
            _ if self.propose_timeouts => asker()?.timeouts(),
            _ => match (self.slowest, &self.write_durations) {
                (Some(most), _) => asker()?.slowest(most, question.paths),
                (None, Some(file)) => asker()?.write_durations(file.as_deref()),
                (None, None) => return Ok(None),
            },
        }?;
        Ok(Some(0))
    }

    fn share(&self) -> Result<Option<Shard>, Failure> {
        let parse =
            |text: &String| text.parse::<Shard>().map_err(|error| Failure::usage(error.to_string()).hint(error.hint()));
        self.shard.as_ref().map(parse).transpose()
    }

    /// Whether only a part of each dir's tests runs.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.shard.is_some()
    }

    /// Leaves in a plan what runs here, cuts it into parts, and says what takes longest. The last step of planning.
    ///
    /// # Errors
    /// When the durations cannot be read, or Git cannot say which files there are.
    pub fn spread(
        &self,
        context: &Context,
        workspace: &Workspace,
        mut plan: TestPlan,
        jobs: Option<usize>,
    ) -> Result<TestPlan, Failure> {
        if let Some(shard) = self.share()? {
            let told = durations(workspace)?;
            let sharded = spread::shard(workspace, &mut plan, shard, &told).map_err(|error| unlisted(&error))?;
            context.talk.note(&format!(
                "shard {} of {}: {} of {} test files; all machines must say {}",
                shard.index, shard.total, sharded.mine, sharded.all, sharded.fingerprint
            ));
        }
        // One dir has nobody to be before.
        if self.split.is_none() && plan.dirs.iter().filter(|dir| dir.runs).count() < 2 {
            return Ok(plan);
        }
        let expected = Expected::read(&history::History::new(&StateDir::peek(workspace)));
        if let Some(lanes) = self.split {
            let jobs = || jobs.or(workspace.config.test.jobs.map(std::num::NonZero::get)).unwrap_or_else(default_jobs);
            let lanes = if lanes == 0 { u32::try_from(jobs()).unwrap_or(1) } else { lanes };
            // Files with other names than tests' run in the first part, unless the durations name them.
            let told = durations(workspace).unwrap_or_default();
            let files = spread::known_files(workspace, &told).map_err(|error| unlisted(&error))?;
            plan = spread::split(plan, lanes, &files, &expected);
        }
        plan.expect(&expected);
        Ok(plan)
    }
}

/// The committed durations; none where the configuration names no file.
fn durations(workspace: &Workspace) -> Result<Durations, Failure> {
    let Some(file) = &workspace.config.test.durations else { return Ok(Durations::default()) };
    Ok(Durations::read(&workspace.root.join(&file.value))?)
}

fn unlisted(error: &wharf_git::GitError) -> Failure {
    let failure =
        Failure::environment(format!("the committed test files cannot be listed: {}", Failure::describe(error)));
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Answers questions.
struct Asker<'a> {
    context: &'a Context,
    workspace: Workspace,
    history: history::History,
    json: bool,
}

impl<'a> Asker<'a> {
    fn new(context: &'a Context, json: bool) -> Result<Self, Failure> {
        let workspace = context.workspace()?;
        let history = history::History::new(&StateDir::peek(&workspace));
        Ok(Self { context, workspace, history, json })
    }

    fn read(&self) -> Result<Loaded, Failure> {
        let loaded = self.history.read()?;
        self.say_damaged(loaded.damaged);
        if loaded.runs.is_empty() {
            return Err(Failure::environment("no run of tests is recorded in this workspace")
                .hint("run all tests once with `wharf test`"));
        }
        Ok(loaded)
    }

    fn say_damaged(&self, damaged: bool) {
        if damaged {
            let path = self.history.path();
            self.context
                .talk
                .warning(&format!("a part of the history, `{}`, is damaged and not counted", path.display()));
        }
    }

    /// Ids and paths as people write them, from the root.
    fn whole_path(&self, text: &str) -> String {
        let (path, inside) = text.split_once("::").map_or((text, None), |(path, inside)| (path, Some(inside)));
        let address = Address::parse(path, &self.workspace.root, &self.context.surroundings.here);
        let path = address.map_or_else(|_| path.to_owned(), |address| address.to_string());
        inside.map_or_else(|| path.clone(), |inside| format!("{path}::{inside}"))
    }

    fn slowest(&self, most: usize, paths: &[String]) -> Result<(), Failure> {
        let mut loaded = self.read()?;
        if !paths.is_empty() {
            let paths: Vec<String> = paths.iter().map(|path| self.whole_path(path)).collect();
            let wanted = |id: &str| paths.iter().any(|path| history::names(path, id));
            for dir in loaded.runs.iter_mut().flat_map(|run| &mut run.dirs) {
                dir.tests.retain(|test| wanted(&test.id));
            }
        }
        let slowest = history::slowest(&loaded, most);
        if self.json {
            return data::json(&slowest);
        }
        let table = |what: &str, slow: &[Slow]| {
            let mut table = Table::new(&[what, "median", "95 %", "longest", "runs"]);
            for one in slow {
                let [median, p95, longest] = [one.median, one.p95, one.longest].map(seconds);
                table.row([one.id.clone(), median, p95, longest, one.runs.to_string()].map(Into::into));
            }
            table
        };
        data::table(self.context, &table("test file", &slowest.files))?;
        data::line("")?;
        data::table(self.context, &table("test", &slowest.tests))
    }

    fn flaky(&self) -> Result<(), Failure> {
        let flaky = history::flaky(&self.read()?);
        if self.json {
            return data::json(&flaky);
        }
        if flaky.is_empty() {
            self.context.talk.note("no test both passed and failed with the same code");
            return Ok(());
        }
        let mut table = Table::new(&["test", "flaky", "runs", "passed on retry", "both verdicts", "last run"]);
        for test in flaky {
            let rate = format!("{:.0} %", test.rate * 100.0);
            let numbers = [test.runs, test.retried, test.both].map(|number| number.to_string());
            let [runs, retried, both] = numbers;
            table.row([test.id, rate, runs, retried, both, test.last.to_string()].map(Into::into));
        }
        data::table(self.context, &table)
    }

    fn of_test(&self, id: &str) -> Result<(), Failure> {
        let (mut found, damaged) = history::occurrences(&self.history, id)?;
        self.say_damaged(damaged);
        let whole = self.whole_path(id);
        if found.is_empty() && whole != id {
            found = history::occurrences(&self.history, &whole)?.0;
        }
        if found.is_empty() {
            return Err(Failure::environment(format!("no run of `{id}` is recorded in this workspace"))
                .hint("see what is by `wharf test --slowest 100`"));
        }
        if self.json {
            return data::json(&found);
        }
        let several = found.iter().any(|one| one.id != found[0].id);
        let mut headers = vec!["run", "started", "verdict", "time", "attempts", "commit", "image"];
        if several {
            headers.insert(0, "test");
        }
        let mut table = Table::new(&headers);
        for one in found {
            let changed = if one.dirty { "+changes" } else { "" };
            let commit = format!("{}{changed}", one.commit.get(..9).unwrap_or(&one.commit));
            let verdict = one.verdict.word().to_owned();
            let (run, attempts) = (one.run.to_string(), one.attempts.to_string());
            let mut row = vec![run, one.started, verdict, seconds(one.duration), attempts, commit, one.image];
            if several {
                row.insert(0, one.id);
            }
            table.row(row.into_iter().map(Into::into));
        }
        data::table(self.context, &table)
    }

    fn timeouts(&self) -> Result<(), Failure> {
        let proposals = history::proposals(&self.read()?);
        if self.json {
            return data::json(&proposals);
        }
        if proposals.is_empty() {
            self.context.talk.note("no dir has three runs in the history yet, so nothing is proposed");
            return Ok(());
        }
        for (place, proposal) in proposals.iter().enumerate() {
            let folder = if proposal.dir == "." { String::new() } else { format!("{}/", proposal.dir) };
            let gap = if place > 0 { "\n" } else { "" };
            data::line(&format!(
                "{gap}# {folder}devops/wharf.toml: in {} runs 99 % of the tests took less than {}, `{}` took {}\n\
                 [test]\ntimeout = \"{}\"",
                proposal.runs,
                seconds(proposal.p99),
                proposal.longest_test,
                seconds(proposal.longest),
                format_duration(proposal.limit()),
            ))?;
        }
        Ok(())
    }

    fn write_durations(&self, file: Option<&Path>) -> Result<(), Failure> {
        let stated = self.workspace.config.test.durations.as_ref().map(|file| file.value.as_str());
        let file = match file {
            Some(file) => self.context.surroundings.here.join(file),
            None => self.workspace.root.join(stated.unwrap_or(DURATIONS_FILE)),
        };
        let expected = Expected::of(&self.read()?);
        let known = match Durations::read(&file) {
            Err(DurationsError::Unreadable { source, .. }) if source.kind() == ErrorKind::NotFound => {
                Durations::default()
            }
            known => known?,
        };
        let renewed = known.renewed(expected.files(), &self.workspace.root);
        if renewed == known {
            self.context.talk.note(&format!("`{}` is up to date", file.display()));
            return Ok(());
        }
        renewed.write(&file)?;
        self.context.talk.note(&format!(
            "wrote the durations of {} test files to `{}`",
            renewed.files.len(),
            file.display()
        ));
        if stated.is_none()
            && let Ok(path) = file.strip_prefix(&self.workspace.root)
        {
            let path = path.display();
            self.context.talk.note(&format!(
                "commit it, and have it used by `durations = \"{path}\"` in `[test]` of the root's wharf.toml"
            ));
        }
        Ok(())
    }
}

impl From<HistoryError> for Failure {
    fn from(error: HistoryError) -> Self {
        let failure = Self::environment(Self::describe(&error));
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<DurationsError> for Failure {
    fn from(error: DurationsError) -> Self {
        let text = Self::describe(&error);
        let failure = match &error {
            DurationsError::Unwritable { .. } => Self::environment(text),
            _ => Self::configuration(text),
        };
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
