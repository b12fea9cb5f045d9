//! What can stop a repo from being cloned, added, removed, or given a worktree.

use std::path::PathBuf;

use wharf_git::{GitError, PlaceError, Trouble};

/// Why Git is not given a URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Nothing.
    #[error("the URL is empty")]
    Empty,
    /// An option of `git` or `ssh`.
    #[error("`{url}` is no URL: it would be taken for an option")]
    Option {
        /// As it was given, credentials masked.
        url: String,
    },
    /// `ext::` and the like, which run programs.
    #[error("`{url}` is refused: `{helper}::` would run a program instead of reaching a repo")]
    Helper {
        /// As it was given, credentials masked.
        url: String,
        /// The program.
        helper: String,
    },
    /// A scheme that Git has no own transport for.
    #[error("`{url}` is refused: `{scheme}://` is none of https, ssh, git, http and file")]
    Scheme {
        /// As it was given, credentials masked.
        url: String,
        /// The scheme.
        scheme: String,
    },
    /// A control character, plain or behind `%`.
    #[error("`{url}` is refused: it holds a control character")]
    Control {
        /// As it was given, escaped.
        url: String,
    },
    /// More `../` than there is to climb.
    #[error("`{url}` climbs above the URL of the repo that names it")]
    TooHigh {
        /// As it was given.
        url: String,
    },
}

/// Why a section of `.gitmodules` is not acted upon. Git refuses most of these too; see the advisories for CVE-2018-11235,
/// CVE-2019-1387, CVE-2021-21300 and CVE-2024-32002.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Hostile {
    /// A path that is absolute, climbs out, enters `.git`, or is an option.
    #[error("its path `{0}` leads out of the repo or into `.git`")]
    Path(String),
    /// A name whose Git folder would lie elsewhere.
    #[error("its name `{0}` leads out of `.git/modules`")]
    Name(String),
    /// A name inside another one's Git folder.
    #[error("its Git folder would lie inside that of `{0}`")]
    InsideOther(String),
    /// One name for two paths.
    #[error("its name is used for several paths: {}", .0.join(", "))]
    SameName(Vec<String>),
    /// Two names for one path.
    #[error("several sections of `.gitmodules` claim its path `{0}`")]
    SamePath(String),
    /// Two paths, or names, that differ in case only.
    #[error("`{0}` and `{1}` differ only in upper and lower case, which are one folder on macOS and Windows")]
    Case(String, String),
    /// A URL that Git is not given.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// A branch that would be taken for an option.
    #[error("its branch `{0}` is no name of a branch")]
    Branch(String),
    /// A link or file on the way, or files where it should be.
    #[error("{0}")]
    InTheWay(String),
}

/// Why a repo was not cloned, added, removed, or given a worktree.
#[derive(Debug, thiserror::Error)]
pub enum CloneError {
    /// A URL that Git is not given.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The URL names no folder, and none was given.
    #[error("`{url}` names no folder")]
    NoName {
        /// The URL.
        url: String,
    },
    /// The remote was not had.
    #[error("`{url}` {}", describe(*.trouble))]
    Remote {
        /// The URL, credentials masked.
        url: String,
        /// What is the matter.
        trouble: Trouble,
        /// What Git said, credentials masked.
        #[source]
        said: Said,
        /// The token's variable, where one was used.
        token: Option<String>,
    },
    /// The folder to clone into holds something.
    #[error("`{}` is there already and is not empty", .dir.display())]
    NotEmpty {
        /// The folder.
        dir: PathBuf,
        /// Whether it is a Git repo.
        is_repo: bool,
    },
    /// The folder holds an unfinished clone of another repo.
    #[error("`{}` holds an unfinished clone of `{url}`", .dir.display())]
    OtherClone {
        /// The folder.
        dir: PathBuf,
        /// What is being cloned there.
        url: String,
    },
    /// Someone else clones into the same folder.
    #[error("`{}` is being cloned into by {holder}", .dir.display())]
    Busy {
        /// The folder.
        dir: PathBuf,
        /// Who, as it said itself.
        holder: String,
    },
    /// A section of `.gitmodules`, or a path from the command line, that will not do.
    #[error("sub-repo `{path}` is refused")]
    Hostile {
        /// Its path.
        path: String,
        /// Why.
        #[source]
        why: Hostile,
    },
    /// A state in which the work would lose or overwrite something.
    #[error("{what}")]
    Refused {
        /// What is in the way.
        what: String,
        /// The next command to type.
        hint: String,
    },
    /// There is no such sub-repo or worktree.
    #[error("{what}")]
    Unknown {
        /// What was asked for.
        what: String,
        /// The next command to type.
        hint: String,
    },
    /// No usable repo.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// Git did not do what it was told.
    #[error("git could not {what}")]
    Failed {
        /// What it should have done.
        what: String,
        /// What it said.
        #[source]
        said: Said,
    },
    /// Git did not answer.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A file or folder could not be written.
    #[error("`{}` cannot be written", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The user stopped it.
    #[error("interrupted")]
    Interrupted,
}

