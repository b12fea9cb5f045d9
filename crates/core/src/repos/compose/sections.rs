//! What of a `.gitmodules` is acted upon. Whoever wrote it may mean harm: names become folders in `.git`, paths become
//! folders in the work tree, URLs and branches become arguments of Git.

use std::path::Path;

use wharf_git::{Git, GitError, ModuleEntry};

use super::clone_error::{Hostile, UrlError};
use super::url::{check_url, resolve};

/// A sub-repo that may be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Its name; its Git folder is `modules/<name>`.
    pub(super) name: String,
    /// Its path in the repo that names it.
    pub(super) path: String,
    /// Where it comes from, whole.
    pub(super) url: String,
    /// The branch that it follows; None for the remote's default.
    pub(super) branch: Option<String>,
    /// The commit that the index records.
    pub(super) pin: String,
    /// Whether `.gitmodules` asks for the last commit only.
    pub(super) shallow: bool,
}

/// What a repo's `.gitmodules` comes to.
#[derive(Debug, Default)]
pub(super) struct Sections {
    /// Sub-repos that may be fetched.
    pub(super) wanted: Vec<Wanted>,
    /// Those that are refused, by path.
    pub(super) refused: Vec<(String, Hostile)>,
    /// Those that ask to be left alone (`update = none`).
    pub(super) left_out: Vec<String>,
}

/// Reads the `.gitmodules` of the repo at `root`, which came from `base`. Sections without a pinned commit mean nothing.
pub(super) fn read(root: &Path, base: &str) -> Result<Sections, GitError> {
    let git = Git::new(root);
    let entries = git.module_entries(root)?;
    let (good, refused) = judge(&entries, base);
    let paths: Vec<&str> = good.iter().map(|(entry, _)| entry.paths[0].as_str()).collect();
    let pins = git.pins(&paths)?;
    let mut sections = Sections { refused, ..Sections::default() };
    for (entry, url) in good {
        let path = &entry.paths[0];
        let Some((_, pin)) = pins.iter().find(|(known, _)| known == path) else { continue };
        if entry.update.as_deref() == Some("none") {
            sections.left_out.push(path.clone());
            continue;
        }
        sections.wanted.push(Wanted {
            name: entry.name.clone(),
            path: path.clone(),
            url,
            // `.` stands for the branch of the super-project, which is not known to be there.
            branch: entry.branch.clone().filter(|branch| branch != "."),
            pin: pin.clone(),
            shallow: entry.shallow,
        });
    }
    Ok(sections)
}

type Good<'a> = Vec<(&'a ModuleEntry, String)>;

/// The good entries with their whole URLs, and the bad ones by path with what is wrong.
fn judge<'a>(entries: &'a [ModuleEntry], base: &str) -> (Good<'a>, Vec<(String, Hostile)>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for entry in entries {
        let Some(path) = entry.paths.first() else { continue };
        match check(entry, base).and_then(|url| against_others(entry, entries).map(|()| url)) {
            Ok(url) => good.push((entry, url)),
            Err(why) => bad.push((path.clone(), why)),
        }
    }
    (good, bad)
}

fn check(entry: &ModuleEntry, base: &str) -> Result<String, Hostile> {
    for path in &entry.paths {
        check_path(path)?;
    }
    if entry.paths.iter().any(|path| *path != entry.paths[0]) {
        return Err(Hostile::SameName(entry.paths.clone()));
    }
    check_name(&entry.name)?;
    if let Some(branch) = &entry.branch
        && (branch.starts_with('-') || branch.chars().any(char::is_control))
    {
        return Err(Hostile::Branch(branch.clone()));
    }
    let url = entry.url.as_deref().ok_or(Hostile::Url(UrlError::Empty))?;
    check_url(url)?;
    let whole = resolve(base, url)?;
    check_url(&whole)?;
    Ok(whole)
}

/// A path in a work tree that stays there.
pub(super) fn check_path(path: &str) -> Result<(), Hostile> {
    let is_good = !path.starts_with(['/', '-'])
        && !path.contains('\\')
        && !path.chars().any(char::is_control)
        && path.split('/').all(|part| !matches!(part, "" | "." | "..") && !is_git_folder(part));
    if is_good { Ok(()) } else { Err(Hostile::Path(path.escape_debug().to_string())) }
}

/// A name whose folder stays below `modules`.
pub(super) fn check_name(name: &str) -> Result<(), Hostile> {
    let is_good = !name.starts_with('-')
        && !name.chars().any(char::is_control)
        && name.split(['/', '\\']).all(|part| !matches!(part, "" | "." | ".."));
    if is_good { Ok(()) } else { Err(Hostile::Name(name.escape_debug().to_string())) }
}

