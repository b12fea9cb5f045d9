//! The generated Dockerfile. Pure: what decides the image goes in, text comes out.
//!
//! Needs nothing newer than Dockerfile syntax 1.2 and no syntax line, so that Docker 20.10 and Podman 4 build it
//! without fetching anything but the base. Every step that may use the network reads two optional secrets: `wharf-env`
//! (settings of package indexes and proxies, as shell assignments) and `wharf-ca` (CA certificates). They are not in
//! the layers, and the same Dockerfile serves places with and without them.
//!
//! The stages stand in this order because Podman's builder also builds stages that the target does not need, where
//! they stand before it: base, tools (only for uv and Poetry), dev, prod.

use std::fmt::Write;

use super::python::{Dependencies, Install};
use crate::config::Config;

/// Folder of the context that Wharf fills.
pub const WHARF: &str = ".wharf";
/// Folder of the context that holds what decides Python dependencies.
pub const PYTHON: &str = ".wharf/python";
/// Where that is while a step installs them.
const LENT: &str = "/opt/wharf/python";
/// 1980-01-01, as `SOURCE_DATE_EPOCH`: so that bytecode is checked by content instead of by a time (Python from 3.7 on), and
/// archives can hold it.
const EPOCH: i64 = super::code::EARLIEST;

const SECRETS: &str = "--mount=type=secret,id=wharf-env,target=/run/wharf/env \\\n    \
                       --mount=type=secret,id=wharf-ca,target=/run/wharf/ca.pem \\\n    ";
const SETTINGS: &str = "set -e; if [ -s /run/wharf/env ]; then . /run/wharf/env; fi; \\\n    ";

/// What every step with network begins with, as it stands in messages: of no help there.
pub(super) const NOISE: [&str; 3] = [
    "set -e; if [ -s /run/wharf/env ]; then . /run/wharf/env; fi; ",
    "export HOME=/root; ",
    "if [ -d /opt/wharf/python ]; then cd /opt/wharf/python; fi; ",
];

/// What a Dockerfile is generated from.
#[derive(Debug, Clone, Copy)]
pub struct Recipe<'a> {
    /// The base image.
    pub base: &'a str,
    /// Version of Python that is wanted.
    pub python: Option<&'a str>,
    /// Configuration of the dir.
    pub config: &'a Config,
    /// Python packages.
    pub dependencies: &'a Dependencies,
}

/// Writes the Dockerfile.
#[must_use]
pub fn generate(recipe: &Recipe<'_>) -> String {
    let mut text = String::from(
        "# Made by Wharf from `devops/wharf.toml`; as `devops/Dockerfile` (`wharf image eject`) it is yours to change.\n",
    );
    let dependencies = recipe.dependencies;
    let all = || dependencies.dev.iter().chain(&dependencies.prod);
    let tools = [
        ("uv", all().any(|step| matches!(step, Install::UvSync { .. }))),
        ("poetry", all().any(|step| matches!(step, Install::PoetrySync { .. }))),
    ];
    let tools: Vec<&str> = tools.iter().filter(|(_, needed)| *needed).map(|(name, _)| *name).collect();

    base_stage(&mut text, recipe);
    if !tools.is_empty() {
        let _ = write!(
            text,
            "\nFROM base AS tools\n{}",
            network_run(
                "pip",
                &format!(
                    "python3 -m venv /opt/wharf/tools; /opt/wharf/tools/bin/pip install --quiet {}",
                    tools.join(" ")
                )
            )
        );
    }
    dev_target(&mut text, recipe);
    prod_target(&mut text, recipe);
    text
}

fn base_stage(text: &mut String, recipe: &Recipe<'_>) {
    let _ = writeln!(text, "FROM {} AS base", recipe.base);
    text.push_str("USER root\n");
    let packages = &recipe.config.os.packages;
    if !packages.is_empty() {
        let names: Vec<String> = packages.iter().map(|name| quoted(name)).collect();
        let _ = write!(text, "{}", os_run(&format!("install_os {}", names.join(" "))));
    }
    let _ = write!(text, "{}", os_run(&python_check(recipe.python)));
    for script in &recipe.config.os.scripts {
        let name = quoted(script);
        // The exec form of COPY takes names with spaces.
        let operands = serde_json::json!([format!("devops/{script}"), "/opt/wharf/scripts/"]);
        let run = script_run(recipe.config, &format!("cd /opt/wharf/scripts; chmod +x ./{name}; ./{name}"));
        let _ = write!(text, "COPY {operands}\n{run}");
    }
    text.push_str(
        "RUN set -e; mkdir -p /home/wharf /src; chmod 0777 /home/wharf; \\\n    \
         if ! grep -q '^[^:]*:[^:]*:1000:' /etc/passwd; then echo 'wharf:x:1000:1000::/home/wharf:/bin/sh' >> /etc/passwd; fi; \\\n    \
         if ! grep -q '^[^:]*:[^:]*:1000:' /etc/group; then echo 'wharf:x:1000:' >> /etc/group; fi\n\
         ENV HOME=/home/wharf VIRTUAL_ENV=/venv PATH=/venv/bin:/opt/wharf/site/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1\n",
    );
}

