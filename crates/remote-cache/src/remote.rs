//! The store itself.

use std::error::Error as _;
use std::io;
use std::sync::Once;
use std::time::Duration;

use futures_util::StreamExt;
use opendal::services::{Gcs, Ghac, Http, S3, Webdav};
use opendal::{ErrorKind, HttpTransporter, Operator};
use opendal_http_transport_reqwest::ReqwestTransport;
use tokio::runtime::{Builder, Runtime};
use wharf_core::test_suite::cache::{Key, Store};

use crate::url::{Login, Service, Target, UrlError, shown};

/// Bytes of an entry; no honest one comes near it.
const LIMIT: usize = 16 << 20;

/// A store that many machines share.
#[derive(Debug)]
pub struct Remote {
    name: String,
    operator: Operator,
    service: Service,
    patience: Duration,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

/// A store that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// Its URL is wrong.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// Something that it needs is not there, such as the variables that GitHub sets in jobs.
    #[error("{0}")]
    Lacking(String),
    /// No thread or HTTP client can be had.
    #[error("it cannot be asked from here")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Remote {
    /// The store at `url`. Each question may take `patience`, and connecting half of it. Asks nothing yet.
    ///
    /// # Errors
    /// When the URL names no store, or what it needs is lacking.
    pub fn open(url: &str, login: &Login, patience: Duration) -> Result<Self, RemoteError> {
        let target = Target::parse(url)?;
        // One thread for all questions; whoever asks waits in a thread of its own.
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| RemoteError::Client(error.into()))?;
        let operator = operator(&target, login).map_err(|error| RemoteError::Lacking(brief(&error)))?;
        let client = client(patience).map_err(|error| RemoteError::Client(error.into()))?;
        let context = operator.base_context().with_http_transport(HttpTransporter::new(ReqwestTransport::new(client)));
        Ok(Self {
            name: shown(url).to_owned(),
            operator: operator.with_context(context),
            service: target.service,
            patience,
            runtime: Some(runtime),
        })
    }

    /// Whether entries can be put there.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.service.is_writable()
    }

    fn wait<T>(&self, question: impl Future<Output = io::Result<T>>) -> io::Result<Option<T>> {
        let Some(runtime) = &self.runtime else { return Ok(None) };
        match runtime.block_on(async { tokio::time::timeout(self.patience, question).await }) {
            Ok(Ok(answer)) => Ok(Some(answer)),
            Ok(Err(error)) => match of_library(&error) {
                Some(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Some(error) => Err(io::Error::other(brief(error))),
                None if error.kind() == io::ErrorKind::NotFound => Ok(None),
                None => Err(error),
            },
            Err(_) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("it gave no answer within {} s", self.patience.as_secs_f64()),
            )),
        }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // Not waited for: looking up a name may hang.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Store for Remote {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn get(&self, key: &Key) -> io::Result<Option<Vec<u8>>> {
        let path = path(key);
        self.wait(async {
            let reader = self.operator.reader(&path).await.map_err(io::Error::other)?;
            let mut stream = reader.into_bytes_stream(..).await.map_err(io::Error::other)?;
            let mut bytes = Vec::new();
            while let Some(chunk) = stream.next().await {
                bytes.extend_from_slice(&chunk?);
                if bytes.len() > LIMIT {
                    return Err(io::Error::other("it gave an entry larger than any"));
                }
            }
            Ok(bytes)
        })
    }

    fn put(&self, key: &Key, bytes: &[u8]) -> io::Result<()> {
        let path = path(key);
        let bytes = bytes.to_vec();
        let written = self.wait(async {
            match self.operator.write(&path, bytes).await {
                // GitHub's cache keeps the first entry of a name.
                Err(error) if self.service == Service::GitHub && error.kind() == ErrorKind::AlreadyExists => Ok(()),
                other => other.map(drop).map_err(io::Error::other),
            }
        })?;
        // A missing bucket, for example: where nothing is found when reading, there is merely no entry.
        written.ok_or_else(|| io::Error::other("the place is not there"))
    }

    fn remove(&self, key: &Key) -> io::Result<()> {
        self.wait(async { self.operator.delete(&path(key)).await.map_err(io::Error::other) }).map(drop)
    }
}

const REFUSES: &str = "it refuses (are the credentials set, and may they read and list there?)";

/// As in a folder, so that one can be copied to the other.
fn path(key: &Key) -> String {
    let name = key.hex();
    format!("{}/{}", &name[..2], &name[2..])
}

fn operator(target: &Target, login: &Login) -> opendal::Result<Operator> {
    let option = |name: &str| target.options.get(name).map(String::as_str).unwrap_or_default();
    let root = format!("/{}", target.prefix);
    let (user, password) = login.user.as_ref().map_or(("", ""), |(user, password)| (user, password));
    let token = login.token.as_deref().unwrap_or_default();
    match target.service {
        Service::S3 => {
            let mut builder = S3::default().bucket(&target.place).root(&root).region(option("region"));
            builder = builder.endpoint(option("endpoint"));
            if target.options.contains_key("virtual-host") {
                builder = builder.enable_virtual_host_style();
            }
            Operator::new(builder)
        }
        Service::Gcs => Operator::new(Gcs::default().bucket(&target.place).root(&root).endpoint(option("endpoint"))),
        Service::GitHub => Operator::new(Ghac::default().root(&root).version(option("version"))),
        Service::WebDav => {
            let builder = Webdav::default().endpoint(&target.place).root(&root);
            Operator::new(builder.username(user).password(password).token(token))
        }
        Service::Http => {
            let builder = Http::default().endpoint(&target.place).root(&root);
            Operator::new(builder.username(user).password(password).token(token))
        }
    }
}

fn client(patience: Duration) -> reqwest::Result<reqwest::Client> {
    static PROVIDER: Once = Once::new();
    // Another one that is installed already will do as well.
    PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let agent = concat!("wharf/", env!("CARGO_PKG_VERSION"));
    reqwest::Client::builder().user_agent(agent).connect_timeout(patience / 2).build()
}

/// What went wrong, without what the server said: some repeat the key that was used.
fn brief(error: &opendal::Error) -> String {
    let deepest = || {
        let mut cause: Option<&dyn std::error::Error> = error.source();
        while let Some(below) = cause.and_then(std::error::Error::source) {
            cause = Some(below);
        }
        cause.map(ToString::to_string)
    };
    let status = status(error);
    match error.kind() {
        _ if status == Some(401) => REFUSES.into(),
        ErrorKind::PermissionDenied => REFUSES.into(),
        ErrorKind::RateLimited => "it has too much to do".into(),
        ErrorKind::ConfigInvalid => error.message().to_owned(),
        ErrorKind::Unsupported => "it cannot be written to".into(),
        _ if error.message() == "send http request" => {
            deepest().map_or_else(|| "it cannot be reached".into(), |why| format!("it cannot be reached: {why}"))
        }
        _ => status
            .map_or_else(|| "it answers with an error".into(), |status| format!("it answers with status {status}")),
    }
}

/// The status of the answer, which the library tells only among other things.
fn status(error: &opendal::Error) -> Option<u16> {
    let told = error.to_string();
    let rest = told.split("status: ").nth(1)?;
    rest.get(..3)?.parse().ok()
}

/// The library's own error, which streams wrap.
fn of_library(error: &io::Error) -> Option<&opendal::Error> {
    error.get_ref()?.downcast_ref()
}
