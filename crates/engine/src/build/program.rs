//! Builds through the engine's own program.

use std::collections::VecDeque;
use std::sync::mpsc::sync_channel;

use wharf_process::{Command, Stream};

use super::{BuildFailure, BuildSpec, Builder};
use crate::client::Client;
use crate::error::EngineError;

const TAIL: usize = 30;

pub(super) fn has_buildx(client: &Client) -> bool {
    let answer = client.command().args(["buildx", "version"]).run();
    answer.is_ok_and(|output| output.exit.is_success())
}

pub(super) fn client_is_older_than_23(client: &Client) -> bool {
    let answer = client.command().args(["version", "--format", "{{.Client.Version}}"]).run();
    let major = answer.ok().and_then(|output| output.text().split('.').next()?.trim().parse::<u32>().ok());
    major.is_some_and(|major| major < 23)
}

pub(super) fn command(client: &Client, builder: Builder, spec: &BuildSpec) -> Command {
    let mut command = match builder {
        Builder::Buildx => client.command().args(["buildx", "build", "--load", "--progress=plain"]),
        Builder::LegacyClient => client.command().args(["build", "--progress=plain"]).env("DOCKER_BUILDKIT", "1"),
        Builder::Podman | Builder::Session => client.command().args(["build", "--layers", "--format=docker"]),
    };
    command = command.arg("--file").arg(spec.context.join(&spec.dockerfile)).arg("--tag").arg(spec.tag.clone());
    if let Some(target) = &spec.target {
        command = command.arg("--target").arg(target.clone());
    }
    if let Some(platform) = &spec.platform {
        command = command.arg("--platform").arg(platform.clone());
    }
    for (name, value) in &spec.labels {
        command = command.arg("--label").arg(format!("{name}={value}"));
    }
    for (name, value) in &spec.args {
        command = command.arg("--build-arg").arg(format!("{name}={value}"));
    }
    for (id, file) in &spec.secrets {
        command = command.arg("--secret").arg(format!("id={id},src={}", file.display()));
    }
    command.arg(spec.context.clone())
}

pub(super) fn build(
    client: &Client,
    builder: Builder,
    spec: &BuildSpec,
    on_line: &(dyn Fn(&str) + Sync),
) -> Result<(), BuildFailure> {
    let (sender, receiver) = sync_channel::<(Stream, Vec<u8>)>(64);
    let command = command(client, builder, spec);
    let running = command
        .stream(move |chunk| {
            let _ = sender.send((chunk.stream, chunk.bytes));
        })
        .map_err(|source| client.process(source))?;
    let mut log = Log::default();
    let mut partial = [Vec::new(), Vec::new()];
    for (stream, bytes) in receiver {
        let buffer = &mut partial[usize::from(stream == Stream::Stderr)];
        buffer.extend_from_slice(&bytes);
        while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = buffer.drain(..=end).collect();
            log.take(&line, on_line);
        }
    }
    for rest in &partial {
        log.take(rest, on_line);
    }
    let exit = running.wait().map_err(|source| client.process(source))?;
    if exit.is_success() { Ok(()) } else { Err(log.failure(client)) }
}

#[derive(Default)]
struct Log {
    tail: VecDeque<String>,
    error: Option<String>,
}

impl Log {
    fn take(&mut self, bytes: &[u8], on_line: &(dyn Fn(&str) + Sync)) {
        let text = String::from_utf8_lossy(bytes);
        for line in text.split('\r').map(str::trim_end).filter(|line| !line.is_empty()) {
            on_line(line);
            let lower = line.to_lowercase();
            if lower.starts_with("error") || lower.contains("failed to solve") || lower.starts_with("failed to") {
                self.error = Some(line.to_owned());
            }
            if self.tail.len() == TAIL {
                self.tail.pop_front();
            }
            self.tail.push_back(line.to_owned());
        }
    }

    fn failure(self, client: &Client) -> BuildFailure {
        let summary = self.error.or_else(|| self.tail.back().cloned()).unwrap_or_else(|| "the build failed".into());
        match EngineError::classify(client.kind(), "build", &summary) {
            EngineError::Refused { kind, .. } => super::status::failure(kind, &summary, self.tail.into()),
            other => other.into(),
        }
    }
}
