//! Makes an image that was just built the same each time: what a build writes carries the time of the build.
//!
//! BuildKit can do that itself from 0.13 on (`rewrite-timestamp`), through buildx alone. Engines in use are older, so it is
//! done here, in the form that all of them write and read (`docker save`, `docker load`; "Docker image specification
//! v1.2"): the layers above the base are copied with their times put right, then the configuration gets the new ids,
//! its own times and its labels. Podman has an option for it and comes not here.
//!
//! The base's layers are kept byte by byte, so that they stay shared.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{Archive, Builder, EntryType, Header};

use crate::client::Client;
use crate::error::EngineError;

/// What the image becomes.
#[derive(Debug, Clone)]
pub struct Rewrite {
    /// How the image is called now; the name is taken away.
    pub from: String,
    /// How it will be called.
    pub tag: String,
    /// Labels that it gets besides those it has.
    pub labels: BTreeMap<String, String>,
    /// How many of its layers are the base's.
    pub base_layers: usize,
    /// Its times.
    pub times: Times,
}

/// Times of an image's files.
#[derive(Debug, Clone)]
pub struct Times {
    /// When the image was made, in seconds since 1970: the time of its commit.
    pub created: i64,
    /// The same as RFC 3339 in UTC.
    pub created_text: String,
    /// Folders whose content gets `created`, absolute.
    pub code: Vec<String>,
    /// The latest that any other file may have, in seconds since 1970.
    pub others: i64,
}

impl Times {
    /// The time of one file, by its path in the layer.
    fn of(&self, path: &Path, stated: u64) -> u64 {
        let below = |folder: &String| path.starts_with(folder.trim_start_matches('/'));
        if self.code.iter().any(below) {
            return u64::try_from(self.created).unwrap_or(0);
        }
        stated.min(u64::try_from(self.others).unwrap_or(0))
    }
}

impl Client {
    /// Takes an image through [`Rewrite`]; the engine has it under its new name then.
    ///
    /// # Errors
    /// When the engine refuses, its archive has a form that is not known, or the disk is full.
    pub fn rewrite(&self, rewrite: &Rewrite) -> Result<(), EngineError> {
        let failed = |error: &dyn std::fmt::Display| EngineError::Answer {
            kind: self.kind(),
            verb: "save an image".into(),
            detail: error.to_string(),
        };
        let folder = tempfile::Builder::new().prefix("wharf-image-").tempdir().map_err(|error| failed(&error))?;
        let (saved, fresh) = (folder.path().join("saved.tar"), folder.path().join("fresh.tar"));
        self.ask("save an image", &["save", "--output", &saved.to_string_lossy(), &rewrite.from])?;
        rewrite_archive(&saved, &fresh, folder.path(), rewrite).map_err(|error| failed(&error))?;
        self.ask("load an image", &["load", "--quiet", "--input", &fresh.to_string_lossy()])?;
        self.ask("remove a name of an image", &["image", "rm", "--no-prune", &rewrite.from]).map(drop)
    }
}

/// The parts of an archive: small files by name, layers as files beside it.
struct Parts {
    small: BTreeMap<String, Vec<u8>>,
    large: BTreeMap<String, PathBuf>,
    links: BTreeMap<String, String>,
}

/// Files up to this many bytes are kept in memory: configurations and manifests.
const SMALL: u64 = 4 << 20;

fn rewrite_archive(saved: &Path, fresh: &Path, scratch: &Path, rewrite: &Rewrite) -> io::Result<()> {
    let parts = unpack(saved, scratch)?;
    let manifest: Value = serde_json::from_slice(parts.bytes("manifest.json")?)?;
    let image = manifest.get(0).ok_or_else(|| odd("its manifest names no image"))?;
    let name = image.get("Config").and_then(Value::as_str).ok_or_else(|| odd("its manifest names no configuration"))?;
    let mut config: Value = serde_json::from_slice(parts.bytes(name)?)?;
    let layers: Vec<&str> =
        image.get("Layers").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let mut archive = Builder::new(BufWriter::new(File::create(fresh)?));
    let mut names = Vec::new();
    let mut ids = Vec::new();
    for (number, layer) in layers.iter().enumerate() {
        let stored = format!("{number:04}/layer.tar");
        if number < rewrite.base_layers {
            let id = config.pointer(&format!("/rootfs/diff_ids/{number}")).cloned();
            ids.push(id.ok_or_else(|| odd("its configuration names fewer layers"))?);
            parts.append(layer, &stored, &mut archive)?;
        } else {
            let file = scratch.join(format!("layer-{number}"));
            ids.push(json!(rewrite_layer(&mut *parts.open(layer)?, &file, &rewrite.times)?));
            append_file(&file, &stored, &mut archive)?;
        }
        names.push(json!(stored));
    }
    change_config(&mut config, ids, rewrite);
    let config = serde_json::to_vec(&config)?;
    let config_name = format!("{}.json", hex(&Sha256::digest(&config)));
    append_bytes(&config, &config_name, &mut archive)?;
    let manifest = json!([{ "Config": config_name, "RepoTags": [rewrite.tag], "Layers": names }]);
    append_bytes(manifest.to_string().as_bytes(), "manifest.json", &mut archive)?;
    archive.into_inner()?.flush()
}

