#!/usr/bin/env python3
"""Measures Wharf beside its peers, alternately, in one run. See README.md in this folder."""

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import report
from engine import Bench, remove_images
from measure import BenchError, amount_of_runs
from rows import NEEDS_ENGINE, ROWS

HERE = Path(__file__).resolve().parent


def arguments(words):
    """What was asked for."""
    rows = "\n".join(f"  {number} {name:<9} {row.__doc__.splitlines()[0]}" for number, (name, row) in enumerate(ROWS.items(), 1))
    parser = argparse.ArgumentParser(
        prog="bench/run.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"rows, by number or name:\n{rows}\n\n  all       all of them (the default)\n  clean     remove the images that rows made")
    parser.add_argument("rows", nargs="*", metavar="ROW", help="which rows; all where none is named")
    parser.add_argument("--only", action="append", default=[], metavar="ROW", help="the same as naming the row")
    parser.add_argument("--wharf", type=Path, default=HERE.parent / "target/release/wharf", help="the binary (default: target/release/wharf)")
    parser.add_argument("--engine", choices=("docker", "podman"), default=None, help="default: docker where it is on PATH, else podman")
    parser.add_argument("--base", default=os.environ.get("WHARF_TEST_BASE", "python:3.12-slim"),
                        help="base image with Python (default: $WHARF_TEST_BASE, else python:3.12-slim)")
    parser.add_argument("--runs", type=amount_of_runs, metavar="N", help="pairs per row, after warm-up (default: by row)")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder for the JSON file (default: bench/results)")
    parser.add_argument("--keep", action="store_true", help="keep the sample repos, and say where they are")
    return parser.parse_args(words)


def chosen(names):
    """The rows that were named, in the order of the table."""
    by_number = {str(number): name for number, name in enumerate(ROWS, 1)}
    wanted = {by_number.get(name, name) for name in names}
    unknown = sorted(wanted - set(ROWS) - {"all", "clean"})
    if unknown:
        raise BenchError(f"no row `{unknown[0]}`; there are {', '.join(ROWS)}")
    return [name for name in ROWS if not wanted or "all" in wanted or name in wanted]


def measure_rows(bench, names, runs, keep):
    """Measures each row in a folder of its own; a row that fails does not stop the next. Returns results and failures."""
    results, failures = [], {}
    top = Path(tempfile.mkdtemp(prefix="wharf-bench-"))
    try:
        bench.wharf = Path(shutil.copy2(bench.wharf, top / "wharf"))
        for name in names:
            begin = time.monotonic()
            print(f"{name}: {ROWS[name].__doc__.splitlines()[0]}", file=sys.stderr, flush=True)
            place = top / name
            place.mkdir()
            try:
                results.append((name, ROWS[name](bench, place, runs)))
            except BenchError as error:
                failures[name] = str(error)
                print(f"{name}: not measured: {error}", file=sys.stderr)
            print(f"{name}: took {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
            if not keep:
                shutil.rmtree(place, ignore_errors=True)
    finally:
        if keep:
            print(f"sample repos: {top}", file=sys.stderr)
        else:
            shutil.rmtree(top, ignore_errors=True)
    return results, failures


def main(words):
    """Returns the exit code: 0 all hold, 1 one does not hold, 4 one could not be measured."""
    options = arguments(words)
    names = [*options.rows, *options.only]
    rows = chosen(names)
    engine = options.engine or ("docker" if shutil.which("docker") else "podman")
    bench = Bench(options.wharf.absolute(), engine, options.base)
    if "clean" in names:
        print("\n".join(remove_images(engine, bench.env, HERE)))
        return 0
    if not os.access(bench.wharf, os.X_OK):
        raise BenchError(f"no program at {bench.wharf}; build it with `cargo build --release`, or name one with --wharf")
    if NEEDS_ENGINE & set(rows) and not shutil.which(engine):
        raise BenchError(f"`{engine}` is not on PATH; rows {', '.join(sorted(NEEDS_ENGINE))} need it")
    about = report.machine(engine, bench.wharf)
    results, failures = measure_rows(bench, rows, options.runs, options.keep)
    print(report.markdown(results, about))
    for name, why in failures.items():
        print(f"- {name}: not measured: {why.splitlines()[0]}")
    print(f"all numbers: {report.save(results, about, failures, options.results)}", file=sys.stderr)
    if failures:
        return 4
    return 0 if all(measure.holds for _, measures in results for measure in measures) else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except BenchError as problem:
        print(f"bench: {problem}", file=sys.stderr)
        sys.exit(4)
    except KeyboardInterrupt:
        sys.exit(130)
