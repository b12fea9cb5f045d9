"""Times commands, in pairs, and judges the numbers. Knows nothing of Wharf."""

import contextlib
import os
import shlex
import signal
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path


class BenchError(Exception):
    """A measurement that cannot be had; the text says why and what to do."""


@dataclass
class Command:
    """A program with its arguments, folder and environment."""

    argv: list
    cwd: Path
    env: dict
    timeout: float = 600.0
    codes: tuple = (0,)

    def __str__(self):
        return shlex.join(str(word) for word in self.argv)


@contextlib.contextmanager
def inside(folder):
    """Makes `folder` the current one; `posix_spawn` cannot set it for the child alone."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def run_timed(command):
    """Runs a command with its output thrown away; returns the seconds from spawn to exit.

    Uses `posix_spawn`, which costs well under a millisecond, so that short commands are not drowned in Python's own time.
    """
    null = "/dev/null"
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, null, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, null, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, null, os.O_WRONLY, 0),
    ]
    argv = [str(word) for word in command.argv]
    with inside(command.cwd):
        start = time.perf_counter()
        pid = os.posix_spawnp(argv[0], argv, command.env, file_actions=actions, setpgroup=0)
        guard = threading.Timer(command.timeout, _signal_group, [pid, signal.SIGKILL])
        guard.daemon = True
        guard.start()
        try:
            _, status = os.waitpid(pid, 0)
        except BaseException:
            _end_group(pid)
            raise
        finally:
            guard.cancel()
        seconds = time.perf_counter() - start
    if seconds >= command.timeout:
        raise BenchError(f"`{command}` took longer than {command.timeout:g} s")
    code = os.waitstatus_to_exitcode(status)
    if code not in command.codes:
        raise BenchError(f"`{command}` ended with {code}\n  in {command.cwd}\n{_tail_of_rerun(command)}")
    return seconds


def _signal_group(pid, number):
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _end_group(pid):
    """Asks a child of ours to end, so that an engine's client can end its container too; then makes it."""
    _signal_group(pid, signal.SIGTERM)
    deadline = time.monotonic() + 10
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(pid, os.WNOHANG) == (0, 0):
            if time.monotonic() > deadline:
                _signal_group(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                return
            time.sleep(0.05)


def _tail_of_rerun(command):
    """What the failed command says when it runs once more, with its output kept."""
    try:
        again = capture(command, check=False)
    except BenchError as error:
        return str(error)
    said = (again.stdout + again.stderr).strip().splitlines()[-15:]
    return "\n".join(f"  {line}" for line in said) + f"\n  (run again it ended with {again.returncode})"


def capture(command, check=True):
    """Runs a command and keeps its output."""
    try:
        done = subprocess.run(
            [str(word) for word in command.argv],
            cwd=command.cwd, env=command.env, timeout=command.timeout,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            encoding="utf-8", errors="replace", check=False,
        )
    except FileNotFoundError as error:
        raise BenchError(f"`{command.argv[0]}` is not here: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"`{command}` took longer than {command.timeout:.0f} s") from error
    if check and done.returncode != 0:
        said = "\n".join(f"  {line}" for line in (done.stdout + done.stderr).strip().splitlines()[-15:])
        raise BenchError(f"`{command}` ended with {done.returncode}\n{said}")
    return done


def peak_memory(command):
    """Largest resident memory, in bytes, of the command's own process, without its children.

    `wait4` cannot tell this: what it reports includes children that were waited for, and an engine's client is larger than
    what is measured here. So `VmHWM`, the kernel's own high-water mark, is read until the process is gone.
    """
    with subprocess.Popen(
        [str(word) for word in command.argv], cwd=command.cwd, env=command.env, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as child:
        peak, deadline = 0, time.monotonic() + command.timeout
        while child.poll() is None:
            peak = max(peak, _high_water_mark(child.pid))
            if time.monotonic() > deadline:
                _signal_group(child.pid, signal.SIGKILL)
                raise BenchError(f"`{command}` took longer than {command.timeout:.0f} s")
            time.sleep(0.02)
    if child.returncode != 0:
        raise BenchError(f"`{command}` ended with {child.returncode}\n{_tail_of_rerun(command)}")
    if peak == 0:
        raise BenchError("the memory of a process could not be read; this row needs Linux's /proc or `ps`")
    return peak


def _high_water_mark(pid):
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except FileNotFoundError:
        if Path("/proc/self/status").exists():
            return 0
        said = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
        return int(said) * 1024 if said.strip() else 0
    return 0


def alternate(subject, peer, runs, warm_ups=1):
    """Calls `subject` and `peer` in turn (A B A B …); returns both lists of samples. Warm-ups are not counted."""
    pairs = []
    for turn in range(warm_ups + runs):
        pair = (subject(), peer())
        if turn >= warm_ups:
            pairs.append(pair)
    return [a for a, _ in pairs], [b for _, b in pairs]


def amount_of_runs(text):
    """A number of runs: a whole number above 0."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


LIMITS = {
    # kind: (sign, how the judged number is had from a measure)
    "median": ("≤", lambda m: m.median),
    "largest": ("≤", lambda m: max(m.samples)),
    "ratio": ("≤", lambda m: m.ratio),
    "faster": ("≥", lambda m: 1 / m.ratio),
    "difference": ("≤", lambda m: m.difference),
}


@dataclass
class Limit:
    """A required number. `kind` says which number of the measure is judged."""

    kind: str
    value: float

    def number(self, measure):
        """The number that is judged."""
        return LIMITS[self.kind][1](measure)

    def holds(self, measure):
        """Whether the measure is good enough."""
        sign, _ = LIMITS[self.kind]
        number = self.number(measure)
        return number <= self.value if sign == "≤" else number >= self.value


@dataclass
class Measure:
    """Samples of one thing and, where there is one, of its peer, in the same unit (`s` or `B`)."""

    name: str
    unit: str
    samples: list
    limits: list
    peer: str = ""
    peer_samples: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    @property
    def median(self):
        return statistics.median(self.samples)

    @property
    def peer_median(self):
        return statistics.median(self.peer_samples)

    @property
    def ratio(self):
        """Median by median: below 1, the peer is slower."""
        return self.median / self.peer_median

    @property
    def pair_ratios(self):
        return [a / b for a, b in zip(self.samples, self.peer_samples)]

    @property
    def difference(self):
        """Median of the differences within pairs."""
        return statistics.median([a - b for a, b in zip(self.samples, self.peer_samples)])

    @property
    def holds(self):
        return all(limit.holds(self) for limit in self.limits)
