//! Which versions of Wharf a workspace works with, and how to get one of them.

use std::fmt;
use std::path::Path;

use semver::{Op, Version, VersionReq};
use toml::de::{DeTable, DeValue};

use super::discover::CONFIG;
use crate::config::Config;

/// The version of this Wharf.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The workspace requires another version of Wharf than this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongWharf {
    /// What it requires, such as `>=0.2`.
    pub requires: VersionReq,
    /// Where it says so, such as `wharf.toml:3`.
    pub origin: String,
}

impl fmt::Display for WrongWharf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this is wharf {VERSION}, but {} requires {}", self.origin, self.requires)
    }
}

impl WrongWharf {
    /// What `config` says, where this Wharf does not fit.
    #[must_use]
    pub fn of(config: &Config) -> Option<Self> {
        let stated = config.workspace.requires_wharf.as_ref()?;
        Self::judge(&stated.value, VERSION, &stated.origin.to_string())
    }

    fn judge(requires: &VersionReq, version: &str, origin: &str) -> Option<Self> {
        let fits = Version::parse(version).is_ok_and(|version| requires.matches(&version));
        (!fits).then(|| Self { requires: requires.clone(), origin: origin.to_owned() })
    }

    /// The commands that get a Wharf that fits.
    #[must_use]
    pub fn hint(&self) -> String {
        let install = "cargo install --locked --path crates/cli";
        match least(&self.requires) {
            Some(version) => format!(
                "in a clone of Wharf: `git fetch --tags && git checkout v{version} && {install}`; or take `wharf` from the \
                 release page of v{version}"
            ),
            None => {
                format!("in a clone of Wharf: `git checkout` a version that is {}, then `{install}`", self.requires)
            }
        }
    }
}

/// The version of Wharf that machines without one should get: the least that `requires-wharf` names, else this one.
#[must_use]
pub fn wharf_version(config: &Config) -> Version {
    let stated = config.workspace.requires_wharf.as_ref().and_then(|stated| least(&stated.value));
    stated.or_else(|| Version::parse(VERSION).ok()).unwrap_or_else(|| Version::new(0, 0, 0))
}

/// The least version that a requirement names as good.
fn least(requires: &VersionReq) -> Option<Version> {
    let named = requires
        .comparators
        .iter()
        .find(|one| matches!(one.op, Op::Exact | Op::GreaterEq | Op::Tilde | Op::Caret | Op::Wildcard))?;
    let mut version = Version::new(named.major, named.minor.unwrap_or(0), named.patch.unwrap_or(0));
    version.pre = named.pre.clone();
    requires.matches(&version).then_some(version)
}

/// What the super-repo's file requires, read from it alone and however much else in it is not known here; `None` where this
/// Wharf fits or nothing is required.
pub(super) fn stated_in(root: &Path) -> Option<WrongWharf> {
    let text = std::fs::read_to_string(root.join(CONFIG)).ok()?;
    let (table, _) = DeTable::parse_recoverable(&text);
    let DeValue::Table(workspace) = table.get_ref().get("workspace")?.get_ref() else { return None };
    let (key, value) = workspace.iter().find(|(key, _)| key.get_ref() == "requires-wharf")?;
    let requires = VersionReq::parse(value.get_ref().as_str()?).ok()?;
    let line = text[..key.span().start].matches('\n').count() + 1;
    WrongWharf::judge(&requires, VERSION, &format!("{CONFIG}:{line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(requires: &str) -> Option<WrongWharf> {
        WrongWharf::judge(&VersionReq::parse(requires).unwrap(), "0.2.1", "wharf.toml:3")
    }

    #[test]
    fn a_version_that_fits_is_no_matter() {
        for good in ["*", ">=0.1", "^0.2", "0.2", "=0.2.1", ">0.2.0, <1"] {
            assert_eq!(judge(good), None, "{good}");
        }
    }

    #[test]
    fn another_says_how_to_get_one_that_fits() {
        for (bad, tag) in [(">=0.3", "v0.3.0 "), ("^1.2", "v1.2.0 "), ("=0.1.4", "v0.1.4 "), ("<0.2, >=0.1", "v0.1.0 ")]
        {
            let wrong = judge(bad).unwrap();
            assert!(wrong.hint().contains(tag), "{bad}: {}", wrong.hint());
        }
        let wrong = judge("<0.2").unwrap();
        assert!(wrong.hint().contains("a version that is <0.2"), "{}", wrong.hint());
        assert!(wrong.to_string().ends_with("but wharf.toml:3 requires <0.2"), "{wrong}");
    }

    #[test]
    fn it_is_read_among_what_is_not_known() {
        let folder = tempfile::tempdir().unwrap();
        let write = |text: &str| std::fs::write(folder.path().join(CONFIG), text).unwrap();
        assert_eq!(stated_in(folder.path()), None);
        write("[new]\nthing = 1\n[workspace]\nrequires-wharf = '>=99'\nodd = [\n");
        assert_eq!(stated_in(folder.path()).unwrap().origin, "wharf.toml:4");
        write("[workspace]\nrequires-wharf = '>=0.0.1'\n");
        assert_eq!(stated_in(folder.path()), None);
        write("[workspace]\nrequires-wharf = 3\n");
        assert_eq!(stated_in(folder.path()), None);
    }
}
