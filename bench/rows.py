"""The rows of the table: what is measured, beside what, and what it must be."""

import importlib
import itertools
import pathlib
import shutil
import time

import samples
from engine import Starts, read_report
from measure import BenchError, Limit, Measure, alternate, capture, peak_memory, run_timed

MEGABYTE = 1_000_000


def listing(bench, place, runs):
    """`wharf --version` and `wharf ls` with 10 dirs, beside `invoke --list` with 30 imports."""
    repo = samples.runnable_dirs(place / "wharf-bench-listing", bench.base, 10, samples.ONE_TEST)
    tasks = place / "invoke-tasks"
    invoke = bench.outside(tasks, samples.task_file(tasks), "--list")
    tasks_shown = capture(invoke).stdout.count("step-")
    if tasks_shown != samples.OWN * 8:
        raise BenchError(f"`invoke --list` shows {tasks_shown} tasks, not {samples.OWN * 8}")
    measures = []
    for words, most in ((["--version"], 0.010), (["ls"], 0.025)):
        call = bench.call(repo, *words)
        mine, peer = alternate(lambda call=call: run_timed(call), lambda: run_timed(invoke), runs or 20, warm_ups=3)
        notes = hyperfine_note(bench, call)
        measures.append(Measure(
            f"`wharf {words[0]}`, 10 dirs", "s", mine, [Limit("median", most), Limit("faster", 40)],
            "`invoke --list`, 30 imports", peer, notes))
    return measures


def hyperfine_note(bench, call):
    """What hyperfine says of the same command, where it is installed: a check of this script's own clock."""
    if not shutil.which("hyperfine"):
        return []
    said = capture(bench.outside(
        call.cwd, "hyperfine", "--shell=none", "--warmup=3", "--runs=30", "--export-csv=/dev/stdout", "--style=none", str(call)))
    for line in said.stdout.splitlines():
        cells = line.rsplit(",", 7)
        if len(cells) == 8 and cells[0] != "command":
            return [f"hyperfine says {float(cells[3]) * 1000:.1f} ms, median of 30"]
    return []


def scale(bench, place, runs):
    """`wharf ls` over 1,000 runnable dirs among 100,000 files, beside `git status`."""
    repo = samples.many_files(place / "wharf-bench-scale", bench.base)
    listed = capture(bench.call(repo, "ls", "--json")).stdout.count('"path"')
    if listed < 1000:
        raise BenchError(f"`wharf ls --json` lists {listed} dirs, not 1,000")
    ls, status = bench.call(repo, "ls"), bench.outside(repo, "git", "status")
    mine, peer = alternate(lambda: run_timed(ls), lambda: run_timed(status), runs or 10, warm_ups=2)
    return [Measure("`wharf ls`, 1,000 dirs, 100,000 files", "s", mine, [Limit("ratio", 1.0)], "`git status`", peer)]


def run(bench, place, runs):
    """`wharf run D -- true`, beside the plain `docker run --rm` with the same mounts, user, folder and environment."""
    repo = samples.runnable_dirs(place / "wharf-bench-run", bench.base, 1, samples.ONE_TEST)
    bench.ready(repo, ["d01"])
    call, plain = bench.call(repo, "run", "d01", "--", "true"), bench.plain_run(repo, "d01", "true")
    mine, peer = alternate(lambda: run_timed(call), lambda: run_timed(plain), runs or 20, warm_ups=2)
    return [Measure("`wharf run D -- true`", "s", mine, [Limit("ratio", 1.10)], f"plain `{bench.engine} run --rm`", peer)]


def tests(bench, place, runs):
    """`wharf test` of one dir with 5,000 empty tests, beside plain pytest in the same container."""
    repo = samples.runnable_dirs(place / "wharf-bench-tests", bench.base, 1, samples.empty_tests(5000))
    bench.ready(repo, ["d01"])
    bench.check_tests(repo, place / "report", 5000)
    call = bench.call(repo, "test", "--no-cache", "--dir", "d01")
    plain = bench.plain_run(repo, "d01", "python", "-m", "pytest")
    mine, peer = alternate(lambda: run_timed(call), lambda: run_timed(plain), runs or 7)
    return [Measure("`wharf test`, 5,000 empty tests", "s", mine, [Limit("ratio", 1.05)], "plain pytest, same container", peer)]


