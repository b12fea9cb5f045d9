//! The environment variables that are heeded beside those that state configuration: one list, for the reference.

/// Variables of Wharf's own, with their meaning.
pub const OWN: [(&str, &str); 6] = [
    (
        "WHARF_CACHE_DIR",
        "Folder for what can be made again: environments of the `host` engine, locks. Without it: `wharf` in the system's cache folder, such as `~/.cache/wharf`.",
    ),
    (
        "WHARF_CACHE_USER, WHARF_CACHE_PASSWORD, WHARF_CACHE_TOKEN",
        "Log-in for a `cache.remote` on a WebDAV or HTTP server; where a repo states that, for hosts in `cache.login-hosts` only. That for S3 and Google Cloud Storage is what their own tools use, such as `AWS_ACCESS_KEY_ID`.",
    ),
    (
        "WHARF_CONFIG",
        "The user's own configuration file. Without it: `wharf/config.toml` in the system's config folder, such as `~/.config/wharf/config.toml`.",
    ),
    (
        "WHARF_GIT_TOKEN",
        "Token for private repos, for the https host that the super-repo comes from and those in `git.token-hosts`; `git.token-env` names another variable. Goes into no file, argument or log.",
    ),
    (
        "WHARF_DATA_DIR",
        "Folder for what is kept beyond one workspace: thin environments. Without it: `wharf` in the system's data folder, such as `~/.local/share/wharf`.",
    ),
    ("WHARF_DEMO_FAIL", "Not heeded by Wharf itself: with any value, one test of `wharf demo` fails on purpose."),
];

/// Variables that others have agreed on, with what Wharf does with them.
pub const OTHERS: [(&str, &str); 25] = [
    ("PATH", "Where `git`, `docker`, `podman`, `python3` and `uv` are looked for."),
    ("HOME", "The user's home: `~` in configuration, and where the system's config and cache folders lie."),
    ("XDG_CONFIG_HOME, XDG_CACHE_HOME, XDG_DATA_HOME", "The system's config, cache and data folders."),
    ("USER, LOGNAME", "Name of the user, for the tags of local images. Without them: `root`, or `uid` and the number."),
    ("NO_COLOR", "Set to anything: no colours, unless `--color always`. See <https://no-color.org>."),
    ("TERM", "`dumb`: no colours and no live view. Passed on to containers that get a terminal."),
    (
        "LC_ALL, LC_CTYPE, LANG",
        "The first that is set decides whether signs outside ASCII are shown: where it names UTF-8, or none is set.",
    ),
    ("COMPLETE", "Set by completion scripts only: the shell that asks for completions."),
    ("GITHUB_ACTIONS", "`true`, as GitHub Actions sets it: failures are annotations too."),
    (
        "GITHUB_BASE_REF, CI_MERGE_REQUEST_DIFF_BASE_SHA",
        "The branch or commit that GitHub Actions and GitLab CI compare with: what `wharf test --affected` counts changes from, where neither `--base` nor `test.base` says it.",
    ),
    (
        "CI",
        "Set to anything, as CI services do: on the default branch itself `wharf test --affected` runs everything unless a base is named.",
    ),
    (
        "GITHUB_EVENT_NAME, GITHUB_EVENT_PATH, CI_MERGE_REQUEST_SOURCE_PROJECT_ID, CI_MERGE_REQUEST_PROJECT_ID",
        "How CI jobs for requests from forks are known: they add nothing to `cache.remote`.",
    ),
    ("DOCKER_HOST", "Which Docker Engine; `unix://` ones are also asked directly."),
    ("DOCKER_CONTEXT", "Which of Docker's contexts."),
    ("DOCKER_CONFIG", "Folder of Docker's own configuration. Without it: `~/.docker`."),
    ("CONTAINERS_CONF, CONTAINER_HOST", "Heeded by `podman` itself."),
    (
        "REGISTRY_AUTH_FILE, XDG_RUNTIME_DIR",
        "Where Podman keeps log-ins to registries; read where Wharf itself asks a registry.",
    ),
    (
        "SSL_CERT_FILE, PIP_CERT, REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE",
        "The first that names a file is the CA bundle that builds trust, where `build.ca-certificates` is `host`.",
    ),
    (
        "HTTP_PROXY, HTTPS_PROXY, FTP_PROXY, NO_PROXY",
        "Handed to builds where `build.proxy` is `host`; in lower case too.",
    ),
    ("PYENV_ROOT, PYENV_VERSION", "Where pyenv keeps its Pythons, and which one is chosen: for the `host` engine."),
    (
        "GIT_AUTHOR_NAME, GIT_AUTHOR_EMAIL, GIT_COMMITTER_NAME, GIT_COMMITTER_EMAIL",
        "Heeded by Git, also for the commits that `wharf demo` makes.",
    ),
    (
        "GIT_DIR, GIT_WORK_TREE, GIT_INDEX_FILE",
        "Taken away from the Git that Wharf asks: the workspace is the one around the current folder.",
    ),
    (
        "GIT_SSH_COMMAND, GIT_SSH, GIT_ASKPASS, GIT_ALLOW_PROTOCOL",
        "Heeded by Git. Where its program is `ssh`, `-o BatchMode=yes` is added, so that it never asks. `SSH_ASKPASS` is taken away.",
    ),
    ("PIP_*, UV_*, POETRY_*", "Heeded by pip, uv and Poetry on the `host` engine."),
    ("TMPDIR", "Folder for what is needed for a moment: secrets of a build, its context."),
];

/// Variables that commands find in their container, on the host in their environment, or in a shell that `wharf setenv` set up.
pub const GIVEN: [(&str, &str); 8] = [
    ("PYTHONPATH", "The super-repo's root, then each sub-repo's root."),
    ("WHARF_DIR", "Address of the runnable dir."),
    ("WHARF_ROOT", "The super-repo's root, as the command sees it."),
    ("WHARF_TASK", "In a task: its name."),
    ("WHARF_WORKSPACE", "The workspace's name."),
    ("_WHARF_SETENV, _WHARF_WAS_*", "What `wharf setenv` did to a shell, and the values from before, for `--undo`."),
    ("WHARF_REPO", "In `wharf repo foreach`: the repo's path in the workspace, `.` for the super-repo."),
    ("WHARF_REPO_PATH", "In `wharf repo foreach`: the repo's folder."),
];
