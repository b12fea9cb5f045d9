//! One registry as it is spoken to: over which protocol, as whom, and one request with its log-in.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once};
use std::time::Duration;

use reqwest::{Client, ClientBuilder, Method, Response, StatusCode, Url, header};

use super::certificates;
use super::challenge::{Challenge, token};
use super::reference::Repository;
use crate::credentials::{self, Login};
use crate::environment::Environment;
use crate::kind::Kind;

const CONNECT: Duration = Duration::from_secs(10);
const READ: Duration = Duration::from_secs(60);
/// More than the 4 MiB that registries must take for a manifest (OCI distribution specification 1.1).
const LONGEST_BODY: usize = 8 << 20;

/// What a request is for, which decides the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Right {
    /// Reading.
    Pull,
    /// Writing, which reads too.
    Push,
}

/// A request to a registry.
#[derive(Debug, Clone)]
pub(super) struct Request<'a> {
    pub(super) method: Method,
    /// Where, from the registry's root, or a whole URL.
    pub(super) target: String,
    pub(super) repository: &'a Repository,
    pub(super) right: Right,
    pub(super) accept: Vec<&'a str>,
    pub(super) body: Option<(&'a str, &'a [u8])>,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: header::HeaderMap,
    pub(super) body: Vec<u8>,
    /// Whether what was asked for needs more rights than the log-in has.
    pub(super) is_insufficient: bool,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// No connection came about.
    Unreachable(String),
    /// The certificate is not trusted.
    Certificate(String),
    /// The connection broke, or took too long.
    Cut(String),
    /// The log-in was refused by the token service.
    Unauthorized,
    /// The token service fails.
    Service(Box<Answer>),
    /// Something else.
    Other(String),
}

/// One registry.
pub(super) struct Host {
    /// Its name as it stands in references.
    pub(super) name: String,
    /// The log-in for it.
    pub(super) login: Option<Login>,
    client: Client,
    secure: AtomicBool,
    authorizations: Mutex<BTreeMap<(String, Right), String>>,
}

/// An HTTP client to be. Its library panics where no one has chosen who does the cryptography.
pub(crate) fn http_client() -> ClientBuilder {
    static PROVIDER: Once = Once::new();
    // Another one that is installed already will do as well.
    PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    Client::builder().user_agent(concat!("wharf/", env!("CARGO_PKG_VERSION")))
}

impl Answer {
    pub(super) fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The registry's own words, in one line.
    pub(super) fn words(&self) -> String {
        let value: Option<serde_json::Value> = serde_json::from_slice(&self.body).ok();
        let errors =
            value.as_ref().and_then(|value| value.get("errors")?.as_array()).map(Vec::as_slice).unwrap_or_default();
        let text =
            |value: Option<&serde_json::Value>| value.and_then(|value| value.as_str()).unwrap_or_default().to_owned();
        let said: Vec<String> =
            errors.iter().map(|error| text(error.get("message"))).filter(|said| !said.is_empty()).collect();
        if said.is_empty() { self.status.to_string() } else { format!("{}: {}", self.status, said.join("; ")) }
    }

    /// Whether one of the registry's error codes is this.
    pub(super) fn has_code(&self, code: &str) -> bool {
        let value: Option<serde_json::Value> = serde_json::from_slice(&self.body).ok();
        let errors =
            value.as_ref().and_then(|value| value.get("errors")?.as_array()).map(Vec::as_slice).unwrap_or_default();
        errors.iter().any(|error| error.get("code").and_then(serde_json::Value::as_str) == Some(code))
    }
}

impl Host {
    pub(super) fn open(
        kind: Kind,
        environment: &Environment,
        bundles: &[PathBuf],
        repository: &Repository,
    ) -> Result<Self, Trouble> {
        let name = repository.host();
        let builder = http_client().connect_timeout(CONNECT).read_timeout(READ);
        let tls = certificates::tls(kind, environment, name, bundles).map_err(Trouble::Certificate)?;
        let builder = builder.tls_backend_preconfigured(tls);
        let plain = certificates::is_plain(name);
        let builder = if plain { builder.no_proxy() } else { builder };
        Ok(Self {
            name: name.to_owned(),
            login: credentials::find(kind, environment, name, repository.path()),
            client: builder.build().map_err(|error| Trouble::Other(whole(&error)))?,
            secure: AtomicBool::new(!plain),
            authorizations: Mutex::default(),
        })
    }

    /// One try, with the log-in where the registry asks for one.
    pub(super) async fn send(&self, request: &Request<'_>) -> Result<Answer, Trouble> {
        let mut answer = self.with_login(request).await?;
        let is_tls =
            answer.status == StatusCode::BAD_REQUEST && String::from_utf8_lossy(&answer.body).contains("HTTPS");
        if is_tls && !self.secure.swap(true, Ordering::Relaxed) {
            answer = self.with_login(request).await?;
        }
        Ok(answer)
    }

