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
    let dockerfile = if builder == Builder::Podman { LABELLED } else { spec.dockerfile.as_str() };
    command = command.arg("--file").arg(spec.context.join(dockerfile)).arg("--tag").arg(spec.tag.clone());
    if let Some(target) = &spec.target {
        command = command.arg("--target").arg(target.clone());
    }
    if let Some(platform) = &spec.platform {
        command = command.arg("--platform").arg(platform.to_string());
    }
    if spec.no_cache {
        command = command.arg("--no-cache");
    }
    if let (Some(timestamp), Builder::Podman) = (spec.timestamp, builder) {
        command = command.arg("--timestamp").arg(timestamp.to_string());
    }
    for (name, value) in spec.labels.iter().filter(|_| builder != Builder::Podman) {
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
    if builder == Builder::Podman {
        write_labelled(spec).map_err(|error| EngineError::Refused {
            kind: client.kind(),
            verb: "build".into(),
            detail: format!("its Dockerfile could not be written: {error}"),
        })?;
    }
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

/// Name of the Dockerfile that Podman gets, beside the original.
const LABELLED: &str = "Dockerfile.labelled";

/// Podman 4 gives an image whose steps are all cached the labels of the image that it was cached from, whatever `--label`
/// says. As steps of the target itself the labels are part of what is cached.
fn write_labelled(spec: &BuildSpec) -> std::io::Result<()> {
    let text = fs_err::read_to_string(spec.context.join(&spec.dockerfile))?;
    fs_err::write(spec.context.join(LABELLED), with_labels(&text, spec))
}

fn with_labels(dockerfile: &str, spec: &BuildSpec) -> String {
    let labels: String =
        spec.labels.iter().map(|(name, value)| format!("LABEL {}={}\n", quoted(name), quoted(value))).collect();
    let target = spec.target.as_deref().map(str::to_ascii_lowercase);
    let mut text = String::with_capacity(dockerfile.len() + labels.len());
    let mut inside = false;
    for line in dockerfile.lines() {
        let words: Vec<String> = line.split_whitespace().map(str::to_ascii_lowercase).collect();
        if words.first().is_some_and(|word| word == "from") {
            if inside {
                text.push_str(&labels);
            }
            inside = words.windows(2).any(|pair| pair[0] == "as" && Some(&pair[1]) == target.as_ref());
        }
        text.push_str(line);
        text.push('\n');
    }
    if inside || target.is_none() {
        text.push_str(&labels);
    }
    text
}

/// A word in double quotes, as a Dockerfile reads it.
fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$"))
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn labels_become_steps_of_the_target() {
        let spec = BuildSpec {
            context: "/c".into(),
            dockerfile: "Dockerfile".into(),
            target: Some("dev".into()),
            tag: "t".into(),
            labels: BTreeMap::from([("a".into(), "b \"c\" $d".into())]),
            args: BTreeMap::new(),
            secrets: BTreeMap::new(),
            platform: None,
            timestamp: None,
            no_cache: false,
        };
        let text = with_labels("FROM x AS base\nFROM base AS Dev\nRUN y\nFROM base AS prod\n", &spec);
        let label = "LABEL \"a\"=\"b \\\"c\\\" \\$d\"";
        assert_eq!(text, format!("FROM x AS base\nFROM base AS Dev\nRUN y\n{label}\nFROM base AS prod\n"));
    }
}
