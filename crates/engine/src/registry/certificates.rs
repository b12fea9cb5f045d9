//! Which certificates are trusted beside the system's: those that the engine trusts for a registry, and a bundle that the caller names.
//!
//! Sources: Docker, "Verify repository client with certificates"; containers-certs.d(5).

use std::path::{Path, PathBuf};

use reqwest::Certificate;

use super::reference::is_loopback;
use crate::environment::Environment;
use crate::kind::Kind;

/// The folder in which the engine looks for a registry's CA.
pub(super) fn folder(kind: Kind, host: &str) -> String {
    match kind {
        Kind::Podman => format!("/etc/containers/certs.d/{host}"),
        _ => format!("/etc/docker/certs.d/{host}"),
    }
}

/// Certificates to trust for `host` beside the system's.
pub(super) fn extra(kind: Kind, environment: &Environment, host: &str, bundles: &[PathBuf]) -> Vec<Certificate> {
    let mut folders = vec![PathBuf::from(folder(kind, host))];
    if kind == Kind::Podman {
        folders.push(folder(Kind::Docker, host).into());
        folders.extend(environment.config_home().map(|config| config.join("containers/certs.d").join(host)));
    }
    let mut files: Vec<PathBuf> = folders.iter().flat_map(|folder| in_folder(folder)).collect();
    files.extend(bundles.iter().cloned());
    // One that cannot be read is one not trusted: the connection then says so.
    files.iter().filter_map(|file| Certificate::from_pem_bundle(&std::fs::read(file).ok()?).ok()).flatten().collect()
}

fn in_folder(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let files = entries.flatten().map(|entry| entry.path());
    files.filter(|file| file.extension().is_some_and(|extension| extension == "crt")).collect()
}

/// What a connection's error says of the certificate, if that is what is wrong.
pub(super) fn complaint(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let start = lower.find("invalid peer certificate").or_else(|| lower.find("certificate verify failed"))?;
    Some(text.get(start..).unwrap_or(text).trim_start_matches("invalid peer certificate: ").to_owned())
}

/// Whether plain HTTP is tried first, as Docker does with registries of this machine.
pub(super) fn is_plain(host: &str) -> bool {
    is_loopback(host)
}
