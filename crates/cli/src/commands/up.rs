//! `wharf up` and `wharf down`.

use wharf_core::container::Owner;
use wharf_core::image::Place;
use wharf_core::runnable_dir::RunnableDir;
use wharf_core::service::{self, Lifetime, Order};
use wharf_core::workspace::Workspace;

use super::beside::named;
use super::data;
use super::interrupt::Interrupt;
use crate::context::Context;
use crate::exit::Failure;
use crate::render::Table;

/// Starts services of a runnable dir and keeps them until `wharf down`.
///
/// Commands of `wharf run` and `wharf bash` use them while they are up; tests always have their own. What runs already and is
/// configured as before stays as it is. Prints where each one is to be reached.
#[derive(Debug, clap::Args)]
pub struct Up {
    /// Names of services; without any, those of `[run] services`, or, where none are said there, all of `[services]`.
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Whose services; without it, those of the runnable dir that holds the current folder.
    #[arg(long, value_name = "DIR", add = crate::commands::complete::dirs())]
    dir: Option<String>,
    /// Prints the commands that would be run, and starts nothing.
    #[arg(long)]
    dry_run: bool,
    /// Prints JSON: an array of objects.
    #[arg(long)]
    json: bool,
}

/// Ends and removes services that `wharf up` started. Prints the name of each container removed.
#[derive(Debug, clap::Args)]
pub struct Down {
    /// Names of services; without any, all.
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Whose services; without it, those of the runnable dir that holds the current folder, or, outside of any, of all.
    #[arg(long, value_name = "DIR", add = crate::commands::complete::dirs())]
    dir: Option<String>,
    /// Also what they have stored in named volumes.
    #[arg(long)]
    volumes: bool,
}

fn find<'w>(workspace: &'w Workspace, dir: Option<&String>) -> Result<&'w RunnableDir, Failure> {
    Ok(match dir {
        Some(text) => workspace.dir(text)?,
        None => workspace.here()?,
    })
}

fn wanted(dir: &RunnableDir, names: &[String]) -> Vec<String> {
    match (names, dir.config.run.services.as_slice()) {
        ([], []) => dir.config.services.named.keys().cloned().collect(),
        ([], configured) => configured.to_vec(),
        (named, _) => named.to_vec(),
    }
}

impl Up {
    /// Runs the command.
    ///
    /// # Errors
    /// When a name means nothing, or a service does not get ready.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        let dir = find(&workspace, self.dir.as_ref())?;
        let names = wanted(dir, &self.names);
        let plan = service::plan(&workspace, dir, &names).map_err(|error| named(error, &self.names))?;
        if plan.is_empty() {
            return Err(Failure::usage(format!("`{}` has no services that could be up", dir.address))
                .hint("describe them in `[services.NAME]` of `devops/wharf.toml`; with a Compose file, name those that are wanted"));
        }
        let place = context.place(&workspace)?;
        // Nobody on the host or elsewhere has them for its own: they are in an engine in any case.
        let place = Place::Containers(Box::new(service::client(&place, &context.surroundings, dir)?));
        let interrupt = Interrupt::listen()?;
        let order = Order {
            workspace: &workspace,
            place: &place,
            dir,
            shown: dir.address.as_str(),
            plan: &plan,
            lifetime: Lifetime::Kept,
            network: &service::up_network(&workspace, dir),
            verb: "up",
            owner: &Owner::current(),
            stop: interrupt.stop(),
            logs: None,
            listener: &context.talk,
        };
        if self.dry_run {
            let lines = service::lines(&order)?;
            lines.before.iter().try_for_each(|line| data::line(line))?;
            return Ok(0);
        }
        let services = service::start(&order)?.services();
        if self.json {
            data::json(&services)?;
            return Ok(0);
        }
        let mut table = Table::new(&["service", "container", "port", "on the host"]);
        for service in services {
            let published = service.published.iter().map(|(port, host)| format!("{host} → {port}"));
            let port = service.port.map(|port| port.to_string()).unwrap_or_default();
            table.row([
                service.name.into(),
                service.container.into(),
                port.into(),
                published.collect::<Vec<_>>().join(", ").into(),
            ]);
        }
        data::table(context, &table)?;
        Ok(0)
    }
}

impl Down {
    /// Runs the command.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        let place = context.place(&workspace)?;
        let dirs: Vec<&RunnableDir> = match &self.dir {
            Some(_) => vec![find(&workspace, self.dir.as_ref())?],
            None => workspace.here().map_or_else(|_| workspace.dirs.iter().collect(), |dir| vec![dir]),
        };
        let mut gone = Vec::new();
        for dir in dirs {
            let known: Vec<String> = dir.config.services.named.keys().cloned().collect();
            let plan = service::plan(&workspace, dir, &known)?;
            let client = service::client(&place, &context.surroundings, dir)?;
            let network = service::up_network(&workspace, dir);
            gone.extend(service::take_down(&client, &network, &self.names, (&plan, self.volumes))?);
        }
        if gone.is_empty() {
            context.talk.note("nothing of that is up");
        }
        gone.iter().try_for_each(|name| data::line(name))?;
        Ok(0)
    }
}
