//! Real Git servers on loopback: `git daemon`, and `git http-backend` behind a small HTTP server that knows users.
//!
//! The listening socket is ours, on a port that the system chooses, so no port is guessed and none is raced for. For each
//! connection of the daemon, `git daemon --inetd` gets the socket as its input and output.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// A server of all bare repos in one folder; stopped when dropped.
pub struct GitServer {
    address: SocketAddr,
    scheme: &'static str,
    shared: Arc<Shared>,
    listener: Option<thread::JoinHandle<()>>,
}

/// Who may read what over http. A repo that is not named is everybody's.
#[derive(Debug, Clone, Default)]
pub struct Access {
    accounts: Vec<(String, String)>,
    private: Vec<(String, Vec<String>)>,
}

#[derive(Default)]
struct Shared {
    folder: PathBuf,
    access: Option<Access>,
    delay: Duration,
    stopped: Mutex<bool>,
    wake: Condvar,
    seen: Mutex<Vec<String>>,
}

impl Access {
    /// Adds a user; any password but this one is turned away.
    #[must_use]
    pub fn user(mut self, name: &str, password: &str) -> Self {
        self.accounts.push((name.into(), password.into()));
        self
    }

    /// Keeps a repo, by its path in the folder, to these users.
    #[must_use]
    pub fn private(mut self, repo: &str, users: &[&str]) -> Self {
        self.private.push((repo.into(), users.iter().map(|user| (*user).to_owned()).collect()));
        self
    }

    /// 0 for yes, else the status to answer with.
    fn judge(&self, path: &str, authorization: Option<&str>) -> u16 {
        let given = authorization.and_then(|value| value.strip_prefix("Basic ")).map(decode_base64);
        let user = match &given {
            None => None,
            Some(pair) => {
                let known = self.accounts.iter().find(|(name, password)| *pair == format!("{name}:{password}"));
                match known {
                    Some((name, _)) => Some(name),
                    None => return 401,
                }
            }
        };
        let repo = path.trim_start_matches('/');
        let Some((_, readers)) = self.private.iter().find(|(name, _)| repo.starts_with(&format!("{name}/"))) else {
            return 0;
        };
        match user {
            None => 401,
            Some(user) if readers.contains(user) => 0,
            Some(_) => 403,
        }
    }
}

impl GitServer {
    /// `git daemon` for the bare repos in `folder`; pushes are allowed.
    #[track_caller]
    pub fn daemon(folder: impl Into<PathBuf>) -> Self {
        Self::daemon_with_delay(folder, Duration::ZERO)
    }

    /// The same; each connection is answered this much later.
    #[track_caller]
    pub fn daemon_with_delay(folder: impl Into<PathBuf>, delay: Duration) -> Self {
        Self::start("git", Shared { folder: folder.into(), delay, ..Shared::default() })
    }

    /// `git http-backend` for the bare repos in `folder`.
    #[track_caller]
    pub fn http(folder: impl Into<PathBuf>, access: Access) -> Self {
        Self::start("http", Shared { folder: folder.into(), access: Some(access), ..Shared::default() })
    }

    /// URL of a repo by its path in the folder.
    pub fn url(&self, repo: &str) -> String {
        format!("{}://{}/{repo}", self.scheme, self.address)
    }

