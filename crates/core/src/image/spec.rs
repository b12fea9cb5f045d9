//! What decides an image, read from a runnable dir, and the hash of it.

use std::collections::BTreeMap;
use std::path::Path;

use super::brought::Ground;
use super::dockerfile::{self, Recipe};
use super::error::ImageError;
use super::python::{self, Dependencies, Manager};
use super::stage::Stage;
use super::{brought, context, copies};
use crate::config::{ImageSource, PythonManager};
use crate::runnable_dir::{DEVOPS, RunnableDir};
use crate::workspace::Workspace;

/// Version of the rules by which the hash is made; goes up when the same files must make another image.
const RULES: &str = "wharf-inputs-1";

/// Name of a dir's own Dockerfile, in its `devops` folder.
pub const DOCKERFILE: &str = "Dockerfile";

/// Where a prod build finds the code, as a `COPY` names it.
const CODE_FOLDER: &str = ".wharf/code/";

/// All that decides the dev image of a runnable dir.
#[derive(Debug, Clone)]
pub struct ImageSpec {
    /// Address of the dir that owns the image.
    pub dir: String,
    /// Name of the image.
    pub name: String,
    /// The Dockerfile, generated or the dir's own.
    pub dockerfile: String,
    /// Whether the Dockerfile is the dir's own.
    pub own: bool,
    /// Target of the Dockerfile that is built; `None`: its last stage.
    pub target: Option<String>,
    /// Build arguments.
    pub args: BTreeMap<String, String>,
    /// The base image, where the Dockerfile is generated.
    pub base: Option<String>,
    /// Files of the build context by path, the Dockerfile left out.
    pub files: BTreeMap<String, context::File>,
    /// What Python packages it gets.
    pub dependencies: Dependencies,
    /// Version of Python that was asked for.
    pub python: Option<String>,
    /// Whether OS packages or scripts are asked for, which the host engine cannot give.
    pub os: Vec<String>,
    /// Hash of all of the above.
    pub inputs: String,
}

/// The base image of `dir`; `None` where it uses the image of another.
///
/// # Errors
/// When a sub-repo should export it, and does not.
pub(super) fn base(dir: &RunnableDir) -> Result<Option<&str>, ImageError> {
    match &dir.config.image.source {
        ImageSource::Base(base) if base.value.starts_with("//") => {
            Err(ImageError::NotExported { dir: dir.address.to_string(), base: base.value.clone() })
        }
        ImageSource::Base(base) => Ok(Some(&base.value)),
        ImageSource::From(_) => Ok(None),
    }
}

impl ImageSpec {
    /// Reads what decides the image of `dir`, which must own one.
    ///
    /// # Errors
    /// When a file that is needed cannot be read.
    pub fn read(workspace: &Workspace, dir: &RunnableDir) -> Result<Self, ImageError> {
        Self::of_stage(workspace, dir, Stage::Dev)
    }

    /// The same for a stage, which an own Dockerfile may be for alone.
    ///
    /// # Errors
    /// When a file that is needed cannot be read.
    pub fn of_stage(workspace: &Workspace, dir: &RunnableDir, stage: Stage) -> Result<Self, ImageError> {
        let address = dir.address.as_str();
        let dependencies = dependencies(workspace, dir)?;
        let own = brought::read(workspace, dir, stage)?;
        let mut files: BTreeMap<String, context::File> = BTreeMap::new();
        for (name, bytes) in &dependencies.files {
            files.insert(format!("{}/{name}", dockerfile::PYTHON), context::File::plain(bytes.clone()));
        }
        for script in &dir.config.os.scripts {
            let path = format!("{DEVOPS}/{script}");
            files.insert(path.clone(), context::read(address, &workspace.root, &dir.path, Path::new(&path))?);
        }
        let base = match &own {
            Some(_) => String::new(),
            None => base(dir)?.unwrap_or_default().to_owned(),
        };
        let python = dir.config.python.version.as_ref().map(|version| version.value.clone());
        let (mut target, mut args) = (Some(stage.target().to_owned()), BTreeMap::new());
        let (text, is_own) = match own {
            Some(mut own) => {
                if dir.config.layout.dockerfile.is_some() && !own.text.contains(dockerfile::PYTHON) {
                    files.clear();
                }
                let ground = Ground::of(workspace, dir, stage)?;
                if stage == Stage::Prod && ground.has_root() {
                    own.text = brought::with_code(&own.text, CODE_FOLDER);
                }
                copies::collect(&ground, &own.text, &mut files)?;
                target = target.filter(|_| own.has_target);
                args = own.args;
                (own.text, true)
            }
            None => {
                let recipe =
                    Recipe { base: &base, python: python.as_deref(), config: &dir.config, dependencies: &dependencies };
                (dockerfile::generate(&recipe), false)
            }
        };
        let mut spec = Self {
            dir: address.to_owned(),
            name: dir.name.clone(),
            dockerfile: text,
            own: is_own,
            target,
            args,
            base: (!is_own).then_some(base),
            files,
            python,
            os: dir.config.os.packages.iter().chain(&dir.config.os.scripts).cloned().collect(),
            dependencies,
            inputs: String::new(),
        };
        spec.inputs = spec.hash();
        Ok(spec)
    }

    /// Hash of the Dockerfile and every file of the context: path, mode bit, content.
    fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut field = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        field(RULES.as_bytes());
        field(self.dockerfile.as_bytes());
        for (name, value) in &self.args {
            field(name.as_bytes());
            field(value.as_bytes());
        }
        if self.target.is_none() {
            field(b"last stage");
        }
        for (path, file) in &self.files {
            field(path.as_bytes());
            field(&[u8::from(file.executable)]);
            field(&file.bytes);
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }
}

/// What Python packages the dir needs.
///
/// # Errors
/// When its files cannot be read or make no sense.
pub fn dependencies(workspace: &Workspace, dir: &RunnableDir) -> Result<Dependencies, ImageError> {
    let devops = dir.devops();
    let request = request(workspace, dir, &devops);
    python::discover(&request).map_err(|source| ImageError::Python { dir: dir.address.to_string(), source })
}

/// What is asked about the dir's Python packages; `devops` is its `devops` folder.
pub(super) fn request<'a>(workspace: &'a Workspace, dir: &'a RunnableDir, devops: &'a Path) -> python::Request<'a> {
    let config = &dir.config.python;
    python::Request {
        dir: &dir.path,
        devops,
        stop_at: &workspace.root,
        manager: config.manager.as_ref().map(|manager| match manager.value {
            PythonManager::Uv => Manager::Uv,
            PythonManager::Poetry => Manager::Poetry,
            PythonManager::Pip => Manager::Pip,
            PythonManager::None => Manager::None,
        }),
        groups_dev: config.dev_groups.as_ref().map(|groups| groups.value.as_slice()),
        groups_prod: config.prod_groups.as_ref().map(|groups| groups.value.as_slice()),
    }
}

pub(super) fn read_own(dir: &RunnableDir) -> Result<Option<String>, ImageError> {
    let file = dir.devops().join(DOCKERFILE);
    match std::fs::read(&file) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ImageError::File { dir: dir.address.to_string(), file, source }),
    }
}
