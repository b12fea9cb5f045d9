//! Three-way merge of files that need not be in a repo (git-merge-file(1)).

use wharf_process::{Exit, ProcessError};

use crate::program::{Git, GitError};

/// What came of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileMerge {
    /// Both sides' changes.
    Clean(Vec<u8>),
    /// The changes touch each other; the text has conflict markers, with the base between.
    Conflict(Vec<u8>),
}

impl Git {
    /// Merges three files of this folder: here, base, there. Their names stand in conflict markers. No file is changed.
    ///
    /// # Errors
    /// When Git is missing, or cannot read them, as where one is no text.
    pub fn merge_file(&self, files: [&str; 3]) -> Result<FileMerge, GitError> {
        let command = self.command(["merge-file", "-p", "--diff3", "--"].into_iter().chain(files));
        let output = command.run()?;
        match output.exit {
            Exit::Code(0) => Ok(FileMerge::Clean(output.stdout)),
            // The number of conflicts, at most 127.
            Exit::Code(1..=127) => Ok(FileMerge::Conflict(output.stdout)),
            exit => {
                Err(ProcessError::Failed { command: command.to_string(), exit, stderr: output.error_text() }.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merges_and_marks() {
        let folder = tempfile::tempdir().unwrap();
        let merge = |here: &str, base: &str, there: &str| {
            for (name, text) in [("h", here), ("b", base), ("t", there)] {
                std::fs::write(folder.path().join(name), text).unwrap();
            }
            Git::new(folder.path()).merge_file(["h", "b", "t"])
        };
        assert_eq!(merge("x\n2\n3\n", "1\n2\n3\n", "1\n2\ny\n").unwrap(), FileMerge::Clean(b"x\n2\ny\n".into()));
        let marked = b"<<<<<<< h\nx\n||||||| b\n1\n=======\ny\n>>>>>>> t\n";
        assert_eq!(merge("x\n", "1\n", "y\n").unwrap(), FileMerge::Conflict(marked.into()));
        assert!(merge("\0", "1\n", "y\n").unwrap_err().said().contains("inary"));
    }
}
