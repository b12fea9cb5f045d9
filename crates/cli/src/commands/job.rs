//! One command in one runnable dir, from the wish to the exit code.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use wharf_core::container::{Launch, Owner, Settings, live, nested};
use wharf_core::image::choice::Wish;
use wharf_core::image::ensure::{Body, Demand};
use wharf_core::image::plan::{self, Step};
use wharf_core::image::stage::{PLATFORM, STAGE};
use wharf_core::image::stale::stale;
use wharf_core::image::{ImageError, Place, Ready, Stage, StageWish, ensure};
use wharf_core::runnable_dir::RunnableDir;
use wharf_core::workspace::{StateDir, Workspace};
use wharf_engine::Kind;
use wharf_process::Command;

use super::beside::Beside;
use super::data;
use super::image::check_platform;
use super::interrupt::{Interrupt, Relay};
use super::ports;
use super::run::{Options, Secret};
use crate::context::Context;
use crate::exit::Failure;

/// What is to be run where.
pub(super) struct Job<'a> {
    pub(super) context: &'a Context,
    pub(super) workspace: &'a Workspace,
    pub(super) place: &'a Place,
    pub(super) dir: &'a RunnableDir,
    pub(super) options: &'a Options,
    pub(super) settings: Settings,
    pub(super) interrupt: Interrupt,
    pub(super) secret: Option<Secret>,
}

