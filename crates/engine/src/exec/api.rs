//! Commands in running containers over Docker's API (`POST /containers/{id}/exec`, `POST /exec/{id}/start`).

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::terminal::Raw;
use super::{Exec, ExecSpec};
use crate::error::EngineError;
use crate::http;
use crate::kind::Kind;
use crate::run::Terminal;
use crate::socket;

const BUFFER: usize = 32 * 1024;

pub(super) fn run(socket: &Path, spec: &ExecSpec, user: Option<String>) -> Result<Exec, EngineError> {
    let passed = spec.passed_env.iter().map(|(name, value)| format!("{name}={}", value.to_string_lossy()));
    let env: Vec<String> = spec.env.iter().map(|(name, value)| format!("{name}={value}")).chain(passed).collect();
    let tty = spec.terminal == Terminal::Full;
    let mut wish = json!({
        "AttachStdin": spec.terminal != Terminal::None, "AttachStdout": true, "AttachStderr": true, "Tty": tty,
        "Env": env, "Cmd": spec.argv(), "User": user.unwrap_or_default(),
    });
    if !spec.workdir.is_empty() {
        wish["WorkingDir"] = spec.workdir.clone().into();
    }
    let Some(id) = create(socket, &spec.container, &wish)? else { return Ok(Exec::NoContainer) };
    let mut start = json!({ "Detach": false, "Tty": tty });
    let size = Raw::size().filter(|_| tty);
    if let Some((rows, columns)) = size {
        // Engines from API 1.42 on know it from the start.
        start["ConsoleSize"] = json!([rows, columns]);
    }
    let raw = tty.then(Raw::enter).flatten();
    let stream = match http::upgrade(socket, &format!("/exec/{id}/start"), &start).map_err(|error| lost(&error))? {
        Ok(stream) => stream,
        Err((404 | 409, _)) => return Ok(Exec::NoContainer),
        Err((_, body)) => {
            drop(raw);
            let detail = http::message(&body);
            return not_started(&detail)
                .map_or_else(|| Err(refused("start a command", detail)), |code| Ok(Exec::Ended(code)));
        }
    };
    if tty {
        follow_size(socket, &id);
    }
    if spec.terminal != Terminal::None {
        let writer = stream.writer().map_err(|error| lost(&error))?;
        thread::spawn(move || pass_input(writer));
    }
    let written = if tty { copy(stream, &mut io::stdout().lock()) } else { parted(stream) };
    drop(raw);
    if written == Written::Unread {
        return Ok(Exec::Unread);
    }
    code(socket, &id).map(Exec::Ended)
}

/// Runs a command as root, without input and output, to its end; gives its code.
pub(super) fn quietly(socket: &Path, container: &str, words: &[String]) -> Result<i32, EngineError> {
    let wish = json!({ "AttachStdout": true, "AttachStderr": true, "Cmd": words, "User": "0:0" });
    let Some(id) = create(socket, container, &wish)? else { return Ok(-1) };
    let start = json!({ "Detach": false, "Tty": false });
    match http::upgrade(socket, &format!("/exec/{id}/start"), &start).map_err(|error| lost(&error))? {
        Ok(mut stream) => {
            io::copy(&mut stream, &mut io::sink()).map_err(|error| lost(&error))?;
            code(socket, &id)
        }
        Err((_, body)) => Err(refused("start a command", http::message(&body))),
    }
}

pub(super) fn is_running(socket: &Path, name: &str) -> Result<bool, EngineError> {
    let answer = socket::at(socket).get(&format!("/containers/{name}/json"))?;
    Ok(answer.status == 200 && answer.json().pointer("/State/Running").and_then(Value::as_bool).unwrap_or(false))
}

/// Makes a command ready; `None` where there is no such container, or it does not run.
fn create(socket: &Path, container: &str, wish: &Value) -> Result<Option<String>, EngineError> {
    let path = format!("/containers/{container}/exec");
    let answer = socket::at(socket).post(&path, Some(wish))?;
    match answer.status {
        404 | 409 => Ok(None),
        _ => Ok(answer.good("make a command ready")?.json().get("Id").and_then(Value::as_str).map(str::to_owned)),
    }
}

