//! A socket in front of an engine's own, lent to a container: what is made through it carries labels, and paths that the
//! container knows are translated into those of the host.
//!
//! Requests are read one by one; only those that make something are changed, everything else is passed on as it comes.
//! Answers are passed on unread. A request that may make a raw stream of its
//! connection (`attach`, `exec`, a BuildKit session) goes over one of its own, and only where the engine's answer says so is all
//! that follows passed on unread. Works for Docker's API and for Podman's own.

mod rewrite;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::http::{self, Head};
use crate::socket;

pub use rewrite::Rules;

/// The most that a request may hold which makes something, in bytes.
const MOST: u64 = 64 << 20;

/// A proxy that runs in threads of this process until it is dropped. Connections that are open then are left alone.
#[derive(Debug)]
pub struct Proxy {
    path: PathBuf,
    stop: Arc<AtomicBool>,
}

impl Proxy {
    /// Listens at `path`, whose folder only the caller should be able to enter: whoever can open the socket may use the
    /// engine.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn open(path: &Path, upstream: &Path, rules: Rules) -> io::Result<Self> {
        let listener = UnixListener::bind(path)?;
        // Whoever runs in the container has another id there, or none.
        fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o666))?;
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, upstream, rules) = (Arc::clone(&stop), upstream.to_path_buf(), Arc::new(rules));
        thread::spawn(move || {
            for client in listener.incoming() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(client) = client else { continue };
                let (upstream, rules) = (upstream.clone(), Arc::clone(&rules));
                // A connection that breaks off is the client's affair.
                thread::spawn(move || serve(&client, &upstream, &rules));
            }
        });
        Ok(Self { path: path.to_path_buf(), stop })
    }

    /// Where it listens.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = UnixStream::connect(&self.path);
        let _ = std::fs::remove_file(&self.path);
    }
}

fn serve(client: &UnixStream, upstream: &Path, rules: &Rules) -> io::Result<()> {
    let Ok(mut engine) = UnixStream::connect(upstream) else {
        let text = r#"{"message":"the engine of the host does not answer"}"#;
        let length = text.len();
        return write!(&*client, "HTTP/1.1 503 Gone\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}");
    };
    let (mut answers, mut answered) = (engine.try_clone()?, client.try_clone()?);
    let is_raw = Arc::new(AtomicBool::new(false));
    let became_raw = Arc::clone(&is_raw);
    thread::spawn(move || {
        let _ = io::copy(&mut answers, &mut answered);
        if !became_raw.load(Ordering::Relaxed) {
            let _ = answered.shutdown(Shutdown::Write);
        }
    });
    let session = Session { client, upstream, rules, is_raw: &is_raw };
    let done = session.pass_requests(&mut engine);
    // What the client has said is said: an answer may still come.
    let _ = engine.shutdown(Shutdown::Write);
    done
}

/// One connection of a client.
struct Session<'a> {
    client: &'a UnixStream,
    upstream: &'a Path,
    rules: &'a Rules,
    /// Set when no further answer comes on the connection that requests go to.
    is_raw: &'a AtomicBool,
}

