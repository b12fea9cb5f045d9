//! `wharf prune`.

use std::time::{Duration, SystemTime};

use wharf_core::container::{Entry, nested, networks, running};
use wharf_core::image::{Place, past, place};
use wharf_core::test_suite::cache::Folder;
use wharf_core::workspace::Workspace;
use wharf_engine::Kind;
use wharf_engine::host::{HostTools, VenvInfo};
use wharf_process::Command;

use super::{data, started};
use crate::context::Context;
use crate::exit::Failure;
use crate::render::bytes;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Removes what was left behind.
///
/// That is: containers that ended without being removed, whatever a killed Wharf left running, networks of services that nobody is in, networks and volumes that its containers made, what it left in the cache,
/// environments of engine host that nobody asked for in a while, and known verdicts of tests that nobody used in as long. Never touches what a living Wharf waits for. Images are
/// another matter: see `wharf image prune`. Prints the name of each thing removed.
#[derive(Debug, clap::Args)]
pub struct Prune {
    /// Also of all other workspaces.
    #[arg(long)]
    all_workspaces: bool,
    /// Days after which an environment of engine host, or a known verdict, goes that nobody asked for, of whichever workspace;
    /// they are made anew when they are needed.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(2..=36500))]
    days: u32,
    /// Prints the commands that would be run, and removes nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What is to go, beside what runs.
struct Stale {
    past: Vec<std::path::PathBuf>,
    environments: Vec<VenvInfo>,
}

impl Prune {
    /// Runs the command.
    ///
    /// # Errors
    /// When the engine refuses, or the cache cannot be written.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        let place = context.place(&workspace)?;
        let entries = running::list(&workspace, &place, started::scope(self.all_workspaces))?;
        let leftovers: Vec<Entry> = entries.into_iter().filter(Entry::is_leftover).collect();
        let tools = host_tools(context)?;
        let (age, now) = (DAY * self.days, SystemTime::now());
        let stale =
            Stale { past: past::leftovers(&context.surroundings.cache, now), environments: tools.unused(age, now) };
        let verdicts = Folder::of_user(&context.surroundings.cache, workspace.config.cache.size);
        let unused = verdicts.unused(age, now);
        match leftovers.len() + stale.past.len() + stale.environments.len() + unused.entries {
            0 => context.talk.note("nothing is left behind"),
            count if self.dry_run => context.talk.note(&format!("would remove {count}")),
            count => context.talk.note(&format!("removing {count}")),
        }
        started::end(&place, &leftovers, Duration::ZERO, self.dry_run)?;
        self.networks(&workspace, &place)?;
        if self.dry_run {
            if unused.entries > 0 {
                let (entries, freed) = (unused.entries, bytes(unused.freed));
                context.talk.note(&format!("of these {entries} files of known verdicts, {freed}"));
            }
            return show(&stale);
        }
        self.verdicts(context, &verdicts, (workspace.config.cache.size, age, now))?;
        for folder in &stale.past {
            fs_err::remove_dir_all(folder)?;
            data::line(&folder.display().to_string())?;
        }
        self.environments(context, &tools, age, now)?;
        Ok(0)
    }

    /// Networks of services whose `wharf` is gone, and those that nobody is in.
    fn networks(&self, workspace: &Workspace, place: &Place) -> Result<(), Failure> {
        let Some(client) = place.client() else { return Ok(()) };
        let scope = started::scope(self.all_workspaces);
        if self.dry_run {
            let orphans = networks::orphans(workspace, client, scope)?;
            orphans.iter().try_for_each(|name| data::line(&client.remove_network_command(name).to_string()))?;
            return nested::orphan_lines(workspace, client, scope).iter().try_for_each(|line| data::line(line));
        }
        nested::remove_orphans(workspace, client, scope, true);
        let removed = started::remove_networks(workspace, place, scope)?;
        removed.iter().try_for_each(|name| data::line(name))
    }

    /// Known verdicts that nobody used, and what is too much.
    fn verdicts(
        &self,
        context: &Context,
        verdicts: &Folder,
        (limit, age, now): (u64, Duration, SystemTime),
    ) -> Result<(), Failure> {
        let trimmed = verdicts.trim(limit, Some((age, now)))?;
        if trimmed.entries > 0 {
            let (entries, freed, left) = (trimmed.entries, bytes(trimmed.freed), bytes(trimmed.left));
            context.talk.note(&format!("{freed} in {entries} files of known verdicts; {left} are left"));
        }
        Ok(())
    }

    fn environments(
        &self,
        context: &Context,
        tools: &HostTools,
        age: Duration,
        now: SystemTime,
    ) -> Result<(), Failure> {
        let removed = tools.prune(age, now).map_err(|error| {
            let failure = Failure::environment(Failure::describe(&error));
            match error.hint() {
                Some(hint) => failure.hint(hint),
                None => failure,
            }
        })?;
        for venv in &removed {
            data::line(&venv.place().display().to_string())?;
        }
        if !removed.is_empty() {
            let freed = removed.iter().map(|venv| venv.size).sum();
            let days = self.days;
            context.talk.note(&format!("{} of environments that nobody asked for in {days} days", bytes(freed)));
        }
        Ok(())
    }
}

/// Environments of the host are there whichever engine is used now.
fn host_tools(context: &Context) -> Result<HostTools, Failure> {
    match place::open(Kind::Host, &context.surroundings)? {
        Place::Host(tools) => Ok(*tools),
        Place::Containers(_) => Err(Failure::environment("engine `host` cannot be opened")),
    }
}

fn show(stale: &Stale) -> Result<u8, Failure> {
    let folders =
        stale.past.iter().map(std::path::PathBuf::as_path).chain(stale.environments.iter().map(VenvInfo::place));
    for folder in folders {
        data::line(&Command::new("rm").arg("-rf").arg(folder).to_string())?;
    }
    Ok(0)
}
