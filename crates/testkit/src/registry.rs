//! A real registry: Debian's `docker-registry` on a loopback port of the system's choice, with its storage in a temporary folder.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// How long a registry may take to listen.
const DEADLINE: Duration = Duration::from_secs(60);

/// A registry that runs until it is dropped.
pub struct Registry {
    dir: TempDir,
    settings: Settings,
    port: u16,
    process: Option<Child>,
}

#[derive(Default)]
struct Settings {
    htpasswd: Option<PathBuf>,
    certificate: Option<(PathBuf, PathBuf)>,
    read_only: bool,
    disk: Option<u64>,
}

impl Registry {
    /// One that takes all and asks nobody who they are.
    #[track_caller]
    pub fn start() -> Self {
        Self::serve(folder(), Settings::default())
    }

    /// One that wants this log-in.
    #[track_caller]
    pub fn with_password(user: &str, password: &str) -> Self {
        let dir = folder();
        let file = dir.path().join("htpasswd");
        // Any Perl can do bcrypt, through the C library.
        let program = "print crypt($ARGV[0], '$2y$05$abcdefghijklmnopqrstuu')";
        let hash = output("perl", &["-e", program, password]);
        fs_err::write(&file, format!("{user}:{hash}\n")).expect("a fresh folder is writable");
        Self::serve(dir, Settings { htpasswd: Some(file), ..Settings::default() })
    }

    /// One that speaks TLS with a certificate that nobody has signed but itself.
    #[track_caller]
    pub fn with_tls() -> Self {
        let dir = folder();
        let (certificate, key) = (dir.path().join("ca.crt"), dir.path().join("tls.key"));
        let (out, key_out) = (certificate.to_string_lossy().into_owned(), key.to_string_lossy().into_owned());
        let names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
        let new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
        let more = ["-subj", "/CN=localhost", "-addext", names, "-keyout", &key_out, "-out", &out];
        output("openssl", &[&new[..], &more[..]].concat());
        Self::serve(dir, Settings { certificate: Some((certificate, key)), ..Settings::default() })
    }

    /// One whose disk has this many bytes.
    #[track_caller]
    pub fn with_disk(bytes: u64) -> Self {
        Self::serve(folder(), Settings { disk: Some(bytes), ..Settings::default() })
    }

    /// One that takes nothing.
    #[track_caller]
    pub fn read_only() -> Self {
        Self::serve(folder(), Settings { read_only: true, ..Settings::default() })
    }

    /// Its name in references: `127.0.0.1:40123`.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The certificate that it shows, where it speaks TLS.
    pub fn certificate(&self) -> &Path {
        &self.settings.certificate.as_ref().expect("a registry that speaks TLS").0
    }

    /// Ends it at once, as a crash would.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended by itself.
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Starts it again on the same port with what it had, unless its disk was small: that one is gone with it.
    #[track_caller]
    pub fn start_again(&mut self) {
        self.stop();
        self.run();
    }

    /// From now on it takes nothing, or takes images again.
    #[track_caller]
    pub fn set_read_only(&mut self, read_only: bool) {
        self.settings.read_only = read_only;
        self.start_again();
    }

    /// Holds it still, connections and all, until [`Registry::go_on`].
    pub fn hold(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let process = self.process.as_ref().expect("a registry that runs");
        kill_process(Pid::from_child(process), signal).expect("its process is ours");
    }

    #[track_caller]
    fn serve(dir: TempDir, settings: Settings) -> Self {
        let mut registry = Self { dir, settings, port: 0, process: None };
        registry.run();
        registry
    }

