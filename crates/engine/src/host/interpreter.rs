//! A Python interpreter and what it is.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wharf_process::Command;

/// Prints what the interpreter is as JSON. Inside a virtual environment it names the interpreter below. Works from Python 3.4 on.
const QUESTION: &str = r#"
import json, platform, sys, sysconfig
print(json.dumps({
    "implementation": sys.implementation.name,
    "version": platform.python_version(),
    "platform": sysconfig.get_platform(),
    "abi": sysconfig.get_config_var("SOABI") or "",
    "executable": getattr(sys, "_base_executable", None) or sys.executable or "",
}))
"#;
const PATIENCE: Duration = Duration::from_secs(20);

/// What makes two interpreters equal for an environment. The place it lies at has no part in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    implementation: String,
    /// Full version, such as `3.12.1`.
    pub(super) version: String,
    platform: String,
    abi: String,
}

impl Identity {
    /// One line that differs when the interpreters do.
    pub(super) fn digest(&self) -> String {
        [&self.implementation, &self.version, &self.platform, &self.abi].map(String::as_str).join("\n")
    }

    /// The leading numbers of its version: `3.13.0rc1` gives 3, 13, 0.
    pub(super) fn numbers(&self) -> Vec<u32> {
        numbers(&self.version)
    }
}

/// The leading numbers of a version.
pub(super) fn numbers(version: &str) -> Vec<u32> {
    let mut numbers = Vec::new();
    for part in version.split('.') {
        let digits: &str = &part[..part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len())];
        let Ok(number) = digits.parse() else { break };
        numbers.push(number);
        if digits.len() < part.len() {
            break;
        }
    }
    numbers
}

/// An interpreter that answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Interpreter {
    /// The program to start, never one inside a virtual environment.
    pub(super) path: PathBuf,
    /// What it is.
    pub(super) identity: Identity,
}

impl Interpreter {
    /// Asks the program at `path`; `None` where it does not answer as a Python 3 does.
    pub(super) fn ask(path: &Path) -> Option<Self> {
        let output = Command::new(path)
            .args(["-I", "-c", QUESTION])
            .env_remove("PYTHONHOME")
            .env_remove("__PYVENV_LAUNCHER__")
            .limit(PATIENCE)
            .run()
            .ok()?;
        if !output.exit.is_success() {
            return None;
        }
        let text = output.text();
        let line = text.trim().lines().last()?;
        let identity: Identity = serde_json::from_str(line).ok()?;
        let executable = serde_json::from_str::<Executable>(line).ok()?.executable;
        let path = if executable.as_os_str().is_empty() { path.to_owned() } else { executable };
        Some(Self { path, identity })
    }
}

#[derive(Deserialize)]
struct Executable {
    executable: PathBuf,
}

/// Whether the file is an interpreter itself and no wrapper that chooses one by folder or variables, as the
/// shims of pyenv, asdf and mise do. `path` has its symlinks resolved.
pub(super) fn is_direct(path: &Path) -> bool {
    let named = path
        .file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.to_ascii_lowercase().starts_with("python") || name.starts_with("pypy"));
    let mut start = [0_u8; 2];
    named && File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && &start != b"#!"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_as_numbers() {
        assert_eq!(numbers("3.12.1"), [3, 12, 1]);
        assert_eq!(numbers("3.14.0rc2+"), [3, 14, 0]);
        assert_eq!(numbers("3.13t"), [3, 13]);
        assert_eq!(numbers("pypy"), Vec::<u32>::new());
    }
}
