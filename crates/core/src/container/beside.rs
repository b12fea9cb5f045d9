//! Test tools for a prod image: the Python packages of the dev image, in a folder of the user's cache that is mounted
//! read-only beside the prod image and stands last on its `sys.path`. So the image is tested as it is, and its own
//! packages win.
//!
//! Copied once for each dev image: by a container of it, since only that knows where its packages lie.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use wharf_engine::{Client, EngineLog, Entrypoint, Mount, RunSpec, Terminal, User};

use super::{OWNER, Owner, ROOT, VERB, WORKSPACE};
use crate::image::ensure::Body;
use crate::image::{ImageError, Ready, stage};
use crate::runnable_dir::RunnableDir;
use crate::workspace::{Lock, Patience, Workspace};

/// Where the tools are mounted.
pub const BESIDE: &str = "/opt/wharf/beside";

/// What runs pytest in a prod image.
pub const RUNNER_SOURCE: &str = include_str!("beside.py");
/// Its name, in the folder of the plugin.
pub const RUNNER: &str = "wharf_beside.py";

/// Copies all packages, without what a site folder alone would read, and compiles them for where they will lie.
const COPY: &str = r#"
import compileall, os, shutil, site
os.umask(0o22)
out = "/opt/wharf/out"
for base in reversed([folder for folder in site.getsitepackages() if os.path.isdir(folder)]):
    for top, folders, files in os.walk(base):
        folders[:] = [folder for folder in folders if folder != "__pycache__"]
        to = os.path.join(out, os.path.relpath(top, base))
        os.makedirs(to, exist_ok=True)
        for name in files:
            if not name.endswith(".pth") and os.path.isfile(os.path.join(top, name)):
                shutil.copy(os.path.join(top, name), to)
compileall.compile_dir(out, ddir="/opt/wharf/beside", quiet=2)
"#;

/// The folder with the packages of the dev image `ready` of `owner`.
///
/// # Errors
/// When the engine refuses, the image has no Python, or the cache cannot be written.
pub fn tools(
    workspace: &Workspace,
    client: &Client,
    owner: &RunnableDir,
    ready: &Ready,
) -> Result<PathBuf, ImageError> {
    let failed = |detail: String| ImageError::TestTools { dir: owner.address.to_string(), detail };
    let Body::Image(id) = &ready.body else {
        return Err(failed("there is no dev image".into()));
    };
    let short: String = id.trim_start_matches("sha256:").chars().take(20).collect();
    let parent = workspace.surroundings.cache.join("beside");
    let folder = parent.join(&short);
    if folder.is_dir() {
        return Ok(folder);
    }
    let lock = workspace.surroundings.cache.join("locks").join(format!("beside-{short}"));
    let _lock = Lock::take(&lock, "a copy of test tools", Patience::Wait).ok();
    if folder.is_dir() {
        return Ok(folder);
    }
    fs_err::create_dir_all(&parent)?;
    let fresh = tempfile::Builder::new().prefix(".new-").tempdir_in(&parent)?;
    let command = client.run_command(&copy(workspace, owner, id, &short, fresh.path().to_path_buf()));
    let output = command.run().map_err(|error| failed(error.to_string()))?;
    if !output.exit.is_success() {
        return Err(failed(output.error_text().lines().last().unwrap_or("its container said nothing").to_owned()));
    }
    open_to_all(fresh.path())?;
    // The lock was free, or cannot be had: then another process may have been quicker with the same content.
    match std::fs::rename(fresh.keep(), &folder) {
        Err(error) if !folder.is_dir() => Err(error.into()),
        _ => Ok(folder),
    }
}

fn copy(workspace: &Workspace, owner: &RunnableDir, image: &str, short: &str, out: PathBuf) -> RunSpec {
    let process = Owner::current();
    RunSpec {
        image: image.to_owned(),
        name: format!("wharf-{}-{}-beside-{}-{}", &workspace.id[..6], owner.slug(), process.short(), &short[..6]),
        command: ["python3", "-c", COPY].map(str::to_owned).to_vec(),
        entrypoint: Entrypoint::Cleared,
        mounts: vec![Mount { host: out, container: "/opt/wharf/out".into(), read_only: false }],
        env: BTreeMap::new(),
        passed_env: Vec::new(),
        workdir: "/".into(),
        user: User::Caller,
        network: Some("none".into()),
        ports: Vec::new(),
        labels: BTreeMap::from([
            (WORKSPACE.to_owned(), workspace.id.clone()),
            (ROOT.to_owned(), workspace.root.display().to_string()),
            (stage::DIR.to_owned(), owner.address.to_string()),
            (VERB.to_owned(), "test".to_owned()),
            (OWNER.to_owned(), process.to_string()),
        ]),
        terminal: Terminal::None,
        stop_grace: Duration::from_secs(1),
        platform: None,
        volumes: Vec::new(),
        log: EngineLog::Kept,
        detached: false,
        alias: None,
        hosts: Vec::new(),
        options: Vec::new(),
    }
}

/// A temporary folder is the caller's alone, a prod image's user is somebody else.
fn open_to_all(folder: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs_err::set_permissions(folder, std::fs::Permissions::from_mode(0o755))
}