/// The code of a command whose output has ended. It may have closed its output and go on.
fn code(socket: &Path, id: &str) -> Result<i32, EngineError> {
    loop {
        let answer = socket::at(socket).get(&format!("/exec/{id}/json"))?;
        let json = answer.json();
        if answer.status != 200 {
            // Its container is gone, and it with it.
            return Ok(137);
        }
        if json.get("Running").and_then(Value::as_bool) == Some(true) {
            thread::sleep(Duration::from_millis(10));
            continue;
        }
        let code = json.get("ExitCode").and_then(Value::as_i64);
        return Ok(code.and_then(|code| i32::try_from(code).ok()).unwrap_or(137));
    }
}

/// The code that a shell would give for what could not be started.
fn not_started(detail: &str) -> Option<i32> {
    let detail = detail.to_lowercase();
    (detail.contains("executable file not found") || detail.contains("no such file or directory")).then_some(127)
}

/// Passes this process's input on; its end, too.
fn pass_input(mut to: UnixStream) {
    let mut buffer = vec![0; BUFFER];
    let mut input = io::stdin().lock();
    loop {
        match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) if to.write_all(&buffer[..read]).is_err() => return,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// Whether all output was taken.
#[derive(Debug, PartialEq, Eq)]
enum Written {
    All,
    Unread,
}

/// A connection that breaks off has ended: what there is of it was written.
fn copy(mut from: http::Raw, to: &mut impl Write) -> Written {
    let mut buffer = vec![0; BUFFER];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Written::All,
            Ok(read) if to.write_all(&buffer[..read]).and_then(|()| to.flush()).is_err() => return Written::Unread,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Written::All,
        }
    }
}

/// Both outputs in one stream, in frames: a byte that says which, three of nothing, four of length (Docker Engine API,
/// "Attach to a container", stream format).
fn parted(mut from: http::Raw) -> Written {
    let mut frame = [0; 8];
    let mut buffer = vec![0; BUFFER];
    while from.read_exact(&mut frame).is_ok() {
        let mut left = u32::from_be_bytes([frame[4], frame[5], frame[6], frame[7]]) as usize;
        while left > 0 {
            let room = left.min(BUFFER);
            let Ok(read @ 1..) = from.read(&mut buffer[..room]) else { return Written::All };
            left -= read;
            let bytes = &buffer[..read];
            let written = match frame[0] {
                2 => io::stderr().lock().write_all(bytes),
                _ => {
                    let mut out = io::stdout().lock();
                    out.write_all(bytes).and_then(|()| out.flush())
                }
            };
            if written.is_err() {
                return Written::Unread;
            }
        }
    }
    Written::All
}

/// Tells the engine the terminal's size, now and whenever it changes.
fn follow_size(socket: &Path, id: &str) {
    let (socket, path) = (socket.to_path_buf(), format!("/exec/{id}/resize"));
    let tell = move || {
        Raw::size().is_some_and(|(rows, columns)| {
            let answer = socket::at(&socket).post(&format!("{path}?h={rows}&w={columns}"), None);
            answer.is_ok_and(|answer| answer.status < 300)
        })
    };
    let Ok(changes) = wharf_process::signals::listen_to_resizes() else { return };
    thread::spawn(move || {
        // Just after the start there may be nothing yet to resize.
        for wait in [0, 10, 50, 200, 1000] {
            thread::sleep(Duration::from_millis(wait));
            if tell() {
                break;
            }
        }
        for () in changes {
            tell();
        }
    });
}

fn lost(error: &io::Error) -> EngineError {
    EngineError::NotRunning { kind: Kind::Docker, detail: error.to_string() }
}

fn refused(verb: &str, detail: String) -> EngineError {
    EngineError::Refused { kind: Kind::Docker, verb: verb.into(), detail }
}
