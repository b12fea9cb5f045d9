"""The row that is about watching: how long after a save the first test starts."""

import contextlib
import os
import pathlib
import signal
import subprocess
import time

import samples
from measure import BenchError, Limit, Measure

# It says when it starts in a file that nobody watches.
TEST = """import pathlib
import time

import lib.code

STARTED = pathlib.Path(__file__).parent.parent / ".wharf/started"


def test_started():
    STARTED.write_text(f"{lib.code.VALUE} {time.time()!r}")
"""
FILES = 50  # test files that the change does not reach


def watch(bench, place, runs):
    """From the save of a module to the start of the test that imports it, beside pytest-watcher without a container."""
    repo = _repo(place / "wharf-bench-watch", bench.base)
    bench.ready(repo, ["app"])
    # Saves that two watchers see would start both.
    other = _repo(place / "watch-peer", bench.base)
    peer = ["uv", "tool", "run", "--quiet", "--with", samples.PYTEST.strip(), "--from", "pytest-watcher", "ptw", "."]
    with _running(bench.call(repo, "test", "--watch", "--no-cache").argv, repo, bench.env):
        mine = _saves(repo, runs or 10)
    # Its own pattern, `*.py`, means files of the first folder only since watchdog compares whole paths.
    with _running([*peer, "--now", "--patterns", "**/*.py", "app"], other, {**os.environ, "PYTHONPATH": str(other)}, os.openpty()[1]):  # it ends without a terminal
        theirs = _saves(other, runs or 10)
    return [Measure("save to first test, watching", "s", mine, [Limit("median", 0.300)], "pytest-watcher on the host", theirs)]


@contextlib.contextmanager
def _running(argv, folder, env, keyboard=subprocess.DEVNULL):
    process = subprocess.Popen(
        argv, cwd=folder, env=env, stdin=keyboard, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=60)


def _saves(repo, count):
    """Seconds from each save to the start of its test. The first few are not counted: the watcher may not be up yet."""
    times = []
    for number in range(1, count + 3):
        deadline = time.monotonic() + 120
        saved = time.time()
        (repo / "lib/code.py").write_text(f"VALUE = {number}\n")
        again = time.monotonic() + 5
        while (started := _started(repo, number)) is None:
            if time.monotonic() > deadline:
                raise BenchError(f"no test started after a save in `{repo}`")
            if number == 1 and time.monotonic() > again:
                again = time.monotonic() + 5
                saved = time.time()
                (repo / "lib/code.py").write_text(f"VALUE = {number}  # {saved}\n")
            time.sleep(0.005)
        if number > 2:
            times.append(started - saved)
        time.sleep(1.0)  # the round's end, which neither tells alike
    return times


def _started(repo, number):
    with contextlib.suppress(OSError, ValueError):
        value, when = (repo / ".wharf/started").read_text().split()
        if int(value) == number:
            return float(when)
    return None


def _repo(folder, base):
    samples.workspace(folder, base)
    samples.write(folder / "lib/__init__.py")
    samples.write(folder / "lib/code.py", "VALUE = 0\n")
    samples.write(folder / "app/devops/wharf.toml")
    samples.write(folder / "app/requirements.txt", samples.PYTEST)
    samples.write(folder / "app/test_started.py", TEST)
    for number in range(FILES):
        samples.write(folder / f"app/test_other_{number:02}.py", samples.empty_tests(5))
    (pathlib.Path(folder) / ".wharf").mkdir(exist_ok=True)
    return samples.commit(folder)


ROWS = {"watch": watch}
NEEDS_ENGINE = {"watch"}
