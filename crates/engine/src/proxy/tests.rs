//! A connection through the proxy, with an engine of a few lines behind it.

use std::collections::BTreeMap;
use std::io::{BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use super::*;

/// Answers every request; tells each one's first line with its body. `start` answers with 409, an attached stream is upgraded and
/// sends back what it gets.
fn engine(path: &Path) -> Receiver<String> {
    let listener = UnixListener::bind(path).unwrap();
    let (sender, told) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, sender) = (stream.unwrap(), sender.clone());
            thread::spawn(move || {
                let mut reader = BufReader::new(&stream);
                let mut writer = &stream;
                while let Ok(Some(head)) = Head::read(&mut reader) {
                    let body = String::from_utf8(http::body(&head, &mut reader, false).unwrap()).unwrap();
                    let _ = sender.send(format!("{} {body}", head.line));
                    if head.line.contains("/attach") {
                        write!(writer, "HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\n").unwrap();
                        let _ = io::copy(&mut reader, &mut writer);
                        return;
                    }
                    let (status, text) = if head.line.contains("/start") && !body.contains("true") {
                        ("409 Conflict", r#"{"message":"is not running"}"#)
                    } else {
                        ("200 OK", "{}")
                    };
                    write!(writer, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{text}", text.len()).unwrap();
                    if head.line.ends_with("HTTP/1.0") {
                        return;
                    }
                }
            });
        }
    });
    told
}

struct Through {
    _folder: tempfile::TempDir,
    _proxy: Proxy,
    client: UnixStream,
    told: Receiver<String>,
}

fn through() -> Through {
    let folder = tempfile::tempdir().unwrap();
    let upstream = folder.path().join("engine.sock");
    let told = engine(&upstream);
    let labels = BTreeMap::from([("parent".to_owned(), "us".to_owned())]);
    let rules = Rules { labels, ..Rules::default() };
    let proxy = Proxy::open(&folder.path().join("proxy.sock"), &upstream, rules).unwrap();
    let client = UnixStream::connect(proxy.path()).unwrap();
    Through { _folder: folder, _proxy: proxy, client, told }
}

impl Through {
    /// Sends a request; gives the status of its answer.
    fn ask(&self, line: &str, more: &str, body: &str) -> u16 {
        let length = body.len();
        write!(&self.client, "{line} HTTP/1.1\r\nHost: x\r\n{more}Content-Length: {length}\r\n\r\n{body}").unwrap();
        let mut reader = BufReader::new(&self.client);
        let head = Head::read(&mut reader).unwrap().unwrap();
        http::body(&head, &mut reader, false).unwrap();
        head.status()
    }

    fn assert_labelled(&self) {
        assert_eq!(self.ask("POST /v1.41/containers/create", "", r#"{"HostConfig":{"Binds":["kept:/x"]}}"#), 200);
        let volume = self.told.recv().unwrap();
        assert!(volume.starts_with("POST /volumes/create") && volume.contains(r#""parent":"us""#), "{volume}");
        let container = self.told.recv().unwrap();
        assert!(container.starts_with("POST /v1.41/containers/create"), "{container}");
        assert!(container.contains(r#""Labels":{"parent":"us"}"#), "{container}");
    }
}

#[test]
fn requests_after_one_that_became_no_stream_are_still_read() {
    let through = through();
    let upgrade = "Connection: Upgrade\r\nUpgrade: tcp\r\n";
    assert_eq!(through.ask("POST /v1.41/exec/1/start", "", r#"{"Detach":true}"#), 200);
    through.told.recv().unwrap();
    through.assert_labelled();
    assert_eq!(through.ask("POST /exec/1/start", upgrade, r#"{"Detach":false}"#), 409);
    through.told.recv().unwrap();
    through.assert_labelled();
}

#[test]
fn a_stream_is_passed_on_in_both_directions() {
    let through = through();
    assert_eq!(through.ask("POST /containers/1/attach?stream=1", "Connection: Upgrade\r\nUpgrade: tcp\r\n", ""), 101);
    (&through.client).write_all(b"POST /containers/create HTTP/1.1\r\n\r\n").unwrap();
    through.client.shutdown(Shutdown::Write).unwrap();
    let mut all = String::new();
    (&through.client).read_to_string(&mut all).unwrap();
    assert_eq!(all, "POST /containers/create HTTP/1.1\r\n\r\n");
}
