//! All processes that this one started, however they were started: groups, sessions and daemons included.
//!
//! On Linux this process adopts orphans (`PR_SET_CHILD_SUBREAPER`, prctl(2)), so that the parents' chain from any of them
//! leads here. Elsewhere only what the process table still links is found.

use std::collections::BTreeMap;

use rustix::process::{Pid, Signal, getpid, kill_process};

/// From now on, what children leave behind becomes a child of this process, and not of the system's first one.
pub fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    // Without it some may not be found, which is no reason to stop.
    let _ = rustix::process::set_child_subreaper(Some(getpid()));
}

/// Sends a signal to all that this process started and that is still alive; how many there were.
pub fn signal_descendants(signal: i32) -> usize {
    let Some(signal) = Signal::from_named_raw(signal) else { return 0 };
    let descendants = descendants(&table(), getpid());
    for pid in &descendants {
        // It may have ended just now.
        let _ = kill_process(*pid, signal);
    }
    descendants.len()
}

/// How many processes are alive that this process started.
#[must_use]
pub fn count_descendants() -> usize {
    descendants(&table(), getpid()).len()
}

/// The parent of each process that is alive.
#[cfg(target_os = "linux")]
fn table() -> Vec<(Pid, Pid)> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    numbers.filter_map(|pid| parent(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?, pid)).collect()
}

/// What proc(5) has after the name, which may hold anything: state, parent.
#[cfg(target_os = "linux")]
fn parent(stat: &str, pid: i32) -> Option<(Pid, Pid)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    let parent = Pid::from_raw(fields.next()?.parse().ok()?)?;
    (!matches!(state, "Z" | "X")).then_some((Pid::from_raw(pid)?, parent))
}

#[cfg(not(target_os = "linux"))]
fn table() -> Vec<(Pid, Pid)> {
    let listed = crate::Command::new("ps").args(["-A", "-o", "pid=,ppid=,state="]).run();
    let text = listed.map(|output| output.text()).unwrap_or_default();
    let row = |line: &str| {
        let mut fields = line.split_whitespace();
        let pid = Pid::from_raw(fields.next()?.parse().ok()?)?;
        let parent = Pid::from_raw(fields.next()?.parse().ok()?)?;
        (!fields.next()?.starts_with('Z')).then_some((pid, parent))
    };
    text.lines().filter_map(row).collect()
}

fn descendants(table: &[(Pid, Pid)], root: Pid) -> Vec<Pid> {
    let mut children: BTreeMap<i32, Vec<Pid>> = BTreeMap::new();
    for (pid, parent) in table {
        children.entry(parent.as_raw_nonzero().get()).or_default().push(*pid);
    }
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(pid) = open.pop() {
        let below = children.remove(&pid.as_raw_nonzero().get()).unwrap_or_default();
        found.extend(below.iter().copied());
        open.extend(below);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid(number: i32) -> Pid {
        Pid::from_raw(number).unwrap()
    }

    #[test]
    fn all_generations_are_found() {
        let table = [(2, 1), (3, 2), (4, 3), (5, 1), (6, 9)].map(|(child, parent)| (pid(child), pid(parent)));
        let mut found: Vec<i32> =
            descendants(&table, pid(2)).into_iter().map(|pid| pid.as_raw_nonzero().get()).collect();
        found.sort_unstable();
        assert_eq!(found, [3, 4]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_with_brackets_is_read() {
        assert_eq!(parent("12 (a) b) S 7 12 12 0", 12), Some((pid(12), pid(7))));
        assert_eq!(parent("12 (a) Z 7 12 12 0", 12), None);
    }
}
