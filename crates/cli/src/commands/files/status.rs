//! `wharf files status`.

use std::collections::BTreeMap;

use serde::Serialize;
use wharf_core::common_files::{CommonFile, Examined, Mode, Scene, Selection, State, examine, folder};

use super::super::data;
use super::many::{self, Looked};
use super::{Between, scene, words};
use crate::context::Context;
use crate::exit::Failure;
use crate::render::table::Cell;
use crate::render::{Paint, Table, github};

/// Lists common files that are not equal on both sides, and who changed them since the last sync.
///
/// Only what the owner has committed counts. The last sync is recorded in `wharf.files.lock`, which belongs into Git.
#[derive(Debug, clap::Args)]
pub(super) struct Status {
    /// Files and folders; without any, all common files.
    #[arg(value_name = "PATH", conflicts_with = "repos", add = crate::commands::complete::common_files())]
    paths: Vec<String>,
    /// Lists files that are equal, too.
    #[arg(long)]
    all: bool,
    /// Fails (exit 1) unless all are equal: for CI.
    #[arg(long)]
    check: bool,
    /// Prints JSON: an array of objects, of all files.
    #[arg(long)]
    json: bool,
    /// Looks into these super-repos instead: paths, or a file with a path a line.
    #[arg(long, value_name = "LIST", num_args = 1..)]
    repos: Vec<String>,
    #[command(flatten)]
    between: Between,
}

/// One file, as JSON has it.
#[derive(Debug, Serialize)]
struct Row<'a> {
    workspace: &'a str,
    /// Path from the super-repo's root.
    path: String,
    owner: String,
    /// Path in the owner.
    source: &'a str,
    mode: Mode,
    state: &'static str,
    renamed_to: Option<&'a str>,
    /// Whether a sync needs a decision or a merge.
    contested: bool,
    declared: &'a str,
}

impl Status {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        if !self.repos.is_empty() {
            return self.many(context);
        }
        let scene = scene(context, &context.surroundings.here)?;
        let examined = match self.between.folders(&scene, &context.surroundings.here)? {
            Some((here, there)) => {
                let mut examined = folder::between(&scene, &here, &there)?;
                let contents = wharf_core::common_files::Contents::fetch(&scene, &examined)?;
                folder::find_renames_here(&mut examined, &contents);
                examined
            }
            None => examine(&scene, &Selection::new(&scene, &context.surroundings.here, &self.paths)?)?,
        };
        super::say(context, "", &examined.troubles);
        let name = scene.name.clone();
        self.show(context, &[(name.as_str(), &scene, &examined)])?;
        super::verdict(&examined.troubles)?;
        self.check(context, &[(name.as_str(), &scene, &examined)])
    }

    fn many(&self, context: &Context) -> Result<u8, Failure> {
        let looked = many::look(context, many::folders(context, &self.repos)?);
        let mut good = Vec::new();
        let mut first: Option<Failure> = None;
        for Looked { name, found } in &looked {
            match found {
                Ok((scene, examined)) => {
                    super::say(context, &format!("{name}: "), &examined.troubles);
                    good.push((name.as_str(), scene, examined));
                }
                Err(error) => {
                    context.talk.warning(&format!("{name}: {}", Failure::describe(error)));
                    let hint = error.hint();
                    let failure = Failure { code: 4, message: format!("`{name}` cannot be looked into"), hint };
                    first.get_or_insert(failure);
                }
            }
        }
        self.show(context, &good)?;
        if let Some(failure) = first {
            return Err(failure);
        }
        for (_, _, examined) in &good {
            super::verdict(&examined.troubles)?;
        }
        self.check(context, &good)
    }

    fn show(&self, context: &Context, all: &[(&str, &Scene, &Examined)]) -> Result<(), Failure> {
        if self.json {
            let rows =
                all.iter().flat_map(|(name, scene, examined)| examined.files.iter().map(|file| row(name, scene, file)));
            return data::json(&rows.collect::<Vec<_>>());
        }
        let several = !self.repos.is_empty();
        let mut table =
            Table::new(if several { &["repo", "file", "state", "owner"] } else { &["file", "state", "owner"] });
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (name, scene, examined) in all {
            for file in &examined.files {
                if file.state.is_settled() {
                    *counts.entry(file.state.kind()).or_default() += 1;
                }
                if !self.all && file.state.is_settled() {
                    continue;
                }
                let owner = format!("//{}", scene.repos[file.owner].path);
                let cells =
                    [scene.shown(file.repo, &file.path).into(), Cell::painted(words(file), paint(file)), owner.into()];
                let first = several.then(|| (*name).into());
                table.row(first.into_iter().chain(cells));
            }
        }
        if !table.is_empty() {
            data::table(context, &table)?;
        }
        self.summary(context, all, &counts);
        Ok(())
    }

    fn summary(&self, context: &Context, all: &[(&str, &Scene, &Examined)], settled: &BTreeMap<&str, usize>) {
        let files = all.iter().map(|(_, _, examined)| examined.files.len()).sum::<usize>();
        if files == 0 {
            return context.talk.note("no common files; `wharf files track PATH --from OWNER` adds one");
        }
        let count = |kind: &str| settled.get(kind).copied().unwrap_or(0);
        let equal = count("same") + count("link-ok");
        let detached = match count("detached") {
            0 => String::new(),
            detached => format!(", {detached} detached"),
        };
        let repos = if self.repos.is_empty() { String::new() } else { format!(" in {} super-repos", all.len()) };
        context.talk.note(&format!("{equal} of {files} common files{repos} are equal{detached}"));
    }

    fn check(&self, context: &Context, all: &[(&str, &Scene, &Examined)]) -> Result<u8, Failure> {
        if !self.check {
            return Ok(0);
        }
        let annotate = context.surroundings.variable("GITHUB_ACTIONS") == Some("true") && !self.json;
        let mut open = 0;
        for (_, scene, examined) in all {
            for file in examined.files.iter().filter(|file| !file.state.is_settled()) {
                open += 1;
                if annotate {
                    let path = scene.shown(file.repo, &file.path);
                    data::line(&github::error(&path, None, &format!("common file: {}", words(file))))?;
                }
            }
        }
        match open {
            0 => Ok(0),
            open => Err(Failure::failed(format!("{open} common files are not equal on both sides")).hint(
                "`wharf files diff` shows how, `wharf files sync` brings them here, `wharf files upstream` there",
            )),
        }
    }
}

fn row<'a>(workspace: &'a str, scene: &Scene, file: &'a CommonFile) -> Row<'a> {
    Row {
        workspace,
        path: scene.shown(file.repo, &file.path),
        owner: format!("//{}", scene.repos[file.owner].path),
        source: &file.source,
        mode: file.mode,
        state: file.state.kind(),
        renamed_to: match &file.state {
            State::RenamedAtOwner(to) | State::RenamedHere(to) => Some(to),
            _ => None,
        },
        contested: file.is_contested(),
        declared: &file.place,
    }
}

fn paint(file: &CommonFile) -> Paint {
    match &file.state {
        State::Same | State::LinkOk => Paint::Green,
        State::Detached => Paint::Dim,
        State::Unreadable(_) | State::LinkReplaced => Paint::Red,
        _ if file.is_contested() => Paint::Red,
        State::ChangedHere | State::DeletedHere | State::OnlyHere | State::RenamedHere(_) => Paint::Cyan,
        _ => Paint::Yellow,
    }
}
