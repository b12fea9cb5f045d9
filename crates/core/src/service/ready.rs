//! When a service is ready, and waiting for that.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use wharf_engine::{Client, Deadline, Ran};

use super::error::{NotReady, ServiceError};

/// How long one look may take.
const LOOK: Duration = Duration::from_secs(10);
/// The longest time between two looks.
const PAUSE: Duration = Duration::from_millis(250);
/// Lines of a service's log that a message shows.
const TAIL: usize = 15;

/// What a look is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Probe {
    /// A command for `sh` succeeds.
    Command(String),
    /// Somebody listens on a port, other than for the container itself.
    Tcp(u16),
    /// An address answers, given as port and path.
    Http(String),
    /// The image's own health check says so, where it has one.
    Health,
}

impl Probe {
    /// Reads what the configuration says.
    pub(super) fn parse(text: &str) -> Self {
        match text.split_once(':') {
            Some(("tcp", port)) if port.parse::<u16>().is_ok() => Self::Tcp(port.parse().unwrap_or_default()),
            Some(("http", rest)) if rest.starts_with(|c: char| c.is_ascii_digit()) => Self::Http(rest.to_owned()),
            _ => Self::Command(text.to_owned()),
        }
    }

    /// The port that it names.
    pub(super) fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp(port) => Some(*port),
            Self::Http(rest) => rest.split('/').next().and_then(|port| port.parse().ok()),
            Self::Command(_) | Self::Health => None,
        }
    }

    /// What a look runs in the container; `None` where it runs nothing.
    pub(super) fn script(&self) -> Option<String> {
        Some(match self {
            Self::Command(command) => command.clone(),
            Self::Tcp(port) => format!("cat /proc/net/tcp /proc/net/tcp6 | grep -q ':{port:04X} 0*:0000 0A '"),
            Self::Http(rest) => {
                let url = format!("http://127.0.0.1:{rest}");
                format!("curl -fsS -o /dev/null '{url}' || wget -q -O /dev/null '{url}'")
            }
            Self::Health => return None,
        })
    }

    /// Looks once: `Ok` where it is ready, else how that went.
    fn look(&self, client: &Client, container: &str, limit: Duration) -> Result<(), String> {
        let shown = match self {
            Self::Command(command) => format!("`{command}`"),
            Self::Tcp(port) => return listens(client, container, *port, limit),
            Self::Http(rest) => format!("`http:{rest}`"),
            Self::Health => return healthy(client, container),
        };
        let script = self.script().unwrap_or_default();
        match client.run_in(container, &["sh", "-c", &script], limit) {
            Ok(Ran::Ended { code: 0, .. }) => Ok(()),
            Ok(Ran::Ended { code, output }) => {
                let last = last_lines(&output, 1).pop().map(|line| format!(" ({line})")).unwrap_or_default();
                Err(format!("{shown} failed with code {code}{last}"))
            }
            Ok(Ran::OverTime) => Err(format!("{shown} did not end within {} s", limit.as_secs())),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// The table is read here: `cat` is all that the image must have.
fn listens(client: &Client, name: &str, port: u16, limit: Duration) -> Result<(), String> {
    match client.run_in(name, &["cat", "/proc/net/tcp", "/proc/net/tcp6"], limit) {
        Ok(Ran::Ended { output, .. }) if is_listened_on(&String::from_utf8_lossy(&output), port) => Ok(()),
        Ok(_) => Err(format!("nobody listened on port {port}")),
        Err(error) => Err(error.to_string()),
    }
}

fn healthy(client: &Client, container: &str) -> Result<(), String> {
    match client.standing(container) {
        Ok(Some(standing)) => match standing.health.as_deref() {
            None | Some("" | "none" | "healthy") if standing.running => Ok(()),
            None => Err("it does not run".to_owned()),
            Some(health) => Err(format!("its health check says `{health}`")),
        },
        Ok(None) => Err("it is gone".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Whether the kernel's table (proc(5), `/proc/net/tcp`) has a listener (state `0A`) on a port, at more than the loopback.
fn is_listened_on(table: &str, port: u16) -> bool {
    let port = format!("{port:04X}");
    table.lines().any(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let (Some(local), _, Some(state)) = (fields.next(), fields.next(), fields.next()) else { return false };
        let Some((address, at)) = local.split_once(':') else { return false };
        let is_loopback = match address.len() {
            8 => address.ends_with("7F"),
            _ => address == "00000000000000000000000001000000",
        };
        state == "0A" && at == port && !is_loopback
    })
}

/// Whether what is waited for is not wanted any more.
pub(super) type IsOver<'a> = &'a dyn Fn() -> bool;

/// Looks once. A look that hangs is left to itself as soon as nobody wants it.
fn look_while(
    client: &Client,
    container: &str,
    (probe, limit): (&Probe, Duration),
    is_over: IsOver<'_>,
) -> Result<Result<(), String>, ServiceError> {
    let (sender, looked) = mpsc::sync_channel(1);
    let (client, container, probe) = (client.clone(), container.to_owned(), probe.clone());
    thread::spawn(move || {
        let _ = sender.send(probe.look(&client, &container, limit));
    });
    loop {
        match looked.recv_timeout(PAUSE) {
            Ok(looked) => return Ok(looked),
            Err(RecvTimeoutError::Disconnected) => return Ok(Err("the look at it failed".to_owned())),
            Err(RecvTimeoutError::Timeout) if is_over() => return Err(ServiceError::Stopped),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// Waits until a service is ready.
///
/// # Errors
/// When it ends, takes too long, or is not wanted any more.
pub(super) fn wait(
    client: &Client,
    (name, container): (&str, &str),
    probe: Option<&Probe>,
    limit: Duration,
    is_over: IsOver<'_>,
) -> Result<(), ServiceError> {
    let deadline = Deadline::after(limit);
    let mut pause = Duration::from_millis(20);
    loop {
        if is_over() {
            return Err(ServiceError::Stopped);
        }
        let looked = match probe {
            Some(probe) => look_while(client, container, (probe, deadline.left().clamp(PAUSE, LOOK)), is_over)?,
            None => Ok(()),
        };
        let not_ready = |why| {
            let tail = last_lines(&client.printed(container).unwrap_or_default(), TAIL);
            ServiceError::NotReady { name: name.to_owned(), why, tail }
        };
        if looked.is_ok() && probe.is_some() {
            return Ok(());
        }
        let standing = client.standing(container)?.unwrap_or_default();
        match looked {
            _ if !standing.running => return Err(not_ready(NotReady::Ended(standing.exit_code))),
            Ok(()) => return Ok(()),
            Err(last) if deadline.left().is_zero() => {
                return Err(not_ready(NotReady::OverTime { seconds: limit.as_secs(), last }));
            }
            Err(_) => {}
        }
        thread::sleep(pause);
        pause = (pause * 2).min(PAUSE);
    }
}

/// The last lines of what was printed that are not empty.
pub(super) fn last_lines(printed: &[u8], count: usize) -> Vec<String> {
    let text = String::from_utf8_lossy(printed);
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let shown = |line: &&str| line.chars().take(300).collect();
    lines[lines.len().saturating_sub(count)..].iter().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0B00007F:A197 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7411504
   1: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7411505
   2: 00000000:18EB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7411506
   3: 020012AC:0050 030012AC:C350 01 00000000:00000000 00:00000000 00000000     0        0 7411507
   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:0 0 0 0 7
";

    #[test]
    fn listeners_are_told_from_others() {
        assert!(is_listened_on(TABLE, 6379));
        assert!(is_listened_on(TABLE, 8080), "IPv6 serves both");
        assert!(!is_listened_on(TABLE, 5432), "the loopback is for itself");
        assert!(!is_listened_on(TABLE, 80), "a connection is no listener");
    }

    #[test]
    fn what_is_written_becomes_a_look() {
        assert_eq!(Probe::parse("tcp:5432"), Probe::Tcp(5432));
        assert_eq!(Probe::parse("http:8080/health"), Probe::Http("8080/health".into()));
        assert_eq!(Probe::parse("http:8080/health").port(), Some(8080));
        assert_eq!(Probe::parse("tcp:x"), Probe::Command("tcp:x".into()));
        assert_eq!(Probe::parse("pg_isready -U a:b"), Probe::Command("pg_isready -U a:b".into()));
    }

    #[test]
    fn the_tail_is_short() {
        assert_eq!(last_lines(b"a\n\nb \nc\n", 2), ["b", "c"]);
        assert_eq!(last_lines(b"", 2), [""; 0]);
    }
}
