//! The little of HTTP/1.1 that a connection to an engine's socket needs which becomes a raw stream: a command in a running
//! container, a proxy in front of the socket. No runtime, no pool: one request, one connection.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// The most that a head may have, in bytes.
const MOST: usize = 1 << 20;

/// How long an engine may take to answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// The head of a request or an answer: its first line and its fields.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// Such as `POST /containers/create HTTP/1.1`.
    pub line: String,
    /// Names, as they were written, with their values.
    pub fields: Vec<(String, String)>,
}

impl Head {
    /// Reads one; `None` where the other side has closed.
    ///
    /// # Errors
    /// When the connection breaks within it, or it is none.
    pub fn read(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut head = Self::default();
        let mut length = 0;
        loop {
            let mut line = String::new();
            let read = from.take((MOST - length) as u64).read_line(&mut line)?;
            length += read;
            if read == 0 {
                return if length == 0 { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
            let line = line.trim_end_matches(['\r', '\n']);
            if head.line.is_empty() {
                line.clone_into(&mut head.line);
            } else if line.is_empty() {
                return Ok(Some(head));
            } else if let Some((name, value)) = line.split_once(':') {
                head.fields.push((name.to_owned(), value.trim().to_owned()));
            }
        }
    }

    /// The value of a field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Without a field.
    pub fn remove(&mut self, name: &str) {
        self.fields.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }

    /// As it is sent.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{}\r\n", self.line);
        for (name, value) in &self.fields {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        text.into_bytes()
    }

    /// The code of an answer; 0 where it is none.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.line.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
    }

    /// Whether a body comes in chunks.
    #[must_use]
    pub fn is_chunked(&self) -> bool {
        self.field("Transfer-Encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
    }

    /// How long the body is, where that is said.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.field("Content-Length")?.parse().ok()
    }
}

/// Reads the body that goes with `head`. `to_end`: whether one without a length goes on to the end of the connection.
///
/// # Errors
/// When the connection breaks.
pub fn body(head: &Head, from: &mut impl BufRead, to_end: bool) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if head.is_chunked() {
        loop {
            let mut line = String::new();
            from.read_line(&mut line)?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(size, 16).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
            if from.take(size).read_to_end(&mut bytes)? as u64 != size {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            from.read_line(&mut String::new())?;
            if size == 0 {
                return Ok(bytes);
            }
        }
    }
    match head.length() {
        Some(length) if from.take(length).read_to_end(&mut bytes)? as u64 != length => {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        None if to_end => drop(from.read_to_end(&mut bytes)?),
        _ => {}
    }
    Ok(bytes)
}

/// Asks for a connection that becomes a raw stream. Gives it, with what has come of the stream already; or the code and the
/// body of a refusal.
///
/// # Errors
/// When the engine does not answer, or not in HTTP.
pub fn upgrade(socket: &Path, path: &str, json: &serde_json::Value) -> io::Result<Result<Raw, (u16, Vec<u8>)>> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let wish = "Connection: Upgrade\r\nUpgrade: tcp\r\n";
    stream.write_all(request("POST", path, &json.to_string(), wish).as_bytes())?;
    let mut reader = BufReader::new(stream);
    let head = Head::read(&mut reader)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    match head.status() {
        // Docker before 1.8 and some proxies answer 200 and go on just so.
        101 | 200 => {
            // What the command says, it says when it likes.
            reader.get_ref().set_read_timeout(None)?;
            Ok(Ok(Raw(reader)))
        }
        code => Ok(Err((code, body(&head, &mut reader, true)?))),
    }
}

fn request(method: &str, path: &str, body: &str, fields: &str) -> String {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{fields}\r\n{body}"
    )
}

/// A connection that has become a raw stream.
#[derive(Debug)]
pub struct Raw(BufReader<UnixStream>);

impl Raw {
    /// The other direction.
    ///
    /// # Errors
    /// When the system has no more descriptors.
    pub fn writer(&self) -> io::Result<UnixStream> {
        self.0.get_ref().try_clone()
    }
}

impl Read for Raw {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

/// What an engine says in a refusal: its `message`, else the body as it is.
#[must_use]
pub fn message(body: &[u8]) -> String {
    let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let said = json.as_ref().and_then(|json| json.get("message")).and_then(serde_json::Value::as_str);
    said.map_or_else(|| String::from_utf8_lossy(body).trim().to_owned(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_and_bodies_are_read() {
        let text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: a: b\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\nHTTP/1.1 204 None\r\n\r\n";
        let mut reader = BufReader::new(text.as_bytes());
        let head = Head::read(&mut reader).unwrap().unwrap();
        assert_eq!((head.status(), head.field("x")), (200, Some("a: b")));
        assert_eq!(body(&head, &mut reader, true).unwrap(), b"abcde");
        let head = Head::read(&mut reader).unwrap().unwrap();
        assert_eq!((head.status(), body(&head, &mut reader, false).unwrap().len()), (204, 0));
        assert_eq!(Head::read(&mut reader).unwrap(), None);
    }

    #[test]
    fn what_breaks_off_is_an_error() {
        let mut reader = BufReader::new("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab".as_bytes());
        let head = Head::read(&mut reader).unwrap().unwrap();
        assert!(body(&head, &mut reader, false).is_err());
        assert!(Head::read(&mut BufReader::new("POST / HTTP/1.1\r\nHo".as_bytes())).is_err());
    }
}