    /// Host and port.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// What was asked so far, over http: method, path, status and the user in the request's credentials.
    pub fn seen(&self) -> Vec<String> {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    #[track_caller]
    fn start(scheme: &'static str, shared: Shared) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port on loopback is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(shared);
        let mine = Arc::clone(&shared);
        let listener = thread::spawn(move || {
            for stream in listener.incoming() {
                if mine.is_stopped_within(Duration::ZERO) {
                    return;
                }
                let (Ok(stream), one) = (stream, Arc::clone(&mine)) else { continue };
                thread::spawn(move || {
                    if one.is_stopped_within(one.delay) {
                        return;
                    }
                    // Whoever has gone away needs no answer.
                    let _ = if one.access.is_some() { serve_http(&one, &stream) } else { serve_daemon(&one, stream) };
                });
            }
        });
        Self { address, scheme, shared, listener: Some(listener) }
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        *self.shared.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.wake.notify_all();
        // Wakes the thread that waits for connections.
        drop(TcpStream::connect(self.address));
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

impl Shared {
    /// Waits this long, or until the server is stopped.
    fn is_stopped_within(&self, time: Duration) -> bool {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        *self.wake.wait_timeout_while(stopped, time, |stopped| !*stopped).unwrap_or_else(PoisonError::into_inner).0
    }
}

fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .envs([
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("LC_ALL", "C"),
            ("HOME", "/nonexistent"),
        ])
        .args([
            "-c",
            "http.receivepack=true",
            "-c",
            "uploadpack.allowFilter=true",
            "-c",
            "uploadpack.allowAnySHA1InWant=true",
        ])
        .current_dir(folder)
        .stderr(Stdio::null());
    command
}

fn serve_daemon(shared: &Shared, stream: TcpStream) -> std::io::Result<()> {
    let (input, output) = (OwnedFd::from(stream.try_clone()?), OwnedFd::from(stream));
    let status = git(&shared.folder)
        .args(["daemon", "--inetd", "--export-all", "--enable=receive-pack", "--informative-errors"])
        .arg(format!("--base-path={}", shared.folder.display()))
        .arg(&shared.folder)
        .stdin(input)
        .stdout(output)
        .spawn()?
        .wait()?;
    if status.success() { Ok(()) } else { Err(std::io::Error::other("git daemon failed")) }
}

struct Request {
    method: String,
    path: String,
    query: String,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

/// All requests of one connection.
fn serve_http(shared: &Shared, stream: &TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader, stream)? {
        let access = shared.access.clone().unwrap_or_default();
        let authorization = request.headers.get("authorization").map(String::as_str);
        let status = access.judge(&request.path, authorization);
        let user = authorization.and_then(|value| value.strip_prefix("Basic ")).map(decode_base64).unwrap_or_default();
        let user = user.split(':').next().unwrap_or_default().to_owned();
        let line = format!("{} {} {status} {user}", request.method, request.path);
        shared.seen.lock().unwrap_or_else(PoisonError::into_inner).push(line.trim_end().to_owned());
        let answer = match status {
            401 => b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"git\"\r\nContent-Length: 0\r\n\r\n"
                .to_vec(),
            403 => b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n".to_vec(),
            _ => backend(shared, &request, &user)?,
        };
        (&mut &*stream).write_all(&answer)?;
    }
    Ok(())
}

fn read_request(reader: &mut impl BufRead, mut writer: &TcpStream) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    if headers.contains_key("expect") {
        writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let mut body = Vec::new();
    if headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked") {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size)?;
            let size = u64::from_str_radix(size.trim(), 16).map_err(std::io::Error::other)?;
            (&mut *reader).take(size).read_to_end(&mut body)?;
            reader.read_line(&mut String::new())?;
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = headers.get("content-length").and_then(|length| length.parse().ok()) {
        reader.take(length).read_to_end(&mut body)?;
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Ok(Some(Request { path: path.to_owned(), query: query.to_owned(), method, headers, body }))
}

/// Runs the backend as a web server would (RFC 3875) and gives its answer as HTTP.
fn backend(shared: &Shared, request: &Request, user: &str) -> std::io::Result<Vec<u8>> {
    let header = |name: &str| request.headers.get(name).map(String::as_str).unwrap_or_default();
    let mut child = git(&shared.folder)
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", &shared.folder)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", &request.path)
        .env("QUERY_STRING", &request.query)
        .env("REQUEST_METHOD", &request.method)
        .env("REMOTE_ADDR", "127.0.0.1")
        .env("REMOTE_USER", user)
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("HTTP_GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let (mut input, body) = (child.stdin.take(), request.body.clone());
    let writer = thread::spawn(move || input.as_mut().map(|input| input.write_all(&body)));
    let output = child.wait_with_output()?.stdout;
    let _ = writer.join();
    let end = output.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(output.len());
    let head = String::from_utf8_lossy(&output[..end]).into_owned();
    let content = output.get(end + 4..).unwrap_or_default();
    let (mut status, mut lines) = ("200 OK".to_owned(), String::new());
    for line in head.lines() {
        match line.strip_prefix("Status: ") {
            Some(told) => told.clone_into(&mut status),
            None => lines.push_str(&format!("{line}\r\n")),
        }
    }
    let mut answer = format!("HTTP/1.1 {status}\r\n{lines}Content-Length: {}\r\n\r\n", content.len()).into_bytes();
    answer.extend_from_slice(content);
    Ok(answer)
}

fn decode_base64(text: &str) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for digit in text.bytes().filter_map(|byte| DIGITS.iter().position(|known| *known == byte)) {
        bits = (bits << 6) | u32::try_from(digit).unwrap_or_default();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).unwrap_or_default());
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Repo, Sandbox};

    fn remote(sandbox: &Sandbox) -> PathBuf {
        let folder = sandbox.path().join("served");
        let bare = Repo::bare_remote(folder.join("team/part.git"));
        let part = Repo::init(sandbox.path().join("part"));
        part.write("x.txt", "one").commit("first");
        part.push_to(&bare);
        folder
    }

    #[test]
    fn the_daemon_serves_and_takes() {
        let sandbox = Sandbox::new();
        let server = GitServer::daemon(remote(&sandbox));
        let git = |words: &[&str]| sandbox.command("git").args(words).run();
        git(&["clone", "--quiet", &server.url("team/part.git"), "got"]).assert_code(0);
        let got = Repo::open(sandbox.path().join("got"));
        got.write("y.txt", "two").commit("second");
        got.git(&["push", "--quiet", "origin", "HEAD"]);
        git(&["clone", "--quiet", &server.url("team/none.git"), "none"]).assert_code(128);
    }

    #[test]
    fn http_knows_who_may_read_what() {
        let sandbox = Sandbox::new();
        let access = Access::default().user("ann", "pw 1").user("bob", "pw2").private("team/part.git", &["ann"]);
        let server = GitServer::http(remote(&sandbox), access);
        let clone = |who: &str, into: &str| {
            let url = server.url("team/part.git").replace("//", &format!("//{who}"));
            sandbox.command("git").args(["clone", "--quiet", &url, into]).env("GIT_TERMINAL_PROMPT", "0").run()
        };
        clone("ann:pw%201@", "one").assert_code(0);
        clone("bob:pw2@", "two").assert_code(128).stderr_contains("403");
        clone("", "three").assert_code(128).stderr_contains("could not read Username");
        assert!(
            server.seen().iter().any(|line| line.ends_with("200 ann") || line.ends_with(" 0 ann")),
            "{:?}",
            server.seen()
        );
    }
}
