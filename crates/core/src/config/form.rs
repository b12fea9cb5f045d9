//! The forms that a string in the configuration can have, and what is said where it has another.
//!
//! Forms are strict where text later stands on a command line or in a Dockerfile: a package name cannot be an
//! option or end a line.

use wharf_engine::Platform;

use super::capability::Capability;
use super::duration::parse_duration;
use super::exports::Part;
use super::schema::Names;
use super::size::parse_size;
use super::suggest::{Suggestion, nearest_word};

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
    /// A reference to an image, or the address of one that a sub-repo exports: `//helpers:python`.
    BaseImage,
    /// A sub-repo, or a part of what it exports: `helpers`, `helpers:files`.
    Export,
    /// A file or folder within a repo.
    RepoPath,
    /// The address of a runnable dir.
    Address,
    /// A platform that images can be made for.
    Platform,
    /// A requirement on a semantic version, as Cargo writes it.
    Requirement,
    /// The address of a repo or of a folder in one.
    CommonOwner,
    /// A file, folder or glob within a repo, in an owner's folder; `!` in front excludes.
    CommonPath,
    /// A path or glob of folders within a repo.
    CommonPlace,
    /// A package of the image's operating system, with or without `=version`.
    OsPackage,
    /// A file below the `devops` folder.
    DevopsFile,
    /// A folder for a list that `:` parts.
    PathEntry,
    /// A Python version with minor, with or without patch.
    PythonVersion,
    /// `host`, `none`, or the path of a file.
    HostNoneOrPath,
    /// The path of a file.
    File,
    /// A Python requirement (PEP 508) on one line, with or without `--hash=` behind it.
    PythonRequirement,
    /// The URL of a package index.
    Url,
    /// `env:NAME` or `file:PATH`.
    SecretSource,
    /// `NAME` or `NAME=value`.
    Variable,
    /// The name of a variable.
    VariableName,
    /// A host, with or without port.
    Host,
    /// `host:container`, with or without `:ro`.
    Volume,
    /// `[[address:]host:]container`, ports or ranges of ports, with or without `/udp`.
    Port,
    /// A container's port, with or without one of the host in front, which may be `auto`.
    ServicePort,
    /// The name of a service: what its host is called too.
    ServiceName,
    /// The name of a network.
    Network,
    /// An entry of a test list.
    TestEntry,
    /// Something that a test may need of its place.
    Capability,
    /// A duration above zero.
    Duration,
    /// A duration above zero, or `none`.
    DurationOrNone,
    /// A number of bytes above zero, with its unit.
    Size,
    /// Where a shared cache is: `file:` and an absolute path.
    CacheUrl,
    /// The name of a branch, in letters that mean nothing to any shell or CI.
    Branch,
    /// When something happens, as cron has it: five fields.
    Cron,
    /// An absolute path in a container.
    AbsolutePath,
    /// A file of an image and a path in a dir, with `:` between them.
    CopyOut,
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
            Self::BaseImage => match text.strip_prefix("//") {
                Some(exported) => exported
                    .rsplit_once(':')
                    .is_some_and(|(path, name)| is_plain_path(path) && Names::Free.accepts(name)),
                None => Self::ImageReference.accepts(text),
            },
            Self::Export => {
                let (path, part) = text.rsplit_once(':').map_or((text, None), |(path, part)| (path, Some(part)));
                is_plain_path(path.strip_prefix("//").unwrap_or(path))
                    && part.is_none_or(|part| Part::parse(part).is_some())
            }
            Self::RepoPath => is_plain_path(text),
            Self::Address => is_address(text),
            Self::Platform => text.parse::<Platform>().is_ok(),
            Self::Requirement => semver::VersionReq::parse(text).is_ok(),
            Self::CommonOwner => is_common_owner(text),
            Self::CommonPath => is_common_path(text.strip_prefix('!').unwrap_or(text)),
            Self::CommonPlace => text == "." || is_common_path(text),
            Self::OsPackage => is_os_package(text),
            Self::DevopsFile => is_inner_path(text),
            Self::PathEntry => !text.is_empty() && !text.contains([':', '\n', '\r']),
            Self::PythonVersion => is_python_version(text),
            Self::HostNoneOrPath => !text.is_empty() && !text.contains('\n'),
            Self::File => !text.trim().is_empty() && !text.contains('\n'),
            Self::PythonRequirement => is_python_requirement(text),
            Self::Url => is_url(text),
            Self::SecretSource => is_secret_source(text),
            Self::Variable => match text.split_once('=') {
                Some((name, _)) => is_variable_name(name),
                None => is_variable_name(&text.replace('*', "_")),
            },
            Self::VariableName => is_variable_name(text),
            Self::Host => is_host(text),
            Self::Volume => is_volume(text),
            Self::Port => is_port(text),
            Self::ServicePort => is_port(text.strip_prefix("auto:").unwrap_or(text)) && !text.starts_with("auto:auto"),
            Self::ServiceName => is_service_name(text),
            Self::Network => is_reference(text),
            Self::TestEntry => is_test_entry(text),
            Self::Capability => Capability::parse(text).is_some(),
            Self::Duration => parse_duration(text).is_some(),
            Self::DurationOrNone => text == "none" || parse_duration(text).is_some(),
            Self::Size => parse_size(text).is_some(),
            Self::Branch => is_inner_path(text) && text.chars().all(|c| is_name_char(c) || c == '/'),
            Self::Cron => is_cron(text),
            Self::AbsolutePath => is_absolute(text),
            Self::CopyOut => text.split_once(':').is_some_and(|(from, to)| is_absolute(from) && is_inner_path(to)),
            Self::CacheUrl => is_cache_url(text),
        }
    }

    /// The right spelling that was probably meant by `text`, where the form has few.
    pub(super) fn nearest(self, text: &str) -> Option<Suggestion> {
        match self {
            Self::Choice(words) => nearest_word(text, words),
            Self::Platform => {
                let meant = text.parse::<Platform>().err().and_then(|unknown| unknown.nearest());
                let known: Vec<String> = Platform::known().map(|known| known.to_string()).collect();
                let words: Vec<&str> = known.iter().map(String::as_str).collect();
                meant.map(|meant| meant.to_string()).or_else(|| nearest_word(text, &words))
            }
            _ => None,
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
            Self::BaseImage => {
                "an image such as `debian:bookworm`, or one that a sub-repo exports, such as `//helpers:python`"
            }
            Self::Export => {
                let parts: Vec<&str> = Part::ALL.iter().map(|part| part.name()).collect();
                return format!(
                    "the path of a sub-repo, such as `helpers`, or with {}: `helpers:files`",
                    any_of(&parts)
                );
            }
            Self::RepoPath => "a path that stays within the repo, such as `templates`",
            Self::Address => "the address of a runnable dir, such as `//ml`",
            Self::Platform => {
                let known: Vec<String> = Platform::known().map(|known| known.to_string()).collect();
                return any_of(&known);
            }
            Self::Requirement => "a requirement on a version such as `>=1.2` or `>=1.2, <2`",
            Self::CommonOwner => {
                "the address of a repo or of a folder in one, such as `//helpers`, or `.` for the super-repo"
            }
            Self::CommonPath => {
                "a path or glob that stays within the repo, such as `pytest.ini`, `ci/`, `**/*.cfg` or `!ci/own.yml`"
            }
            Self::CommonPlace => "a folder that stays within the repo, such as `infra` or `*/devops`",
            Self::OsPackage => "a package name such as `graphviz`",
            Self::DevopsFile => "a file in the `devops` folder, such as `install_aws_cli.sh`",
            Self::PathEntry => "a folder such as `bin`, without `:`",
            Self::PythonVersion => "a version such as `3.12`",
            Self::HostNoneOrPath => "`host`, `none` or a path",
            Self::File => "a path",
            Self::PythonRequirement => "a requirement such as `invoke>=2`",
            Self::Url => "a URL such as `https://pypi.example.org/simple`",
            Self::SecretSource => "`env:NAME` or `file:PATH`",
            Self::Variable => "`NAME` or `NAME=value`",
            Self::VariableName => "the name of a variable, such as `GITHUB_TOKEN`",
            Self::Host => "a host such as `git.example.org`, with or without `:port`",
            Self::Volume => "`host:container` or `host:container:ro`, the container's path absolute",
            Self::Port => "a port such as `8080`, `8080:80` or `127.0.0.1:8080:80`",
            Self::ServicePort => "a port such as `5432`, `5432:5432` or `auto:5432`",
            Self::ServiceName => "a name of small letters, digits, `_` and `-`, starting with a letter",
            Self::Network => "the name of a network",
            Self::TestEntry => {
                "a test id, a file, a folder or a glob from the super-repo's root, such as `infra/tests/test_a.py::test_one`, \
                 or `@other-list`; `!` in front excludes"
            }
            Self::Capability => {
                "`docker`, `network`, `gpu`, `env:NAME`, `command:NAME`, `service:NAME` or `service:NAME:PORT`"
            }
            Self::Duration => "a duration such as `60s`, `5m` or `1h30m`",
            Self::DurationOrNone => "a duration such as `60s`, `5m` or `1h30m`, or `none`",
            Self::Size => "a size such as `500MB` or `2GB`",
            Self::Branch => "the name of a branch, such as `main`",
            Self::Cron => "five fields as cron has them, such as `0 3 * * *`",
            Self::AbsolutePath => "an absolute path such as `/app`",
            Self::CopyOut => "a file of the image and a path in the dir, such as `/install/lock:devops/poetry.lock`",
            Self::CacheUrl => {
                "a URL without log-in that begins with `file:///`, `s3://`, `gcs://`, `ghac://`, `webdav+https://`, `webdav+http://`, \
                 `https://` or `http://`, such as `file:///mnt/team/wharf` or `s3://bucket/wharf?region=eu-west-1`"
            }
        }
        .to_owned()
    }
}

