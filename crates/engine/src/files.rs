//! Files of an image, read without starting anything in it: a container is made from it, its tree is streamed out, and
//! the container is removed.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, sync_channel};

use wharf_process::Stream;

use crate::client::Client;
use crate::error::EngineError;

/// What an image says of the commands that run in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageSettings {
    /// Variables, by name.
    pub env: BTreeMap<String, String>,
    /// Platform, such as `linux/amd64`.
    pub platform: String,
}

impl Client {
    /// Hands over every regular file of an image whose path (without a leading `/`) is `wanted`. Nothing of the image is run, so
    /// it needs no shell. `labels` go on the container that is made meanwhile.
    ///
    /// # Errors
    /// When the engine refuses, or what it streams is no archive.
    pub fn read_files(
        &self,
        image: &str,
        labels: &BTreeMap<String, String>,
        wanted: &dyn Fn(&str) -> bool,
        take: &mut dyn FnMut(&str, &[u8]),
    ) -> Result<(), EngineError> {
        let mut create = self.command().arg("create");
        for (name, value) in labels {
            create = create.arg("--label").arg(format!("{name}={value}"));
        }
        // It is never started; an image without a command of its own needs one named.
        let create = create.arg("--entrypoint=").arg(image).arg("/wharf");
        let id = self.answer("make a container", &create)?.text().trim().to_owned();
        let read = self.export(&id, wanted, take);
        let removed = self.remove(&[id]);
        read.and(removed)
    }

    fn export(
        &self,
        id: &str,
        wanted: &dyn Fn(&str) -> bool,
        take: &mut dyn FnMut(&str, &[u8]),
    ) -> Result<(), EngineError> {
        let (out, received) = sync_channel::<Vec<u8>>(16);
        let (complaint, complaints) = sync_channel::<Vec<u8>>(16);
        let command = self.command().arg("export").arg(id);
        let running = command
            .stream(move |chunk| {
                // Where nobody reads any more, the rest is dropped.
                let _ = match chunk.stream {
                    Stream::Stdout => out.send(chunk.bytes),
                    Stream::Stderr => complaint.try_send(chunk.bytes).map_err(|_| std::sync::mpsc::SendError(vec![])),
                };
            })
            .map_err(|source| self.process(source))?;
        let read = each(Chunks { received, rest: VecDeque::new() }, wanted, take);
        let exit = running.wait().map_err(|source| self.process(source))?;
        if !exit.is_success() {
            let said: Vec<u8> = complaints.try_iter().flatten().collect();
            return Err(EngineError::classify(self.kind(), "export a container", &String::from_utf8_lossy(&said)));
        }
        read.map_err(|error| EngineError::Answer {
            kind: self.kind(),
            verb: "export a container".into(),
            detail: error.to_string(),
        })
    }

    /// What an image says of the commands that run in it.
    ///
    /// # Errors
    /// When the engine does not have it.
    pub fn image_settings(&self, image: &str) -> Result<ImageSettings, EngineError> {
        let output = self.ask("inspect an image", &["image", "inspect", image])?;
        let found = self.json("inspect an image", &output)?;
        let Some(value) = found.first() else { return Ok(ImageSettings::default()) };
        let list = value.pointer("/Config/Env").and_then(serde_json::Value::as_array);
        let pairs = list.into_iter().flatten().filter_map(|pair| pair.as_str()?.split_once('='));
        let text = |key: &str| value.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
        Ok(ImageSettings {
            env: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            platform: format!("{}/{}", text("Os"), text("Architecture")),
        })
    }
}

/// Reads an archive entry by entry.
fn each(archive: impl Read, wanted: &dyn Fn(&str) -> bool, take: &mut dyn FnMut(&str, &[u8])) -> io::Result<()> {
    let mut archive = tar::Archive::new(archive);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.to_string_lossy().trim_start_matches("./").trim_start_matches('/').to_owned();
        if entry.header().entry_type().is_file() && wanted(&path) {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            take(&path, &bytes);
        }
    }
    Ok(())
}

/// What a child writes, as something to read from.
struct Chunks {
    received: Receiver<Vec<u8>>,
    rest: VecDeque<u8>,
}

impl Read for Chunks {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.received.recv() {
                Ok(bytes) => self.rest = bytes.into(),
                Err(_) => return Ok(0),
            }
        }
        self.rest.read(into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_wanted_files_are_handed_over() {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, text) in [("var/lib/dpkg/status", "Package: a\n"), ("etc/passwd", "root"), ("b/c", "x")] {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            builder.append_data(&mut header, path, text.as_bytes()).unwrap();
        }
        let bytes = builder.into_inner().unwrap();
        let (sender, received) = sync_channel(1000);
        bytes.chunks(100).for_each(|chunk| sender.send(chunk.to_vec()).unwrap());
        drop(sender);
        let mut found = Vec::new();
        let mut take = |path: &str, bytes: &[u8]| found.push((path.to_owned(), bytes.to_vec()));
        each(Chunks { received, rest: VecDeque::new() }, &|path| path.starts_with("var/"), &mut take).unwrap();
        assert_eq!(found, [("var/lib/dpkg/status".to_owned(), b"Package: a\n".to_vec())]);
    }
}
