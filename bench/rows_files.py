"""Rows of common files: looking at many in many super-repos, beside the programs that keep one repo up to date with a template."""

import shutil
import subprocess
import sys

import samples
from measure import BenchError, Limit, Measure, alternate, capture, run_timed

REPOS, FILES = 20, 50


def common_files(bench, place, runs):
    """`wharf files status` of 1,000 common files in 20 super-repos, warm, beside `cruft check` of one repo with 50."""
    owner = template(place / "template", "shared")
    listed = place / "list"
    names = [f"repo-{number:02}" for number in range(REPOS)]
    for name in names:
        repo = place / name
        samples.write(repo / "wharf.toml", '[[files]]\nfrom = "//helpers"\npaths = ["shared/"]\n')
        samples.write(repo / ".gitmodules", f'[submodule "helpers"]\n\tpath = helpers\n\turl = {owner}\n')
        samples.git(place, "clone", "--quiet", str(owner), str(repo / "helpers"))
        samples.commit(repo)
        capture(bench.call(repo, "files", "sync"))
    samples.write(listed, "\n".join(names) + "\n")
    call = bench.call(place, "files", "status", "--check", "--repos", str(listed))
    said = capture(call).stderr
    if f"{REPOS * FILES} of {REPOS * FILES} common files" not in said:
        raise BenchError(f"`wharf files status` should find {REPOS * FILES} equal files; it says {said}")
    cruft = peer(bench, place)
    mine, other = alternate(lambda: run_timed(call), lambda: run_timed(cruft), runs or 10, warm_ups=2)
    notes = [f"the peer looks at one repo, Wharf at {REPOS}"]
    return [Measure("`files status`, 1,000 files in 20 repos, warm", "s", mine, [Limit("median", 0.300)],
                    "`cruft check`, one repo of 50 files", other, notes)]


def template(folder, inner):
    """A repo of 50 files in the folder `inner`."""
    for number in range(FILES):
        samples.write(folder / inner / f"part-{number:02}.cfg", f"[part]\nnumber = {number}\n" * 20)
    return samples.commit(folder)


def peer(bench, place):
    """`cruft check` in a repo made from a template of the same 50 files."""
    environment = place / "cruft-venv"
    steps = [
        [sys.executable, "-m", "venv", str(environment)],
        [str(environment / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", "cruft"],
    ]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BenchError(f"`{' '.join(step)}` ended with {done.returncode}: {(done.stdout + done.stderr).strip()}")
    source = place / "cruft-template"
    samples.write(source / "cookiecutter.json", '{"name": "made"}\n')
    folder = template(source, "{{cookiecutter.name}}")
    program = environment / "bin/cruft"
    shutil.rmtree(place / "made", ignore_errors=True)
    capture(bench.outside(place, program, "create", folder, "--no-input", "--output-dir", place))
    samples.commit(place / "made")
    return bench.outside(place / "made", program, "check")


ROWS = {"files": common_files}