/// A store for verdicts. What its options mean, only those know who speak to it.
fn is_cache_url(text: &str) -> bool {
    const SERVERS: [&str; 7] = ["s3", "gcs", "gs", "webdav+https", "webdav+http", "https", "http"];
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let place = rest.split(['/', '?']).next().unwrap_or_default();
    let is_plain = !text.contains(char::is_whitespace) && !place.contains('@');
    match scheme {
        "file" => rest.starts_with('/') && rest.len() > 1,
        "ghac" => is_plain,
        other => is_plain && SERVERS.contains(&other) && !place.is_empty(),
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

/// Such that it is the name of a host and, in capitals, part of a variable's.
fn is_service_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.len() <= 40
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
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
/// An absolute path that is no root and that engines and shells take as it is.
fn is_absolute(text: &str) -> bool {
    text.len() > 1
        && text.starts_with('/')
        && !text.contains([':', ',', '\\', '\n', '\r', '"', '$'])
        && !text.split('/').any(|part| matches!(part, "." | ".."))
}

fn is_inner_path(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(['/', '-'])
        && !text.contains(['\\', '\n', '\r'])
        && !text.split('/').any(|part| part == "..")
}

/// A path in the repo with or without what is in the file behind it, or `@` and the name of a list.
fn is_test_entry(text: &str) -> bool {
    let entry = text.strip_prefix('!').unwrap_or(text);
    match entry.strip_prefix('@') {
        Some(name) => Names::Free.accepts(name),
        None => {
            let path = entry.split_once("::").map_or(entry, |(path, _)| path);
            let path = path.strip_prefix("//").unwrap_or(path);
            is_inner_path(path) && !entry.contains(['\n', '\r'])
        }
    }
}

fn is_os_package(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text.chars().all(|c| is_name_char(c) || matches!(c, '+' | ':' | '=' | '~' | '/'))
}

/// Relative, without climbing, not in any Git folder, and fit for a line of text; a glob must be one that can be read.
fn is_common_path(text: &str) -> bool {
    let path = text.strip_suffix('/').unwrap_or(text);
    let good = |part: &str| !matches!(part, "" | "." | "..") && !part.eq_ignore_ascii_case(".git");
    !text.starts_with(['/', '!', '-'])
        && path.split('/').all(good)
        && !text.contains(|c: char| c.is_control() || c == '\\')
        && globset::Glob::new(path).is_ok()
}

/// A path as [`is_common_path`] has it, without globs.
fn is_plain_path(text: &str) -> bool {
    is_common_path(text) && !text.contains(['*', '?', '[', '{'])
}

fn is_common_owner(text: &str) -> bool {
    let path = text.strip_prefix("//").unwrap_or(text);
    matches!(path, "" | ".") && !text.is_empty() || is_plain_path(path)
}

fn is_python_version(text: &str) -> bool {
    let parts: Vec<_> = text.split('.').collect();
    (2..=3).contains(&parts.len()) && parts.iter().all(|part| part.len() <= 4 && part.parse::<u16>().is_ok())
}

fn is_python_requirement(text: &str) -> bool {
    let (requirement, hashes) = text.split_once(" --hash=").unwrap_or((text, ""));
    !text.contains(char::is_control)
        && hashes.split_whitespace().skip(1).all(|hash| hash.starts_with("--hash="))
        && requirement.trim().parse::<pep508_rs::Requirement>().is_ok()
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

fn is_cron(text: &str) -> bool {
    let good = |field: &str| field.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '*' | ',' | '-' | '/'));
    text.split(' ').count() == 5 && text.split(' ').all(|field| !field.is_empty() && good(field))
}

fn is_host(text: &str) -> bool {
    let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    starts_alphanumeric(name)
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
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