/// What a program said, credentials masked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Said(pub String);

/// What is the matter with a remote, as the end of a sentence.
#[must_use]
pub fn describe(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::NeedsLogin => "asks for a login, and there is none",
        Trouble::Denied => "does not let this user in",
        Trouble::NotFound => "is not there, or this user may not read it",
        Trouble::Unreachable => "was not reached",
        Trouble::Forbidden => "is of a kind that Git's settings forbid here",
        Trouble::NoBranch => "has no such branch",
        Trouble::NoCommit => "lacks the pinned commit",
        Trouble::Other => "could not be fetched",
    }
}

/// What to do about a remote that was not had.
#[must_use]
pub fn remedy(trouble: Trouble, url: &str, token: Option<&str>) -> String {
    let is_ssh = super::url::host(url).is_some_and(|(scheme, _)| scheme.contains("ssh"));
    match (trouble, token) {
        (Trouble::NeedsLogin, _) if is_ssh => {
            let host = super::url::host(url).map_or_else(String::new, |(_, host)| host);
            format!(
                "nothing is asked here, so that nothing hangs: see with `ssh -T git@{host}` whether the host is known and your key \
                 is accepted (`ssh-add` unlocks it)"
            )
        }
        (Trouble::Denied | Trouble::NotFound, Some(token)) => {
            format!("the token in `{token}` may not read it: give it access, or use another one")
        }
        (Trouble::NeedsLogin | Trouble::Denied, _) => {
            "nothing is asked here, so that nothing hangs: set up a credential helper (`git config --global credential.helper store`, \
             or that of your host, such as `gh auth setup-git`), use an ssh URL with a key, or, in CI, put a token into \
             `WHARF_GIT_TOKEN`"
                .into()
        }
        (Trouble::NotFound, None) => "check the URL; a private repo that needs a login looks the same from outside: set up a \
             credential helper or an ssh key, or, in CI, put a token into `WHARF_GIT_TOKEN`"
            .into(),
        (Trouble::Unreachable, _) => "check the network, a proxy or VPN, and the host's name; then run the same again".into(),
        (Trouble::Forbidden, _) => {
            "Git takes sub-repos from folders of this machine only when told to: if you trust them, set \
             `GIT_ALLOW_PROTOCOL=file:git:http:https:ssh` for this command"
                .into()
        }
        (Trouble::NoBranch, _) => format!("see its branches with `git ls-remote --heads {url}`"),
        (Trouble::NoCommit, _) => {
            "whoever pinned the commit has to push it; `--latest` takes the branch's head instead".into()
        }
        (Trouble::Other, _) => "run the same again; what is there already is kept".into(),
    }
}

impl CloneError {
    /// The next command to type, or what to change.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Url(UrlError::Option { .. }) => "write a path that starts with a dash as `./-name`".into(),
            Self::Url(_) => "give an https, ssh, git or file URL, or a path".into(),
            Self::NoName { url } => format!("name it: `wharf clone {url} DIR`"),
            Self::Remote { url, trouble, token, .. } => remedy(*trouble, url, token.as_deref()),
            Self::NotEmpty { is_repo: true, dir } => {
                format!(
                    "it is a Git repo: update it with `wharf -C {} repo pull`, or name another folder",
                    dir.display()
                )
            }
            Self::NotEmpty { .. } => "name another folder behind the URL".into(),
            Self::OtherClone { url, dir } => {
                format!("finish that one with `wharf clone {url} {}`, or name another folder", dir.display())
            }
            Self::Busy { .. } => "wait until it is done".into(),
            Self::Hostile { .. } => "ask whoever wrote the `.gitmodules` to mend it".into(),
            Self::Refused { hint, .. } | Self::Unknown { hint, .. } => hint.clone(),
            Self::Place(error) => error.hint(),
            Self::Git(error) => return error.hint(),
            Self::Interrupted => "run the same again: it goes on where it stopped".into(),
            Self::Failed { .. } | Self::Io { .. } => return None,
        })
    }
}
