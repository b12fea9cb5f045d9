//! Hides credentials in URLs wherever configuration is shown.

use std::borrow::Cow;
use std::ops::Range;

const MASK: &str = "***";
/// A URL is looked for in so many bytes after its scheme, which keeps the search linear.
const LONGEST_URL: usize = 4096;

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

/// The part `window` of `text`, masked, and where the byte range `span` within the window lies in it. `secrets` are
/// those of the whole text, so that a cut through a URL hides no less.
pub(super) fn mask_window(
    text: &str,
    secrets: &[Range<usize>],
    window: &Range<usize>,
    span: Range<usize>,
) -> (String, Range<usize>) {
    let first = secrets.partition_point(|secret| secret.end <= window.start);
    let mut masked = String::with_capacity(window.len());
    let mut done = window.start;
    let mut span = span.start - window.start..span.end - window.start;
    let unmasked = span.clone();
    for secret in secrets[first..].iter().take_while(|secret| secret.start < window.end) {
        let hidden = secret.start.max(window.start)..secret.end.min(window.end);
        masked.push_str(&text[done..hidden.start]);
        masked.push_str(MASK);
        done = hidden.end;
        let within = hidden.start - window.start..hidden.end - window.start;
        span.start = moved(span.start, unmasked.start, &within);
        span.end = moved(span.end, unmasked.end, &within);
    }
    masked.push_str(&text[done..window.end]);
    (masked, span)
}

/// Where `position`, which was at `offset` before anything was masked, is after `hidden` is masked too.
fn moved(position: usize, offset: usize, hidden: &Range<usize>) -> usize {
    if offset >= hidden.end {
        position + MASK.len() - hidden.len()
    } else if offset > hidden.start {
        position - (offset - hidden.start)
    } else {
        position
    }
}

/// Byte ranges of passwords and tokens, in order, none empty.
pub(super) fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    // End of the text without blanks or quotes that was looked at last.
    let mut run_end = 0;
    while let Some(at) = text[from..].find("://") {
        let start = from + at + "://".len();
        if start >= run_end {
            run_end = text[start..].find(ends_url).map_or(text.len(), |length| start + length);
        }
        let end = run_end.min(text.floor_char_boundary(start + LONGEST_URL));
        let scheme = &text[..start - "://".len()];
        if let Some(secret) = secret_in(&text[start..end], scheme.ends_with("http") || scheme.ends_with("https")) {
            found.push(start + secret.start..start + secret.end);
        }
        // One URL may hold another (in its query); what was masked is not searched again.
        from = found.last().map_or(start, |secret| secret.end.max(start));
    }
    found
}

fn ends_url(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | '<' | '>')
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
