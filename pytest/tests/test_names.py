"""Files of the workspace that are called like some of the standard library or of pytest."""

import sys

import pytest
from test_reads import record


@pytest.mark.parametrize("name", ["linecache.py", "inspect.py", "traceback.py", "warnings.py", "_pytest/x.py", "pluggy/x.py", "importlib/metadata/x.py"])
def test_who_asks_is_known_by_its_place_not_by_its_name(project, name):
    """`QUIET`, and `linecache` where a file is opened: these are quiet in the library alone."""
    project.write("odd/" + name, """
        import os
        def ask(path):
            with open(path) as file:
                file.read()
            return os.path.exists(path + ".not"), os.listdir(os.path.dirname(path))
    """)
    project.write("data/some.txt", "1")
    project.write("test_a.py", """
        import importlib.util, os
        here = os.path.dirname(os.path.abspath(__file__))
        spec = importlib.util.spec_from_file_location("odd_one", os.path.join(here, "odd", {0!r}))
        odd = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(odd)
        def test_a():
            assert not odd.ask(os.path.join(here, "data/some.txt"))[0]
    """.format(name))
    run, seen = record(project)
    assert run.status == 0, run.stdout
    assert "infra/data/some.txt" in seen.of("test_a.py")
    assert "infra/data/some.txt.not" in seen.of("test_a.py", "absent")
    assert "infra/data" in seen.of("test_a.py", "listed")


@pytest.mark.parametrize("name", ["os.py", "pathlib.py", "glob.py", "fnmatch.py", "tokenize.py"])
def test_what_stands_between_does_so_in_the_library_alone(project, name):
    """`BETWEEN`: with one of the workspace as the last one that asks, it is the workspace that asks."""
    project.write("odd/" + name, """
        import linecache, os
        def ask(path):
            return os.path.exists(path)
    """)
    project.write("test_a.py", """
        import importlib.util, os
        here = os.path.dirname(os.path.abspath(__file__))
        spec = importlib.util.spec_from_file_location("odd_one", os.path.join(here, "odd", {0!r}))
        odd = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(odd)

        def pytest_like(path):
            return odd.ask(path)
        # Called by code that is quiet, as a hook of pytest is.
        quiet = {{}}
        exec(compile("def call(f, path): return f(path)", "/lib/_pytest/hook.py", "exec"), quiet)

        def test_a():
            assert not quiet["call"](odd.ask, os.path.join(here, "none.txt"))
    """.format(name))
    run, seen = record(project)
    assert run.status == 0, run.stdout
    assert "infra/none.txt" in seen.of("test_a.py", "absent")


@pytest.mark.parametrize("name", ["uuid.py", "platform.py", "ctypes/util.py"])
def test_a_program_that_the_workspace_starts_may_read_anything(project, name):
    project.write("odd/" + name, """
        import subprocess
        def ask():
            return subprocess.check_output(["env", "sh", "-c", "echo 1"])
    """)
    project.write("test_a.py", """
        import importlib.util, os
        here = os.path.dirname(os.path.abspath(__file__))
        spec = importlib.util.spec_from_file_location("odd_one", os.path.join(here, "odd", {0!r}))
        odd = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(odd)
        def test_a():
            assert odd.ask() == b"1\\n"
    """.format(name))
    run, seen = record(project)
    assert run.status == 0, run.stdout
    assert seen.of("test_a.py", "everything"), sys.version
