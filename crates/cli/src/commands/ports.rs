//! Ports on the host: finding a free one, and saying who has one that is taken.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use wharf_core::image::Place;

use crate::context::Context;
use crate::exit::Failure;

/// Puts a free port of this machine in the place of `auto`, and says which. Only this machine reaches it, unless an address
/// stands before it.
pub(super) fn choose(context: &Context, ports: &mut [String]) -> Result<(), Failure> {
    for port in ports {
        let (address, inside) = match port.rsplit_once(":auto:") {
            Some((address, inside)) => (address, inside),
            None => match port.strip_prefix("auto:") {
                Some(inside) => ("127.0.0.1", inside),
                None => continue,
            },
        };
        let free = free()?;
        context.talk.note(&format!("port {inside} is {address}:{free} here"));
        *port = format!("{address}:{free}:{inside}");
    }
    Ok(())
}

/// A port that nobody has now.
pub(super) fn free() -> Result<u16, Failure> {
    let found = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    Ok(found.map_err(|error| Failure::environment(format!("no port of this machine is free: {error}")))?.port())
}

/// Fails where one of `ports`, as the engines write them, is taken; says by whom. An engine elsewhere, or outside of this
/// container, opens ports of its own machine: of those nothing is known here.
pub(super) fn check(context: &Context, place: &Place, ports: &[String]) -> Result<(), Failure> {
    let is_outside = context.surroundings.variable("WHARF_HOST_ROOT").is_some();
    if place.client().is_some_and(|client| is_outside || !client.is_local()) {
        return Ok(());
    }
    for text in ports {
        let Some(address) = on_host(text) else { continue };
        match TcpListener::bind(address) {
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                let port = address.port();
                let holder = holder(place, port).unwrap_or_else(|| "another process".to_owned());
                let inside = text.rsplit(':').next().unwrap_or_default();
                return Err(Failure::environment(format!("port {port} of this machine is taken by {holder}"))
                    .hint(format!("take a free one with `--port auto:{inside}`, or end what has it")));
            }
            // Whether it may be opened is the engine's affair.
            _ => {}
        }
    }
    Ok(())
}

/// The address on the host, where one port of TCP is named.
fn on_host(text: &str) -> Option<SocketAddr> {
    let text = text.strip_suffix("/tcp").unwrap_or(text);
    let (rest, inside) = text.rsplit_once(':')?;
    inside.parse::<u16>().ok()?;
    let (address, port) = rest.rsplit_once(':').unwrap_or(("0.0.0.0", rest));
    let address = address.trim_start_matches('[').trim_end_matches(']');
    Some(SocketAddr::new(address.parse().ok()?, port.parse().ok().filter(|port| *port != 0)?))
}

/// Who has a port: a container of the engine, else a process of this machine.
fn holder(place: &Place, port: u16) -> Option<String> {
    let container = place.client().and_then(|client| client.holder_of_port(port));
    container.map(|name| format!("container `{name}`")).or_else(|| process(port))
}

/// The process that listens, from proc(5): `net/tcp` names the socket, `PID/fd` who has it open.
fn process(port: u16) -> Option<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| std::fs::read_to_string(path).unwrap_or_default());
    let suffix = format!(":{port:04X}");
    let lines = tables.iter().flat_map(|table| table.lines().skip(1));
    let inode = lines.map(|line| line.split_whitespace().collect::<Vec<_>>()).find_map(|fields| {
        // 0A: it listens.
        let listens = fields.get(1)?.ends_with(&suffix) && *fields.get(3)? == "0A";
        fields.get(9).filter(|_| listens).map(|inode| format!("socket:[{inode}]"))
    })?;
    for entry in std::fs::read_dir("/proc").ok()?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let open = name.parse::<u32>().ok().and_then(|_| std::fs::read_dir(entry.path().join("fd")).ok());
        let has =
            |file: std::fs::DirEntry| std::fs::read_link(file.path()).is_ok_and(|link| link.to_str() == Some(&inode));
        if open.is_some_and(|files| files.flatten().any(has)) {
            let words = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let words = String::from_utf8_lossy(&words).trim_end_matches('\0').replace('\0', " ");
            return Some(format!("`{words}` (process {name})"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_on_the_host_are_found() {
        let found = |text: &str| on_host(text).map(|address| address.to_string());
        assert_eq!(found("8080:80").as_deref(), Some("0.0.0.0:8080"));
        assert_eq!(found("127.0.0.1:8080:80/tcp").as_deref(), Some("127.0.0.1:8080"));
        assert_eq!(found("[::1]:8080:80").as_deref(), Some("[::1]:8080"));
        for other in ["80", "8000-8010:8000-8010", "8080:80/udp", "127.0.0.1::80"] {
            assert_eq!(found(other), None, "{other}");
        }
    }

    #[test]
    fn the_process_that_listens_is_named() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let named = process(listener.local_addr().unwrap().port()).unwrap();
        assert!(named.contains(&format!("(process {})", std::process::id())), "{named}");
    }
}
