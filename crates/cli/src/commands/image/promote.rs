//! `wharf image promote`.

use wharf_core::image::past::History;
use wharf_core::image::promote::{self, Basis, Follow, Making, Promotion, Proof, Request, Tests};
use wharf_core::image::tested;
use wharf_core::runnable_dir::RunnableDir;
use wharf_core::test_suite::{self, Selection, TestPlan};
use wharf_core::workspace::{StateDir, Workspace};
use wharf_engine::Client;

use super::super::data;
use crate::context::Context;
use crate::exit::Failure;

/// Makes tested local images the team's.
///
/// The local image that matches the checkout, and on which the dir's whole suite passed, gets the names
/// `<name>:dev-<version>` and `<name>:dev`. The new image has the same layers and differs in labels alone. All dirs are
/// looked at before anything is done. Prints a line for each.
#[derive(Debug, clap::Args)]
pub(super) struct Promote {
    /// Whose images.
    #[arg(value_name = "DIR", required = true, add = crate::commands::complete::dirs())]
    dirs: Vec<String>,
    /// Also where the tests have not passed on the image; its label `dev.wharf.untested` says so then.
    #[arg(long)]
    untested: bool,
    /// Prints the commands that would do it, and does nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Promote {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        let mut dirs: Vec<&RunnableDir> = Vec::new();
        for text in &self.dirs {
            let dir = workspace.dir(text)?;
            if !dirs.iter().any(|known| known.address == dir.address) {
                dirs.push(dir);
            }
        }
        let place = context.place(&workspace)?;
        let scene = Scene {
            context,
            client: super::client(&place, "promote images")?,
            state: StateDir::peek(&workspace),
            tests: test_suite::plan(&workspace, &Selection::default())?,
            proof: if self.untested { Proof::Waived } else { Proof::Needed },
            workspace: &workspace,
        };
        let plans: Vec<Promotion> =
            dirs.iter().map(|dir| promote::plan(&scene.request(dir))).collect::<Result<_, _>>()?;
        for (dir, plan) in dirs.iter().zip(&plans) {
            if let Promotion::Make(making) = plan {
                scene.say_notes(dir, making);
            }
            if self.dry_run {
                show(scene.client, dir, plan)?;
            } else {
                say(dir, &promote::apply(&scene.request(dir))?)?;
            }
        }
        Ok(0)
    }
}

/// What is the same for all dirs.
struct Scene<'a> {
    context: &'a Context,
    workspace: &'a Workspace,
    client: &'a Client,
    state: StateDir,
    tests: TestPlan,
    proof: Proof<'a>,
}

impl Scene<'_> {
    fn request<'b>(&'b self, dir: &'b RunnableDir) -> Request<'b> {
        let Self { workspace, client, state, proof, .. } = self;
        let tests = if self.has_tests(dir) { Tests::Some } else { Tests::None };
        Request { workspace, client, state, dir, tests, proof: *proof, platform: None, follow: Follow::Now }
    }

    fn has_tests(&self, dir: &RunnableDir) -> bool {
        self.tests.dirs.iter().any(|plan| plan.runs && plan.path == dir.address.as_str())
    }

    /// What a release would not like, a line each.
    fn say_notes(&self, dir: &RunnableDir, making: &Making) {
        let address = &dir.address;
        let warn = |text: &str| self.context.talk.warning(text);
        match History::new(self.workspace).at_own(dir, "HEAD") {
            Ok(Some(head)) if head.same_inputs == Some(true) && head.version == dir.version => {}
            Ok(_) => warn(&format!(
                "what decides the image of `{address}`, or its changelog, is not committed: a release will refuse it"
            )),
            Err(error) => {
                warn(&format!("`{address}` cannot be compared with what is committed: {}", Failure::describe(&error)));
            }
        }
        let uses_it = |other: &&RunnableDir| {
            other.address != *address
                && self.workspace.image_owner(other).is_ok_and(|owner| owner.address == *address)
                && self.has_tests(other)
                && tested::read(&self.state, other, &making.from.id).is_none()
        };
        for other in self.workspace.dirs.iter().filter(uses_it) {
            warn(&format!("`{}` uses this image too, and its tests have not passed on it", other.address));
        }
    }
}

fn say(dir: &RunnableDir, promotion: &Promotion) -> Result<(), Failure> {
    data::line(&match promotion {
        Promotion::Already { reference, floating: None } => {
            format!("{}: {reference} (nothing to do: it has this content already)", dir.address)
        }
        Promotion::Already { reference, floating: Some((name, _)) } => {
            format!("{}: {reference} (it has this content already; {name} now points to it)", dir.address)
        }
        Promotion::Make(making) => {
            format!("{}: {} (from {}; {})", dir.address, making.tag, making.from_reference, basis(&making.basis))
        }
    })
}

fn basis(basis: &Basis) -> String {
    match basis {
        Basis::Tested(tested) => tested.describe(),
        Basis::NoTests => "the dir has no tests".into(),
        Basis::Untested => "untested, as its label says".into(),
    }
}

fn show(client: &Client, dir: &RunnableDir, promotion: &Promotion) -> Result<(), Failure> {
    match promotion {
        Promotion::Already { reference, floating } => {
            data::line(&format!("# {}: nothing to make, {reference} has this content already", dir.address))?;
            floating.iter().try_for_each(|(name, id)| data::line(&client.tag_command(id, name).to_string()))
        }
        Promotion::Make(making) => {
            data::line(&format!("# {}: {}; {}", dir.address, making.tag, basis(&making.basis)))?;
            let mut build = client.command().args(["build", "--tag"]).arg(making.tag.clone());
            for (name, value) in &making.labels {
                build = build.arg("--label").arg(format!("{name}={value}"));
            }
            data::line(&format!("echo FROM {} | {build} -", making.from_reference))?;
            let floating = making.floating.iter();
            floating.into_iter().try_for_each(|name| data::line(&client.tag_command(&making.tag, name).to_string()))
        }
    }
}
