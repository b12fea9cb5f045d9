//! The shared cache of verdicts that is asked over the network, in builds that have it, and when nothing may be added to one.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use wharf_core::config::CacheConfig;
use wharf_core::test_suite::cache::Store;
use wharf_core::workspace::Surroundings;

/// The store at `url`, and whether it can be added to.
///
/// # Errors
/// A phrase that says why it cannot be used.
#[cfg(feature = "remote-cache")]
pub fn open(url: &str, surroundings: &Surroundings, patience: Duration) -> Result<(Arc<dyn Store>, bool), String> {
    use wharf_remote_cache::{Login, Remote};

    let variable = |name: &str| surroundings.variable(name).map(str::to_owned);
    let login = Login {
        user: variable("WHARF_CACHE_USER").map(|user| (user, variable("WHARF_CACHE_PASSWORD").unwrap_or_default())),
        token: variable("WHARF_CACHE_TOKEN"),
    };
    let remote = Remote::open(url, &login, patience).map_err(|error| error.to_string())?;
    let is_writable = remote.is_writable();
    Ok((Arc::new(remote), is_writable))
}

/// In builds without it.
///
/// # Errors
/// Always.
#[cfg(not(feature = "remote-cache"))]
pub fn open(_url: &str, _surroundings: &Surroundings, _patience: Duration) -> Result<(Arc<dyn Store>, bool), String> {
    Err("this wharf was built without stores on the network; build it with `--features remote-cache`".into())
}

/// The host that would be sent a log-in and that a repo, not the user, has chosen. Services that have a place of their own get their
/// log-in anyhow: nobody else can read it there.
pub fn chosen_by_repo<'u>(url: &'u str, config: &CacheConfig, surroundings: &Surroundings) -> Option<&'u str> {
    let (scheme, rest) = url.split_once("://")?;
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let host = match scheme {
        "https" | "http" | "webdav+https" | "webdav+http" => {
            let has_login =
                ["WHARF_CACHE_USER", "WHARF_CACHE_TOKEN"].iter().any(|name| surroundings.variable(name).is_some());
            Some(place).filter(|_| has_login)
        }
        _ => {
            let endpoint = query.split('&').find_map(|pair| pair.strip_prefix("endpoint="))?;
            Some(endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest))
        }
    };
    let host = host?.split('/').next().unwrap_or_default();
    let is_known = config.remote_is_users || config.login_hosts.iter().any(|known| known.eq_ignore_ascii_case(host));
    (!is_known).then_some(host)
}

/// A URL as it may be shown: without options.
pub fn shown(url: &str) -> &str {
    url.split('?').next().unwrap_or(url)
}

/// Whether this is a CI job for a pull or merge request from a fork, whose code nobody may have looked at.
pub fn is_for_a_fork(surroundings: &Surroundings) -> bool {
    let gitlab = (
        surroundings.variable("CI_MERGE_REQUEST_SOURCE_PROJECT_ID"),
        surroundings.variable("CI_MERGE_REQUEST_PROJECT_ID"),
    );
    if let (Some(source), Some(target)) = gitlab {
        return source != target;
    }
    let event = surroundings.variable("GITHUB_EVENT_NAME").unwrap_or_default();
    // `pull_request_target` as well: it may check out the fork's code.
    event.starts_with("pull_request")
        && surroundings.variable("GITHUB_EVENT_PATH").is_none_or(|path| is_from_a_fork(Path::new(path)))
}

/// Whether GitHub's description of an event is of a pull request from another repository; what cannot be read counts as one.
fn is_from_a_fork(event: &Path) -> bool {
    let bytes = std::fs::read(event).unwrap_or_default();
    let event: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let head = event.pointer("/pull_request/head/repo/full_name");
    let base = event.pointer("/pull_request/base/repo/full_name");
    head.is_none() || head != base
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repo_does_not_choose_where_log_ins_go() {
        let with = |names: &[&str]| Surroundings {
            variables: names.iter().map(|name| ((*name).into(), "x".into())).collect(),
            ..Surroundings::default()
        };
        let (none, some) = (with(&[]), with(&["WHARF_CACHE_TOKEN"]));
        let repos = CacheConfig {
            size: 1,
            remote: None,
            remote_is_users: false,
            login_hosts: vec!["Cache.example.org:8443".into()],
            may_add: true,
        };
        let users = CacheConfig { remote_is_users: true, ..repos.clone() };
        let dav = "webdav+https://evil.example.org/a";
        assert_eq!(chosen_by_repo(dav, &repos, &some), Some("evil.example.org"));
        assert_eq!(chosen_by_repo(dav, &repos, &none), None, "there is nothing to send");
        assert_eq!(chosen_by_repo(dav, &users, &some), None);
        assert_eq!(chosen_by_repo("https://cache.example.org:8443/a", &repos, &some), None);
        assert_eq!(
            chosen_by_repo("https://cache.example.org/a", &repos, &some),
            Some("cache.example.org"),
            "another port"
        );
        let s3 = "s3://team/x?region=a&endpoint=http://evil.example.org:9000/b";
        assert_eq!(
            chosen_by_repo(s3, &repos, &none),
            Some("evil.example.org:9000"),
            "roles and files hold log-ins too"
        );
        assert_eq!(chosen_by_repo("gs://team?endpoint=evil.example.org", &repos, &none), Some("evil.example.org"));
        assert_eq!(chosen_by_repo("s3://team/x?region=a", &repos, &some), None);
        assert_eq!(chosen_by_repo("ghac://x", &repos, &some), None);
    }

    fn is_fork(event: &str) -> bool {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), event).unwrap();
        is_from_a_fork(file.path())
    }

    fn event(head: &str) -> String {
        let head = if head.is_empty() { "null".to_owned() } else { format!(r#"{{"full_name": "{head}"}}"#) };
        format!(
            r#"{{"pull_request": {{"head": {{"repo": {head}}}, "base": {{"repo": {{"full_name": "acme/harbor"}}}}}}}}"#
        )
    }

    #[test]
    fn only_a_pull_request_of_the_same_repository_is_trusted() {
        assert!(!is_fork(&event("acme/harbor")));
        assert!(is_fork(&event("mallory/harbor")));
        assert!(is_fork(&event("")), "a fork that is gone");
        assert!(is_fork("{}") && is_fork("not JSON"));
    }
}
