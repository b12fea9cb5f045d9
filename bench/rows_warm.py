"""The rows of the table that are about warm containers."""

import json
import os
import pty
import select
import shutil
import signal
import statistics
import subprocess
import time

import samples
from engine import find_run, plain
from measure import BenchError, Command, Limit, Measure, alternate, capture, run_timed

KEPT = "\n[run]\nwarm = \"10m\"\n"


def warm_dir(bench, folder):
    """A sample whose only dir keeps its container; its image is built and the container runs."""
    repo = samples.runnable_dirs(folder, bench.base, 1, samples.ONE_TEST)
    bench.ready(repo, ["d01"])
    plain_call = bench.plain_run(repo, "d01", "true")
    file = repo / "d01/devops/wharf.toml"
    samples.write(file, file.read_text(encoding="utf-8") + KEPT)
    capture(bench.call(repo, "run", "d01", "--", "true"))
    listed = json.loads(capture(bench.call(repo, "ps", "--json")).stdout)
    if len(listed) != 1 or "warm" not in listed[0]:
        raise BenchError(f"there should be one warm container: {listed}")
    return repo, plain_call, listed[0]["name"]


def warm(bench, place, runs):
    """`wharf run D -- true` in a container that is kept, beside `run --rm`, `exec` and the devcontainers CLI; a shell's first prompt."""
    repo, plain_call, name = warm_dir(bench, place / "wharf-bench-warm")
    call = bench.call(repo, "run", "d01", "--", "true")
    execute = bench.outside(repo, bench.engine, "exec", "--user", f"{os.getuid()}:{os.getgid()}", name, "true")
    try:
        mine, fresh = alternate(lambda: run_timed(call), lambda: run_timed(plain_call), runs or 15, warm_ups=2)
        again, peer = alternate(lambda: run_timed(call), lambda: run_timed(execute), runs or 30, warm_ups=2)
        prompts = [first_prompt(bench, repo) for _ in range((runs or 15) + 2)][2:]
    finally:
        capture(bench.call(repo, "stop", "--all", "--time", "0"))
    return [
        Measure("`wharf run D -- true`, warm", "s", mine, [Limit("ratio", 0.35)], f"plain `{bench.engine} run --rm`", fresh,
                notes=devcontainers_note(bench, repo, place, mine)),
        Measure("`wharf run D -- true`, warm", "s", again, [Limit("ratio", 1.3)], f"plain `{bench.engine} exec`", peer),
        Measure("`wharf bash D`, warm, first prompt", "s", prompts, [Limit("median", 0.150)]),
    ]


def first_prompt(bench, repo):
    """Seconds from the start of `wharf bash` until its shell asks for the first command."""
    start = time.perf_counter()
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(repo)
        os.execve(bench.wharf, ["wharf", "-q", "bash", "d01"], {**bench.env, "TERM": "xterm"})
    seen, deadline = b"", start + 30
    try:
        while not seen.rstrip(b"\x1b[?2004h ").endswith((b"$", b"#")) and b"$ " not in seen and b"# " not in seen:
            left = deadline - time.perf_counter()
            if left <= 0 or not select.select([master], [], [], left)[0]:
                raise BenchError(f"no prompt: {seen!r}")
            seen += os.read(master, 4096)
        return time.perf_counter() - start
    finally:
        os.write(master, b"exit\r")
        _end(pid, master)


def _end(pid, master):
    """Reads on until the shell has ended."""
    deadline = time.perf_counter() + 10
    while time.perf_counter() < deadline:
        try:
            if select.select([master], [], [], 0.1)[0] and not os.read(master, 4096):
                break
        except OSError:
            break
    else:
        os.kill(pid, signal.SIGKILL)
    os.close(master)
    os.waitpid(pid, 0)


def devcontainers_note(bench, repo, place, mine):
    """What `devcontainer exec` takes in a container of its own, where the CLI is installed (npm, `@devcontainers/cli`)."""
    program = shutil.which("devcontainer")
    if not program or bench.engine != "docker":
        return ["the devcontainers CLI is not installed"]
    said = capture(bench.call(repo, "run", "--fresh", "--dry-run", "d01", "--", "true"))
    image = plain(find_run(said.stdout + said.stderr, bench.engine), bench.engine)[-2]
    folder = place / "devcontainer"
    samples.write(folder / ".devcontainer/devcontainer.json", json.dumps({"image": image}))
    up = subprocess.run(
        [program, "up", "--workspace-folder", folder], env=bench.env, capture_output=True, text=True, timeout=300, check=False)
    if up.returncode != 0:
        return [f"`devcontainer up` failed: {(up.stderr or up.stdout).strip().splitlines()[-1]}"]
    try:
        call = Command([program, "exec", "--workspace-folder", folder, "true"], folder, bench.env)
        seconds = statistics.median([run_timed(call) for _ in range(6)][1:])
    finally:
        made = json.loads(up.stdout.strip().splitlines()[-1])["containerId"]
        capture(bench.outside(repo, bench.engine, "rm", "--force", made))
    factor = seconds / statistics.median(mine)
    return [f"`devcontainer exec … true` takes {seconds:.2f} s, {factor:.0f} times as long"]


ROWS = {"warm": warm}
NEEDS_ENGINE = {"warm"}
