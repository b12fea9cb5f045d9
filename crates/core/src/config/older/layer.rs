//! The layer of ordinary keys that the older layout means.
//!
//! What a `repo_config` file states has its line as origin; what the layout itself means has none. `wharf.toml` beside it is a stronger
//! layer, so it overrides single values.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::super::check::Checker;
use super::super::error::{ConfigError, Place, Problem, ProblemKind};
use super::super::layer::{Entry, Layer, MAX_FILE_BYTES};
use super::super::origin::{self, LayerKind, Origin};
use super::super::schema::{self, Kind};
use super::super::site::{FileText, Site};
use super::super::value::Value;
use super::SHARED;
use super::facts::{Facts, problem, truth};

const IMAGE_NAME: &str = "docker_info.docker_image_name";
/// Variable that names the registry, before any file does.
const BASE_PATH: &str = "CSFY_ECR_BASE_PATH";
const MOUNT: &str = "/app";

/// A `repo_config` file.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// How it is named in messages: relative to the super-repo's root.
    pub path: &'a Path,
    /// Its content.
    pub bytes: &'a [u8],
}

/// What lies at the super-repo's root.
#[derive(Debug, Clone, Copy, Default)]
pub struct InRoot<'a> {
    /// Its `repo_config` file.
    pub file: Option<Source<'a>>,
    /// The folder `dev_scripts_<suffix>/thin_client`, relative to the root, where it has requirements.
    pub thin_client: Option<&'a str>,
    /// `CSFY_ECR_BASE_PATH`.
    pub base_path: Option<&'a str>,
    /// What `wharf.toml` there states: what is stated there need not be readable here.
    pub stated: Option<&'a Layer>,
}

/// What lies in a runnable dir.
#[derive(Debug, Clone, Copy, Default)]
pub struct InDir<'a> {
    /// The nearest `repo_config` file upward.
    pub file: Option<Source<'a>>,
    /// Files below its `devops` folder that are there, links that lead nowhere too.
    pub has: &'a [&'static str],
    /// Address of the dir whose image it uses, where it builds none.
    pub image_from: Option<&'a str>,
    /// Whether the shared repo is a submodule of the super-repo.
    pub shared: bool,
    /// Whether the dir is in that repo.
    pub is_shared: bool,
    /// `CSFY_ECR_BASE_PATH`.
    pub base_path: Option<&'a str>,
    /// What its own `wharf.toml` states.
    pub stated: Option<&'a Layer>,
    /// What that of the super-repo's root states.
    pub stated_above: Option<&'a Layer>,
}

/// What the super-repo's root says for the whole workspace.
///
/// # Errors
/// All that is wrong with its `repo_config` file.
pub fn of_root(root: &InRoot<'_>) -> Result<Layer, ConfigError> {
    with_file(root.file, [root.stated, None], |out| {
        out.fixed("workspace.mount", Value::Text(MOUNT.into()));
        out.take("repo_info.repo_name", "workspace.name");
        if let Some(folder) = root.thin_client {
            out.fixed("thin-env.requirements", Value::Text(format!("{folder}/requirements.txt")));
        }
        out.fixed("test.junit", Value::Text("tmp.combined_junit.xml".into()));
        conventions(out, root.base_path);
    })
}

/// The name of the image that a `repo_config` file states; `None` also where the file cannot be read.
#[must_use]
pub fn image_name(source: Source<'_>) -> Option<String> {
    // What is too large is refused where the whole of it is read.
    let bytes = Some(source.bytes).filter(|bytes| bytes.len() <= MAX_FILE_BYTES)?;
    let text = std::str::from_utf8(bytes).ok()?;
    let site = Site::File(FileText::new(source.path.into(), text));
    let facts = Facts::read(source.path, text, &site).ok()?;
    facts.get(IMAGE_NAME).map(|fact| fact.text.clone())
}