fn change_config(config: &mut Value, ids: Vec<Value>, rewrite: &Rewrite) {
    config["rootfs"]["diff_ids"] = Value::Array(ids);
    config["created"] = json!(rewrite.times.created_text);
    for entry in config.get_mut("history").and_then(Value::as_array_mut).into_iter().flatten() {
        // All are written in UTC, so the text compares as the time does.
        if entry.get("created").and_then(Value::as_str).is_some_and(|time| time > rewrite.times.created_text.as_str()) {
            entry["created"] = json!(rewrite.times.created_text);
        }
    }
    // What only builders read: BuildKit's record for its cache names times and the first layers' ids.
    if let Some(config) = config.as_object_mut() {
        config.retain(|key, _| !key.starts_with("moby.buildkit"));
    }
    if !config["config"]["Labels"].is_object() {
        config["config"]["Labels"] = json!({});
    }
    for (name, value) in &rewrite.labels {
        config["config"]["Labels"][name] = json!(value);
    }
}

/// Copies a layer with its times put right; gives its id.
fn rewrite_layer(source: &mut dyn Read, into: &Path, times: &Times) -> io::Result<String> {
    let mut archive = Archive::new(source);
    let mut sink = Builder::new(Hashed { inner: BufWriter::new(File::create(into)?), hash: Sha256::new() });
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path_bytes().into_owned();
        let link = entry.link_name_bytes().map(std::borrow::Cow::into_owned);
        let mut header = entry.header().clone();
        let stated = header.mtime().unwrap_or(0);
        header.set_mtime(times.of(&as_path(&path), stated));
        let attributes = attributes(&mut entry)?;
        sink.append_pax_extensions(attributes.iter().map(|(key, value)| (key.as_str(), value.as_slice())))?;
        append_entry(&mut sink, &mut header, &path, link.as_deref(), &mut entry)?;
    }
    let mut hashed = sink.into_inner()?;
    hashed.flush()?;
    Ok(format!("sha256:{}", hex(&hashed.hash.finalize())))
}

/// Extended attributes and other extensions of an entry. Names are written anew, and the times of the extensions (with
/// parts of seconds, and of the last access) are left out.
fn attributes<R: Read>(entry: &mut tar::Entry<'_, R>) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut kept = Vec::new();
    let Some(extensions) = entry.pax_extensions()? else { return Ok(kept) };
    for extension in extensions {
        let extension = extension?;
        let key = extension.key().map_err(|error| odd(&error.to_string()))?;
        if !["path", "linkpath", "mtime", "atime", "ctime", "size"].contains(&key) {
            kept.push((key.to_owned(), extension.value_bytes().to_vec()));
        }
    }
    Ok(kept)
}

fn append_entry<W: Write>(
    sink: &mut Builder<W>,
    header: &mut Header,
    path: &[u8],
    link: Option<&[u8]>,
    content: &mut dyn Read,
) -> io::Result<()> {
    let path = as_path(path);
    match (header.entry_type(), link) {
        (EntryType::Symlink | EntryType::Link, Some(link)) => sink.append_link(header, path, as_path(link)),
        _ => sink.append_data(header, path, content),
    }
}

fn as_path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

fn unpack(saved: &Path, scratch: &Path) -> io::Result<Parts> {
    let mut parts = Parts { small: BTreeMap::new(), large: BTreeMap::new(), links: BTreeMap::new() };
    let mut archive = Archive::new(BufReader::new(File::open(saved)?));
    for (number, entry) in archive.entries()?.enumerate() {
        let mut entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
        match entry.header().entry_type() {
            EntryType::Symlink | EntryType::Link => {
                let target = entry.link_name()?.map(|link| link.to_string_lossy().into_owned()).unwrap_or_default();
                // Symbolic links here are `../<id>/layer.tar`.
                parts.links.insert(name, target.trim_start_matches("../").to_owned());
            }
            EntryType::Regular if entry.size() <= SMALL => {
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes)?;
                parts.small.insert(name, bytes);
            }
            EntryType::Regular => {
                let file = scratch.join(format!("part-{number}"));
                io::copy(&mut entry, &mut File::create(&file)?)?;
                parts.large.insert(name, file);
            }
            _ => {}
        }
    }
    // The disk holds it twice now; three times would be too much.
    let _gone = std::fs::remove_file(saved);
    Ok(parts)
}

