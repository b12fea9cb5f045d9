//! The words for numbers.

use std::time::Duration;

use wharf_core::test_suite::{Summary, Verdict};

/// Seconds as people read them: `0.12s`, `12.3s`, `2m05s`, `1h02m`.
#[must_use]
pub fn seconds(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match seconds {
        s if s < 0.995 => format!("{:.2}s", s.max(0.0)),
        s if s < 99.95 => format!("{s:.1}s"),
        s if s < 3599.5 => format!("{}m{:02}s", whole / 60, whole % 60),
        _ => format!("{}h{:02}m", whole / 3600, whole % 3600 / 60),
    }
}

/// Whole seconds as people read them: `14s`, `2m05s`, `1h02m`.
pub(super) fn whole_seconds(time: Duration) -> String {
    match time.as_secs() {
        whole if whole < 100 => format!("{whole}s"),
        whole => seconds(whole as f64),
    }
}

/// `1 test`, `3 tests`.
pub(super) fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// `209 passed, 3 failed`: all verdicts that occur, `0 passed` where none does, and `3 deselected`.
pub(super) fn counts(summary: &Summary) -> String {
    let mut parts: Vec<_> = Verdict::ALL
        .into_iter()
        .map(|verdict| (verdict, summary.count(verdict)))
        .filter(|(_, count)| *count > 0)
        .map(|(verdict, count)| format!("{count} {}", plural(verdict, count)))
        .collect();
    if summary.cached > 0 {
        parts.push(format!("{} cached", summary.cached));
    }
    if parts.is_empty() {
        parts.push("0 passed".into());
    }
    if summary.deselected > 0 {
        parts.push(format!("{} deselected", summary.deselected));
    }
    parts.join(", ")
}

/// The verdict's word behind a number.
pub(super) fn plural(verdict: Verdict, count: usize) -> &'static str {
    match verdict {
        Verdict::Error if count != 1 => "errors",
        _ => verdict.word(),
    }
}

/// The id of a test without the address of its dir.
pub(super) fn within<'a>(id: &'a str, dir: &str) -> &'a str {
    id.strip_prefix(dir).and_then(|rest| rest.strip_prefix('/')).unwrap_or(id)
}

/// A size on disk, in three digits or so: `12 kB`, `123 MB`, `2.50 GB`.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn bytes(bytes: u64) -> String {
    match bytes as f64 {
        0.0 => "0 B".into(),
        bytes if bytes < 1e3 => format!("{bytes:.0} B"),
        bytes if bytes < 1e6 => format!("{:.0} kB", bytes / 1e3),
        bytes if bytes < 1e9 => format!("{:.0} MB", bytes / 1e6),
        bytes => format!("{:.2} GB", bytes / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_grow_into_minutes_and_hours() {
        let shown: Vec<_> = [0.0, 0.123, 0.999, 12.34, 99.96, 125.4, 3599.6, 7325.0].map(seconds).to_vec();
        assert_eq!(shown, ["0.00s", "0.12s", "1.0s", "12.3s", "1m40s", "2m05s", "1h00m", "2h02m"]);
    }
}
