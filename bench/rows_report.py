"""The row of the table that is about the page of a run."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile

import samples
from measure import BenchError, Limit, Measure, capture

TESTS = 20_000
DIRS = 4
MEGABYTE = 1_000_000

# A test in a hundred fails, with a traceback and output.
LOUD = """\
import pytest

@pytest.mark.parametrize('number', range({count}))
def test_something_with_a_usual_name(number):
    print('what it says', number)
    assert number % 100
"""


def report_page(bench, place, runs):
    """`report.html` of 20,000 tests, 200 of which failed: its size, and how long headless Chromium takes to open it."""
    if not shutil.which("chromium"):
        raise BenchError("no `chromium`: `cargo xtask engine` installs it")
    repo = samples.runnable_dirs(place / "wharf-bench-page", bench.base, DIRS, LOUD.format(count=TESTS // DIRS))
    bench.ready(repo, [f"d{number:02}" for number in range(1, DIRS + 1)])
    capture(bench.call(repo, "test", "--report-dir", place / "page", timeout=1800), check=False)
    page = place / "page" / "report.html"
    with Browser() as browser:
        opened = [browser.open(page) for _ in range((runs or 5) + 1)][1:]
    sizes = [page.stat().st_size]
    return [
        Measure(f"`report.html`, {TESTS:,} tests: size", "B", sizes, [Limit("largest", 5 * MEGABYTE)]),
        Measure(f"`report.html`, {TESTS:,} tests: opens", "s", opened, [Limit("median", 1.0)],
                notes=["from navigation to the first failures on the screen, headless Chromium without a GPU"]),
    ]


class Browser(contextlib.AbstractContextManager):
    """Headless Chromium with one page, by the DevTools protocol over a pipe."""

    READY = """new Promise((done) => {
      const look = () => document.readyState === "complete" && document.querySelector("#failures details")
        ? requestAnimationFrame(() => setTimeout(() => done(performance.now()), 0)) : setTimeout(look, 1);
      look();
    })"""

    def __enter__(self):
        self.profile = tempfile.TemporaryDirectory()
        # Descriptors 3 and 4 are what the browser reads and writes; a shell makes them of its input and output.
        self.process = subprocess.Popen(
            ["sh", "-c", 'exec chromium "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1', "sh", "--headless=new", "--no-sandbox",
             "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
             "--remote-debugging-pipe", f"--user-data-dir={self.profile.name}", "about:blank"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "HOME": self.profile.name})
        self.number, self.session = 0, None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.wait()
        self.profile.cleanup()

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        self.process.stdin.write(json.dumps(message).encode() + b"\0")
        self.process.stdin.flush()
        while True:
            answer = json.loads(self.read())
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise BenchError(f"chromium: {method}: {answer['error']}")
                return answer["result"]

    def read(self):
        out = bytearray()
        while (byte := self.process.stdout.read(1)) != b"\0":
            if not byte:
                raise BenchError("chromium ended")
            out += byte
        return out.decode()

    def open(self, page):
        """Seconds from the start of the navigation until the first failures are painted."""
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=page.resolve().as_uri())
        answer = self.call("Runtime.evaluate", expression=self.READY, awaitPromise=True, returnByValue=True)
        return answer["result"]["value"] / 1000


ROWS = {"report_page": report_page}
NEEDS_ENGINE = {"report_page"}
