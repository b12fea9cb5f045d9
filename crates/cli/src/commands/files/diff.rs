//! `wharf files diff`.

use std::io::Write as _;

use wharf_core::common_files::folder::{self, Direction, Log};
use wharf_core::common_files::{Contents, Mode, Scene, Selection, State, examine};
use wharf_git::LogEntry;

use super::super::data;
use super::{Between, scene};
use crate::context::Context;
use crate::exit::Failure;

/// Shows how common files differ, as patches: `-` is the owner's, `+` is yours.
#[derive(Debug, clap::Args)]
pub(super) struct Diff {
    /// Files and folders; without any, all common files.
    #[arg(value_name = "PATH", add = crate::commands::complete::common_files())]
    paths: Vec<String>,
    /// The other way round: `+` is what a sync would bring.
    #[arg(short, long)]
    reverse: bool,
    /// Lists the commits on either side since the last sync, too.
    #[arg(long)]
    log: bool,
    #[command(flatten)]
    between: Between,
}

impl Diff {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let here = &context.surroundings.here;
        let scene = scene(context, here)?;
        let mut examined = match self.between.folders(&scene, here)? {
            Some((one, other)) => folder::between(&scene, &one, &other)?,
            None => {
                let selection = Selection::new(&scene, here, &self.paths)?;
                let mut examined = examine(&scene, &selection)?;
                if selection.is_explicit() {
                    folder::only_here(&scene, &selection, &mut examined)?;
                }
                examined
            }
        };
        super::say(context, "", &examined.troubles);
        let contents = Contents::fetch(&scene, &examined)?;
        folder::find_renames_here(&mut examined, &contents);
        if self.log {
            for log in folder::log(&scene, &examined)? {
                data::text(&listed(&scene, &log))?;
            }
        }
        let direction = if self.reverse { Direction::There } else { Direction::Here };
        for file in examined.files.iter().filter(|file| file.mode == Mode::Copy && !file.state.is_settled()) {
            if let State::RenamedHere(to) | State::RenamedAtOwner(to) = &file.state {
                data::line(&format!("{}: {} ({to})", scene.shown(file.repo, &file.path), file.state.kind()))?;
            }
            if let Some(patch) = folder::patch(&scene, &contents, file, direction) {
                bytes(&patch)?;
            }
        }
        super::verdict(&examined.troubles)?;
        Ok(0)
    }
}

/// Patches are bytes: files need not be UTF-8.
fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::environment(format!("standard output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

fn listed(scene: &Scene, log: &Log) -> String {
    let name = |repo: usize| format!("//{}", scene.repos[repo].path);
    let since = if log.is_rewritten { "all, its history was rewritten" } else { "since the last sync" };
    let owner = side(&format!("owner {}, {since}", name(log.owner)), &log.there);
    let here = side(&format!("here {}, since the last sync", name(log.repo)), &log.here);
    format!("{owner}{here}\n")
}

fn side(heading: &str, entries: &[LogEntry]) -> String {
    let count = entries.len();
    let lines = entries.iter().map(|entry| {
        format!("  {} {} {}: {}\n", entry.id.get(..9).unwrap_or(&entry.id), entry.date, entry.author, entry.subject)
    });
    format!("{heading}: {count} commits\n{}", lines.collect::<String>())
}
