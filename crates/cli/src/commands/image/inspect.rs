//! `wharf image inspect`.

use wharf_core::image::inspect::{Base, Inspected, inspect, of_dir};
use wharf_core::workspace::Workspace;
use wharf_engine::Client;

use super::super::data;
use crate::context::Context;
use crate::exit::Failure;
use crate::render::{Table, bytes};

/// Says what an image is, where it comes from and whether it was tested.
///
/// Of a dir it is the image that its commands would use now, else the newest that is here. Values of variables that look
/// like secrets are not shown.
#[derive(Debug, clap::Args)]
pub(super) struct Inspect {
    /// A runnable dir, or the name or id of an image.
    #[arg(value_name = "DIR|REFERENCE", add = crate::commands::complete::dirs())]
    what: String,
    /// Prints JSON: one object.
    #[arg(long)]
    json: bool,
}

impl Inspect {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        let place = context.place(&workspace)?;
        let client = super::client(&place, "inspect images")?;
        let reference = self.reference(context, &workspace, client)?;
        let inspected = inspect(&workspace, client, &reference)?;
        if self.json {
            data::json(&inspected)?;
            return Ok(0);
        }
        data::text(&words(&inspected))?;
        let mut table = Table::new(&["size", "layer"]);
        for layer in &inspected.layers {
            table
                .row([bytes(layer.size).into(), layer.made_by.split_whitespace().collect::<Vec<_>>().join(" ").into()]);
        }
        data::table(context, &table)?;
        Ok(0)
    }

    fn reference(&self, context: &Context, workspace: &Workspace, client: &Client) -> Result<String, Failure> {
        match workspace.dir(&self.what) {
            Ok(dir) => {
                let owner = workspace.image_owner(dir)?;
                if owner.address != dir.address {
                    context.talk.note(&format!("`{}` takes its image from `{}`", dir.address, owner.address));
                }
                let image = of_dir(workspace, client, owner)?;
                image.map(|image| image.id).ok_or_else(|| {
                    Failure::environment(format!("there is no image of `{}` here", owner.address))
                        .hint(format!("build it with `wharf image build {}`", owner.address))
                })
            }
            Err(_) if client.image(&self.what)?.is_some() => Ok(self.what.clone()),
            Err(_) if self.what.contains(':') => Err(Failure::usage(format!("there is no image `{}` here", self.what))
                .hint("see those of this workspace with `wharf image ls`")),
            Err(error) => Err(error.into()),
        }
    }
}

fn words(image: &Inspected) -> String {
    let or = |value: &Option<String>, other: &str| value.clone().unwrap_or_else(|| other.to_owned());
    let list = |values: &[String], none: &str| if values.is_empty() { none.to_owned() } else { values.join(" ") };
    let matches = match (&image.inputs, image.matches) {
        (None, _) => "unknown: Wharf did not make it".to_owned(),
        (Some(inputs), Some(true)) => format!("{inputs}, those of the checkout"),
        (Some(inputs), Some(false)) => format!("{inputs}, not those of the checkout"),
        (Some(inputs), None) => format!("{inputs}, of a dir that is not in this workspace"),
    };
    let mut lines = vec![
        ("image", list(&image.references, "no name")),
        ("id", image.id.clone()),
        ("dir", or(&image.dir, "none of this workspace")),
        ("stage", or(&image.stage, "unknown")),
        ("version", or(&image.version, "unknown")),
        ("platform", image.platform.clone()),
        ("inputs", matches),
        ("base", base(&image.base)),
        ("tested", tested(image)),
        ("created", image.created.clone()),
        ("size", bytes(image.size)),
        ("user", if image.user.is_empty() { "root".into() } else { image.user.clone() }),
        ("entrypoint", list(&image.entrypoint, "none")),
        ("command", list(&image.command, "none")),
        ("workdir", if image.workdir.is_empty() { "/".into() } else { image.workdir.clone() }),
    ];
    lines.extend(image.promoted_from.iter().map(|id| ("promoted from", id.clone())));
    lines.extend(image.digests.iter().map(|digest| ("registry", digest.clone())));
    lines.extend(image.env.iter().map(|(name, value)| ("env", format!("{name}={value}"))));
    lines.iter().map(|(name, value)| format!("{name:<14}{value}\n")).collect::<String>() + "\n"
}

fn base(base: &Base) -> String {
    let name = base.reference.as_deref().unwrap_or("unknown");
    let id =
        base.id.as_deref().map_or_else(String::new, |id| format!(" ({})", id.chars().take(19).collect::<String>()));
    let current = match base.current {
        Some(true) => ", still the same here",
        Some(false) => ", which has changed here",
        None => "",
    };
    format!("{name}{id}{current}")
}

fn tested(image: &Inspected) -> String {
    match (&image.tested, image.untested) {
        (Some(tested), _) => tested.describe(),
        (None, true) => "no: it was promoted untested".into(),
        (None, false) => "not recorded here".into(),
    }
}
