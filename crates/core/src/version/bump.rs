//! The next version and its entry. Pure: a file's bytes go in, what is added to them comes out.

use std::str::FromStr;

use semver::{BuildMetadata, Prerelease, Version};

use super::{Changelog, Stated, changelog, first, parse};

/// Which part of a version goes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    /// What worked before may not work now.
    Major,
    /// Something is new.
    Minor,
    /// Something is better.
    #[default]
    Patch,
}

/// Why there is no next version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BumpError {
    /// The present version is not known.
    #[error("the changelog states no version to go on from: {0}")]
    Unclear(String),
    /// The next version has an entry already.
    #[error("version {version} stands already in line {line}")]
    There {
        /// The next version.
        version: Version,
        /// Line of its entry.
        line: usize,
    },
    /// A number of the version cannot go up.
    #[error("no version comes after {0}")]
    TooHigh(Version),
    /// The entry would say nothing.
    #[error("an entry needs a text")]
    NoText,
}

impl BumpError {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unclear(_) => {
                "correct the top entry's heading to `# <name>-X.Y.Z`; `wharf version check` says more".into()
            }
            Self::There { .. } => {
                "put the entries into order, newest first, or choose another part with `--minor` or `--major`".into()
            }
            Self::TooHigh(_) => "write the next version by hand".into(),
            Self::NoText => "say what changed, such as `-m 'Add graphviz'`".into(),
        }
    }
}

/// A new entry for a changelog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bumped {
    /// The version until now.
    pub from: Version,
    /// The version from now on.
    pub version: Version,
    /// What is added.
    pub entry: String,
    /// Where in the file.
    pub place: usize,
    /// The whole file afterwards: before `place` and after the entry every byte is as it was.
    pub bytes: Vec<u8>,
}

/// What the new entry says.
#[derive(Debug, Clone, Copy)]
pub struct News<'a> {
    /// Name of the image.
    pub name: &'a str,
    /// The day, `YYYY-MM-DD`.
    pub date: &'a str,
    /// What changed, an item each.
    pub items: &'a [String],
}

/// Plans the next entry of the changelog `bytes`, empty where there is no file.
///
/// # Errors
/// When the present version is unclear, the next one is there already, or there is nothing to say.
pub fn plan(bytes: &[u8], part: Part, news: &News<'_>) -> Result<Bumped, BumpError> {
    if news.items.is_empty() || news.items.iter().any(|item| item.trim().is_empty()) {
        return Err(BumpError::NoText);
    }
    let from = match parse(bytes) {
        Stated::Unclear(reason) => return Err(BumpError::Unclear(reason)),
        Stated::Version(version) => version,
        Stated::Nothing => first(),
    };
    let version = next(&from, part).ok_or_else(|| BumpError::TooHigh(from.clone()))?;
    let changelog = Changelog::parse(bytes);
    let same = |known: &Version| known.cmp_precedence(&version).is_eq();
    if let Some(entry) = changelog.entries().iter().find(|entry| entry.version.as_ref().is_ok_and(same)) {
        return Err(BumpError::There { version, line: entry.line });
    }
    let place = changelog.place_of_new();
    let (before, after) = bytes.split_at(place);
    let end = if first_line_ends_in_crlf(bytes) { "\r\n" } else { "\n" };
    let entry = entry(&version, news, end, !after.is_empty());
    let bytes = [before, entry.as_bytes(), after].concat();
    Ok(Bumped { from, version, entry, place, bytes })
}

/// The version after `version`. A pre-release goes to the release it is one of, where that is what the part asks for.
#[must_use]
pub fn next(version: &Version, part: Part) -> Option<Version> {
    let is_pre = !version.pre.is_empty();
    let mut next = version.clone();
    next.pre = Prerelease::EMPTY;
    next.build = BuildMetadata::EMPTY;
    match part {
        Part::Patch if is_pre => {}
        Part::Minor if is_pre && version.patch == 0 => {}
        Part::Major if is_pre && version.patch == 0 && version.minor == 0 => {}
        Part::Patch => next.patch = version.patch.checked_add(1)?,
        Part::Minor => (next.minor, next.patch) = (version.minor.checked_add(1)?, 0),
        Part::Major => (next.major, next.minor, next.patch) = (version.major.checked_add(1)?, 0, 0),
    }
    Some(next)
}

fn entry(version: &Version, news: &News<'_>, end: &str, gap: bool) -> String {
    let mut text = format!("# {}-{version}{end}- {}{end}", news.name, news.date);
    for item in news.items {
        let lines: Vec<&str> = item.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        text.push_str("- ");
        text.push_str(&lines.join(&format!("{end}  ")));
        text.push_str(end);
    }
    if gap {
        text.push_str(end);
    }
    text
}

