//! What decides a prod image: all that decides the dev image, and the code that is copied into it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::brought::{self, Ground};
use super::code::{self, Code};
use super::dockerfile::WHARF;
use super::error::ImageError;
use super::site::{self, SITE, Seen, Tree};
use super::spec::ImageSpec;
use super::stage::{self, Stage};
use crate::runnable_dir::RunnableDir;
use crate::workspace::Workspace;

/// Version of the rules by which the hash is made.
const RULES: &str = "wharf-prod-1";

/// Folder of the context that holds the code, as it lies below the workspace's mount point.
pub const CODE: &str = ".wharf/code";
/// Folder of the context that holds generated package metadata; empty where the dir is no package.
pub const METADATA: &str = ".wharf/site";

/// All that decides the prod image of a runnable dir.
#[derive(Debug, Clone)]
pub struct ProdSpec {
    /// What it shares with the dev image, but for the hash, which is of all that stands here.
    pub image: Arc<ImageSpec>,
    /// The code.
    pub code: Code,
    /// Generated metadata of the dir's packages.
    pub site: Tree,
    /// Build arguments: where the code lies, what is on `PYTHONPATH`, where commands start.
    pub args: BTreeMap<String, String>,
    code_hash: String,
    dev_inputs: String,
}

impl ProdSpec {
    /// Reads what decides the prod image of `dir`, which must own one.
    ///
    /// # Errors
    /// When Git does not answer or a file that is needed cannot be read.
    pub fn read(workspace: &Workspace, dir: &RunnableDir) -> Result<Self, ImageError> {
        let mut image = ImageSpec::of_stage(workspace, dir, Stage::Prod)?;
        let mut code = Code::discover(workspace)?;
        if image.own {
            let ignore = Ground::of(workspace, dir, Stage::Prod)?.ignore;
            code.retain(|path| !ignore.leaves_out(path));
        }
        let packages = site::packages(workspace, dir, &image.dependencies.local, Seen::InContainer)
            .map_err(|source| ImageError::Project { dir: dir.address.to_string(), source: Box::new(source) })?;
        let mut roots = Vec::new();
        let mut tree = Tree::new();
        if let Some(packages) = packages {
            for (place, project) in &packages.projects {
                if let Some(file) = &project.version_file {
                    code.add_made(&place.join(&file.path), file.contents.clone().into_bytes());
                }
            }
            (tree, roots) = (packages.files, packages.import_roots);
        }
        let mut path = site::python_path(workspace, &roots, Seen::InContainer);
        path.extend((!roots.is_empty()).then(|| SITE.to_owned()));
        let args = BTreeMap::from([
            ("WHARF_SRC".to_owned(), workspace.mount_point()),
            ("WHARF_PYTHONPATH".to_owned(), path.join(":")),
            ("WHARF_WORKDIR".to_owned(), workspace.in_container(&dir.path)),
        ]);
        let code_hash = code.hash()?;
        // One that starts from the dev image is another where that is.
        let dev_inputs = match image.target {
            Some(_) => image.inputs.clone(),
            None => format!("{} {}", image.inputs, ImageSpec::read(workspace, dir)?.inputs),
        };
        let mut spec = Self { image: Arc::new(image.clone()), code, site: tree, args, code_hash, dev_inputs };
        image.inputs = spec.hash();
        spec.image = Arc::new(image);
        Ok(spec)
    }

    /// The arguments that its build gets: to a Dockerfile of one stage only those that it declares.
    #[must_use]
    pub fn args_of_build(&self) -> BTreeMap<String, String> {
        let wanted = |name: &String| self.image.target.is_some() || brought::declares(&self.image.dockerfile, name);
        let own = self.args.iter().filter(|(name, _)| wanted(name));
        own.chain(&self.image.args).map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut field = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        field(RULES.as_bytes());
        field(self.dev_inputs.as_bytes());
        for (name, value) in &self.args {
            field(name.as_bytes());
            field(value.as_bytes());
        }
        for (path, (bytes, executable)) in &self.site {
            field(path.as_bytes());
            field(&[u8::from(*executable)]);
            field(bytes);
        }
        field(self.code_hash.as_bytes());
        hasher.finalize().to_hex()[..32].to_owned()
    }

    /// Writes code and metadata into the context at `context`.
    ///
    /// # Errors
    /// [`ImageError::Moved`] when the code was changed meanwhile; else when a file cannot be read or written.
    pub fn stage(&self, context: &Path) -> Result<(), ImageError> {
        let code = context.join(CODE);
        fs_err::create_dir_all(&code)?;
        if self.code.stage(&code)? != self.code_hash {
            return Err(ImageError::Moved { dir: self.image.dir.clone() });
        }
        let site = context.join(METADATA);
        fs_err::create_dir_all(&site)?;
        for (path, (bytes, executable)) in &self.site {
            let file = site.join(path);
            if let Some(folder) = file.parent() {
                fs_err::create_dir_all(folder)?;
            }
            fs_err::write(&file, bytes)?;
            code::settle(&file, *executable, self.code.time)?;
        }
        Ok(code::settle_folders(&context.join(WHARF), self.code.time)?)
    }

    /// Labels that a prod image has besides those of a dev image.
    #[must_use]
    pub fn labels(&self) -> BTreeMap<String, String> {
        self.code.revision.iter().map(|revision| (stage::REVISION.to_owned(), revision.clone())).collect()
    }

