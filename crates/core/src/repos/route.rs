//! The way of one repo to a commit: pure decisions over how its head lies to it.

use wharf_git::{Apart, Change};

use super::place::InTheWay;
use super::{Refusal, short};

/// How a sub-repo's head lies to its pin.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    /// The branch that is checked out.
    pub branch: Option<String>,
    /// Head against pin.
    pub apart: Apart,
    /// Of a branch: commits that no remote has. Of a detached head: commits that no branch has.
    pub own: u32,
}

/// What to do about a pin.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// Move there.
    Move(Change),
    /// Stay, since the branch has the pin and commits of its own on top.
    Stay {
        /// How many it is ahead of its pin.
        ahead: u32,
    },
}

/// The way to `pin`, which is not what is checked out.
///
/// A branch that can go forward to the pin does. One that has commits of its own stays; else the pin is checked out
/// beside it, and the branch keeps what it has.
pub(super) fn to_pin(standing: &Standing, pin: &str) -> Result<Route, Refusal> {
    let detach = Route::Move(Change::Detach { at: pin.to_owned() });
    let Standing { branch, apart, own } = standing;
    match (branch, apart.ahead) {
        (Some(_), 0) => Ok(Route::Move(Change::FastForward { to: pin.to_owned() })),
        (Some(_), ahead) if *own > 0 && apart.behind == 0 => Ok(Route::Stay { ahead }),
        (Some(branch), _) if *own > 0 => {
            Err(Refusal::BesidePin { branch: branch.clone(), pin: pin.to_owned(), own: *own, behind: apart.behind })
        }
        (None, ahead) if ahead > 0 && *own > 0 => Err(Refusal::Unnamed { commits: *own }),
        _ => Ok(detach),
    }
}

/// A move with what is needed before it.
///
/// # Errors
/// When files that Git does not know are in the way: those are never put aside.
pub(super) fn with_stash(change: Vec<Change>, way: InTheWay, message: &str) -> Result<Vec<Change>, Refusal> {
    if !way.unknown.is_empty() {
        return Err(Refusal::Overwrite { paths: way.unknown });
    }
    let stash = way.edited.then(|| Change::Stash { message: message.into() });
    Ok(stash.into_iter().chain(change).collect())
}

/// `main 1a2b3c4d5 -> 5d6e7f8a9`, for a table.
pub(super) fn told(branch: Option<&str>, from: Option<&str>, to: &str) -> String {
    let branch = branch.unwrap_or("detached");
    match from {
        Some(from) => format!("{branch} {} -> {}", short(from), short(to)),
        None => format!("{branch} {}", short(to)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(branch: Option<&str>, ahead: u32, behind: u32, own: u32) -> Standing {
        Standing { branch: branch.map(str::to_owned), apart: Apart { ahead, behind }, own }
    }

    #[test]
    fn no_commit_is_left_without_a_name() {
        let detach = || Ok(Route::Move(Change::Detach { at: "p".into() }));
        let forward = || Ok(Route::Move(Change::FastForward { to: "p".into() }));
        for (here, expected) in [
            (standing(Some("main"), 0, 2, 0), forward()),
            (standing(Some("main"), 0, 2, 1), forward()),
            (standing(Some("main"), 3, 0, 0), detach()),
            (standing(Some("main"), 3, 0, 1), Ok(Route::Stay { ahead: 3 })),
            (standing(Some("main"), 3, 2, 0), detach()),
            (
                standing(Some("main"), 3, 2, 1),
                Err(Refusal::BesidePin { branch: "main".into(), pin: "p".into(), own: 1, behind: 2 }),
            ),
            (standing(None, 0, 2, 1), detach()),
            (standing(None, 3, 2, 0), detach()),
            (standing(None, 3, 0, 2), Err(Refusal::Unnamed { commits: 2 })),
        ] {
            assert_eq!(to_pin(&here, "p"), expected, "{here:?}");
        }
    }

    #[test]
    fn edits_are_put_aside_but_unknown_files_are_not() {
        let change = || vec![Change::FastForward { to: "p".into() }];
        assert_eq!(with_stash(change(), InTheWay::default(), "m").unwrap(), change());
        let edited = with_stash(change(), InTheWay { edited: true, unknown: Vec::new() }, "m").unwrap();
        assert!(matches!(edited[0], Change::Stash { .. }) && edited.len() == 2);
        let unknown = InTheWay { edited: true, unknown: vec!["x".into()] };
        assert_eq!(with_stash(change(), unknown, "m"), Err(Refusal::Overwrite { paths: vec!["x".into()] }));
    }
}
