//! `wharf test --watch`: a run, then a round for each save, until somebody ends it.
//!
//! Saved files, keys and signals come into one channel; a signal is passed on to the round that runs. A round is a run like any other,
//! of what the saved files reach, in containers that wait for it. Files that are saved during a round make the next one.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Read, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use wharf_core::config::REPO_CONFIGS;
use wharf_core::event::Event;
use wharf_core::image::Stage;
use wharf_core::image::choice::StageWish;
use wharf_core::image::place::Place;
use wharf_core::test_suite::affected::{Changes, Remembered, affected_by};
use wharf_core::test_suite::event::TestListener;
use wharf_core::test_suite::watch::{Eye, EyeError, Saved, Sight};
use wharf_core::test_suite::{self, Around, DirStatus, Report, TestEvent, Warm};
use wharf_core::workspace::{StateDir, Workspace};

use super::Test;
use crate::clock::SystemClock;
use crate::commands::image::check_platform;
use crate::context::Context;
use crate::exit::Failure;
use crate::render::keys::QuietKeys;
use crate::render::summary::{SummaryOptions, write_failures};
use crate::render::{Paint, seconds};

/// Editors are through with a save when nothing was heard for this long.
const SETTLED: Duration = Duration::from_millis(15);
/// Longest time to wait for that.
const AT_LAST: Duration = Duration::from_millis(300);
/// Saved files that are named.
const NAMED: usize = 3;

/// What is heard between rounds.
enum Heard {
    Saved(PathBuf),
    /// Return was pressed.
    All,
    /// Something may have been missed, for this reason.
    Missed(&'static str),
    /// The end, with the exit code where it is not that of the last round.
    End(Option<u8>),
}

/// What comes next.
enum Next {
    All,
    /// All, because something may have been missed.
    Missed(&'static str),
    Saved(Changes),
    End(Option<u8>),
}

/// Where signals go.
#[derive(Default)]
struct Desk {
    /// Of the round that runs.
    round: Mutex<Option<Sender<i32>>>,
}

impl Desk {
    fn signal(&self, number: i32) {
        if let Some(round) = &*self.round.lock().unwrap_or_else(PoisonError::into_inner) {
            let _ = round.send(number);
        }
    }

    fn begin(&self) -> Receiver<i32> {
        let (sender, receiver) = channel();
        *self.round.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        receiver
    }

    fn end(&self) {
        self.round.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Says what the user should see, and no more.
struct Quiet<'a>(&'a Context);

impl TestListener for Quiet<'_> {
    fn on(&mut self, event: &TestEvent) {
        if let TestEvent::Progress(Event::Warning(text)) = event {
            self.0.talk.warning(text);
        }
    }
}

struct Watch<'a> {
    test: &'a Test,
    context: &'a Context,
    desk: Arc<Desk>,
    warm: Arc<Warm>,
    place: Arc<Place>,
    rounds: usize,
    /// Tests that were bad when they ran last.
    bad: BTreeSet<String>,
    /// Dirs whose tests did not come to their end when they ran last: nobody knows what these depend on.
    unsettled: BTreeSet<String>,
    /// Changes of rounds that could not be run.
    owed: Changes,
    code: u8,
}

impl Test {
    /// Runs, then watches.
    ///
    /// # Errors
    /// When the first run cannot even begin, or nothing can be watched.
    pub(super) fn run_watch(&self, context: &Context) -> Result<u8, Failure> {
        let wish = self.wish()?;
        if let Some(option) = self.unfit(wish.stage) {
            return Err(Failure::usage(format!("`--watch` cannot be used with {option}")));
        }
        let workspace = context.workspace()?;
        context.say_problems(&workspace);
        let place = Arc::new(context.place(&workspace)?);
        check_platform(&place, &wish)?;
        let (sender, inbox) = channel();
        let desk = Arc::new(Desk::default());
        hear_signals(&desk, &sender)?;
        // What is saved during the first run is seen.
        let mut saved = Saved::new(&workspace.root, workspace.repos.iter().map(|repo| repo.path.clone()).collect());
        let tell = sender.clone();
        let eye = Eye::open(&workspace.root, &saved.hidden_folders(), move |sight| {
            let heard = match sight {
                Sight::At(path) => Heard::Saved(path),
                Sight::Anywhere(why) => Heard::Missed(why),
            };
            tell.send(heard).is_ok()
        })?;
        let is_terminal = std::io::stdin().is_terminal();
        let _keys = is_terminal.then(|| QuietKeys::one_by_one(std::io::stdin()));
        hear_keys(&desk, sender);
        let warm = Arc::new(Warm::default());
        let (bad, unsettled) = (BTreeSet::new(), BTreeSet::new());
        let mut watch = Watch {
            test: self,
            context,
            desk,
            warm,
            place,
            rounds: 0,
            bad,
            unsettled,
            owed: Changes::default(),
            code: 0,
        };
        watch.first(workspace)?;
        let keys = if is_terminal { "; return runs all, q ends" } else { "" };
        context.talk.note(&format!("watching {} folders{keys}", eye.folders()));
        loop {
            match next(&inbox, &mut saved) {
                Next::End(code) => {
                    // What a round began and its end did not reach, such as a build of an image, must not outlive the command.
                    wharf_process::kill_all();
                    return Ok(code.unwrap_or(watch.code));
                }
                Next::All => watch.round(None),
                Next::Missed(why) => {
                    context.talk.warning(why);
                    watch.round(None);
                }
                Next::Saved(changes) => watch.round(Some(changes)),
            }
        }
    }

