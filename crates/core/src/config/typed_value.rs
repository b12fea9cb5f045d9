//! The types of single values. Each is made from text that the schema has accepted.

use std::fmt;

use super::mask::mask_credentials;

/// What installs Python dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PythonManager {
    /// uv.
    Uv,
    /// Poetry.
    Poetry,
    /// pip.
    Pip,
    /// Nothing is installed.
    None,
}

impl PythonManager {
    /// The word in the configuration.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Uv => "uv",
            Self::Poetry => "poetry",
            Self::Pip => "pip",
            Self::None => "none",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Uv, Self::Poetry, Self::Pip, Self::None].into_iter().find(|manager| manager.word() == text)
    }
}

/// CA certificates that builds trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaCertificates {
    /// The host's.
    Host,
    /// None beyond the image's own.
    None,
    /// Those in this file, as it was written: see [`super::Places::path`].
    File(String),
}

impl CaCertificates {
    pub(super) fn parse(text: &str) -> Self {
        match text {
            "host" => Self::Host,
            "none" => Self::None,
            path => Self::File(path.to_owned()),
        }
    }
}

/// Whether builds get the host's proxy variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proxy {
    /// They do.
    Host,
    /// They do not.
    None,
}

impl Proxy {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "host" => Some(Self::Host),
            "none" => Some(Self::None),
            _ => None,
        }
    }
}

/// Whether builds use what earlier builds left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuildCache {
    /// They do.
    Use,
    /// Each step runs anew.
    None,
}

impl BuildCache {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "use" => Some(Self::Use),
            "none" => Some(Self::None),
            _ => None,
        }
    }
}

/// The URL of a package index. May hold credentials: shown, they are masked.
#[derive(Clone, PartialEq, Eq)]
pub struct IndexUrl(String);

impl IndexUrl {
    pub(super) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The URL as it is needed to reach the index, credentials and all. Must not be shown or kept in an image.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IndexUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mask_credentials(&self.0))
    }
}

impl fmt::Debug for IndexUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IndexUrl({self})")
    }
}

/// Where the value of a build secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// A variable of the host, by name.
    Variable(String),
    /// A file of the host, as it was written: see [`super::Places::path`].
    File(String),
}

impl SecretSource {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.split_once(':')? {
            ("env", name) => Some(Self::Variable(name.to_owned())),
            ("file", path) => Some(Self::File(path.to_owned())),
            _ => None,
        }
    }
}

/// A variable of a container.
#[derive(Clone, PartialEq, Eq)]
pub enum Variable {
    /// It has the host's value, if the host has it.
    PassedOn(String),
    /// It has this value.
    Set {
        /// Its name.
        name: String,
        /// Its value; credentials in URLs are masked where it is shown.
        value: String,
    },
}

impl Variable {
    pub(super) fn parse(text: &str) -> Self {
        match text.split_once('=') {
            Some((name, value)) => Self::Set { name: name.to_owned(), value: value.to_owned() },
            None => Self::PassedOn(text.to_owned()),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::PassedOn(name) | Self::Set { name, .. } => name,
        }
    }
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PassedOn(name) => write!(f, "{name}"),
            Self::Set { name, value } => write!(f, "{name}={:?}", mask_credentials(value)),
        }
    }
}

/// A mount of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// A path of the host as it was written (see [`super::Places::path`]), or, without any `/`, `.` or `~` at its
    /// start, the name of a volume of the engine.
    pub host: String,
    /// Absolute path in the container.
    pub container: String,
    /// Options as the engines have them: of `ro`, `rw`, `z`, `Z`.
    pub options: Vec<String>,
    /// Whether nothing is said where the host has no such path: it is written with `?` behind it.
    pub optional: bool,
}

impl Volume {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        let (host, container) = (parts.next()?, parts.next()?);
        let options = parts.next().map(|options| options.split(',').map(str::to_owned).collect());
        let (host, optional) = host.strip_suffix('?').map_or((host, false), |host| (host, true));
        Some(Self {
            host: host.to_owned(),
            container: container.to_owned(),
            options: options.unwrap_or_default(),
            optional,
        })
    }

    /// Whether `host` names a volume of the engine, not a path.
    #[must_use]
    pub fn is_named(&self) -> bool {
        !self.host.starts_with(['.', '~']) && !self.host.contains('/')
    }

    /// Whether the container may only read it.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.options.iter().any(|option| option == "ro")
    }
}