fn first_line_ends_in_crlf(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(changelog::MARK).unwrap_or(bytes);
    let end = bytes.iter().position(|byte| *byte == b'\n');
    end.is_some_and(|end| end > 0 && bytes[end - 1] == b'\r')
}

impl FromStr for Part {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "major" => Ok(Self::Major),
            "minor" => Ok(Self::Minor),
            "patch" => Ok(Self::Patch),
            other => Err(format!("`{other}` is no part of a version; there are major, minor and patch")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bump(bytes: &[u8], part: Part) -> Result<Bumped, BumpError> {
        let items = ["Add graphviz".to_owned(), "Two\n lines".to_owned()];
        plan(bytes, part, &News { name: "h-infra", date: "2026-01-02", items: &items })
    }

    #[test]
    fn an_entry_is_put_before_the_others() {
        let old = b"# infra-1.9.3\n- 2024-01-01\n- x\n";
        let bumped = bump(old, Part::Minor).unwrap();
        let expected = "# h-infra-1.10.0\n- 2026-01-02\n- Add graphviz\n- Two\n  lines\n\n";
        assert_eq!((bumped.entry.as_str(), bumped.place), (expected, 0));
        assert_eq!(bumped.bytes, [expected.as_bytes(), old].concat());
        assert_eq!((bumped.from, bumped.version), (Version::new(1, 9, 3), Version::new(1, 10, 0)));
    }

    #[test]
    fn a_mark_a_title_and_line_ends_stay() {
        let old = "\u{feff}# Changes\r\n\r\n# Infra-1.0.0\r\n- x\r\n";
        let bumped = bump(old.as_bytes(), Part::Patch).unwrap();
        let text = String::from_utf8(bumped.bytes).unwrap();
        assert!(text.starts_with("\u{feff}# Changes\r\n\r\n# h-infra-1.0.1\r\n- 2026-01-02\r\n"), "{text:?}");
        assert!(text.ends_with("\r\n\r\n# Infra-1.0.0\r\n- x\r\n"), "{text:?}");
    }

    #[test]
    fn without_a_changelog_it_goes_on_from_the_first_version() {
        let bumped = bump(b"", Part::Patch).unwrap();
        assert_eq!(bumped.bytes, b"# h-infra-0.1.1\n- 2026-01-02\n- Add graphviz\n- Two\n  lines\n");
    }

    #[test]
    fn refuses_what_it_cannot_know() {
        assert_eq!(
            bump(b"# i-1.0.0\n\n# i-1.0.1\n", Part::Patch),
            Err(BumpError::There { version: Version::new(1, 0, 1), line: 3 })
        );
        assert!(matches!(bump(b"# i-1.2\n", Part::Patch), Err(BumpError::Unclear(_))));
        let high = format!("# i-1.0.{}\n", u64::MAX);
        assert!(matches!(bump(high.as_bytes(), Part::Patch), Err(BumpError::TooHigh(_))));
        let items = [" ".to_owned()];
        let blank = plan(b"", Part::Patch, &News { name: "i", date: "2026-01-02", items: &items });
        assert_eq!(blank, Err(BumpError::NoText));
    }

    #[test]
    fn parts_go_up_as_semantic_versions_do() {
        let next = |text: &str, part| next(&Version::parse(text).unwrap(), part).unwrap().to_string();
        assert_eq!(next("1.2.3", Part::Major), "2.0.0");
        assert_eq!(next("1.2.3+b", Part::Patch), "1.2.4");
        assert_eq!(next("1.2.3-rc.1", Part::Patch), "1.2.3");
        assert_eq!(next("1.3.0-rc.1", Part::Minor), "1.3.0");
        assert_eq!(next("1.2.3-rc.1", Part::Minor), "1.3.0");
        assert_eq!(next("2.0.0-rc.1", Part::Major), "2.0.0");
    }

    proptest! {
        #[test]
        fn a_bump_only_adds(
            text in "(\u{feff})?(# Title\r?\n)?(# i-[0-9]\\.[0-9]\\.[0-9]\r?\n(- [a-z]{0,5}\r?\n){0,2}\r?\n?){0,5}"
        ) {
            if let Ok(bumped) = bump(text.as_bytes(), Part::Major) {
                let mut left = bumped.bytes.clone();
                left.drain(bumped.place..bumped.place + bumped.entry.len());
                prop_assert_eq!(left, text.as_bytes());
                prop_assert_eq!(parse(&bumped.bytes), Stated::Version(bumped.version));
            }
        }
    }
}
