"""The row about registries: images fetched all at once, beside one after another."""

import contextlib
import os
import socket
import subprocess
import time

import samples
from measure import BenchError, Limit, Measure, alternate, capture, run_timed

COUNT = 12
BYTES = 4_000_000

CONFIG = """version: 0.1
log: {{level: error}}
storage:
  filesystem: {{rootdirectory: {storage}}}
http: {{addr: "{host}"}}
"""

DOCKERFILE = "FROM {base} AS base\nFROM base AS dev\nCOPY content /content\nFROM dev AS prod\n"


@contextlib.contextmanager
def registry(place):
    """A `docker-registry` on a loopback port, with its storage below `place`; gives its name."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    config = place / "registry.yml"
    samples.write(config, CONFIG.format(storage=place / "storage", host=host))
    process = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(host)
        yield host
    finally:
        process.kill()
        process.wait()


def wait_for(host):
    """Waits until something listens at `host`."""
    name, port = host.split(":")
    deadline = time.monotonic() + 30
    while True:
        with contextlib.suppress(OSError), socket.create_connection((name, int(port)), timeout=1):
            return
        if time.monotonic() > deadline:
            raise BenchError("`docker-registry` does not listen; install it with `cargo xtask engine`")
        time.sleep(0.05)


def pull(bench, place, runs):
    """`wharf image pull` of 12 images that share nothing but their base, beside the engine's own `pull`, one after another."""
    with registry(place) as host:
        name = "wharf-bench-pull"
        repo = samples.runnable_dirs(place / name, bench.base, COUNT, samples.ONE_TEST)
        toml = repo / "wharf.toml"
        toml.write_text(toml.read_text(encoding="utf-8") + f'[registry]\npull = "{host}"\npush = ["{host}"]\n', encoding="utf-8")
        names = [f"d{number:02}" for number in range(1, COUNT + 1)]
        for one in names:
            (repo / one / "devops/content").parent.mkdir(parents=True, exist_ok=True)
            (repo / one / "content").write_bytes(os.urandom(BYTES))
            samples.write(repo / one / "devops/Dockerfile", DOCKERFILE.format(base=bench.base))
        bench.ready(repo, names)
        listed = capture(bench.outside(
            repo, bench.engine, "image", "ls", "--filter", f"reference=*{name}-*", "--format", "{{.Repository}}:{{.Tag}}"))
        locals_ = {image.rsplit("/", 1)[-1].split(":")[0]: image for image in listed.stdout.split()}
        for one in names:
            capture(bench.outside(repo, bench.engine, "tag", locals_[f"{name}-{one}"], f"{name}-{one}:dev-0.1.0"))
        capture(bench.call(repo, "image", "push"))
        remote = [f"{host}/{name}-{one}:dev-0.1.0" for one in names]
        made = [*locals_.values(), *(f"{name}-{one}:dev-0.1.0" for one in names)]
        capture(bench.outside(repo, bench.engine, "image", "rm", "--force", *made))
        plain = ["--tls-verify=false"] if bench.engine == "podman" else []

        def timed(commands):
            seconds = sum(run_timed(command) for command in commands)
            capture(bench.outside(repo, bench.engine, "image", "rm", "--force", *remote))
            return seconds

        mine, peer = alternate(
            lambda: timed([bench.call(repo, "image", "pull")]),
            lambda: timed([bench.outside(repo, bench.engine, "pull", *plain, image) for image in remote]),
            runs or 3)
    return [Measure(f"`wharf image pull`, {COUNT} images", "s", mine, [Limit("faster", 2)],
                    f"`{bench.engine} pull`, one after another", peer)]


ROWS = {"pull": pull}
NEEDS_ENGINE = {"pull"}
