"""The rows of the table that are about tasks."""

import json
import shutil
import subprocess
import sys

import samples
from measure import BenchError, Command, Limit, Measure, alternate, capture, run_timed

TASKS = 1000
FILES = 10
CACHED = 200


def task_noop(bench, place, runs):
    """`wharf task noop`, beside `just noop` and `invoke noop`."""
    repo = _repo(place / "wharf-bench-noop", '[tasks]\nnoop = "true"\n')
    samples.write(repo / "justfile", "noop:\n    @true\n")
    samples.write(repo / "tasks.py", "from invoke import task\n\n\n@task\ndef noop(c):\n    c.run('true')\n")
    bin_folder = _environment(place, "rust-just", "invoke")
    call = bench.call(repo, "-q", "task", "noop")
    peers = [
        (bench.outside(repo, bin_folder / "just", "--quiet", "noop"), "`just noop`", [Limit("ratio", 2), Limit("largest", 0.012)]),
        (bench.outside(repo, bin_folder / "invoke", "noop"), "`invoke noop`", [Limit("faster", 40)]),
    ]
    return _pairs("`wharf task noop`", call, peers, runs or 25)


def task_list(bench, place, runs):
    """`wharf tasks` over a `tasks.py` of 120 tasks, beside `invoke --list`."""
    repo = _repo(place / "wharf-bench-list", "")
    tasks = "\n\n".join(
        f"@task(aliases=['s{n}'])\ndef step_no_{n}(c, where='.', times={n}, fast=False):\n    '''Does step {n}.'''\n    c.run(f'echo {{where}} {{times}}')"
        for n in range(120)
    )
    samples.write(repo / "tasks.py", f"from invoke import task\n\n\n{tasks}\n")
    bin_folder = _environment(place, "invoke")
    listed = len(json.loads(capture(bench.call(repo, "tasks", "--json")).stdout))
    if listed != 120:
        raise BenchError(f"`wharf tasks --json` lists {listed} tasks, not 120")
    peers = [(bench.outside(repo, bin_folder / "invoke", "--list"), "`invoke --list`", [Limit("largest", 0.020)])]
    return _pairs("`wharf tasks`, 120 tasks of Python", bench.call(repo, "tasks"), peers, runs or 15)


def task_fresh(bench, place, runs):
    """A graph of 1,000 up-to-date tasks with 10,000 input files."""
    lines = ["[tasks]"]
    for n in range(TASKS):
        deps = f'"t{n // 2}"' if n else ""
        lines.append(f't{n} = {{ run = "true", inputs = ["src/p{n:04}/*.txt"], deps = [{deps}] }}')
    every = ", ".join(f'"t{n}"' for n in range(TASKS))
    lines[1] = 't0 = { run = "true", inputs = ["src/p0000/*.txt"] }'
    lines.append(f"all = {{ deps = [{every}] }}")
    repo = _repo(place / "wharf-bench-fresh", "\n".join(lines) + "\n")
    for n in range(TASKS):
        for file in range(FILES):
            samples.write(repo / f"src/p{n:04}/{file}.txt", f"{n} {file}\n" * 20)
    call = bench.call(repo, "-q", "task", "all")
    run_timed(call)
    mine = [run_timed(call) for _ in range((runs or 7) + 2)][2:]
    return [Measure("1,000 up-to-date tasks, 10,000 files", "s", mine, [Limit("largest", 0.300)])]


def task_cached(bench, place, runs):
    """200 cached tasks, beside `turbo run` of the same 200."""
    if not shutil.which("npm"):
        raise BenchError("`npm` is not on PATH; turbo comes from npm")
    lines = ["[tasks]"]
    for n in range(CACHED):
        lines.append(f't{n} = {{ run = "mkdir -p dist && cp in.txt dist/out.txt", dir = "packages/p{n}", inputs = ["in.txt"], outputs = ["dist/**"] }}')
    lines.append(f"all = {{ deps = [{', '.join(f'{chr(34)}t{n}{chr(34)}' for n in range(CACHED))}] }}")
    repo = _repo(place / "wharf-bench-cached", "\n".join(lines) + "\n")
    samples.write(repo / "package.json", json.dumps({"name": "root", "private": True, "packageManager": "npm@10.0.0", "workspaces": ["packages/*"]}))
    samples.write(repo / "turbo.json", json.dumps({"tasks": {"build": {"inputs": ["in.txt"], "outputs": ["dist/**"]}}}))
    samples.write(repo / ".gitignore", "node_modules/\ndist/\n.turbo/\n.wharf/\n")
    for n in range(CACHED):
        samples.write(repo / f"packages/p{n}/in.txt", f"{n}\n")
        samples.write(repo / f"packages/p{n}/package.json", json.dumps({"name": f"p{n}", "version": "1.0.0", "scripts": {"build": "mkdir -p dist && cp in.txt dist/out.txt"}}))
    done = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "turbo@2"], cwd=repo, env=bench.env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"turbo cannot be had from npm: {done.stderr.strip()[-500:]}")
    turbo = Command([repo / "node_modules/.bin/turbo", "run", "build", "--output-logs=none", "--no-daemon"], repo, {**bench.env, "TURBO_TELEMETRY_DISABLED": "1"})
    call = bench.call(repo, "-q", "task", "all")
    run_timed(call)
    run_timed(turbo)
    return _pairs("200 cached tasks", call, [(turbo, "`turbo run`", [Limit("ratio", 1.0)])], runs or 7)


def _pairs(name, call, peers, runs):
    measures = []
    for peer, other, limits in peers:
        mine, theirs = alternate(lambda: run_timed(call), lambda peer=peer: run_timed(peer), runs, warm_ups=2)
        measures.append(Measure(name, "s", mine, limits, other, theirs))
    return measures


def _repo(folder, tables):
    samples.workspace(folder, "none")
    samples.write(folder / "wharf.toml", (folder / "wharf.toml").read_text() + "\n" + tables)
    return samples.commit(folder)


def _environment(place, *packages):
    """A venv with these packages from the package index; returns the folder of its programs."""
    environment = place / "venv"
    steps = [
        [sys.executable, "-m", "venv", str(environment)],
        [str(environment / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", *packages],
    ]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BenchError(f"`{' '.join(step)}` ended with {done.returncode}: {(done.stdout + done.stderr).strip()}")
    return environment / "bin"


ROWS = {"task-noop": task_noop, "task-list": task_list, "task-fresh": task_fresh, "task-cached": task_cached}
