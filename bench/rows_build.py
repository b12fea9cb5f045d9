"""The rows about building images: nothing to do, and one dir's requirements changed."""

import itertools
import json
import os
import shutil

import samples
from measure import BenchError, Limit, Measure, alternate, capture, run_timed

DIRS = [f"d{number:02}" for number in range(1, 13)]
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


def build(bench, place, runs):
    """`wharf image build` over 12 dirs with nothing to do, and after one dir's requirements changed."""
    repo = samples.runnable_dirs(place / "wharf-bench-build", bench.base, len(DIRS), samples.ONE_TEST)
    bench.ready(repo, DIRS)
    call = bench.call(repo, "image", "build", timeout=3600)
    before = images(bench, repo)
    nothing = [run_timed(call) for _ in range(runs or 10)]
    samples.write(repo / "d01/code.py", "VALUE = 1\n")
    capture(call)
    made = [name for name, image in images(bench, repo).items() if before.get(name) != image]
    if made:
        raise BenchError(f"a change of code alone made images: {', '.join(made)}")
    note = "after a change of code alone: 0 images made"
    measures = [Measure("`wharf image build`, 12 dirs, nothing to do", "s", nothing, [Limit("median", 0.200)], notes=[note])]

    turn = itertools.count(1)
    plain = by_hand(bench, repo, place / "by-hand")

    def requirements(path):
        samples.write(path, f"{samples.PYTEST}# turn {next(turn)} of {place.name}\n")

    def mine():
        requirements(repo / "d01/requirements.txt")
        return run_timed(call)

    def theirs():
        requirements(place / "by-hand/.wharf/python/requirements.txt")
        return run_timed(plain)

    before = images(bench, repo)
    one, peer = alternate(mine, theirs, runs or 5, warm_ups=1)
    made = [name for name, image in images(bench, repo).items() if before.get(name) != image]
    if made != ["d01"]:
        raise BenchError(f"a change of d01's requirements made the images of: {', '.join(made) or 'none'}")
    measures.append(Measure("`wharf image build`, 12 dirs, one's requirements changed", "s", one, [Limit("ratio", 1.1)],
                            "plain build of the same Dockerfile", peer, ["images made: that dir's, no other"]))
    return measures


def images(bench, repo):
    """Id of the local image of each dir."""
    listed = json.loads(capture(bench.call(repo, "image", "ls", "--json")).stdout)
    return {image["dir"]: image["id"] for image in listed if image["stage"] == "local"}


def by_hand(bench, repo, context):
    """The plain build of the same Dockerfile in the same state of the builder's caches."""
    samples.write(context / "Dockerfile", capture(bench.call(repo, "image", "dockerfile", "d01")).stdout)
    secret = ["--secret", f"id=wharf-ca,src={CERTIFICATES}"] if os.path.exists(CERTIFICATES) else []
    environment = "".join(f"export {name}=/run/wharf/ca.pem\n" for name in ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE"))
    samples.write(context.parent / "environment", environment if secret else "")
    secret += ["--secret", f"id=wharf-env,src={context.parent / 'environment'}"]
    words = ["build", "--quiet", "--target", "dev", "--tag", "wharf-bench-build-by-hand:1", *secret, str(context)]
    for client in dict.fromkeys([shutil.which(bench.engine), f"/usr/bin/{bench.engine}"]):
        plain = bench.outside(context, client, *words, timeout=3600)
        plain.env = {**plain.env, "DOCKER_BUILDKIT": "1"}
        samples.write(context / ".wharf/python/requirements.txt", samples.PYTEST)
        try:
            capture(plain)
            return plain
        except BenchError as error:
            failure = error
    raise BenchError(f"no client here builds with BuildKit: {failure}")


ROWS = {"build": build}
NEEDS_ENGINE = {"build"}
