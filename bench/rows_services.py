"""The rows of the table that are about services."""

import samples
from measure import BenchError, Command, Limit, Measure, alternate, capture, run_timed

SERVICE = """
[python]
manager = "none"
[run]
services = ["web"]
[services.web]
image = "{base}"
command = ["python3", "-m", "http.server", "8000"]
ready = "tcp:8000"
"""
# The same look as Wharf's, once every 20 ms.
LOOK = "until cat /proc/net/tcp | grep -q ':1F40 0*:0000 0A '; do sleep 0.02; done"


def services(bench, place, runs):
    """`wharf run` with a service beside the plain engine's commands: network, service until ready, command, and removal of both."""
    repo = place / "wharf-bench-services"
    samples.workspace(repo, bench.base)
    samples.write(repo / "app/devops/wharf.toml", SERVICE.format(base=bench.base))
    samples.commit(repo)
    bench.ready(repo, ["app"])
    subject = bench.call(repo, "run", "app", "--", "true")
    network, name = "wharf-bench-plain", "wharf-bench-plain-web"

    def outside(*words):
        return Command([bench.engine, *words], repo, bench.env)

    image = capture(bench.call(repo, "image", "ls", "--json")).stdout
    if '"reference"' not in image:
        raise BenchError("`wharf image ls` names no image of the sample")
    reference = image.split('"reference": "')[1].split('"')[0]
    steps = [
        outside("network", "create", network),
        outside("run", "--detach", "--name", name, "--network", network, "--network-alias", "web", bench.base,
                "python3", "-m", "http.server", "8000"),
        outside("exec", name, "sh", "-c", LOOK),
        outside("run", "--rm", "--network", network, reference, "true"),
        outside("rm", "--force", "--volumes", name),
        outside("network", "rm", network),
    ]
    capture(subject)
    mine, plain = alternate(lambda: run_timed(subject), lambda: sum(run_timed(step) for step in steps), runs or 10)
    return [Measure("`wharf run` with a service", "s", mine, [Limit("ratio", 1.20)], "the plain engine's six commands", plain)]


ROWS = {"services": services}
NEEDS_ENGINE = {"services"}
