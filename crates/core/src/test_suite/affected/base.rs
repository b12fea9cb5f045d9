//! What changes are counted from: the commit that this line of work left the default branch at.

use wharf_git::{Git, GitError, Reference};

use crate::workspace::Workspace;

/// Variable of GitHub Actions: the branch that a pull request goes into.
const GITHUB: &str = "GITHUB_BASE_REF";
/// Variable of GitLab CI: the commit that a merge request left its target at.
const GITLAB: &str = "CI_MERGE_REQUEST_DIFF_BASE_SHA";

/// The commit that changes are counted from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// Its id.
    pub commit: String,
    /// What it is, such as `merge base with origin/main`.
    pub shown: String,
}

/// What came of the search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Search {
    /// There is one.
    Found(Base),
    /// There is nothing to compare with, so everything counts as changed; why.
    Nothing(String),
}

/// Why there is no base though there should be one.
#[derive(Debug, thiserror::Error)]
pub enum BaseError {
    /// A reference that names no commit.
    #[error("`{reference}`, from {from}, names no commit here")]
    Unknown {
        /// The reference.
        reference: String,
        /// Who named it.
        from: String,
        /// References that may be meant.
        nearest: Vec<String>,
    },
    /// History ends before the base.
    #[error("this is a shallow clone, and {what} is not in it, so nobody can say what changed since")]
    Shallow {
        /// What was looked for.
        what: String,
    },
    /// The branch that CI names was not fetched.
    #[error("`{reference}`, from {from}, was not fetched, so nobody can say what changed since")]
    NotFetched {
        /// The branch.
        reference: String,
        /// The variable.
        from: String,
    },
    /// Git did not answer.
    #[error(transparent)]
    Git(#[from] GitError),
}

impl BaseError {
    /// The next command to type.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        const OR_ALL: &str = "or run everything where that is so with `--affected-or-all`";
        match self {
            Self::Unknown { nearest, .. } if nearest.is_empty() => {
                Some("see what there is with `git branch --all`".into())
            }
            Self::Unknown { nearest, .. } => {
                let names: Vec<String> = nearest.iter().map(|name| format!("`{name}`")).collect();
                Some(format!("did you mean {}?", names.join(" or ")))
            }
            Self::Shallow { .. } => Some(format!(
                "deepen it with `git fetch --unshallow` or `git fetch --deepen=100`, in GitHub Actions with `fetch-depth: 0` for \
                 actions/checkout; {OR_ALL}"
            )),
            Self::NotFetched { reference, .. } => {
                Some(format!("fetch it with `git fetch origin {reference}`; {OR_ALL}"))
            }
            Self::Git(error) => error.hint(),
        }
    }

    /// Whether more history would help.
    #[must_use]
    pub fn is_lack_of_history(&self) -> bool {
        matches!(self, Self::Shallow { .. } | Self::NotFetched { .. })
    }
}

/// A reference that somebody named.
struct Asked {
    text: String,
    from: String,
    /// Whether it is a branch of the remote, named without it.
    is_remote_branch: bool,
}

/// Looks for the base: what `asked` (the command line) names, else the configuration, else CI, else the default branch.
///
/// # Errors
/// When what is named is not here.
pub fn find(workspace: &Workspace, asked: Option<&str>) -> Result<Search, BaseError> {
    let git = Git::new(&workspace.root);
    let is_shallow = workspace.git.common_dir().join("shallow").is_file();
    let Some(head) = workspace.git.head().and_then(|head| head.commit) else {
        return Ok(Search::Nothing("there is no commit yet".into()));
    };
    let Some(asked) = named(workspace, asked) else {
        return default_base(workspace, &git, &head, is_shallow);
    };
    let Some((shown, commit)) = resolve(&git, &asked) else {
        return Err(missing(&git, asked, is_shallow));
    };
    joined(&git, &shown, &commit, &head, is_shallow).map(Search::Found)
}

fn named(workspace: &Workspace, asked: Option<&str>) -> Option<Asked> {
    if let Some(text) = asked {
        return Some(Asked { text: text.into(), from: "`--base`".into(), is_remote_branch: false });
    }
    if let Some(text) = &workspace.config.test.base {
        return Some(Asked { text: text.clone(), from: "`base` in `[test]`".into(), is_remote_branch: false });
    }
    let of = |name: &str, is_remote_branch| {
        let text = workspace.surroundings.variable(name)?.to_owned();
        Some(Asked { text, from: format!("`{name}`"), is_remote_branch })
    };
    of(GITHUB, true).or_else(|| of(GITLAB, false))
}

/// The reference as it is called here, and its commit.
fn resolve(git: &Git, asked: &Asked) -> Option<(String, String)> {
    let remote = asked.is_remote_branch.then(|| format!("origin/{}", asked.text));
    let mut spellings = remote.into_iter().chain([asked.text.clone()]);
    spellings.find_map(|text| git.commit(&text).map(|commit| (text, commit)))
}

