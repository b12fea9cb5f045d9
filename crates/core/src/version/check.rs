//! What can be wrong with a dir's version. Pure: the changelog and what it is compared with go in, findings come out.

use std::fmt;

use semver::{Version, VersionReq};

use super::{Changelog, Stated, parse};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Probably a mistake.
    Warning,
    /// The check fails.
    Error,
}

impl Severity {
    /// The word in JSON and in messages.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What a version is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// What people call it: a Git tag, or what was asked for.
    pub reference: String,
    /// The dir's version there.
    pub version: Version,
    /// Whether the image's inputs are the same there; `None` where the dir has no image of its own.
    pub same_inputs: Option<bool>,
}

/// Something about a dir's version that someone should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// There is no changelog, or it is empty.
    Missing,
    /// It has text, but no version.
    NoVersion(String),
    /// The heading in `line` has `text` for a version.
    BadVersion {
        /// Its line.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// A version has two entries.
    Twice {
        /// The version.
        version: Version,
        /// Line of the lower entry.
        line: usize,
        /// Line of the upper one.
        first: usize,
    },
    /// An entry is newer than the one above it.
    Order {
        /// Its line.
        line: usize,
        /// Its version.
        version: Version,
        /// That of the entry above.
        above: Version,
    },
    /// The top entry names something else.
    OtherName {
        /// Its line.
        line: usize,
        /// What it names.
        name: String,
        /// What it should name.
        expected: String,
    },
    /// The version is lower than it was.
    Backwards {
        /// It now.
        version: Version,
        /// It then.
        base: Base,
    },
    /// The image would be another one under the same version.
    InputsChanged {
        /// It, then and now.
        version: Version,
        /// What was compared with.
        reference: String,
    },
    /// The code needs another version than its image has.
    Requires {
        /// What the code needs.
        requirement: VersionReq,
        /// What there is.
        version: Version,
        /// Where the requirement stands.
        origin: String,
    },
    /// The past could not be looked at.
    NotCompared {
        /// What was to be compared with.
        reference: String,
        /// Why not.
        reason: String,
    },
}

impl Finding {
    /// How bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::Missing => Severity::Note,
            Self::OtherName { .. } | Self::NotCompared { .. } => Severity::Warning,
            _ => Severity::Error,
        }
    }

    /// Line of the changelog that it is about.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::BadVersion { line, .. }
            | Self::Twice { line, .. }
            | Self::Order { line, .. }
            | Self::OtherName { line, .. } => Some(*line),
            _ => None,
        }
    }

    /// A stable word for it, for JSON.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::NoVersion(_) => "no-version",
            Self::BadVersion { .. } => "bad-version",
            Self::Twice { .. } => "twice",
            Self::Order { .. } => "order",
            Self::OtherName { .. } => "other-name",
            Self::Backwards { .. } => "backwards",
            Self::InputsChanged { .. } => "inputs-changed",
            Self::Requires { .. } => "requires",
            Self::NotCompared { .. } => "not-compared",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => write!(f, "there is no changelog yet, so the version is 0.1.0"),
            Self::NoVersion(reason) => write!(f, "it states no version: {reason}"),
            Self::BadVersion { text, .. } => write!(f, "`{text}` is no version; write it as X.Y.Z, such as `1.2.3`"),
            Self::Twice { version, first, .. } => write!(f, "version {version} has an entry in line {first} already"),
            Self::Order { version, above, .. } => {
                write!(f, "version {version} stands below {above}; the newest entry goes first")
            }
            Self::OtherName { name, expected, .. } => {
                write!(f, "the top entry is about `{name}`, the image is `{expected}`")
            }
            Self::Backwards { version, base } => {
                write!(f, "the version went backwards: {version} here, {} in `{}`", base.version, base.reference)
            }
            Self::InputsChanged { version, reference } => {
                write!(f, "what decides the image changed since `{reference}`, but the version is still {version}")
            }
            Self::Requires { requirement, version, origin } => {
                write!(f, "the code needs an image of version {requirement} ({origin}), but it is {version}")
            }
            Self::NotCompared { reference, reason } => write!(f, "not compared with `{reference}`: {reason}"),
        }
    }
}

