//! Hides credentials in URLs wherever configuration is shown.

use std::borrow::Cow;
use std::ops::Range;

const MASK: &str = "***";

/// `text` with the password of every URL in it replaced by `***`: `https://me:secret@host/` becomes
/// `https://me:***@host/`. The only part before `@` of a web URL is a token, so it is replaced as well.
#[must_use]
pub fn mask_credentials(text: &str) -> Cow<'_, str> {
    let secrets = secrets(text);
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    let mut done = 0;
    for secret in secrets {
        masked.push_str(&text[done..secret.start]);
        masked.push_str(MASK);
        done = secret.end;
    }
    masked.push_str(&text[done..]);
    Cow::Owned(masked)
}

/// The masked text, and where the byte range `span` of `text` lies in it.
pub(super) fn mask_line(text: &str, span: Range<usize>) -> (String, Range<usize>) {
    let secrets = secrets(text);
    let moved = |offset: usize| {
        let mut position = offset;
        for secret in &secrets {
            if offset >= secret.end {
                position = position + MASK.len() - secret.len();
            } else if offset > secret.start {
                // Inside a secret: point at its start, after what earlier secrets moved.
                position -= offset - secret.start;
            }
        }
        position
    };
    let span = moved(span.start)..moved(span.end);
    (mask_credentials(text).into_owned(), span)
}

/// Byte ranges of passwords and tokens, in order, none empty.
fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find("://") {
        let start = from + at + "://".len();
        let end = text[start..]
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | '<' | '>'))
            .map_or(text.len(), |length| start + length);
        let scheme = &text[..start - "://".len()];
        if let Some(secret) = secret_in(&text[start..end], scheme.ends_with("http") || scheme.ends_with("https")) {
            found.push(start + secret.start..start + secret.end);
        }
        // One URL may hold another (in its query); what was masked is not searched again.
        from = found.last().map_or(start, |secret| secret.end.max(start));
    }
    found
}

/// The secret in what follows `scheme://`.
fn secret_in(rest: &str, web: bool) -> Option<Range<usize>> {
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let at = match rest[..authority].rfind('@') {
        Some(at) => at,
        // A password with an unescaped slash: what follows the colon is no port, so it is no host either.
        None => {
            let (_, port) = rest[..authority].split_once(':')?;
            if port.bytes().all(|b| b.is_ascii_digit()) || port.ends_with(']') {
                return None;
            }
            authority + rest[authority..].rfind('@')?
        }
    };
    let secret = match rest[..at].find(':') {
        Some(colon) => colon + 1..at,
        None if web => 0..at,
        None => return None,
    };
    (!secret.is_empty()).then_some(secret)
}