    /// What does not go with it.
    fn unfit(&self, stage: StageWish) -> Option<&'static str> {
        let unfit = [
            ("`--stage prod`: the code in a prod image does not change", stage == StageWish::Only(Stage::Prod)),
            ("`--split`", self.history.split.is_some()),
            ("`--coverage`", self.reports.forms().is_some()),
            ("`--verify-cache`", self.cache.verify_cache),
            ("`--collect` or `--explain`", self.choice.only_looks()),
        ];
        unfit.into_iter().find(|(_, is_given)| *is_given).map(|(option, _)| option)
    }
}

impl Watch<'_> {
    fn first(&mut self, workspace: Workspace) -> Result<(), Failure> {
        let mut listeners = self.test.listeners(self.context, &workspace);
        let workspace = Arc::new(workspace);
        if let Some(report) = self.run(&workspace, None, &mut listeners)? {
            self.test.print_summary(self.context, &workspace, &report)?;
            self.take(&report);
        }
        Ok(())
    }

    /// One round. What keeps it from being run is said, and the next save may put it right.
    fn round(&mut self, changes: Option<Changes>) {
        self.rounds += 1;
        let context = self.context;
        let owed = std::mem::take(&mut self.owed);
        let changes = changes.map(|changes| with_owed(changes, &owed));
        let done = context.workspace().and_then(|workspace| {
            let workspace = Arc::new(workspace);
            let changes = changes.as_ref();
            self.reconfigured(&workspace, changes);
            let report = self.run(&workspace, changes, &mut Quiet(context))?;
            match report {
                Some(report) => self.tell(&workspace, changes, &report),
                None => Ok(()),
            }
        });
        if let Err(failure) = done {
            self.code = failure.say();
            // Those of a round of all are not known by name, but what was owed before it still is.
            self.owed = changes.unwrap_or(owed);
        }
    }

    /// What a dir is configured with may have been anything between two rounds: all of it runs, or is known.
    fn reconfigured(&mut self, workspace: &Workspace, changes: Option<&Changes>) {
        for path in changes.into_iter().flat_map(|changes| changes.files.keys()) {
            let name = path.rsplit('/').next().unwrap_or(path);
            let is_older = REPO_CONFIGS.contains(&name);
            if name != "wharf.toml" && !is_older {
                continue;
            }
            let folder = path.strip_suffix(name).unwrap_or_default();
            let dir = folder.trim_end_matches("devops/").trim_end_matches('/');
            let is_meant = |address: &str| match () {
                () if is_older => address.starts_with(folder) || address == dir || dir.is_empty(),
                () => !folder.ends_with("devops/") || dir.is_empty() || address == dir,
            };
            let dirs = workspace.dirs.iter().map(|dir| dir.address.to_string());
            self.unsettled.extend(dirs.filter(|address| is_meant(address)));
        }
    }

    /// `None` where nothing is reached.
    fn run(
        &self,
        workspace: &Arc<Workspace>,
        changes: Option<&Changes>,
        listener: &mut dyn TestListener,
    ) -> Result<Option<Report>, Failure> {
        let (test, context) = (self.test, self.context);
        let wish = test.wish()?;
        let cache = test.cache.of(context, test, wish.stage, workspace)?;
        let selection = test.selection(workspace)?;
        test.choice.check(workspace)?;
        let mut plan = test_suite::plan(workspace, &selection)?;
        if let Some(changes) = changes {
            let seen = Remembered::open(&workspace.root, &StateDir::peek(workspace));
            let mut found = affected_by(workspace, changes, &seen);
            found.dirs.retain(|dir| !self.unsettled.contains(&dir.path));
            found.apply(&mut plan);
        }
        plan.dirs.retain(|dir| dir.runs || changes.is_none());
        if plan.dirs.is_empty() {
            return Ok(None);
        }
        let clock = SystemClock::start();
        let plan = test.history.spread(context, workspace, plan, None)?;
        let mut options = test.options(workspace, &selection, &plan, (wish, cache))?;
        options.warm = Some(Arc::clone(&self.warm));
        let around = Around { clock: &clock, listener, signals: self.desk.begin() };
        let report = test_suite::run(workspace, &self.place, plan, options, around);
        self.desk.end();
        Ok(Some(report?))
    }

    fn take(&mut self, report: &Report) {
        for test in report.dirs.iter().flat_map(|dir| &dir.tests) {
            if test.verdict.is_bad() {
                self.bad.insert(test.id.clone());
            } else {
                self.bad.remove(&test.id);
            }
        }
        for dir in &report.dirs {
            if matches!(dir.status, DirStatus::Passed | DirStatus::Failed | DirStatus::NoTests) {
                self.unsettled.remove(&dir.path);
            } else {
                self.unsettled.insert(dir.path.clone());
            }
        }
        self.code = report.exit_code;
    }

    /// What came of a round, in as few lines as that takes.
    fn tell(&mut self, workspace: &Workspace, changes: Option<&Changes>, report: &Report) -> Result<(), Failure> {
        let ran: BTreeSet<&str> = report.dirs.iter().flat_map(|dir| &dir.tests).map(|test| test.id.as_str()).collect();
        // What is gone is not bad any more.
        self.bad.retain(|id| workspace.root.join(id.split("::").next().unwrap_or(id)).exists());
        let still = self.bad.iter().filter(|id| !ran.contains(id.as_str())).count();
        self.take(report);
        let style = self.context.talk.out_style;
        let options = SummaryOptions {
            style,
            columns: None,
            slow: workspace.config.test.slow,
            place: String::new(),
            has_page: false,
        };
        let mut out = std::io::stdout().lock();
        write_failures(report, &mut out, &options)?;
        let head = if report.exit_code == 0 {
            style.paint(Paint::BoldGreen, "ok:")
        } else {
            style.paint(Paint::BoldRed, "error:")
        };
        let what = changes.map_or_else(|| "all".to_owned(), named);
        let left = if still > 0 { format!("; {still} others failed before and were not run") } else { String::new() };
        writeln!(
            out,
            "{head} round {}: {what}: {} in {}{left}",
            self.rounds,
            counts(report),
            seconds(report.duration)
        )?;
        out.flush()?;
        Ok(())
    }
}