impl Parts {
    fn real<'a>(&'a self, name: &'a str) -> &'a str {
        self.links.get(name).map_or(name, String::as_str)
    }

    fn bytes(&self, name: &str) -> io::Result<&[u8]> {
        self.small.get(self.real(name)).map(Vec::as_slice).ok_or_else(|| odd(&format!("it has no `{name}`")))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        let real = self.real(name);
        let reader: Box<dyn Read> = match (self.small.get(real), self.large.get(real)) {
            (Some(bytes), _) => Box::new(bytes.as_slice()),
            (None, Some(file)) => Box::new(BufReader::new(File::open(file)?)),
            (None, None) => return Err(odd(&format!("it has no layer `{name}`"))),
        };
        let mut reader = reader;
        let mut head = [0; 2];
        let got = reader.read(&mut head)?;
        // RFC 1952, 2.3.1.
        if got == 2 && head == [0x1f, 0x8b] {
            return Err(odd("its layers are compressed, as those of the containerd image store"));
        }
        let start = head[..got].to_vec();
        Ok(Box::new(io::Cursor::new(start).chain(reader)))
    }

    fn append<W: Write>(&self, name: &str, stored: &str, archive: &mut Builder<W>) -> io::Result<()> {
        let real = self.real(name);
        match (self.small.get(real), self.large.get(real)) {
            (Some(bytes), _) => append_bytes(bytes, stored, archive),
            (None, Some(file)) => append_file(file, stored, archive),
            (None, None) => Err(odd(&format!("it has no layer `{name}`"))),
        }
    }
}

fn append_file<W: Write>(file: &Path, stored: &str, archive: &mut Builder<W>) -> io::Result<()> {
    let mut content = File::open(file)?;
    let mut header = plain_header(content.metadata()?.len());
    archive.append_data(&mut header, stored, &mut content)
}

fn append_bytes<W: Write>(bytes: &[u8], stored: &str, archive: &mut Builder<W>) -> io::Result<()> {
    archive.append_data(&mut plain_header(bytes.len() as u64), stored, bytes)
}

fn plain_header(size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o644);
    header.set_entry_type(EntryType::Regular);
    header
}

/// Hashes what is written.
struct Hashed<W> {
    inner: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn odd(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the archive of the image is not as expected: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(mtime: u64, long: &str) -> Vec<u8> {
        let mut layer = Builder::new(Vec::new());
        for name in ["src/w/a.py", "venv/x", long] {
            let mut header = plain_header(3);
            header.set_mtime(mtime);
            layer.append_data(&mut header, name, &b"abc"[..]).unwrap();
        }
        let mut header = plain_header(0);
        header.set_entry_type(EntryType::Symlink);
        header.set_mtime(mtime);
        layer.append_link(&mut header, "venv/link", "x").unwrap();
        layer.into_inner().unwrap()
    }

    fn times() -> Times {
        Times { created: 1000, created_text: String::new(), code: vec!["/src/w".into()], others: 500 }
    }

    #[test]
    fn layers_of_two_times_become_one() {
        let folder = tempfile::tempdir().unwrap();
        let long = format!("venv/{}/y", "n".repeat(150));
        let once = |mtime, name: &str| {
            let file = folder.path().join(name);
            let id = rewrite_layer(&mut layer(mtime, &long).as_slice(), &file, &times()).unwrap();
            (id, std::fs::read(file).unwrap())
        };
        let (first, second) = (once(2000, "a"), once(3000, "b"));
        assert_eq!(first, second);
        assert_eq!(first.0, format!("sha256:{}", hex(&Sha256::digest(&first.1))));
        let mut archive = Archive::new(first.1.as_slice());
        let found: Vec<(String, u64)> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                (entry.path().unwrap().display().to_string(), entry.header().mtime().unwrap())
            })
            .collect();
        let expected = [("src/w/a.py", 1000), ("venv/x", 500), (long.as_str(), 500), ("venv/link", 500)];
        assert_eq!(found, expected.map(|(name, time)| (name.to_owned(), time)));
        assert_ne!(once(400, "c").0, first.0, "what is old stays as it is");
    }
}
