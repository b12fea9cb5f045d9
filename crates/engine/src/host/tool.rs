//! uv and Poetry, installed with pip into environments of their own where the host lacks them.

use std::path::{Path, PathBuf};

use wharf_process::Command;

use super::HostTools;
use super::error::HostError;
use super::install::make_venv;
use super::runner::Runner;
use super::search::Search;
use super::slot::{Complete, Slot};

/// The versions that Wharf was tested with.
const UV: Tool = Tool { name: "uv", version: "0.13.9", least: [3, 8] };
const POETRY: Tool = Tool { name: "poetry", version: "2.5.1", least: [3, 10] };

struct Tool {
    name: &'static str,
    version: &'static str,
    /// The least Python it runs on.
    least: [u32; 2],
}

/// A uv in Wharf's cache.
pub(super) fn uv(tools: &HostTools, on_line: &mut dyn FnMut(&str)) -> Result<PathBuf, HostError> {
    ensure(&UV, tools, on_line)
}

/// A Poetry in Wharf's cache.
pub(super) fn poetry(tools: &HostTools, on_line: &mut dyn FnMut(&str)) -> Result<PathBuf, HostError> {
    ensure(&POETRY, tools, on_line)
}

fn ensure(tool: &Tool, tools: &HostTools, on_line: &mut dyn FnMut(&str)) -> Result<PathBuf, HostError> {
    let name = format!("{}-{}", tool.name, tool.version);
    let slot = Slot::new(&tools.cache.join("tools"), &name);
    let complete = match slot.complete() {
        Some(complete) => complete,
        None => slot.make(on_line, |at, on_line| {
            let version = install(tool, tools, at, on_line)?;
            Ok(Complete::new(at, &name, &version))
        })?,
    };
    Ok(slot.folder(&complete).join("bin").join(tool.name))
}

fn install(tool: &Tool, tools: &HostTools, at: &Path, on_line: &mut dyn FnMut(&str)) -> Result<String, HostError> {
    let python = Search::new(tools).at_least(tool.least)?;
    let mut runner = Runner::new(tools, at, &format!("tool-{}-{}", tool.name, tool.version), on_line)?;
    runner.say(&format!("installing {} {}, which the host lacks", tool.name, tool.version));
    let uv = tools.uv.as_deref();
    make_venv(&mut runner, uv, &python, at, &tools.search_path)?;
    let wanted = format!("{}=={}", tool.name, tool.version);
    let program = at.join("bin/python");
    runner.run(&match uv {
        Some(uv) => Command::new(uv).args(["pip", "install", "--python"]).arg(&program).arg(wanted),
        None => Command::new(&program).args(["-m", "pip", "install", "--no-input"]).arg(wanted),
    })?;
    let made = at.join("bin").join(tool.name);
    if made.exists() {
        Ok(python.identity.version)
    } else {
        Err(HostError::NotMade { missing: made, log: runner.log().to_owned() })
    }
}
