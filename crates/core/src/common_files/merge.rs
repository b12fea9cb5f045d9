//! Three-way merge of one file.

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

/// Merges what is here with what is there. Without a base, different contents are in conflict as a whole.
#[must_use]
pub fn merge(base: Option<&[u8]>, here: &[u8], there: &[u8]) -> Merged {
    if here == there || base == Some(there) {
        return Merged::Clean(here.to_vec());
    }
    if base == Some(here) {
        return Merged::Clean(there.to_vec());
    }
    if is_binary(here) || is_binary(there) || base.is_some_and(is_binary) {
        return Merged::Binary;
    }
    match (base, diffy::merge_bytes(base.unwrap_or_default(), here, there)) {
        (Some(_), Ok(merged)) => Merged::Clean(merged),
        (_, Err(marked)) => Merged::Conflict(marked),
        // Two beginnings without a common base are never one text, whatever a merge makes of them.
        (None, Ok(_)) => Merged::Conflict(two_sides(here, there)),
    }
}

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
    use std::path::Path;

    use proptest::prelude::*;
    use wharf_process::Command;

    use super::*;

    /// What `git merge-file` makes of it: the text, and whether it is clean.
    fn git(dir: &Path, base: &[u8], here: &[u8], there: &[u8]) -> (Vec<u8>, bool) {
        for (name, bytes) in [("here", here), ("base", base), ("there", there)] {
            std::fs::write(dir.join(name), bytes).unwrap();
        }
        let command = Command::new("git").args(["merge-file", "-p", "--diff3", "here", "base", "there"]).cwd(dir);
        let output = command.run().unwrap();
        (output.stdout.clone(), output.exit.is_success())
    }

    /// Ten lines that are all different, of which one side drops, replaces or doubles some.
    fn edited(side: &'static str) -> impl Strategy<Value = String> {
        proptest::collection::vec(0..12_u8, 10).prop_map(move |edits| {
            let line = |(at, edit): (usize, &u8)| match edit {
                0 => String::new(),
                1 => format!("{side} {at}\n"),
                2 => format!("base {at}\n{side} after {at}\n"),
                _ => format!("base {at}\n"),
            };
            edits.iter().enumerate().map(line).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn is_what_git_makes_of_it_byte_for_byte(here in edited("here"), there in edited("there")) {
            let dir = tempfile::tempdir().unwrap();
            let base: String = (0..10).map(|at| format!("base {at}\n")).collect();
            let (expected, is_clean) = git(dir.path(), base.as_bytes(), here.as_bytes(), there.as_bytes());
            match merge(Some(base.as_bytes()), here.as_bytes(), there.as_bytes()) {
                Merged::Clean(merged) => {
                    prop_assert!(is_clean);
                    prop_assert_eq!(String::from_utf8(merged), String::from_utf8(expected));
                }
                // More cautious than Git is good enough; less is not.
                Merged::Conflict(marked) => {
                    for line in here.lines().chain(there.lines()) {
                        let text = String::from_utf8_lossy(&marked);
                        prop_assert!(line.starts_with("base") || text.lines().any(|known| known == line), "{line} is lost");
                    }
                }
                Merged::Binary => prop_assert!(false, "text is text"),
            }
        }

        #[test]
        fn one_side_that_did_nothing_gives_way(base in any::<Vec<u8>>(), other in any::<Vec<u8>>()) {
            prop_assert_eq!(merge(Some(&base), &base, &other), Merged::Clean(other.clone()));
            prop_assert_eq!(merge(Some(&base), &other, &base), Merged::Clean(other.clone()));
            prop_assert_eq!(merge(None, &other, &other), Merged::Clean(other));
        }
    }

    #[test]
    fn separate_changes_are_both_there() {
        let base = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let (here, there) = (base.replace('2', "two"), base.replace('8', "eight"));
        let merged = merge(Some(base.as_bytes()), here.as_bytes(), there.as_bytes());
        assert_eq!(merged, Merged::Clean(here.replace('8', "eight").into_bytes()));
    }

    #[test]
    fn conflicts_keep_both_sides() {
        let Merged::Conflict(marked) = merge(Some(b"a\n"), b"b\n", b"c\n") else { panic!("a conflict") };
        let text = String::from_utf8(marked).unwrap();
        assert_eq!(text, "<<<<<<< ours\nb\n||||||| original\na\n=======\nc\n>>>>>>> theirs\n");
        let Merged::Conflict(marked) = merge(None, b"b", b"") else { panic!("a conflict") };
        assert_eq!(marked, b"<<<<<<< ours\nb\n=======\n>>>>>>> theirs\n");
        assert_eq!(merge(Some(b"\0a"), b"\0b", b"\0c"), Merged::Binary);
        assert_eq!(merge(Some(b"\0a"), b"\0a", b"\0c"), Merged::Clean(b"\0c".to_vec()));
    }
}
