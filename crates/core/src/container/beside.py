"""Runs pytest in a prod image, which has none: what only tests need lies beside the image and counts last.

Arguments: the folder of the code, how many test files it should hold, then pytest's own.
"""

import os
import runpy
import sys

PLUGIN, BESIDE = "/opt/wharf/plugin", "/opt/wharf/beside"


def has_tests(folder):
    names = (name for _, _, files in os.walk(folder) for name in files)
    return any(name.endswith(".py") and (name.startswith("test") or name[:-3].endswith("_test")) for name in names)


def main():
    folder, expected = sys.argv[1], int(sys.argv[2])
    try:
        os.chdir(folder)
        empty = not os.listdir(".")
    except OSError:
        empty = True
    if empty:
        sys.exit("wharf: the image has no code at " + folder)
    if expected and not has_tests("."):
        sys.exit("wharf: the image has no test files below " + folder)
    # As `python -m pytest` has it; the image's own packages stand before what is added.
    sys.path[0] = os.getcwd()
    sys.path.extend(path for path in (PLUGIN, BESIDE) if path not in sys.path)
    sys.argv = ["pytest"] + sys.argv[3:]
    runpy.run_module("pytest", run_name="__main__", alter_sys=True)


main()
