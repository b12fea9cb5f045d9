//! The files of the fixture.

/// What each dir links to in the submodule.
pub(super) const LINKED: [&str; 11] = [
    "devops/docker_build/dev.Dockerfile",
    "devops/docker_build/prod.Dockerfile",
    "devops/docker_build/dockerignore.dev",
    "devops/docker_build/dockerignore.prod",
    "devops/docker_build/pyproject.toml",
    "devops/docker_build/poetry.toml",
    "devops/docker_build/utils.sh",
    "devops/docker_build/install_python_packages.sh",
    "devops/docker_run/entrypoint.sh",
    "devops/docker_run/docker_setenv.sh",
    "devops/docker_run/bashrc",
];

pub(super) const REPO_CONFIG: &str = r#"repo_info:
  repo_name: @REPO@
  github_repo_account: acme
  github_host_name: github.com
  invalid_words:
  issue_prefix: SampleTask
  enable_git_commit_hook: true

docker_info:
  docker_image_name: @IMAGE@
  release_team: dev_system
  use_sibling_container_in_unit_tests: False

s3_bucket_info:
  unit_test_bucket_name: s3://acme-unit-tests
  html_bucket_name: s3://acme-html

runnable_dir_info:
  use_helpers_as_nested_module: 1
  venv_tag: helpers
  dir_suffix: @REPO@
"#;

/// The base stands for Ubuntu. What takes network comes first and is the same in all dirs, so that it is built once.
pub(super) const DEV_DOCKERFILE: &str = r#"FROM @BASE@ AS builder

ENV DEBIAN_FRONTEND=noninteractive
ENV INSTALL_DIR=/install
WORKDIR $INSTALL_DIR

ARG POETRY_MODE
ARG CLEAN_UP_INSTALLATION
ARG INSTALL_DIND

COPY devops/docker_build/utils.sh .
COPY devops/docker_build/poetry.toml devops/docker_build/pyproject.toml ./
COPY devops/docker_build/poetry.loc[k] poetry.lock.in
COPY devops/docker_build/install_python_packages.sh .
RUN --mount=type=secret,id=wharf-env,target=/run/wharf/env \
    --mount=type=secret,id=wharf-ca,target=/run/wharf/ca.pem \
    --mount=type=cache,target=/root/.cache/pip \
    /bin/bash -c "./install_python_packages.sh"

ENV APP_DIR=/app
ENV HOME=/home
ENV ENV_NAME=venv
WORKDIR $APP_DIR
RUN chmod 0777 $HOME && echo @MARK@ > /install/mark

COPY devops/docker_run/bashrc $HOME/.bashrc

ARG AM_CONTAINER_VERSION
ENV AM_CONTAINER_VERSION=$AM_CONTAINER_VERSION
"#;

pub(super) const PROD_DOCKERFILE: &str = r"ARG VERSION
ARG ECR_BASE_PATH
ARG IMAGE_NAME
FROM ${ECR_BASE_PATH}/${IMAGE_NAME}:dev-${VERSION}

COPY . /app
RUN ls /app
";

pub(super) const IGNORE_DEV: &str =
    "# Nothing but what the build copies.\n*\n!devops\n!helpers_root/devops\n**/*.pyc\n";

pub(super) const IGNORE_PROD: &str = "**/.git\n**/test\ndata\ntmp.*\n";

/// By the simple interface of the index, which mirrors have too.
pub(super) const PYPROJECT: &str = r#"[tool.poetry]
name = "sample"
version = "0.1"
description = ""
authors = ["a <a@example.org>"]
package-mode = false

[tool.poetry.dependencies]
python = "^3.9"
six = "1.17.0"

[[tool.poetry.source]]
name = "simple"
url = "https://pypi.org/simple/"
priority = "primary"

