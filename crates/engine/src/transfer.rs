//! Images on their way between an engine and a registry.
//!
//! Over Docker's local socket where there is one, since only the API says how many bytes there are; else through the engine's program.
//! The log-in goes in a header, never on a command line. What may pass (5xx, 429, a cut connection) is tried again with the registry
//! client's own patience; what is there already is not sent twice.

use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::thread;

use reqwest::header;
use serde_json::Value;
use wharf_process::{Command, Stream};

use crate::client::Client;
use crate::credentials;
use crate::error::EngineError;
use crate::kind::Kind;
use crate::registry::{Patience, Reference, Retry, chance, http_client, is_loopback, may_pass};

/// Which way an image goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// To the registry.
    Push,
    /// From the registry.
    Pull,
}

/// Something told of an image on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transfer {
    /// A layer moved on.
    Layer {
        /// Its short id.
        id: String,
        /// Bytes that are through.
        done: u64,
        /// Bytes in all, where that is known.
        total: Option<u64>,
    },
    /// A layer is through, or was there.
    Finished {
        /// Its short id.
        id: String,
    },
    /// A line of the engine's own.
    Line(String),
    /// It failed and will be tried again.
    Retry(Retry),
}

/// Called with each piece of news.
pub type OnTransfer<'a> = dyn Fn(&Transfer) + Sync + 'a;

impl Client {
    /// Fetches an image; `on` gets the progress.
    ///
    /// # Errors
    /// [`EngineError::NoImage`] when the registry does not give it.
    pub fn pull(&self, reference: &str, on: &OnTransfer<'_>) -> Result<(), EngineError> {
        self.transfer(Side::Pull, &self.transfer_command(Side::Pull, reference), reference, on).map_err(|error| {
            match error {
                EngineError::Refused { kind, detail, .. } => {
                    EngineError::NoImage { kind, image: reference.into(), detail }
                }
                other => other,
            }
        })
    }

    /// Sends an image that has this name here to the registry that the name begins with; `on` gets the progress.
    ///
    /// # Errors
    /// When the engine or the registry refuses, or the connection keeps breaking.
    pub fn push(&self, reference: &str, on: &OnTransfer<'_>) -> Result<(), EngineError> {
        self.transfer(Side::Push, &self.transfer_command(Side::Push, reference), reference, on)
    }

    /// Sends an image, by id, to a registry under a name that it has here at most for the way.
    ///
    /// # Errors
    /// As [`Client::push`].
    pub fn push_as(&self, id: &str, reference: &str, on: &OnTransfer<'_>) -> Result<(), EngineError> {
        if self.kind() == Kind::Podman {
            // Two that give names to one image at the same time lose one: Podman writes all of an image's names at once.
            let command = self.transfer_command(Side::Push, id.trim_start_matches("sha256:"));
            let command = if is_at_home(reference) { command.arg("--tls-verify=false") } else { command };
            return self.transfer(Side::Push, &command.arg(format!("docker://{reference}")), reference, on);
        }
        let had_name = self.image(reference)?.is_some_and(|image| image.id == id);
        self.tag(id, reference)?;
        let pushed = self.push(reference, on);
        if !had_name {
            // That it stays is no reason to fail.
            let _ = self.take_name(reference);
        }
        pushed
    }

    /// The command for [`Client::push`] or [`Client::pull`].
    #[must_use]
    pub fn transfer_command(&self, side: Side, reference: &str) -> Command {
        let command = self.command().arg(side.word());
        // Docker takes plain HTTP from registries of this machine by itself; Podman has to be told.
        let plain = self.kind() == Kind::Podman && is_at_home(reference);
        let command = if plain { command.arg("--tls-verify=false") } else { command };
        command.arg(reference)
    }