impl Session<'_> {
    fn pass_requests(&self, engine: &mut UnixStream) -> io::Result<()> {
        let mut requests = BufReader::new(self.client);
        while let Some(mut head) = Head::read(&mut requests)? {
            let target = head.line.split(' ').nth(1).unwrap_or_default().to_owned();
            let path = target.split('?').next().unwrap_or_default();
            if is_start(&head, path) {
                // Whether it becomes a stream stands in its body.
                let body = self.whole_body(&mut head, &mut requests)?;
                if is_detached(&body) {
                    engine.write_all(&head.bytes())?;
                    engine.write_all(&body)?;
                } else if self.may_become_raw(&head, &mut body.as_slice(), &mut requests)? {
                    return Ok(());
                }
                continue;
            }
            if head.field("Upgrade").is_some() || (head.line.starts_with("POST ") && path.ends_with("/attach")) {
                let body = self.whole_body(&mut head, &mut requests)?;
                if self.may_become_raw(&head, &mut body.as_slice(), &mut requests)? {
                    return Ok(());
                }
                continue;
            }
            let Some(kind) = rewrite::made(&head.line) else {
                engine.write_all(&head.bytes())?;
                pass_body(&head, &mut requests, engine)?;
                continue;
            };
            let body = self.whole_body(&mut head, &mut requests)?;
            for volume in self.rules.volumes(&body) {
                // One that is there already stays as it is, and what is wrong with it the request itself will tell.
                let _ = socket::at(self.upstream).post("/volumes/create", Some(&volume));
            }
            let body = self.rules.apply(kind, &body);
            set_length(&mut head, body.len());
            engine.write_all(&head.bytes())?;
            engine.write_all(&body)?;
        }
        Ok(())
    }

    /// Reads a body in one piece, and makes the head say how long it is.
    fn whole_body(&self, head: &mut Head, requests: &mut BufReader<&UnixStream>) -> io::Result<Vec<u8>> {
        if head.length().is_some_and(|length| length > MOST) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if head.field("Expect").is_some() {
            head.remove("Expect");
            write!(&*self.client, "HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let body = http::body(head, requests, false)?;
        if !body.is_empty() || head.is_chunked() {
            set_length(head, body.len());
        }
        Ok(body)
    }

    /// Passes a request on that asks for a raw stream, over a connection of its own, and reads the head of the answer. Where it
    /// became one, passes the stream on to its end and is true; where it was refused, the client goes on with requests.
    fn may_become_raw(&self, head: &Head, body: &mut &[u8], requests: &mut BufReader<&UnixStream>) -> io::Result<bool> {
        let mut raw = UnixStream::connect(self.upstream)?;
        raw.write_all(&head.bytes())?;
        io::copy(body, &mut raw)?;
        let reading = raw.try_clone()?;
        let mut answers = BufReader::new(&reading);
        let answer = Head::read(&mut answers)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let mut client = self.client;
        client.write_all(&answer.bytes())?;
        let is_bounded = answer.is_chunked() || answer.length().is_some() || matches!(answer.status(), 204 | 304);
        // Old clients don't ask in words, and get 200 with whatever follows.
        if answer.status() != 101 && is_bounded {
            pass_body(&answer, &mut answers, &mut client)?;
            return Ok(false);
        }
        self.is_raw.store(true, Ordering::Relaxed);
        thread::scope(|scope| {
            scope.spawn(move || {
                let _ = io::copy(&mut answers, &mut client);
                // Docker's program tells from this that a raw stream has ended.
                let _ = client.shutdown(Shutdown::Write);
            });
            io::copy(requests, &mut raw).and_then(|_| raw.shutdown(Shutdown::Write))
        })?;
        Ok(true)
    }
}

/// Whether a request starts a command that was made ready before.
fn is_start(head: &Head, path: &str) -> bool {
    head.line.starts_with("POST ") && path.contains("/exec/") && path.ends_with("/start")
}

/// Whether a command that is started gets no stream.
fn is_detached(body: &[u8]) -> bool {
    let wish: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let detach = wish.as_object().into_iter().flatten().find(|(name, _)| name.eq_ignore_ascii_case("detach"));
    detach.is_some_and(|(_, value)| value.as_bool() == Some(true))
}

fn set_length(head: &mut Head, length: usize) {
    head.remove("Transfer-Encoding");
    head.remove("Content-Length");
    head.fields.push(("Content-Length".into(), length.to_string()));
}

fn pass_body(head: &Head, from: &mut impl BufRead, to: &mut impl Write) -> io::Result<()> {
    if !head.is_chunked() {
        let length = head.length().unwrap_or(0);
        let copied = io::copy(&mut from.take(length), to)?;
        return if copied == length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
    }
    loop {
        let line = line(from)?;
        to.write_all(&line)?;
        let size = String::from_utf8_lossy(&line);
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        if size == 0 {
            // Trailers, up to an empty line.
            loop {
                let trailer = self::line(from)?;
                to.write_all(&trailer)?;
                if trailer.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
                    return Ok(());
                }
            }
        }
        io::copy(&mut from.take(size + 2), to)?;
    }
}

fn line(from: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let read = BufRead::read_until(&mut from.take(MOST), b'\n', &mut line)?;
    if read == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(line) }
}

#[cfg(test)]
mod tests;
