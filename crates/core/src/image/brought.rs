//! Dockerfiles that a dir brings itself: which one makes a stage, what its arguments are, and what is left out of its context.

use std::collections::BTreeMap;
use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};
use wharf_git::Git;

use super::context;
use super::error::ImageError;
use super::instruction::{self, Instruction};
use super::spec::DOCKERFILE;
use super::stage::Stage;
use crate::config::{Context, DevPatch};
use crate::runnable_dir::RunnableDir;
use crate::workspace::Workspace;

/// A Dockerfile of the dir's own.
#[derive(Debug, Clone)]
pub(super) struct Brought {
    /// Its text, with the arguments put in where it says what it starts from.
    pub text: String,
    /// Whether it has a target of the stage's name; the last stage is the one otherwise.
    pub has_target: bool,
    /// The arguments that it declares, filled in.
    pub args: BTreeMap<String, String>,
}

/// The dir's own Dockerfile for `stage`; `None` where it has none, and one is generated.
///
/// # Errors
/// When it cannot be read, or there is one for the dev image alone.
pub(super) fn read(workspace: &Workspace, dir: &RunnableDir, stage: Stage) -> Result<Option<Brought>, ImageError> {
    let layout = &dir.config.layout;
    let stated = match (stage, &layout.prod_dockerfile) {
        (Stage::Prod, Some(file)) => Some(file),
        _ => layout.dockerfile.as_ref(),
    };
    let file = stated.map_or_else(|| dir.devops().join(DOCKERFILE), |file| dir.path.join(&file.value));
    context::refuse_foreign(dir.address.as_str(), &workspace.root, &file)?;
    let text = match std::fs::read(&file) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            refuse_dangling(workspace, dir, &file)?;
            if stated.is_none() {
                return Ok(None);
            }
            return Err(ImageError::File { dir: dir.address.to_string(), file, source: error });
        }
        Err(source) => return Err(ImageError::File { dir: dir.address.to_string(), file, source }),
    };
    let has_target = has_target(&text, stage.target());
    if stated.is_none() {
        let missing = ["dev", "prod"].into_iter().find(|target| !self::has_target(&text, target));
        if let Some(target) = missing {
            return Err(ImageError::NoTarget { file, target });
        }
    } else if stage == Stage::Prod && layout.prod_dockerfile.is_none() && !has_target {
        return Err(ImageError::NoProdDockerfile { dir: dir.address.to_string(), file });
    }
    let args = arguments(dir, &layout.args, &text);
    let text = with_bases(&text, &args);
    Ok(Some(Brought { text, has_target, args }))
}

/// The arguments among `stated` that the Dockerfile declares, filled in.
pub(super) fn arguments(
    dir: &RunnableDir,
    stated: &BTreeMap<String, String>,
    dockerfile: &str,
) -> BTreeMap<String, String> {
    let registry = dir.config.registry.pull.as_deref().unwrap_or_default().trim_end_matches('/');
    let version = Stage::Dev.version_of(dir, &dir.version).to_string();
    let filled = |text: &String| {
        let text = text.replace("{version}", &version).replace("{dev-version}", &version);
        text.replace("{name}", &dir.name).replace("{registry}", registry)
    };
    let declared = stated.iter().filter(|(name, _)| declares(dockerfile, name));
    declared.map(|(name, text)| (name.clone(), filled(text))).collect()
}

/// Whether a Dockerfile has `ARG name`.
pub(super) fn declares(dockerfile: &str, name: &str) -> bool {
    dockerfile.lines().any(|line| {
        let mut words = line.split_whitespace();
        words.next().is_some_and(|word| word.eq_ignore_ascii_case("arg"))
            && words.any(|word| word.split('=').next() == Some(name))
    })
}

fn has_target(text: &str, target: &str) -> bool {
    text.lines().any(|line| {
        let words: Vec<String> = line.split_whitespace().map(str::to_ascii_lowercase).collect();
        words.first().is_some_and(|word| word == "from") && words.windows(2).any(|pair| pair == ["as", target])
    })
}

/// The text with arguments put into its `FROM` lines: a name without registry must not begin with `/`.
fn with_bases(text: &str, args: &BTreeMap<String, String>) -> String {
    let filled = |line: &str| {
        let mut line = line.to_owned();
        for (name, value) in args {
            line = line.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value);
        }
        line.replace(" /", " ")
    };
    let is_base = |line: &str| {
        line.contains('$') && line.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("from"))
    };
    text.split_inclusive('\n').map(|line| if is_base(line) { filled(line) } else { line.to_owned() }).collect()
}

