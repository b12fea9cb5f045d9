//! What a dir's own Dockerfile copies from its context, so that the context holds that and no more.
//!
//! Sources are relative to the runnable dir. Those of other stages and images (`--from`), URLs and here-documents
//! need nothing from the context. A source with a variable cannot be known before the build: then the whole dir
//! goes, less what Git ignores.

use std::collections::BTreeMap;
use std::path::Path;

use globset::GlobBuilder;

use super::brought::Ground;
use super::context::{self, File};
use super::dockerfile::WHARF;
use super::error::ImageError;
use super::{folder, instruction};

/// What makes a source a pattern.
const PATTERN: [char; 3] = ['*', '?', '['];

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
        let root = ground.base_of(plain);
        let mut taker = Taker { ground, files };
        if plain.contains('$') || plain.is_empty() {
            let fixed = plain.find('$').and_then(|at| plain[..at].rsplit_once('/')).map_or("", |(folder, _)| folder);
            taker.below(ground.base_of(fixed), "")?;
        } else if plain.contains(PATTERN) {
            taker.matching(plain)?;
        } else if root.join(plain).is_dir() {
            taker.below(root, plain)?;
        } else {
            ground.refuse_dangling(&root.join(plain))?;
            taker.file(root, plain)?;
        }
    }
    Ok(())
}

/// Sources of `COPY`, `ADD` and bind mounts that come from the context (Dockerfile reference, "COPY", "ADD").
fn sources(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for instruction in instruction::read(text) {
        if instruction.verb == "RUN" {
            found.extend(instruction.flags.iter().filter_map(|flag| bound(flag)));
        }
        let local = |source: &&String| !source.contains("://") && !source.starts_with("<<");
        found.extend(instruction.sources().iter().filter(local).cloned());
    }
    found
}

fn bound(word: &str) -> Option<String> {
    let fields = word.strip_prefix("--mount=")?;
    let field = |name: &str| fields.split(',').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let is_context = field("type").is_none_or(|kind| kind == "bind") && field("from").is_none();
    is_context.then(|| field("source").or_else(|| field("src")).unwrap_or(".").to_owned())
}

/// Takes files over into the context.
struct Taker<'a> {
    ground: &'a Ground<'a>,
    files: &'a mut BTreeMap<String, File>,
}

