//! Names of repositories and images in registries.
//!
//! The grammar is that of the OCI distribution specification 1.1 ("Pulling manifests") and of Docker's reference grammar, which
//! says what the part before the first slash is: a registry when it has a dot or a colon or is `localhost`, else Docker Hub's.

use std::fmt;

use super::error::RegistryError;

/// Docker Hub, as people write it.
const HUB: &str = "docker.io";
/// The most characters that a repository's name may have, host included (Docker's reference grammar).
const LONGEST_NAME: usize = 255;
/// The most characters that a tag may have (OCI distribution specification 1.1).
const LONGEST_TAG: usize = 128;

/// A repository: all images of one name in one registry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository {
    host: String,
    path: String,
}

/// An image in a registry, by tag or by digest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    repository: Repository,
    tag: Option<String>,
    digest: Option<String>,
}

impl Repository {
    /// Reads `ghcr.io/acme/infra`.
    ///
    /// # Errors
    /// [`RegistryError::BadName`] where no registry accepts it.
    pub fn parse(text: &str) -> Result<Self, RegistryError> {
        let (host, path) = match text.split_once('/') {
            Some((first, rest)) if is_host(first) => (first.to_owned(), rest.to_owned()),
            Some(_) => (HUB.to_owned(), text.to_owned()),
            None => (HUB.to_owned(), format!("library/{text}")),
        };
        if let Some(what) = wrong_with_host(&host) {
            return Err(bad(text, what, None));
        }
        if let Some(what) = wrong_with_path(&path) {
            return Err(bad(text, what, mended(&path).map(|path| format!("{host}/{path}"))));
        }
        if host.len() + 1 + path.len() > LONGEST_NAME {
            return Err(bad(text, format!("it has more than {LONGEST_NAME} characters"), None));
        }
        Ok(Self { host, path })
    }

    /// Name of the registry, with its port where it has one.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The name without the registry.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The image with this tag.
    ///
    /// # Errors
    /// [`RegistryError::BadName`] where no registry accepts the tag.
    pub fn tag(&self, tag: &str) -> Result<Reference, RegistryError> {
        if let Some(what) = wrong_with_tag(tag) {
            return Err(bad(&format!("{self}:{tag}"), what, None));
        }
        Ok(Reference { repository: self.clone(), tag: Some(tag.into()), digest: None })
    }

    /// The manifest with this digest.
    ///
    /// # Errors
    /// [`RegistryError::BadName`] where it is no digest.
    pub fn digest(&self, digest: &str) -> Result<Reference, RegistryError> {
        if let Some(what) = wrong_with_digest(digest) {
            return Err(bad(&format!("{self}@{digest}"), what, None));
        }
        Ok(Reference { repository: self.clone(), tag: None, digest: Some(digest.into()) })
    }

    /// Whether the registry runs on this machine: Docker and Wharf speak plain HTTP with such a one.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.path)
    }
}

impl Reference {
    /// Reads `ghcr.io/acme/infra:dev-1.2.0`, `…@sha256:…`, or both; without either the tag is `latest`.
    ///
    /// # Errors
    /// [`RegistryError::BadName`], which says what is wrong and how to write it, where no registry accepts it.
    pub fn parse(text: &str) -> Result<Self, RegistryError> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        // A colon before the last slash belongs to the port.
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (rest, None),
        };
        let repository = Repository::parse(name)?;
        if let Some(what) = tag.and_then(wrong_with_tag).or_else(|| digest.and_then(wrong_with_digest)) {
            return Err(bad(text, what, None));
        }
        let tag = tag.or(digest.is_none().then_some("latest")).map(str::to_owned);
        Ok(Self { repository, tag, digest: digest.map(str::to_owned) })
    }

    /// Where it is.
    #[must_use]
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Its tag, where it is named by one.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// What its manifest is asked for by: the digest, else the tag.
    #[must_use]
    pub(crate) fn identifier(&self) -> &str {
        self.digest.as_deref().or(self.tag.as_deref()).unwrap_or("latest")
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// Whether a host, with or without port, is this machine.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_host(first: &str) -> bool {
    first.contains(['.', ':']) || first == "localhost"
}

fn wrong_with_host(host: &str) -> Option<String> {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (host, None),
    };
    let bracketed = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let good = match bracketed {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => name.split('.').all(|part| {
            !part.is_empty()
                && !part.starts_with('-')
                && !part.ends_with('-')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        }),
    };
    if !good {
        return Some(format!("`{name}` is no name of a host"));
    }
    port.filter(|port| !port.parse::<u16>().is_ok_and(|port| port > 0)).map(|port| format!("`{port}` is no port"))
}

fn wrong_with_path(path: &str) -> Option<String> {
    if path.chars().any(|c| c.is_ascii_uppercase()) {
        return Some("it has upper-case letters".into());
    }
    path.split('/').find_map(|part| {
        if part.is_empty() {
            return Some("it has an empty part between slashes".into());
        }
        if let Some(c) = part.chars().find(|c| !is_plain(*c) && !matches!(c, '.' | '_' | '-')) {
            return Some(format!("it has the character `{c}`"));
        }
        if !part.starts_with(is_plain) || !part.ends_with(is_plain) {
            return Some(format!("its part `{part}` does not start and end with a letter or digit"));
        }
        let separators = part.split(is_plain).find(|separator| !is_separator(separator))?;
        Some(format!("it has `{separators}` between letters; only `.`, `_`, `__` or dashes may stand there"))
    })
}

