//! What happened to paths between two commits: who changed them, and which were renamed (git-log(1), git-diff-tree(1)).

use crate::program::{Git, GitError};

/// A commit in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Its id.
    pub id: String,
    /// Who wrote it.
    pub author: String,
    /// The day it was written, `YYYY-MM-DD`.
    pub date: String,
    /// First line of its message.
    pub subject: String,
}

impl Git {
    /// Commits that changed one of `paths` and are in `to` but not in `from` (all, where that is none), newest first.
    ///
    /// # Errors
    /// When Git is missing or does not have a commit.
    pub fn log(&self, from: Option<&str>, to: &str, paths: &[&str]) -> Result<Vec<LogEntry>, GitError> {
        let range = from.map_or_else(|| to.to_owned(), |from| format!("{from}..{to}"));
        let args = ["log", "--format=%H%x1f%an%x1f%as%x1f%s", "--end-of-options", range.as_str(), "--"];
        let command = self.command(args.into_iter().chain(paths.iter().copied())).env("GIT_LITERAL_PATHSPECS", "1");
        Ok(command.run_checked()?.text().lines().filter_map(parse).collect())
    }

    /// The newest commit that changed one of `paths`.
    ///
    /// # Errors
    /// When Git is missing or there is no commit.
    pub fn last_change(&self, paths: &[&str]) -> Result<Option<String>, GitError> {
        let args = ["log", "-1", "--format=%H", "HEAD", "--"];
        let command = self.command(args.into_iter().chain(paths.iter().copied())).env("GIT_LITERAL_PATHSPECS", "1");
        Ok(command.run_checked()?.text().lines().next().map(str::to_owned))
    }

    /// Files that have another name in `to` than in `from`: old path, new path.
    ///
    /// # Errors
    /// When Git is missing or does not have a commit.
    pub fn renames(&self, from: &str, to: &str) -> Result<Vec<(String, String)>, GitError> {
        let args = ["diff-tree", "-r", "-z", "--find-renames", "--diff-filter=R", "--name-status", from, to];
        let output = self.command(args).run_checked()?;
        let fields: Vec<&str> =
            output.stdout.split(|byte| *byte == 0).map(|field| std::str::from_utf8(field).unwrap_or("")).collect();
        let triples = fields.chunks_exact(3).filter(|triple| !triple[1].is_empty() && !triple[2].is_empty());
        Ok(triples.map(|triple| (triple[1].to_owned(), triple[2].to_owned())).collect())
    }
}

fn parse(line: &str) -> Option<LogEntry> {
    let mut fields = line.splitn(4, '\u{1f}').map(str::to_owned);
    Some(LogEntry { id: fields.next()?, author: fields.next()?, date: fields.next()?, subject: fields.next()? })
}

#[cfg(test)]
mod tests {
    use wharf_testkit::{Repo, Sandbox};

    use super::*;

    #[test]
    fn lists_commits_and_renames() {
        let sandbox = Sandbox::new();
        let repo = Repo::init(sandbox.path().join("repo"));
        let text: String = (0..20).map(|number| format!("line {number}\n")).collect();
        repo.write("a.txt", &text).write("other", "x");
        let first = repo.commit("first");
        repo.git(&["mv", "a.txt", "b.txt"]);
        repo.write("b.txt", format!("{text}more\n"));
        let second = repo.commit("second: renamed");
        repo.write("other", "y");
        let third = repo.commit("third");
        let git = Git::new(repo.path());
        assert_eq!(git.renames(&first, &third).unwrap(), [("a.txt".into(), "b.txt".into())]);
        let log = git.log(Some(&first), &third, &["b.txt"]).unwrap();
        assert_eq!(log.len(), 1);
        assert_eq!((log[0].id.as_str(), log[0].subject.as_str()), (second.as_str(), "second: renamed"));
        assert_eq!((log[0].author.as_str(), log[0].date.as_str()), ("Wharf Test", "2024-01-01"));
        assert_eq!(git.log(None, &third, &["other"]).unwrap().len(), 2);
        assert_eq!(git.last_change(&["b.txt"]).unwrap(), Some(second));
        assert_eq!(git.last_change(&["nowhere"]).unwrap(), None);
    }
}
