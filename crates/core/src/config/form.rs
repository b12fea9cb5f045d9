//! The forms that a string in the configuration can have, and what is said where it has another.
//!
//! Forms are strict where text later stands on a command line or in a Dockerfile: a package name cannot be an
//! option or end a line.

use super::duration::parse_duration;

/// The form of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Anything.
    Any,
    /// Text on one line, not empty.
    Line,
    /// A relative path that stays below its folder.
    InnerPath,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A name that is a path component and part of image names: letters, digits, `.`, `_`, `-`.
    Name,
    /// A glob of paths, as the `globset` crate reads it.
    Glob,
    /// A registry with an optional path, without scheme or tag.
    Registry,
    /// The name of an image without registry and tag.
    ImageName,
    /// A reference to an image, with or without tag and digest.
    ImageReference,
    /// The address of a runnable dir.
    Address,
    /// A requirement on a semantic version, as Cargo writes it.
    Requirement,
    /// A package of the image's operating system, with or without `=version`.
    OsPackage,
    /// A file below the `devops` folder.
    DevopsFile,
    /// A Python version with minor, with or without patch.
    PythonVersion,
    /// `host`, `none`, or the path of a file.
    HostNoneOrPath,
    /// The URL of a package index.
    Url,
    /// `env:NAME` or `file:PATH`.
    SecretSource,
    /// `NAME` or `NAME=value`.
    Variable,
    /// `host:container`, with or without `:ro`.
    Volume,
    /// `[[address:]host:]container`, ports or ranges of ports, with or without `/udp`.
    Port,
    /// The name of a network.
    Network,
    /// A duration above zero.
    Duration,
    /// A duration above zero, or `none`.
    DurationOrNone,
}

impl Form {
    /// Whether `text` has this form.
    #[must_use]
    pub fn accepts(self, text: &str) -> bool {
        if text.contains('\0') {
            return false;
        }
        match self {
            Self::Any => true,
            Self::Line => !text.trim().is_empty() && !text.contains(['\n', '\r']),
            Self::InnerPath => text == "." || is_inner_path(text),
            Self::Choice(words) => words.contains(&text),
            Self::Name => starts_alphanumeric(text) && text.chars().all(is_name_char),
            Self::Glob => !text.is_empty() && globset::Glob::new(text).is_ok(),
            Self::Registry => is_reference(text) && !text.contains("://") && !text.ends_with('/'),
            Self::ImageName => is_image_name(text),
            Self::ImageReference => is_reference(text) && !text.contains("://"),
            Self::Address => is_address(text),
            Self::Requirement => semver::VersionReq::parse(text).is_ok(),
            Self::OsPackage => is_os_package(text),
            Self::DevopsFile => is_inner_path(text),
            Self::PythonVersion => is_python_version(text),
            Self::HostNoneOrPath => !text.is_empty() && !text.contains('\n'),
            Self::Url => is_url(text),
            Self::SecretSource => is_secret_source(text),
            Self::Variable => is_variable_name(text.split_once('=').map_or(text, |(name, _)| name)),
            Self::Volume => is_volume(text),
            Self::Port => is_port(text),
            Self::Network => is_reference(text),
            Self::Duration => parse_duration(text).is_some(),
            Self::DurationOrNone => text == "none" || parse_duration(text).is_some(),
        }
    }

    /// What is expected, as a phrase for messages and the reference.
    #[must_use]
    pub fn expected(self) -> String {
        match self {
            Self::Any => "a string without NUL",
            Self::Line => "text on one line",
            Self::InnerPath => "a path that stays within its folder, such as `docs`",
            Self::Choice(words) => return any_of(words),
            Self::Name => "letters, digits, `.`, `_` and `-`, starting with a letter or digit",
            Self::Glob => "a glob such as `third_party/**`",
            Self::Registry => "a registry and path without scheme, such as `ghcr.io/acme`",
            Self::ImageName => "an image name in lower case without tag, such as `infra` or `acme/infra`",
            Self::ImageReference => "an image such as `debian:bookworm`",
            Self::Address => "the address of a runnable dir, such as `//ml`",
            Self::Requirement => "a requirement on a version such as `>=1.2` or `>=1.2, <2`",
            Self::OsPackage => "a package name such as `graphviz`",
            Self::DevopsFile => "a file in the `devops` folder, such as `install_aws_cli.sh`",
            Self::PythonVersion => "a version such as `3.12`",
            Self::HostNoneOrPath => "`host`, `none` or a path",
            Self::Url => "a URL such as `https://pypi.example.org/simple`",
            Self::SecretSource => "`env:NAME` or `file:PATH`",
            Self::Variable => "`NAME` or `NAME=value`",
            Self::Volume => "`host:container` or `host:container:ro`, the container's path absolute",
            Self::Port => "a port such as `8080`, `8080:80` or `127.0.0.1:8080:80`",
            Self::Network => "the name of a network",
            Self::Duration => "a duration such as `60s`, `5m` or `1h30m`",
            Self::DurationOrNone => "a duration such as `60s`, `5m` or `1h30m`, or `none`",
        }
        .to_owned()
    }
}

