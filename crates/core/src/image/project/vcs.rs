//! Versions from Git tags, by the default schemes of the tools that make them.
//!
//! A changed work tree gets no date, unlike setuptools_scm's own default: what comes out must not change by the day.

use pep508_rs::pep440_rs::Version;

use super::Described;

/// How a version is made when the commit is not the tag itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Scheme {
    /// setuptools_scm, hatch-vcs, pdm: `1.2.4.dev3+gabc`.
    #[default]
    NextDev,
    /// setuptools_scm's `no-guess-dev`: `1.2.3.post1.dev3+gabc`.
    NoGuessDev,
    /// setuptools_scm's `post-release`: `1.2.3.post3+gabc`.
    PostRelease,
    /// poetry-dynamic-versioning: `1.2.3.post3.dev0+abc`.
    PoetryDynamic,
    /// versioningit: `1.2.3.post3+gabc`.
    Versioningit,
}

/// Whether the commit's hash is a part of the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Local {
    /// `+gabc` after it.
    Node,
    /// Nothing, as `no-local-version` asks.
    None,
}

/// The version of what Git describes; `None` if the tag holds none.
pub(super) fn version(described: &Described, name: &str, scheme: Scheme, local: Local) -> Option<String> {
    let base = match &described.tag {
        Some(tag) => Some(from_tag(tag, name)?),
        None => None,
    };
    let exact = described.distance == 0 && !described.dirty;
    if let (Some(base), true) = (&base, exact) {
        return Some(base.to_string());
    }
    let Described { distance, node, .. } = described;
    let public = match (scheme, base) {
        (Scheme::NextDev | Scheme::NoGuessDev | Scheme::PostRelease, None) => {
            format!("0.1.dev{distance}")
        }
        (Scheme::PoetryDynamic | Scheme::Versioningit, None) => {
            format!("0.0.0.post{distance}.dev0")
        }
        (Scheme::NextDev, Some(base)) => format!("{}.dev{distance}", next(&base)?),
        (Scheme::NoGuessDev, Some(base)) => format!("{base}.post1.dev{distance}"),
        (Scheme::PostRelease | Scheme::Versioningit, Some(base)) => {
            format!("{base}.post{distance}")
        }
        (Scheme::PoetryDynamic, Some(base)) => format!("{base}.post{distance}.dev0"),
    };
    let tail = match (local, scheme) {
        (Local::None, _) => String::new(),
        (Local::Node, Scheme::PoetryDynamic) => format!("+{node}"),
        (Local::Node, _) => format!("+g{node}"),
    };
    let whole = format!("{public}{tail}");
    Some(whole.parse::<Version>().map_or(whole, |version| version.to_string()))
}

/// The version in a tag: the tag itself, without `v`, or what follows the package's name or any other prefix.
pub(super) fn from_tag(tag: &str, name: &str) -> Option<Version> {
    let parse = |text: &str| {
        let bare = text.strip_prefix(['v', 'V']).unwrap_or(text);
        bare.starts_with(|c: char| c.is_ascii_digit()).then(|| bare.parse().ok()).flatten()
    };
    let after_name = || tag.strip_prefix(name).and_then(|rest| parse(rest.trim_start_matches(['-', '_', '/', '@'])));
    let boundaries = || {
        tag.char_indices().filter(|(_, c)| matches!(c, '-' | '_' | '/' | '@')).find_map(|(at, _)| parse(&tag[at + 1..]))
    };
    parse(tag).or_else(after_name).or_else(boundaries)
}

/// The version with its last number one higher, which setuptools_scm expects to come next.
fn next(version: &Version) -> Option<String> {
    let text = version.to_string();
    let text = text.split('+').next()?;
    // `1.0.dev3` comes before `1.0`, which thus is next.
    if let Some((before, _)) = text.split_once(".dev") {
        return Some(before.to_owned());
    }
    let digits = text.len() - text.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (before, number) = text.split_at(text.len() - digits);
    Some(format!("{before}{}", number.parse::<u64>().ok()? + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(tag: Option<&str>, distance: u32, dirty: bool) -> Described {
        Described { tag: tag.map(str::to_owned), distance, node: "abc1234".into(), dirty }
    }

    #[test]
    fn schemes_are_those_of_the_tools() {
        let of = |tag, distance, dirty, scheme| {
            version(&described(tag, distance, dirty), "demo", scheme, Local::Node).unwrap()
        };
        assert_eq!(of(Some("v1.2.3"), 0, false, Scheme::NextDev), "1.2.3");
        assert_eq!(of(Some("v1.2.3"), 4, false, Scheme::NextDev), "1.2.4.dev4+gabc1234");
        assert_eq!(of(Some("v1.2.3"), 0, true, Scheme::NextDev), "1.2.4.dev0+gabc1234");
        assert_eq!(of(Some("1.2rc1"), 1, false, Scheme::NextDev), "1.2rc2.dev1+gabc1234");
        assert_eq!(of(None, 7, false, Scheme::NextDev), "0.1.dev7+gabc1234");
        assert_eq!(of(Some("v1.2.3"), 4, false, Scheme::NoGuessDev), "1.2.3.post1.dev4+gabc1234");
        assert_eq!(of(Some("v1.2.3"), 4, false, Scheme::PostRelease), "1.2.3.post4+gabc1234");
        assert_eq!(of(Some("v1.2.3"), 4, false, Scheme::PoetryDynamic), "1.2.3.post4.dev0+abc1234");
        assert_eq!(
            version(&described(Some("2.0"), 1, false), "demo", Scheme::NextDev, Local::None).unwrap(),
            "2.1.dev1"
        );
    }

    #[test]
    fn tags_have_prefixes() {
        for tag in ["1.4", "v1.4", "demo-1.4", "demo/v1.4", "my-old-name-v1.4", "release_1.4"] {
            assert_eq!(from_tag(tag, "demo").unwrap().to_string(), "1.4", "{tag}");
        }
        assert_eq!(from_tag("latest", "demo"), None);
    }
}
