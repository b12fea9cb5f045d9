//! Durations as people write them: `60s`, `5m`, `1h30m`, `500ms`, `180d`.

use std::time::Duration;

/// Days are read and never written: `24h` stays what it was.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads `180d`, `1h30m`, `5m`, `60s`, `500ms`, or seconds without a unit (`60`). Units go from large to small, each once;
/// zero is none.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let text = if text.bytes().all(|b| b.is_ascii_digit()) { format!("{text}s") } else { text.to_owned() };
    let mut rest = text.as_str();
    let mut units = UNITS.as_slice();
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let length = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let place = units.iter().position(|(unit, _)| *unit == &rest[..length])?;
        total = total.checked_add(number.checked_mul(units[place].1)?)?;
        units = &units[place + 1..];
        rest = &rest[length..];
    }
    (total > 0).then(|| Duration::from_millis(total))
}

/// Writes a duration as [`parse_duration`] reads it, to the millisecond.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let mut left = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (unit, size) in UNITS.into_iter().skip(1) {
        if left >= size {
            text.push_str(&format!("{}{unit}", left / size));
            left %= size;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}
