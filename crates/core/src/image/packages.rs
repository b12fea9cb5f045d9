//! What an image or environment really holds: its Python and OS packages, read from its files.
//!
//! Python packages by the metadata that installers leave (`*.dist-info/METADATA`, `*.egg-info/PKG-INFO`), OS packages by the data of dpkg
//! and apk. Refuses to run anything of an image, so that it needs neither Python nor a shell.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use wharf_engine::Client;

use super::change::{Versions, add};
use super::error::ImageError;
use super::python::names::normalize;
use crate::workspace::Workspace;

/// Goes up when the same files are read in another way.
const RULES: &str = "contents-1";

/// What an image or environment holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Version of its Python.
    pub python: Option<String>,
    /// Python packages that its commands see: those in `/venv` where there is one, else all.
    pub packages: Versions,
    /// Python packages in other places of an image that has a `/venv`.
    pub elsewhere: Versions,
    /// OS packages.
    pub os: Versions,
    /// What is there but cannot be read.
    pub notes: Vec<String>,
}

/// Reads an image. What was read once is kept in the cache: an id always stands for the same files.
///
/// # Errors
/// When the engine refuses.
pub fn of_image(
    workspace: &Workspace,
    client: &Client,
    id: &str,
    labels: &BTreeMap<String, String>,
) -> Result<Contents, ImageError> {
    let short = id.trim_start_matches("sha256:");
    let kept = workspace.surroundings.cache.join(RULES).join(format!("{short}.json"));
    let known = std::fs::read(&kept).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    if let Some(contents) = known {
        return Ok(contents);
    }
    let mut reader = Reader::default();
    let mut take = |path: &str, bytes: &[u8]| reader.take(path, bytes);
    client.read_files(id, labels, &is_wanted, &mut take)?;
    let contents = reader.finish();
    keep(&kept, &contents);
    Ok(contents)
}

/// The cache is a courtesy: a full disk must not stop the reading.
fn keep(file: &Path, contents: &Contents) {
    if let (Some(folder), Ok(bytes)) = (file.parent(), serde_json::to_vec(contents)) {
        let _ = std::fs::create_dir_all(folder).and_then(|()| crate::version::apply::write(file, &bytes));
    }
}

/// Reads an environment on the host.
///
/// # Errors
/// When its folder cannot be read.
pub fn of_venv(folder: &Path) -> Result<Contents, ImageError> {
    let mut reader = Reader::default();
    let sites = ["lib", "lib64"].iter().filter_map(|lib| fs_err::read_dir(folder.join(lib)).ok());
    reader.take("venv/pyvenv.cfg", &fs_err::read(folder.join("pyvenv.cfg"))?);
    for python in sites.flatten().flatten() {
        let Ok(entries) = fs_err::read_dir(python.path().join("site-packages")) else { continue };
        for entry in entries.flatten() {
            for file in [entry.path().join("METADATA"), entry.path().join("PKG-INFO"), entry.path()] {
                let Ok(below) = file.strip_prefix(folder) else { continue };
                let path = Path::new("venv").join(below).display().to_string();
                if is_wanted(&path)
                    && let Ok(bytes) = fs_err::read(&file)
                {
                    reader.take(&path, &bytes);
                }
            }
        }
    }
    Ok(reader.finish())
}

/// Whether a file of an image, by its path without a leading `/`, says what is installed.
fn is_wanted(path: &str) -> bool {
    is_python(path) || is_os(path) || path == "venv/pyvenv.cfg" || is_rpm(path)
}

fn is_python(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let (file, folder) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let in_site = path.contains("/site-packages/") || path.contains("/dist-packages/");
    let is_metadata = (file == "METADATA" && folder.ends_with(".dist-info"))
        || (file == "PKG-INFO" && folder.ends_with(".egg-info"))
        || file.ends_with(".egg-info");
    in_site && is_metadata && !path.contains("/_vendor/") && !path.starts_with("proc/")
}

fn is_os(path: &str) -> bool {
    path == "var/lib/dpkg/status"
        || (path.starts_with("var/lib/dpkg/status.d/") && !path.ends_with(".md5sums"))
        || matches!(path, "lib/apk/db/installed" | "usr/lib/apk/db/installed")
}

fn is_rpm(path: &str) -> bool {
    let bases = ["var/lib/rpm/", "usr/lib/sysimage/rpm/"];
    bases.iter().any(|base| path.starts_with(base)) && (path.ends_with("rpmdb.sqlite") || path.ends_with("/Packages"))
}

/// Gathers what files say.
#[derive(Debug, Default)]
struct Reader {
    contents: Contents,
    in_venv: Versions,
    has_venv: bool,
    lib: Option<String>,
}

impl Reader {
    fn take(&mut self, path: &str, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        if path == "venv/pyvenv.cfg" {
            self.has_venv = true;
            self.contents.python = python_of(&text);
        } else if is_rpm(path) {
            self.contents.notes.push("its OS packages are those of rpm, which are not read".into());
        } else if path.starts_with("var/lib/dpkg/") {
            dpkg(&text, &mut self.contents.os);
        } else if path.ends_with("apk/db/installed") {
            apk(&text, &mut self.contents.os);
        } else if let Some((name, version)) = metadata(&text) {
            let place = if path.starts_with("venv/") { &mut self.in_venv } else { &mut self.contents.elsewhere };
            add(place, normalize(name), version);
            let lib = path.split('/').find_map(|part| part.strip_prefix("python3."));
            self.lib = self.lib.take().or_else(|| lib.map(|minor| format!("3.{minor}")));
        }
    }

