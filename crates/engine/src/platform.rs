//! What an image runs on: an operating system and an architecture, as the OCI image spec names them.

use std::fmt;
use std::str::FromStr;

/// A platform that images are made for. The operating system is always Linux: containers of others are not supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Platform {
    architecture: &'static str,
    variant: Option<&'static str>,
}

/// Architectures and variants by Go's names, which the OCI image spec 1.1 takes over ("Image Index", `platform`).
const KNOWN: [(&str, Option<&str>); 10] = [
    ("amd64", None),
    ("arm64", None),
    ("arm", Some("v7")),
    ("arm", Some("v6")),
    ("386", None),
    ("ppc64le", None),
    ("s390x", None),
    ("riscv64", None),
    ("mips64le", None),
    ("loong64", None),
];

/// What kernels, compilers and distributions call them.
const ALIASES: [(&str, &str, Option<&str>); 14] = [
    ("x86_64", "amd64", None),
    ("x86-64", "amd64", None),
    ("x64", "amd64", None),
    ("aarch64", "arm64", None),
    ("armv8", "arm64", None),
    ("armhf", "arm", Some("v7")),
    ("armv7", "arm", Some("v7")),
    ("armv7l", "arm", Some("v7")),
    ("armel", "arm", Some("v6")),
    ("armv6l", "arm", Some("v6")),
    ("i386", "386", None),
    ("i686", "386", None),
    ("ppc64el", "ppc64le", None),
    ("loongarch64", "loong64", None),
];

impl Platform {
    /// All that are known, the most common first.
    pub fn known() -> impl Iterator<Item = Self> {
        KNOWN.into_iter().map(|(architecture, variant)| Self { architecture, variant })
    }

    /// From an engine's or an image's own words. Where the variant is left out it is the usual one (containerd's rules
    /// for normalizing: `arm64` is `v8`, `arm` is `v7`). `None` for what Wharf does not know.
    #[must_use]
    pub fn from_words(os: &str, architecture: &str, variant: &str) -> Option<Self> {
        let alias = ALIASES.into_iter().find(|(alias, _, _)| *alias == architecture);
        let (architecture, usual) = alias.map_or((architecture, None), |(_, name, variant)| (name, variant));
        let variant = match (architecture, variant) {
            ("arm", "") => usual.or(Some("v7")),
            ("arm", "7") => Some("v7"),
            ("arm", "6") => Some("v6"),
            ("arm64", "v8" | "8") | ("amd64", "v1") | (_, "") => None,
            (_, other) => Some(other),
        };
        Self::known().find(|known| os == "linux" && known.architecture == architecture && known.variant == variant)
    }

    /// That of the machine that this program runs on.
    #[must_use]
    pub fn of_this_machine() -> Option<Self> {
        Self::from_words("linux", &rustix::system::uname().machine().to_string_lossy(), "")
    }

    /// The architecture, as Go names it, such as `arm64`.
    #[must_use]
    pub fn architecture(self) -> &'static str {
        self.architecture
    }

    /// The variant of the architecture, such as `v7`.
    #[must_use]
    pub fn variant(self) -> Option<&'static str> {
        self.variant
    }

    /// What is appended to the tag of an image that is not for the engine's own platform: `arm64`, `arm-v7`.
    #[must_use]
    pub fn suffix(self) -> String {
        self.variant.map_or_else(|| self.architecture.to_owned(), |variant| format!("{}-{variant}", self.architecture))
    }

    /// A reference with the suffix after its tag; a digest is dropped, since it names something else.
    #[must_use]
    pub fn suffixed(self, reference: &str) -> String {
        let plain = reference.split_once('@').map_or(reference, |(name, _)| name);
        let has_tag = plain.rsplit('/').next().is_some_and(|last| last.contains(':'));
        format!("{plain}{}{}", if has_tag { "-" } else { ":latest-" }, self.suffix())
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "linux/{}", self.architecture)?;
        self.variant.map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

/// A text that names no platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no platform that images can be made for{}; there are {}", did_you_mean(.nearest), listed())]
pub struct UnknownPlatform {
    text: String,
    nearest: Option<Platform>,
}

