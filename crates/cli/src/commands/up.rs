//! `wharf up` and `wharf down`.

use wharf_core::config::nearest_word;
use wharf_core::container::Owner;
use wharf_core::container::networks::Stored;
use wharf_core::image::Place;
use wharf_core::runnable_dir::RunnableDir;
use wharf_core::service::{self, DownPlan, Lifetime, Order};
use wharf_core::workspace::Workspace;
use wharf_engine::Client;

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
    /// Prints the commands that would be run, and removes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Prints JSON: an array of objects.
    #[arg(long, conflicts_with = "dry_run")]
    json: bool,
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

/// What of one dir goes.
#[derive(Debug, serde::Serialize)]
struct Gone {
    dir: String,
    service: String,
    container: String,
}

impl Down {
    /// Runs the command.
    ///
    /// # Errors
    /// When a name means nothing, or the engine refuses.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        let place = context.place(&workspace)?;
        let dirs: Vec<&RunnableDir> = match &self.dir {
            Some(_) => vec![find(&workspace, self.dir.as_ref())?],
            None => workspace.here().map_or_else(|_| workspace.dirs.iter().collect(), |dir| vec![dir]),
        };
        let stored = if self.volumes { Stored::Goes } else { Stored::Stays };
        let mut plans = Vec::new();
        for dir in &dirs {
            let client = service::client(&place, &context.surroundings, dir)?;
            let network = service::up_network(&workspace, dir);
            let plan = service::plan_down(&client, &network, &self.names, stored)?;
            plans.push((dir.address.to_string(), client, plan));
        }
        self.check_names(&dirs, &plans)?;
        let all = || plans.iter().flat_map(|(dir, _, plan)| plan.containers.iter().map(move |found| (dir, found)));
        if plans.iter().all(|(_, _, plan)| plan.is_empty()) {
            context.talk.note("nothing of that is up");
        }
        for (_, client, plan) in &plans {
            if self.dry_run {
                plan.commands(client).iter().try_for_each(|command| data::line(&command.to_string()))?;
            } else {
                plan.apply(client, &context.surroundings.cache)?;
            }
        }
        match (self.dry_run, self.json) {
            (true, _) => {}
            (false, true) => data::json(
                &all()
                    .map(|(dir, (container, service))| Gone {
                        dir: dir.clone(),
                        service: service.clone(),
                        container: container.clone(),
                    })
                    .collect::<Vec<_>>(),
            )?,
            (false, false) => all().try_for_each(|(_, (container, _))| data::line(container))?,
        }
        Ok(0)
    }

    /// A name that nobody describes and that is not up is a slip. What Compose files describe only their tools know.
    fn check_names(&self, dirs: &[&RunnableDir], plans: &[(String, Client, DownPlan)]) -> Result<(), Failure> {
        let named = || dirs.iter().flat_map(|dir| dir.config.services.named.keys());
        if dirs.iter().any(|dir| dir.config.services.compose.is_some()) {
            return Ok(());
        }
        let up = || plans.iter().flat_map(|(_, _, plan)| plan.containers.iter().map(|(_, service)| service));
        let unknown = self.names.iter().find(|name| !named().chain(up()).any(|known| known == *name));
        let Some(name) = unknown else { return Ok(()) };
        let known: Vec<&str> = named().map(String::as_str).collect();
        let failure = Failure::usage(format!("no service is named `{name}`"));
        Err(match nearest_word(name, &known) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure.hint("`wharf ps` lists what is up"),
        })
    }
}
