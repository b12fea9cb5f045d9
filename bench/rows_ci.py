"""The row of the table that is about CI's workflows."""

import samples
from measure import BenchError, Limit, Measure, alternate, capture, run_timed

DIRS = 100
CI = '\n[ci]\ninstall = "true {version}"\n'


def check(bench, place, runs):
    """`wharf ci generate gitlab --check` over 100 dirs, whose jobs all stand in the file, beside `git status`."""
    repo = samples.runnable_dirs(place / "wharf-bench-ci", bench.base, DIRS, samples.ONE_TEST)
    config = repo / "wharf.toml"
    config.write_text(config.read_text() + CI)
    capture(bench.call(repo, "ci", "generate", "gitlab", "--force"))
    capture(bench.call(repo, "ci", "generate", "github", "--force"))
    jobs = (repo / ".gitlab-ci.yml").read_text().count('- "wharf test --dir ')
    if jobs != DIRS * 3:
        raise BenchError(f"the workflow has {jobs} jobs, not {DIRS * 3}")
    measures = []
    status = bench.outside(repo, "git", "status")
    for provider in ("github", "gitlab"):
        call = bench.call(repo, "ci", "generate", provider, "--check")
        mine, peer = alternate(lambda call=call: run_timed(call), lambda: run_timed(status), runs or 20, warm_ups=2)
        measures.append(Measure(f"`wharf ci generate {provider} --check`, 100 dirs", "s", mine, [Limit("median", 0.100)], "`git status`", peer))
    return measures


ROWS = {"ci": check}