    fn transfer(&self, side: Side, command: &Command, reference: &str, on: &OnTransfer<'_>) -> Result<(), EngineError> {
        // Engines try a few times themselves: fewer rounds of ours than with a plain question.
        let patience = Patience { tries: 3, ..Patience::default() };
        let mut tried = 0;
        loop {
            tried += 1;
            let result = match self.socket() {
                Some(socket) => self.over_api(socket, side, reference, on),
                None => self.by_program(side, command, on),
            };
            let Err(EngineError::Refused { detail, .. }) = &result else { return result };
            let wait = patience.wait(tried, None, chance()).filter(|_| may_pass(detail));
            let Some(wait) = wait else { return result };
            let (what, why) = (format!("`{reference}`"), detail.clone());
            on(&Transfer::Retry(Retry { what, why, next: tried + 1, of: patience.tries, wait }));
            thread::sleep(wait);
        }
    }

    fn by_program(&self, side: Side, command: &Command, on: &OnTransfer<'_>) -> Result<(), EngineError> {
        let (sender, receiver) = sync_channel::<(Stream, Vec<u8>)>(64);
        let running = command
            .stream(move |chunk| {
                let _ = sender.send((chunk.stream, chunk.bytes));
            })
            .map_err(|source| self.process(source))?;
        let (mut said, mut partial) = (Vec::new(), [Vec::new(), Vec::new()]);
        for (stream, bytes) in receiver {
            let buffer: &mut Vec<u8> = &mut partial[usize::from(stream == Stream::Stderr)];
            buffer.extend_from_slice(&bytes);
            while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = buffer.drain(..=end).collect();
                take_line(&line, &mut said, on);
            }
        }
        partial.iter().for_each(|rest| take_line(rest, &mut said, on));
        if running.wait().map_err(|source| self.process(source))?.is_success() {
            return Ok(());
        }
        let errors = said.iter().rfind(|line| line.to_lowercase().contains("error")).or(said.last());
        Err(EngineError::classify(self.kind(), side.word(), errors.map_or("it gave no reason", String::as_str)))
    }

    fn over_api(&self, socket: &Path, side: Side, reference: &str, on: &OnTransfer<'_>) -> Result<(), EngineError> {
        let refused = |detail: String| EngineError::Refused { kind: self.kind(), verb: side.word().into(), detail };
        let parsed = Reference::parse(reference).map_err(|error| refused(error.to_string()))?;
        let repository = parsed.repository();
        let login = credentials::find(self.kind(), self.environment(), repository.host(), repository.path());
        // Without a header the engine refuses to push, also to a registry that wants no log-in.
        let login = login.map_or_else(|| "e30=".to_owned(), |login| login.header(repository.host()));
        let runtime = crate::api::runtime()?;
        runtime.block_on(async {
            let client = http_client().unix_socket(socket).tls_certs_only([]).build();
            let client = client.map_err(|error| refused(error.to_string()))?;
            let url = side.url(&parsed).ok_or_else(|| refused(format!("`{reference}` makes no request")))?;
            let mut secret = header::HeaderValue::from_str(&login).map_err(|error| refused(error.to_string()))?;
            secret.set_sensitive(true);
            let request = client.post(url).header("X-Registry-Auth", secret).header(header::CONTENT_LENGTH, 0);
            let gone = |error: reqwest::Error| EngineError::NotRunning { kind: self.kind(), detail: error.to_string() };
            let mut response = request.send().await.map_err(gone)?;
            let good = response.status().is_success();
            let (mut buffer, mut failure) = (Vec::new(), None);
            while let Some(chunk) = response.chunk().await.map_err(gone)? {
                buffer.extend_from_slice(&chunk);
                while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = buffer.drain(..=end).collect();
                    failure = failure.or(take_event(&line, on));
                }
            }
            failure = failure.or(take_event(&buffer, on));
            match failure {
                Some(detail) => Err(EngineError::classify(self.kind(), side.word(), &detail)),
                None if !good => Err(refused("it gave no reason".into())),
                None => Ok(()),
            }
        })
    }
}

/// Whether a reference names a registry of this machine.
fn is_at_home(reference: &str) -> bool {
    reference.split_once('/').is_some_and(|(host, _)| is_loopback(host))
}