    fn finish(mut self) -> Contents {
        if self.has_venv {
            self.contents.packages = self.in_venv;
        } else {
            self.contents.packages = std::mem::take(&mut self.contents.elsewhere);
            self.contents.python = self.contents.python.or(self.lib);
        }
        self.contents.notes.dedup();
        self.contents
    }
}

/// `version = 3.12.1` of `venv`, `version_info = 3.12.1` of uv and virtualenv.
fn python_of(config: &str) -> Option<String> {
    let value = |wanted: &str| {
        config.lines().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == wanted).then(|| value.trim().to_owned())
        })
    };
    value("version").or_else(|| value("version_info"))
}

/// Name and version in the head of core metadata
/// (<https://packaging.python.org/en/latest/specifications/core-metadata/>).
fn metadata(text: &str) -> Option<(&str, &str)> {
    let head = || text.lines().take_while(|line| !line.trim().is_empty());
    let field = |name: &str| head().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim));
    Some((field("Name")?, field("Version")?))
}

/// Stanzas of dpkg (deb-control(5)); a file of `status.d` is one without a `Status`.
fn dpkg(text: &str, os: &mut Versions) {
    let mut fields = BTreeMap::new();
    for line in text.lines().chain([""]) {
        if let Some((key, value)) = line.split_once(':').filter(|_| !line.starts_with(' ')) {
            fields.insert(key, value.trim());
        }
        if !line.is_empty() {
            continue;
        }
        let status = fields.get("Status").is_none_or(|status| status.ends_with(" installed"));
        if let (true, Some(name), Some(version)) = (status, fields.get("Package"), fields.get("Version")) {
            add(os, (*name).to_owned(), version);
        }
        fields.clear();
    }
}

/// Records of apk: `P:` the name, `V:` the version.
fn apk(text: &str, os: &mut Versions) {
    let mut name = None;
    for line in text.lines() {
        match line.split_once(':') {
            Some(("P", value)) => name = Some(value),
            Some(("V", value)) => {
                if let Some(name) = name {
                    add(os, name.to_owned(), value);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> Contents {
        let mut reader = Reader::default();
        for (path, text) in files.iter().filter(|(path, _)| is_wanted(path)) {
            reader.take(path, text.as_bytes());
        }
        reader.finish()
    }

    fn versions(pairs: &[(&str, &str)]) -> Versions {
        pairs.iter().map(|(name, version)| ((*name).to_owned(), (*version).to_owned())).collect()
    }

    #[test]
    fn an_environment_hides_what_lies_elsewhere() {
        let six = "Metadata-Version: 2.1\nName: Six\nVersion: 1.16.0\n\nName: no\n";
        let contents = read(&[
            ("venv/pyvenv.cfg", "home = /usr/bin\nversion = 3.11.2\n"),
            ("venv/lib/python3.11/site-packages/six-1.16.0.dist-info/METADATA", six),
            ("venv/lib/python3.11/site-packages/pip/_vendor/x.dist-info/METADATA", six),
            ("usr/lib/python3/dist-packages/old.egg-info", "Name: old\nVersion: 1\n"),
            ("usr/share/doc/METADATA", six),
        ]);
        assert_eq!(contents.python.as_deref(), Some("3.11.2"));
        assert_eq!(contents.packages, versions(&[("six", "1.16.0")]));
        assert_eq!(contents.elsewhere, versions(&[("old", "1")]));
        let plain = read(&[("usr/local/lib/python3.12/site-packages/a-1.dist-info/METADATA", "Name: a\nVersion: 1\n")]);
        assert_eq!((plain.python.as_deref(), plain.packages), (Some("3.12"), versions(&[("a", "1")])));
    }

    #[test]
    fn os_packages_are_read() {
        let status = "Package: bash\nStatus: install ok installed\nDescription: x\n more: y\nVersion: 5.2\n\n\
                      Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n";
        let contents = read(&[("var/lib/dpkg/status", status)]);
        assert_eq!(contents.os, versions(&[("bash", "5.2")]));
        let contents = read(&[
            ("var/lib/dpkg/status.d/libc6", "Package: libc6\nVersion: 2.36\n"),
            ("var/lib/dpkg/status.d/libc6.md5sums", "x  y\n"),
        ]);
        assert_eq!(contents.os, versions(&[("libc6", "2.36")]));
        let contents = read(&[("lib/apk/db/installed", "C:Q1\nP:musl\nV:1.2\nA:x86_64\n\nP:zlib\nV:1.3\n")]);
        assert_eq!(contents.os, versions(&[("musl", "1.2"), ("zlib", "1.3")]));
        assert_eq!(read(&[("var/lib/rpm/rpmdb.sqlite", "")]).notes.len(), 1);
    }
}
