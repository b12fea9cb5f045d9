//! `wharf graph`.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use wharf_core::dependency::crossings;
use wharf_core::graph::Graph as Model;
use wharf_core::runnable_dir::Address;
use wharf_core::workspace::Workspace;

use super::data;
use crate::context::Context;
use crate::exit::Failure;
use crate::render::graph::{MADE_BY, svg, text, tree};
use crate::render::style::Style;

/// Shows super-repo, sub-repos, runnable dirs and images, who holds whom and who uses whose image.
#[derive(Debug, clap::Args)]
pub struct Graph {
    /// How: by the ending of --output, else as a tree.
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Writes it to a file; replaces only what `wharf graph` made.
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    output: Option<PathBuf>,
    /// The same as --format json.
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

/// How a graph is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A tree for terminals.
    Tree,
    /// For Markdown on GitHub and GitLab.
    Mermaid,
    /// For Graphviz.
    Dot,
    /// For programs.
    Json,
    /// A picture, for light and dark pages.
    Svg,
}

/// The graph as JSON has it.
#[derive(Debug, Serialize)]
struct Json<'a> {
    about: &'a str,
    #[serde(flatten)]
    graph: &'a Model,
}

impl Graph {
    /// Runs the command.
    ///
    /// # Errors
    /// When there is no workspace, or the file is somebody else's.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        let format = self.wanted()?;
        let workspace = context.workspace()?;
        context.say_problems(&workspace);
        let graph = Model::new(&workspace, &imports(&workspace))?;
        let style = match self.output {
            Some(_) => Style { color: false, unicode: true },
            None => context.talk.out_style,
        };
        let drawn = match format {
            Format::Tree => tree::render(&graph, style),
            Format::Mermaid => text::mermaid(&graph),
            Format::Dot => text::dot(&graph),
            Format::Svg => svg::render(&graph),
            Format::Json => {
                let json = serde_json::to_string_pretty(&Json { about: MADE_BY, graph: &graph });
                json.map_err(|error| Failure::from(std::io::Error::from(error)))? + "\n"
            }
        };
        match &self.output {
            None => data::text(&drawn)?,
            Some(file) => {
                // A tree has no place for a remark but a line of its own.
                let drawn = if format == Format::Tree { format!("{drawn}\n{MADE_BY}\n") } else { drawn };
                write(&context.surroundings.here.join(file), file, &drawn)?;
                data::line(&file.display().to_string())?;
            }
        }
        Ok(0)
    }

    fn wanted(&self) -> Result<Format, Failure> {
        if self.json {
            return Ok(Format::Json);
        }
        if let Some(format) = self.format {
            return Ok(format);
        }
        let Some(file) = &self.output else { return Ok(Format::Tree) };
        match file.extension().and_then(|ending| ending.to_str()) {
            Some("svg") => Ok(Format::Svg),
            Some("json") => Ok(Format::Json),
            Some("dot" | "gv") => Ok(Format::Dot),
            Some("mmd" | "mermaid") => Ok(Format::Mermaid),
            Some("txt") | None => Ok(Format::Tree),
            Some(other) => Err(Failure::usage(format!("a file that ends in `.{other}` has no format of its own"))
                .hint("say which with `--format svg`, or another")),
        }
    }
}

/// Writes whole or not at all, and never over what is not ours.
fn write(file: &Path, shown: &Path, text: &str) -> Result<(), Failure> {
    let refused = || {
        Failure::refused(format!("`{}` is there and was not made by `wharf graph`", shown.display()))
            .hint("choose another name, or send it there yourself: `wharf graph --format svg > FILE`")
    };
    match fs_err::read(file) {
        Ok(bytes) if !String::from_utf8_lossy(&bytes).contains(MADE_BY) => return Err(refused()),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let folder = file.parent().unwrap_or(file);
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    let mut fresh = tempfile::Builder::new().prefix(".graph-").permissions(permissions).tempfile_in(folder)?;
    fresh.write_all(text.as_bytes())?;
    fresh.persist(file).map_err(|error| Failure::from(error.error))?;
    Ok(())
}

/// Which dir imports which, each pair once.
fn imports(workspace: &Workspace) -> Vec<(Address, Address)> {
    let graph = super::deps::graph(workspace);
    let address = |place: usize| workspace.dirs[place].address.clone();
    let pairs = crossings(workspace, &graph).into_iter();
    let pairs: BTreeSet<(Address, Address)> =
        pairs.map(|crossing| (address(crossing.from_dir), address(crossing.to_dir))).collect();
    pairs.into_iter().collect()
}