/// In a prod Dockerfile that copies the root, what it means by `.` is the code.
pub(super) fn with_code(text: &str, code: &str) -> String {
    let is_root = |source: &String| matches!(source.trim_start_matches("./").trim_matches('/'), "" | ".");
    let line = |instruction: &Instruction<'_>| {
        let sources = instruction.sources();
        if !sources.iter().any(is_root) {
            return instruction.raw.to_owned();
        }
        let sources = sources.iter().map(|source| if is_root(source) { code.to_owned() } else { source.clone() });
        let operands: Vec<String> = sources.chain(instruction.operands.last().cloned()).collect();
        instruction.with(&operands)
    };
    instruction::read(text).iter().map(line).collect()
}

/// Where an own Dockerfile copies from.
#[derive(Debug)]
pub(super) struct Ground<'a> {
    pub workspace: &'a Workspace,
    pub dir: &'a RunnableDir,
    pub ignore: Ignore,
}

impl<'a> Ground<'a> {
    /// The places and the ignore file of a stage.
    ///
    /// # Errors
    /// When the ignore file cannot be read.
    pub(super) fn of(workspace: &'a Workspace, dir: &'a RunnableDir, stage: Stage) -> Result<Self, ImageError> {
        let layout = &dir.config.layout;
        let file = if stage == Stage::Prod { &layout.prod_ignore_file } else { &layout.ignore_file };
        let Some(file) = file.as_ref().map(|file| dir.path.join(file)) else {
            return Ok(Self { workspace, dir, ignore: Ignore::default() });
        };
        refuse_dangling(workspace, dir, &file)?;
        context::refuse_foreign(dir.address.as_str(), &workspace.root, &file)?;
        let text = std::fs::read_to_string(&file).map_err(|source| ImageError::File {
            dir: dir.address.to_string(),
            file,
            source,
        })?;
        Ok(Self { workspace, dir, ignore: Ignore::parse(&text) })
    }

    /// Whether the super-repo's root counts too.
    pub(super) fn has_root(&self) -> bool {
        self.dir.config.layout.context == Context::Root
    }

    /// The folder that `source` is in: the dir, or the root where the dir has no such path.
    pub(super) fn base_of(&self, source: &str) -> &'a Path {
        let in_dir = self.dir.path.join(source).symlink_metadata().is_ok();
        if self.has_root() && (source.is_empty() || !in_dir) { &self.workspace.root } else { &self.dir.path }
    }

    /// Refuses a link that leads nowhere.
    pub(super) fn refuse_dangling(&self, file: &Path) -> Result<(), ImageError> {
        refuse_dangling(self.workspace, self.dir, file)
    }

    /// Refuses a path that leads out of the workspace.
    pub(super) fn refuse_leading_out(&self, path: &Path) -> Result<(), ImageError> {
        context::refuse_leading_out(self.dir.address.as_str(), &self.workspace.root, path)
    }

    /// The folders that sources are looked for in, in this order.
    pub(super) fn roots(&self) -> impl Iterator<Item = &'a Path> {
        let root = self.has_root().then_some(self.workspace.root.as_path());
        [self.dir.path.as_path()].into_iter().chain(root)
    }

    /// The path of a file in the context; `None` where the ignore file leaves it out.
    pub(super) fn name(&self, root: &Path, file: &Path) -> Option<String> {
        let relative = file.strip_prefix(root).ok()?;
        if self.ignore.leaves_out(relative) { None } else { relative.to_str().map(str::to_owned) }
    }

    /// Whether Git ignores a file.
    pub(super) fn is_ignored(&self, file: &Path) -> bool {
        let repos = self.workspace.repos.iter().filter(|repo| file.starts_with(&repo.root));
        repos.max_by_key(|repo| repo.path.len()).is_some_and(|repo| Git::new(&repo.root).is_ignored(file))
    }
}

/// Refuses a path that is a link to nothing, or leads through one; names the sub-repo that is not populated.
pub(super) fn refuse_dangling(workspace: &Workspace, dir: &RunnableDir, file: &Path) -> Result<(), ImageError> {
    if file.exists() {
        return Ok(());
    }
    let refused = |path: &Path, sub_repo| {
        let path = path.strip_prefix(&workspace.root).unwrap_or(path).display().to_string();
        Err(ImageError::Dangling { dir: dir.address.to_string(), path, sub_repo })
    };
    for above in file.ancestors().take_while(|above| above.starts_with(&workspace.root)) {
        let is_link = above.symlink_metadata().is_ok_and(|meta| meta.is_symlink());
        if is_link && !above.exists() {
            let target = above.parent().zip(above.read_link().ok()).map(|(folder, target)| folder.join(target));
            return refused(above, target.and_then(|target| workspace.unpopulated_at(&target)));
        }
    }
    match workspace.unpopulated_at(file) {
        Some(sub_repo) => refused(file, Some(sub_repo)),
        None => Ok(()),
    }
}

