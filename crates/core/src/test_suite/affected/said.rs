//! What is said of affected tests: per dir, in all, and of one test file.

use std::collections::BTreeMap;

use super::reach::{Reason, Why};
use super::{Affected, DirAffected};

/// Groups of reasons that a line has room for.
const MOST: usize = 3;

impl DirAffected {
    /// How many of how many, and why: `3 of 14 test files: 2 by lib/a.py (read), 1 new`.
    #[must_use]
    pub fn line(&self) -> String {
        let of = format!("{} of {}", self.affected.len(), count(self.files, "test file"));
        if self.affected.is_empty() {
            return of;
        }
        let mut groups: BTreeMap<(Why, &str), usize> = BTreeMap::new();
        for Reason { cause, by } in self.affected.values() {
            // These name themselves.
            let by = if matches!(cause, Why::New | Why::Edited | Why::Unseen) { "" } else { by.as_str() };
            *groups.entry((*cause, by)).or_default() += 1;
        }
        let mut groups: Vec<((Why, &str), usize)> = groups.into_iter().collect();
        groups.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        let rest: usize = groups.iter().skip(MOST).map(|(_, count)| count).sum();
        let said = groups.iter().take(MOST).map(|((why, by), count)| match by {
            &"" => format!("{count} {}", why.word()),
            by => format!("{count} by {by} ({})", why.word()),
        });
        let mut said: Vec<String> = said.collect();
        if rest > 0 {
            said.push(format!("{rest} by other changes"));
        }
        format!("{of}: {}", said.join(", "))
    }
}

impl Affected {
    /// In all: what is compared with what, and how many test files are affected.
    #[must_use]
    pub fn line(&self) -> String {
        if let Some(why) = &self.everything {
            return format!("everything runs: {why}");
        }
        let base = self.base.as_deref().unwrap_or_default();
        let short = self.commit.as_deref().map_or("", |commit| &commit[..commit.len().min(10)]);
        let affected: usize = self.dirs.iter().map(|dir| dir.affected.len()).sum();
        let files: usize = self.dirs.iter().map(|dir| dir.files).sum();
        let changed = count(self.changed, "changed file");
        format!("compared with {base} ({short}): {changed}, {affected} of {} affected", count(files, "test file"))
    }

    /// Whether nothing that is known needs to run.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.everything.is_none() && self.dirs.iter().all(|dir| dir.affected.is_empty())
    }

    /// Why a test file, by its path from the workspace's root, is or is not affected, in words; `None` where it is no test file
    /// that is known.
    #[must_use]
    pub fn why(&self, file: &str) -> Option<String> {
        if let Some(why) = &self.everything {
            return Some(format!("everything counts as affected: {why}"));
        }
        let base = self.base.as_deref().unwrap_or_default();
        for dir in &self.dirs {
            if let Some(Reason { cause, by }) = dir.affected.get(file) {
                return Some(match cause {
                    Why::New | Why::Edited | Why::Unseen => format!("affected: {} since {base}", cause.word()),
                    _ => format!("affected by `{by}` ({}), which changed since {base}", cause.word()),
                });
            }
            if dir.left_out.contains(file) {
                return Some(format!("not affected: nothing that reaches it changed since {base}"));
            }
        }
        None
    }
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir(reasons: &[(Why, &str)]) -> DirAffected {
        let reason = |(at, (cause, by)): (usize, &(Why, &str))| {
            (format!("test_{at}.py"), Reason { cause: *cause, by: (*by).to_owned() })
        };
        DirAffected {
            path: "infra".into(),
            files: 14,
            affected: reasons.iter().enumerate().map(reason).collect(),
            left_out: ["test_x.py".to_owned()].into(),
            ..DirAffected::default()
        }
    }

    #[test]
    fn reasons_are_grouped() {
        let found = dir(&[(Why::Read, "lib/a.py"), (Why::New, "test_1.py"), (Why::Read, "lib/a.py")]);
        assert_eq!(found.line(), "3 of 14 test files: 2 by lib/a.py (read), 1 new");
        assert_eq!(dir(&[]).line(), "0 of 14 test files");
        let many = ["a", "b", "c", "d", "e"].map(|by| (Why::Imports, by));
        assert_eq!(
            dir(&many).line(),
            "5 of 14 test files: 1 by a (imported), 1 by b (imported), 1 by c (imported), 2 by other changes"
        );
    }

    #[test]
    fn one_file_is_explained() {
        let affected = Affected {
            base: Some("main".into()),
            commit: Some("0123456789abcdef".into()),
            changed: 1,
            dirs: vec![dir(&[(Why::Read, "lib/a.py")])],
            ..Affected::default()
        };
        assert_eq!(affected.line(), "compared with main (0123456789): 1 changed file, 1 of 14 test files affected");
        assert_eq!(
            affected.why("test_0.py").as_deref(),
            Some("affected by `lib/a.py` (read), which changed since main")
        );
        assert_eq!(
            affected.why("test_x.py").as_deref(),
            Some("not affected: nothing that reaches it changed since main")
        );
        assert_eq!(affected.why("nowhere.py"), None);
        let all = Affected { everything: Some("there is no commit yet".into()), ..Affected::default() };
        assert_eq!(all.line(), "everything runs: there is no commit yet");
    }
}
