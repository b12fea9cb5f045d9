//! What a dir's own Dockerfile copies from its context, so that the context holds that and no more.
//!
//! Sources are relative to the runnable dir. Those of other stages and images (`--from`), URLs and here-documents
//! need nothing from the context. A source with a variable cannot be known before the build: then the whole dir
//! goes, less what Git ignores.

use std::collections::BTreeMap;
use std::path::Path;

use globset::Glob;
use ignore::WalkBuilder;

use super::brought::Ground;
use super::context::{self, File};
use super::dockerfile::WHARF;
use super::error::ImageError;

/// Adds to `files` what the Dockerfile `text` copies from the dir at `root`.
pub(super) fn collect(ground: &Ground<'_>, text: &str, files: &mut BTreeMap<String, File>) -> Result<(), ImageError> {
    let dir = ground.dir.address.as_str();
    for source in sources(text) {
        let plain = source.trim_start_matches("./").trim_start_matches('/').trim_end_matches('/');
        if source.starts_with("../") || plain.contains("/../") {
            return Err(ImageError::Outside { dir: dir.into(), path: source });
        }
        // What Wharf itself puts into the context: dependencies, and for `prod` the code.
        if plain == WHARF || plain.starts_with(&format!("{WHARF}/")) {
            continue;
        }
        let plain = if plain == "." { "" } else { plain };
        let fixed = plain.find(['*', '?', '[', '$']).map_or(plain, |at| &plain[..at]);
        let fixed = if fixed == plain { plain } else { fixed.rsplit_once('/').map_or("", |(folder, _)| folder) };
        let root = ground.base_of(fixed);
        if plain.contains('$') || plain.is_empty() {
            add_below(ground, root, "", files)?;
        } else if plain.contains(['*', '?', '[']) {
            add_matching(ground, root, plain, files)?;
        } else if root.join(plain).is_dir() {
            add_below(ground, root, plain, files)?;
        } else {
            ground.refuse_dangling(&root.join(plain))?;
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

fn add_below(
    ground: &Ground<'_>,
    root: &Path,
    below: &str,
    files: &mut BTreeMap<String, File>,
) -> Result<(), ImageError> {
    each(ground, root, below, |name| {
        files.insert(name.to_owned(), context::read(ground.dir.address.as_str(), root, Path::new(name))?);
        Ok(())
    })
}

fn add_matching(
    ground: &Ground<'_>,
    root: &Path,
    pattern: &str,
    files: &mut BTreeMap<String, File>,
) -> Result<(), ImageError> {
    let Ok(glob) = Glob::new(pattern) else { return add_below(ground, root, "", files) };
    let matcher = glob.compile_matcher();
    let fixed = pattern.find(['*', '?', '[']).map_or(pattern, |at| &pattern[..at]);
    let below = fixed.rsplit_once('/').map_or("", |(folder, _)| folder);
    if !root.join(below).is_dir() {
        return Ok(());
    }
    each(ground, root, below, |name| {
        let above = Path::new(name).ancestors().any(|path| matcher.is_match(path));
        if above {
            files.insert(name.to_owned(), context::read(ground.dir.address.as_str(), root, Path::new(name))?);
        }
        Ok(())
    })
}

/// Each file below a folder that Git and the ignore file leave in. What a link leads to is there as if it lay there itself.
fn each(
    ground: &Ground<'_>,
    root: &Path,
    below: &str,
    mut take: impl FnMut(&str) -> Result<(), ImageError>,
) -> Result<(), ImageError> {
    let mut walk = WalkBuilder::new(root.join(below));
    walk.hidden(false)
        .require_git(false)
        .follow_links(ground.has_root())
        .filter_entry(|entry| entry.file_name() != ".git" && entry.file_name() != ".wharf");
    for entry in walk.build() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                refuse_lost(ground, &error)?;
                continue;
            }
        };
        let is_file = entry.path().is_file();
        if !is_file && entry.path_is_symlink() && ground.leads_into_unpopulated(entry.path()) {
            ground.refuse_dangling(entry.path())?;
        }
        if let (true, Ok(relative)) = (is_file, entry.path().strip_prefix(root))
            && let Some(name) = relative.to_str()
            && !ground.ignore.leaves_out(relative)
        {
            take(name)?;
        }
    }
    Ok(())
}

/// A link into a sub-repo that is not populated is no file to go without.
fn refuse_lost(ground: &Ground<'_>, error: &ignore::Error) -> Result<(), ImageError> {
    match error {
        ignore::Error::WithPath { path, .. } if ground.leads_into_unpopulated(path) => ground.refuse_dangling(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithPath { err, .. } => refuse_lost(ground, err),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use wharf_testkit::{Repo, Sandbox, sample};

    use super::*;
    use crate::image::brought::Ignore;
    use crate::workspace::{Surroundings, discover};

    #[test]
    fn finds_what_comes_from_the_context() {
        let text = "FROM x AS dev\nCOPY --chown=1:1 a.txt \\\n  b/ /dst/\nCOPY --from=dev /x /y\nADD https://x/y /z\n\
                    COPY [\"c d\", \"/e\"]\nRUN --mount=type=bind,source=lock,target=/lock --mount=type=cache,target=/c x\n\
                    # COPY no /no\n";
        assert_eq!(sources(text), ["a.txt", "b/", "c d", "lock"]);
    }

    #[test]
    fn takes_only_that() {
        let sandbox = Sandbox::new();
        let repo = sample::workspace(&sandbox)
            .dir("d", |dir| dir.no_requirements().file("a.txt", "").file("b/c.txt", ""))
            .build();
        repo.write("d/b/d/e.txt", "").write("d/no.txt", "").write("r/root.txt", "").write("d/x.pyc", "");
        let read =
            |repo: &Repo| discover(Surroundings { here: repo.path().to_owned(), ..Surroundings::default() }).unwrap();
        let workspace = read(&repo);
        let ground =
            |ignore: &str| Ground { workspace: &workspace, dir: &workspace.dirs[0], ignore: Ignore::parse(ignore) };
        let mut files = BTreeMap::new();
        collect(&ground(""), "COPY a.txt b /x/\n", &mut files).unwrap();
        assert_eq!(files.keys().collect::<Vec<_>>(), ["a.txt", "b/c.txt", "b/d/e.txt"]);
        files.clear();
        collect(&ground("b/d\n"), "COPY b* /x/\n", &mut files).unwrap();
        assert_eq!(files.keys().collect::<Vec<_>>(), ["b/c.txt"]);
        let error = collect(&ground(""), "COPY ../secret /x\n", &mut files).unwrap_err();
        assert!(matches!(error, ImageError::Outside { .. }));
        let error = collect(&ground(""), "COPY r/root.txt /x\n", &mut files).unwrap_err();
        assert!(matches!(error, ImageError::File { .. }), "the dir is the context: {error}");

        repo.write("d/devops/wharf.toml", "[image]\ncontext = \"root\"\n");
        std::os::unix::fs::symlink("../../r", repo.join("d/b/link")).unwrap();
        let workspace = read(&repo);
        let ground = Ground { workspace: &workspace, dir: &workspace.dirs[0], ignore: Ignore::parse("**/*.pyc\n") };
        files.clear();
        collect(&ground, "COPY r/root.txt b /x/\nCOPY x.pyc* /y\n", &mut files).unwrap();
        assert_eq!(files.keys().collect::<Vec<_>>(), ["b/c.txt", "b/d/e.txt", "b/link/root.txt", "r/root.txt"]);
    }
}
