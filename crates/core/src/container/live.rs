//! What runs on the host: one small file a process group in the user's cache, since no engine keeps a list there.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, Signal, getpgid, kill_process, kill_process_group};
use serde::{Deserialize, Serialize};

use super::owner::{Life, Owner};

/// A process group that Wharf started on the host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Group {
    /// Id of the workspace.
    pub workspace: String,
    /// Address of the dir.
    pub dir: String,
    /// What it is for.
    pub verb: String,
    /// The leading process.
    pub process: String,
    /// The process that started it.
    pub owner: String,
    /// The command, as it can be pasted.
    pub command: String,
    /// The file that gets all that it prints, where there is one.
    #[serde(default)]
    pub log: Option<PathBuf>,
}

/// The file of a group; removed when this is dropped.
#[derive(Debug)]
pub struct Registered(PathBuf);

impl Drop for Registered {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Notes a group down.
///
/// # Errors
/// When the cache cannot be written.
pub fn register(cache: &Path, group: &Group) -> std::io::Result<Registered> {
    let folder = folder(cache);
    fs_err::create_dir_all(&folder)?;
    let path = folder.join(format!("{}.json", group.process));
    fs_err::write(&path, serde_json::to_vec(group)?)?;
    Ok(Registered(path))
}

/// All groups that are noted down and still run; notes of those that do not are removed.
#[must_use]
pub fn groups(cache: &Path) -> Vec<Group> {
    let Ok(entries) = std::fs::read_dir(folder(cache)) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        let group = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<Group>(&bytes).ok());
        match group {
            Some(group) if is_alive(&group.process) => found.push(group),
            _ => {
                let _ = std::fs::remove_file(&path);
            }
        }
    }
    found.sort_by(|a, b| a.process.cmp(&b.process));
    found
}

/// Ends a group: ask, wait, kill. False when it could not be ended.
#[must_use]
pub fn end(group: &Group, grace: Duration) -> bool {
    let Ok(process) = group.process.parse::<Owner>() else { return false };
    let Some(pid) = i32::try_from(process.pid()).ok().and_then(Pid::from_raw) else { return false };
    let steps = grace.as_millis() / 50;
    let all = members(pid);
    send(&all, Signal::TERM);
    for _ in 0..steps {
        if process.life() != Life::Alive {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    send(&all, Signal::KILL);
    for _ in 0..40 {
        if process.life() != Life::Alive {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

/// What to end with a process: its group where it leads one, else (it shares its caller's terminal and group) itself
/// and all that it started.
fn members(pid: Pid) -> Members {
    if getpgid(Some(pid)) == Ok(pid) {
        return Members::Group(pid);
    }
    let mut all = vec![pid];
    let mut next = 0;
    let parents = parents();
    while let Some(parent) = all.get(next).copied() {
        next += 1;
        all.extend(parents.iter().filter(|(_, above)| *above == parent).map(|(child, _)| *child));
    }
    Members::Tree(all)
}

enum Members {
    Group(Pid),
    Tree(Vec<Pid>),
}

/// Those that are gone already are nobody's loss.
fn send(members: &Members, signal: Signal) {
    match members {
        Members::Group(pid) => {
            let _ = kill_process_group(*pid, signal);
        }
        Members::Tree(all) => {
            for pid in all {
                let _ = kill_process(*pid, signal);
            }
        }
    }
}

/// Every process with its parent (proc(5), `/proc/<pid>/stat`, field 4).
fn parents() -> Vec<(Pid, Pid)> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pid = |text: &str| text.parse::<i32>().ok().and_then(Pid::from_raw);
    let of = |entry: std::fs::DirEntry| {
        let child = pid(entry.file_name().to_str()?)?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let parent = pid(stat.rsplit_once(')')?.1.split_whitespace().nth(1)?)?;
        Some((child, parent))
    };
    entries.flatten().filter_map(of).collect()
}

/// Whether the process that started a group is gone.
#[must_use]
pub fn is_orphan(group: &Group) -> bool {
    group.owner.parse::<Owner>().is_ok_and(|owner| owner.life() == Life::Dead)
}

fn is_alive(process: &str) -> bool {
    process.parse::<Owner>().is_ok_and(|owner| owner.life() == Life::Alive)
}

fn folder(cache: &Path) -> PathBuf {
    cache.join("live")
}