fn is_plain(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

fn is_separator(text: &str) -> bool {
    matches!(text, "" | "." | "_" | "__") || text.chars().all(|c| c == '-')
}

/// A path with what is wrong in it replaced, as a proposal; `None` where nothing would be left of a part.
fn mended(path: &str) -> Option<String> {
    let part = |part: &str| {
        let plain: String = part
            .to_lowercase()
            .chars()
            .map(|c| if is_plain(c) || matches!(c, '.' | '_' | '-') { c } else { '-' })
            .collect();
        let mut made = String::new();
        for c in plain.trim_matches(['.', '_', '-']).chars() {
            if is_plain(c) || made.ends_with(is_plain) {
                made.push(c);
            }
        }
        (!made.is_empty()).then_some(made)
    };
    let parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(part).collect::<Option<_>>()?;
    Some(parts.join("/")).filter(|path| wrong_with_path(path).is_none())
}

fn wrong_with_tag(tag: &str) -> Option<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if tag.is_empty() {
        return Some("its tag is empty".into());
    }
    if tag.len() > LONGEST_TAG {
        return Some(format!("its tag has more than {LONGEST_TAG} characters"));
    }
    if !tag.starts_with(word) {
        return Some(format!("its tag `{tag}` does not start with a letter, digit or `_`"));
    }
    let odd = tag.chars().find(|c| !word(*c) && !matches!(c, '.' | '-'))?;
    Some(format!("its tag has the character `{odd}`"))
}

fn wrong_with_digest(digest: &str) -> Option<String> {
    let hex = digest.strip_prefix("sha256:").unwrap_or_default();
    let good = hex.len() == 64 && hex.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
    (!good).then(|| format!("`{digest}` is no digest such as `sha256:` and 64 hexadecimal digits"))
}

fn bad(text: &str, what: impl Into<String>, write: Option<String>) -> RegistryError {
    RegistryError::BadName { text: text.into(), what: what.into(), write }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        Reference::parse(text).map_or_else(|error| format!("{error} / {:?}", error.hint()), |good| good.to_string())
    }

    #[test]
    fn references_are_told_apart() {
        let reference = Reference::parse("localhost:5000/acme/infra:dev-1.2.0").unwrap();
        assert_eq!((reference.repository().host(), reference.repository().path()), ("localhost:5000", "acme/infra"));
        assert_eq!((reference.tag(), reference.repository().is_loopback()), (Some("dev-1.2.0"), true));
        assert_eq!(shown("python:3"), "docker.io/library/python:3");
        assert_eq!(shown("acme/infra"), "docker.io/acme/infra:latest");
        let digest = format!("ghcr.io/a/b@sha256:{}", "0a".repeat(32));
        assert_eq!(shown(&digest), digest);
        assert_eq!(shown("[::1]:5000/a:b"), "[::1]:5000/a:b");
        assert!(!Repository::parse("127.example.org/a").unwrap().is_loopback());
        assert!(Repository::parse("127.0.0.1:5000/a/b_c/d__e/f--g").unwrap().is_loopback());
    }

    #[test]
    fn names_that_no_registry_accepts_are_refused_with_a_better_one() {
        let bad = |text: &str, what: &str, write: &str| {
            let RegistryError::BadName { what: found, write: better, .. } = Reference::parse(text).unwrap_err() else {
                panic!("`{text}` is a bad name");
            };
            assert!(found.contains(what), "{text}: {found}");
            assert_eq!(better.unwrap_or_default(), write, "{text}");
        };
        bad("ghcr.io/Acme/Infra:1", "upper-case", "ghcr.io/acme/infra");
        bad("ghcr.io/acme/a___b:1", "`___` between letters", "ghcr.io/acme/a_b");
        bad("ghcr.io/acme/a._b:1", "`._` between letters", "ghcr.io/acme/a.b");
        bad("ghcr.io/acme/_a:1", "start and end with", "ghcr.io/acme/a");
        bad("ghcr.io/acme//a:1", "empty part", "ghcr.io/acme/a");
        bad("ghcr.io/ac me/ä:1", "character ` `", "");
        bad("-x.io/acme/a:1", "no name of a host", "");
        bad("x.io:99999/acme/a:1", "no port", "");
        bad("ghcr.io/acme/a:-1", "does not start with", "");
        bad("ghcr.io/acme/a:a+b", "character `+`", "");
        bad(&format!("ghcr.io/acme/a:{}", "x".repeat(129)), "more than 128", "");
        bad(&format!("ghcr.io/acme/{}:1", "x".repeat(250)), "more than 255", "");
        bad("ghcr.io/acme/a@sha256:abc", "no digest", "");
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(text in "[a-z0-9.:/@_-]{1,40}") {
            if let Ok(reference) = Reference::parse(&text) {
                prop_assert_eq!(Reference::parse(&reference.to_string()).unwrap(), reference);
            }
        }
    }
}
