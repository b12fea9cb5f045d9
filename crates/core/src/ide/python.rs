//! What `wharf ide python` adds to a run, so that an editor takes a container's Python for one of the host.
//!
//! Editors name tests and files by the host's paths, and read such paths back. So the work tree is seen at the host's path too, and what
//! the editor names outside of it (its own scripts, the pipe by which its plugin answers) is mounted where it is.

use std::collections::BTreeMap;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use super::vscode::{PYTHON, VENV};
use crate::runnable_dir::RunnableDir;
use crate::test_suite::nested;
use crate::workspace::Workspace;

/// Variables that the Python extension of VS Code sets for its plugin. Those that hold a path name a pipe or a file.
const PASSED: [&str; 8] = [
    "TEST_RUN_PIPE",
    "RUN_TEST_IDS_PIPE",
    "TEST_UUID",
    "TEST_PORT",
    "COVERAGE_ENABLED",
    "PYTHONUNBUFFERED",
    "PYTHONUTF8",
    "PYTHONIOENCODING",
];

/// Folders in which everybody's temporary files lie.
const TEMPORARY: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];

/// Replaces the container's path of the work tree by the host's in `PYTHONPATH`, so that a file has one name only, then starts Python.
const START: &str = "set -f; IFS=:; list=; for entry in $PYTHONPATH; do case $entry in \
     \"$WHARF_ROOT\"|\"$WHARF_ROOT\"/*) entry=$WHARF_EDITOR_ROOT${entry#\"$WHARF_ROOT\"};; esac; list=${list:+$list:}$entry; done; \
     unset IFS; set +f; export PYTHONPATH=\"$WHARF_EDITOR_PATH$list\"; \
     command -v python >/dev/null || exec python3 \"$@\"; exec python \"$@\"";

/// Part of the question by which VS Code asks an interpreter who it is (`PYTHON_INFO_CMD` of microsoft/python-environment-tools). It goes
/// on with the answer, so the answer must be what is there on the host.
const QUESTION: &str = "093385e9-59f7-4a16-a604-14bf206256fe";

/// A run, in words of `wharf run`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Variables, `NAME=value`.
    pub env: Vec<String>,
    /// Mounts, `HOST:CONTAINER`.
    pub volumes: Vec<String>,
    /// The folder to start in, in the container.
    pub workdir: PathBuf,
    /// The command.
    pub command: Vec<String>,
}

/// The run of Python with `arguments` in a container of `dir`.
#[must_use]
pub fn call(workspace: &Workspace, dir: &RunnableDir, arguments: &[String]) -> Call {
    let root = &workspace.root;
    let mut env = BTreeMap::new();
    let mut outside: Vec<PathBuf> = Vec::new();
    let mut see = |path: &Path| {
        if path.is_absolute() && !path.starts_with(root) && path.exists() {
            outside.push(library_of(path, workspace.surroundings.home.as_deref()));
        }
    };
    for word in arguments {
        see(Path::new(word.rsplit_once('=').map_or(word.as_str(), |(_, value)| value)));
    }
    for name in PASSED {
        if let Some(value) = workspace.surroundings.variable(name) {
            see(Path::new(value));
            env.insert(name.to_owned(), value.to_owned());
        }
    }
    // The editor's plugin lies on the path that it sets.
    let path = workspace.surroundings.variable("PYTHONPATH").unwrap_or_default();
    let path: Vec<&Path> = path.split(':').map(Path::new).filter(|entry| entry.is_absolute()).collect();
    path.iter().for_each(|entry| see(entry));
    let path: String = path.iter().map(|entry| format!("{}:", entry.display())).collect();
    env.insert("WHARF_EDITOR_PATH".to_owned(), path);
    env.insert("WHARF_EDITOR_ROOT".to_owned(), root.display().to_string());
    let ignored = nested(workspace, dir).into_iter().map(|path| format!("--ignore={path}"));
    let more = workspace.surroundings.variable("PYTEST_ADDOPTS").map(str::to_owned);
    let options: Vec<String> = ignored.map(|word| quoted(&word)).chain(more).collect();
    env.insert("PYTEST_ADDOPTS".to_owned(), options.join(" "));
    outside.sort();
    outside.dedup();
    // A folder within one that is mounted is there already.
    let covered = |path: &PathBuf| outside.iter().any(|other| other != path && path.starts_with(other));
    let seen = outside.iter().filter(|path| !covered(path)).chain([root]);
    // What an editor hands over is there to be read; what tests write goes into the workspace, and answers through a pipe that is there.
    let volume = |path: &PathBuf| {
        let access = if path == root || is_pipe(path) { "" } else { ":ro" };
        format!("{0}:{0}{access}", path.display())
    };
    let volumes = seen.map(volume).collect();
    let mut command: Vec<String> = ["sh", "-c", START, "python"].map(str::to_owned).to_vec();
    command.extend(answering(dir, arguments));
    let env = env.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    Call { env, volumes, workdir: dir.path.clone(), command }
}

/// The arguments, with the host's names for the interpreter where it is asked for them.
fn answering(dir: &RunnableDir, arguments: &[String]) -> Vec<String> {
    let mut arguments = arguments.to_vec();
    if let [flag, code, ..] = arguments.as_mut_slice()
        && flag == "-c"
        && code.contains(QUESTION)
    {
        let venv = dir.path.join(VENV);
        // A string of JSON is one of Python.
        let name = |path: &Path| serde_json::Value::from(path.display().to_string());
        *code =
            format!("import sys; sys.executable, sys.prefix = {}, {}; {code}", name(&venv.join(PYTHON)), name(&venv));
    }
    arguments
}

/// What must be seen for a path to be of use: a script comes with the modules beside it; a pipe, a file of data or a folder by itself.
/// All of the home folder, or of one for everybody's temporary files, is nothing that goes with a script.
fn library_of(path: &Path, home: Option<&Path>) -> PathBuf {
    let is_script = path.is_file() && path.extension().is_some_and(|extension| extension == "py");
    let is_of_others = |folder: &Path| {
        TEMPORARY.iter().any(|place| folder == *place) || home.is_some_and(|home| home.starts_with(folder))
    };
    match path.parent() {
        Some(folder) if is_script && folder.parent().is_some() && !is_of_others(folder) => folder.to_owned(),
        _ => path.to_owned(),
    }
}

fn is_pipe(path: &Path) -> bool {
    let kind = std::fs::metadata(path).map(|metadata| metadata.file_type());
    kind.is_ok_and(|kind| kind.is_fifo() || kind.is_socket())
}

fn quoted(word: &str) -> String {
    shlex::try_quote(word).map_or_else(|_| String::new(), std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_comes_with_what_lies_beside_it_and_data_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (script, data) = (folder.path().join("a.py"), folder.path().join("ids.txt"));
        fs_err::write(&script, "").unwrap();
        fs_err::write(&data, "").unwrap();
        assert_eq!(library_of(&script, None), folder.path());
        assert_eq!(library_of(&data, None), data);
        assert_eq!(library_of(folder.path(), None), folder.path());
        // Never the whole of a host.
        assert_eq!(library_of(Path::new("/none.py"), None), Path::new("/none.py"));
        // Nor all that is somebody's.
        assert_eq!(library_of(&script, Some(folder.path())), script);
        assert_eq!(library_of(&script, Some(&folder.path().join("home"))), script);
    }
}