/// What a runnable dir says.
///
/// # Errors
/// All that is wrong with its `repo_config` file, and a name of its image that is computed.
pub fn of_dir(dir: &InDir<'_>) -> Result<Layer, ConfigError> {
    with_file(dir.file, [dir.stated, dir.stated_above], |out| {
        conventions(out, dir.base_path);
        image(out, dir);
        run(out, dir);
        out.fixed("test.dir-junit", Value::Text("tmp.junit.xml".into()));
    })
}

fn image(out: &mut Out<'_, '_>, dir: &InDir<'_>) {
    let has = |path: &str| dir.has.contains(&path);
    out.fixed("image.dev-patch", Value::Boolean(false));
    // A `wharf.toml` beside it that says what the image is made from means just that.
    let is_stated = |key: &str| dir.stated.is_some_and(|layer| layer.get(key).is_some());
    if let Some(from) = dir.image_from {
        return out.fixed("image.from", Value::Text(from.to_owned()));
    }
    out.take(IMAGE_NAME, "image.name");
    if is_stated("image.base") || is_stated("image.from") {
        return;
    }
    out.fixed("image.context", Value::Text("root".into()));
    for (path, key) in [
        ("docker_build/dev.Dockerfile", "image.dockerfile"),
        ("docker_build/prod.Dockerfile", "image.prod-dockerfile"),
        ("docker_build/dockerignore.dev", "image.ignore-file"),
        ("docker_build/dockerignore.prod", "image.prod-ignore-file"),
    ] {
        if has(path) {
            out.fixed(key, Value::Text(format!("devops/{path}")));
        }
    }
    let copies = ["poetry.lock.out:devops/docker_build/poetry.lock", "pip_list.txt:devops/docker_build/pip_list.txt"];
    out.fixed("image.copy-out", Value::List(copies.iter().map(|copy| format!("/install/{copy}")).collect()));
    for (name, value) in [
        ("AM_CONTAINER_VERSION", "{version}"),
        ("INSTALL_DIND", "True"),
        ("POETRY_MODE", "no_update"),
        ("CLEAN_UP_INSTALLATION", "True"),
        ("VERSION", "{dev-version}"),
        ("ECR_BASE_PATH", "{registry}"),
        ("IMAGE_NAME", "{name}"),
    ] {
        out.fixed(&format!("build.args.{name}"), Value::Text(value.into()));
    }
    out.fixed("build.lock-args.POETRY_MODE", Value::Text("update".into()));
}

/// Passed on from the host where they are set.
const PASSED: [&str; 12] = [
    "CSFY_AWS_ACCESS_KEY_ID",
    "CSFY_AWS_DEFAULT_REGION",
    "CSFY_AWS_PROFILE",
    "CSFY_AWS_S3_BUCKET",
    "CSFY_AWS_SECRET_ACCESS_KEY",
    "CSFY_AWS_SESSION_TOKEN",
    BASE_PATH,
    "CSFY_CI",
    "CSFY_FORCE_TEST_FAIL",
    "CSFY_TELEGRAM_TOKEN",
    "GH_ACTION_ACCESS_TOKEN",
    "*_API_KEY",
];

/// Mounted where they are there.
const VOLUMES: [&str; 4] = [
    "~/.aws?:/home/.aws",
    "~/.config/gspread_pandas?:/home/.config/gspread_pandas",
    "~/.config/gh?:/home/.config/gh",
    "~/.ssh?:/home/.ssh",
];

