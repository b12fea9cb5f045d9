"""Makes the repos that are measured. Everything lies below one temporary folder."""

import os
import subprocess
import sys
from pathlib import Path

from measure import BenchError

PYTEST = "pytest==8.4.2\n"

# Thirty modules, as a task file that has grown over the years imports them: eighteen of the standard library, twelve of one's own.
STANDARD = [
    "argparse", "asyncio", "concurrent.futures", "csv", "datetime", "email.message", "hashlib", "http.client", "json",
    "logging.config", "multiprocessing", "sqlite3", "tarfile", "tempfile", "unittest.mock", "urllib.request",
    "xml.etree.ElementTree", "zipfile",
]
OWN = 12


def write(path, text=""):
    """Writes a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def git(repo, *words):
    """Runs Git in a sample repo, apart from the user's own settings."""
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    named = ["-c", "user.name=bench", "-c", "user.email=bench@example.org", "-c", "gc.auto=0", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *named, *words], cwd=repo, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"`git {' '.join(words)}` ended with {done.returncode}: {done.stderr.strip()}")


def commit(repo):
    """Makes `repo` a Git repo with all that is in it committed."""
    git(repo, "init", "--quiet")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message", "sample")
    return repo


def workspace(folder, base):
    """The root's files; the folder's name is the workspace's, and images are named after it."""
    write(folder / "wharf.toml", f"""[workspace]
name = "{folder.name}"

[image]
base = "{base}"

[build]
ca-certificates = "host"
""")
    write(folder / ".gitignore", "__pycache__/\n.pytest_cache/\nbuild/\n")


def runnable_dirs(folder, base, count, tests):
    """A workspace of `count` runnable dirs `d01`, `d02`, …, each with the test file `tests`."""
    workspace(folder, base)
    for number in range(1, count + 1):
        place = folder / f"d{number:02}"
        write(place / "devops/wharf.toml")
        write(place / "requirements.txt", PYTEST)
        write(place / f"tests/test_{place.name}.py", tests)
    return commit(folder)


def empty_tests(count):
    """A test file with `count` tests that do nothing."""
    return f"import pytest\n\n\n@pytest.mark.parametrize('number', range({count}))\ndef test_nothing(number):\n    pass\n"


SLEEPING = "import time\n\n\ndef test_sleeps():\n    time.sleep(3)\n"
ONE_TEST = "def test_nothing():\n    pass\n"


def many_files(folder, base, areas=40, dirs_per_area=25, files_per_dir=100):
    """1,000 runnable dirs with 100 files each: packages four deep, tests, and a few files beside them."""
    workspace(folder, base)
    for area in range(areas):
        for number in range(dirs_per_area):
            place = folder / f"area_{area:02}" / f"dir_{number:02}"
            write(place / "devops/wharf.toml")
            write(place / "requirements.txt", PYTEST)
            write(place / "README.md", f"# {place.name}\n")
            left = files_per_dir - 3
            for file in range(left // 5):
                write(place / f"tests/test_{file:02}.py", ONE_TEST)
            for file in range(left - left // 5):
                depth = "/".join(["pkg", "inner", "deeper", "deepest"][: 1 + file % 4])
                write(place / f"{depth}/module_{file:02}.py", f"VALUE = {file}\n")
    return commit(folder)


def task_file(folder):
    """A `tasks.py` that imports thirty modules, and a venv with invoke from the package index; returns its program."""
    imports = [f"import {name}" for name in STANDARD] + [f"from dev_scripts import part_{n:02}" for n in range(OWN)]
    parts = "\n".join(f"namespace.add_collection(Collection.from_module(part_{n:02}), 'part-{n:02}')" for n in range(OWN))
    write(folder / "tasks.py", "\n".join(imports) + f"\nfrom invoke import Collection\n\nnamespace = Collection()\n{parts}\n")
    write(folder / "dev_scripts/__init__.py")
    for number in range(OWN):
        write(folder / f"dev_scripts/part_{number:02}.py", _own_module(number))
    environment = folder.parent / "invoke-venv"
    steps = [
        [sys.executable, "-m", "venv", str(environment)],
        [str(environment / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", "invoke"],
    ]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BenchError(f"`{' '.join(step)}` ended with {done.returncode}: {(done.stdout + done.stderr).strip()}")
    return Path(environment / "bin/invoke")


def _own_module(number):
    """A module of tasks, of the size that such modules have: regular expressions, a data class, and eight tasks."""
    tasks = "\n\n".join(
        f'@task\ndef step_{n}(c, where=".", fast=False):\n    """Does step {n} of part {number}."""\n    c.run(f"echo {{where}}")\n'
        for n in range(8)
    )
    return f"""import dataclasses
import re

from invoke import task

NAME = re.compile(r"^(?P<repo>[a-z][a-z0-9-]*)-(?P<part>{number:02}\\d*)(?:-(?P<rest>.+))?$")
VERSION = re.compile(r"(\\d+)\\.(\\d+)\\.(\\d+)(?:[-+.](\\w{{1,{number + 3}}}))?")


@dataclasses.dataclass(frozen=True)
class Settings:
    name: str = "part-{number:02}"
    retries: int = {number}
    pattern: str = NAME.pattern


{tasks}"""
