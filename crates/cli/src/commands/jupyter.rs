//! `wharf jupyter`.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use wharf_core::image::Place;

use super::run::{Call, Options, Secret, start_in};
use super::{data, ports};
use crate::context::Context;
use crate::exit::Failure;

/// Code by which the script says that there is no Jupyter.
const ABSENT: u8 = 91;
/// Where it listens in a container.
const INSIDE: u16 = 8888;
const SCRIPT: &str = r#"
for name in jupyter-lab jupyter-notebook; do command -v "$name" >/dev/null && exec "$name" "$@"; done
exit 91"#;
/// How its token reaches it.
const TOKEN: &str = "JUPYTER_TOKEN";

/// Starts Jupyter in the container of a runnable dir, on a free port, and prints its link: `JupyterLab` where the image has
/// it, else the notebook. Several may run at once. Ends with ctrl-C.
#[derive(Debug, clap::Args)]
pub struct Jupyter {
    /// Whose container; without it, that of the runnable dir that holds the current folder.
    #[arg(value_name = "DIR", add = crate::commands::complete::dirs())]
    dir: Option<String>,
    /// Port on this machine, where not a free one.
    #[arg(short, long, value_name = "PORT")]
    port: Option<u16>,
    /// Further arguments for Jupyter.
    #[arg(value_name = "ARG", last = true)]
    arguments: Vec<String>,
}

impl Jupyter {
    /// Runs the command.
    ///
    /// # Errors
    /// When it could not be started, or the image has no Jupyter.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        let dir = match &self.dir {
            Some(text) => workspace.dir(text)?,
            None => workspace.here()?,
        };
        let address = dir.address.to_string();
        let place = context.place(&workspace)?;
        let is_on_host = matches!(place, Place::Host(_));
        let port = self.port.map_or_else(ports::free, Ok)?;
        let (listens, inside) = if is_on_host { ("127.0.0.1", port) } else { ("0.0.0.0", INSIDE) };
        let mut options = Options { dir: self.dir.clone(), fresh: true, ..Options::default() };
        // Else the link would be shown as soon as whoever has the port answers.
        let published = format!("127.0.0.1:{port}:{}", if is_on_host { port } else { INSIDE });
        ports::check(context, &place, std::slice::from_ref(&published))?;
        if !is_on_host {
            options.port.push(published);
        }
        let mut command =
            ["/bin/sh", "-c", SCRIPT, "wharf-jupyter", "--no-browser", "--allow-root"].map(str::to_owned).to_vec();
        command.extend([
            format!("--ip={listens}"),
            format!("--port={inside}"),
            "--ServerApp.port_retries=0".to_owned(),
        ]);
        command.extend(self.arguments.iter().cloned());
        let token = token()?;
        let ended = Arc::new(AtomicBool::new(false));
        let (stop, link) = (Arc::clone(&ended), format!("http://127.0.0.1:{port}/?token={token}"));
        let remote = remote(context, port);
        thread::scope(|scope| {
            scope.spawn(move || {
                if wait_until_it_answers(port, &stop) {
                    // Whoever closed standard output does not want it.
                    let _ = data::line(&link);
                    if let Some(line) = remote {
                        context.talk.note(&format!("from another machine: {line}"));
                    }
                }
            });
            let code = start_in(
                context,
                (workspace.clone(), place),
                &options,
                Call { verb: "jupyter", command, secret: Some(Secret::new(TOKEN, token)) },
            );
            ended.store(true, Ordering::Relaxed);
            if matches!(code, Ok(ABSENT)) {
                return Err(Failure::environment(format!("there is no Jupyter in the image of `{address}`"))
                    .hint(hint(&address)));
            }
            code
        })
    }
}

fn hint(address: &str) -> String {
    let folder = if address == "." { String::new() } else { format!("{address}/") };
    format!(
        "add the line `jupyterlab` to `{folder}devops/requirements.txt`, or to the dependencies that it has instead"
    )
}

/// 48 random hexadecimal digits.
fn token() -> Result<String, Failure> {
    let mut bytes = [0; 24];
    let read = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    read.map_err(|error| Failure::environment(format!("no random numbers for a token: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The line that makes the port reachable from where somebody sits who has come by ssh (sshd(8), `SSH_CONNECTION`: client
/// address and port, server address and port).
fn remote(context: &Context, port: u16) -> Option<String> {
    let connection = context.surroundings.variable("SSH_CONNECTION")?;
    let mut parts = connection.split(' ').skip(2);
    let (server, server_port) = (parts.next()?, parts.next()?);
    let user = &context.surroundings.user;
    let ssh_port = if server_port == "22" { String::new() } else { format!("-p {server_port} ") };
    Some(format!("`ssh {ssh_port}-N -L {port}:127.0.0.1:{port} {user}@{server}`, then open the link there"))
}

/// Waits for an answer in HTTP: engines take connections before anybody listens inside. False where it has ended first.
fn wait_until_it_answers(port: u16, ended: &AtomicBool) -> bool {
    while !ended.load(Ordering::Relaxed) {
        if answers(port).unwrap_or(false) {
            return true;
        }
        thread::sleep(Duration::from_millis(100));
    }
    false
}

fn answers(port: u16) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(b"GET /api HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut start = [0; 8];
    stream.read_exact(&mut start)?;
    Ok(&start[..5] == b"HTTP/")
}
