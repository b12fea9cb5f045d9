//! The variables that the tests are run with.

use std::ffi::OsString;

use crate::engine;
use crate::failure::Outcome;
use crate::place::Place;
use crate::tools;

/// The image that test workspaces are based on, unless `WHARF_TEST_BASE` names another.
pub const DEFAULT_BASE: &str = "wharf-test/python:bookworm";

/// The base image of test workspaces: `WHARF_TEST_BASE`, else the one that `cargo xtask base-image` makes.
pub fn base() -> String {
    variable("WHARF_TEST_BASE").unwrap_or_else(|| DEFAULT_BASE.to_owned())
}

/// Every variable that the tests need, with what is set already left as it is.
pub fn variables(place: &Place) -> Outcome<Vec<(String, OsString)>> {
    let engines = variable("WHARF_TEST_ENGINES").unwrap_or_else(|| "docker,podman,host".to_owned());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut dirs: Vec<_> = std::env::split_paths(&path).collect();
    let tools = tools::dir(place);
    if tools.is_dir() && !dirs.contains(&tools) {
        dirs.insert(0, tools);
    }
    let path = std::env::join_paths(dirs).unwrap_or(path);
    Ok(vec![
        ("CONTAINERS_CONF".to_owned(), engine::containers_conf(place)?.into()),
        ("WHARF_TEST_BASE".to_owned(), base().into()),
        ("WHARF_TEST_ENGINES".to_owned(), engines.into()),
        ("PATH".to_owned(), path),
    ])
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