[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"
"#;

pub(super) const UTILS: &str = "#!/bin/bash\nreport() {\n  echo \"# $1\"\n}\n";

/// Resolves for real with `POETRY_MODE=update`; else installs what the tests need.
pub(super) const INSTALL_PYTHON: &str = r#"#!/bin/bash
set -e
source ./utils.sh
if [ -s /run/wharf/env ]; then source /run/wharf/env; fi
report "venv"
python3 -m venv --system-site-packages /venv
if [[ "$POETRY_MODE" == "update" ]]; then
  report "poetry lock"
  python3 -m venv /poetry
  /poetry/bin/pip install --quiet "poetry==1.8.4"
  /poetry/bin/poetry lock --no-interaction
  cp poetry.lock poetry.lock.out
else
  if [ -e poetry.lock.in ]; then cp poetry.lock.in poetry.lock.out; else touch poetry.lock.out; fi
fi
# The base lacks pytest.
/venv/bin/pip install --quiet "pytest==8.3.4"
/venv/bin/pip list > pip_list.txt
if [[ "$CLEAN_UP_INSTALLATION" == "True" ]]; then
  report "clean up"
  rm -rf /poetry
fi
"#;

/// `eval`s what it is given, as one shell line.
pub(super) const ENTRYPOINT: &str = r###"#!/usr/bin/env bash

set -e

FILE_NAME="devops/docker_run/entrypoint.sh"
echo "##> $FILE_NAME" >&2

if [[ -z "$CSFY_GIT_ROOT_PATH" || -z "$CSFY_HELPERS_ROOT_PATH" ]]; then
  echo "ERROR: CSFY_GIT_ROOT_PATH and CSFY_HELPERS_ROOT_PATH must be set" >&2
  exit 1
fi

source devops/docker_run/docker_setenv.sh

echo "AM_CONTAINER_VERSION=$AM_CONTAINER_VERSION" >&2
eval "$@"
"###;

/// Sources a script of the submodule by the variable that names it.
pub(super) const SETENV: &str = r#"#!/usr/bin/env bash

source "${CSFY_HELPERS_ROOT_PATH}/dev_scripts_helpers/thin_client/thin_client_utils.sh"
set -u
: "$CSFY_HOST_NAME" "$CSFY_HOST_OS_NAME" "$CSFY_HOST_OS_VERSION" "$CSFY_HOST_USER_NAME" "$CSFY_HOST_GIT_ROOT_PATH"
: "$CSFY_USE_HELPERS_AS_NESTED_MODULE" "$CSFY_ENABLE_DIND" "$CSFY_REPO_CONFIG_CHECK" "${CSFY_REPO_CONFIG_PATH?}"
set +u
activate_docker_venv
set_pythonpath
"#;

pub(super) const THIN_CLIENT_UTILS: &str = r#"#!/usr/bin/env bash

activate_docker_venv() {
  source "/${ENV_NAME}/bin/activate"
}

set_pythonpath() {
  export PYTHONPATH=$PWD:$PYTHONPATH
  if [[ "$CSFY_USE_HELPERS_AS_NESTED_MODULE" == "1" ]]; then
    export PYTHONPATH=$CSFY_HELPERS_ROOT_PATH:$PYTHONPATH
  fi
}
"#;

pub(super) const PYTEST_INI: &str = "[pytest]\nmarkers =\n    slow\n    superslow\n    requires_ck_infra\n    requires_ck_aws\n    \
                                     requires_docker_in_docker\n    need_dev_container\n    no_container\n    qa\n";

pub(super) const TESTS: &str = r#"import os

import pytest

import helpers.hvalue as hvalue


def test_where_it_runs():
    assert hvalue.VALUE == 42
    assert os.environ["CSFY_GIT_ROOT_PATH"] == "/app"
    assert os.getcwd().startswith("/app")
    assert os.environ["AM_CONTAINER_VERSION"]


@pytest.mark.slow
def test_slowly():
    pass


@pytest.mark.superslow
def test_very_slowly():
    pass
"#;
