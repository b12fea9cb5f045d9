//! URLs of repos: which ones are passed on to Git, and how relative ones are resolved.
//!
//! Git takes `--upload-pack=…` for an option and `ext::…` for a program to run (git-remote-ext(1)); a host that starts with
//! a dash would be an option of `ssh`. None of these ever gets as far as Git.

use super::clone_error::UrlError;
use crate::config::mask_credentials;

/// Schemes that are passed on.
const SCHEMES: [&str; 6] = ["https", "http", "ssh", "git", "file", "git+ssh"];

/// Whether Git may be given this URL or path.
///
/// # Errors
/// Why not.
pub fn check_url(url: &str) -> Result<(), UrlError> {
    let shown = || mask_credentials(url).into_owned();
    if url.is_empty() {
        return Err(UrlError::Empty);
    }
    if url.starts_with('-') {
        return Err(UrlError::Option { url: shown() });
    }
    if url.chars().any(char::is_control) || decoded_controls(url) {
        return Err(UrlError::Control { url: url.escape_debug().to_string() });
    }
    let colon = url.find(':');
    if let Some(colon) = colon
        && url[colon..].starts_with("::")
        && !url[..colon].contains('/')
    {
        return Err(UrlError::Helper { url: shown(), helper: url[..colon].to_owned() });
    }
    if let Some((scheme, rest)) = url.split_once("://")
        && !scheme.contains('/')
    {
        if !SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) {
            return Err(UrlError::Scheme { url: shown(), scheme: scheme.to_owned() });
        }
        let host = rest.split('/').next().unwrap_or_default();
        if host.rsplit('@').next().is_some_and(|host| host.starts_with('-')) || host.starts_with('-') {
            return Err(UrlError::Option { url: shown() });
        }
    } else if let Some(host) = scp_host(url)
        && (host.starts_with('-') || host.contains("@-"))
    {
        return Err(UrlError::Option { url: shown() });
    }
    Ok(())
}

/// Line ends hidden behind `%`: they would end a line of the protocol in which Git asks for credentials.
fn decoded_controls(url: &str) -> bool {
    let lower = url.to_ascii_lowercase();
    ["%0a", "%0d", "%00"].iter().any(|code| lower.contains(code))
}

/// `user@host` of `user@host:path`.
fn scp_host(url: &str) -> Option<&str> {
    let (host, _) = url.split_once(':')?;
    (!host.contains('/')).then_some(host)
}

/// Whether it is a folder of this machine, written as a path.
fn is_path(url: &str) -> bool {
    !url.contains("://") && scp_host(url).is_none()
}

/// The URL that a `.gitmodules` means by `url`, in a repo that came from `base`: those that start with `./` or `../` are
/// relative to it (git-submodule(1), "add"; `relative_url` in Git's `remote.c`).
///
/// # Errors
/// When there are more `../` than `base` has parts.
pub fn resolve(base: &str, url: &str) -> Result<String, UrlError> {
    if !url.starts_with("./") && !url.starts_with("../") {
        return Ok(url.to_owned());
    }
    let mut base = base.strip_suffix('/').unwrap_or(base).to_owned();
    let is_relative = is_path(&base) && !base.starts_with('/');
    if is_relative && !base.starts_with("./") && !base.starts_with("../") {
        base = format!("./{base}");
    }
    let (mut rest, mut separator) = (url, '/');
    loop {
        if let Some(below) = rest.strip_prefix("../") {
            rest = below;
            if let Some(slash) = base.rfind('/') {
                base.truncate(slash);
            } else if let Some(colon) = base.rfind(':') {
                base.truncate(colon);
                separator = ':';
            } else {
                return Err(UrlError::TooHigh { url: mask_credentials(url).into_owned() });
            }
        } else if let Some(same) = rest.strip_prefix("./") {
            rest = same;
        } else {
            break;
        }
    }
    let whole = format!("{base}{separator}{}", rest.strip_suffix('/').unwrap_or(rest));
    Ok(whole.strip_prefix("./").map(str::to_owned).unwrap_or(whole))
}

