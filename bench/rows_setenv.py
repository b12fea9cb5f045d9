"""The row of the table that is about the set-up of shells."""

import samples
from measure import BenchError, Limit, Measure, alternate, capture, run_timed

SETENV = '\n[setenv]\nDATA = "${ROOT}/data"\nMODEL = "${DATA}/model"\npath = ["bin"]\n'


def setenv(bench, place, runs):
    """`wharf setenv` among 100,000 files, as a shell asks for it at its start, beside a plain `bash -c true`."""
    repo = samples.many_files(place / "wharf-bench-setenv", bench.base)
    config = repo / "wharf.toml"
    config.write_text(config.read_text() + SETENV)
    call = bench.call(repo, "setenv", "--shell", "bash")
    if f"export MODEL='{repo.resolve()}/data/model'" not in capture(call).stdout:
        raise BenchError("`wharf setenv` does not set what the configuration states")
    shell = bench.outside(repo, "bash", "-c", "true")
    mine, peer = alternate(lambda: run_timed(call), lambda: run_timed(shell), runs or 30, warm_ups=3)
    return [Measure("`wharf setenv`, 100,000 files", "s", mine, [Limit("median", 0.015)], "`bash -c true`", peer)]


ROWS = {"setenv": setenv}