fn run(out: &mut Out<'_, '_>, dir: &InDir<'_>) {
    if dir.has.contains(&"docker_run/entrypoint.sh") {
        out.fixed("run.entrypoint", Value::Text("devops/docker_run/entrypoint.sh".into()));
        out.fixed("run.entrypoint-takes", Value::Text("line".into()));
    }
    // The shared repo's own file speaks of itself when it stands alone.
    let stated = out.truth("runnable_dir_info.use_helpers_as_nested_module");
    if dir.shared && !dir.is_shared {
        let entry = "run.variables.CSFY_USE_HELPERS_AS_NESTED_MODULE";
        out.refuse_computed("runnable_dir_info.use_helpers_as_nested_module", "run.variables", entry);
    }
    let nested = dir.shared && (dir.is_shared || stated != Some(false));
    let shared = if dir.shared { format!("{{mount}}/{SHARED}") } else { "{mount}".to_owned() };
    for (name, value) in [
        ("CSFY_HOST_NAME", "{host-name}"),
        ("CSFY_HOST_OS_NAME", "{host-os}"),
        ("CSFY_HOST_OS_VERSION", "{host-os-version}"),
        ("CSFY_HOST_USER_NAME", "{user}"),
        ("CSFY_HOST_GIT_ROOT_PATH", "{root}"),
        ("CSFY_GIT_ROOT_PATH", "{mount}"),
        ("CSFY_HELPERS_ROOT_PATH", &shared),
        ("CSFY_USE_HELPERS_AS_NESTED_MODULE", if nested { "1" } else { "0" }),
        ("CSFY_ENABLE_DIND", "{child-engine}"),
        ("CSFY_REPO_CONFIG_CHECK", "True"),
        ("CSFY_REPO_CONFIG_PATH", ""),
    ] {
        out.fixed(&format!("run.variables.{name}"), Value::Text(value.into()));
    }
    out.fixed("run.env", Value::List(PASSED.map(str::to_owned).to_vec()));
    out.fixed("run.pass-as.GH_TOKEN", Value::Text("GH_ACTION_ACCESS_TOKEN".into()));
    out.fixed("run.volumes", Value::List(VOLUMES.map(str::to_owned).to_vec()));
    let siblings = "docker_info.use_sibling_container_in_unit_tests";
    out.refuse_computed(siblings, "run.docker", "run.docker");
    if out.truth(siblings) == Some(true) {
        out.fixed("run.docker", Value::Text("sibling".into()));
    }
}

/// Suites, requirements and registries: the same for the workspace and for each dir.
fn conventions(out: &mut Out<'_, '_>, base_path: Option<&str>) {
    for (suite, markers, timeout) in [
        ("fast", "not slow and not superslow", "5s"),
        ("slow", "slow and not superslow", "30s"),
        ("superslow", "not slow and superslow", "3600s"),
    ] {
        out.fixed(&format!("test.suites.{suite}.markers"), Value::Text(markers.into()));
        out.fixed(&format!("test.suites.{suite}.timeout"), Value::Text(timeout.into()));
    }
    out.fixed("test.requires.requires_docker_in_docker", Value::Text("docker".into()));
    match base_path {
        Some(path) => {
            let source = origin::Source::Variable(BASE_PATH.into());
            let path = path.trim_end_matches('/').to_owned();
            out.put("registry.pull", Value::Text(path.clone()), source.clone());
            out.put("registry.push", Value::List(vec![path]), source);
        }
        None => out.registries(),
    }
}

/// Reads the file, has `fill` put the layer together, and reports what was wrong.
fn with_file(
    file: Option<Source<'_>>,
    stated: [Option<&Layer>; 2],
    fill: impl FnOnce(&mut Out<'_, '_>),
) -> Result<Layer, ConfigError> {
    let Some(Source { path, bytes }) = file else {
        let site = Site::Variable("".into());
        let mut out = Out::new(&site, Facts::default(), stated);
        fill(&mut out);
        return out.finish();
    };
    let path: Arc<Path> = path.into();
    if bytes.len() > MAX_FILE_BYTES {
        let kind = ProblemKind::TooLarge { bytes: bytes.len(), limit: MAX_FILE_BYTES };
        return Err(ConfigError::of(kind, Place::File(path)));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| super::super::layer::not_utf8(&path, bytes, error))?;
    let site = Site::File(FileText::new(Arc::clone(&path), text));
    let facts = Facts::read(&path, text, &site).map_err(|problems| {
        ConfigError::check(problems)
            .err()
            .unwrap_or_else(|| ConfigError::of(ProblemKind::TooMany { more: 0 }, site.whole()))
    })?;
    let mut out = Out::new(&site, facts, stated);
    fill(&mut out);
    out.finish()
}

