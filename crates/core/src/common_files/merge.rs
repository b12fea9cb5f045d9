//! Three-way merge of one file: Git's own, so that what is clean and what is in conflict is the same as in a merge of branches.

use std::path::Path;

use tempfile::Builder;
use wharf_git::{FileMerge, Git};

use super::error::FilesError;

/// What came of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// Both sides' changes, which do not touch each other.
    Clean(Vec<u8>),
    /// The changes touch each other; the text has conflict markers.
    Conflict(Vec<u8>),
    /// The file is no text.
    Binary,
}

/// Git looks this far for a NUL to tell what is no text (`buffer_is_binary` in its xdiff-interface.c).
const FIRST: usize = 8000;

/// Whether Git would take it for no text.
#[must_use]
pub fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(FIRST).any(|byte| *byte == 0)
}

/// Merges what is here with what is there, as Git does. Without a base, different contents are in conflict as a whole. `room` is a
/// folder for files in between.
///
/// # Errors
/// When Git does not run, or `room` cannot be written to.
pub fn merge(room: &Path, base: Option<&[u8]>, here: &[u8], there: &[u8]) -> Result<Merged, FilesError> {
    if here == there || base == Some(there) {
        return Ok(Merged::Clean(here.to_vec()));
    }
    if base == Some(here) {
        return Ok(Merged::Clean(there.to_vec()));
    }
    if is_binary(here) || is_binary(there) || base.is_some_and(is_binary) {
        return Ok(Merged::Binary);
    }
    let scratch = Builder::new().prefix("merge.").tempdir_in(room).map_err(FilesError::write(room))?;
    for (name, bytes) in SIDES.into_iter().zip([here, base.unwrap_or_default(), there]) {
        let file = scratch.path().join(name);
        std::fs::write(&file, bytes).map_err(FilesError::write(&file))?;
    }
    let merged = Git::new(scratch.path()).merge_file(SIDES).map_err(FilesError::git(room))?;
    Ok(match (base, merged) {
        (Some(_), FileMerge::Clean(merged)) => Merged::Clean(merged),
        (_, FileMerge::Conflict(marked)) => Merged::Conflict(marked),
        // Two beginnings without a common base are never one text, whatever a merge makes of them.
        (None, FileMerge::Clean(_)) => Merged::Conflict(two_sides(here, there)),
    })
}

/// Names of the sides, as conflict markers show them.
const SIDES: [&str; 3] = ["ours", "original", "theirs"];

fn two_sides(here: &[u8], there: &[u8]) -> Vec<u8> {
    let line = |bytes: &[u8]| match bytes.last() {
        None | Some(b'\n') => bytes.to_vec(),
        Some(_) => [bytes, b"\n"].concat(),
    };
    [b"<<<<<<< ours\n".to_vec(), line(here), b"=======\n".to_vec(), line(there), b">>>>>>> theirs\n".to_vec()].concat()
}

/// Whether a text still has conflict markers.
#[must_use]
pub fn has_markers(bytes: &[u8]) -> bool {
    let starts = |marker: &[u8]| bytes.split(|byte| *byte == b'\n').any(|line| line.starts_with(marker));
    starts(b"<<<<<<< ") && starts(b">>>>>>> ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn merged(base: Option<&[u8]>, here: &[u8], there: &[u8]) -> Merged {
        let room = tempfile::tempdir().unwrap();
        let merged = merge(room.path(), base, here, there).unwrap();
        assert_eq!(std::fs::read_dir(room.path()).unwrap().count(), 0, "nothing is left behind");
        merged
    }

    proptest! {
        #[test]
        fn one_side_that_did_nothing_gives_way(base in any::<Vec<u8>>(), other in any::<Vec<u8>>()) {
            prop_assert_eq!(merged(Some(&base), &base, &other), Merged::Clean(other.clone()));
            prop_assert_eq!(merged(Some(&base), &other, &base), Merged::Clean(other.clone()));
            prop_assert_eq!(merged(None, &other, &other), Merged::Clean(other));
        }
    }

    #[test]
    fn separate_changes_are_both_there() {
        let base = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let (here, there) = (base.replace('2', "two"), base.replace('8', "eight"));
        let merged = merged(Some(base.as_bytes()), here.as_bytes(), there.as_bytes());
        assert_eq!(merged, Merged::Clean(here.replace('8', "eight").into_bytes()));
    }

    #[test]
    fn repeated_lines_are_paired_as_git_pairs_them() {
        let (base, here, there) = ("c\nc\nb\na\n", "c\nc\nb\n", "c\na\na\nb\n");
        let Merged::Conflict(marked) = merged(Some(base.as_bytes()), here.as_bytes(), there.as_bytes()) else {
            panic!("Git sees a conflict here")
        };
        let text = String::from_utf8(marked).unwrap();
        assert!(text.contains("||||||| original\n") && text.contains(">>>>>>> theirs\n"), "{text}");
    }

    #[test]
    fn conflicts_keep_both_sides() {
        let Merged::Conflict(marked) = merged(Some(b"a\n"), b"b\n", b"c\n") else { panic!("a conflict") };
        let text = String::from_utf8(marked).unwrap();
        assert_eq!(text, "<<<<<<< ours\nb\n||||||| original\na\n=======\nc\n>>>>>>> theirs\n");
        let Merged::Conflict(marked) = merged(None, b"b", b"") else { panic!("a conflict") };
        assert_eq!(marked, b"<<<<<<< ours\nb\n=======\n>>>>>>> theirs\n");
        assert_eq!(merged(Some(b"\0a"), b"\0b", b"\0c"), Merged::Binary);
        assert_eq!(merged(Some(b"\0a"), b"\0a", b"\0c"), Merged::Clean(b"\0c".to_vec()));
    }
}