fn missing(git: &Git, asked: Asked, is_shallow: bool) -> BaseError {
    let Asked { text: reference, from, is_remote_branch } = asked;
    if is_shallow {
        return BaseError::Shallow { what: format!("`{reference}`, from {from},") };
    }
    if is_remote_branch || from.contains(GITLAB) {
        return BaseError::NotFetched { reference, from };
    }
    let all = git.references().unwrap_or_default();
    let names: Vec<&str> = all.iter().map(|known| Reference::short(&known.name)).collect();
    BaseError::Unknown { nearest: nearest(&reference, &names), reference, from }
}

/// At most three of `names` that are spelled much like `text`.
fn nearest(text: &str, names: &[&str]) -> Vec<String> {
    let last = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
    let likeness = |name: &str| {
        let whole = strsim::jaro_winkler(name, text);
        whole.max(strsim::jaro_winkler(&last(name), &last(text)))
    };
    let mut near: Vec<(f64, &str)> = names.iter().map(|name| (likeness(name), *name)).collect();
    near.retain(|(likeness, name)| *likeness > 0.7 && !name.ends_with("/HEAD"));
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    near.into_iter().take(3).map(|(_, name)| name.to_owned()).collect()
}

/// Where `head` left `commit`, which is called `shown` here.
fn joined(git: &Git, shown: &str, commit: &str, head: &str, is_shallow: bool) -> Result<Base, BaseError> {
    if commit == head {
        return Ok(Base { commit: head.into(), shown: format!("{shown}, which is checked out") });
    }
    match git.merge_base(commit, head) {
        Some(base) if base == head => Ok(Base { commit: base, shown: format!("HEAD, which {shown} contains") }),
        Some(base) if base == commit => Ok(Base { commit: base, shown: shown.to_owned() }),
        Some(base) => Ok(Base { commit: base, shown: format!("merge base with {shown}") }),
        None if is_shallow => Err(BaseError::Shallow { what: format!("where HEAD left `{shown}`") }),
        // Two histories without a common commit can be compared as they are.
        None => Ok(Base { commit: commit.into(), shown: format!("{shown}, with which HEAD has no commit in common") }),
    }
}

/// The default branch of the remote, else a local `main` or `master`.
fn default_base(workspace: &Workspace, git: &Git, head: &str, is_shallow: bool) -> Result<Search, BaseError> {
    let references = git.references()?;
    let named = |name: &str| references.iter().any(|known| known.name == name).then(|| name.to_owned());
    let heads = references.iter().filter(|known| known.name.starts_with("refs/remotes/"));
    let mut heads: Vec<&Reference> =
        heads.filter(|known| known.name.ends_with("/HEAD") && known.target.is_some()).collect();
    heads.sort_by_key(|known| !known.name.starts_with("refs/remotes/origin/"));
    let by_head = heads.first().and_then(|known| known.target.as_deref()).and_then(named);
    let usual = ["refs/remotes/origin/main", "refs/remotes/origin/master", "refs/heads/main", "refs/heads/master"];
    let Some(branch) = by_head.or_else(|| usual.into_iter().find_map(named)) else {
        if is_shallow {
            return Err(BaseError::Shallow { what: "the default branch".into() });
        }
        return Ok(Search::Nothing(
            "there is no `origin/HEAD`, `main` or `master` to compare with; name a base with `--base`".into(),
        ));
    };
    let Some(commit) = git.commit(&branch) else {
        return Ok(Search::Nothing(format!("`{}` names no commit", Reference::short(&branch))));
    };
    let base = joined(git, Reference::short(&branch), &commit, head, is_shallow)?;
    // A build of the default branch itself has to say since when.
    if base.commit == head && workspace.surroundings.variable("CI").is_some() {
        return Ok(Search::Nothing(format!(
            "HEAD is in {} already, and in CI nothing else says what it is to be compared with; name a base with `--base`",
            Reference::short(&branch)
        )));
    }
    Ok(Search::Found(base))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_names_are_few_and_alike() {
        let names = ["main", "origin/main", "origin/HEAD", "release/1.x", "v1.0.0"];
        assert_eq!(nearest("mian", &names), ["main", "origin/main"]);
        assert_eq!(nearest("relase/1.x", &names), ["release/1.x"]);
        assert_eq!(nearest("quite-another", &names), [""; 0]);
    }

    #[test]
    fn lack_of_history_says_how_to_get_it() {
        let error = BaseError::Shallow { what: "the default branch".into() };
        assert!(error.is_lack_of_history());
        let hint = error.hint().unwrap();
        for word in ["--unshallow", "--deepen", "fetch-depth: 0", "--affected-or-all"] {
            assert!(hint.contains(word), "{hint}");
        }
    }
}
