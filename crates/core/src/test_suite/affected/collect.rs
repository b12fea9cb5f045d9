//! Whether a runnable dir may have tests in files that are not named like tests.

use std::path::Path;

use crate::runnable_dir::RunnableDir;
use crate::test_suite::pytest_files::SETTINGS;

/// Patterns of `python_files` that name no other files than usual.
const USUAL: [&str; 2] = ["test_*.py", "*_test.py"];

/// Whether pytest's settings for `dir`, in it or above it up to `root`, or hooks in its `conftest.py`s, may collect files whose names
/// do not look like tests.
pub(super) fn collects_more(dir: &RunnableDir, root: &Path) -> bool {
    let folders = dir.path.ancestors().take_while(|folder| folder.starts_with(root));
    let mut settings = folders.flat_map(|folder| SETTINGS.map(|name| folder.join(name)));
    settings.any(|file| settings_collect_more(&text(&file)))
        || dir.config.test.args.iter().any(|argument| argument.contains("doctest"))
        || dir.conftests.iter().any(|conftest| text(&root.join(conftest)).contains("pytest_collect_file"))
}

fn text(file: &Path) -> String {
    std::fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

fn settings_collect_more(text: &str) -> bool {
    let unusual = |line: &str| {
        let Some(value) = line.trim().strip_prefix("python_files").and_then(|rest| rest.trim().strip_prefix('='))
        else {
            return false;
        };
        let patterns: Vec<&str> =
            value.split(['"', '\'', '[', ']', ',', ' ']).filter(|part| !part.is_empty()).collect();
        patterns.is_empty() || patterns.iter().any(|pattern| !USUAL.contains(pattern))
    };
    text.contains("doctest-modules")
        || text.contains("doctest_glob")
        || text.contains("doctest-glob")
        || text.lines().any(unusual)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unusual_patterns_are_told_from_usual_ones() {
        for usual in [
            "",
            "[pytest]\npython_files = test_*.py *_test.py\n",
            "python_files = [\"test_*.py\"]",
            "# python_files = x",
        ] {
            assert!(!settings_collect_more(usual), "{usual}");
        }
        for more in [
            "python_files=*.py",
            "python_files =\n  test_*.py",
            "addopts = --doctest-modules",
            "python_files = ['check_*.py']",
        ] {
            assert!(settings_collect_more(more), "{more}");
        }
    }
}
