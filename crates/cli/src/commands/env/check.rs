//! `wharf env check`.

use wharf_core::image::Place;
use wharf_core::image::place::{self, pick};
use wharf_core::thin_env;
use wharf_core::workspace::{VERSION, Workspace, WorkspaceError, WrongWharf, discover};

use super::super::data;
use super::super::doctor::check::{Check as Finding, Status};
use super::super::doctor::{self, tools};
use crate::context::Context;
use crate::exit::Failure;

/// Says what this machine lacks to work here: the right Wharf, Git, an engine, Python, the thin environment. Ends with exit
/// code 4 where something needed is missing. Changes nothing.
#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// Prints JSON: a list of objects with check, status, detail and fix.
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let findings = match discover(context.surroundings.clone()) {
            Ok(workspace) => examine(context, &workspace),
            Err(WorkspaceError::Wharf(wrong)) => vec![tools::git(context), wharf(Some(&wrong))],
            Err(error) => return Err(error.into()),
        };
        if self.json {
            data::json(&findings)?;
        } else {
            data::text(&doctor::table(&findings, context.talk.out_style))?;
        }
        let bad = findings.iter().filter(|one| one.status == Status::Bad).map(|one| one.check);
        match bad.collect::<Vec<_>>().as_slice() {
            [] => Ok(0),
            bad => Err(Failure::environment(format!("this machine is not ready: see {}", bad.join(", ")))
                .hint("mend what is marked `bad`, each with the command beside `fix`")),
        }
    }
}

fn examine(context: &Context, workspace: &Workspace) -> Vec<Finding> {
    let (python, uv) = (tools::python(context), tools::uv());
    let can_make = python.works || uv.works;
    vec![
        tools::git(context),
        wharf(workspace.wrong_wharf().as_ref()),
        engine(workspace, can_make),
        thin_environment(workspace, can_make),
        python.check,
        uv.check,
    ]
}

fn wharf(wrong: Option<&WrongWharf>) -> Finding {
    match wrong {
        Some(wrong) => Finding::bad("wharf", wrong.to_string()).fix(wrong.hint()),
        None => Finding::ok("wharf", VERSION),
    }
}

fn engine(workspace: &Workspace, can_make: bool) -> Finding {
    match pick(workspace) {
        Ok(picked) if can_make || matches!(picked.place, Place::Containers(_)) => {
            Finding::ok("engine", picked.why.trim_start_matches("engine "))
        }
        Ok(_) => Finding::bad("engine", "no Docker, no Podman, and no Python for engine host").fix("wharf doctor"),
        Err(error) => Finding::bad("engine", Failure::describe(&error)).fix("wharf doctor"),
    }
}

fn thin_environment(workspace: &Workspace, can_make: bool) -> Finding {
    let name = "thin environment";
    let tools = place::thin_env_tools(&workspace.config, &workspace.surroundings);
    match workspace.thin_env() {
        Err(error) => {
            let finding = Finding::bad(name, Failure::describe(&error));
            error.hint().into_iter().fold(finding, Finding::fix)
        }
        Ok(None) => Finding::ok(name, "none is declared"),
        Ok(Some(needs)) => match thin_env::find(&tools, &needs) {
            Some(env) => Finding::ok(name, format!("`{}`, Python {}", env.path.display(), env.python_version)),
            None if can_make => Finding::bad(name, "not made").fix("wharf env sync"),
            None => Finding::bad(name, "not made, and there is neither Python nor uv to make it").fix("wharf doctor"),
        },
    }
}
