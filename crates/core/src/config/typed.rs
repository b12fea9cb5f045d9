//! The configuration as the rest of core works with it.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use semver::VersionReq;
use wharf_engine::{Kind, Platform};

use super::capability::Capability;
use super::ci::CiConfig;
use super::duration::parse_duration;
use super::error::{ConfigError, Place, ProblemKind};
use super::layout::LayoutConfig;
use super::merge::Resolved;
use super::nested::NestedConfig;
use super::origin::{LayerKind, Located, Origin};
use super::schema;
use super::services::ServicesConfig;
use super::setenv::SetenvConfig;
use super::size::parse_size;
use super::suites::SuiteConfig;
use super::typed_value::{BuildCache, CaCertificates, IndexUrl, Proxy, PythonManager, SecretSource, Variable, Volume};
use super::value::Value;

/// All configuration of one runnable dir, or of the workspace as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Table `workspace`.
    pub workspace: WorkspaceConfig,
    /// Table `engine`.
    pub engine: EngineConfig,
    /// Table `git`.
    pub git: GitConfig,
    /// Table `registry`.
    pub registry: RegistryConfig,
    /// Table `image`.
    pub image: ImageConfig,
    /// Table `os`.
    pub os: OsConfig,
    /// Table `python`.
    pub python: PythonConfig,
    /// Table `build`.
    pub build: BuildConfig,
    /// Table `run`.
    pub run: RunConfig,
    /// Table `test`.
    pub test: TestConfig,
    /// Table `cache`.
    pub cache: CacheConfig,
    /// Table `services`.
    pub services: ServicesConfig,
    /// Table `thin-env`.
    pub thin_env: ThinEnvConfig,
    /// Table `setenv`.
    pub setenv: SetenvConfig,
    /// Table `ci`.
    pub ci: CiConfig,
    /// What a dir brings of its own, of several tables.
    pub layout: LayoutConfig,
}

/// Table `workspace`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceConfig {
    /// Name of the super-repo; `None`: that of its folder.
    pub name: Option<Located<String>>,
    /// Globs of paths, from the super-repo's root, that are never searched for runnable dirs.
    pub exclude: Vec<String>,
    /// Versions of Wharf that the workspace works with; `None`: any.
    pub requires_wharf: Option<Located<VersionReq>>,
}

/// Table `engine`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineConfig {
    /// What runs containers; `None`: the first that works.
    pub kind: Option<Located<Kind>>,
}

/// Table `git`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitConfig {
    /// Variable that holds a token for private repos; nothing is done while it is not set.
    pub token_env: String,
    /// User name that goes with the token.
    pub token_user: String,
    /// Hosts that get the token, beside that of the super-repo's own remote.
    pub token_hosts: Vec<String>,
}

/// Table `registry`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryConfig {
    /// Registry and path that images are pulled from.
    pub pull: Option<String>,
    /// Registries with path that images are pushed to, in this order.
    pub push: Vec<String>,
}

/// Table `image`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageConfig {
    /// Name of the image, without registry and tag; `None`: made from the folders' names.
    pub name: Option<Located<String>>,
    /// What it is built on, or whose image is used.
    pub source: ImageSource,
    /// Platforms that images are made for where all are asked for; empty: the engine's own.
    pub platforms: Vec<Platform>,
    /// Versions of the image that the dir's code works with; `None`: any.
    pub requires: Option<Located<VersionReq>>,
}

/// Where a runnable dir's image comes from: of `image.base` and `image.from` the one in the stronger layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageSource {
    /// An own image, built on this one.
    Base(Located<String>),
    /// The image of the runnable dir with this address.
    From(Located<String>),
}

/// Table `os`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OsConfig {
    /// Packages to install.
    pub packages: Vec<String>,
    /// Scripts to run as root while the image is built, relative to the `devops` folder, in this order.
    pub scripts: Vec<String>,
}

/// Table `python`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PythonConfig {
    /// Version that the dir needs; `None`: that of the base image.
    pub version: Option<Located<String>>,
    /// What installs dependencies; `None`: found by the files.
    pub manager: Option<Located<PythonManager>>,
    /// Groups and extras of the `dev` target; `None`: found by their usual names.
    pub dev_groups: Option<Located<Vec<String>>>,
    /// Groups and extras of the `prod` target; `None`: none but the dependencies proper.
    pub prod_groups: Option<Located<Vec<String>>>,
    /// Addresses of runnable dirs whose code this one's may import.
    pub uses: Vec<String>,
}