def parallel(bench, place, runs):
    """12 dirs of which each sleeps 3 s, `-j 6`, beside the serial loop."""
    repo = samples.runnable_dirs(place / "wharf-bench-parallel", bench.base, 12, samples.SLEEPING)
    names = [f"d{number:02}" for number in range(1, 13)]
    bench.ready(repo, names)
    bench.check_tests(repo, place / "report", 12)
    call = bench.call(repo, "test", "--no-cache", "-j", "6")
    loop = [bench.plain_run(repo, name, "python", "-m", "pytest") for name in names]
    mine, peer = alternate(
        lambda: run_timed(call), lambda: sum(run_timed(one) for one in loop), runs or 3, warm_ups=0)
    return [Measure("12 dirs that sleep 3 s, `-j 6`", "s", mine, [Limit("faster", 4)], "serial loop", peer)]


def noop(bench, place, runs):
    """Time before the first container starts, when all images are there.

    The engine says when a container started, which is after it made one. So the peer is a plain `docker run --rm` of the same
    container, timed in the same way, and the difference is what Wharf took before it asked. One container at a time
    (`-j 1`), since several at once slow each other down inside the engine.
    """
    repo = samples.runnable_dirs(place / "wharf-bench-noop", bench.base, 12, samples.ONE_TEST)
    bench.ready(repo, [f"d{number:02}" for number in range(1, 13)])
    bench.check_tests(repo, place / "report", 12)
    waited, numbers = [], itertools.count(1)
    plain = bench.plain_run(repo, "d01", "python", "-m", "pytest")
    starts = Starts(bench.engine, bench.env)

    def until_start(command):
        begin = time.time()
        run_timed(command)
        return starts.first_after(begin) - begin

    def subject():
        reports = place / f"report-{next(numbers)}"
        seconds = until_start(bench.call(repo, "test", "--no-cache", "-j", "1", "--report-dir", reports))
        waited.append(min(entry["waited"] for entry in read_report(reports)["dirs"]))
        return seconds

    try:
        starts.wait_until_listening(lambda: run_timed(plain))
        mine, peer = alternate(subject, lambda: until_start(plain), runs or 7)
    finally:
        starts.close()
    note = f"by its own report, `wharf test` waited {sorted(waited)[len(waited) // 2] * 1000:.0f} ms for the first container (median)"
    return [Measure("no-op `wharf test`, 12 dirs, to first start", "s", mine, [Limit("difference", 0.150)],
                    f"plain `{bench.engine} run`, to start", peer, [note])]


def memory(bench, place, runs):
    """Peak memory of `wharf` while 12 dirs stream 100,000 test events (two for each test: started, finished)."""
    each = 4167
    repo = samples.runnable_dirs(place / "wharf-bench-memory", bench.base, 12, samples.empty_tests(each))
    bench.ready(repo, [f"d{number:02}" for number in range(1, 13)])
    bench.check_tests(repo, place / "report", 12 * each)
    call = bench.call(repo, "test", "--no-cache", "-j", "12", timeout=1800)
    peaks = [peak_memory(call) for _ in range(runs or 3)]
    return [Measure("memory, 12 dirs, 100,008 events", "B", peaks, [Limit("largest", 60 * MEGABYTE)],
                    notes=["the process of `wharf` alone, without the engine's clients"])]


def size(bench, place, runs):
    """Size of the release binary."""
    del place, runs
    path = bench.wharf.resolve()
    notes = ["this is a debug build; the limit is meant for a release build"] if "/debug/" in str(path) else []
    return [Measure("release binary", "B", [path.stat().st_size], [Limit("largest", 15 * MEGABYTE)], notes=notes)]


ROWS = {"listing": listing, "scale": scale, "run": run, "tests": tests, "parallel": parallel, "noop": noop, "memory": memory, "size": size}
NEEDS_ENGINE = {"run", "tests", "parallel", "noop", "memory"}

# Each other area has a file of its own, with its `ROWS` and, where some need one, `NEEDS_ENGINE`.
for path in sorted(pathlib.Path(__file__).parent.glob("rows_*.py")):
    module = importlib.import_module(path.stem)
    ROWS.update(module.ROWS)
    NEEDS_ENGINE |= getattr(module, "NEEDS_ENGINE", set())
