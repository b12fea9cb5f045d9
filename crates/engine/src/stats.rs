//! What containers use, and which one has a port.

use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::client::Client;
use crate::error::EngineError;
use crate::kind::Kind;
use crate::socket;

/// Time over which the processor is measured.
const SPAN: Duration = Duration::from_millis(300);

/// What one container uses.
#[derive(Debug, Clone, PartialEq)]
pub struct Usage {
    /// Full id, or its start.
    pub id: String,
    /// Percent of one core.
    pub cpu: f64,
    /// Bytes of memory, without what is only cached files.
    pub memory: u64,
    /// The most that it may have, in bytes; 0 where that is not known.
    pub limit: u64,
    /// How many processes and threads; 0 where that is not known.
    pub processes: u64,
}

impl Client {
    /// What running containers use now. Those that have just ended are not in it.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn usage(&self, ids: &[String]) -> Result<Vec<Usage>, EngineError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        if let Some(socket) = self.socket() {
            return Ok(over_api(socket, ids));
        }
        let form = if self.kind() == Kind::Podman { "json" } else { "{{json .}}" };
        let mut arguments = vec!["stats", "--no-stream", "--format", form];
        arguments.extend(ids.iter().map(String::as_str));
        let text = self.ask("measure containers", &arguments)?.text();
        let whole: Option<Vec<Value>> = serde_json::from_str(&text).ok();
        let lines = || text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        Ok(whole.unwrap_or_else(lines).iter().filter_map(printed).collect())
    }

    /// Name of the container that has a port of the host.
    #[must_use]
    pub fn holder_of_port(&self, port: u16) -> Option<String> {
        let output = self.ask("list containers", &["ps", "--format", "{{.Names}}\t{{.Ports}}"]).ok()?.text();
        let wanted = format!(":{port}->");
        output
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .find(|(_, ports)| ports.contains(&wanted))
            .map(|(name, _)| name.to_owned())
    }
}

/// Two looks at each, all at once: the engine itself would take a second or two for each.
fn over_api(socket: &Path, ids: &[String]) -> Vec<Usage> {
    let looks = |ids: &[String]| -> Vec<Option<Value>> {
        thread::scope(|scope| {
            let threads: Vec<_> = ids.iter().map(|id| scope.spawn(|| look(socket, id))).collect();
            threads.into_iter().map(|thread| thread.join().ok().flatten()).collect()
        })
    };
    let first = looks(ids);
    thread::sleep(SPAN);
    let second = looks(ids);
    let pairs = ids.iter().zip(first.iter().zip(&second));
    pairs.filter_map(|(id, (first, second))| between(id, first.as_ref()?, second.as_ref()?)).collect()
}

fn look(socket: &Path, id: &str) -> Option<Value> {
    let path = format!("/containers/{id}/stats?stream=false&one-shot=true");
    let answer = socket::at(socket).get(&path).ok()?;
    (answer.status == 200).then(|| answer.json())
}

/// From Docker's own arithmetic (`docker stats`, "Extended description"): what the container used of what the machine had.
fn between(id: &str, first: &Value, second: &Value) -> Option<Usage> {
    let number = |value: &Value, path: &str| value.pointer(path).and_then(Value::as_u64);
    let grown = |path: &str| Some(number(second, path)?.saturating_sub(number(first, path)?));
    let used = grown("/cpu_stats/cpu_usage/total_usage")?;
    let all = grown("/cpu_stats/system_cpu_usage").unwrap_or(0);
    let cores = number(second, "/cpu_stats/online_cpus").unwrap_or(1);
    #[allow(clippy::cast_precision_loss, reason = "percents for people")]
    let cpu = if all == 0 { 0.0 } else { used as f64 / all as f64 * cores as f64 * 100.0 };
    let cached = number(second, "/memory_stats/stats/inactive_file")
        .or_else(|| number(second, "/memory_stats/stats/total_inactive_file"))
        .unwrap_or(0);
    Some(Usage {
        id: id.to_owned(),
        cpu,
        memory: number(second, "/memory_stats/usage")?.saturating_sub(cached),
        limit: number(second, "/memory_stats/limit").unwrap_or(0),
        processes: number(second, "/pids_stats/current").unwrap_or(0),
    })
}

/// One line or object of the engines' programs: names differ in case and dashes, numbers are for people.
fn printed(value: &Value) -> Option<Usage> {
    let text = |names: &[&str]| {
        let found = names.iter().find_map(|name| value.get(name));
        found.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).unwrap_or_default()
    };
    let memory = text(&["MemUsage", "mem_usage"]);
    let (used, limit) = memory.split_once('/').unwrap_or((memory.as_str(), ""));
    Some(Usage {
        id: Some(text(&["ID", "id"])).filter(|id| !id.is_empty())?,
        cpu: text(&["CPUPerc", "cpu_percent"]).trim_end_matches('%').parse().unwrap_or(0.0),
        memory: bytes(used),
        limit: bytes(limit),
        processes: text(&["PIDs", "pids"]).parse().unwrap_or(0),
    })
}

/// Such as `1.5MiB` or `12.3kB`.
fn bytes(text: &str) -> u64 {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let factor = match text[digits..].trim() {
        "kB" | "KB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "TB" => 1e12,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        "TiB" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => 1.0,
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sizes are positive and far below 2^53")]
    let bytes = (text[..digits].parse::<f64>().unwrap_or(0.0) * factor) as u64;
    bytes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_of_the_api_and_of_programs_are_read() {
        let at = |used: u64, all: u64| {
            json!({
                "cpu_stats": { "cpu_usage": { "total_usage": used }, "system_cpu_usage": all, "online_cpus": 2 },
                "memory_stats": { "usage": 5000, "limit": 9000, "stats": { "inactive_file": 1000 } },
                "pids_stats": { "current": 3 },
            })
        };
        let usage = between("x", &at(100, 1000), &at(150, 1200)).unwrap();
        assert_eq!((usage.cpu, usage.memory, usage.limit, usage.processes), (50.0, 4000, 9000, 3));
        let docker = json!({"ID": "a", "CPUPerc": "12.50%", "MemUsage": "1.5MiB / 2GiB", "PIDs": "4"});
        let podman =
            json!({"id": "a", "cpu_percent": "12.50%", "mem_usage": "1.572864MB / 2.147483648GB", "pids": "4"});
        assert_eq!(printed(&docker), printed(&podman));
        assert_eq!(printed(&docker).unwrap().memory, 1_572_864);
    }
}
