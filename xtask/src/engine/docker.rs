//! A Docker Engine: is one there, start one, stop the one that was started here.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::packages;
use crate::failure::{Failure, Outcome};
use crate::place::Place;
use crate::program::{self, Program};

/// How long a fresh `dockerd` may take until it answers, and how long one may take to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// The engine's version where one answers.
pub fn state() -> Option<String> {
    Program::new("docker")
        .args(["info", "--format", "{{.ServerVersion}}"])
        .read()
        .ok()
        .filter(|version| !version.is_empty())
}

/// Says after the state whether it is ours.
pub fn who_started(place: &Place) -> String {
    match started(place) {
        Some(pid) => format!(" (started here, process {pid})"),
        None => String::new(),
    }
}

/// Starts `dockerd` where no engine answers, and waits until it does.
pub fn ensure_running(place: &Place) -> Outcome<String> {
    if let Some(version) = state() {
        return Ok(format!("{version}{}", who_started(place)));
    }
    let log = place.target_dir("engine")?.join("dockerd.log");
    if !somebody_is_starting() {
        if !packages::is_root()? {
            return Err(Failure::not_ready("no Docker Engine answers, and only root can start one")
                .hint("sudo systemctl start docker   # and be in the group `docker`"));
        }
        start_daemon(place, &log)?;
    }
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(version) = state() {
            return Ok(format!("{version}{}", who_started(place)));
        }
        if started_file(place).is_file() && started(place).is_none() {
            return Err(Failure::not_ready(format!("`dockerd` ended at once:\n{}", last_lines(&log)))
                .hint(format!("the whole log is `{}`", log.display())));
        }
        sleep(Duration::from_millis(100));
    }
    Err(Failure::not_ready(format!("`dockerd` did not answer within {} s:\n{}", PATIENCE.as_secs(), last_lines(&log))))
}

/// Stops the daemon that `ensure_running` started; says what it did.
pub fn stop_started(place: &Place) -> Outcome<String> {
    let Some(pid) = started(place) else {
        let _ = fs_err::remove_file(started_file(place));
        return Ok("nothing was started here".to_owned());
    };
    Program::new("kill").args(["-TERM", &pid.to_string()]).run()?;
    let deadline = Instant::now() + PATIENCE;
    while started(place).is_some() {
        if Instant::now() > deadline {
            return Err(Failure::failed(format!("process {pid} has been asked to stop and still runs")));
        }
        sleep(Duration::from_millis(100));
    }
    fs_err::remove_file(started_file(place))?;
    Ok(format!("stopped process {pid}"))
}

fn start_daemon(place: &Place, log: &Path) -> Outcome {
    let dockerd = program::find("dockerd").ok_or_else(|| Failure::not_ready("`dockerd` is not installed"))?;
    let path = std::env::var("PATH").unwrap_or_default();
    // `setsid` turns into `dockerd` without a fork, so the process id is the daemon's own.
    let pid = Program::new("setsid").arg(dockerd).env("PATH", format!("{path}:/usr/sbin:/sbin")).start_detached(log)?;
    let record = json!({ "dockerd": { "pid": pid, "start": start_time(pid) } });
    fs_err::write(started_file(place), format!("{record:#}\n"))?;
    Ok(())
}

/// The init system or an installing package may be starting one right now.
fn somebody_is_starting() -> bool {
    let recorded = fs_err::read_to_string("/var/run/docker.pid").unwrap_or_default();
    recorded.trim().parse().ok().and_then(start_time).is_some()
}

fn started_file(place: &Place) -> PathBuf {
    place.target.join("engine/started.json")
}

/// The process id of the daemon that was started here, if that very process still runs.
fn started(place: &Place) -> Option<u32> {
    let record: Value = serde_json::from_str(&fs_err::read_to_string(started_file(place)).ok()?).ok()?;
    let pid = u32::try_from(record["dockerd"]["pid"].as_u64()?).ok()?;
    (start_time(pid)? == record["dockerd"]["start"].as_u64()?).then_some(pid)
}

/// When the process was started, in ticks since boot: field 22 of `/proc/PID/stat` (proc(5)), which tells a process from a
/// later one of the same number. None for a process that has ended, also for one that nobody has waited for.
fn start_time(pid: u32) -> Option<u64> {
    parse_start_time(&fs_err::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse_start_time(stat: &str) -> Option<u64> {
    // The name, in brackets, may hold anything; the fields are counted behind it.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") { None } else { fields.nth(18)?.parse().ok() }
}

fn last_lines(log: &Path) -> String {
    let text = fs_err::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.contains(" level=info ")).collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_time_is_read_behind_a_strange_name() {
        let stat = "12 (a) b) S 1 12 12 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 9 0 4711 22 33";
        assert_eq!(parse_start_time(stat), Some(4711));
        assert_eq!(parse_start_time(&stat.replace(") S", ") Z")), None);
        assert!(start_time(std::process::id()).is_some());
    }
}