    async fn with_login(&self, request: &Request<'_>) -> Result<Answer, Trouble> {
        let known = self.known(request);
        let had_one = known.is_some();
        let answer = self.once(request, known).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let challenge = answer.header(header::WWW_AUTHENTICATE).and_then(Challenge::parse);
        let authorization = match (&challenge, &self.login) {
            (Some(Challenge::Basic), Some(login)) if !had_one => login.basic(),
            (Some(Challenge::Bearer { realm, service, .. }), _) => {
                let token = self.token(realm, service.as_deref(), request).await?;
                format!("Bearer {token}")
            }
            _ => return Ok(answer),
        };
        let mut again = self.once(request, Some(authorization.clone())).await?;
        if again.status == StatusCode::UNAUTHORIZED {
            let said = again.header(header::WWW_AUTHENTICATE).and_then(Challenge::parse);
            again.is_insufficient = matches!(said, Some(Challenge::Bearer { is_insufficient: true, .. }));
        } else if let Ok(mut authorizations) = self.authorizations.lock() {
            authorizations.insert((request.repository.path().to_owned(), request.right), authorization);
        }
        Ok(again)
    }

    fn known(&self, request: &Request<'_>) -> Option<String> {
        let authorizations = self.authorizations.lock().ok()?;
        authorizations.get(&(request.repository.path().to_owned(), request.right)).cloned()
    }

    async fn once(&self, request: &Request<'_>, authorization: Option<String>) -> Result<Answer, Trouble> {
        let url = self.url(&request.target)?;
        // An upload may go on elsewhere; what lets us into the registry is none of that host's business.
        let authorization = authorization.filter(|_| self.url("/").is_ok_and(|root| root.host_str() == url.host_str()));
        let mut builder = self.client.request(request.method.clone(), url);
        for accepted in &request.accept {
            builder = builder.header(header::ACCEPT, *accepted);
        }
        if let Some(authorization) = authorization {
            let mut value =
                header::HeaderValue::from_str(&authorization).map_err(|error| Trouble::Other(error.to_string()))?;
            value.set_sensitive(true);
            builder = builder.header(header::AUTHORIZATION, value);
        }
        builder = match request.body {
            Some((media_type, bytes)) => builder.header(header::CONTENT_TYPE, media_type).body(bytes.to_vec()),
            None if request.method == Method::POST => builder.header(header::CONTENT_LENGTH, 0),
            None => builder,
        };
        read(builder.send().await.map_err(|error| sort(&error))?).await
    }

    fn url(&self, target: &str) -> Result<Url, Trouble> {
        let wrong = |error: &dyn std::fmt::Display| Trouble::Other(format!("`{target}`: {error}"));
        let scheme = if self.secure.load(Ordering::Relaxed) { "https" } else { "http" };
        let host = if self.name == "docker.io" { "registry-1.docker.io" } else { &self.name };
        let root = Url::parse(&format!("{scheme}://{host}/")).map_err(|error| wrong(&error))?;
        root.join(target).map_err(|error| wrong(&error))
    }

    /// A token for what the request wants, of the service that the registry names.
    async fn token(&self, realm: &str, service: Option<&str>, request: &Request<'_>) -> Result<String, Trouble> {
        let actions = if request.right == Right::Push { "pull,push" } else { "pull" };
        let scope = format!("repository:{}:{actions}", request.repository.path());
        let mut url = Url::parse(realm).map_err(|error| Trouble::Other(format!("`{realm}`: {error}")))?;
        let identity = self.login.as_ref().and_then(Login::identity_token);
        let builder = match identity {
            Some(refresh) => {
                // The OAuth2 form of the same (distribution, "Oauth2 Token Authentication").
                let form = form(&[
                    ("grant_type", "refresh_token"),
                    ("client_id", "wharf"),
                    ("scope", &scope),
                    ("refresh_token", refresh),
                    ("service", service.unwrap_or_default()),
                ]);
                self.client.post(url).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(form)
            }
            None => {
                url.query_pairs_mut().append_pair("scope", &scope);
                if let Some(service) = service {
                    url.query_pairs_mut().append_pair("service", service);
                }
                let builder = self.client.get(url);
                match &self.login {
                    Some(login) => builder.header(header::AUTHORIZATION, login.basic()),
                    None => builder,
                }
            }
        };
        let answer = read(builder.send().await.map_err(|error| sort(&error))?).await?;
        match answer.status {
            status if status.is_success() => {
                token(&answer.body).ok_or_else(|| Trouble::Other("its token service gives no token".into()))
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST => Err(Trouble::Unauthorized),
            _ => Err(Trouble::Service(Box::new(answer))),
        }
    }
}

/// Pairs as browsers send forms: the query of a URL has the same encoding.
fn form(pairs: &[(&str, &str)]) -> String {
    Url::parse_with_params("http://form/", pairs)
        .ok()
        .and_then(|url| url.query().map(str::to_owned))
        .unwrap_or_default()
}

async fn read(mut response: Response) -> Result<Answer, Trouble> {
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| sort(&error))? {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST_BODY {
            return Err(Trouble::Other(format!("an answer of more than {LONGEST_BODY} bytes")));
        }
    }
    Ok(Answer { status, headers, body, is_insufficient: false })
}

fn sort(error: &reqwest::Error) -> Trouble {
    let text = whole(error);
    if let Some(complaint) = certificates::complaint(&text) {
        return Trouble::Certificate(complaint);
    }
    // The URL stands in the error's own words; what is under them says what happened.
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    let why = cause.to_string();
    if error.is_connect() {
        let broke = ["reset", "broken pipe", "eof"].iter().any(|word| why.to_lowercase().contains(word));
        return if broke { Trouble::Cut(why) } else { Trouble::Unreachable(why) };
    }
    if error.is_builder() { Trouble::Other(text) } else { Trouble::Cut(why) }
}

/// An error with all its causes.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
