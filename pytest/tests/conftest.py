"""Temporary projects in which a real pytest runs with the plugin."""

import json
import os
import subprocess
import sys
import textwrap
import time

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from stream import Stream  # noqa: E402

PLUGIN_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NONCE = 'n0"nce\\'


class Run:
    def __init__(self, status, stdout, stderr, seconds, nonce):
        self.status = status
        self.stdout = stdout
        self.stderr = stderr.decode("utf-8", "replace")
        self.seconds = seconds
        self.stream = Stream(stdout, nonce)

    def __getattr__(self, name):
        return getattr(self.stream, name)


class Project:
    """A workspace `ws` with a runnable dir `infra`, in which pytest is started."""

    def __init__(self, tmp):
        self.tmp = tmp
        self.root = os.path.join(tmp, "ws")
        self.cwd = os.path.join(self.root, "infra")
        os.makedirs(self.cwd)
        self.write("pytest.ini", "[pytest]\n")

    def write(self, path, text, base=None):
        full = os.path.join(base or self.cwd, path)
        if not os.path.isdir(os.path.dirname(full)):
            os.makedirs(os.path.dirname(full))
        with open(full, "wb") as file:
            file.write(textwrap.dedent(text).encode("utf-8"))
        return full

    def select(self, *ids):
        return self.write("select.txt", "".join(name + "\n" for name in ids), base=self.tmp)

    def run(self, *args, **options):
        """Runs pytest; options: settings (merged in), plugins (names), env, cwd, within (seconds)."""
        settings = {"nonce": NONCE, "root": self.root, "select": None, "timeout": None, "grace": 1.0}
        settings.update(options.get("settings", {}))
        env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "WHARF_"))}
        env["PYTHONPATH"] = PLUGIN_DIR
        env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # starts much faster; what a test needs is named
        env["WHARF_PLUGIN"] = json.dumps(settings)
        for key, value in options.get("env", {}).items():
            env.pop(key, None)
            if value is not None:
                env[key] = value
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
        command += ["-p", "wharf_plugin"]
        plugins = list(options.get("plugins", ()))
        plugins += ["xdist"] if "-n" in args else []
        plugins += ["pytest_cov"] if any(arg.startswith("--cov") for arg in args) else []
        plugins += ["rerunfailures"] if "--reruns" in args else []
        for plugin in plugins:
            command += ["-p", plugin]
        began = time.time()
        process = subprocess.Popen(
            command + list(args),
            cwd=options.get("cwd", self.cwd),
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            stdout, stderr = process.communicate(timeout=options.get("within", 60))
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
            pytest.fail("pytest hangs:\n%s\n%s" % (stdout.decode("utf-8", "replace"), stderr.decode("utf-8", "replace")))
        run = Run(process.returncode, stdout, stderr, time.time() - began, NONCE)
        for line in run.lines:
            assert len(line) <= 4000
        if not options.get("problems"):
            assert run.of("problem") == []
        return run


@pytest.fixture
def project(tmp_path):
    return Project(os.path.realpath(str(tmp_path)))
