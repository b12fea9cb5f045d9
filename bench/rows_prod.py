"""The rows about prod images: their size, and what is sent to a builder."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import samples
from measure import BenchError, Limit, Measure, capture

MEGABYTE = 1_000_000

# What a careful person writes for `ml` of the demo: packages in a stage of their own, the code, an unprivileged user.
BY_HAND = """FROM {base} AS packages
COPY wheels/ /wheels/
RUN python3 -m venv /venv && /venv/bin/pip install --no-cache-dir --no-index --find-links /wheels packaging==22.0
FROM {base}
RUN useradd --create-home app
COPY --from=packages /venv /venv
COPY code/ /src/demo/
ENV PATH=/venv/bin:$PATH PYTHONPATH=/src/demo:/src/demo/common:/src/demo/ml/src
WORKDIR /src/demo/ml
USER app
"""


def prod_size(bench, place, runs):
    """The prod image of the demo's `ml`, beside that of a hand-written multi-stage Dockerfile."""
    del runs
    repo = demo(bench, place / "wharf-bench-demo")
    capture(bench.call(repo, "image", "build", "--stage", "prod", "ml", timeout=3600))
    made = capture(bench.call(repo, "image", "ls", "--json")).stdout
    tag = next((word for word in made.split('"') if "-ml:prod-" in word), None)
    if tag is None:
        raise BenchError(f"`wharf image ls --json` lists no prod image:\n{made}")
    hand = "wharf-bench-prod-by-hand:1"
    context = by_hand(bench, repo, place / "by-hand")
    capture(bench.outside(context, bench.engine, "build", "--tag", hand, str(context), timeout=3600))
    sizes = [bytes_of(bench, place, name) for name in (tag, hand)]
    capture(bench.outside(place, bench.engine, "image", "rm", hand))
    return [Measure("prod image of the demo's `ml`", "B", sizes[:1], [Limit("ratio", 1.05)], "hand-written Dockerfile", sizes[1:])]


def demo(bench, folder):
    """The demo, without its own test run, on the base of all rows."""
    capture(bench.call(folder.parent, "demo", str(folder), "--no-run"))
    config = folder / "wharf.toml"
    text = config.read_text(encoding="utf-8").replace('name = "demo"', f'name = "{folder.name}"')
    settings = f'\n[image]\nbase = "{bench.base}"\n\n[build]\nca-certificates = "host"\n'
    config.write_text(text + settings, encoding="utf-8")
    return folder


def by_hand(bench, repo, context):
    """The hand-written Dockerfile's context: the same code, and the wheel from the package index."""
    context.mkdir()
    wheels = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--dest", str(context / "wheels")]
    done = subprocess.run([*wheels, "packaging==22.0"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"`pip download` ended with {done.returncode}: {(done.stdout + done.stderr).strip()}")
    tracked = capture(bench.outside(repo, "git", "ls-files", "-z", "--recurse-submodules")).stdout.split("\0")
    for name in filter(None, tracked):
        target = context / "code" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(repo / name, target)
    (context / "Dockerfile").write_text(BY_HAND.format(base=bench.base), encoding="utf-8")
    return context


def bytes_of(bench, place, name):
    """Size of an image."""
    return int(capture(bench.outside(place, bench.engine, "image", "inspect", "--format", "{{.Size}}", name)).stdout)


def context(bench, place, runs):
    """Bytes that are staged for the builder, for a dev image in a repo of 500 MB."""
    del runs
    repo = samples.runnable_dirs(place / "wharf-bench-context", bench.base, 1, samples.ONE_TEST)
    block = os.urandom(MEGABYTE)
    for number in range(500):
        samples.write(repo / f"data/{number:03}.bin")
        (repo / f"data/{number:03}.bin").write_bytes(block)
    temporary = place / "tmp"
    temporary.mkdir()
    call = bench.call(repo, "image", "build", "d01", timeout=3600)
    call.env = {**call.env, "TMPDIR": str(temporary)}
    largest = watched(lambda: capture(call), temporary)
    if largest == 0:
        raise BenchError("no build context was seen; was the image there already? `bench/run.py clean` removes it")
    return [Measure("build context, dev image, repo of 500 MB", "B", [largest], [Limit("largest", MEGABYTE)])]


def watched(action, folder):
    """Runs `action`; returns the most bytes that a build context in `folder` had meanwhile."""
    most, done = [0], threading.Event()

    def watch():
        while not done.wait(0.01):
            files = [file for top in folder.glob("wharf-build-*") for file in top.rglob("*")]
            most[0] = max(most[0], sum(size_of(file) for file in files))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        action()
    finally:
        done.set()
        watcher.join()
    return most[0]


def size_of(file: Path):
    """Bytes of a file, 0 for one that is gone and for a folder."""
    try:
        return file.stat().st_size if file.is_file() else 0
    except OSError:
        return 0


ROWS = {"prod": prod_size, "context": context}
NEEDS_ENGINE = {"prod", "context"}
