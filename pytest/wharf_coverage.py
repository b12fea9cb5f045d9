"""Measures the coverage of a pytest session for Wharf's pytest plugin, which imports this file only where it is asked to.

Owns: starting `coverage`, gathering what this process, xdist's workers and measured child processes saw, telling it line by line
in events. Refuses: to merge several dirs, to judge a number, to write anywhere but to a temporary folder of its own.

How it works. Where the project's own options switch pytest-cov on, that is left to measure, and its result is told. Else the
`coverage` package is started here, before any conftest.py is imported, with the project's own settings for it (`.coveragerc`,
`pyproject.toml`, `setup.cfg`, `tox.ini`, `COVERAGE_RCFILE`). Where these name no sources, everything below the workspace's
root is measured, and files of the dir that nothing imported count as missed. Each worker of xdist measures itself into the
same temporary folder. Data goes to Wharf as events, so nothing needs a place that can be written to, near or far.

Standard library and `coverage` from 5.0 on, CPython 3.6 or newer.
"""

import os
import shutil
import sys
import tempfile

import pytest

LEFT_OUT = {"devops", "node_modules", "__pycache__"}
QUIET = ["no-data-collected", "module-not-imported", "module-not-measured", "already-imported", "module-not-python"]


def begin(settings, config, stream):
    """Starts to measure, in the session's own process. Gives the plugin to register; what is missing is told at once."""
    cwd = os.getcwd()
    known = config.known_args_namespace
    if getattr(known, "cov_source", None):
        if getattr(known, "no_cov", False):
            stream.event("coverage", missing="`--no-cov` switches it off")
            return None
        settings["by"] = "pytest-cov"
        return Borrowed(config, settings, stream, cwd)
    try:
        import coverage
    except ImportError:
        stream.event("coverage", missing="`coverage` is not installed in its image", install=True)
        return None
    version = coverage.__version__
    if int(version.split(".")[0]) < 5:
        stream.event("coverage", missing="coverage %s is too old, it must be 5.0 or newer" % version, install=True)
        return None
    settings["folder"] = tempfile.mkdtemp(prefix="wharf-coverage-")
    # For child processes that start to measure by themselves (coverage, "Measuring sub-processes").
    os.environ["COVERAGE_FILE"] = data_file(settings)
    return Own(measure(settings), settings, stream, cwd)


def data_file(settings):
    return os.path.join(settings["folder"], "data")


def option(cov, name):
    """A setting of the project's, or None; older versions do not know all names."""
    try:
        return cov.get_option(name)
    except Exception:
        return None


def measure(settings):
    import coverage

    cov = coverage.Coverage(data_file=data_file(settings), data_suffix=True)
    cov.set_option("run:disable_warnings", list(option(cov, "run:disable_warnings") or []) + QUIET)
    if names_sources(cov):
        settings["named"] = True
    else:
        roots = {settings["root"], os.path.realpath(settings["root"])}
        cov.set_option("run:include", [os.path.join(root, "*") for root in sorted(roots)])
        away = [os.path.join(path, "*") for path in {sys.prefix, sys.exec_prefix}]
        cov.set_option("run:omit", list(option(cov, "run:omit") or []) + away)
    cov.start()
    return cov


def names_sources(cov):
    return any(option(cov, "run:" + name) for name in ("source", "source_pkgs", "source_dirs", "include"))


def stop(cov):
    cov.stop()
    cov.save()


class Worker:
    """Measures in a worker of xdist; its data lies in the common folder."""

    def __init__(self, settings):
        self.cov = measure(settings)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self):
        stop(self.cov)


