//! Docker's API over its local socket for single questions: no runtime, no client library, 1 ms each.
//!
//! A request of HTTP/1.0 is answered in one piece that ends with the connection (RFC 1945, section 7.2.2), so no chunks
//! are to be put together. No version is in the path: the engine answers in its own newest one.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::error::EngineError;
use crate::kind::Kind;

/// How long an engine may take for anything that is not limited otherwise.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the engine answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Status of HTTP.
    pub status: u16,
    /// All that followed the head.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The answer where the engine did what it was asked.
    pub fn good(self, verb: &str) -> Result<Self, EngineError> {
        if self.status < 400 {
            return Ok(self);
        }
        let detail = self.json().get("message").and_then(Value::as_str).map(str::to_owned);
        let detail = detail.unwrap_or_else(|| String::from_utf8_lossy(&self.body).trim().to_owned());
        Err(EngineError::classify(Kind::Docker, verb, &detail))
    }
}

/// A request, sent when one of its verbs is called.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    socket: &'a Path,
    limit: Duration,
}

/// Asks the engine that listens on `socket`.
pub(crate) fn at(socket: &Path) -> Request<'_> {
    Request { socket, limit: PATIENCE }
}

impl Request<'_> {
    /// Waits no longer than this.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// `GET`.
    pub fn get(&self, path: &str) -> Result<Answer, EngineError> {
        self.send("GET", path, None)
    }

    /// `POST`, with or without a body.
    pub fn post(&self, path: &str, body: Option<&Value>) -> Result<Answer, EngineError> {
        self.send("POST", path, body)
    }

    /// `DELETE`.
    pub fn delete(&self, path: &str) -> Result<Answer, EngineError> {
        self.send("DELETE", path, None)
    }

    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer, EngineError> {
        let answer = self.exchange(method, path, body).map_err(|error| EngineError::NotRunning {
            kind: Kind::Docker,
            detail: match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => format!("no answer within {} s", self.limit.as_secs()),
                _ => error.to_string(),
            },
        })?;
        parse(&answer).ok_or_else(|| EngineError::Answer {
            kind: Kind::Docker,
            verb: format!("answer {method} {path}"),
            detail: "its answer is not HTTP".into(),
        })
    }

    fn exchange(&self, method: &str, path: &str, body: Option<&Value>) -> std::io::Result<Vec<u8>> {
        let until = Instant::now() + self.limit;
        let mut stream = UnixStream::connect(self.socket)?;
        let body = body.map(Value::to_string).unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: docker\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
        let mut answer = Vec::new();
        let mut buffer = [0_u8; 16 * 1024];
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            stream.set_read_timeout(Some(left))?;
            match stream.read(&mut buffer) {
                Ok(0) => return Ok(answer),
                Ok(count) => answer.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn parse(answer: &[u8]) -> Option<Answer> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let status = head.lines().next()?.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, body: answer[end + 4..].to_vec() })
}

/// `text` as a part of a path or query: all but letters, digits and `-_.~` as `%XX` (RFC 3986, section 2.1).
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Takes the streams of a container that has no terminal apart: each piece has a head of eight bytes, the last four of
/// which are its length (Docker Engine API, "Attach to a container").
pub(crate) fn without_heads(mut stream: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(stream.len());
    while let Some((head, rest)) = stream.split_at_checked(8) {
        let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let piece = &rest[..length.min(rest.len())];
        out.extend_from_slice(piece);
        stream = &rest[piece.len()..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_apart() {
        let answer = parse(b"HTTP/1.0 404 Not Found\r\nA: b\r\n\r\n{\"message\":\"no such thing\"}").unwrap();
        assert_eq!(answer.status, 404);
        assert!(answer.good("look").unwrap_err().to_string().contains("no such thing"));
        assert!(parse(b"garbage").is_none());
    }

    #[test]
    fn text_is_escaped_for_a_query() {
        assert_eq!(escaped("a/b {\"x\"}"), "a%2Fb%20%7B%22x%22%7D");
    }

    #[test]
    fn heads_of_streams_go() {
        let mut stream = vec![1, 0, 0, 0, 0, 0, 0, 3];
        stream.extend(b"one");
        stream.extend([2, 0, 0, 0, 0, 0, 0, 9]);
        stream.extend(b"cut");
        assert_eq!(without_heads(&stream), b"onecut");
        assert_eq!(without_heads(b"short"), b"");
    }
}
