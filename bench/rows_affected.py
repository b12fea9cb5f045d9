"""The row of the table that is about affected tests."""

import samples
from measure import BenchError, Limit, Measure, capture, run_timed

DIRS = 12
TEST_FILES = 500
TESTS_EACH = 20
FILES = 20_000


def affected(bench, place, runs):
    """`wharf test --affected --plan` over 12 dirs with 10,000 tests in 20,000 files, all of them seen before, one module edited."""
    repo = _repo(place / "wharf-bench-affected", bench.base)
    seen = bench.call(repo, "--engine", "host", "test", "--quiet")
    capture(seen)
    edited = repo / "lib/m007.py"
    edited.write_text("VALUE = 8\n", encoding="utf-8")
    call = bench.call(repo, "test", "--affected", "--plan")
    said = capture(call)
    if f"of {TEST_FILES} test files affected" not in said.stderr:
        raise BenchError(f"`wharf test --affected --plan` says {said.stderr.strip()!r}")
    run_timed(call)
    times = [run_timed(call) for _ in range(runs or 10)]
    return [Measure("`wharf test --affected --plan`, 12 dirs, 10,000 tests, 20,000 files", "s", times, [Limit("median", 0.150)])]


def _repo(folder, base):
    if (folder / ".git").exists():
        samples.git(folder, "checkout", "--quiet", ".")
        return folder
    samples.workspace(folder, base)
    for number in range(50):
        samples.write(folder / f"lib/m{number:03}.py", f"VALUE = {number}\n")
    each = FILES // DIRS
    for number in range(DIRS):
        place = folder / f"d{number:02}"
        samples.write(place / "devops/wharf.toml")
        samples.write(place / "requirements.txt", samples.PYTEST)
        files = range(number, TEST_FILES, DIRS)
        for test in files:
            body = "".join(f"\n\ndef test_{case}():\n    assert VALUE == {test % 50}\n" for case in range(TESTS_EACH))
            samples.write(place / f"tests/test_{test:03}.py", f"from lib.m{test % 50:03} import VALUE\n{body}")
        for other in range(each - len(files)):
            samples.write(place / f"code/p{other % 40:02}/m{other:04}.py", f"NUMBER = {other}\n")
    return samples.commit(folder)


ROWS = {"affected": affected}