/// Words as "`a`, `b` or `c`".
pub(super) fn any_of<S: AsRef<str>>(words: &[S]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("`{}`", word.as_ref())).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

fn starts_alphanumeric(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

/// Visible ASCII that cannot be taken for an option.
fn is_reference(text: &str) -> bool {
    starts_alphanumeric(text) && text.chars().all(|c| c.is_ascii_graphic())
}

/// As the distribution specification has it: lower-case components with single separators between alphanumerics.
fn is_image_name(text: &str) -> bool {
    text.split('/').all(|part| {
        let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        part.starts_with(edge) && part.ends_with(edge) && part.chars().all(|c| edge(c) || matches!(c, '.' | '_' | '-'))
    })
}

fn is_address(text: &str) -> bool {
    let path = text.strip_prefix("//").unwrap_or(text);
    path == "." || is_inner_path(path)
}

/// A relative path on one line that stays below its folder.
fn is_inner_path(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(['/', '-'])
        && !text.contains(['\\', '\n', '\r'])
        && !text.split('/').any(|part| part == "..")
}

fn is_os_package(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text.chars().all(|c| is_name_char(c) || matches!(c, '+' | ':' | '=' | '~' | '/'))
}

fn is_python_version(text: &str) -> bool {
    let parts: Vec<_> = text.split('.').collect();
    (2..=3).contains(&parts.len()) && parts.iter().all(|part| part.len() <= 4 && part.parse::<u16>().is_ok())
}

fn is_url(text: &str) -> bool {
    let rest = ["https://", "http://", "file://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    rest.is_some_and(|rest| !rest.is_empty()) && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

fn is_secret_source(text: &str) -> bool {
    match text.split_once(':') {
        Some(("env", name)) => is_variable_name(name),
        Some(("file", path)) => !path.is_empty() && !path.contains('\n'),
        _ => false,
    }
}

pub(super) fn is_variable_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn is_volume(text: &str) -> bool {
    let mut parts = text.splitn(3, ':');
    let (Some(host), Some(container)) = (parts.next(), parts.next()) else {
        return false;
    };
    let options = parts.next();
    !host.is_empty()
        && !text.contains(['\n', '\r'])
        && container.starts_with('/')
        && options.is_none_or(|options| options.split(',').all(|o| matches!(o, "ro" | "rw" | "z" | "Z")))
}

fn is_port(text: &str) -> bool {
    let ports = match text.rsplit_once('/') {
        Some((ports, "tcp" | "udp" | "sctp")) => ports,
        Some(_) => return false,
        None => text,
    };
    let range = |text: &str| {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        matches!((first.parse::<u16>(), last.parse::<u16>()), (Ok(first), Ok(last)) if 0 < first && first <= last)
    };
    let Some((before, container)) = ports.rsplit_once(':') else {
        return range(ports);
    };
    let (address, host) = before.rsplit_once(':').map_or((None, before), |(address, host)| (Some(address), host));
    let address_is_good = address.is_none_or(|address| {
        let address = address.strip_prefix('[').and_then(|a| a.strip_suffix(']')).unwrap_or(address);
        address.parse::<std::net::IpAddr>().is_ok()
    });
    // `127.0.0.1::80` lets the engine choose the host's port.
    address_is_good && range(container) && (range(host) || (host.is_empty() && address.is_some()))
}
