"""The rows of the table that are about many repos at once."""

import os
import subprocess
import sys

import samples
from measure import BenchError, Command, Limit, Measure, alternate, capture, run_timed

SUB_REPOS = 100
FILES = 500


def repo_status(bench, place, runs):
    """`wharf repo status` over 100 sub-repos of 500 files, beside `git submodule foreach`, `xargs -P git status`, vcs and gita."""
    repo, paths = _many_repos(place / "wharf-bench-repos")
    call = bench.call(repo, "repo", "status")
    listed = capture(bench.call(repo, "repo", "status", "--json")).stdout.count('"state": "ready"')
    if listed != SUB_REPOS + 1:
        raise BenchError(f"`wharf repo status --json` lists {listed} ready repos, not {SUB_REPOS + 1}")
    cores = os.cpu_count() or 2
    names = place / "names"
    names.write_text("".join(f"{path}\n" for path in [".", *paths]))
    # Without the last word, the super-repo's own status would look into all sub-repos once more.
    each = "git -C {} status --porcelain=v2 --branch --ignore-submodules=dirty"
    peers = [
        (bench.outside(repo, "git", "submodule", "--quiet", "foreach", "git status --porcelain=v2 --branch"),
         "`git submodule foreach 'git status …'`", [Limit("faster", 5)]),
        (bench.outside(repo, "xargs", "-a", names, "-P", cores, "-I{}", *each.split()),
         f"`xargs -P {cores} git status …`", [Limit("ratio", 1.2)]),
        *((command, name, []) for command, name in _python_peers(bench, place, repo, paths)),
    ]
    measures = []
    for peer, name, limits in peers:
        mine, theirs = alternate(lambda: run_timed(call), lambda peer=peer: run_timed(peer), runs or 7, warm_ups=2)
        measures.append(Measure("`wharf repo status`, 100 sub-repos", "s", mine, limits, name, theirs))
    return measures


def _many_repos(folder):
    """A super-repo with sub-repos that are all clones of one; returns it and their paths."""
    seed = folder.parent / "seed"
    for number in range(FILES):
        samples.write(seed / f"pkg_{number % 20:02}/module_{number:03}.py", f"VALUE = {number}\n")
    samples.commit(seed)
    samples.workspace(folder, "none")
    samples.commit(folder)
    paths, modules = [f"libs/s{number:03}" for number in range(SUB_REPOS)], []
    for path in paths:
        samples.git(folder, "clone", "--quiet", str(seed), path)
        modules.append(f'[submodule "{path}"]\n\tpath = {path}\n\turl = {seed}\n')
    (folder / ".gitmodules").write_text("".join(modules))
    samples.git(folder, "-c", "advice.addEmbeddedRepo=false", "add", "--all")
    samples.git(folder, "submodule", "--quiet", "absorbgitdirs")
    samples.git(folder, "config", "submodule.active", ".")
    samples.git(folder, "commit", "--quiet", "--message", "sub-repos")
    return folder, paths


def _python_peers(bench, place, repo, paths):
    """`vcs status` and `gita ll`, in a venv from the package index."""
    environment = place / "venv"
    steps = [
        [sys.executable, "-m", "venv", str(environment)],
        [str(environment / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", "vcs2l", "gita", "setuptools<81"],
    ]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BenchError(f"`{' '.join(step)}` ended with {done.returncode}: {(done.stdout + done.stderr).strip()}")
    # Gita keeps its list of repos in the user's config folder; this one is the bench's own.
    env = {**bench.env, "GITA_PROJECT_HOME": str(place / "gita"), "XDG_CONFIG_HOME": str(place / "config")}
    gita = environment / "bin/gita"
    capture(Command([gita, "add", *(repo / path for path in paths)], repo, env))
    listed = len(capture(Command([gita, "ls"], repo, env)).stdout.split())
    if listed < SUB_REPOS:
        raise BenchError(f"`gita ls` lists {listed} repos, not {SUB_REPOS}")
    return [
        (bench.outside(repo, environment / "bin/vcs", "status", "libs"), "`vcs status`"),
        (Command([gita, "ll"], repo, env), "`gita ll`"),
    ]


ROWS = {"repo-status": repo_status}
