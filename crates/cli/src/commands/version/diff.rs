//! A change to one file as a patch that `git apply` takes: one hunk, with three lines around it.

/// Lines around a change.
const AROUND: usize = 3;

/// What turns `old` into `new`; `file` is the path from the workspace's root.
pub(super) fn diff(file: &str, old: Option<&[u8]>, new: &[u8]) -> String {
    let before = lines(old.unwrap_or_default());
    let after = lines(new);
    let same = before.iter().zip(&after).take_while(|(old, new)| old == new).count();
    let left = before.len().min(after.len()) - same;
    let same_end = before.iter().rev().zip(after.iter().rev()).take(left).take_while(|(old, new)| old == new).count();
    let start = same.saturating_sub(AROUND);
    let end = |all: usize| (all - same_end + AROUND).min(all);
    let mut text = match old {
        Some(_) => format!("--- a/{file}\n+++ b/{file}\n"),
        None => format!("--- /dev/null\n+++ b/{file}\n"),
    };
    let range = |all: usize| {
        let count = end(all) - start;
        format!("{},{count}", if count == 0 { start } else { start + 1 })
    };
    text.push_str(&format!("@@ -{} +{} @@\n", range(before.len()), range(after.len())));
    let mut push = |mark: char, lines: &[String]| {
        for line in lines {
            text.push(mark);
            text.push_str(line);
            if !line.ends_with('\n') {
                text.push_str("\n\\ No newline at end of file\n");
            }
        }
    };
    push(' ', &before[start..same]);
    push('-', &before[same..before.len() - same_end]);
    push('+', &after[same..after.len() - same_end]);
    push(' ', &before[before.len() - same_end..end(before.len())]);
    text
}

fn lines(bytes: &[u8]) -> Vec<String> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(|line| String::from_utf8_lossy(line).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_is_added_and_where() {
        let old = "# T\n\n# i-1.0.0\n- a\n- b\n- c\n- d";
        let new = "# T\n\n# i-1.0.1\n- x\n\n# i-1.0.0\n- a\n- b\n- c\n- d";
        let expected = "--- a/i/changelog.txt\n+++ b/i/changelog.txt\n@@ -1,5 +1,8 @@\n # T\n \n+# i-1.0.1\n+- x\n+\n # i-1.0.0\n - a\n - b\n";
        assert_eq!(diff("i/changelog.txt", Some(old.as_bytes()), new.as_bytes()), expected);
        let fresh = diff("c", None, b"a\nb\n");
        assert_eq!(fresh, "--- /dev/null\n+++ b/c\n@@ -0,0 +1,2 @@\n+a\n+b\n");
    }

    #[test]
    fn a_mark_moves_to_the_new_first_line() {
        let text = diff("c", Some("\u{feff}# i-1.0.0".as_bytes()), "\u{feff}# i-1.0.1\n\n# i-1.0.0".as_bytes());
        let expected = "--- a/c\n+++ b/c\n@@ -1,1 +1,3 @@\n-\u{feff}# i-1.0.0\n\\ No newline at end of file\n+\u{feff}# i-1.0.1\n+\n+# i-1.0.0\n\\ No newline at end of file\n";
        assert_eq!(text, expected);
    }
}
