"""The rows of the table that are about the thin environment."""

import itertools
import shutil

import samples
from measure import BenchError, Command, Limit, Measure, alternate, capture, run_timed

REQUIREMENTS = ["invoke==2.2.0", "pyyaml==6.0.2", "requests==2.32.3", "rich==13.9.4"]


def env_sync(bench, place, runs):
    """`wharf env sync` with nothing to do, and a first one beside `uv venv` with `uv pip install`, packages in uv's cache."""
    uv = shutil.which("uv")
    if not uv:
        raise BenchError("`uv` is not on the search path")
    repo = place / "wharf-bench-env"
    samples.workspace(repo, "none")
    samples.write(repo / "dev_scripts_wharf-bench-env/requirements.txt", "".join(f"{line}\n" for line in REQUIREMENTS))
    samples.commit(repo)
    named = capture(bench.call(repo, "env", "show", "--json")).stdout.count('"requirement"')
    if named != len(REQUIREMENTS):
        raise BenchError(f"`wharf env show` names {named} requirements, not {len(REQUIREMENTS)}")
    fresh = itertools.count()

    def sync():
        env = {**bench.env, "WHARF_DATA_DIR": str(place / f"data-{next(fresh)}")}
        return Command(bench.call(repo, "env", "sync").argv, repo, env)

    made = sync()
    folder = capture(made).stdout.strip()
    python = capture(Command([f"{folder}/bin/python", "-c", "import sys; print(sys._base_executable)"], repo, bench.env)).stdout.strip()

    def plain():
        at = place / f"plain-{next(fresh)}"
        return (run_timed(bench.outside(repo, uv, "venv", "--quiet", "--python", python, at))
                + run_timed(bench.outside(repo, uv, "pip", "install", "--quiet", "--python", at / "bin/python", *REQUIREMENTS)))

    first, peer = alternate(lambda: run_timed(sync()), plain, runs or 7, warm_ups=1)
    idle = [run_timed(made) for _ in range((runs or 20) + 2)][2:]
    return [
        Measure("`wharf env sync`, nothing to do", "s", idle, [Limit("median", 0.020)]),
        Measure("`wharf env sync`, first one", "s", first, [Limit("ratio", 1.10)], "`uv venv` and `uv pip install`", peer),
    ]


ROWS = {"env-sync": env_sync}
