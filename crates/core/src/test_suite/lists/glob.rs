//! What the wildcards of an entry mean: `*` and `?` within a folder's or file's name, `**` any number of folders; behind `::`
//! both stand for anything. Brackets are plain characters, because ids of tests with parameters have them.

/// Whether an entry has wildcards at all.
pub(super) fn is_glob(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// The entry as a regular expression that Python reads too, for whole ids of tests.
pub(super) fn regex(path: &str, inside: Option<&str>) -> String {
    let mut text = path_regex(path);
    match inside {
        // A file, all that is in it; a folder, all that is below it.
        None => text.push_str("(?:(?:/|::).*)?"),
        Some(inside) => {
            text.push_str("::");
            text.push_str(&replaced(inside, |c| match c {
                '*' => Some(".*"),
                '?' => Some("."),
                _ => None,
            }));
            // With its parameters, and what is in a class.
            text.push_str(r"(?:(?:\[|::).*)?");
        }
    }
    text
}

fn path_regex(path: &str) -> String {
    let mut text = String::new();
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        match part {
            "**" if last => text.push_str(".*"),
            "**" => text.push_str("(?:[^/]+/)*"),
            part => {
                text.push_str(&replaced(part, |c| match c {
                    '*' => Some("[^/]*"),
                    '?' => Some("[^/]"),
                    _ => None,
                }));
                if !last {
                    text.push('/');
                }
            }
        }
    }
    text
}

/// The text with some characters replaced and all others taken as they are.
fn replaced(text: &str, by: impl Fn(char) -> Option<&'static str>) -> String {
    let mut made = String::new();
    for c in text.chars() {
        match by(c) {
            Some(pattern) => made.push_str(pattern),
            None => {
                if c.is_ascii() && !c.is_ascii_alphanumeric() && c != '_' {
                    made.push('\\');
                }
                made.push(c);
            }
        }
    }
    made
}

/// The same path for the `globset` crate, where brackets and braces would be patterns.
pub(super) fn globset_path(path: &str) -> String {
    let mut made = String::new();
    for c in path.chars() {
        if matches!(c, '[' | ']' | '{' | '}' | '\\' | '!') {
            made.push('[');
            made.push(c);
            made.push(']');
        } else {
            made.push(c);
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_become_expressions() {
        assert_eq!(regex("a/*.py", None), r"a/[^/]*\.py(?:(?:/|::).*)?");
        assert_eq!(
            regex("ml/**/test_?.py", Some("test_[1]*")),
            r"ml/(?:[^/]+/)*test_[^/]\.py::test_\[1\].*(?:(?:\[|::).*)?"
        );
        assert_eq!(regex("ml/**", None), r"ml/.*(?:(?:/|::).*)?");
        assert!(is_glob("a/*.py") && !is_glob("a/[x].py"));
        assert_eq!(globset_path("a/[x]/*.py"), "a/[[]x[]]/*.py");
    }
}