/// What is wrong with a changelog by itself. `name` is the image's, `folder` that of the dir, which may stand for it.
#[must_use]
pub fn inspect(bytes: &[u8], name: &str, folder: &str) -> Vec<Finding> {
    let changelog = Changelog::parse(bytes);
    if changelog.is_blank() {
        return vec![Finding::Missing];
    }
    let entries = changelog.entries();
    let mut findings = Vec::new();
    if let (Stated::Unclear(reason), true) = (parse(bytes), entries.is_empty()) {
        findings.push(Finding::NoVersion(reason));
    }
    let is_ours =
        |found: &str| found.is_empty() || [name, folder].iter().any(|known| found.eq_ignore_ascii_case(known));
    if let Some(top) = entries.first().filter(|top| !is_ours(&top.name)) {
        findings.push(Finding::OtherName { line: top.line, name: top.name.clone(), expected: name.to_owned() });
    }
    let mut good: Vec<(usize, &Version)> = Vec::new();
    for entry in entries {
        let line = entry.line;
        let version = match &entry.version {
            Ok(version) => version,
            Err(text) => {
                findings.push(Finding::BadVersion { line, text: text.clone() });
                continue;
            }
        };
        if let Some((first, _)) = good.iter().find(|(_, known)| known.cmp_precedence(version).is_eq()) {
            findings.push(Finding::Twice { version: version.clone(), line, first: *first });
        } else if let Some((_, above)) = good.last().filter(|(_, above)| version.cmp_precedence(above).is_gt()) {
            findings.push(Finding::Order { line, version: version.clone(), above: (*above).clone() });
        }
        good.push((line, version));
    }
    findings
}

/// Compares a version with what it was.
#[must_use]
pub fn compare(version: &Version, base: &Base) -> Option<Finding> {
    match version.cmp_precedence(&base.version) {
        std::cmp::Ordering::Less => Some(Finding::Backwards { version: version.clone(), base: base.clone() }),
        std::cmp::Ordering::Equal if base.same_inputs == Some(false) => {
            Some(Finding::InputsChanged { version: version.clone(), reference: base.reference.clone() })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&'static str, Option<usize>)> {
        inspect(text.as_bytes(), "h-infra", "infra").iter().map(|finding| (finding.kind(), finding.line())).collect()
    }

    #[test]
    fn a_good_changelog_has_no_findings() {
        assert_eq!(found("# infra-1.10.0\n- x\n\n# infra-1.9.0\n"), []);
        assert_eq!(found("\u{feff}# Changes\r\n# H-Infra 1.10.0\r\n# other-1.9.0\r\n"), []);
    }

    #[test]
    fn each_mistake_is_named_with_its_line() {
        assert_eq!(found(""), [("missing", None)]);
        assert_eq!(found("hello\n"), [("no-version", None)]);
        assert_eq!(
            found("# infra-1.2\n\n# infra-v1.1.0\n# infra-01.0.0\n"),
            [("bad-version", Some(1)), ("bad-version", Some(3)), ("bad-version", Some(4))]
        );
        assert_eq!(found("# infra-1.0.0\n# infra-1.0.0\n"), [("twice", Some(2))]);
        assert_eq!(found("# infra-1.1.0\n# infra-1.0.0\n# infra-1.0.5\n"), [("order", Some(3))]);
        assert_eq!(found("# ml-1.0.0\n"), [("other-name", Some(1))]);
    }

    #[test]
    fn versions_only_go_up_and_go_up_with_the_image() {
        let kind = |version: &str, base: &str, same_inputs| {
            let base = Base { reference: "x".into(), version: Version::parse(base).unwrap(), same_inputs };
            compare(&Version::parse(version).unwrap(), &base).map(|finding| finding.kind())
        };
        assert_eq!(kind("1.9.0", "1.10.0", Some(true)), Some("backwards"));
        assert_eq!(kind("1.10.0", "1.10.0", Some(false)), Some("inputs-changed"));
        assert_eq!(kind("1.10.0", "1.9.0", Some(false)), None);
        assert_eq!(kind("1.10.0", "1.10.0", Some(true)), None);
        assert_eq!(kind("1.10.0", "1.10.0", None), None);
    }
}
