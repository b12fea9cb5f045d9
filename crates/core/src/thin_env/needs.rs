//! What the thin environment of a workspace must hold.

use std::collections::BTreeMap;
use std::path::PathBuf;

use wharf_engine::host::{InstallStep, VenvSpec};

use super::error::ThinEnvError;
use super::requirements::Reader;
use crate::config::{Config, Located, Places, ThinRequirements};

/// The least Python where the configuration wants none.
const LEAST: &str = ">=3.8";
const REQUIREMENTS: &str = "requirements.txt";
const CONSTRAINTS: &str = "constraints.txt";

/// What the thin environment of a workspace must hold, includes followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs {
    /// Root of the workspace that asks.
    pub root: PathBuf,
    /// The wanted Python; `None`: any that is recent enough.
    pub python: Option<Located<String>>,
    /// All lines in the order in which they were found. Their text may hold passwords of package indexes: mask what is shown.
    pub lines: Vec<Line>,
}

/// One line of the needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is.
    pub kind: LineKind,
    /// On one line, without comment.
    pub text: String,
    /// Its file and line, such as `dev_scripts_harbor/requirements.txt:3`, or the variable that states it.
    pub origin: String,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineKind {
    /// Something to install.
    Requirement,
    /// A limit on what is installed because others need it.
    Constraint,
    /// An option of the installer, such as `--index-url`.
    Option,
}

impl LineKind {
    /// Its name in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Requirement => "requirement",
            Self::Constraint => "constraint",
            Self::Option => "option",
        }
    }
}

impl Needs {
    /// What the configuration of the workspace named `name` asks for, and what sub-repos export for it (path of the sub-repo,
    /// file); `None` where that is nothing: no `requirements` in `[thin-env]`, no `dev_scripts_<name>/requirements.txt`, and
    /// nothing exported.
    ///
    /// # Errors
    /// When a requirements file cannot be read, or holds what cannot be shared between workspaces.
    pub fn read(
        places: &Places,
        name: &str,
        config: &Config,
        exported: &[(String, PathBuf)],
    ) -> Result<Option<Self>, ThinEnvError> {
        let python = config.thin_env.python.clone();
        let mut reader = Reader::new(&places.root);
        match &config.thin_env.requirements {
            Some(Located { value: ThinRequirements::File(file), origin }) => {
                let file = places.path(file, origin);
                reader.file(&file, LineKind::Requirement, &origin.to_string())?;
            }
            Some(Located { value: ThinRequirements::Lines(lines), origin }) => {
                let origin = origin.to_string();
                let line =
                    |text: &String| Line { kind: LineKind::Requirement, text: text.clone(), origin: origin.clone() };
                reader.lines.extend(lines.iter().map(line));
            }
            None => {
                let file = places.root.join(format!("dev_scripts_{name}")).join(REQUIREMENTS);
                if file.is_file() {
                    reader.file(&file, LineKind::Requirement, "its usual name")?;
                } else if exported.is_empty() {
                    return Ok(None);
                }
            }
        }
        for (repo, file) in exported {
            reader.file(file, LineKind::Requirement, &format!("what `{repo}` exports"))?;
        }
        Ok(Some(Self { root: places.root.clone(), python, lines: reader.lines }))
    }

    /// The lines of one kind.
    pub fn of(&self, kind: LineKind) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| line.kind == kind)
    }

    /// The same for the engine. Requirements are sorted, so that files which differ in order, comments or includes alone mean
    /// the same environment; options keep their order, which may matter.
    #[must_use]
    pub fn spec(&self) -> VenvSpec {
        let texts = |kind| self.of(kind).map(|line| line.text.as_str()).collect::<Vec<_>>();
        let sorted = |kind| {
            let mut all = texts(kind);
            all.sort_unstable();
            all.dedup();
            all
        };
        let constraints = sorted(LineKind::Constraint);
        let mut lines = texts(LineKind::Option);
        let include = format!("-c {CONSTRAINTS}");
        let mut files = BTreeMap::new();
        if !constraints.is_empty() {
            lines.push(&include);
            files.insert(CONSTRAINTS.to_owned(), text(&constraints));
        }
        lines.extend(sorted(LineKind::Requirement));
        files.insert(REQUIREMENTS.to_owned(), text(&lines));
        let mut hasher = blake3::Hasher::new();
        for (name, bytes) in &files {
            hasher.update(name.as_bytes()).update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
        }
        let is_empty = texts(LineKind::Requirement).is_empty();
        let step = InstallStep::Requirements { file: REQUIREMENTS.to_owned() };
        VenvSpec {
            key: hasher.finalize().to_hex()[..32].to_owned(),
            python: Some(self.python.as_ref().map_or_else(|| LEAST.to_owned(), |python| python.value.clone())),
            files,
            steps: if is_empty { Vec::new() } else { vec![step] },
        }
    }
}

fn text(lines: &[&str]) -> Vec<u8> {
    lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect()
}
