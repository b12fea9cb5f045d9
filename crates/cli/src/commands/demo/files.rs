//! What the demo holds. The files stand beside this one as they are written, but for `.gitignore`, which Wharf's own Git
//! would heed.

/// A file: its path and its text.
pub(super) type File = (&'static str, &'static str);

macro_rules! file {
    ($path:literal) => {
        ($path, include_str!(concat!("files/", $path)))
    };
}

const IGNORED: File = (".gitignore", include_str!("files/gitignore"));

/// The super-repo.
pub(super) const SUPER_REPO: [File; 18] = [
    IGNORED,
    file!("README.md"),
    file!("wharf.toml"),
    file!("api/answer.py"),
    file!("api/changelog.txt"),
    file!("api/devops/requirements.txt"),
    file!("api/devops/wharf.toml"),
    file!("api/tests/test_answer.py"),
    file!("etl/changelog.txt"),
    file!("etl/devops/requirements.txt"),
    file!("etl/devops/wharf.toml"),
    file!("etl/reading.py"),
    file!("etl/tests/test_reading.py"),
    file!("ml/changelog.txt"),
    file!("ml/devops/wharf.toml"),
    file!("ml/pyproject.toml"),
    file!("ml/src/forecast/__init__.py"),
    file!("ml/tests/test_forecast.py"),
];

/// The sub-repo `common`.
pub(super) const SUB_REPO: [File; 3] = [
    IGNORED,
    ("README.md", include_str!("files/common/README.md")),
    ("measures/__init__.py", include_str!("files/common/measures/__init__.py")),
];