class Teller:
    """Tells what was measured, once, at the session's end."""

    def __init__(self, settings, stream, cwd):
        self.settings = settings
        self.stream = stream
        self.cwd = cwd
        self.told = False

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self):
        if self.told:
            return
        self.told = True
        try:
            before = os.getcwd()
        except OSError:
            before = None
        try:
            os.chdir(self.cwd)
            self.finish()
        except Exception as error:
            self.stream.event("coverage", missing="it could not be gathered: %s: %s" % (type(error).__name__, error))
        finally:
            if before is not None:
                os.chdir(before)
            if self.settings.get("folder"):
                shutil.rmtree(self.settings["folder"], ignore_errors=True)

    def tell(self, cov, by, omit=None):
        branch = bool(option(cov, "run:branch")) or cov.get_data().has_arcs()
        for path, found in sorted(self.report(cov, omit).items()):
            inside = self.inside(path)
            if inside:
                self.stream.event("covered", path=inside, **lines(found, cov, path))
        self.stream.event("coverage", tool=by, branch=branch)

    def report(self, cov, omit):
        """`coverage json`: its form is documented, that of the data file is not."""
        import json

        handle, name = tempfile.mkstemp(prefix="wharf-coverage-", suffix=".json")
        os.close(handle)
        try:
            try:
                cov.json_report(outfile=name, ignore_errors=True, omit=omit)
            except Exception as error:
                if "No data to report" in str(error):
                    return {}
                raise
            with open(name, encoding="utf-8") as file:
                return json.load(file)["files"]
        finally:
            os.remove(name)

    def inside(self, path):
        """A path as seen from the workspace's root; None for what is not in it."""
        full = os.path.normpath(os.path.join(self.cwd, path))
        for root in (self.settings["root"], os.path.realpath(self.settings["root"])):
            root = root.rstrip(os.sep) + os.sep
            if full.startswith(root):
                return full[len(root):].replace(os.sep, "/")
        return None


class Borrowed(Teller):
    """Tells what pytest-cov measured, as the project's own options want it."""

    def __init__(self, config, settings, stream, cwd):
        Teller.__init__(self, settings, stream, cwd)
        self.config = config

    def finish(self):
        controller = getattr(self.config.pluginmanager.getplugin("_cov"), "cov_controller", None)
        cov = getattr(controller, "cov", None)
        if cov is None:
            self.stream.event("coverage", missing="pytest-cov measured nothing")
            return
        self.tell(cov, "pytest-cov")


class Own(Teller):
    """Measures by itself."""

    def __init__(self, cov, settings, stream, cwd):
        Teller.__init__(self, settings, stream, cwd)
        self.cov = cov

    def finish(self):
        import coverage

        stop(self.cov)
        merged = coverage.Coverage(data_file=data_file(self.settings))
        merged.set_option("run:disable_warnings", list(option(merged, "run:disable_warnings") or []) + QUIET)
        merged.combine()
        data = merged.get_data()
        if not self.settings.get("named") and (data.measured_files() or data.has_arcs()):
            seen = {os.path.realpath(path) for path in data.measured_files()}
            for path in python_files(self.cwd):
                if os.path.realpath(path) not in seen:
                    data.touch_file(path)
        omit = list(option(merged, "run:omit") or []) + list(option(merged, "report:omit") or [])
        self.tell(merged, "coverage %s" % coverage.__version__, omit or None)


def python_files(top):
    """The dir's own Python files: not those of runnable dirs, repos and environments inside of it."""
    for folder, folders, files in os.walk(top):
        folders[:] = [
            name for name in folders
            if name not in LEFT_OUT and not name.startswith(".") and not is_other(os.path.join(folder, name))
        ]
        for name in files:
            if name.endswith(".py"):
                yield os.path.join(folder, name)


def is_other(folder):
    return any(os.path.exists(os.path.join(folder, name)) for name in ("devops", ".git", "pyvenv.cfg"))


def lines(found, cov, path):
    """The lines of one file, as text, and its branches: line, how many there are, where those that were not taken go."""
    hit = set(found["executed_lines"]) - set(found.get("excluded_lines", ()))
    told = {"hit": ranges(hit), "missed": ranges(found["missing_lines"])}
    branches = {}
    if "missing_branches" in found:
        for start, _end in found.get("executed_branches", ()):
            branches.setdefault(start, [0, []])[0] += 1
        for start, end in found["missing_branches"]:
            entry = branches.setdefault(start, [0, []])
            entry[0] += 1
            entry[1].append(end)
    elif found["summary"].get("num_branches"):
        # Before 6.5 the report has only their number.
        analysis = cov._analyze(os.path.abspath(path))
        missing = analysis.missing_branch_arcs()
        for start, (total, _taken) in analysis.branch_stats().items():
            branches[start] = [total, sorted(missing.get(start, ()))]
    if branches:
        told["branches"] = [[start, total, ends] for start, (total, ends) in sorted(branches.items())]
    return told


def ranges(numbers):
    """`1-3,7` for 1, 2, 3 and 7."""
    out = []
    for number in sorted(numbers):
        if out and number == out[-1][1] + 1:
            out[-1][1] = number
        else:
            out.append([number, number])
    return ",".join(str(first) if first == last else "%d-%d" % (first, last) for first, last in out)
