//! Room on disk, and whether the cache can be written.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Access, access, statvfs};
use wharf_core::workspace::{StateDir, Workspace};
use wharf_engine::{Client, Kind};
use wharf_process::Command;

use super::check::Check;
use crate::context::Context;

/// Less than this and the next image may not fit.
const LOW: u64 = 2 << 30;

const PATIENCE: Duration = Duration::from_secs(20);

/// The findings about disks.
pub(super) fn checks<'c>(
    context: &Context,
    workspace: Option<&Workspace>,
    clients: impl Iterator<Item = &'c Client>,
) -> Vec<Check> {
    let cache = &context.surroundings.cache;
    let mut checks = vec![writable(cache)];
    let show = |place: &Path| Command::new("du").args(["-sh"]).arg(place).to_string();
    checks.push(room("disk: cache", cache, show(cache)));
    if let Some(workspace) = workspace {
        let state = StateDir::peek(workspace);
        checks.push(room("disk: workspace", state.path(), show(&workspace.root)));
    }
    let docker = clients.filter(|client| client.kind() == Kind::Docker && client.socket().is_some());
    for client in docker {
        // Docker's own folder is on another machine, or hidden from this user, where it is not here.
        if let Some(root) = docker_root(client).filter(|root| root.is_absolute() && statvfs(root).is_ok()) {
            checks.push(room("disk: docker", &root, "docker system prune".into()));
        }
    }
    checks
}

fn docker_root(client: &Client) -> Option<PathBuf> {
    let output = client.command().args(["info", "--format", "{{.DockerRootDir}}"]).limit(PATIENCE).run().ok()?;
    output.exit.is_success().then(|| PathBuf::from(output.text().trim()))
}

fn writable(cache: &Path) -> Check {
    let shown = cache.display();
    match access(nearest(cache), Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => Check::ok("cache", format!("`{shown}` can be written")),
        Err(error) => Check::bad("cache", format!("`{shown}` cannot be written: {error}"))
            .fix("export WHARF_CACHE_DIR=\"$HOME/.wharf-cache\""),
    }
}

fn room(check: &'static str, place: &Path, fix: String) -> Check {
    match statvfs(nearest(place)) {
        Ok(disk) => judge(check, place, disk.f_bavail.saturating_mul(disk.f_frsize), fix),
        Err(error) => Check::warn(check, format!("`{}`: {error}", place.display())),
    }
}

fn judge(check: &'static str, place: &Path, free: u64, fix: String) -> Check {
    let detail = format!("{:.1} GiB free for `{}`", free as f64 / f64::from(1 << 30), place.display());
    if free < LOW { Check::warn(check, detail).fix(fix) } else { Check::ok(check, detail) }
}

/// The place itself, or the nearest folder above it that is there.
fn nearest(place: &Path) -> &Path {
    place.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_room_is_worth_a_look() {
        let check = judge("disk: cache", Path::new("/c"), (1 << 30) + (1 << 29), "du".into());
        assert_eq!(check, Check::warn("disk: cache", "1.5 GiB free for `/c`").fix("du"));
        assert_eq!(judge("disk: cache", Path::new("/c"), 3 << 30, "du".into()).fix, None);
    }

    #[test]
    fn a_cache_below_a_file_cannot_be_written() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(writable(&file.path().join("cache")).status, super::super::check::Status::Bad);
        assert_eq!(writable(Path::new("/tmp/nothing/here")).status, super::super::check::Status::Ok);
    }
}