    /// The latest that a file of the image other than its code may have, in seconds since 1970. Made from what decides
    /// these files, so that layers are the same in all commits that need the same packages, and yet whoever goes by
    /// the time of a file (HTTP caches do) sees that a package was upgraded.
    #[must_use]
    pub fn time_of_packages(&self) -> i64 {
        let seed = blake3::hash(self.dev_inputs.as_bytes());
        let [a, b, c, d, ..] = *seed.as_bytes();
        // Ten years from 1980 on.
        code::EARLIEST + i64::from(u32::from_le_bytes([a, b, c, d]) % 315_360_000)
    }

    /// The time of the commit as RFC 3339 in UTC.
    #[must_use]
    pub fn time_text(&self) -> String {
        jiff::Timestamp::from_second(self.code.time).map(|time| time.to_string()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use wharf_testkit::{Repo, Sandbox, sample};

    use super::*;
    use crate::workspace::{Surroundings, discover};

    fn read(repo: &Repo) -> ProdSpec {
        let workspace = discover(Surroundings { here: repo.path().to_owned(), ..Surroundings::default() }).unwrap();
        ProdSpec::read(&workspace, &workspace.dirs[0]).unwrap()
    }

    fn files(folder: &Path) -> Vec<String> {
        let mut found: Vec<String> = ignore::WalkBuilder::new(folder)
            .standard_filters(false)
            .build()
            .flatten()
            .filter(|entry| entry.file_type().is_some_and(|kind| !kind.is_dir()))
            .map(|entry| entry.path().strip_prefix(folder).unwrap().display().to_string())
            .collect();
        found.sort();
        found
    }

    #[test]
    fn only_what_git_tracks_goes_in() {
        let sandbox = Sandbox::new();
        let repo = sample::workspace(&sandbox)
            .dir("a", |dir| dir.no_requirements().file("run.sh", "").file("gone.py", "").file("inner/x.py", "x"))
            .sub_repo("sub", |sub| sub.file("s.py", "s"))
            .build();
        repo.write("untracked.txt", "no").write("__pycache__/ignored.txt", "no").write("elsewhere/x.py", "secret");
        fs_err::remove_file(repo.join("a/gone.py")).unwrap();
        std::os::unix::fs::symlink("nowhere", repo.join("a/link")).unwrap();
        repo.git(&["add", "a/link"]);
        fs_err::remove_dir_all(repo.join("a/inner")).unwrap();
        std::os::unix::fs::symlink("../elsewhere", repo.join("a/inner")).unwrap();
        let spec = read(&repo);
        assert!(spec.code.revision.as_ref().unwrap().ends_with("-dirty"));
        let context = tempfile::tempdir().unwrap();
        spec.stage(context.path()).unwrap();
        let expected =
            [".gitignore", ".gitmodules", "a/devops/wharf.toml", "a/link", "a/run.sh", "sub/s.py", "wharf.toml"];
        assert_eq!(files(&context.path().join(CODE)), expected);
        assert_eq!(spec.code.len(), expected.len());
        assert!(context.path().join(METADATA).is_dir());
    }

    #[test]
    fn the_hash_is_of_content_and_not_of_the_place() {
        let sandbox = Sandbox::new();
        let repo = sample::workspace(&sandbox).dir("a", |dir| dir.no_requirements().file("x.py", "x")).build();
        let other = repo.clone_to(sandbox.path().join("other"));
        let first = read(&repo);
        assert_eq!(first.image.inputs, read(&other).image.inputs);
        assert_ne!(first.image.inputs, first.dev_inputs);
        repo.write("untracked.txt", "");
        assert_eq!(first.image.inputs, read(&repo).image.inputs);
        repo.write("a/x.py", "y");
        let second = read(&repo);
        assert_ne!(first.image.inputs, second.image.inputs);
        assert_eq!(first.dev_inputs, second.dev_inputs, "code decides no dev image");
        assert_eq!(first.time_of_packages(), second.time_of_packages());
        assert!((code::EARLIEST..code::EARLIEST + 315_360_000).contains(&first.time_of_packages()));
        assert_eq!(first.time_text(), "2024-01-01T12:00:00Z");
    }

    #[test]
    fn code_that_changes_meanwhile_is_noticed() {
        let sandbox = Sandbox::new();
        let repo = sample::workspace(&sandbox).dir("a", |dir| dir.no_requirements().file("x.py", "x")).build();
        let spec = read(&repo);
        repo.write("a/x.py", "y");
        let context = tempfile::tempdir().unwrap();
        assert!(matches!(spec.stage(context.path()), Err(ImageError::Moved { .. })));
    }

    #[test]
    fn a_dev_image_of_a_large_repo_has_a_small_context() {
        let sandbox = Sandbox::new();
        let repo = sample::workspace(&sandbox)
            .dir("a", |dir| dir.file("pyproject.toml", "[project]\nname = \"a\"\nversion = \"1\"\n"))
            .build();
        fs_err::create_dir(repo.join("a/data")).unwrap();
        for number in 0..5 {
            let file = fs_err::File::create(repo.join(format!("a/data/{number}.bin"))).unwrap();
            file.set_len(100_000_000).unwrap();
        }
        let workspace = discover(Surroundings { here: repo.path().to_owned(), ..Surroundings::default() }).unwrap();
        let spec = ImageSpec::read(&workspace, &workspace.dirs[0]).unwrap();
        let context = tempfile::tempdir().unwrap();
        crate::image::context::stage(context.path(), &spec.dockerfile, &spec.files).unwrap();
        let size = |name: &String| std::fs::metadata(context.path().join(name)).unwrap().len();
        let staged: u64 = files(context.path()).iter().map(size).sum();
        assert!((1..1_000_000).contains(&staged), "{staged} bytes");
    }
}
