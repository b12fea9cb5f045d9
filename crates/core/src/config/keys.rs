//! Every key of the configuration, one row each. Adding a key is adding a row here, running `cargo xtask gen` and
//! giving it a field in `typed.rs`.

mod ci;
mod layout;
mod nested;
pub(super) mod older;
mod services;
mod tasks;
mod testing;

use self::ci::CI_KEYS;
use self::layout::LAYOUT_KEYS;
use self::nested::NESTED_KEYS;
use self::older::OLDER_KEYS;
use self::services::SERVICE_KEYS;
use self::tasks::TASK_KEYS;
use self::testing::TEST_KEYS;
use super::form::Form;
use super::origin::LayerKind::{self, Flags, RunnableDir, SubRepo, SuperRepo, User, Variables};
use super::schema::{Key, Kind, Names};

const EVERYWHERE: &[LayerKind] = &[User, SuperRepo, SubRepo, RunnableDir, Variables, Flags];
const ONCE: &[LayerKind] = &[User, SuperRepo, Variables, Flags];
const FILES: &[LayerKind] = &[User, SuperRepo, SubRepo, RunnableDir];
const ROOT: &[LayerKind] = &[SuperRepo];
const DIR: &[LayerKind] = &[RunnableDir];
const REPO_AND_DIR: &[LayerKind] = &[SuperRepo, SubRepo, RunnableDir, Variables, Flags];
/// What decides where a secret is sent is the user's alone: whoever can write into a repo could else have it sent to them.
const USERS_OWN: &[LayerKind] = &[User, Variables, Flags];
const POSITIVE: Kind = Kind::Integer { min: 1, max: i64::MAX };

const fn key(path: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key {
        path,
        kind,
        doc,
        default: None,
        absent: "",
        example: "",
        scopes: EVERYWHERE,
        dormant: &[],
        excludes: None,
        short_variable: None,
        any_name: false,
    }
}

impl Key {
    const fn default(mut self, toml: &'static str) -> Self {
        self.default = Some(toml);
        self
    }

    const fn absent(mut self, meaning: &'static str) -> Self {
        self.absent = meaning;
        self
    }

    const fn example(mut self, toml: &'static str) -> Self {
        self.example = toml;
        self
    }

    const fn only(mut self, scopes: &'static [LayerKind]) -> Self {
        self.scopes = scopes;
        self
    }

    /// Stated by a repo for itself: a sub-repo's counts for the sub-repo and reaches no runnable dir.
    const fn own_of_repo(self) -> Self {
        self.whole_workspace(ROOT)
    }

    /// One value for the whole workspace: a sub-repo's own is kept for when it stands alone.
    const fn whole_workspace(mut self, scopes: &'static [LayerKind]) -> Self {
        self.scopes = scopes;
        self.dormant = &[SubRepo];
        self
    }
}

/// All keys, in the order of the reference but for those of a table, which it puts together.
pub static KEYS: &[Key] = &{
    const PARTS: [&[Key]; 9] =
        [BEFORE, NESTED_KEYS, TEST_KEYS, AFTER, CI_KEYS, SERVICE_KEYS, TASK_KEYS, LAYOUT_KEYS, OLDER_KEYS];
    const LENGTH: usize = {
        let (mut part, mut length) = (0, 0);
        while part < PARTS.len() {
            length += PARTS[part].len();
            part += 1;
        }
        length
    };
    let parts = PARTS;
    let mut all = [TASK_KEYS[0]; LENGTH];
    let (mut part, mut filled) = (0, 0);
    while part < parts.len() {
        let mut index = 0;
        while index < parts[part].len() {
            all[filled] = parts[part][index];
            (index, filled) = (index + 1, filled + 1);
        }
        part += 1;
    }
    all
};