/// Table `build`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildConfig {
    /// CA certificates that builds trust.
    pub ca_certificates: Located<CaCertificates>,
    /// Whether builds get the host's proxy variables.
    pub proxy: Proxy,
    /// Index that Python packages come from; `None`: the installer's own.
    pub index_url: Option<IndexUrl>,
    /// More indexes.
    pub extra_index_urls: Vec<IndexUrl>,
    /// Secrets that builds may read, by id.
    pub secrets: BTreeMap<String, Located<SecretSource>>,
    /// Whether builds use what earlier builds left.
    pub cache: Located<BuildCache>,
    /// How many images are built at once; `None`: by the number of cores.
    pub jobs: Option<NonZeroUsize>,
}

/// Table `run`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunConfig {
    /// Variables of containers.
    pub env: Vec<Variable>,
    /// Further mounts, with the origin that relative host paths start from.
    pub volumes: Vec<Located<Volume>>,
    /// Ports that are reachable on the host, as the engines write them.
    pub ports: Vec<String>,
    /// Network to join; `None`: the engine's default.
    pub network: Option<String>,
    /// Services that are ready before a command starts.
    pub services: Vec<String>,
    /// Warm containers, and engines in containers.
    pub nested: NestedConfig,
}

/// Table `test`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestConfig {
    /// How long one test may take; `None`: for ever.
    pub timeout: Option<Duration>,
    /// How often a failed test is tried again, 0 to 10.
    pub retries: u32,
    /// How many containers run tests at once; `None`: by cores and memory.
    pub jobs: Option<NonZeroUsize>,
    /// Arguments for pytest, before those of the command line.
    pub args: Vec<String>,
    /// What changes are counted from, for `--affected`; `None`: the default branch.
    pub base: Option<String>,
    /// Services that are ready before tests start; `None`: those of [`RunConfig::services`].
    pub services: Option<Vec<String>>,
    /// Whether known verdicts are taken.
    pub cache: bool,
    /// Path from the super-repo's root of the file of durations that shards are made by; `None`: there is none.
    pub durations: Option<Located<String>>,
    /// How long verdicts and durations of tests are kept.
    pub history_keep: Duration,
    /// From when on a running test is marked as slow.
    pub slow: Duration,
    /// Whether it is recorded what test files depend on.
    pub record: bool,
    /// The suite that runs where none is asked for; `None`: all tests.
    pub suite: Option<Located<String>>,
    /// All suites, by name.
    pub suites: BTreeMap<String, SuiteConfig>,
    /// Entries of each test list, by name.
    pub lists: BTreeMap<String, Vec<String>>,
    /// What tests with a marker need, by marker.
    pub requires: BTreeMap<String, Capability>,
    /// Percent of coverage that must be reached, with the origin that says of what.
    pub coverage_min: Option<Located<u32>>,
}

/// Table `cache`: verdicts that are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheConfig {
    /// Bytes that it stays below.
    pub size: u64,
    /// A place that is shared.
    pub remote: Option<SharedCache>,
    /// Whether the user named that place, in a file or variable of theirs or a flag.
    pub remote_is_users: bool,
    /// Hosts that get a log-in though a repo names them.
    pub login_hosts: Vec<String>,
    /// Whether something may be added to what is shared.
    pub may_add: bool,
}

/// A place where verdicts are shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SharedCache {
    /// A folder that several machines mount.
    Folder(PathBuf),
    /// A store that is asked over the network.
    Url(String),
}

/// Table `thin-env`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThinEnvConfig {
    /// What must be in it; `None`: what the usual file says, where it is there.
    pub requirements: Option<Located<ThinRequirements>>,
    /// Version of its Python; `None`: any that is recent enough.
    pub python: Option<Located<String>>,
}

/// Where the requirements of the thin environment stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ThinRequirements {
    /// In a requirements file with this path.
    File(String),
    /// In the configuration itself, each on one line.
    Lines(Vec<String>),
}

