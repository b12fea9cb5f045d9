//! When something is tried again, and after how long. Pure but for the chance in the waits.
//!
//! Tried again is what may be better in a moment: 5xx, 429, connections that break. Never what an answer decides: 401, 403, 404.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// How patient a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How often something is tried in all.
    pub tries: u32,
    /// The wait before the second try; each later one is twice the one before.
    pub first: Duration,
    /// The longest wait of its own choice.
    pub longest: Duration,
    /// The longest wait that a registry may ask for; past it, it counts as failing.
    pub longest_asked: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            tries: 5,
            first: Duration::from_millis(300),
            longest: Duration::from_secs(10),
            longest_asked: Duration::from_secs(60),
        }
    }
}

/// Something will be tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// What is tried: a registry or an image.
    pub what: String,
    /// Why the last try failed.
    pub why: String,
    /// Number of the next try, from 2.
    pub next: u32,
    /// How often it is tried at most.
    pub of: u32,
    /// How long is waited before it.
    pub wait: Duration,
}

impl Patience {
    /// The wait after try number `tried` (from 1), with `chance` from 0 to 1; `None` where it was the last one. `asked` is what the
    /// registry's `Retry-After` says.
    #[must_use]
    pub fn wait(&self, tried: u32, asked: Option<Duration>, chance: f64) -> Option<Duration> {
        if tried >= self.tries {
            return None;
        }
        if let Some(asked) = asked {
            return (asked <= self.longest_asked).then_some(asked);
        }
        let doubled = self.first.saturating_mul(1 << (tried - 1).min(16));
        // Half is certain, half is chance: those that were refused together do not come back together.
        Some(doubled.min(self.longest).mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0))
    }
}

/// A number from 0 to 1 that nobody can foresee well; no secret depends on it.
#[must_use]
pub(crate) fn chance() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 32;
    #[allow(clippy::cast_precision_loss, reason = "32 bits fit")]
    let number = bits as f64;
    number / f64::from(u32::MAX)
}

/// The wait that a `Retry-After` in seconds asks for (RFC 9110, 10.2.3). A date is not heeded: clocks differ.
#[must_use]
pub(crate) fn retry_after(header: Option<&str>) -> Option<Duration> {
    header?.trim().parse().ok().map(Duration::from_secs)
}

/// Whether what an engine's program says of a transfer may be better in a moment.
#[must_use]
pub(crate) fn may_pass(detail: &str) -> bool {
    let detail = detail.to_lowercase();
    let final_words = ["unauthorized", "authentication required", "denied", "forbidden", "not found", "no basic auth"];
    if final_words.iter().any(|word| detail.contains(word)) {
        return false;
    }
    let status = ["500", "502", "503", "504", "429"];
    let of_status = ["status: ", "status code ", "statuscode: ", "http status: ", "status from"];
    status.iter().any(|code| of_status.iter().any(|word| detail.contains(&format!("{word}{code}"))))
        || [
            "toomanyrequests",
            "too many requests",
            "connection reset",
            "connection refused",
            "broken pipe",
            "unexpected eof",
            ": eof",
            "i/o timeout",
            "tls handshake timeout",
            "internal server error",
            "bad gateway",
            "service unavailable",
            "gateway timeout",
            "server closed",
            "use of closed network connection",
        ]
        .iter()
        .any(|word| detail.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn waits_grow_vary_and_end() {
        let patience = Patience::default();
        let waits: Vec<_> = (1..=5).map(|tried| patience.wait(tried, None, 1.0)).collect();
        assert_eq!(waits, [Some(MS(300)), Some(MS(600)), Some(MS(1200)), Some(MS(2400)), None]);
        assert_eq!(patience.wait(1, None, 0.0), Some(MS(150)));
        let many = Patience { tries: 100, ..patience };
        assert_eq!(many.wait(90, None, 1.0), Some(Duration::from_secs(10)));
        assert!((0..100).map(|_| chance()).all(|chance| (0.0..=1.0).contains(&chance)));
    }

    #[test]
    fn what_a_registry_asks_for_is_heeded_within_reason() {
        let patience = Patience::default();
        assert_eq!(patience.wait(1, retry_after(Some(" 7 ")), 0.3), Some(Duration::from_secs(7)));
        assert_eq!(patience.wait(1, retry_after(Some("3600")), 0.3), None);
        assert_eq!(patience.wait(5, retry_after(Some("1")), 0.3), None);
        assert_eq!(retry_after(Some("Wed, 21 Oct 2026 07:28:00 GMT")), None);
    }

    #[test]
    fn what_engines_say_is_sorted() {
        for text in [
            "received unexpected HTTP status: 503 Service Unavailable",
            "toomanyrequests: rate exceeded",
            "Put \"http://x/v2/\": EOF",
            "read tcp 127.0.0.1:1->127.0.0.1:2: read: connection reset by peer",
            "uploading layer chunked: StatusCode: 500, \"\"",
        ] {
            assert!(may_pass(text), "{text}");
        }
        for text in [
            "denied: requested access to the resource is denied",
            "unauthorized: authentication required",
            "manifest for x:1 not found: manifest unknown",
            "x509: certificate signed by unknown authority",
            "no basic auth credentials",
        ] {
            assert!(!may_pass(text), "{text}");
        }
    }
}