/// What is left out, in the form of `.dockerignore` (Docker reference, "`.dockerignore` files"): of all patterns that match a path
/// or a folder above it, the last one counts.
#[derive(Debug, Default)]
pub(super) struct Ignore(Vec<(GlobMatcher, bool)>);

impl Ignore {
    pub(super) fn parse(text: &str) -> Self {
        let mut patterns = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (pattern, ignored) = line.strip_prefix('!').map_or((line, true), |pattern| (pattern.trim(), false));
            let pattern = pattern.trim_start_matches("./").trim_matches('/');
            if let Ok(glob) = GlobBuilder::new(pattern).literal_separator(true).build() {
                patterns.push((glob.compile_matcher(), ignored));
            }
        }
        Self(patterns)
    }

    /// Whether a path of the context is left out.
    pub(super) fn leaves_out(&self, path: &Path) -> bool {
        let hits =
            |glob: &GlobMatcher| path.ancestors().any(|above| !above.as_os_str().is_empty() && glob.is_match(above));
        self.0.iter().rev().find(|(glob, _)| hits(glob)).is_some_and(|(_, ignored)| *ignored)
    }
}

impl Stage {
    /// The version as this stage's tags have it: `image.dev-patch` decides whether those before prod have a patch number.
    #[must_use]
    pub fn version_of(self, dir: &RunnableDir, version: &semver::Version) -> semver::Version {
        self.version_by(dir.config.layout.dev_patch, version)
    }

    /// The same where no dir is at hand.
    #[must_use]
    pub fn version_by(self, patch: DevPatch, version: &semver::Version) -> semver::Version {
        match (self, patch) {
            (Self::Local | Self::Dev, DevPatch::Zero) => semver::Version::new(version.major, version.minor, 0),
            _ => version.clone(),
        }
    }

    /// The tag of an image of `dir` with this version.
    #[must_use]
    pub fn tag_of(self, dir: &RunnableDir, user: &str, version: &semver::Version) -> String {
        self.tag(user, &self.version_of(dir, version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_pattern_that_matches_counts() {
        let ignore = Ignore::parse("# all\n*\n!devops\n!/a/b/\n**/*.pyc\nc/?.txt\n");
        let left_out = |path: &str| ignore.leaves_out(Path::new(path));
        assert!(left_out("data/large.bin") && left_out("devops/x/y.pyc") && left_out(".git/config"));
        assert!(!left_out("devops/docker_build/utils.sh") && !left_out("a/b/c") && left_out("a/c"));
        assert!(!Ignore::default().leaves_out(Path::new("x")));
        assert!(Ignore::parse("**/.git\n**/test\n").leaves_out(Path::new("helpers_root/.git")));
    }

    #[test]
    fn arguments_go_where_an_image_starts_from() {
        let text = "ARG VERSION\nARG ECR_BASE_PATH=x\nFROM ${ECR_BASE_PATH}/${IMAGE_NAME}:dev-${VERSION} AS a\nRUN echo $VERSION /x\n";
        let args = |registry: &str| {
            let pairs = [("VERSION", "1.2.0"), ("ECR_BASE_PATH", registry), ("IMAGE_NAME", "infra")];
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
        };
        let from = |registry: &str| with_bases(text, &args(registry)).lines().nth(2).unwrap().to_owned();
        assert_eq!(from("ghcr.io/acme"), "FROM ghcr.io/acme/infra:dev-1.2.0 AS a");
        assert_eq!(from(""), "FROM infra:dev-1.2.0 AS a");
        assert!(with_bases(text, &args("")).contains("RUN echo $VERSION /x"));
        assert!(declares(text, "ECR_BASE_PATH") && !declares(text, "IMAGE_NAME") && !declares(text, "POETRY_MODE"));
    }

    #[test]
    fn code_stands_for_the_root() {
        let text = "FROM x\nCOPY . /app\nCOPY a ./ /b/\nCOPY --from=x . /c\nRUN ls .\n";
        let expected = "FROM x\nCOPY .wharf/code/ /app\nCOPY a .wharf/code/ /b/\nCOPY --from=x . /c\nRUN ls .\n";
        assert_eq!(with_code(text, ".wharf/code/"), expected);
        // However it is written.
        let odd = "COPY [\".\", \"/app\"]\ncopy --chown=1:1 \\\n  ./ \\\n  /b/\nADD / /c\n";
        let expected = "COPY [\".wharf/code/\",\"/app\"]\nCOPY --chown=1:1 .wharf/code/ /b/\nADD .wharf/code/ /c\n";
        assert_eq!(with_code(odd, ".wharf/code/"), expected);
    }
}
