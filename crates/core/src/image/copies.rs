//! What a dir's own Dockerfile copies from its context, so that the context holds that and no more.
//!
//! Sources are relative to the runnable dir. Those of other stages and images (`--from`), URLs and here-documents
//! need nothing from the context. A source with a variable cannot be known before the build: then the whole dir
//! goes, less what Git ignores.

use std::collections::BTreeMap;
use std::path::Path;

use globset::Glob;
use ignore::WalkBuilder;

use super::context::{self, File};
use super::dockerfile::WHARF;
use super::error::ImageError;

/// Adds to `files` what the Dockerfile `text` copies from the dir at `root`.
pub(super) fn collect(
    dir: &str,
    root: &Path,
    text: &str,
    files: &mut BTreeMap<String, File>,
) -> Result<(), ImageError> {
    for source in sources(text) {
        let plain = source.trim_start_matches("./").trim_start_matches('/').trim_end_matches('/');
        if source.starts_with("../") || plain.contains("/../") {
            return Err(ImageError::Outside { dir: dir.into(), path: source });
        }
        // What Wharf itself puts into the context: dependencies, and for `prod` the code.
        if plain == WHARF || plain.starts_with(&format!("{WHARF}/")) {
            continue;
        }
        if plain.contains('$') || plain.is_empty() || plain == "." {
            add_below(dir, root, "", files)?;
        } else if plain.contains(['*', '?', '[']) {
            add_matching(dir, root, plain, files)?;
        } else if root.join(plain).is_dir() {
            add_below(dir, root, plain, files)?;
        } else {
            files.insert(plain.to_owned(), context::read(dir, root, Path::new(plain))?);
        }
    }
    Ok(())
}

/// Sources of `COPY`, `ADD` and bind mounts that come from the context (Dockerfile reference, "COPY", "ADD").
fn sources(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in logical_lines(text) {
        let mut words = line.split_whitespace();
        let verb = words.next().unwrap_or_default().to_ascii_uppercase();
        let rest: Vec<&str> = words.collect();
        if verb == "RUN" {
            found.extend(rest.iter().filter_map(|word| bound(word)));
        }
        if verb != "COPY" && verb != "ADD" {
            continue;
        }
        let flags = rest.iter().take_while(|word| word.starts_with("--")).count();
        if rest[..flags].iter().any(|flag| flag.starts_with("--from")) {
            continue;
        }
        let operands = rest[flags..].join(" ");
        let operands: Vec<String> = match serde_json::from_str::<Vec<String>>(&operands) {
            Ok(list) => list,
            Err(_) => rest[flags..].iter().map(|word| word.trim_matches(['"', '\'']).to_owned()).collect(),
        };
        let Some((_, sources)) = operands.split_last() else { continue };
        let local = |source: &&String| !source.contains("://") && !source.starts_with("<<");
        found.extend(sources.iter().filter(local).cloned());
    }
    found
}

fn bound(word: &str) -> Option<String> {
    let fields = word.strip_prefix("--mount=")?;
    let field = |name: &str| fields.split(',').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let is_context = field("type").is_none_or(|kind| kind == "bind") && field("from").is_none();
    is_context.then(|| field("source").or_else(|| field("src")).unwrap_or(".").to_owned())
}

fn logical_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut open = String::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        match line.trim_end().strip_suffix('\\') {
            Some(part) => open.push_str(&format!("{part} ")),
            None => lines.push(std::mem::take(&mut open) + line),
        }
    }
    lines.push(open);
    lines
}

fn add_below(dir: &str, root: &Path, below: &str, files: &mut BTreeMap<String, File>) -> Result<(), ImageError> {
    each(root, below, |name| {
        files.insert(name.to_owned(), context::read(dir, root, Path::new(name))?);
        Ok(())
    })
}

fn add_matching(dir: &str, root: &Path, pattern: &str, files: &mut BTreeMap<String, File>) -> Result<(), ImageError> {
    let Ok(glob) = Glob::new(pattern) else { return add_below(dir, root, "", files) };
    let matcher = glob.compile_matcher();
    each(root, "", |name| {
        let above = Path::new(name).ancestors().any(|path| matcher.is_match(path));
        if above {
            files.insert(name.to_owned(), context::read(dir, root, Path::new(name))?);
        }
        Ok(())
    })
}

fn each(root: &Path, below: &str, mut take: impl FnMut(&str) -> Result<(), ImageError>) -> Result<(), ImageError> {
    let mut walk = WalkBuilder::new(root.join(below));
    walk.hidden(false)
        .require_git(false)
        .filter_entry(|entry| entry.file_name() != ".git" && entry.file_name() != ".wharf");
    for entry in walk.build().flatten() {
        let is_file = entry.path().is_file();
        if let (true, Ok(relative)) = (is_file, entry.path().strip_prefix(root))
            && let Some(name) = relative.to_str()
        {
            take(name)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_comes_from_the_context() {
        let text = "FROM x AS dev\nCOPY --chown=1:1 a.txt \\\n  b/ /dst/\nCOPY --from=dev /x /y\nADD https://x/y /z\n\
                    COPY [\"c d\", \"/e\"]\nRUN --mount=type=bind,source=lock,target=/lock --mount=type=cache,target=/c x\n\
                    # COPY no /no\n";
        assert_eq!(sources(text), ["a.txt", "b/", "c d", "lock"]);
    }

    #[test]
    fn takes_only_that() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.txt", "b/c.txt", "b/d/e.txt", "no.txt"] {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, name).unwrap();
        }
        let mut files = BTreeMap::new();
        collect("d", dir.path(), "COPY a.txt b /x/\n", &mut files).unwrap();
        assert_eq!(files.keys().collect::<Vec<_>>(), ["a.txt", "b/c.txt", "b/d/e.txt"]);
        let error = collect("d", dir.path(), "COPY ../secret /x\n", &mut files).unwrap_err();
        assert!(matches!(error, ImageError::Outside { .. }));
    }
}
