"""The rows of the table that are about known verdicts."""

import samples
from measure import BenchError, Limit, Measure, alternate, capture, run_timed

DIRS = 12
FILES = 42  # test files a dir: about 500 in all
EACH = 20  # tests a file: about 10,000 in all
MODULES = 40  # of the repo, which each test file imports a part of


def known(bench, place, runs):
    """`wharf test` over 12 dirs and 10,080 tests in 504 files whose verdicts are all known, beside the run of all of them."""
    repo = _repo(place / "wharf-bench-known", bench.base)
    bench.ready(repo, [f"d{number:02}" for number in range(1, DIRS + 1)])
    call, whole = bench.call(repo, "test"), bench.call(repo, "test", "--no-cache", timeout=1800)
    capture(bench.call(repo, "test", timeout=1800))
    said = capture(call).stdout
    if f"{DIRS * FILES * EACH} cached" not in said.replace(",", ""):
        raise BenchError(f"not all {DIRS * FILES * EACH} tests are known:\n{said[-2000:]}")
    mine, peer = alternate(lambda: run_timed(call), lambda: run_timed(whole), runs or 3, warm_ups=1)
    return [Measure(f"`wharf test`, {DIRS * FILES * EACH:,} tests, all known", "s", mine,
                    [Limit("median", 0.300), Limit("faster", 50)], "`wharf test --no-cache`", peer)]


def _repo(folder, base):
    samples.workspace(folder, base)
    for number in range(MODULES):
        before = f"from lib import m{number - 1:02}\n" if number % 5 else ""
        samples.write(folder / f"lib/m{number:02}.py", f"{before}VALUE = {number}\n")
    samples.write(folder / "lib/__init__.py")
    for number in range(1, DIRS + 1):
        place = folder / f"d{number:02}"
        samples.write(place / "devops/wharf.toml")
        samples.write(place / "requirements.txt", samples.PYTEST)
        samples.write(place / "conftest.py", "import lib\n")
        for file in range(FILES):
            uses = "".join(f"import lib.m{(file + step) % MODULES:02}\n" for step in (0, 7, 19))
            samples.write(place / f"tests/test_{place.name}_{file:02}.py", uses + samples.empty_tests(EACH))
    return samples.commit(folder)


ROWS = {"known": known}
NEEDS_ENGINE = {"known"}