/// `.git` as any file system would take it: in capitals, with what Windows drops at the end, with its short name, or with
/// characters that macOS does not see.
fn is_git_folder(part: &str) -> bool {
    let seen: String = part.chars().filter(|c| !is_invisible(*c)).collect();
    let seen = seen.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']).to_lowercase();
    matches!(seen.as_str(), ".git" | "git~1")
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

fn against_others(entry: &ModuleEntry, all: &[ModuleEntry]) -> Result<(), Hostile> {
    let path = &entry.paths[0];
    for other in all.iter().filter(|other| other.name != entry.name) {
        if entry.name.starts_with(&format!("{}/", other.name)) {
            return Err(Hostile::InsideOther(other.name.clone()));
        }
        if clashes(&entry.name, &other.name) {
            return Err(Hostile::Case(entry.name.clone(), other.name.clone()));
        }
        for taken in &other.paths {
            if taken == path {
                return Err(Hostile::SamePath(path.clone()));
            }
            if clashes(path, taken) {
                return Err(Hostile::Case(path.clone(), taken.clone()));
            }
        }
    }
    Ok(())
}

/// Whether one is the other, or lies in it, only when case does not count.
pub(super) fn clashes(one: &str, other: &str) -> bool {
    let within = |a: &str, b: &str| a == b || a.starts_with(&format!("{b}/")) || b.starts_with(&format!("{a}/"));
    within(&one.to_lowercase(), &other.to_lowercase()) && !within(one, other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, path: &str, url: &str) -> ModuleEntry {
        ModuleEntry { name: name.into(), paths: vec![path.into()], url: Some(url.into()), ..ModuleEntry::default() }
    }

    fn why(entries: &[ModuleEntry]) -> Vec<Hostile> {
        judge(entries, "https://h/a/b").1.into_iter().map(|(_, why)| why).collect()
    }

    #[test]
    fn what_git_makes_is_good() {
        let entries =
            [entry("libs/a", "libs/a", "../a"), entry("b", "libs/b.git", "https://x/b"), entry("ü", "ü x", "./c")];
        let (good, bad) = judge(&entries, "https://h/a/b");
        assert_eq!(bad, []);
        assert_eq!(good[0].1, "https://h/a/a");
    }

    #[test]
    fn paths_stay_in_the_work_tree() {
        for path in [
            "",
            "/x",
            "../x",
            "a/../../x",
            "a/./b",
            "a//b",
            "a/",
            "-x",
            ".git",
            "a/.GIT/hooks",
            ".git ",
            "git~1",
            ".git::$DATA",
            ".g\u{200c}it",
            "a\\..\\b",
            "a\nb",
        ] {
            assert!(matches!(why(&[entry("n", path, "../x")])[..], [Hostile::Path(_)]), "{path:?}");
        }
    }

    #[test]
    fn names_stay_in_the_git_folder() {
        for name in ["", "..", "../../hooks", "a/../..", "/etc", "a\\..\\..", ".", "a//b", "-x"] {
            assert!(matches!(why(&[entry(name, "p", "../x")])[..], [Hostile::Name(_)]), "{name:?}");
        }
        let inside = [entry("a", "p", "../x"), entry("a/hooks", "q", "../x")];
        assert_eq!(why(&inside), [Hostile::InsideOther("a".into())]);
    }

    #[test]
    fn nothing_is_claimed_twice() {
        let both = ModuleEntry { paths: vec!["p".into(), "q".into()], ..entry("a", "p", "../x") };
        assert_eq!(why(&[both]), [Hostile::SameName(vec!["p".into(), "q".into()])]);
        assert_eq!(why(&[entry("a", "p", "../x"), entry("b", "p", "../y")]).len(), 2);
        assert_eq!(why(&[entry("a", "Sub", "../x"), entry("b", "sub", "../y")]).len(), 2);
        assert_eq!(why(&[entry("Sub", "p", "../x"), entry("sub", "q", "../y")]).len(), 2);
        assert_eq!(why(&[entry("a", "Sub", "../x"), entry("b", "sub/c", "../y")]).len(), 2);
    }

    #[test]
    fn urls_and_branches_are_no_options() {
        for url in ["--upload-pack=x", "-u./x", "ext::sh -c x", "../../../../../../x/../.."] {
            assert!(matches!(why(&[entry("a", "p", url)])[..], [Hostile::Url(_)]), "{url}");
        }
        let branch = ModuleEntry { branch: Some("--force".into()), ..entry("a", "p", "../x") };
        assert_eq!(why(&[branch]), [Hostile::Branch("--force".into())]);
    }
}
