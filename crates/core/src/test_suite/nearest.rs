//! What was probably meant by a path that no runnable dir holds.

use super::plan::TestError;
use crate::config::nearest_path;
use crate::runnable_dir::Address;
use crate::workspace::Workspace;

/// The error that says that nothing holds `text`, with the test file or dir that was probably meant.
pub(super) fn no_holder(workspace: &Workspace, text: &str, exists: bool) -> TestError {
    let (path, inside) = text.split_once("::").map_or((text, None), |(path, inside)| (path, Some(inside)));
    let address = Address::parse(path, &workspace.root, &workspace.surroundings.here).ok();
    let files = workspace.dirs.iter().flat_map(|dir| &dir.tests).map(String::as_str);
    let known = files.chain(workspace.dirs.iter().map(|dir| dir.address.as_str()));
    let nearest = address.filter(|_| !exists).and_then(|address| nearest_path(address.as_str(), known));
    // As it is written from everywhere.
    let nearest = nearest.map(|near| match inside {
        Some(inside) => format!("//{near}::{inside}"),
        None => format!("//{near}"),
    });
    TestError::NoHolder { path: text.to_owned(), exists, nearest }
}