impl Config {
    /// The typed form of `resolved`.
    ///
    /// # Errors
    /// None for what the embedded defaults belong to; otherwise a value that is missing or will not do.
    pub fn from_resolved(resolved: &Resolved) -> Result<Self, ConfigError> {
        let reader = Reader(resolved);
        Ok(Self {
            workspace: WorkspaceConfig {
                name: reader.text("workspace.name"),
                exclude: reader.list("workspace.exclude"),
                requires_wharf: reader.parsed("workspace.requires-wharf", |text| VersionReq::parse(text).ok())?,
            },
            engine: EngineConfig { kind: reader.parsed("engine.kind", |text| text.parse().ok())? },
            registry: RegistryConfig {
                pull: reader.text("registry.pull").map(|pull| pull.value),
                push: reader.list("registry.push"),
            },
            git: GitConfig {
                token_env: reader.text("git.token-env").map(|name| name.value).unwrap_or_default(),
                token_user: reader.text("git.token-user").map(|name| name.value).unwrap_or_default(),
                token_hosts: reader.list("git.token-hosts"),
            },
            image: ImageConfig {
                name: reader.text("image.name"),
                source: reader.image_source()?,
                platforms: reader.platforms()?,
                requires: reader.parsed("image.requires", |text| VersionReq::parse(text).ok())?,
            },
            os: OsConfig { packages: reader.list("os.packages"), scripts: reader.list("os.scripts") },
            python: PythonConfig {
                version: reader.text("python.version"),
                manager: reader.parsed("python.manager", PythonManager::parse)?,
                dev_groups: reader.located_list("python.groups.dev"),
                prod_groups: reader.located_list("python.groups.prod"),
                uses: reader.list("python.uses"),
            },
            build: reader.build()?,
            run: reader.run(),
            test: reader.test()?,
            cache: reader.cache()?,
            services: ServicesConfig::read(resolved),
            thin_env: reader.thin_env(),
            setenv: SetenvConfig::read(resolved)?,
            ci: CiConfig::read(resolved),
            layout: LayoutConfig::read(resolved),
        })
    }
}

/// Takes values out of what is resolved.
struct Reader<'r>(&'r Resolved);