/// The changes, with those of earlier rounds that could not be run.
fn with_owed(mut changes: Changes, owed: &Changes) -> Changes {
    for (path, fate) in &owed.files {
        changes.files.entry(path.clone()).or_insert(*fate);
    }
    changes
}

/// `3 passed, 1 failed`.
fn counts(report: &Report) -> String {
    let summary = &report.summary;
    let bad = summary.bad();
    let apart = [(summary.skipped, "skipped"), (summary.xfailed, "xfailed"), (summary.xpassed, "xpassed")];
    let others: usize = apart.iter().map(|(count, _)| count).sum();
    let fine = summary.total().saturating_sub(bad + summary.cached + others);
    let parts = [(fine, "passed"), (bad, "failed")].into_iter().chain(apart).chain([(summary.cached, "cached")]);
    let parts = parts.filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() { "no tests".into() } else { parts.join(", ") }
}

fn named(changes: &Changes) -> String {
    let mut names: Vec<&str> = changes.files.keys().map(String::as_str).take(NAMED).collect();
    let more = changes.files.len() - names.len();
    let rest = format!("{more} more");
    if more > 0 {
        names.push(&rest);
    }
    names.join(", ")
}

/// Waits for what comes next: a save is over when it is quiet for a moment.
fn next(inbox: &Receiver<Heard>, saved: &mut Saved) -> Next {
    let mut since = None;
    loop {
        let heard = if saved.is_quiet() {
            since = None;
            inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            let since: Instant = *since.get_or_insert_with(Instant::now);
            inbox.recv_timeout(SETTLED.min(AT_LAST.saturating_sub(since.elapsed())))
        };
        match heard {
            Ok(Heard::Saved(path)) => drop(saved.touch(path)),
            Ok(Heard::All) => return Next::All,
            Ok(Heard::Missed(why)) => {
                saved.look_again();
                return Next::Missed(why);
            }
            Ok(Heard::End(code)) => return Next::End(code),
            Err(RecvTimeoutError::Timeout) => {
                let changes = saved.take();
                if !changes.is_empty() {
                    return Next::Saved(changes);
                }
            }
            Err(RecvTimeoutError::Disconnected) => return Next::End(None),
        }
    }
}

