"""The rows of the table that are about recording what tests depend on."""

import json
import os
import subprocess
import sys
from pathlib import Path

import samples
from measure import BenchError, Command, Limit, Measure, alternate, run_timed

PLUGIN = Path(__file__).resolve().parent.parent / "pytest"
SUITE = ["src/networkx/classes", "src/networkx/utils"]  # some 3,000 tests with real imports and real work


def record(bench, place, runs):
    """The plugin with recording on, beside the plugin alone and beside pytest-testmon, on the tests of NetworkX."""
    del bench
    repo = place / "wharf-bench-record"
    python = _environment(place, repo)
    samples.write(repo / "pytest.ini", "[pytest]\n")

    def pytest(*arguments, plugin=None):
        env = {"PATH": os.environ["PATH"], "HOME": str(place), "PYTHONPATH": f"{PLUGIN}:{repo / 'src'}"}
        env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        if plugin is not None:
            env["WHARF_PLUGIN"] = json.dumps({"nonce": "bench", "root": str(repo), "record": plugin == "record"})
            arguments = ("-p", "wharf_plugin", *arguments)
        return Command([python, "-m", "pytest", "-q", *arguments, *SUITE], repo, env, timeout=1800)

    def testmon():
        (repo / ".testmondata").unlink(missing_ok=True)
        return run_timed(pytest("-p", "testmon.pytest_testmon", "--testmon"))

    run_timed(pytest(plugin="record"))  # compiles
    mine, plain = alternate(lambda: run_timed(pytest(plugin="record")), lambda: run_timed(pytest(plugin="plain")), runs or 5)
    also, peer = alternate(lambda: run_timed(pytest(plugin="record")), testmon, max(1, (runs or 5) // 2))
    return [
        Measure("recording what tests depend on", "s", mine, [Limit("ratio", 1.03)], "the plain plugin", plain),
        Measure("recording what tests depend on, beside testmon", "s", also, [Limit("ratio", 1.0)], "`pytest --testmon`", peer),
    ]


def _environment(place, repo):
    environment = place / "venv"
    steps = [
        [sys.executable, "-m", "venv", str(environment)],
        [str(environment / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", "pytest", "pytest-testmon"],
        [str(environment / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", "--target", str(repo / "src"), "networkx"],
    ]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BenchError(f"`{' '.join(step)}` ended with {done.returncode}: {(done.stdout + done.stderr).strip()}")
    (repo / "src/networkx/conftest.py").unlink(missing_ok=True)  # it knows options that only its own checkout declares
    return environment / "bin/python"


ROWS = {"record": record}
