//! Services beside a command: what `wharf run` and `wharf bash` share.

use std::sync::atomic::Ordering;
use std::thread;

use wharf_core::container::{Neighbours, Owner};
use wharf_core::image::Ready;
use wharf_core::service::{self, Lifetime, Lines, Order, ServiceError, ServicePlan, Started};

use super::job::Job;
use crate::exit::Failure;

/// What a command has beside it.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// What it needs to reach that.
    pub(super) neighbours: Option<Neighbours>,
    /// What goes with it.
    started: Option<Started>,
}

impl Beside {
    /// Ends what goes with the command, and says what of it had died before.
    pub(super) fn end(&self, job: &Job<'_>) {
        let Some(started) = &self.started else { return };
        for died in started.died() {
            let tail: String = died.tail.iter().map(|line| format!("\n  {line}")).collect();
            job.context.talk.warning(&format!("service `{}` {} while the command ran{tail}", died.name, died.how()));
        }
        for problem in started.stop(None) {
            job.context.talk.warning(&problem);
        }
    }
}

impl Job<'_> {
    /// Gets the image and, at the same time, starts the services.
    pub(super) fn ready_beside(&self, owner: &Owner) -> Result<(Ready, Beside), Failure> {
        let plan = self.services()?;
        if plan.is_empty() && !self.may_be_up() {
            return Ok((self.ready()?, Beside::default()));
        }
        thread::scope(|scope| {
            let services = scope.spawn(|| self.beside(&plan, owner));
            let ready = self.ready();
            if ready.is_err() {
                // Nobody needs them any more.
                self.interrupt.stop().store(true, Ordering::Relaxed);
            }
            let beside = services.join().unwrap_or_else(|_| Err(ServiceError::Stopped.into()));
            match (ready, beside) {
                (Ok(ready), Ok(beside)) => Ok((ready, beside)),
                (Err(failure), beside) => {
                    beside.unwrap_or_default().end(self);
                    Err(failure)
                }
                (Ok(_), Err(failure)) => Err(failure),
            }
        })
    }

    /// Which services are asked for.
    fn services(&self) -> Result<ServicePlan, Failure> {
        let with = &self.options.with;
        let names = self.dir.config.run.services.iter().chain(with).cloned().collect::<Vec<_>>();
        service::plan(self.workspace, self.dir, &names).map_err(|error| named(error, with))
    }

    /// Whether there is anything that `wharf up` could have started.
    fn may_be_up(&self) -> bool {
        let services = &self.dir.config.services;
        self.place.client().is_some() && (!services.named.is_empty() || services.compose.is_some())
    }

    fn beside(&self, plan: &ServicePlan, owner: &Owner) -> Result<Beside, Failure> {
        let up = service::up_network(self.workspace, self.dir);
        if let Some(client) = self.place.client().filter(|_| self.may_be_up()) {
            let running = service::running_up(client, &up)?;
            let is_up = |name: &str| running.iter().any(|running| running == name);
            if !running.is_empty() && plan.names().all(is_up) && !self.has_other_network() {
                let order = Order { lifetime: Lifetime::Kept, ..self.order(plan, owner, &up) };
                return Ok(Beside { neighbours: Some(service::reach(&order, client)?), started: None });
            }
            if let Some(missing) = plan.names().find(|name| !running.is_empty() && !is_up(name)) {
                self.context.talk.note(&format!(
                    "`{missing}` is not up, so this command has services of its own (`wharf up {missing}` starts it)"
                ));
            }
        }
        if plan.is_empty() {
            return Ok(Beside::default());
        }
        let started = service::start(&self.order(plan, owner, &self.network(owner)))
            .map_err(|error| named(error, &self.options.with))?;
        Ok(Beside { neighbours: Some(started.neighbours.clone()), started: Some(started) })
    }

    fn has_other_network(&self) -> bool {
        self.settings.network.is_some() || self.dir.config.run.network.is_some()
    }

    fn network(&self, owner: &Owner) -> String {
        format!("wharf-{}-{}-{}-{}", &self.workspace.id[..6], self.dir.slug(), self.settings.verb, owner.short())
    }

    fn order<'b>(&'b self, plan: &'b ServicePlan, owner: &'b Owner, network: &'b str) -> Order<'b> {
        Order {
            workspace: self.workspace,
            place: self.place,
            dir: self.dir,
            shown: self.dir.address.as_str(),
            plan,
            lifetime: Lifetime::Command,
            network,
            verb: self.settings.verb,
            owner,
            stop: self.interrupt.stop(),
            logs: None,
            listener: &self.context.talk,
        }
    }

    /// The lines that would start and end the services, where some are asked for.
    pub(super) fn service_lines(&self, owner: &Owner) -> Result<Option<Lines>, Failure> {
        let plan = self.services()?;
        if plan.is_empty() {
            return Ok(None);
        }
        Ok(Some(service::lines(&self.order(&plan, owner, &self.network(owner)))?))
    }
}

/// A name that only the command line has is a slip in that.
pub(super) fn named(error: ServiceError, with: &[String]) -> Failure {
    let is_slip = matches!(&error, ServiceError::Unknown { name, needed_by: None, .. } if with.contains(name));
    let failure = Failure::from(error);
    if is_slip { Failure { code: 2, ..failure } } else { failure }
}