impl Reader<'_> {
    fn located<T>(&self, path: &str, read: impl FnOnce(&Value) -> Option<T>) -> Option<Located<T>> {
        let (value, origin) = self.0.get(path)?;
        Some(Located { value: read(value)?, origin: origin.clone() })
    }

    fn text(&self, path: &str) -> Option<Located<String>> {
        self.located(path, |value| value.as_text().map(str::to_owned))
    }

    fn located_list(&self, path: &str) -> Option<Located<Vec<String>>> {
        self.located(path, |value| value.as_list().map(<[String]>::to_vec))
    }

    fn list(&self, path: &str) -> Vec<String> {
        self.located_list(path).map(|list| list.value).unwrap_or_default()
    }

    /// The parsed text of a key that may be absent.
    fn parsed<T>(&self, path: &'static str, parse: fn(&str) -> Option<T>) -> Result<Option<Located<T>>, ConfigError> {
        let Some(Located { value: text, origin }) = self.text(path) else {
            return Ok(None);
        };
        let value = parse(&text).ok_or_else(|| bad(path, &text))?;
        Ok(Some(Located { value, origin }))
    }

    /// The parsed text of a key that has a default.
    fn required<T>(&self, path: &'static str, parse: fn(&str) -> Option<T>) -> Result<Located<T>, ConfigError> {
        self.parsed(path, parse)?.ok_or_else(|| missing(path))
    }

    fn jobs(&self, path: &str) -> Option<NonZeroUsize> {
        let (value, _) = self.0.get(path)?;
        let number = usize::try_from(value.as_integer()?).unwrap_or(usize::MAX);
        NonZeroUsize::new(number)
    }

    fn image_source(&self) -> Result<ImageSource, ConfigError> {
        let base = self.text("image.base").ok_or_else(|| missing("image.base"))?;
        // What a dir's own files mean is nearer than what a repo states for all.
        let layer = |origin: &Origin| match origin.layer {
            LayerKind::Older => LayerKind::SubRepo,
            layer => layer,
        };
        Ok(match self.text("image.from") {
            Some(from) if layer(&from.origin) >= layer(&base.origin) => ImageSource::From(from),
            _ => ImageSource::Base(base),
        })
    }

    fn platforms(&self) -> Result<Vec<Platform>, ConfigError> {
        let mut platforms = Vec::new();
        for text in self.list("image.platforms") {
            let platform = text.parse().map_err(|_| bad("image.platforms", &text))?;
            // Two spellings of one are one.
            if !platforms.contains(&platform) {
                platforms.push(platform);
            }
        }
        Ok(platforms)
    }

    fn build(&self) -> Result<BuildConfig, ConfigError> {
        let urls = self.list("build.extra-index-urls");
        let mut secrets = BTreeMap::new();
        for (name, value, origin) in self.0.named("build.secrets") {
            let text = value.as_text().unwrap_or_default();
            let value = SecretSource::parse(text).ok_or_else(|| bad("build.secrets", text))?;
            secrets.insert(name.to_owned(), Located { value, origin: origin.clone() });
        }
        Ok(BuildConfig {
            ca_certificates: self.required("build.ca-certificates", |text| Some(CaCertificates::parse(text)))?,
            proxy: self.required("build.proxy", Proxy::parse)?.value,
            index_url: self.text("build.index-url").map(|url| IndexUrl::new(&url.value)),
            extra_index_urls: urls.iter().map(|url| IndexUrl::new(url)).collect(),
            secrets,
            cache: self.required("build.cache", BuildCache::parse)?,
            jobs: self.jobs("build.jobs"),
        })
    }

    fn run(&self) -> RunConfig {
        let volumes = self.located_list("run.volumes").map_or_else(Vec::new, |list| {
            let volumes = list.value.iter().filter_map(|text| Volume::parse(text));
            volumes.map(|value| Located { value, origin: list.origin.clone() }).collect()
        });
        RunConfig {
            env: self.list("run.env").iter().map(|text| Variable::parse(text)).collect(),
            volumes,
            ports: self.list("run.ports"),
            network: self.text("run.network").map(|network| network.value),
            services: self.list("run.services"),
            nested: NestedConfig::read(self.0),
        }
    }

    fn thin_env(&self) -> ThinEnvConfig {
        let requirements = self.located("thin-env.requirements", |value| {
            let lines = value.as_list().map(|lines| ThinRequirements::Lines(lines.to_vec()));
            lines.or_else(|| value.as_text().map(|file| ThinRequirements::File(file.to_owned())))
        });
        ThinEnvConfig { requirements, python: self.text("thin-env.python") }
    }

    fn cache(&self) -> Result<CacheConfig, ConfigError> {
        let remote = self.text("cache.remote");
        let by = remote.as_ref().map(|url| url.origin.layer);
        let remote = remote.map(|url| match url.value.strip_prefix("file://") {
            Some(folder) => SharedCache::Folder(folder.into()),
            None => SharedCache::Url(url.value),
        });
        let mode = self.text("cache.mode");
        Ok(CacheConfig {
            size: self.required("cache.size", parse_size)?.value,
            remote,
            remote_is_users: matches!(by, Some(LayerKind::User | LayerKind::Variables | LayerKind::Flags)),
            login_hosts: self.list("cache.login-hosts"),
            may_add: mode.is_none_or(|mode| mode.value != "read"),
        })
    }

    fn test(&self) -> Result<TestConfig, ConfigError> {
        let timeout = self.required("test.timeout", |text| match text {
            "none" => Some(None),
            text => parse_duration(text).map(Some),
        })?;
        let retries = self.0.get("test.retries").and_then(|(value, _)| value.as_integer());
        Ok(TestConfig {
            timeout: timeout.value,
            retries: retries.and_then(|retries| u32::try_from(retries).ok()).unwrap_or_default(),
            jobs: self.jobs("test.jobs"),
            args: self.list("test.args"),
            base: self.text("test.base").map(|base| base.value),
            services: self.located_list("test.services").map(|list| list.value),
            cache: self.0.get("test.cache").and_then(|(value, _)| value.as_boolean()).unwrap_or(true),
            durations: self.text("test.durations"),
            history_keep: self.required("test.history.keep", parse_duration)?.value,
            slow: self.required("test.slow", parse_duration)?.value,
            record: self.0.get("test.record").and_then(|(value, _)| value.as_boolean()).unwrap_or(true),
            suite: self.text("test.suite"),
            suites: SuiteConfig::read(self.0),
            lists: self
                .0
                .named("test.lists")
                .filter_map(|(name, list, _)| Some((name.into(), list.as_list()?.to_vec())))
                .collect(),
            requires: self.requires()?,
            coverage_min: self
                .located("test.coverage-min", |value| value.as_integer().and_then(|least| u32::try_from(least).ok())),
        })
    }

    fn requires(&self) -> Result<BTreeMap<String, Capability>, ConfigError> {
        let entries = self.0.named("test.requires").map(|(marker, value, _)| {
            let text = value.as_text().unwrap_or_default();
            Ok((marker.to_owned(), Capability::parse(text).ok_or_else(|| bad("test.requires", text))?))
        });
        entries.collect()
    }
}

fn missing(path: &'static str) -> ConfigError {
    ConfigError::of(ProblemKind::Missing { path }, Place::Everywhere)
}

fn bad(path: &'static str, text: &str) -> ConfigError {
    let expected = schema::find(path).and_then(|key| key.kind.expected()).unwrap_or_default();
    ConfigError::of(ProblemKind::bad_value(path.to_owned(), text, expected), Place::Everywhere)
}
