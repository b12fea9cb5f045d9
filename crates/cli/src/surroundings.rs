//! The caller's environment, read once. Nobody else reads variables, ids or the current folder.

use std::path::PathBuf;

use etcetera::BaseStrategy;
use wharf_core::workspace::{Host, Surroundings};

use crate::arguments::Global;
use crate::exit::Failure;

/// Reads the caller's environment.
///
/// # Errors
/// When the current folder is gone, or the one asked for with `-C` is not there.
pub fn read(global: &Global) -> Result<Surroundings, Failure> {
    let variables: Vec<_> = std::env::vars_os().collect();
    let current = std::env::current_dir().map_err(|error| {
        Failure::environment(format!("the current folder cannot be used: {error}"))
            .hint("change into a folder that is there")
    })?;
    let here = match &global.directory {
        Some(directory) => current.join(directory),
        None => current,
    };
    let here = here.canonicalize().map_err(|error| Failure::usage(format!("`{}`: {error}", here.display())))?;
    let strategy = etcetera::choose_base_strategy().ok();
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = named("WHARF_CACHE_DIR").or_else(|| strategy.as_ref().map(|base| base.cache_dir().join("wharf")));
    let data = named("WHARF_DATA_DIR").or_else(|| strategy.as_ref().map(|base| base.data_dir().join("wharf")));
    let user_config = named("WHARF_CONFIG")
        .or_else(|| strategy.as_ref().map(|base| base.config_dir().join("wharf").join("config.toml")));
    let ids = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    let user = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let mut flags = Vec::new();
    if let Some(engine) = &global.engine {
        flags.push(("engine.kind".to_owned(), engine.clone(), "--engine".to_owned()));
    }
    let cache = cache.unwrap_or_else(|| std::env::temp_dir().join(format!("wharf-{}", ids.0)));
    Ok(Surroundings {
        here,
        home: strategy.as_ref().map(|base| base.home_dir().to_path_buf()),
        user: user.unwrap_or_else(|| if ids.0 == 0 { "root".into() } else { format!("uid{}", ids.0) }),
        ids,
        user_config,
        data: data.unwrap_or_else(|| cache.join("data")),
        cache,
        variables,
        program: std::env::current_exe().ok(),
        flags,
        host: host(),
    })
}

fn host() -> Host {
    let names = rustix::system::uname();
    let text = |name: &std::ffi::CStr| name.to_string_lossy().into_owned();
    Host { name: text(names.nodename()), os: text(names.sysname()), os_version: text(names.release()) }
}
