"""The rows of the table that are about the import graph."""

import dataclasses
import random
import subprocess
import sys

import samples
from measure import BenchError, Limit, Measure, alternate, capture, run_timed

FILES = 20_000
PACKAGES = 400


def import_graph(bench, place, runs):
    """`wharf deps` over 20,000 Python files, cold and with one file edited, beside `ruff analyze graph`."""
    repo = _tree(place / "wharf-bench-graph")
    ruff = bench.outside(repo, _ruff(place), "analyze", "graph", "--quiet", ".")
    # With circles found it ends with 1.
    call = dataclasses.replace(bench.call(repo, "deps", "--cycles"), codes=(0, 1))
    _check(bench, repo, ruff)
    cache = next((repo / ".wharf").glob("imports-*"))
    edited, turn = repo / "p000/m000.py", iter(range(1_000_000))
    content = edited.read_text(encoding="utf-8")

    def cold():
        cache.unlink(missing_ok=True)
        return run_timed(call)

    def warm():
        edited.write_text(f"{content}\nTURN = {next(turn)}\n", encoding="utf-8")
        return run_timed(call)

    measures = []
    for name, subject, limit in (("cold", cold, Limit("faster", 2)), ("one file edited", warm, Limit("faster", 10))):
        mine, peer = alternate(subject, lambda: run_timed(ruff), runs or 5, warm_ups=1)
        measures.append(Measure(f"import graph of 20,000 files, {name}", "s", mine, [limit], "`ruff analyze graph`", peer))
    return measures


def _check(bench, repo, ruff):
    """Both must have seen the same: the number of files that one file needs, and no error."""
    mine = capture(bench.call(repo, "deps", "p399/m049.py")).stdout.count(" import)")
    theirs = capture(ruff).stdout.count('": [')
    if mine < 5 or theirs < FILES:
        raise BenchError(f"`wharf deps` lists {mine} imports of a file, `ruff analyze graph` {theirs} files")


def _tree(folder):
    """Packages of modules with code of the usual kind: functions, classes, docstrings; each imports some of the earlier ones."""
    dice = random.Random(1)
    each = FILES // PACKAGES
    for package in range(PACKAGES):
        for module in range(each):
            name = "__init__" if module == 0 and package % 2 else f"m{module:03}"
            samples.write(folder / f"p{package:03}/{name}.py", _module(dice, package, module))
    samples.workspace(folder, "none")
    samples.write(folder / "devops/wharf.toml")
    return samples.commit(folder)


def _module(dice, package, module):
    lines = [f'"""Module {module} of package {package}."""', "", "import os", "import json as js", "from typing import TYPE_CHECKING, Any"]
    for _ in range(6):
        other, name = dice.randrange(package + 1), f"m{dice.randrange(1, 50):03}"
        lines.append(dice.choice([f"import p{other:03}.{name}", f"from p{other:03} import {name}", f"from p{other:03}.{name} import f0 as g"]))
    lines.append(f"from . import m{dice.randrange(1, 50):03} as sibling")
    lines.append("if TYPE_CHECKING:\n    import p000.m001\n")
    for number in range(6):
        lines += [
            f"class C{number}:", f'    """A thing of kind {number}."""', "", f"    def __init__(self, value: int = {number}) -> None:",
            "        self.value = value", "        self.cache: dict[str, Any] = {}", "", "    def run(self, *names: str) -> list[str]:",
            "        return [f\"{name}:{self.value!r}\" for name in names if name not in self.cache]", "",
            f"def f{number}(a, b=None, *, path=os.sep):", "    try:", "        with open(path, encoding=\"utf-8\") as stream:",
            "            data = js.load(stream)", "    except (OSError, ValueError) as error:",
            "        raise RuntimeError(\"cannot read\") from error",
            f"    return {{key: value * {number} + (a or 0) for key, value in data.items() if key != b}}", "",
        ]
    return "\n".join(lines) + "\n"


def _ruff(place):
    """Ruff from the package index, in a venv."""
    environment = place / "venv-ruff"
    pip = str(environment / "bin/pip")
    for step in ([sys.executable, "-m", "venv", str(environment)], [pip, "install", "--quiet", "--disable-pip-version-check", "ruff"]):
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BenchError(f"`{' '.join(step)}` ended with {done.returncode}: {(done.stdout + done.stderr).strip()}")
    return environment / "bin/ruff"


ROWS = {"import-graph": import_graph}
