//! `wharf env prune`.

use std::time::{Duration, SystemTime};

use wharf_core::image::place;
use wharf_core::thin_env::{self, ThinEnvError, Unused};
use wharf_process::Command;

use super::super::data;
use crate::context::Context;
use crate::exit::Failure;
use crate::render::bytes;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Removes environments that no workspace used lately, and those whose workspaces are gone. They are made anew when they are
/// needed. Prints the folder of each.
#[derive(Debug, clap::Args)]
pub(super) struct Prune {
    /// How long ago the last use must be, such as `30d` or `4w`; at least two days, as use is noted once a day.
    #[arg(long, value_name = "AGE", default_value = "30d", value_parser = days)]
    older_than: u32,
    /// Prints the commands that would be run, and removes nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Prune {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let surroundings = &context.surroundings;
        let tools = thin_env::tools(place::host_tools(surroundings), &surroundings.data);
        let unused = thin_env::unused(&tools, DAY * self.older_than, SystemTime::now());
        if unused.is_empty() {
            context.talk.note("every thin environment is in use");
        }
        for one in &unused {
            context.talk.note(&format!("{}: {}, {}", one.place().display(), one.why(), bytes(one.venv.size)));
        }
        if self.dry_run {
            for one in &unused {
                data::line(&Command::new("rm").arg("-rf").arg(one.place()).to_string())?;
            }
            return Ok(0);
        }
        let venvs = tools.venvs.clone().unwrap_or_default();
        let removed =
            thin_env::prune(&tools, unused).map_err(|source| ThinEnvError::Host { source: Box::new(source), venvs })?;
        removed.iter().map(Unused::place).try_for_each(|place| data::line(&place.display().to_string()))?;
        Ok(0)
    }
}

/// Days in `30d`, `4w` or `30`.
fn days(text: &str) -> Result<u32, String> {
    let (number, unit) = match text.strip_suffix('w') {
        Some(number) => (number, 7),
        None => (text.strip_suffix('d').unwrap_or(text), 1),
    };
    let days = number.parse::<u32>().ok().and_then(|number| number.checked_mul(unit));
    days.filter(|days| (2..=36_500).contains(days)).ok_or_else(|| "not an age from `2d` on, such as `30d`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_in_days_or_weeks() {
        assert_eq!((days("30d"), days("4w"), days("2")), (Ok(30), Ok(28), Ok(2)));
        for bad in ["", "d", "1d", "0", "-3d", "30h", "99999999w", "4294967295"] {
            assert!(days(bad).is_err(), "{bad}");
        }
    }
}
