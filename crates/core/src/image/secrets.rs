//! What a build may know but an image must not: CA certificates, package indexes, proxies, the user's own secrets.
//!
//! They are written to files only this user can read, handed to the builder by path, and removed after the build.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::error::ImageError;
use crate::config::{BuildConfig, CaCertificates, IndexUrl, Proxy, SecretSource};
use crate::runnable_dir::RunnableDir;
use crate::workspace::Workspace;

/// The most bytes that BuildKit takes for one secret (buildkit, `MaxSecretSize`).
const LIMIT: u64 = 500 * 1024;

const CA_VARIABLES: [&str; 4] = ["SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"];
const CA_FILES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
const PROXIES: [&str; 8] =
    ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "ftp_proxy", "no_proxy"];

/// The secrets of one build. Their files are removed when this is dropped.
#[derive(Debug)]
pub struct Secrets {
    /// File by id.
    pub files: BTreeMap<String, PathBuf>,
    _folder: TempDir,
}

/// Gathers the secrets that builds of `dir` get.
///
/// # Errors
/// When one that the configuration names cannot be had.
pub fn gather(workspace: &Workspace, dir: &RunnableDir) -> Result<Secrets, ImageError> {
    let folder = tempfile::Builder::new().prefix("wharf-secrets-").tempdir()?;
    let mut files = BTreeMap::new();
    let failed =
        |name: &str, reason: String| ImageError::Secret { dir: dir.address.to_string(), name: name.into(), reason };
    let ca = ca_file(workspace, dir);
    if let Some(ca) = &ca {
        let size =
            std::fs::metadata(ca).map_err(|error| failed("wharf-ca", format!("`{}`: {error}", ca.display())))?.len();
        if size > LIMIT {
            return Err(failed(
                "wharf-ca",
                format!("`{}` has {size} bytes, builders take at most {LIMIT}", ca.display()),
            ));
        }
        files.insert("wharf-ca".to_owned(), ca.clone());
    }
    let settings = settings(workspace, dir, ca.is_some());
    files.insert("wharf-env".to_owned(), private(folder.path(), "wharf-env", settings.as_bytes())?);
    for (name, source) in &dir.config.build.secrets {
        let file = match &source.value {
            SecretSource::Variable(variable) => {
                let value = workspace.surroundings.variable(variable);
                let value = value.ok_or_else(|| failed(name, format!("variable `{variable}` is not set")))?;
                private(folder.path(), &format!("secret-{name}"), value.as_bytes())?
            }
            SecretSource::File(path) => {
                let path = workspace.places.path(path, &source.origin);
                if !path.is_file() {
                    return Err(failed(name, format!("`{}` is not there", path.display())));
                }
                path
            }
        };
        files.insert(name.clone(), file);
    }
    Ok(Secrets { files, _folder: folder })
}

/// The CA certificates that builds of `dir` trust, where they get any.
#[must_use]
pub fn ca_file(workspace: &Workspace, dir: &RunnableDir) -> Option<PathBuf> {
    let stated = &dir.config.build.ca_certificates;
    match &stated.value {
        CaCertificates::None => None,
        CaCertificates::File(path) => Some(workspace.places.path(path, &stated.origin)),
        CaCertificates::Host => {
            let named = CA_VARIABLES.iter().filter_map(|name| workspace.surroundings.variable(name));
            named.chain(CA_FILES).map(PathBuf::from).find(|file| file.is_file())
        }
    }
}

/// Whether a file is the system's own bundle, which is trusted anyway.
pub(super) fn is_system_bundle(file: &Path) -> bool {
    CA_FILES.iter().any(|known| Path::new(known) == file)
}

/// Variables by which pip and uv learn of package indexes. Their values may hold credentials.
#[must_use]
pub fn index_variables(build: &BuildConfig) -> Vec<(&'static str, String)> {
    let mut variables = Vec::new();
    if let Some(url) = &build.index_url {
        variables.extend([("PIP_INDEX_URL", url.expose().to_owned()), ("UV_DEFAULT_INDEX", url.expose().to_owned())]);
    }
    if !build.extra_index_urls.is_empty() {
        let urls: Vec<&str> = build.extra_index_urls.iter().map(IndexUrl::expose).collect();
        variables.extend([("PIP_EXTRA_INDEX_URL", urls.join(" ")), ("UV_INDEX", urls.join(" "))]);
    }
    variables
}

/// Shell assignments that every step of a build with network reads.
fn settings(workspace: &Workspace, dir: &RunnableDir, has_ca: bool) -> String {
    let build = &dir.config.build;
    let mut text = String::new();
    let mut set = |name: &str, value: &str| {
        if let Ok(value) = shlex::try_quote(value) {
            let _ = writeln!(text, "export {name}={value}");
        }
    };
    if has_ca {
        for name in CA_VARIABLES.into_iter().chain(["GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS", "AWS_CA_BUNDLE"]) {
            set(name, "/run/wharf/ca.pem");
        }
    }
    for (name, value) in index_variables(build) {
        set(name, &value);
    }
    if build.proxy == Proxy::Host {
        for name in PROXIES {
            if let Some(value) = workspace.surroundings.variable(name) {
                set(name, value);
            }
        }
    }
    text
}

fn private(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, ImageError> {
    let path = folder.join(name);
    fs_err::write(&path, bytes)?;
    fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(path)
}