    #[track_caller]
    fn run(&mut self) {
        let storage = self.dir.path().join("storage");
        fs_err::create_dir_all(&storage).expect("a temporary folder is writable");
        let file = self.dir.path().join("config.yml");
        fs_err::write(&file, self.config(&storage)).expect("a temporary folder is writable");
        let mut process = self.command(&storage, &file).spawn().unwrap_or_else(|error| {
            panic!("no registry can be started: {error}\n\nhint: install it with `cargo xtask engine`")
        });
        let said = listen(&mut process);
        let mut lines = Vec::new();
        let port = loop {
            match said.recv_timeout(DEADLINE) {
                Ok(line) => {
                    let port = line.split("listening on 127.0.0.1:").nth(1);
                    let port = port.map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
                    lines.push(line);
                    if let Some(port) = port.and_then(|port| port.parse().ok()) {
                        break port;
                    }
                }
                Err(_) => {
                    let _ = process.kill();
                    panic!("the registry does not listen\n{}", lines.join("\n"));
                }
            }
        };
        self.port = port;
        self.process = Some(process);
    }

    fn command(&self, storage: &Path, config: &Path) -> Command {
        let mut command = if let Some(bytes) = self.settings.disk {
            // A file system in a mount namespace of its own is gone with the process.
            let mut command = Command::new("unshare");
            if !rustix::process::geteuid().is_root() {
                command.arg("--map-root-user");
            }
            let script = format!("mount -t tmpfs -o size={bytes} tmpfs \"$1\" && exec docker-registry serve \"$2\"");
            command.args(["--mount", "sh", "-c", &script, "sh"]).arg(storage).arg(config);
            command
        } else {
            let mut command = Command::new("docker-registry");
            command.arg("serve").arg(config);
            command
        };
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    fn config(&self, storage: &Path) -> String {
        let Settings { htpasswd, certificate, read_only, .. } = &self.settings;
        let mut text = format!(
            "version: 0.1\nlog:\n  level: info\nstorage:\n  filesystem:\n    rootdirectory: {}\n  delete:\n    enabled: true\n  \
             maintenance:\n    uploadpurging:\n      enabled: false\n    readonly:\n      enabled: {read_only}\n",
            storage.display()
        );
        if let Some(file) = htpasswd {
            text.push_str(&format!("auth:\n  htpasswd:\n    realm: tests\n    path: {}\n", file.display()));
        }
        text.push_str(&format!("http:\n  addr: 127.0.0.1:{}\n", self.port));
        if let Some((certificate, key)) = certificate {
            let (certificate, key) = (certificate.display(), key.display());
            text.push_str(&format!("  tls:\n    certificate: {certificate}\n    key: {key}\n"));
        }
        text
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Its lines, read to the end so that it never waits for a reader.
fn listen(process: &mut Child) -> Receiver<String> {
    let (sender, receiver) = channel();
    let pipe = process.stderr.take().expect("standard error is piped");
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            // Nobody hears the later ones.
            let _ = sender.send(line);
        }
    });
    receiver
}

fn folder() -> TempDir {
    tempfile::Builder::new().prefix("wharf-registry-").tempdir().expect("a temporary folder can be made")
}

#[track_caller]
fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("`{program}` cannot be started: {error}"));
    assert!(output.status.success(), "`{program}` failed: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;

    fn status(registry: &Registry, request: &str) -> String {
        let mut connection = TcpStream::connect(registry.host()).unwrap();
        write!(connection, "{request} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", registry.host()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer.split_whitespace().nth(1).unwrap_or_default().to_owned()
    }

    #[test]
    fn it_answers_keeps_its_port_and_is_gone_afterwards() {
        let mut registry = Registry::start();
        let host = registry.host();
        assert_eq!(status(&registry, "GET /v2/"), "200");
        registry.set_read_only(true);
        assert_eq!((registry.host(), status(&registry, "POST /v2/a/blobs/uploads/")), (host.clone(), "405".into()));
        drop(registry);
        assert!(TcpStream::connect(host).is_err());
    }

    #[test]
    fn a_password_is_asked_for() {
        assert_eq!(status(&Registry::with_password("ada", "3cret"), "GET /v2/"), "401");
    }

    #[test]
    fn a_small_disk_gets_full() {
        let registry = Registry::with_disk(16 << 10);
        let started: Vec<String> = (0..16).map(|_| status(&registry, "POST /v2/a/blobs/uploads/")).collect();
        assert_eq!((started[0].as_str(), started[15].as_str()), ("202", "500"), "{started:?}");
    }
}
