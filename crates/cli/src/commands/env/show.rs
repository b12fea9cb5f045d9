//! `wharf env show`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;
use serde::Serialize;
use wharf_core::config::mask_credentials;
use wharf_core::thin_env::{self, Needs};
use wharf_engine::host::VenvInfo;

use super::super::data;
use super::{DECLARE, Thin};
use crate::context::Context;
use crate::exit::Failure;
use crate::render::bytes;

/// Shows what the environment must hold and where that is stated; and where it is made, what it holds, its size and which
/// workspaces use it. Passwords in URLs are masked.
#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// Prints JSON: one object.
    #[arg(long)]
    json: bool,
}

/// The environment, as JSON has it. What is not known is null or empty.
#[derive(Debug, Serialize)]
struct Shown {
    declared: bool,
    made: bool,
    path: Option<PathBuf>,
    python: Python,
    needs: Vec<Need>,
    packages: Vec<Package>,
    bytes: Option<u64>,
    users: Vec<User>,
}

#[derive(Debug, Default, Serialize)]
struct Python {
    wanted: Option<String>,
    origin: Option<String>,
    version: Option<String>,
}

#[derive(Debug, Serialize)]
struct Need {
    kind: &'static str,
    text: String,
    origin: String,
}

#[derive(Debug, Serialize)]
struct Package {
    name: String,
    version: String,
}

#[derive(Debug, Serialize)]
struct User {
    root: PathBuf,
    last_used: Option<String>,
    exists: bool,
}

impl Show {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let thin = Thin::read(context)?;
        let info = thin.needs.as_ref().and_then(|needs| thin_env::describe(&thin.tools, needs));
        let shown = gather(thin.needs.as_ref(), info.as_ref());
        if self.json {
            data::json(&shown)?;
        } else if shown.declared {
            data::text(&text(&shown))?;
        } else {
            context.talk.note(&format!("`{}` declares no thin environment; {DECLARE}", thin.outline.name));
        }
        Ok(0)
    }
}

fn gather(needs: Option<&Needs>, info: Option<&VenvInfo>) -> Shown {
    let wanted = needs.and_then(|needs| needs.python.as_ref());
    let need = |line: &thin_env::Line| Need {
        kind: line.kind.word(),
        text: mask_credentials(&line.text).into_owned(),
        origin: line.origin.clone(),
    };
    let path = info.map(|info| info.path.as_path());
    Shown {
        declared: needs.is_some(),
        made: info.is_some(),
        path: path.map(Path::to_owned),
        python: Python {
            wanted: wanted.map(|wanted| wanted.value.clone()),
            origin: wanted.map(|wanted| wanted.origin.to_string()),
            version: info.map(|info| info.python_version.clone()),
        },
        needs: needs.map(|needs| needs.lines.iter().map(need).collect()).unwrap_or_default(),
        packages: path.map(packages).unwrap_or_default(),
        bytes: info.map(|info| info.size),
        users: info.map(|info| users(info.place())).unwrap_or_default(),
    }
}

fn packages(path: &Path) -> Vec<Package> {
    let all = thin_env::packages(path).into_iter();
    all.map(|thin_env::Package { name, version }| Package { name, version }).collect()
}

fn users(place: &Path) -> Vec<User> {
    let all = thin_env::users(place).into_iter();
    all.map(|user| User { last_used: day(user.last_used), root: user.root, exists: user.exists }).collect()
}

/// The day of a time, in UTC.
fn day(time: SystemTime) -> Option<String> {
    Timestamp::try_from(time).ok().map(|time| time.strftime("%Y-%m-%d").to_string())
}

fn text(shown: &Shown) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<9} {value}");
    };
    match (&shown.path, shown.bytes) {
        (Some(path), Some(size)) => row("path", &format!("{}  ({})", path.display(), bytes(size))),
        _ => row("path", "not made; make it with `wharf env sync`"),
    }
    let wanted = match (&shown.python.wanted, &shown.python.origin) {
        (Some(wanted), Some(origin)) => format!("{wanted} wanted by {origin}"),
        _ => "3.8 or later will do".to_owned(),
    };
    row("python", &shown.python.version.as_ref().map_or(wanted.clone(), |version| format!("{version}  ({wanted})")));
    let all = |lines: Vec<String>| lines.join(&format!("\n{:10}", ""));
    row("needs", &all(shown.needs.iter().map(|need| format!("{}  ({})", need.text, need.origin)).collect()));
    if shown.made {
        row("packages", &all(shown.packages.iter().map(|one| format!("{} {}", one.name, one.version)).collect()));
        row("used by", &all(shown.users.iter().map(user).collect()));
    }
    text
}

fn user(user: &User) -> String {
    let when = user.last_used.as_deref().unwrap_or("some day");
    let gone = if user.exists { "" } else { ", gone now" };
    format!("{}  ({when}{gone})", user.root.display())
}