fn hear_signals(desk: &Arc<Desk>, sender: &Sender<Heard>) -> std::io::Result<()> {
    let signals = wharf_process::signals::listen()?;
    let (desk, sender) = (Arc::clone(desk), sender.clone());
    thread::spawn(move || {
        for number in signals {
            desk.signal(number);
            if sender.send(Heard::End(Some(130))).is_err() {
                return;
            }
        }
    });
    Ok(())
}

fn hear_keys(desk: &Arc<Desk>, sender: Sender<Heard>) {
    const INTERRUPT: i32 = 2;
    let desk = Arc::clone(desk);
    thread::spawn(move || {
        for byte in std::io::stdin().lock().bytes().map_while(Result::ok) {
            let heard = match byte {
                b'\r' | b'\n' => Heard::All,
                b'q' | b'Q' | 4 => {
                    desk.signal(INTERRUPT);
                    Heard::End(None)
                }
                _ => continue,
            };
            if sender.send(heard).is_err() {
                return;
            }
        }
    });
}

impl From<EyeError> for Failure {
    fn from(error: EyeError) -> Self {
        let hint = error.hint();
        let failure = Self::environment(Self::describe(&error));
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use wharf_core::test_suite::reads::Fate;

    use super::*;

    fn changes(files: &[(&str, Fate)]) -> Changes {
        let files = files.iter().map(|(path, fate)| ((*path).to_owned(), *fate)).collect();
        Changes { files, ..Changes::default() }
    }

    #[test]
    fn what_is_owed_is_added_and_what_came_last_counts() {
        let owed = changes(&[("a.py", Fate::Removed), ("b.py", Fate::Modified)]);
        let all = with_owed(changes(&[("a.py", Fate::Added)]), &owed);
        assert_eq!(all.files, changes(&[("a.py", Fate::Added), ("b.py", Fate::Modified)]).files);
    }

    #[test]
    fn a_save_after_something_was_missed_is_heard_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut saved = Saved::new(folder.path(), Vec::new());
        let (sender, inbox) = channel();
        sender.send(Heard::Saved(folder.path().join("a.py"))).unwrap();
        sender.send(Heard::Missed("why")).unwrap();
        assert!(matches!(next(&inbox, &mut saved), Next::Missed("why")));
        let path = folder.path().join("b.py");
        std::fs::write(&path, "").unwrap();
        sender.send(Heard::Saved(path)).unwrap();
        let Next::Saved(changes) = next(&inbox, &mut saved) else { panic!("a save") };
        assert_eq!(changes.files.keys().collect::<Vec<_>>(), ["b.py"]);
    }
}
