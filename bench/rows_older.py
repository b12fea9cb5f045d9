"""The rows of the table that are about the names that people typed before Wharf."""

import samples
from measure import BenchError, Limit, Measure, alternate, capture, run_timed
from rows_tasks import _environment, _repo

TASKS = 120


def invoke_list(bench, place, runs):
    """`i --list` over a `tasks.py` of 120 tasks, beside the real `invoke --list`."""
    repo = _repo(place / "wharf-bench-invoke-list", "")
    tasks = "\n\n".join(
        f"@task(aliases=['s{n}'])\ndef step_no_{n}(c, where='.', times={n}, fast=False):\n    '''Does step {n}.'''\n    c.run(f'echo {{where}} {{times}}')"
        for n in range(TASKS)
    )
    samples.write(repo / "tasks.py", f"from invoke import task\n\n\n{tasks}\n")
    link = place / "links" / "i"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(bench.wharf.resolve())
    call, real = bench.outside(repo, link, "--list"), bench.outside(repo, _environment(place, "invoke") / "invoke", "--list")
    for listing in (call, real):
        listed = capture(listing).stdout.count("step-no-")
        if listed != TASKS:
            raise BenchError(f"`{listing}` lists {listed} tasks, not {TASKS}")
    mine, theirs = alternate(lambda: run_timed(call), lambda: run_timed(real), runs or 20, warm_ups=2)
    return [Measure("`i --list`, 120 tasks", "s", mine, [Limit("median", 0.025), Limit("faster", 10)], "`invoke --list`", theirs)]


ROWS = {"invoke-list": invoke_list}