/// The layer to be.
struct Out<'s, 't> {
    checker: Checker<'s>,
    site: &'s Site<'s>,
    facts: Facts,
    fixed: BTreeMap<String, Arc<Entry>>,
    /// What `wharf.toml`s state: what is stated there need not be readable here.
    stated: [Option<&'t Layer>; 2],
    problems: Vec<Problem>,
}

impl<'s, 't> Out<'s, 't> {
    fn new(site: &'s Site<'s>, facts: Facts, stated: [Option<&'t Layer>; 2]) -> Self {
        let checker = Checker::new(LayerKind::Older, site);
        Self { checker, site, facts, fixed: BTreeMap::new(), stated, problems: Vec::new() }
    }

    /// A value that the layout itself means.
    fn fixed(&mut self, path: &str, value: Value) {
        self.put(path, value, origin::Source::BuiltIn);
    }

    fn put(&mut self, path: &str, value: Value, source: origin::Source) {
        let origin = Origin { layer: LayerKind::Older, source };
        self.fixed.insert(path.to_owned(), Arc::new(Entry { path: path.to_owned(), value, origin }));
    }

    /// The value of `key` is what the file states at `path`. One that is computed is a problem unless `wharf.toml` states the key.
    fn take(&mut self, path: &str, key: &'static str) {
        let Some(fact) = self.facts.get(path).cloned() else { return self.refuse_computed(path, key, key) };
        if let Some(Kind::Text(form)) = schema::find(key).map(|key| key.kind).filter(|_| !self.is_stated(key)) {
            self.checker.text(key.to_owned(), form, &fact.text, (&fact.key, &fact.value));
        }
    }

    fn is_stated(&self, key: &str) -> bool {
        self.stated.iter().flatten().any(|layer| layer.get(key).is_some())
    }

    /// A value at `path` that is computed is a problem unless `wharf.toml` states `entry`, which is `key` or an item of it.
    fn refuse_computed(&mut self, path: &str, key: &'static str, entry: &str) {
        let found = self.facts.unread.iter().find(|unread| unread.path == path);
        if let Some(unread) = found.filter(|_| !self.is_stated(entry)) {
            let kind = ProblemKind::Computed { name: unread.name.clone(), path: key };
            self.problems.push(problem(kind, unread.place.clone(), self.site));
        }
    }

    /// A yes or no of the file.
    fn truth(&mut self, path: &str) -> Option<bool> {
        let fact = self.facts.get(path)?;
        let found = truth(&fact.text);
        if found.is_none() {
            let expected = "`true` or `false`".to_owned();
            let kind = ProblemKind::bad_value(path.to_owned(), &fact.text, expected);
            self.problems.push(problem(kind, fact.value.clone(), self.site));
        }
        found
    }

    /// The registries of the file: the first is pulled from, both are pushed to.
    fn registries(&mut self) {
        let known = ["container_registry_info.ecr", "container_registry_info.ghcr"];
        known.iter().for_each(|path| self.refuse_computed(path, "registry.pull", "registry.pull"));
        let found: Vec<_> = known.iter().filter_map(|path| self.facts.get(path).cloned()).collect();
        let Some(first) = found.first() else { return };
        let items: Vec<_> = found.iter().map(|fact| (fact.text.trim_end_matches('/'), fact.value.clone())).collect();
        if let Some(Kind::List(form)) = schema::find("registry.push").map(|key| key.kind) {
            self.checker.items("registry.push".to_owned(), form, &items, &first.key);
            if form.accepts(items[0].0) {
                let value = Value::Text(items[0].0.to_owned());
                self.checker.accept("registry.pull".to_owned(), value, &first.key);
            }
        }
    }

    fn finish(self) -> Result<Layer, ConfigError> {
        let mut checker = self.checker;
        checker.problems.extend(self.problems);
        checker.entries.extend(self.fixed.into_values());
        Layer::from_checker(LayerKind::Older, checker)
    }
}
