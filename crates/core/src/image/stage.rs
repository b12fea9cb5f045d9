//! Stages of an image, and the tags and labels that carry them.

use std::fmt;
use std::str::FromStr;

use semver::Version;

/// Label with the hash of all that decides the image.
pub const INPUTS: &str = "dev.wharf.inputs";
/// Label with the address of the runnable dir.
pub const DIR: &str = "dev.wharf.dir";
/// Label with the stage.
pub const STAGE: &str = "dev.wharf.stage";
/// Label with the id of the base image, where the engine had it when the image was built.
pub const BASE: &str = "dev.wharf.base";
/// Label with the platform that the image was built for.
pub const PLATFORM: &str = "dev.wharf.platform";
/// Label with the version (OCI image spec 1.1, "Annotations").
pub const VERSION: &str = "org.opencontainers.image.version";
/// Label with the commit of a prod image's code, with `-dirty` where it is not that commit's (OCI image spec 1.1).
pub const REVISION: &str = "org.opencontainers.image.revision";
/// Label with the name of the base image (OCI image spec 1.1).
pub const BASE_NAME: &str = "org.opencontainers.image.base.name";
/// Label with the digest by which a registry knows the base image (OCI image spec 1.1).
pub const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";
/// Label with the image's name.
pub const NAME: &str = "dev.wharf.name";
/// Label with the id of the local image that a promoted one was made from.
pub const PROMOTED_FROM: &str = "dev.wharf.promoted-from";
/// Label of an image that was promoted without its tests: `true`.
pub const UNTESTED: &str = "dev.wharf.untested";
/// Label with the image's name (OCI image spec 1.1, "Annotations").
pub const TITLE: &str = "org.opencontainers.image.title";

/// Label of an image that only locks are made in, with the hash of what decides it.
pub const TOOLS: &str = "dev.wharf.tools";

/// How far an image has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Built here, for me.
    Local,
    /// The team's.
    Dev,
    /// Self-contained.
    Prod,
}

impl Stage {
    /// The word in tags, labels and flags.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Dev => "dev",
            Self::Prod => "prod",
        }
    }

    /// The tag of an image in this stage.
    #[must_use]
    pub fn tag(self, user: &str, version: &Version) -> String {
        match self {
            Self::Local => format!("local-{}-{version}", tag_part(user)),
            Self::Dev | Self::Prod => format!("{self}-{version}"),
        }
    }

    /// Stage of the Dockerfile that makes it.
    #[must_use]
    pub fn target(self) -> &'static str {
        match self {
            Self::Local | Self::Dev => "dev",
            Self::Prod => "prod",
        }
    }
}

/// Whether a name of an image has a tag of Wharf's form. An image that others build on one of Wharf's inherits all its
/// labels, and only its name tells that it is another.
#[must_use]
pub fn is_tagged(reference: &str) -> bool {
    let last = reference.rsplit('/').next().unwrap_or(reference);
    let Some((_, tag)) = last.split_once(':') else { return false };
    let stage = tag.split_once('-').map_or(tag, |(stage, _)| stage);
    stage.parse::<Stage>().is_ok_and(|stage| tag != stage.word() || stage != Stage::Local)
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Stage {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::Local, Self::Dev, Self::Prod]
            .into_iter()
            .find(|stage| stage.word() == word)
            .ok_or_else(|| format!("`{word}` is no stage; there are local, dev and prod"))
    }
}

/// A user's name as a part of a tag: letters, digits, `_`, `.`, `-` (OCI distribution spec 1.1, tags).
fn tag_part(user: &str) -> String {
    let plain: String = user.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect();
    let plain = plain.trim_matches('-');
    if plain.is_empty() { "me".into() } else { plain[..plain.len().min(40)].to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_say_stage_and_version() {
        let version = Version::new(1, 10, 0);
        assert_eq!(Stage::Local.tag("Ada L.", &version), "local-Ada-L-1.10.0");
        assert_eq!(Stage::Dev.tag("ada", &version), "dev-1.10.0");
        assert_eq!(Stage::Local.tag("…", &version), "local-me-1.10.0");
    }

    #[test]
    fn only_tags_of_stages_are_ours() {
        let ours =
            ["infra:local-ada-0.1.0", "localhost/infra:dev-1.2.0", "host:5000/acme/infra:prod-1.0.0-arm64", "i:dev"];
        assert!(ours.iter().all(|reference| is_tagged(reference)));
        let others =
            ["infra", "infra:latest", "host:5000/infra", "infra:local", "vsc-infra-uid:latest", "infra:develop-1"];
        assert!(others.iter().all(|reference| !is_tagged(reference)));
    }
}