/// Those before the keys of tests.
const BEFORE: &[Key] = &[
    key("workspace.name", Kind::Text(Form::Name), "Name of the super-repo; the code is mounted at `/src/<name>`")
        .absent("the name of the super-repo's folder")
        .example(r#""harbor""#)
        .whole_workspace(ROOT),
    key("workspace.exclude", Kind::List(Form::Glob), "Globs of paths that are never searched for runnable dirs")
        .default("[]")
        .example(r#"["third_party/**", "examples/*"]"#)
        .whole_workspace(ROOT),
    key(
        "workspace.requires-wharf",
        Kind::Text(Form::Requirement),
        "Versions of Wharf that the workspace works with; others only look, and say how to get the right one",
    )
    .absent("any version will do")
    .example(r#"">=0.1""#)
    .whole_workspace(ROOT),
    key(
        "workspace.exports",
        Kind::List(Form::Export),
        "What is taken of what sub-repos export: all of one, or a part of it",
    )
    .absent("all that the super-repo's own sub-repos export")
    .example(r#"["helpers", "tools:files"]"#)
    .whole_workspace(ROOT),
    Key {
        short_variable: Some("WHARF_ENGINE"),
        ..key("engine.kind", Kind::Text(Form::Choice(&["docker", "podman", "host"])), "What runs containers")
            .absent("the first of Docker and Podman that works, else the host")
            .example(r#""podman""#)
            .whole_workspace(ONCE)
    },
    key(
        "git.token-env",
        Kind::Text(Form::VariableName),
        "Variable with a token for private repos, which is used while it is set; the token goes into no file",
    )
    .default(r#""WHARF_GIT_TOKEN""#)
    .example(r#""GITHUB_TOKEN""#)
    .only(USERS_OWN),
    key(
        "git.token-user",
        Kind::Text(Form::Name),
        "User name that goes with the token: GitHub and GitLab take any, but `gitlab-ci-token` for `CI_JOB_TOKEN`",
    )
    .default(r#""x-access-token""#)
    .example(r#""gitlab-ci-token""#)
    .only(USERS_OWN),
    key(
        "git.token-hosts",
        Kind::List(Form::Host),
        "Hosts that get the token over https, beside the one that the super-repo comes from",
    )
    .default("[]")
    .example(r#"["git.example.org", "git.example.org:8443"]"#)
    .only(USERS_OWN),
    key("registry.pull", Kind::Text(Form::Registry), "Registry and path that images are pulled from")
        .absent("nothing is pulled but base images")
        .example(r#""ghcr.io/acme""#),
    key(
        "registry.push",
        Kind::List(Form::Registry),
        "Registries with path that images are pushed to, each of them: mirrors hold the same",
    )
    .default("[]")
    .example(r#"["ghcr.io/acme", "registry.example.org/acme"]"#),
    key("image.name", Kind::Text(Form::ImageName), "Name of the image, without registry and tag")
        .absent("made from the folders' names")
        .example(r#""infra""#)
        .only(DIR),
    key("image.base", Kind::Text(Form::BaseImage), "Image that images are built on")
        .default(r#""python:3.12-slim-bookworm""#)
        .example(r#""debian:bookworm""#),
    Key {
        excludes: Some("image.base"),
        ..key(
            "image.from",
            Kind::Text(Form::Address),
            "Address of the runnable dir whose image is used instead of an own one",
        )
        .absent("the dir has an image of its own")
        .example(r#""//ml""#)
        .only(DIR)
    },
    key(
        "image.platforms",
        Kind::List(Form::Platform),
        "Platforms that images are made for with `--all-platforms`, and released for",
    )
    .absent("the engine's own")
    .example(r#"["linux/amd64", "linux/arm64"]"#),
    key("image.requires", Kind::Text(Form::Requirement), "Versions of the image that the dir's code works with")
        .absent("any version will do")
        .example(r#"">=1.2""#)
        .only(DIR),
    key("os.packages", Kind::List(Form::OsPackage), "Packages of the image's operating system to install")
        .default("[]")
        .example(r#"["graphviz", "postgresql-client"]"#)
        .only(REPO_AND_DIR),
    key(
        "os.scripts",
        Kind::List(Form::DevopsFile),
        "Scripts in the `devops` folder that are run as root while the image is built",
    )
    .default("[]")
    .example(r#"["install_aws_cli.sh"]"#)
    .only(DIR),
    key("python.version", Kind::Text(Form::PythonVersion), "Version of Python that the dir needs")
        .absent("that of the base image")
        .example(r#""3.12""#),
    key(
        "python.manager",
        Kind::Text(Form::Choice(&["uv", "poetry", "pip", "none"])),
        "What installs Python dependencies",
    )
    .absent("found by the lock files and `pyproject.toml`")
    .example(r#""uv""#)
    .only(REPO_AND_DIR),
    key(
        "python.groups",
        Kind::NamedList(Names::Only(&["dev", "prod"]), Form::Name),
        "Dependency groups and extras to install in the `dev` and the `prod` target",
    )
    .absent("found by their usual names: `test`, `tests`, `testing`, `dev`")
    .example(r#"{ dev = ["test"], prod = [] }"#)
    .only(REPO_AND_DIR),
    key("python.uses", Kind::List(Form::Address), "Runnable dirs whose code this one's may import")
        .default("[]")
        .example(r#"["//helpers"]"#)
        .only(DIR),
    key(
        "build.ca-certificates",
        Kind::Text(Form::HostNoneOrPath),
        "CA certificates that builds trust: the host's, none beyond the image's, or a file; never kept in a layer",
    )
    .default(r#""host""#)
    .example(r#""certificates/acme.pem""#),
    key("build.proxy", Kind::Text(Form::Choice(&["host", "none"])), "Whether builds get the host's proxy variables")
        .default(r#""host""#)
        .example(r#""none""#),
    key("build.index-url", Kind::Text(Form::Url), "Index that Python packages come from")
        .absent("the installer's own, which is PyPI")
        .example(r#""https://pypi.example.org/simple""#),
    key("build.extra-index-urls", Kind::List(Form::Url), "More indexes that Python packages may come from")
        .default("[]")
        .example(r#"["https://pypi.example.org/simple"]"#),
    key(
        "build.secrets",
        Kind::NamedText(Names::Free, Form::SecretSource),
        "Secrets that builds may read, by id: from a variable or a file of the host; never kept in a layer",
    )
    .absent("builds get no secrets")
    .example(r#"{ npm = "env:NPM_TOKEN", netrc = "file:~/.netrc" }"#),
    key("build.cache", Kind::Text(Form::Choice(&["use", "none"])), "Whether builds use what earlier builds left")
        .default(r#""use""#)
        .example(r#""none""#),
    key("build.jobs", POSITIVE, "How many images are built at once")
        .absent("by the number of cores")
        .example("2")
        .whole_workspace(ONCE),
    key(
        "run.env",
        Kind::List(Form::Variable),
        "Variables of containers: `NAME` is passed on from the host, `NAME=value` is set",
    )
    .default("[]")
    .example(r#"["AWS_PROFILE", "LOG_LEVEL=debug"]"#),
    key(
        "run.volumes",
        Kind::List(Form::Volume),
        "Further mounts, `host:container` or `host:container:ro`; `~` is the home folder",
    )
    .default("[]")
    .example(r#"["~/.aws:/home/wharf/.aws:ro"]"#),
    key("run.ports", Kind::List(Form::Port), "Ports of containers that are reachable on the host")
        .default("[]")
        .example(r#"["8080:80"]"#),
    key("run.network", Kind::Text(Form::Network), "Network that containers join")
        .absent("the engine's default network")
        .example(r#""none""#),
    key("run.services", Kind::List(Form::ServiceName), "Services that are ready before a command or test starts")
        .default("[]")
        .example(r#"["postgres"]"#),
];

/// The rest of them.
const AFTER: &[Key] = &[
    key(
        "thin-env.requirements",
        Kind::TextOrList(Form::File, Form::PythonRequirement),
        "Python tools that the team wants on the host: a requirements file, or the requirements themselves",
    )
    .absent("`dev_scripts_<workspace name>/requirements.txt` where it is there")
    .example(r#"["invoke>=2", "pre-commit"]"#)
    .whole_workspace(ONCE),
    key("thin-env.python", Kind::Text(Form::PythonVersion), "Version of Python that the thin environment has")
        .absent("the host's `python3` from 3.8 on, else the newest that is found")
        .example(r#""3.12""#)
        .whole_workspace(ONCE),
    key(
        "files.from",
        Kind::Text(Form::CommonOwner),
        "Who owns these files: the address of a repo, or of a folder in one",
    )
    .absent("it must be stated")
    .example(r#""//helpers""#)
    .own_of_repo(),
    key("files.paths", Kind::List(Form::CommonPath), "Files, folders and globs in the owner's folder; `!` excludes")
        .absent("it must be stated")
        .example(r#"["pytest.ini", "ci/", "**/*.cfg", "!ci/own.yml"]"#)
        .own_of_repo(),
    key("files.to", Kind::List(Form::CommonPlace), "Folders of this repo to keep them in; `*` stands for any folder")
        .absent("the repo's root")
        .example(r#"["*/devops"]"#)
        .own_of_repo(),
    key(
        "files.mode",
        Kind::Text(Form::Choice(&["copy", "link"])),
        "Whether they are copies, kept by Git here too, or links into the owner's work tree",
    )
    .absent("`copy`")
    .example(r#""link""#)
    .own_of_repo(),
    key(
        "files.detached",
        Kind::List(Form::CommonPath),
        "Paths of this repo that are its own, although they are named above",
    )
    .absent("none")
    .example(r#"["ci/own.yml"]"#)
    .own_of_repo(),
    Key {
        any_name: true,
        ..key(
            "setenv.NAME",
            Kind::Text(Form::Any),
            "A variable of shells that `wharf setenv` sets up and of containers, under its own name; may refer to \
             `${ROOT}`, `${DIR}`, `${HOME}`, `${WORKSPACE}` and other variables of the table",
        )
        .absent("no further variables are set")
        .example(r#""${ROOT}/data""#)
        .only(FILES)
    },
    key(
        "setenv.path",
        Kind::List(Form::PathEntry),
        "Folders that `wharf setenv` puts in front of `PATH`, a dir's before the repo's",
    )
    .default("[]")
    .example(r#"["bin", "tools/bin"]"#)
    .only(FILES),
    key(
        "setenv.git-hooks",
        Kind::Text(Form::DevopsFile),
        "Folder of Git hooks, from the super-repo's root, for `wharf setenv --hooks`",
    )
    .absent("Git's own folder of hooks stays in use")
    .example(r#""dev_scripts_harbor/git_hooks""#)
    .whole_workspace(ROOT),
    key(
        "exports.defaults",
        Kind::NamedText(Names::Free, Form::Any),
        "Tables of this file as they count in super-repos that have this repo, unless something nearer states them",
    )
    .absent("no defaults")
    .example(r#"{ image = { base = "debian:bookworm" } }"#)
    .own_of_repo(),
    key(
        "exports.images",
        Kind::NamedText(Names::Free, Form::ImageReference),
        "Images by name, for `[image] base` in super-repos: `//helpers:python`",
    )
    .absent("none")
    .example(r#"{ python = "python:3.12-slim-bookworm" }"#)
    .own_of_repo(),
    key("exports.tasks", Kind::List(Form::Name), "Names of tasks that super-repos get; `all` for all of `[tasks]`")
        .absent("none")
        .example(r#"["lint", "release"]"#)
        .own_of_repo(),
    key("exports.templates", Kind::Text(Form::RepoPath), "Folder of templates that `wharf new` of super-repos knows")
        .absent("none")
        .example(r#""templates""#)
        .own_of_repo(),
    key(
        "exports.thin-env",
        Kind::Text(Form::RepoPath),
        "Requirements file that the thin environment of super-repos includes",
    )
    .absent("none")
    .example(r#""requirements.txt""#)
    .own_of_repo(),
    key("exports.files.paths", Kind::List(Form::CommonPath), "Common files of super-repos, as in `[[files]]`")
        .absent("it must be stated")
        .example(r#"["pytest.ini", "ci/"]"#)
        .own_of_repo(),
    key("exports.files.folder", Kind::Text(Form::RepoPath), "Folder of this repo that they are in")
        .absent("the repo's root")
        .example(r#""common""#)
        .own_of_repo(),
    key(
        "exports.files.to",
        Kind::List(Form::CommonPlace),
        "Folders of the super-repo to keep them in, as in `[[files]]`",
    )
    .absent("the super-repo's root")
    .example(r#"["*/devops"]"#)
    .own_of_repo(),
    key("exports.files.mode", Kind::Text(Form::Choice(&["copy", "link"])), "Copies or links, as in `[[files]]`")
        .absent("`copy`")
        .example(r#""link""#)
        .own_of_repo(),
];
