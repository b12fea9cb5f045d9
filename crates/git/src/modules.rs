//! `.gitmodules`, read without starting Git (gitmodules(5); git-config(1) for its syntax).

use std::path::Path;

/// One entry of `.gitmodules`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submodule {
    /// Its name in the section's heading.
    pub name: String,
    /// Path of its work tree in the super-repo.
    pub path: String,
    /// Where it is cloned from.
    pub url: Option<String>,
}

/// The submodules that a repo names. A path that is absolute, climbs out or enters `.git` is left out: Git refuses
/// those too.
#[must_use]
pub fn read_submodules(root: &Path) -> Vec<Submodule> {
    match std::fs::read(root.join(".gitmodules")) {
        Ok(bytes) => parse(&String::from_utf8_lossy(&bytes)),
        Err(_) => Vec::new(),
    }
}

pub(crate) fn parse(text: &str) -> Vec<Submodule> {
    let mut found: Vec<Submodule> = Vec::new();
    let mut open = false;
    for line in text.lines().map(str::trim) {
        if let Some(heading) = line.strip_prefix('[') {
            let name = heading.trim_end_matches(']').trim().strip_prefix("submodule").map(str::trim);
            open = name.is_some();
            if let Some(name) = name {
                found.push(Submodule { name: unquote(name), path: String::new(), url: None });
            }
        } else if open
            && let Some((key, value)) = line.split_once('=')
            && let Some(module) = found.last_mut()
        {
            match key.trim().to_ascii_lowercase().as_str() {
                "path" => module.path = unquote(value.trim()),
                "url" => module.url = Some(unquote(value.trim())),
                _ => {}
            }
        }
    }
    found.retain(|module| is_inside(&module.path));
    found
}

fn is_inside(path: &str) -> bool {
    !path.is_empty()
        && !path.starts_with(['/', '-'])
        && path.split('/').all(|part| part != ".." && !part.eq_ignore_ascii_case(".git"))
}

fn unquote(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.trim_matches('"').chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => plain.extend(characters.next()),
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_git_writes() {
        let text = "[submodule \"lib/a b\"]\n\tpath = \"lib/a b\"\n\turl = ../a.git\n# note\n[other]\n\tpath = x\n";
        let expected = Submodule { name: "lib/a b".into(), path: "lib/a b".into(), url: Some("../a.git".into()) };
        assert_eq!(parse(text), [expected]);
    }

    #[test]
    fn leaves_out_paths_that_climb_out() {
        for path in ["../x", "/etc", "a/../../b", "a/.git/hooks", "-x", ".GIT"] {
            assert!(parse(&format!("[submodule \"x\"]\n\tpath = {path}\n")).is_empty(), "{path}");
        }
    }
}
