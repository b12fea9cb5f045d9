//! A socket in front of an engine's own, lent to a container: what is made through it carries labels, and paths that the
//! container knows are translated into those of the host.
//!
//! Requests are read one by one; only those that make something are changed, everything else is passed on as it comes.
//! Answers are passed on unread. Where a connection becomes a raw stream (`attach`, `exec`, a BuildKit session), so does
//! the proxy's. Works for Docker's API and for Podman's own.

mod rewrite;

use std::io::{self, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::http::{self, Head};

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
    thread::spawn(move || {
        let _ = io::copy(&mut answers, &mut answered);
        // Docker's program tells from this that a raw stream has ended.
        let _ = answered.shutdown(Shutdown::Write);
    });
    let done = pass_requests(client, &mut engine, rules);
    // What the client has said is said: an answer may still come.
    let _ = engine.shutdown(Shutdown::Write);
    done
}

fn pass_requests(client: &UnixStream, engine: &mut UnixStream, rules: &Rules) -> io::Result<()> {
    let mut requests = BufReader::new(client);
    while let Some(mut head) = Head::read(&mut requests)? {
        let target = head.line.split(' ').nth(1).unwrap_or_default().to_owned();
        if becomes_raw(&head, &target) {
            engine.write_all(&head.bytes())?;
            io::copy(&mut requests, engine)?;
            return Ok(());
        }
        let Some(kind) = rewrite::made(&head.line) else {
            engine.write_all(&head.bytes())?;
            pass_body(&head, &mut requests, engine)?;
            continue;
        };
        if head.length().is_some_and(|length| length > MOST) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if head.field("Expect").is_some() {
            head.remove("Expect");
            write!(&*client, "HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let body = http::body(&head, &mut requests, false)?;
        let body = rules.apply(kind, &body);
        head.remove("Transfer-Encoding");
        head.remove("Content-Length");
        head.fields.push(("Content-Length".into(), body.len().to_string()));
        engine.write_all(&head.bytes())?;
        engine.write_all(&body)?;
    }
    Ok(())
}

/// Whether all that follows on the connection is no HTTP any more. Old clients don't ask for it in words.
fn becomes_raw(head: &Head, target: &str) -> bool {
    let path = target.split('?').next().unwrap_or_default();
    let is_post = head.line.starts_with("POST ");
    let hijacks = path.ends_with("/attach") || (path.contains("/exec/") && path.ends_with("/start"));
    head.field("Upgrade").is_some() || (is_post && hijacks)
}

fn pass_body(head: &Head, from: &mut BufReader<&UnixStream>, to: &mut UnixStream) -> io::Result<()> {
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

fn line(from: &mut BufReader<&UnixStream>) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let read = io::BufRead::read_until(&mut from.take(MOST), b'\n', &mut line)?;
    if read == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(line) }
}
