//! A small WebDAV server in memory that can be unwell: what a shared test cache on the network may meet.
//!
//! It knows what clients of a cache need of RFC 4918: `GET`, `HEAD`, `PUT`, `DELETE`, `MKCOL` and `PROPFIND`, and that a file needs its
//! collection to be there.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

/// How the server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mood {
    /// As it should.
    #[default]
    Well,
    /// It takes requests and says nothing.
    Hangs,
    /// Each answer is this status, with a body that repeats the credentials.
    Refuses(u16),
    /// It gives what was not asked for.
    Lies(Lie),
}

/// What a server gives in place of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// Another file.
    Another,
    /// The first half of it.
    Half,
    /// Some bytes of it are others.
    Changed,
    /// A page for people.
    Page,
}

/// A server; stopped when dropped.
pub struct CacheServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<thread::JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    /// `Basic …` or `Bearer …` that is asked for.
    authorization: Option<String>,
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    collections: BTreeSet<String>,
    mood: Mood,
    seen: Vec<String>,
    is_stopped: bool,
}

impl CacheServer {
    /// A server for everybody.
    #[track_caller]
    pub fn start() -> Self {
        Self::for_whom(None)
    }

    /// A server that answers only who sends this value of `Authorization`.
    #[track_caller]
    pub fn for_whom(authorization: Option<&str>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port on loopback is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared { authorization: authorization.map(str::to_owned), ..Shared::default() });
        let mine = Arc::clone(&shared);
        let listener = thread::spawn(move || {
            for stream in listener.incoming() {
                if mine.lock().is_stopped {
                    return;
                }
                let (Ok(stream), one) = (stream, Arc::clone(&mine)) else { continue };
                // Whoever has gone away needs no answer.
                thread::spawn(move || drop(one.serve(&stream)));
            }
        });
        Self { address, shared, listener: Some(listener) }
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// How it behaves from now on.
    pub fn set(&self, mood: Mood) {
        self.shared.lock().mood = mood;
        self.shared.wake.notify_all();
    }

    /// Paths of all files.
    pub fn files(&self) -> Vec<String> {
        self.shared.lock().files.keys().cloned().collect()
    }

    /// Forgets all files.
    pub fn clear(&self) {
        let mut state = self.shared.lock();
        state.files.clear();
        state.collections.clear();
    }

    /// What was asked since this was asked last: method, path and status.
    pub fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.lock().seen)
    }
}

impl Drop for CacheServer {
    fn drop(&mut self) {
        self.shared.lock().is_stopped = true;
        self.shared.wake.notify_all();
        // Wakes the thread that waits for connections.
        drop(TcpStream::connect(self.address));
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

struct Request {
    method: String,
    path: String,
    authorization: Option<String>,
    body: Vec<u8>,
}

struct Answer {
    status: u16,
    body: Vec<u8>,
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, mut stream: &TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream);
        while let Some(request) = read_request(&mut reader)? {
            let answer = {
                let state = self.lock();
                let hangs = |state: &mut State| state.mood == Mood::Hangs && !state.is_stopped;
                let mut state = self.wake.wait_while(state, hangs).unwrap_or_else(PoisonError::into_inner);
                if state.is_stopped {
                    return Ok(());
                }
                let answer = if self.authorization.is_some() && self.authorization != request.authorization {
                    Answer::of(401)
                } else {
                    state.answer(&request)
                };
                state.seen.push(format!("{} {} {}", request.method, request.path, answer.status));
                answer
            };
            let length = answer.body.len();
            write!(stream, "HTTP/1.1 {} X\r\nContent-Length: {length}\r\n\r\n", answer.status)?;
            if request.method != "HEAD" {
                stream.write_all(&answer.body)?;
            }
        }
        Ok(())
    }
}

impl Answer {
    fn of(status: u16) -> Self {
        Self { status, body: Vec::new() }
    }
}

impl State {
    fn answer(&mut self, request: &Request) -> Answer {
        if let Mood::Refuses(status) = self.mood {
            let authorization = request.authorization.clone().unwrap_or_default();
            return Answer { status, body: format!("you sent {authorization}").into_bytes() };
        }
        let path = request.path.trim_end_matches('/').to_owned();
        let parent = path.rsplit_once('/').map_or(String::new(), |(parent, _)| parent.to_owned());
        let has_parent = parent.is_empty() || self.collections.contains(&parent);
        match request.method.as_str() {
            "GET" | "HEAD" => match self.files.get(&path) {
                Some(bytes) => Answer { status: 200, body: self.told(&path, bytes) },
                None => Answer::of(404),
            },
            "PUT" if !has_parent => Answer::of(409),
            "PUT" => {
                let is_new = self.files.insert(path, request.body.clone()).is_none();
                Answer::of(if is_new { 201 } else { 204 })
            }
            "DELETE" => Answer::of(if self.files.remove(&path).is_some() { 204 } else { 404 }),
            "MKCOL" if self.collections.contains(&path) => Answer::of(405),
            "MKCOL" if !has_parent => Answer::of(409),
            "MKCOL" => {
                self.collections.insert(path);
                Answer::of(201)
            }
            "PROPFIND" => self.properties(&path),
            _ => Answer::of(405),
        }
    }

    /// A file's bytes, or what the mood makes of them.
    fn told(&self, path: &str, bytes: &[u8]) -> Vec<u8> {
        match self.mood {
            Mood::Lies(Lie::Another) => {
                let other = self.files.iter().find(|(other, _)| *other != path);
                other.map(|(_, bytes)| bytes.clone()).unwrap_or_default()
            }
            Mood::Lies(Lie::Half) => bytes[..bytes.len() / 2].to_vec(),
            Mood::Lies(Lie::Changed) => {
                let mut bytes = bytes.to_vec();
                if let Some(last) = bytes.last_mut() {
                    *last ^= 1;
                }
                bytes
            }
            Mood::Lies(Lie::Page) => b"<html>Please log in</html>".to_vec(),
            Mood::Well | Mood::Hangs | Mood::Refuses(_) => bytes.to_vec(),
        }
    }

    fn properties(&self, path: &str) -> Answer {
        let kind = if path.is_empty() || self.collections.contains(path) {
            "<D:collection/>"
        } else if self.files.contains_key(path) {
            ""
        } else {
            return Answer::of(404);
        };
        let length = self.files.get(path).map_or(0, Vec::len);
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:multistatus xmlns:D=\"DAV:\"><D:response><D:href>{path}/</D:href>\
             <D:propstat><D:prop><D:resourcetype>{kind}</D:resourcetype><D:getcontentlength>{length}</D:getcontentlength>\
             <D:getlastmodified>Tue, 01 May 2012 22:39:47 GMT</D:getlastmodified></D:prop>\
             <D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response></D:multistatus>"
        );
        Answer { status: 207, body: body.into_bytes() }
    }
}

fn read_request(reader: &mut impl BufRead) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (mut length, mut authorization) = (0, None);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().map_err(std::io::Error::other)?,
            "authorization" => authorization = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body)?;
    Ok(Some(Request { method, path, authorization, body }))
}
