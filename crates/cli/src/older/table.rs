//! All tasks that Wharf has an equal for: one row each.

use super::line::{Call, Refusal, Translation};
use super::option::Opt;
use super::{containers, images, pytest, repos};

/// A task that Wharf has an equal for.
#[derive(Debug)]
pub struct Row {
    /// Its name, with `_`.
    pub name: &'static str,
    /// What it does, in one line.
    pub help: &'static str,
    /// Its options, in the order of the function's parameters.
    pub options: &'static [Opt],
    /// Makes the command lines.
    pub make: Make,
}

/// Makes the command lines of a task; no line where only the real `invoke` can do it.
pub type Make = fn(&Call<'_>) -> Result<Translation, Refusal>;

/// All rows.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    [containers::ROWS, images::ROWS, pytest::ROWS, repos::ROWS].into_iter().flatten()
}

/// The row with this name, written with `_` or `-`.
pub(super) fn find(name: &str) -> Option<&'static Row> {
    let name = name.replace('-', "_");
    rows().find(|row| row.name == name)
}

/// The row of `main_pytest.py` with this name.
pub(super) fn find_main_pytest(name: &str) -> Option<&'static Row> {
    let name = name.replace('-', "_");
    pytest::MAIN_ROWS.iter().find(|row| row.name == name)
}
