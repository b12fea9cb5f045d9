//! What the URL of a shared store means.

use std::collections::BTreeMap;

/// Where entries lie, as a URL says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What speaks there.
    pub service: Service,
    /// The bucket, or scheme, host and path of a server; empty for GitHub.
    pub place: String,
    /// Path below which all entries lie.
    pub prefix: String,
    /// `region`, `endpoint` and the like.
    pub options: BTreeMap<String, String>,
}

/// What a store speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Amazon S3, or what speaks as it does.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// The cache of GitHub Actions.
    GitHub,
    /// WebDAV.
    WebDav,
    /// Plain HTTP, which is only read.
    Http,
}

/// A user of a WebDAV or HTTP server.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Login {
    /// Name and password.
    pub user: Option<(String, String)>,
    /// A bearer token; it wins.
    pub token: Option<String>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Login")
    }
}

/// A URL that names no store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Its scheme is none of those that are known.
    #[error(
        "`{0}` is none of `s3://`, `gcs://`, `ghac://`, `webdav+https://`, `webdav+http://`, `https://`, `http://` and `file://`"
    )]
    Scheme(String),
    /// No bucket or host follows the scheme.
    #[error("it names no bucket or host")]
    Empty,
    /// It has a user or password in it.
    #[error(
        "it holds a log-in, which would stand in logs; set WHARF_CACHE_USER and WHARF_CACHE_PASSWORD, or WHARF_CACHE_TOKEN"
    )]
    LogIn,
    /// It has an option that the service does not have.
    #[error("`{0}` is no option of such a store")]
    Option(String),
}

impl Service {
    /// Whether entries can be put there.
    #[must_use]
    pub fn is_writable(self) -> bool {
        self != Self::Http
    }

    fn options(self) -> &'static [&'static str] {
        match self {
            Self::S3 => &["region", "endpoint", "virtual-host"],
            Self::Gcs => &["endpoint"],
            Self::GitHub => &["version"],
            Self::WebDav | Self::Http => &[],
        }
    }
}

impl Target {
    /// Reads a URL such as `s3://bucket/prefix?region=eu-west-1`.
    ///
    /// # Errors
    /// When it names no store.
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| UrlError::Scheme(shown(url).to_owned()))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (place, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if place.contains('@') {
            return Err(UrlError::LogIn);
        }
        let prefix = prefix.trim_matches('/').to_owned();
        let server = |scheme: &str| (format!("{scheme}://{place}"), prefix.clone());
        let (service, (place, prefix)) = match scheme {
            "s3" => (Service::S3, (place.to_owned(), prefix)),
            "gcs" | "gs" => (Service::Gcs, (place.to_owned(), prefix)),
            "ghac" => (Service::GitHub, (String::new(), rest.trim_matches('/').to_owned())),
            "webdav+https" => (Service::WebDav, server("https")),
            "webdav+http" => (Service::WebDav, server("http")),
            "https" | "http" => (Service::Http, server(scheme)),
            _ => return Err(UrlError::Scheme(format!("{scheme}://"))),
        };
        if service != Service::GitHub && (place.is_empty() || place.ends_with("://")) {
            return Err(UrlError::Empty);
        }
        let mut options = BTreeMap::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if !service.options().contains(&name) {
                return Err(UrlError::Option(name.to_owned()));
            }
            options.insert(name.to_owned(), value.to_owned());
        }
        Ok(Self { service, place, prefix, options })
    }
}

/// A URL as it may be shown: without options.
pub(crate) fn shown(url: &str) -> &str {
    url.split('?').next().unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> (Service, String, String) {
        let target = Target::parse(url).unwrap();
        (target.service, target.place, target.prefix)
    }

    #[test]
    fn each_service_has_its_scheme() {
        let is = |service, place: &str, prefix: &str| (service, place.to_owned(), prefix.to_owned());
        assert_eq!(target("s3://team/wharf/tests/"), is(Service::S3, "team", "wharf/tests"));
        assert_eq!(target("gs://team"), is(Service::Gcs, "team", ""));
        assert_eq!(target("ghac://wharf"), is(Service::GitHub, "", "wharf"));
        assert_eq!(target("ghac://"), is(Service::GitHub, "", ""));
        assert_eq!(
            target("webdav+https://dav.example.org:8443/a/b"),
            is(Service::WebDav, "https://dav.example.org:8443", "a/b")
        );
        assert_eq!(target("http://cache.example.org/x"), is(Service::Http, "http://cache.example.org", "x"));
        let s3 = Target::parse("s3://team?region=eu-west-1&endpoint=http://127.0.0.1:9000").unwrap();
        assert_eq!(s3.options["endpoint"], "http://127.0.0.1:9000");
    }

    #[test]
    fn what_names_no_store_says_why() {
        assert_eq!(Target::parse("ftp://a"), Err(UrlError::Scheme("ftp://".into())));
        assert_eq!(Target::parse("team?secret=1"), Err(UrlError::Scheme("team".into())));
        assert_eq!(Target::parse("s3:///prefix"), Err(UrlError::Empty));
        assert_eq!(Target::parse("webdav+http:///x"), Err(UrlError::Empty));
        assert_eq!(Target::parse("https://me:secret@host/x"), Err(UrlError::LogIn));
        assert_eq!(Target::parse("s3://team?regoin=x"), Err(UrlError::Option("regoin".into())));
    }
}
