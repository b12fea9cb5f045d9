//! A command in the warm container of its dir.

use std::sync::Arc;
use std::time::Duration;

use wharf_core::config::DockerMode;
use wharf_core::container::warm::last_image;
use wharf_core::container::{Launch, Warm};
use wharf_core::event::{Event, ImageState, Listener};
use wharf_core::image::ensure::Demand;
use wharf_core::image::known::known;
use wharf_core::image::{Ready, StageWish};
use wharf_core::runnable_dir::RunnableDir;
use wharf_engine::Exec;

use super::data;
use super::job::Job;
use crate::exit::Failure;

/// How often a container that ends just now is followed by another.
const TRIES: usize = 5;

impl Job<'_> {
    /// How long the container is to be kept; `None` where the command gets one of its own: nothing else is configured, or
    /// the command line asks for a container that others would not want.
    pub(super) fn kept_for(&self) -> Option<Duration> {
        let options = self.options;
        let wish: StageWish = options.stage.into();
        let own = options.fresh
            || wish != StageWish::Auto
            || options.image_version.is_some()
            || options.platform.is_some()
            || options.network.is_some()
            || !options.volume.is_empty()
            || !options.port.is_empty()
            || self.dir.config.run.nested.docker != DockerMode::None;
        self.dir.config.run.nested.warm.filter(|_| !own)
    }

    /// The image that the warm container has, where it is still the right one; `None` where all have to be looked at.
    pub(super) fn known_image(&self, demand: &Demand<'_>, owner: &RunnableDir) -> Result<Option<Ready>, Failure> {
        let last = self.kept_for().and_then(|_| last_image(self.workspace, self.dir.address.as_str()));
        let Some(ready) = last.map(|id| known(demand, owner, &id)).transpose()?.flatten() else { return Ok(None) };
        let state = ImageState::Found { image: ready.reference.clone(), why: ready.why.clone() };
        self.context.talk.on(Event::Image { dir: owner.address.to_string(), state });
        Ok(Some(ready))
    }

    /// Runs the command in the warm container; gives its code, or `None` where there is to be none.
    pub(super) fn execute_warm(&self, launch: &Launch<'_>) -> Result<Option<u8>, Failure> {
        let Some(idle) = self.kept_for() else { return Ok(None) };
        let Some(warm) = Warm::plan(launch, &self.settings, idle)? else { return Ok(None) };
        self.say_before(launch)?;
        let mut made = false;
        for _ in 0..TRIES {
            let used = warm.announce()?;
            self.interrupt.check()?;
            if used.is_some()
                && let Some(code) = self.execute_in(&warm)?
            {
                drop(used);
                warm.remember();
                if made {
                    self.end_others(&warm);
                }
                return Ok(Some(code));
            }
            drop(used);
            self.context.talk.note(&format!("{}: starts the container that is kept warm", self.dir.address));
            let outcome = warm.make();
            self.interrupt.check()?;
            if let Err(error) = outcome {
                self.check_ports()?;
                return Err(error.into());
            }
            made = true;
        }
        Err(Failure::environment(format!(
            "the warm container of `{}` ends as soon as it has started",
            self.dir.address
        ))
        .hint("use `--fresh`, and see `wharf run --dry-run` for the line that starts it"))
    }

    /// Runs the command; gives its code, or `None` where the container is gone.
    fn execute_in(&self, warm: &Warm<'_>) -> Result<Option<u8>, Failure> {
        let Some(client) = self.place.client() else { return Ok(None) };
        let (relaying, container, token) = (client.clone(), warm.exec.container.clone(), warm.exec.token.clone());
        self.interrupt.relay_all(Arc::new(move |signal| relaying.exec_signal(&container, &token, signal)));
        let end = || client.exec_end(&warm.exec.container, &warm.exec.token);
        let outcome: Result<Option<i32>, Failure> = match client.exec(&warm.exec) {
            Some(Ok(Exec::Ended(code))) => Ok(Some(code)),
            Some(Ok(Exec::NoContainer)) => Ok(None),
            Some(Ok(Exec::Unread)) => {
                end();
                // As a shell says it of a program that wrote to a closed pipe.
                Ok(Some(128 + 13))
            }
            Some(Err(error)) => Err(error.into()),
            None if !warm.is_running()? => Ok(None),
            None => {
                let exit = client.exec_command(&warm.exec).foreground().map_err(|error| self.not_started(&error))?;
                if matches!(exit, wharf_process::Exit::Signal(_)) {
                    // The program may have gone without its command.
                    end();
                }
                Ok(Some(exit.shell_code()))
            }
        };
        self.interrupt.take_back();
        Ok(outcome?.map(|code| u8::try_from(code & 0xff).unwrap_or(1)))
    }

    /// What is not ended now ends by itself.
    fn end_others(&self, warm: &Warm<'_>) {
        if let Err(error) = warm.end_others() {
            self.context.talk.warning(&Failure::describe(&error));
        }
    }

    /// Prints what would be done; false where the command gets a container of its own.
    pub(super) fn show_warm(&self, launch: &Launch<'_>) -> Result<bool, Failure> {
        let Some(idle) = self.kept_for() else { return Ok(false) };
        let Some(warm) = Warm::plan(launch, &self.settings, idle)? else { return Ok(false) };
        self.say_before(launch)?;
        for command in warm.commands()? {
            data::line(&command.to_string())?;
        }
        Ok(true)
    }
}