/// Makes sure of a Python that can make environments, of the wanted version where one is wanted.
fn python_check(wanted: Option<&str>) -> String {
    let ready = "python3 -c 'import venv, ensurepip' 2>/dev/null";
    match wanted {
        None => format!("if ! {ready}; then install_os python3 python3-venv python3-pip; fi"),
        Some(version) => {
            let version: String = version.chars().filter(|c| c.is_ascii_digit() || *c == '.').collect();
            let matches = format!(
                "python3 -c 'import sys, venv, ensurepip; sys.exit(0 if \".\".join(map(str, sys.version_info[:3])).startswith(\"{version}.\") \
                 or \".\".join(map(str, sys.version_info[:3])) == \"{version}\" else 1)' 2>/dev/null"
            );
            format!(
                "if ! {matches}; then \\\n      \
                 if command -v python{version} >/dev/null || install_os python{version} python{version}-venv; then \
                 ln -sf \"$(command -v python{version})\" /usr/local/bin/python3; \\\n      \
                 else echo 'wharf: the base image has no Python {version}; set an [image] base that has it' >&2; exit 1; fi; fi"
            )
        }
    }
}

/// Makes the venv. Its `.pth` file makes the folder of generated metadata a site folder, and puts test tools that are
/// lent to a prod image behind all else.
const VENV: &str = "python3 -m venv /venv; \\\n    \
    for site in /venv/lib/python3*/site-packages; do \\\n      \
    echo \"import os, site; os.path.isdir('/opt/wharf/site') and site.addsitedir('/opt/wharf/site')\" > \"$site/wharf.pth\"; \\\n      \
    echo /opt/wharf/beside > \"$site/wharf-beside.pth\"; \\\n    \
    done";

/// Bytecode without times in it: the sources never change in an image. From Python 3.7 on; one before has none. Without
/// `site` (`-S`), for what a `.pth` file imports is written in other bytes from run to run.
const BYTECODE: &str = "find /venv -name __pycache__ -prune -exec rm -rf {} +; \\\n    \
    PYTHONHASHSEED=0 /venv/bin/python -S -m compileall -q --invalidation-mode unchecked-hash /venv/lib > /dev/null 2>&1 || true";

fn dev_target(text: &mut String, recipe: &Recipe<'_>) {
    let steps = &recipe.dependencies.dev;
    let _ = write!(text, "\nFROM base AS dev\nRUN set -e; {VENV}\n");
    if !recipe.dependencies.files.is_empty() && !steps.is_empty() {
        let _ = writeln!(text, "COPY {PYTHON}/ {LENT}/");
    }
    for step in steps {
        let (tool, command) = install(step);
        text.push_str(&network_run(tool, &command));
    }
    text.push_str("ENV PYTHONUNBUFFERED=1\nUSER 1000:1000\nCMD [\"/bin/sh\"]\n");
}

/// One step for all packages, so that no layer holds what a later one replaces; then the code.
fn prod_target(text: &mut String, recipe: &Recipe<'_>) {
    let dependencies = recipe.dependencies;
    text.push_str("\nFROM base AS prod\n");
    let mut mounts = String::new();
    let mut commands = vec![format!("export SOURCE_DATE_EPOCH={EPOCH}; {VENV}")];
    if !dependencies.files.is_empty() && !dependencies.prod.is_empty() {
        let _ = write!(mounts, "--mount=type=bind,source={PYTHON},target={LENT},rw \\\n    ");
    }
    for step in &dependencies.prod {
        let (tool, command) = install(step);
        let cache = cache(tool);
        if !mounts.contains(cache) {
            mounts.push_str(cache);
        }
        commands.push(command);
    }
    commands.push(BYTECODE.to_owned());
    let commands = commands.join("; \\\n    ");
    let _ = writeln!(text, "RUN {SECRETS}{mounts}{SETTINGS}export HOME=/root; {commands}");
    text.push_str(
        "ARG WHARF_SRC=/src\nARG WHARF_PYTHONPATH=/src\nARG WHARF_WORKDIR=/src\n\
         ENV PYTHONPATH=${WHARF_PYTHONPATH} PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1\n\
         COPY .wharf/site/ /opt/wharf/site/\nCOPY .wharf/code/ ${WHARF_SRC}/\n\
         WORKDIR ${WHARF_WORKDIR}\nUSER 1000:1000\nCMD [\"/bin/sh\"]\n",
    );
}