impl Taker<'_> {
    fn file(&mut self, root: &Path, name: &str) -> Result<(), ImageError> {
        let Ground { workspace, dir, .. } = self.ground;
        let file = context::read(dir.address.as_str(), &workspace.root, root, Path::new(name))?;
        self.files.insert(name.to_owned(), file);
        Ok(())
    }

    fn below(&mut self, root: &Path, folder: &str) -> Result<(), ImageError> {
        folder::files(self.ground, root, folder)?.iter().try_for_each(|name| self.file(root, name))
    }

    /// What a pattern matches. Its folder is looked for as any path is; one without a folder means the root only where it matches
    /// nothing in the dir.
    fn matching(&mut self, pattern: &str) -> Result<(), ImageError> {
        let glob = GlobBuilder::new(pattern).literal_separator(true).build();
        let Ok(glob) = glob else { return self.below(self.ground.base_of(""), "") };
        let matcher = glob.compile_matcher();
        let fixed = pattern.find(PATTERN).map_or(pattern, |at| &pattern[..at]);
        let below = fixed.rsplit_once('/').map_or("", |(folder, _)| folder);
        for root in self.ground.roots() {
            if !root.join(below).is_dir() {
                continue;
            }
            let is_meant = |name: &&String| Path::new(name).ancestors().any(|path| matcher.is_match(path));
            let names = folder::files(self.ground, root, below)?;
            let names: Vec<&String> = names.iter().filter(is_meant).collect();
            if !names.is_empty() || !below.is_empty() {
                return names.into_iter().try_for_each(|name| self.file(root, name));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use wharf_testkit::{Repo, Sandbox, sample};

    use super::*;
    use crate::image::brought::Ignore;
    use crate::workspace::{Surroundings, Workspace, discover};

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

    fn read(repo: &Repo) -> Workspace {
        discover(Surroundings { here: repo.path().to_owned(), ..Surroundings::default() }).unwrap()
    }

    fn copied(repo: &Repo, text: &str, ignore: &str) -> Result<Vec<String>, ImageError> {
        let workspace = read(repo);
        let ground = Ground { workspace: &workspace, dir: &workspace.dirs[0], ignore: Ignore::parse(ignore) };
        let mut files = BTreeMap::new();
        collect(&ground, text, &mut files).map(|()| files.into_keys().collect())
    }

    #[test]
    fn nothing_from_outside_goes_in() {
        let sandbox = Sandbox::new();
        let toml = "[image]\ncontext = \"root\"\n";
        let repo = sample::workspace(&sandbox).dir("d", |dir| dir.no_requirements().toml(toml)).build();
        let outside = sandbox.path().join("outside");
        fs_err::create_dir_all(&outside).unwrap();
        fs_err::write(outside.join("secret"), "s").unwrap();
        repo.write("d/data/a.txt", "").write("d/.gitignore", "ignored-link\nlost-too\n");
        let link = |target: &Path, name: &str| std::os::unix::fs::symlink(target, repo.join(name)).unwrap();
        link(&outside, "d/data/ignored-link");
        link(Path::new("nowhere"), "d/data/lost-too");
        assert_eq!(copied(&repo, "COPY data /x\n", "").unwrap(), ["data/a.txt"], "what Git ignores may lead anywhere");
        link(&outside, "d/data/out");
        link(&outside.join("secret"), "d/one");
        link(&outside, "d/all");
        for (text, name) in [("COPY data /x\n", "data/out"), ("COPY one /x\n", "one"), ("COPY all /x\n", "all")] {
            let error = copied(&repo, text, "").unwrap_err();
            let told = format!("`d/{name}`, which the image of `d` needs, leads out of the workspace, to `");
            assert!(error.to_string().starts_with(&told), "{error}");
        }
        assert_eq!(copied(&repo, "COPY data /x\n", "data/out\n").unwrap(), ["data/a.txt"]);
        // A link to a device never ends.
        link(Path::new("/dev/zero"), "d/zero");
        assert!(matches!(copied(&repo, "COPY zero /x\n", ""), Err(ImageError::LeadsOut { .. })));
        let pipe = repo.join("d/pipe");
        sandbox.command("mkfifo").arg(&pipe).run().assert_code(0);
        assert!(matches!(copied(&repo, "COPY pipe /x\n", ""), Err(ImageError::NoFile { .. })));
        // One to nothing is no file less.
        fs_err::remove_file(repo.join("d/data/out")).unwrap();
        link(Path::new("nowhere"), "d/data/lost");
        assert!(matches!(copied(&repo, "COPY data /x\n", ""), Err(ImageError::Dangling { .. })));
        assert_eq!(copied(&repo, "COPY data /x\n", "**/lost\n").unwrap(), ["data/a.txt"]);
        repo.write("d/devops/wharf.toml", "");
        assert!(matches!(copied(&repo, "COPY data /x\n", ""), Err(ImageError::Dangling { .. })));
    }

    #[test]
    fn rules_are_those_of_the_repo_and_patterns_are_of_the_dir() {
        let sandbox = Sandbox::new();
        let toml = "[image]\ncontext = \"root\"\n";
        let repo = sample::workspace(&sandbox).dir("d", |dir| dir.no_requirements().toml(toml)).build();
        fs_err::write(repo.path().parent().unwrap().join(".gitignore"), "*.txt\n").unwrap();
        repo.write(".ignore", "b.txt\n").write(".gitignore", "/d/data/*.log\n");
        for file in ["d/data/a.txt", "d/data/b.txt", "d/data/c.log", "d/data/deep/e.txt", "d/own.txt", "root.txt"] {
            repo.write(file, "");
        }
        let all = ["data/a.txt", "data/b.txt", "data/deep/e.txt"];
        assert_eq!(copied(&repo, "COPY data /x\n", "").unwrap(), all);
        repo.git(&["add", "--force", "d/data/c.log"]);
        assert_eq!(copied(&repo, "COPY data /x\n", "").unwrap(), [all[0], all[1], "data/c.log", all[2]]);
        assert_eq!(copied(&repo, "COPY *.txt /x\n", "").unwrap(), ["own.txt"]);
        assert_eq!(copied(&repo, "COPY data/*.txt /x\n", "").unwrap(), &all[..2]);
        assert_eq!(copied(&repo, "COPY r*.txt /x\n", "").unwrap(), ["root.txt"]);
        // A folder of the dir's own is not filled up from the root's of the same name.
        repo.write("data/x.lock", "");
        assert!(copied(&repo, "COPY data/x.loc[k] /x\n", "").unwrap().is_empty());
    }
}
