//! Which Python a project asks for, and which base image has it.

use std::path::Path;
use std::str::FromStr;

use pep508_rs::pep440_rs::{Version, VersionSpecifiers};

use crate::image::python::manifest::{Manifest, read_text};
use crate::image::python::setup_cfg::SetupCfg;
use crate::image::python::{Error, poetry_specifiers};

/// Minor versions of Python 3 that official images exist for, the one to take first in front: packages have wheels for those
/// that are neither old nor quite new.
const MINORS: [u64; 8] = [12, 11, 13, 10, 9, 8, 7, 14];

/// What a project states about the Python that it runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// As it is written.
    pub text: String,
    /// The file that says so.
    pub file: &'static str,
    specifiers: VersionSpecifiers,
}

impl Asked {
    /// Reads it from where it is usually stated; `None` where nothing is, or nothing that makes sense.
    pub(super) fn read(dir: &Path) -> Result<Option<Self>, Error> {
        if let Some(text) = read_text(&dir.join(".python-version"))?
            && let Some(pin) = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'))
            && let Some(minor) = minor_of(pin)
        {
            return Ok(Self::new(&format!("==3.{minor}.*"), pin, ".python-version"));
        }
        if let Some(manifest) = Manifest::load(&dir.join("pyproject.toml"))? {
            if let Some(text) = manifest.string(&["project", "requires-python"]) {
                return Ok(Self::new(text, text, "pyproject.toml"));
            }
            if let Some(text) = manifest.string(&["tool", "poetry", "dependencies", "python"]) {
                return Ok(poetry_specifiers(text).and_then(|plain| Self::new(&plain, text, "pyproject.toml")));
            }
        }
        let cfg = SetupCfg::load(&dir.join("setup.cfg"))?;
        let text = cfg.as_ref().and_then(|cfg| cfg.get("options", "python_requires"));
        Ok(text.and_then(|text| Self::new(text, text, "setup.cfg")))
    }

    fn new(specifiers: &str, text: &str, file: &'static str) -> Option<Self> {
        let specifiers = VersionSpecifiers::from_str(specifiers).ok()?;
        Some(Self { text: text.trim().to_owned(), file, specifiers })
    }

    /// Whether some patch release of 3.`minor` will do.
    fn admits(&self, minor: u64) -> bool {
        [0, 40].iter().any(|patch| self.specifiers.contains(&Version::new([3, minor, *patch])))
    }
}

/// The base image that dirs have by themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base(pub String);

impl Base {
    /// The minor version of Python 3 in an official image's tag, and where it stands in the name.
    fn minor(&self) -> Option<(u64, std::ops::Range<usize>)> {
        let at = self.0.rfind("python:").filter(|at| *at == 0 || self.0[..*at].ends_with('/'))?;
        let start = at + "python:".len();
        let tag = &self.0[start..];
        let end = tag.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(tag.len());
        Some((minor_of(&tag[..end])?, start..start + end))
    }

    /// The same image with another Python.
    fn with(&self, minor: u64) -> Option<String> {
        let (_, range) = self.minor()?;
        Some(format!("{}3.{minor}{}", &self.0[..range.start], &self.0[range.end..]))
    }
}

/// A Python other than that of the base image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Its version, such as `3.11`.
    pub version: String,
    /// A base image that has it, where one can be told from the one that there is.
    pub base: Option<String>,
    /// What was asked for.
    pub because: String,
}

/// What a project that asks for `asked` needs other than `base`: nothing where that will do.
///
/// # Errors
/// What was asked for, where no Python fits.
pub(super) fn choose(asked: Option<&Asked>, base: &Base) -> Result<Option<Chosen>, String> {
    let Some(asked) = asked else { return Ok(None) };
    let because = format!("`{}` asks for {}", asked.file, asked.text);
    let present = base.minor().map(|(minor, _)| minor);
    if asked.admits(present.unwrap_or(MINORS[0])) {
        return Ok(None);
    }
    let minor = MINORS.into_iter().find(|minor| asked.admits(*minor)).ok_or_else(|| because.clone())?;
    Ok(Some(Chosen { version: format!("3.{minor}"), base: base.with(minor), because }))
}

/// The minor version in `3.12`, `3.12.4`; `None` for anything else (`pypy3.10`, `2.7`).
fn minor_of(text: &str) -> Option<u64> {
    let rest = text.trim().strip_prefix("3.")?;
    rest.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: &str = "python:3.12-slim-bookworm";

    fn chosen(file: &str, text: &str, base: &str) -> Result<Option<(String, Option<String>)>, String> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(file), text).unwrap();
        let asked = Asked::read(dir.path()).unwrap();
        Ok(choose(asked.as_ref(), &Base(base.into()))?.map(|chosen| (chosen.version, chosen.base)))
    }

    fn requires(text: &str, base: &str) -> Option<(String, Option<String>)> {
        chosen("pyproject.toml", &format!("[project]\nname = 'x'\nrequires-python = '{text}'\n"), base).unwrap()
    }

    #[test]
    fn the_base_stays_where_it_will_do() {
        for text in [">=3.8", ">=3.12.4", "==3.12.*", "<3.13", ">=3.9,<4"] {
            assert_eq!(requires(text, DEFAULT), None, "{text}");
        }
        assert_eq!(chosen("README", "", DEFAULT), Ok(None));
        assert_eq!(chosen(".python-version", "pypy3.10-7.3\n", DEFAULT), Ok(None));
    }

    #[test]
    fn another_python_brings_another_base_of_the_same_kind() {
        let base = |text: &str| Some(text.to_owned());
        assert_eq!(requires("<3.12", DEFAULT), Some(("3.11".into(), base("python:3.11-slim-bookworm"))));
        assert_eq!(requires(">=3.13", DEFAULT), Some(("3.13".into(), base("python:3.13-slim-bookworm"))));
        assert_eq!(
            requires(">=3.8,<3.10", "mirror:5000/lib/python:3.12.4-slim"),
            Some(("3.9".into(), base("mirror:5000/lib/python:3.9-slim")))
        );
        assert_eq!(requires("<3.12", "team/base:1"), Some(("3.11".into(), None)));
        let poetry = "[tool.poetry.dependencies]\npython = '~3.10'\n";
        assert_eq!(chosen("pyproject.toml", poetry, DEFAULT).unwrap().unwrap().0, "3.10");
        assert_eq!(chosen(".python-version", "# ours\n3.11.4\n", DEFAULT).unwrap().unwrap().0, "3.11");
        assert_eq!(chosen("setup.cfg", "[options]\npython_requires = <3.9\n", DEFAULT).unwrap().unwrap().0, "3.8");
    }

    #[test]
    fn says_where_nothing_fits() {
        let error = chosen("pyproject.toml", "[project]\nrequires-python = '<3'\n", DEFAULT).unwrap_err();
        assert_eq!(error, "`pyproject.toml` asks for <3");
    }
}
