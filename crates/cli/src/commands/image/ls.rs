//! `wharf image ls`.

use jiff::Timestamp;
use wharf_core::image::list::{Listed, list};

use super::super::data;
use crate::context::Context;
use crate::exit::Failure;
use crate::render::{Table, bytes};

/// Lists images of this workspace's runnable dirs, and whether they match what is checked out.
#[derive(Debug, clap::Args)]
pub(super) struct Ls {
    /// Prints JSON: an array of objects.
    #[arg(long)]
    json: bool,
}

impl Ls {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        context.say_problems(&workspace);
        let place = context.place(&workspace)?;
        let images = list(&workspace, &place)?;
        if images.is_empty() {
            context.talk.note("there is none yet; build them with `wharf image build`");
        }
        if self.json {
            data::json(&images)?;
            return Ok(0);
        }
        let now = Timestamp::now().as_second();
        let native = place.client().and_then(|client| client.native_platform().ok()).map(|native| native.to_string());
        // Where all are for the engine's own, the column would say nothing.
        let with_platform = images.iter().any(|image| native.as_ref().is_some_and(|native| *native != image.platform));
        let mut columns = vec!["image", "dir", "stage", "version", "platform", "matches", "size", "age", "id"];
        columns.retain(|column| with_platform || *column != "platform");
        let mut table = Table::new(&columns);
        for image in images {
            let id = short_id(&image);
            let matches = image.matches.map_or("?", |matches| if matches { "yes" } else { "no" });
            let mut row = vec![image.reference, image.dir, image.stage, image.version];
            row.extend(with_platform.then_some(image.platform));
            row.extend([matches.into(), size(image.size), age(image.created, now), id]);
            table.row(row.into_iter().map(Into::into));
        }
        data::table(context, &table)?;
        Ok(0)
    }
}

fn short_id(image: &Listed) -> String {
    match image.id.strip_prefix("sha256:") {
        Some(id) => id.chars().take(12).collect(),
        None => image.id.clone(),
    }
}

pub(super) fn size(size: u64) -> String {
    if size == 0 { "-".into() } else { bytes(size) }
}

fn age(created: i64, now: i64) -> String {
    if created == 0 {
        return "-".into();
    }
    let minutes = (now - created).max(0) / 60;
    match minutes {
        0..60 => format!("{minutes} min"),
        60..2880 => format!("{} h", minutes / 60),
        _ => format!("{} days", minutes / 1440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_ages_are_short() {
        assert_eq!([0, 12_345, 123_456_789, 2_500_000_000].map(size), ["-", "12 kB", "123 MB", "2.50 GB"]);
        assert_eq!([0, 1, 1_000_000 - 7200, 1_000_000].map(|at| age(at, 1_000_000)), ["-", "11 days", "2 h", "0 min"]);
    }
}
