//! A small HTTP proxy in front of a registry: passes requests on, answers some itself, and cuts connections, as its rule says.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// What is done with a request.
pub(crate) enum Verdict {
    /// It goes to the registry.
    Pass,
    /// It is answered: status line's code and reason, further headers, body.
    Answer(&'static str, &'static str, &'static str),
    /// Its connection is cut.
    Cut,
}

/// A request's method and path, and how many like it (by method) came before.
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) before: usize,
}

type Rule = dyn Fn(&Asked) -> Verdict + Send + Sync;

/// The proxy; it ends when it is dropped.
pub(crate) struct Front {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
    over: Arc<AtomicBool>,
}

impl Front {
    /// Starts before `upstream` (`host:port`) with a rule.
    pub(crate) fn start(upstream: &str, rule: impl Fn(&Asked) -> Verdict + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (seen, over): (Arc<Mutex<Vec<String>>>, Arc<AtomicBool>) = Default::default();
        let (rule, upstream): (Arc<Rule>, String) = (Arc::new(rule), upstream.to_owned());
        let (all, ended) = (Arc::clone(&seen), Arc::clone(&over));
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                let (rule, upstream, all) = (Arc::clone(&rule), upstream.clone(), Arc::clone(&all));
                // A connection that breaks is what some tests are about.
                thread::spawn(move || drop(serve(connection, &upstream, &*rule, &all)));
            }
        });
        Self { port, seen, over }
    }

    /// Its name in references.
    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The requests so far, `METHOD path`.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes the one that waits for connections.
        let _ = TcpStream::connect(self.host());
    }
}

fn serve(mut client: TcpStream, upstream: &str, rule: &Rule, all: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if client.read(&mut byte)? == 0 {
            return Ok(());
        }
        head.push(byte[0]);
        // The start of TLS, which Docker tries first: it would wait for an answer.
        if head == [0x16] {
            return Ok(());
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut words = head.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let before = {
        let mut all = all.lock().unwrap();
        let before = all.iter().filter(|line| line.starts_with(&format!("{method} "))).count();
        all.push(format!("{method} {path}"));
        before
    };
    match rule(&Asked { method, path, before }) {
        Verdict::Cut => client.shutdown(Shutdown::Both),
        Verdict::Answer(status, headers, body) => {
            let length = body.len();
            write!(
                client,
                "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )?;
            client.shutdown(Shutdown::Write)?;
            io::copy(&mut client, &mut io::sink()).map(drop)
        }
        Verdict::Pass => pass(client, upstream, &head),
    }
}

/// One request a connection: whoever asks again connects again.
fn pass(mut client: TcpStream, upstream: &str, head: &str) -> io::Result<()> {
    let mut server = TcpStream::connect(upstream)?;
    let lines = head.trim_end().lines().filter(|line| !line.to_lowercase().starts_with("connection:"));
    let head: String = lines.flat_map(|line| [line, "\r\n"]).collect();
    write!(server, "{head}Connection: close\r\n\r\n")?;
    let (mut up_from, mut up_to) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        // The answer tells whether all of it came through.
        let _ = io::copy(&mut up_from, &mut up_to);
    });
    let copied = io::copy(&mut server, &mut client);
    client.shutdown(Shutdown::Both)?;
    copied.map(drop)
}
