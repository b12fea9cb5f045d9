//! `wharf image diff`.

use wharf_core::image::change::{Change, Extent};
use wharf_core::image::choice::Wish;
use wharf_core::image::diff::{Comparison, Facts, Request, diff, side};
use wharf_core::image::ensure::Demand;

use super::super::data;
use super::super::interrupt::Interrupt;
use super::lock::labels;
use super::ls::size;
use crate::context::Context;
use crate::exit::Failure;

/// Compares two images: Python and OS packages, Python, base image, variables and size. Nothing of the images is run. On the
/// engine `host` it compares the Python packages of two environments.
#[derive(Debug, clap::Args)]
pub(super) struct Diff {
    /// A runnable dir (the image that its commands run in), `DIR@1.2.3`, `DIR@dev`, or an image by reference or id.
    #[arg(value_name = "A", add = crate::commands::complete::dirs())]
    a: String,
    /// What it is compared with, written in the same way.
    #[arg(value_name = "B", add = crate::commands::complete::dirs())]
    b: String,
    /// Lists what is equal on both sides too.
    #[arg(long)]
    all: bool,
    /// Prints JSON: an object.
    #[arg(long)]
    json: bool,
}

impl Diff {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        let (a, b) = (side(&workspace, &self.a)?, side(&workspace, &self.b)?);
        let place = context.place(&workspace)?;
        let interrupt = Interrupt::listen()?;
        let wish = Wish::default();
        let labels = labels(&workspace, "diff");
        let demand = Demand { workspace: &workspace, place: &place, wish: &wish, stop: interrupt.stop() };
        let request = Request { demand, labels: &labels, listener: &context.talk };
        let extent = if self.all { Extent::All } else { Extent::Differences };
        let compared = diff(&request, [&a, &b], extent);
        interrupt.check()?;
        let compared = compared?;
        for note in &compared.notes {
            context.talk.warning(note);
        }
        if self.json {
            data::json(&compared)?;
        } else {
            data::text(&text(&compared))?;
        }
        Ok(0)
    }
}

fn text(compared: &Comparison) -> String {
    let Comparison { a, b, same, python, python_elsewhere, os, env, .. } = compared;
    let mut out = format!("A  {}\nB  {}\n", described(a), described(b));
    if *same {
        out.push_str("both are the same image\n");
    } else if compared.is_equal() {
        out.push_str("no package, variable or base differs\n");
    }
    let facts = facts(a, b);
    section(&mut out, "Image", &facts);
    section(&mut out, "Python packages", python);
    section(&mut out, "Python packages outside of /venv", python_elsewhere);
    section(&mut out, "OS packages", os);
    section(&mut out, "Variables", env);
    out
}

fn described(facts: &Facts) -> String {
    let id = facts.id.strip_prefix("sha256:").map_or(facts.id.as_str(), |id| id.get(..12).unwrap_or(id));
    let python = facts.python.as_ref().map_or_else(String::new, |version| format!(", Python {version}"));
    let size = if facts.size == 0 { String::new() } else { format!(", {}", size(facts.size)) };
    format!("{} ({id}{python}{size})", facts.image)
}

/// What differs between the images as wholes.
fn facts(a: &Facts, b: &Facts) -> Vec<Change> {
    let pairs = [("base", &a.base, &b.base), ("python", &a.python, &b.python), ("platform", &a.platform, &b.platform)];
    let changes = pairs.map(|(name, before, after)| Change {
        name: name.to_owned(),
        before: before.clone(),
        after: after.clone(),
    });
    changes.into_iter().filter(|change| !change.is_equal()).collect()
}

fn section(out: &mut String, title: &str, changes: &[Change]) {
    if changes.is_empty() {
        return;
    }
    out.push_str(&format!("\n{title}\n"));
    for change in changes {
        out.push_str(&format!("  {change}\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(id: &str, base: &str) -> Facts {
        Facts {
            image: "harbor-infra:dev-1.0.0".into(),
            id: format!("sha256:{id}"),
            base: Some(base.into()),
            python: Some("3.12.1".into()),
            platform: Some("linux/amd64".into()),
            size: 123_456_789,
        }
    }

    #[test]
    fn a_comparison_reads_as_a_list() {
        let change = Change { name: "six".into(), before: Some("1.16.0".into()), after: Some("1.17.0".into()) };
        let mut compared = Comparison {
            a: facts("0123456789abcdef", "x"),
            b: facts("fedcba9876543210", "y"),
            same: false,
            python: vec![change],
            python_elsewhere: vec![],
            os: vec![],
            env: vec![],
            notes: vec![],
        };
        let head = "A  harbor-infra:dev-1.0.0 (0123456789ab, Python 3.12.1, 123 MB)\n\
                    B  harbor-infra:dev-1.0.0 (fedcba987654, Python 3.12.1, 123 MB)\n";
        assert_eq!(
            text(&compared),
            format!("{head}\nImage\n  base x -> y\n\nPython packages\n  six 1.16.0 -> 1.17.0\n")
        );
        compared.python.clear();
        compared.b.base = compared.a.base.clone();
        assert_eq!(text(&compared), format!("{head}no package, variable or base differs\n"));
    }
}