impl Job<'_> {
    /// Gets the image, starts the command, and waits for it; gives its exit code.
    pub(super) fn execute(&self) -> Result<u8, Failure> {
        let owner = Owner::current();
        let (ready, beside) = self.ready_beside(&owner)?;
        let code = self.execute_beside(&ready, &owner, &beside);
        beside.end(self);
        code
    }

    fn execute_beside(&self, ready: &Ready, owner: &Owner, beside: &Beside) -> Result<u8, Failure> {
        self.interrupt.check()?;
        let state = StateDir::open(self.workspace)?;
        let launch = self.launch(ready, &state, owner);
        // A warm container was started before these services were.
        if beside.neighbours.is_none()
            && let Some(code) = self.execute_warm(&launch)?
        {
            return Ok(code);
        }
        self.check_ports()?;
        let mut settings = Settings { neighbours: beside.neighbours.clone(), ..self.settings.clone() };
        let nested = nested::open(&launch, &mut settings)?;
        let command = self.command(&launch, &settings)?;
        let relay = self.relay(launch.name(&settings));
        let mut registered = None;
        let exit = command.foreground_with(|pid| {
            self.interrupt.hand_over(pid, relay);
            registered = self.register(owner, pid, &command);
        });
        // What is to be cleaned up now can be stopped again.
        self.interrupt.take_back();
        drop(registered);
        drop(nested);
        let exit = exit.map_err(|error| self.not_started(&error))?;
        Ok(u8::try_from(exit.shell_code() & 0xff).unwrap_or(1))
    }

    fn launch<'b>(&'b self, ready: &'b Ready, state: &'b StateDir, owner: &'b Owner) -> Launch<'b> {
        let Self { workspace, place, dir, .. } = *self;
        Launch { workspace, place, dir, ready, state, owner }
    }

    /// Podman's program passes signals on only some time after the container has started; one that comes before ends
    /// the program and leaves the container.
    fn relay(&self, name: String) -> Option<Relay> {
        let client = self.place.client().filter(|client| client.kind() == Kind::Podman)?.clone();
        Some(Arc::new(move |signal| client.signal(&name, signal).is_ok()))
    }

    /// The line that starts it, after a warning for a stale image and for each thing in the configuration that cannot be
    /// done here.
    fn command(&self, launch: &Launch<'_>, settings: &Settings) -> Result<Command, Failure> {
        self.say_before(launch)?;
        let command = launch.command(settings)?;
        Ok(match &self.secret {
            Some(secret) => command.secret_env(secret.name, &secret.value),
            None => command,
        })
    }

    /// Warns of a stale image, and of each thing in the configuration that cannot be done here.
    pub(super) fn say_before(&self, launch: &Launch<'_>) -> Result<(), Failure> {
        self.check_stale(launch.ready)?;
        for warning in launch.warnings() {
            self.context.talk.warning(&warning);
        }
        Ok(())
    }

    /// A port that is taken is named with who has it: the engines only say that it is.
    pub(super) fn check_ports(&self) -> Result<(), Failure> {
        if self.place.client().is_none() {
            return Ok(());
        }
        let configured = &self.dir.config.run.ports;
        ports::check(self.context, self.place, &[configured.as_slice(), &self.settings.ports].concat())
    }

    /// Gets the image.
    pub(super) fn ready(&self) -> Result<Ready, Failure> {
        let wish = self.wish();
        check_platform(self.place, &wish)?;
        let demand = self.demand(&wish);
        let owner = self.workspace.image_owner(self.dir)?;
        if let Some(ready) = self.known_image(&demand, owner)? {
            return Ok(ready);
        }
        let outcome: Mutex<Option<Result<Ready, ImageError>>> = Mutex::default();
        let keep = |_: &RunnableDir, result| {
            if let Ok(mut outcome) = outcome.lock() {
                *outcome = Some(result);
            }
        };
        let ensured = ensure(&demand, &[owner], &self.context.talk, &keep);
        self.interrupt.check()?;
        ensured?;
        match outcome.into_inner() {
            Ok(Some(result)) => Ok(result?),
            _ => Err(Failure { code: 130, message: "interrupted".into(), hint: None }),
        }
    }

    /// Says in one line where image and checkout have drifted apart.
    fn check_stale(&self, ready: &Ready) -> Result<(), Failure> {
        let owner = self.workspace.image_owner(self.dir)?;
        match stale(self.dir, owner, ready) {
            Some(stale) if self.options.strict => Err(Failure::refused(stale.to_string()).hint(stale.hint())),
            Some(stale) => {
                self.context.talk.warning(&stale.to_string());
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn wish(&self) -> Wish {
        let Options { stage, image_version, platform, .. } = self.options;
        Wish { stage: (*stage).into(), version: image_version.clone(), platform: *platform }
    }

    fn demand<'b>(&'b self, wish: &'b Wish) -> Demand<'b> {
        Demand { workspace: self.workspace, place: self.place, wish, stop: self.interrupt.stop() }
    }

    /// Notes the process down on the host, where no engine keeps a list.
    fn register(&self, owner: &Owner, pid: u32, command: &Command) -> Option<live::Registered> {
        let Place::Host(tools) = self.place else { return None };
        let group = live::Group {
            workspace: self.workspace.id.clone(),
            dir: self.dir.address.to_string(),
            verb: self.settings.verb.to_owned(),
            process: Owner::of(pid).to_string(),
            owner: owner.to_string(),
            command: command.to_string(),
            log: None,
        };
        // The list is a courtesy: a full disk must not stop the command.
        live::register(&tools.cache, &group).ok()
    }

    /// Prints what would be run, and nothing else there.
    pub(super) fn show(&self) -> Result<u8, Failure> {
        let wish = self.wish();
        let owner = self.workspace.image_owner(self.dir)?;
        let steps = plan::plan(&self.demand(&wish), &[owner])?;
        let Some(step) = steps.into_iter().next() else { return Ok(0) };
        let ready = match step {
            Step::Use(ready) => {
                self.context.talk.note(&format!("{}: {} ({})", owner.address, ready.reference, ready.why));
                ready
            }
            Step::Make(making) => {
                self.context.talk.note(&format!("{}: would make {}: {}", owner.address, making.reference, making.why));
                if let Place::Host(_) = self.place {
                    // There is no path yet that could be pasted.
                    return self.show_both_steps(owner);
                }
                let body = Body::Image(making.reference.clone());
                let platform = wish.platform.map(|platform| (PLATFORM.to_owned(), platform.to_string()));
                // A prod image has its own code, whoever fetches it.
                let prod = (wish.stage == StageWish::Only(Stage::Prod)).then(|| (STAGE.to_owned(), "prod".to_owned()));
                let labels: BTreeMap<String, String> = platform.into_iter().chain(prod).collect();
                Ready { reference: making.reference, why: making.why, body, spec: making.spec, labels }
            }
        };
        let (state, owner) = (StateDir::peek(self.workspace), Owner::current());
        let lines = self.service_lines(&owner)?;
        let launch = self.launch(&ready, &state, &owner);
        if lines.is_none() && self.show_warm(&launch)? {
            return Ok(0);
        }
        let neighbours = lines.as_ref().map(|lines| lines.neighbours.clone());
        let mut settings = Settings { neighbours, ..self.settings.clone() };
        nested::show(&launch, &mut settings);
        let command = self.command(&launch, &settings)?.to_string();
        let (before, after) = lines.map(|lines| (lines.before, lines.after)).unwrap_or_default();
        before.iter().chain([&command]).chain(&after).try_for_each(|line| data::line(line))?;
        Ok(0)
    }

    fn show_both_steps(&self, owner: &RunnableDir) -> Result<u8, Failure> {
        let wharf = || Command::new("wharf").args(["-C"]).arg(self.workspace.root.clone()).args(["--engine", "host"]);
        let build = wharf().args(["image", "build"]).arg(format!("//{}", owner.address.prefix()));
        let mut run = wharf().arg("run").arg(format!("//{}", self.dir.address.prefix()));
        for variable in &self.settings.env {
            run = run.arg("--env").arg(variable.clone());
        }
        if let Some(folder) = &self.settings.workdir {
            run = run.arg("--workdir").arg(folder.clone());
        }
        data::line(&format!("{build} && {}", run.arg("--").args(self.settings.command.iter().cloned())))?;
        Ok(0)
    }

    pub(super) fn not_started(&self, error: &wharf_process::ProcessError) -> Failure {
        let mut message = error.to_string();
        if let Some(cause) = std::error::Error::source(error) {
            message = format!("{message}: {cause}");
        }
        match self.place {
            // As a shell would say it; in a container the engine gives the same codes.
            Place::Host(_) if error.is_not_found() => Failure { code: 127, message, hint: None },
            Place::Host(_) => Failure { code: 126, message, hint: None },
            Place::Containers(_) => Failure::environment(message),
        }
    }
}