impl UnknownPlatform {
    /// The one that was probably meant.
    #[must_use]
    pub fn nearest(&self) -> Option<Platform> {
        self.nearest
    }
}

fn did_you_mean(nearest: &Option<Platform>) -> String {
    nearest.map_or_else(String::new, |nearest| format!(", did you mean `{nearest}`"))
}

fn listed() -> String {
    Platform::known().map(|known| known.to_string()).collect::<Vec<_>>().join(", ")
}

impl FromStr for Platform {
    type Err = UnknownPlatform;

    /// Reads `linux/arm64`, and where the variant can be only one, `linux/arm64/v8` and `linux/arm` likewise. Other names
    /// for an architecture are refused, with the right one: what stands in a file should mean one thing to all tools.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = |nearest| UnknownPlatform { text: text.to_owned(), nearest };
        let lower = text.trim().to_lowercase();
        let (os, rest) = match lower.split_once('/') {
            Some((os @ ("linux" | "darwin" | "macos" | "windows" | "freebsd"), rest)) => (os, rest),
            _ => ("", lower.as_str()),
        };
        let (architecture, variant) = rest.split_once('/').unwrap_or((rest, ""));
        let meant = Self::from_words("linux", architecture, variant);
        let is_plain = KNOWN.iter().any(|(name, _)| *name == architecture);
        match meant {
            Some(platform) if os == "linux" && is_plain && text == lower => Ok(platform),
            Some(platform) => Err(unknown(Some(platform))),
            None => Err(unknown(Self::known().find(|known| !variant.is_empty() && known.architecture == architecture))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_one_is_read_back() {
        for known in Platform::known() {
            assert_eq!(known.to_string().parse(), Ok(known));
            assert_eq!(
                Platform::from_words("linux", known.architecture, known.variant.unwrap_or_default()),
                Some(known)
            );
        }
    }

    #[test]
    fn the_same_in_other_words_is_the_same() {
        for (text, platform) in [("linux/arm64/v8", "linux/arm64"), ("linux/arm", "linux/arm/v7")] {
            assert_eq!(text.parse::<Platform>().unwrap().to_string(), platform);
        }
        assert_eq!(Platform::from_words("linux", "x86_64", ""), "linux/amd64".parse().ok());
        assert_eq!(Platform::from_words("linux", "armv6l", ""), "linux/arm/v6".parse().ok());
        assert_eq!(Platform::from_words("windows", "amd64", ""), None);
    }

    #[test]
    fn what_is_none_is_refused_with_the_one_that_was_meant() {
        let nearest = |text: &str| text.parse::<Platform>().unwrap_err().nearest().map(|known| known.to_string());
        for (text, meant) in [
            ("aarch64", "linux/arm64"),
            ("linux/aarch64", "linux/arm64"),
            ("x86_64", "linux/amd64"),
            ("arm64", "linux/arm64"),
            ("Linux/ARM64", "linux/arm64"),
            ("darwin/arm64", "linux/arm64"),
            ("linux/arm/v9", "linux/arm/v7"),
        ] {
            assert_eq!(nearest(text).as_deref(), Some(meant), "{text}");
        }
        for text in ["", "linux", "linux/", "linux/vax", "plan9/amd64/x", "linux/amd64/"] {
            assert_ne!(
                text.parse::<Platform>().ok(),
                Some(Platform { architecture: "arm64", variant: None }),
                "{text}"
            );
        }
        let message = "linux/vax".parse::<Platform>().unwrap_err().to_string();
        assert!(message.starts_with("`linux/vax` is no platform that images can be made for; there are linux/amd64, "));
        assert!(message.contains("linux/arm/v7"), "{message}");
    }

    #[test]
    fn suffixes_stand_in_tags() {
        let arm: Platform = "linux/arm/v7".parse().unwrap();
        assert_eq!(arm.suffix(), "arm-v7");
        let arm64: Platform = "linux/arm64".parse().unwrap();
        assert_eq!(arm64.suffixed("r.example:5000/a/b"), "r.example:5000/a/b:latest-arm64");
        assert_eq!(arm64.suffixed("r.example:5000/a/b:1@sha256:abc"), "r.example:5000/a/b:1-arm64");
    }
}