impl Side {
    fn word(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Pull => "pull",
        }
    }

    /// Without an API version: the engine takes its newest.
    fn url(self, reference: &Reference) -> Option<reqwest::Url> {
        let repository = reference.repository().to_string();
        let mut url = reqwest::Url::parse("http://engine/").ok()?;
        let identifier = reference.identifier();
        match self {
            Self::Push => {
                url.set_path(&format!("/images/{repository}/push"));
                url.query_pairs_mut().append_pair("tag", identifier);
            }
            Self::Pull => {
                url.set_path("/images/create");
                url.query_pairs_mut().append_pair("fromImage", &repository).append_pair("tag", identifier);
            }
        }
        Some(url)
    }
}

fn take_line(bytes: &[u8], said: &mut Vec<String>, on: &OnTransfer<'_>) {
    let line = String::from_utf8_lossy(bytes).trim().to_owned();
    if !line.is_empty() {
        on(&Transfer::Line(line.clone()));
        said.push(line);
    }
}

/// Tells one line of the API's; gives back the failure that it says.
fn take_event(line: &[u8], on: &OnTransfer<'_>) -> Option<String> {
    let value: Value = serde_json::from_slice(line).ok()?;
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let failure = value.get("errorDetail").and_then(|detail| text(detail, "message"));
    if let Some(failure) = failure.or_else(|| text(&value, "error")).or_else(|| text(&value, "message")) {
        return Some(failure);
    }
    let status = text(&value, "status").unwrap_or_default();
    let Some(id) = text(&value, "id") else {
        on(&Transfer::Line(status));
        return None;
    };
    let number = |key: &str| value.pointer(&format!("/progressDetail/{key}")).and_then(Value::as_u64);
    let finished =
        ["Pushed", "Layer already exists", "Mounted from", "Download complete", "Pull complete", "Already exists"];
    if finished.iter().any(|word| status.starts_with(word)) {
        on(&Transfer::Finished { id });
    } else if status == "Pushing" || status == "Downloading" {
        on(&Transfer::Layer { id, done: number("current").unwrap_or(0), total: number("total") });
    }
    None
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::environment::Environment;

    #[test]
    fn podman_is_told_of_plain_registries_on_this_machine_only() {
        let client = |kind| Client::new(kind, "/bin/true".into(), None, Environment::default());
        let line = |kind, reference| client(kind).transfer_command(Side::Push, reference).to_string();
        assert_eq!(line(Kind::Podman, "localhost:5000/a:1"), "podman push '--tls-verify=false' localhost:5000/a:1");
        assert_eq!(line(Kind::Podman, "ghcr.io/a:1"), "podman push ghcr.io/a:1");
        assert_eq!(line(Kind::Docker, "localhost:5000/a:1"), "docker push localhost:5000/a:1");
    }

    #[test]
    fn what_the_api_says_is_told() {
        let told = Mutex::new(Vec::new());
        let on = |news: &Transfer| told.lock().unwrap().push(news.clone());
        let take = |line: &str| take_event(line.as_bytes(), &on);
        assert_eq!(take(r#"{"status":"Pushing","progressDetail":{"current":5,"total":9},"id":"ab"}"#), None);
        assert_eq!(take(r#"{"status":"Layer already exists","progressDetail":{},"id":"cd"}"#), None);
        assert_eq!(take(r#"{"status":"dev: digest: sha256:1 size: 2"}"#), None);
        assert_eq!(take(r#"{"errorDetail":{"message":"denied"},"error":"denied"}"#), Some("denied".into()));
        assert_eq!(take(r#"{"message":"no such image"}"#), Some("no such image".into()));
        let expected = [
            Transfer::Layer { id: "ab".into(), done: 5, total: Some(9) },
            Transfer::Finished { id: "cd".into() },
            Transfer::Line("dev: digest: sha256:1 size: 2".into()),
        ];
        assert_eq!(*told.lock().unwrap(), expected);
    }
}
