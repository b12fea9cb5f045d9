//! `wharf ls`.

use serde::Serialize;
use wharf_core::image::Stage;
use wharf_core::runnable_dir::{Address, Layout, RunnableDir};
use wharf_core::workspace::Workspace;

use super::data;
use crate::context::Context;
use crate::exit::Failure;
use crate::render::Table;

/// Lists runnable dirs: path, name, version, image, where it stands, number of test files.
#[derive(Debug, clap::Args)]
pub struct Ls {
    /// Only those at or below these paths.
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    /// Prints JSON: an array of objects.
    #[arg(long)]
    json: bool,
}

/// One runnable dir, as JSON has it.
#[derive(Debug, Serialize)]
struct Row {
    path: String,
    name: String,
    version: String,
    image: String,
    repo: String,
    layout: &'static str,
    tests: usize,
}

impl Ls {
    /// Runs the command.
    ///
    /// # Errors
    /// When there is no workspace, or a path holds no runnable dir.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        context.say_problems(&workspace);
        let rows = self.rows(&workspace)?;
        if rows.is_empty() {
            context.talk.note(
                "there is no runnable dir here; `wharf init` finds the Python projects here and makes them runnable",
            );
        }
        if self.json {
            data::json(&rows)?;
            return Ok(0);
        }
        // Where all dirs are laid out alike, there is nothing to tell apart.
        let native = Layout::Native.word();
        let tells_layout = rows.iter().any(|row| row.layout != native);
        let mut heads = vec!["path", "name", "version", "image", "repo"];
        heads.extend(tells_layout.then_some("layout"));
        heads.push("test files");
        let mut table = Table::new(&heads);
        for row in rows {
            let mut cells = vec![row.path, row.name, row.version, row.image, row.repo];
            cells.extend(tells_layout.then(|| row.layout.to_owned()));
            cells.push(row.tests.to_string());
            table.row(cells.into_iter().map(Into::into));
        }
        data::table(context, &table)?;
        Ok(0)
    }

    fn rows(&self, workspace: &Workspace) -> Result<Vec<Row>, Failure> {
        let dirs = selected(workspace, &self.paths)?;
        dirs.into_iter().map(|dir| row(workspace, dir)).collect()
    }
}

/// The runnable dirs at or below `paths`; all where there are none.
fn selected<'a>(workspace: &'a Workspace, paths: &[String]) -> Result<Vec<&'a RunnableDir>, Failure> {
    if paths.is_empty() {
        return Ok(workspace.dirs.iter().collect());
    }
    let mut wanted = Vec::new();
    for path in paths {
        let address = Address::parse(path, &workspace.root, &workspace.surroundings.here)
            .map_err(wharf_core::workspace::WorkspaceError::from)?;
        if !workspace.dirs.iter().any(|dir| address.contains(&dir.address)) {
            // It names the nearest ones.
            workspace.dir(path)?;
        }
        wanted.push(address);
    }
    let is_wanted = |dir: &&RunnableDir| wanted.iter().any(|address| address.contains(&dir.address));
    Ok(workspace.dirs.iter().filter(is_wanted).collect())
}

fn row(workspace: &Workspace, dir: &RunnableDir) -> Result<Row, Failure> {
    let owner = workspace.image_owner(dir)?;
    Ok(Row {
        path: dir.address.to_string(),
        name: dir.name.clone(),
        version: dir.version.to_string(),
        image: format!("{}:{}", owner.name, Stage::Dev.tag_of(owner, &workspace.surroundings.user, &owner.version)),
        repo: if dir.repo.is_empty() { ".".into() } else { dir.repo.clone() },
        layout: dir.layout.word(),
        tests: dir.test_files,
    })
}
