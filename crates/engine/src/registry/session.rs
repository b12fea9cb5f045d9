//! A session with registries: opens each on first use, tries again what may pass, and turns answers into errors.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use reqwest::{StatusCode, header};
use tokio::runtime::Runtime;

use super::error::RegistryError;
use super::host::{Answer, Host, Request, Right, Trouble};
use super::reference::Repository;
use super::retry::{Patience, Retry, chance, retry_after};
use crate::environment::Environment;
use crate::kind::Kind;

/// Called before each new try, from the thread that asked.
pub type OnRetry = dyn Fn(&Retry) + Send + Sync;

/// A session with registries, any number of them.
pub struct Registry {
    pub(super) kind: Kind,
    environment: Environment,
    bundles: Vec<PathBuf>,
    patience: Patience,
    on_retry: Box<OnRetry>,
    runtime: Runtime,
    hosts: Mutex<BTreeMap<String, Arc<Host>>>,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("kind", &self.kind).field("bundles", &self.bundles).finish_non_exhaustive()
    }
}

impl Registry {
    /// Opens a session with the log-ins and certificates that the engine `kind` has in `environment`, trusting those in the files
    /// `bundles` too. Nothing is sent before the first question.
    ///
    /// # Errors
    /// When the system gives no resources for it.
    pub fn open(
        kind: Kind,
        environment: &Environment,
        bundles: &[PathBuf],
        on_retry: Box<OnRetry>,
    ) -> std::io::Result<Self> {
        // Several threads may ask at once, so something has to drive connections whoever waits.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self {
            kind,
            environment: environment.clone(),
            bundles: bundles.to_vec(),
            patience: Patience::default(),
            on_retry,
            runtime,
            hosts: Mutex::default(),
        })
    }

    /// The same with another patience.
    #[must_use]
    pub fn patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// The user that the engine's store has for this repository.
    #[must_use]
    pub fn user(&self, repository: &Repository) -> Option<String> {
        self.host(repository).ok().and_then(|host| host.login.as_ref().map(|login| login.user.clone()))
    }

    fn host(&self, repository: &Repository) -> Result<Arc<Host>, RegistryError> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        // Podman keeps log-ins by repository too.
        let key = if self.kind == Kind::Podman { repository.to_string() } else { repository.host().to_owned() };
        if let Some(host) = hosts.get(&key) {
            return Ok(Arc::clone(host));
        }
        let host = Host::open(self.kind, &self.environment, &self.bundles, repository);
        let host = Arc::new(host.map_err(|trouble| self.trouble(repository, None, trouble, 1))?);
        hosts.insert(key, Arc::clone(&host));
        Ok(host)
    }

    /// Asks until there is an answer that stays as it is: any but 429 and 5xx. A full disk stays.
    pub(super) fn ask(&self, request: &Request<'_>) -> Result<Answer, RegistryError> {
        let host = self.host(request.repository)?;
        let mut tried = 0;
        loop {
            tried += 1;
            let (why, asked, error) = match self.runtime.block_on(host.send(request)) {
                Ok(answer) if is_final(&answer) => return Ok(answer),
                Ok(answer) => {
                    let asked = retry_after(answer.header(header::RETRY_AFTER));
                    (answer.words(), asked, self.failing(&host, &answer, tried))
                }
                Err(Trouble::Service(answer)) => {
                    let asked = retry_after(answer.header(header::RETRY_AFTER));
                    (answer.words(), asked, self.failing(&host, &answer, tried))
                }
                Err(Trouble::Cut(why)) => {
                    let error = RegistryError::Failing { host: host.name.clone(), why: why.clone(), tries: tried };
                    (why, None, error)
                }
                Err(trouble) => {
                    return Err(self.trouble(request.repository, Some(&host), trouble, tried));
                }
            };
            let Some(wait) = self.patience.wait(tried, asked, chance()) else { return Err(error) };
            let what = format!("registry `{}`", host.name);
            (self.on_retry)(&Retry { what, why, next: tried + 1, of: self.patience.tries, wait });
            thread::sleep(wait);
        }
    }

    fn failing(&self, host: &Host, answer: &Answer, tries: u32) -> RegistryError {
        RegistryError::Failing { host: host.name.clone(), why: answer.words(), tries }
    }

    fn trouble(&self, repository: &Repository, host: Option<&Host>, trouble: Trouble, tries: u32) -> RegistryError {
        let name = repository.host().to_owned();
        match trouble {
            Trouble::Unreachable(why) => RegistryError::Unreachable { host: name, why },
            Trouble::Certificate(why) => RegistryError::Certificate { host: name, why, kind: self.kind },
            Trouble::Unauthorized => RegistryError::Unauthorized { host: name, user: user(host), kind: self.kind },
            Trouble::Cut(why) => RegistryError::Failing { host: name, why, tries },
            Trouble::Service(answer) => RegistryError::Failing { host: name, why: answer.words(), tries },
            Trouble::Other(detail) => RegistryError::Answer { host: name, verb: "connect".into(), detail },
        }
    }

    /// What an answer that is no success means; 404 has its own meaning for each verb and is not handled here.
    pub(super) fn refusal(&self, request: &Request<'_>, answer: &Answer) -> RegistryError {
        let repository = Box::new(request.repository.clone());
        let host = self.host(request.repository).ok();
        let user = user(host.as_deref());
        let name = repository.host().to_owned();
        let denied = || RegistryError::Denied {
            repository: repository.clone(),
            user: user.clone(),
            verb: verb(request.right),
            why: answer.words(),
            kind: self.kind,
        };
        if is_disk_full(answer) {
            return RegistryError::DiskFull { host: name, why: answer.words() };
        }
        match answer.status {
            StatusCode::UNAUTHORIZED if answer.is_insufficient => denied(),
            StatusCode::UNAUTHORIZED => RegistryError::Unauthorized { host: name, user, kind: self.kind },
            StatusCode::FORBIDDEN => denied(),
            StatusCode::METHOD_NOT_ALLOWED => RegistryError::ReadOnly { repository, why: answer.words() },
            _ if request.right == Right::Push && answer.has_code("UNSUPPORTED") => {
                RegistryError::ReadOnly { repository, why: answer.words() }
            }
            _ if answer.has_code("NAME_INVALID") || answer.has_code("TAG_INVALID") => {
                RegistryError::BadName { text: repository.to_string(), what: answer.words(), write: None }
            }
            _ => RegistryError::Answer { host: name, verb: verb(request.right).into(), detail: answer.words() },
        }
    }

    pub(super) fn nonsense(&self, repository: &Repository, verb: &str, detail: String) -> RegistryError {
        RegistryError::Answer { host: repository.host().into(), verb: verb.into(), detail }
    }
}

fn user(host: Option<&Host>) -> Option<String> {
    host.and_then(|host| host.login.as_ref()).map(|login| login.user.clone())
}

fn verb(right: Right) -> &'static str {
    if right == Right::Push { "push to" } else { "pull from" }
}

fn is_final(answer: &Answer) -> bool {
    let passes = answer.status.is_server_error() || answer.status == StatusCode::TOO_MANY_REQUESTS;
    !passes || is_disk_full(answer) || answer.status == StatusCode::NOT_IMPLEMENTED
}

/// 507, or an error of the storage that names the lack of space; 28 is Linux's number for it, which distribution passes on.
fn is_disk_full(answer: &Answer) -> bool {
    if !answer.status.is_server_error() {
        return false;
    }
    let text = String::from_utf8_lossy(&answer.body).to_lowercase();
    answer.status == StatusCode::INSUFFICIENT_STORAGE
        || ["no space left", "enospc", "\"err\":28", "disk quota exceeded", "storage is full"]
            .iter()
            .any(|word| text.contains(word))
}