/// Scheme and host with port: `https` and `git.example.org:8443`; None for what has no host.
#[must_use]
pub fn host(url: &str) -> Option<(String, String)> {
    let Some((scheme, rest)) = url.split_once("://") else {
        let host = scp_host(url)?;
        return Some(("ssh".into(), host.rsplit('@').next().unwrap_or(host).to_owned()));
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next().filter(|host| !host.is_empty())?;
    Some((scheme.to_ascii_lowercase(), host.to_ascii_lowercase()))
}

/// The folder that `git clone` would make for it.
#[must_use]
pub fn folder_name(url: &str) -> Option<String> {
    let url = url.trim_end_matches('/');
    let url = url.strip_suffix("/.git").unwrap_or(url).trim_end_matches('/');
    let last = url.rsplit(['/', ':']).next()?;
    let name = last.strip_suffix(".git").or_else(|| last.strip_suffix(".bundle")).unwrap_or(last);
    let is_good = !matches!(name, "" | "." | "..") && !name.starts_with('-');
    is_good.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use wharf_testkit::{Repo, Sandbox};

    use super::*;

    #[test]
    fn only_plain_urls_pass() {
        for url in [
            "https://github.com/a/b.git",
            "https://user:pw@host/a",
            "ssh://git@host:22/a",
            "git@host:a/b",
            "file:///a",
            "/a/b",
            "../a",
            "a/b",
            "git://[::1]/x",
            "./a::b",
        ] {
            assert!(check_url(url).is_ok(), "{url}");
        }
        for url in [
            "",
            "--upload-pack=touch /tmp/x",
            "-u./x",
            "ext::sh -c touch% /tmp/x",
            "fd::17",
            "https::https://x",
            "gopher://x/y",
            "ssh://-oProxyCommand=x/y",
            "ssh://me@-oProxyCommand=x/y",
            "-oProxyCommand=x:y",
            "me@-oProxyCommand=x:y",
            "https://host/a%0Ahost=evil",
            "https://host/a\nb",
        ] {
            assert!(check_url(url).is_err(), "{url}");
        }
    }

    #[test]
    fn relative_urls_are_resolved_as_git_does() {
        let sandbox = Sandbox::new();
        let repo = Repo::init(sandbox.path().join("repo"));
        let at = repo.commit("first");
        for base in
            ["https://h/a/b.git", "ssh://g@h/a/b/", "g@h:a/b", "g@h:b", "file:///x/y/z", "/x/y/z", "../x/y", "x/y"]
        {
            for url in [
                "./../../x",
                "../x",
                "./x/",
                "../../x.git",
                "./.././x",
                "../../../x",
                "https://o/x",
                "o:x",
                "../x/../y",
            ] {
                repo.git(&["config", "remote.origin.url", base]);
                repo.write(".gitmodules", format!("[submodule \"m\"]\n\tpath = m\n\turl = {url}\n"));
                repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{at},m")]);
                let told = sandbox
                    .command("git")
                    .args(["submodule", "--quiet", "init"])
                    .cwd(repo.path())
                    .env_remove("GIT_DIR")
                    .run();
                let mine = resolve(base, url);
                if told.code == Some(0) {
                    let theirs = repo.git(&["config", "submodule.m.url"]);
                    repo.git(&["config", "--remove-section", "submodule.m"]);
                    // Where nothing is left of the host, Git makes a folder of it; that is refused here.
                    let is_nonsense =
                        !base.starts_with(['/', '.']) && (theirs.starts_with('.') || !theirs.contains(['/', ':']));
                    let mine = mine.ok().or_else(|| is_nonsense.then(|| theirs.clone()));
                    assert_eq!(mine.as_deref(), Some(theirs.as_str()), "{url} in {base}");
                } else {
                    assert!(mine.is_err(), "{url} in {base}: git says {}, not {mine:?}", told.stderr);
                }
            }
        }
    }

    #[test]
    fn parts_of_urls() {
        assert_eq!(host("https://me:pw@Git.Example.org:8443/a"), Some(("https".into(), "git.example.org:8443".into())));
        assert_eq!(host("git@host:a/b"), Some(("ssh".into(), "host".into())));
        assert_eq!(host("/a/b"), None);
        for (url, name) in [("https://h/a/b.git/", "b"), ("g@h:b", "b"), ("/x/y/.git", "y"), ("h:/x", "x")] {
            assert_eq!(folder_name(url).as_deref(), Some(name), "{url}");
        }
        assert_eq!((folder_name("/"), folder_name("..")), (None, None));
    }
}
