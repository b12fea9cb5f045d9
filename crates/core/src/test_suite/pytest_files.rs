//! Which files pytest looks for by name.

/// Files that pytest takes its settings from (pytest, "Configuration", "Initialization: determining rootdir and configfile").
pub(super) const SETTINGS: [&str; 7] =
    ["pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"];

/// A file with hooks and fixtures.
pub(super) const CONFTEST: &str = "conftest.py";

/// Whether pytest collects a file of that name by default (`python_files`).
pub(super) fn is_named_like_a_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".py").is_some_and(|stem| stem.starts_with("test_") || stem.ends_with("_test"))
}
