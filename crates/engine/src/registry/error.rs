//! Why a registry did not do what it was asked.

use crate::kind::Kind;

use super::reference::{Reference, Repository};

/// Why a registry did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// No registry accepts this name.
    #[error("no registry accepts the name `{text}`: {what}")]
    BadName {
        /// The name.
        text: String,
        /// What is wrong with it.
        what: String,
        /// How to write it, where that can be told.
        write: Option<String>,
    },
    /// It cannot be reached.
    #[error("registry `{host}` cannot be reached: {why}")]
    Unreachable {
        /// The registry.
        host: String,
        /// What the system said.
        why: String,
    },
    /// Its certificate is not trusted.
    #[error("the certificate of registry `{host}` is not trusted: {why}")]
    Certificate {
        /// The registry.
        host: String,
        /// What is wrong with it.
        why: String,
        /// Whose log-ins and certificates are used.
        kind: Kind,
    },
    /// It wants a log-in, or refused the one that there is.
    #[error("registry `{host}` {}", refused_login(.user.as_deref()))]
    Unauthorized {
        /// The registry.
        host: String,
        /// The user whose log-in was refused; `None` where there is no log-in.
        user: Option<String>,
        /// Whose log-ins are used.
        kind: Kind,
    },
    /// The log-in is good, but it may not do this.
    #[error("registry `{}` does not let {} {verb} `{repository}`: {why}", .repository.host(), .user.as_deref().map_or("anyone".to_owned(), |user| format!("user `{user}`")))]
    Denied {
        /// What it was about.
        repository: Box<Repository>,
        /// Who asked; `None` where nobody is logged in.
        user: Option<String>,
        /// `push to` or `pull from`.
        verb: &'static str,
        /// What the registry said.
        why: String,
        /// Whose log-ins are used.
        kind: Kind,
    },
    /// It takes nothing now.
    #[error("registry `{}` is read-only, it does not take `{repository}`: {why}", .repository.host())]
    ReadOnly {
        /// What was to be pushed.
        repository: Box<Repository>,
        /// What the registry said.
        why: String,
    },
    /// Its disk is full.
    #[error("the disk of registry `{host}` is full: {why}")]
    DiskFull {
        /// The registry.
        host: String,
        /// What the registry said.
        why: String,
    },
    /// It keeps failing, or wants fewer requests, or its connection breaks: all tries are used up.
    #[error("registry `{host}` fails ({why}), tried {tries} {}", if *.tries == 1 { "time" } else { "times" })]
    Failing {
        /// The registry.
        host: String,
        /// Its last answer, or how the connection broke.
        why: String,
        /// How often it was tried.
        tries: u32,
    },
    /// There is no such image.
    #[error("registry `{}` has no `{reference}`", .reference.repository().host())]
    Missing {
        /// What was asked for.
        reference: Box<Reference>,
    },
    /// What is there is not what was expected.
    #[error("`{reference}` is {found}, not {expected}")]
    Mismatch {
        /// What was read.
        reference: Box<Reference>,
        /// Digest that was expected.
        expected: String,
        /// What there is.
        found: String,
    },
    /// It refused for another reason, or its answer makes no sense.
    #[error("registry `{host}` gave an answer that makes no sense to `{verb}`: {detail}")]
    Answer {
        /// The registry.
        host: String,
        /// What it was asked.
        verb: String,
        /// Its answer.
        detail: String,
    },
}

fn refused_login(user: Option<&str>) -> String {
    match user {
        Some(user) => format!("refused the log-in of user `{user}`"),
        None => "wants a log-in".into(),
    }
}

impl RegistryError {
    /// The next command to type, or what to change.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::BadName { write: Some(write), .. } => Some(format!("write `{write}`")),
            Self::BadName { .. } => Some("see `registry` and `image.name` with `wharf config show --origin`".into()),
            Self::Unreachable { .. } => {
                Some("check its name in `[registry]` and the network; it is tried again by the same command".into())
            }
            Self::Certificate { host, kind, .. } => Some(format!(
                "name the file of its CA in `[build] ca-certificates`, and give it to the engine as `{}/ca.crt`",
                super::certificates::folder(*kind, host)
            )),
            Self::Unauthorized { host, kind, .. } => Some(login(*kind, host)),
            Self::Denied { repository, user: None, kind, .. } => Some(login(*kind, repository.host())),
            Self::Denied { repository, .. } => Some(format!("ask who owns `{repository}` for the right to do that")),
            Self::ReadOnly { .. } => Some("push again when it takes images, or name another one with `--to`".into()),
            Self::DiskFull { .. } => Some("make room there, then type the same command again".into()),
            Self::Failing { .. } => Some("type the same command again later; what is done is kept".into()),
            Self::Mismatch { .. } => {
                Some("somebody else pushes there, or something between changes what passes".into())
            }
            Self::Missing { .. } | Self::Answer { .. } => None,
        }
    }

    /// Whether it is known now that no push of this user can succeed, whatever the network does.
    #[must_use]
    pub fn is_about_rights(&self) -> bool {
        matches!(self, Self::BadName { .. } | Self::Unauthorized { .. } | Self::Denied { .. } | Self::ReadOnly { .. })
    }
}

/// How to log in, also where nobody can type.
fn login(kind: Kind, host: &str) -> String {
    let program = if kind == Kind::Podman { "podman" } else { "docker" };
    format!("`{program} login {host}`; in CI: `{program} login --username NAME --password-stdin {host} < FILE`")
}
