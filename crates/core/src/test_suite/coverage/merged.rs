//! The union over all dirs, and whose each file is. Pure.

use std::collections::BTreeMap;

use super::file::{Counts, FileCoverage};
use super::gathered::Gathered;

/// Coverage of all dirs together. What a dir's code is covered by does not matter: its own tests, or those of another dir.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merged {
    /// By workspace-relative path.
    pub files: BTreeMap<String, FileCoverage>,
    /// Address of the runnable dir that holds a file, by path; none for code in no runnable dir.
    pub holders: BTreeMap<String, String>,
}

/// What stands for code in no runnable dir.
pub const ELSEWHERE: &str = "(in no runnable dir)";

impl Merged {
    /// Merges what the dirs told; `holder` says whose a file is.
    pub fn of<'g>(gathered: impl Iterator<Item = &'g Gathered>, holder: impl Fn(&str) -> Option<String>) -> Self {
        let mut merged = Self::default();
        for (path, file) in gathered.flat_map(|gathered| &gathered.files) {
            merged.files.entry(path.clone()).or_default().merge(file);
        }
        // A file with nothing in it that could run says nothing.
        merged.files.retain(|_, file| file.counts().lines > 0);
        merged.holders = merged.files.keys().filter_map(|path| Some((path.clone(), holder(path)?))).collect();
        merged
    }

    /// Of all files.
    #[must_use]
    pub fn total(&self) -> Counts {
        let mut total = Counts::default();
        self.files.values().for_each(|file| total.add(file.counts()));
        total
    }

    /// Files with their counts by dir, by address; [`ELSEWHERE`] for those in none.
    #[must_use]
    pub fn by_dir(&self) -> BTreeMap<&str, Vec<(&str, Counts)>> {
        let mut dirs: BTreeMap<&str, Vec<(&str, Counts)>> = BTreeMap::new();
        for (path, file) in &self.files {
            let holder = self.holders.get(path).map_or(ELSEWHERE, String::as_str);
            dirs.entry(holder).or_default().push((path, file.counts()));
        }
        dirs
    }

    /// Of the files of one dir.
    #[must_use]
    pub fn of_dir(&self, dir: &str) -> Option<Counts> {
        let files = self.files.iter().filter(|(path, _)| self.holders.get(*path).is_some_and(|holder| holder == dir));
        files.map(|(_, file)| file.counts()).reduce(|mut all, one| {
            all.add(one);
            all
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_two_dirs_ran_is_counted_once_and_where_it_lies() {
        let mut infra = Gathered::default();
        infra.file("infra/a.py".into(), "1-2", "3-4", Vec::new());
        infra.file("lib/empty.py".into(), "", "", Vec::new());
        let mut ml = Gathered::default();
        ml.file("infra/a.py".into(), "3", "1-2,4", Vec::new());
        ml.file("ml/b.py".into(), "1", "", Vec::new());
        ml.file("lib/c.py".into(), "1", "2", Vec::new());
        let holder = |path: &str| path.split('/').next().filter(|dir| *dir != "lib").map(str::to_owned);
        let merged = Merged::of([&infra, &ml].into_iter(), holder);
        let counts = |lines, lines_hit| Counts { lines, lines_hit, ..Counts::default() };
        assert_eq!(merged.total(), counts(7, 5));
        assert_eq!(merged.of_dir("infra"), Some(counts(4, 3)));
        assert_eq!(merged.of_dir("gone"), None);
        assert_eq!(merged.by_dir()[ELSEWHERE], [("lib/c.py", counts(2, 1))]);
    }
}
