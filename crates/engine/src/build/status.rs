//! Progress of a BuildKit build, read from its control service, as lines of a log; and what a failure means.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use bollard::moby::buildkit::v1::control_client::ControlClient;
use bollard::moby::buildkit::v1::{StatusRequest, StatusResponse};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tonic::transport::Endpoint;

use super::BuildFailure;
use crate::client::Client;
use crate::error::EngineError;
use crate::kind::Kind;

const TAIL: usize = 30;

/// What is known of the build so far.
#[derive(Debug, Default)]
pub(super) struct Progress {
    names: BTreeMap<String, (usize, String)>,
    logs: BTreeMap<String, Vec<String>>,
    done: BTreeMap<String, ()>,
    partial: BTreeMap<String, Vec<u8>>,
    failed: Option<(String, String)>,
}

/// Follows the build called `id` until its status ends. Progress is a courtesy: when it cannot be had, the build
/// itself is not disturbed.
pub(super) async fn follow(socket: &Path, id: &str, progress: &mut Progress, on_line: &(dyn Fn(&str) + Sync)) {
    let Ok(endpoint) = Endpoint::try_from("http://buildkit") else { return };
    let Ok(channel) = endpoint.connect_with_connector(Upgrade(socket.into())).await else { return };
    let mut control = ControlClient::new(channel).max_decoding_message_size(16 << 20);
    let Ok(answer) = control.status(StatusRequest { r#ref: id.into() }).await else { return };
    let mut stream = answer.into_inner();
    while let Ok(Some(status)) = stream.message().await {
        progress.take(status, on_line);
    }
}

impl Progress {
    fn take(&mut self, status: StatusResponse, on_line: &(dyn Fn(&str) + Sync)) {
        for vertex in status.vertexes {
            let next = self.names.len() + 1;
            let (number, _) = self.names.entry(vertex.digest.clone()).or_insert_with(|| {
                on_line(&format!("#{next} {}", vertex.name));
                (next, vertex.name.clone())
            });
            let number = *number;
            if !vertex.error.is_empty() {
                on_line(&format!("#{number} ERROR: {}", vertex.error));
                self.failed = Some((vertex.digest.clone(), vertex.error));
            } else if vertex.completed.is_some() && self.done.insert(vertex.digest, ()).is_none() {
                on_line(&format!("#{number} {}", if vertex.cached { "CACHED" } else { "DONE" }));
            }
        }
        for log in status.logs {
            let number = self.names.get(&log.vertex).map_or(0, |(number, _)| *number);
            let partial = self.partial.entry(log.vertex.clone()).or_default();
            partial.extend_from_slice(&log.msg);
            while let Some(end) = partial.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = partial.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                on_line(&format!("#{number} {line}"));
                let lines = self.logs.entry(log.vertex.clone()).or_default();
                lines.push(line);
                if lines.len() > TAIL {
                    lines.remove(0);
                }
            }
        }
    }

    pub(super) fn failure(&mut self, client: &Client, error: &str) -> BuildFailure {
        let (summary, tail) = match self.failed.take() {
            Some((digest, message)) => {
                let name = self.names.get(&digest).map(|(_, name)| name.clone()).unwrap_or_default();
                let tail = self.logs.remove(&digest).unwrap_or_default();
                (format!("{name}: {message}"), tail)
            }
            None => (error.to_owned(), Vec::new()),
        };
        match EngineError::classify(client.kind(), "build", &summary) {
            EngineError::Refused { kind, .. } => failure(kind, &summary, tail),
            other => other.into(),
        }
    }
}

/// Tells a base image that cannot be had from a step that failed.
pub(super) fn failure(kind: Kind, summary: &str, tail: Vec<String>) -> BuildFailure {
    let lower = summary.to_lowercase();
    let signs = [
        "pull access denied",
        "failed to resolve source metadata",
        "failed to load metadata",
        "failed to authorize",
        "dial tcp",
        "unable to pull",
        "initializing source",
        "manifest unknown",
        "creating build container",
        "short-name",
    ];
    if signs.iter().any(|sign| lower.contains(sign)) && !lower.contains("/bin/sh") {
        return EngineError::NoImage { kind, image: named_image(summary), detail: summary.into() }.into();
    }
    BuildFailure::Step { summary: summary.to_owned(), tail }
}

fn named_image(summary: &str) -> String {
    let after = [
        "for docker.io/library/",
        "for docker.io/",
        "metadata for ",
        "source docker://",
        "pull access denied for ",
        "image \"",
    ];
    for mark in after {
        if let Some((_, rest)) = summary.split_once(mark) {
            let end = rest.find(": ").or_else(|| rest.find([' ', ',', '"'])).unwrap_or(rest.len());
            return rest[..end].trim_end_matches(':').to_owned();
        }
    }
    String::from("base")
}

/// Opens `/grpc` on the engine's socket and hands the upgraded connection to tonic.
#[derive(Clone)]
struct Upgrade(PathBuf);

impl tower_service::Service<http::Uri> for Upgrade {
    type Response = TokioIo<UnixStream>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _uri: http::Uri) -> Self::Future {
        let socket = self.0.clone();
        Box::pin(async move {
            let mut stream = UnixStream::connect(socket).await?;
            stream
                .write_all(b"POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
                .await?;
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                if head.len() > 8192 {
                    return Err(std::io::Error::other("the engine's answer has no end"));
                }
                head.push(stream.read_u8().await?);
            }
            if head.starts_with(b"HTTP/1.1 101") || head.starts_with(b"HTTP/1.1 200") {
                Ok(TokioIo::new(stream))
            } else {
                Err(std::io::Error::other("the engine did not open its build service"))
            }
        })
    }
}