/// What installs a step, and with which tool.
fn install(step: &Install) -> (&'static str, String) {
    let folder = "if [ -d /opt/wharf/python ]; then cd /opt/wharf/python; fi; ";
    match step {
        Install::Packages { names } => {
            let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
            ("pip", format!("{folder}/venv/bin/pip install {}", names.join(" ")))
        }
        Install::Requirements { file } => {
            ("pip", format!("{folder}/venv/bin/pip install --requirement {}", quoted(file)))
        }
        Install::UvSync { groups, extras, main, package } => {
            let mut command = String::from(
                "export UV_PROJECT_ENVIRONMENT=/venv UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never; cd /opt/wharf/python; \\\n    \
                 /opt/wharf/tools/bin/uv sync --frozen --inexact --no-install-project --no-install-workspace --no-install-local --no-default-groups",
            );
            for group in groups {
                let _ = write!(command, " {} {}", if *main { "--group" } else { "--only-group" }, quoted(group));
            }
            for extra in extras {
                let _ = write!(command, " --extra {}", quoted(extra));
            }
            if let Some(package) = package {
                let _ = write!(command, " --package {}", quoted(package));
            }
            ("uv", command)
        }
        Install::PoetrySync { groups, extras } => {
            let only: Vec<&str> = std::iter::once("main").chain(groups.iter().map(String::as_str)).collect();
            let mut command = format!(
                "export POETRY_VIRTUALENVS_CREATE=false; cd /opt/wharf/python; \\\n    \
                 /opt/wharf/tools/bin/poetry install --no-interaction --no-root --no-directory --only {}",
                quoted(&only.join(","))
            );
            for extra in extras {
                let _ = write!(command, " --extras {}", quoted(extra));
            }
            ("poetry", command)
        }
    }
}

/// A step that may use the network, with a cache for what it downloads.
fn network_run(tool: &str, command: &str) -> String {
    // Builds run as root, whose caches are the ones that are kept between builds.
    format!("RUN {SECRETS}{}{SETTINGS}export HOME=/root; {command}\n", cache(tool))
}

/// The mounts that a tool's step has: the tool itself, and what it downloaded before.
fn cache(tool: &str) -> &'static str {
    match tool {
        "pip" => "--mount=type=cache,target=/root/.cache/pip \\\n    ",
        "uv" => {
            "--mount=type=cache,target=/root/.cache/uv \\\n    --mount=type=bind,from=tools,source=/opt/wharf/tools,target=/opt/wharf/tools \\\n    "
        }
        "poetry" => {
            "--mount=type=cache,target=/root/.cache/pypoetry \\\n    --mount=type=bind,from=tools,source=/opt/wharf/tools,target=/opt/wharf/tools \\\n    "
        }
        _ => "",
    }
}

/// A step that runs a script of the dir, which alone may read the secrets that the configuration names.
fn script_run(config: &Config, command: &str) -> String {
    let mounts: Vec<String> = config
        .build
        .secrets
        .keys()
        .map(|name| format!("--mount=type=secret,id={name},target=/run/secrets/{name} \\\n    "))
        .collect();
    format!("RUN {SECRETS}{}{SETTINGS}export HOME=/root; {command}\n", mounts.concat())
}

/// A step with a shell function that installs OS packages with whatever the base image has.
fn os_run(command: &str) -> String {
    format!(
        "RUN {SECRETS}--mount=type=cache,target=/var/cache/apt,sharing=locked \\\n    {SETTINGS}\
         export SOURCE_DATE_EPOCH={EPOCH}; install_os() {{ \\\n      \
         if command -v apt-get >/dev/null; then rm -f /etc/apt/apt.conf.d/docker-clean; apt-get update -qq && \
         DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \"$@\" && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/*.log /var/cache/ldconfig/aux-cache; \\\n      \
         elif command -v apk >/dev/null; then apk add --no-cache $(echo \"$@\" | sed 's/python3-venv//; s/python3-pip/py3-pip/'); \\\n      \
         elif command -v dnf >/dev/null; then dnf install -y $(echo \"$@\" | sed 's/python3-venv//'); \\\n      \
         elif command -v microdnf >/dev/null; then microdnf install -y $(echo \"$@\" | sed 's/python3-venv//'); \\\n      \
         else echo \"wharf: the base image has no apt-get, apk or dnf to install: $*\" >&2; return 1; fi; }}; \\\n    {command}\n"
    )
}

fn quoted(word: &str) -> String {
    shlex::try_quote(word).map_or_else(|_| String::new(), std::borrow::Cow::into_owned)
}
