//! `wharf` alone: the state of what is here and the next sensible command.

use std::fmt::Write as _;
use std::path::PathBuf;

use wharf_core::image::Place;
use wharf_core::image::list::list;
use wharf_core::image::place::{Picked, pick};
use wharf_core::sub_repo::State;
use wharf_core::test_suite::Report;
use wharf_core::test_suite::report::json;
use wharf_core::workspace::{StateDir, Workspace};
use wharf_engine::EngineError;

use super::data;
use crate::context::Context;
use crate::exit::Failure;
use crate::render::{Paint, Style};

/// More dirs than this are not asked about their images: their files would all have to be read.
const MANY: usize = 50;

/// Shows the state of what is here.
///
/// # Errors
/// When there is no workspace.
pub fn run(context: &Context) -> Result<u8, Failure> {
    let workspace = context.workspace()?;
    let picked = pick(&workspace);
    let last = last_run(&workspace);
    let style = context.talk.out_style;
    let mut text = format!("{}  {}\n", style.paint(Paint::Bold, &workspace.name), workspace.root.display());
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "  {} {value}", style.paint(Paint::Dim, &format!("{name:<14}")));
    };
    row("repos", &repos(&workspace));
    row("runnable dirs", &dirs(&workspace));
    match &picked {
        Ok(picked) => row("engine", picked.why.trim_start_matches("engine ")),
        Err(error) => row("engine", &format!("not ready: {error}")),
    }
    if let Some(images) = images(&workspace, picked.as_ref().ok()) {
        row("images", &images);
    }
    if let Some(report) = &last {
        row("last test run", &verdict(report, style));
    }
    for problem in &workspace.problems {
        let _ = writeln!(text, "\n{} {problem}", style.paint(Paint::Yellow, "problem:"));
    }
    let _ = writeln!(text, "\n{} {}", style.paint(Paint::Cyan, "next:"), next(&workspace, &picked, last.as_ref()));
    data::text(&text)?;
    Ok(0)
}

fn repos(workspace: &Workspace) -> String {
    let count = |is: fn(&State) -> bool| workspace.repos.iter().filter(|repo| is(&repo.state)).count();
    let mut text = workspace.repos.len().to_string();
    for (number, what) in [
        (count(|state| *state == State::NotPopulated), "not populated"),
        (count(|state| matches!(state, State::Unreadable(_))), "not usable"),
    ] {
        if number > 0 {
            let _ = write!(text, ", {number} {what}");
        }
    }
    text
}

fn dirs(workspace: &Workspace) -> String {
    let tested = workspace.dirs.iter().filter(|dir| dir.test_files > 0).count();
    match workspace.dirs.len() {
        0 => "none".into(),
        all => format!("{all}, {tested} with tests"),
    }
}

/// How many images match the checkout, where one quick question tells.
fn images(workspace: &Workspace, picked: Option<&Picked>) -> Option<String> {
    let place = &picked?.place;
    let is_quick = match place {
        Place::Containers(client) => client.socket().is_some(),
        Place::Host(_) => false,
    };
    let owners = workspace.dirs.iter().filter(|dir| dir.image_from().is_none()).count();
    if !is_quick || owners == 0 || workspace.dirs.len() > MANY {
        return None;
    }
    let mut ready: Vec<String> = list(workspace, place)
        .ok()?
        .into_iter()
        .filter(|image| image.matches == Some(true))
        .map(|image| image.dir)
        .collect();
    ready.dedup();
    Some(format!("{} of {owners} match the checkout", ready.len()))
}

/// The report of the latest test run that left one.
fn last_run(workspace: &Workspace) -> Option<Report> {
    let runs = StateDir::peek(workspace).path().join("runs");
    let mut numbered: Vec<(u32, PathBuf)> = std::fs::read_dir(runs)
        .ok()?
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("report.json"))))
        .collect();
    numbered.sort_unstable_by(|a, b| b.cmp(a));
    numbered.into_iter().find_map(|(_, file)| json::read(&file).ok())
}

fn verdict(report: &Report, style: Style) -> String {
    let (total, bad) = (report.summary.total(), report.summary.bad());
    let word = match report.exit_code {
        0 => style.paint(Paint::Green, "passed"),
        _ if report.interrupted => style.paint(Paint::Yellow, "interrupted"),
        _ => style.paint(Paint::Red, "failed"),
    };
    let counts = if bad == 0 { format!("{total} tests") } else { format!("{bad} of {total} tests") };
    format!("{word}, {counts} in {} dirs, {}", report.dirs.len(), report.started)
}

/// The one command line that makes most sense now.
fn next(workspace: &Workspace, picked: &Result<Picked, EngineError>, last: Option<&Report>) -> String {
    if workspace.repos.iter().any(|repo| repo.state == State::NotPopulated) {
        return "git submodule update --init --recursive".into();
    }
    if workspace.dirs.is_empty() {
        return "wharf init".into();
    }
    if picked.is_err() {
        return "wharf doctor".into();
    }
    match last {
        Some(report) if !report.interrupted && report.summary.bad() > 0 => "wharf test --last-failed".into(),
        _ => "wharf test".into(),
    }
}
