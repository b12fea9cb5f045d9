//! The process that started something, told apart from a later one with the same number.
//!
//! Written `<boot>-<namespace>-<pid>-<start>`: the boot id and the process namespace of Linux, the process id, and its
//! start time in clock ticks (proc(5), `/proc/<pid>/stat`, field 22). Where there is no `/proc` only the id counts.

use std::fmt;
use std::str::FromStr;

use rustix::process::{Pid, test_kill_process};

/// A process of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    boot: String,
    namespace: String,
    pid: u32,
    start: u64,
}

/// Whether an owner is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// It is.
    Alive,
    /// It is not.
    Dead,
    /// It is of another machine or process namespace: nothing can be said.
    Elsewhere,
}

impl Owner {
    /// This process.
    #[must_use]
    pub fn current() -> Self {
        Self::of(std::process::id())
    }

    /// The process `pid` as it is now.
    #[must_use]
    pub fn of(pid: u32) -> Self {
        let namespace =
            std::fs::read_link("/proc/self/ns/pid").map(|link| digits(&link.to_string_lossy())).unwrap_or_default();
        Self { boot: boot(), namespace, pid, start: start_of(pid).unwrap_or(0) }
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// A short word for it in names: process ids alone repeat in containers.
    #[must_use]
    pub fn short(&self) -> String {
        blake3::hash(self.to_string().as_bytes()).to_hex()[..8].to_owned()
    }

    /// Whether it is still there.
    #[must_use]
    pub fn life(&self) -> Life {
        let here = Self::current();
        if (&self.boot, &self.namespace) != (&here.boot, &here.namespace) {
            // After a reboot nothing of before is alive; another namespace of this boot cannot be looked into.
            return if self.boot == here.boot || self.boot.is_empty() { Life::Elsewhere } else { Life::Dead };
        }
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else { return Life::Dead };
        let there = match start_of(self.pid) {
            Some(start) => start == self.start,
            None => self.start == 0 && test_kill_process(pid).is_ok(),
        };
        if there { Life::Alive } else { Life::Dead }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}-{}", self.boot, self.namespace, self.pid, self.start)
    }
}

impl FromStr for Owner {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('-');
        let (Some(boot), Some(namespace), Some(pid), Some(start), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(());
        };
        let pid = pid.parse().map_err(|_| ())?;
        Ok(Self { boot: boot.into(), namespace: namespace.into(), pid, start: start.parse().map_err(|_| ())? })
    }
}

fn boot() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    text.trim().split('-').next().unwrap_or_default().to_owned()
}

fn start_of(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    // A zombie has ended; it only waits to be counted.
    if fields.first() == Some(&"Z") {
        return None;
    }
    fields.get(19)?.parse().ok()
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_a_past_one_is_not() {
        let here = Owner::current();
        assert_eq!(here.to_string().parse::<Owner>(), Ok(here.clone()));
        assert_eq!(here.life(), Life::Alive);
        assert_eq!(here.short(), Owner::current().short());
        let past = Owner { start: here.start + 1, ..here.clone() };
        assert_eq!(past.life(), Life::Dead);
        let before_boot = Owner { boot: "00000000".into(), ..here.clone() };
        assert_eq!(before_boot.life(), Life::Dead);
        let elsewhere = Owner { namespace: "1".into(), ..here };
        assert_eq!(elsewhere.life(), Life::Elsewhere);
    }

    #[test]
    fn the_same_number_in_two_containers_makes_two_names() {
        let here = Owner::current();
        let inside = Owner { namespace: "1".into(), ..here.clone() };
        assert_eq!((here.pid(), here.short().len()), (inside.pid(), 8));
        assert_ne!(here.short(), inside.short());
    }
}
