"""The stream itself: sizes, noise, nested sessions, being inert, failing inside."""

import gc
import json
import os
import re
import subprocess
import sys

import pytest


def test_huge_longrepr_comes_in_parts_and_is_cut(project):
    project.write("test_a.py", """
        def test_big():
            print("y" * 100_000)
            raise ValueError("<begin>" + "\\U0001F600" + "x" * 1_000_000 + "<end>")
        def test_medium():
            raise ValueError("<begin>" + "\\"" * 20_000 + "<end>")
    """)
    run = project.run()
    big = run.finished("::test_big")
    assert len(big["longrepr"].encode("utf-8")) <= 256 * 1024 and "left out here" in big["longrepr"]
    assert "test_big" in big["longrepr"] and "<end>" in big["longrepr"]
    assert len(big["message"]) <= 500 and big["message"].startswith("ValueError: <begin>")
    section = dict(big["sections"])["Captured stdout call"]
    assert len(section) <= 64 * 1024 and "left out here" in section
    assert '"' * 20000 in run.finished("::test_medium")["longrepr"]


@pytest.mark.parametrize("capture", ["-s", "--capture=fd", "--capture=sys"])
def test_noise_on_standard_output(project, capture):
    project.write("test_a.py", """
        import os, sys
        def test_binary():
            os.write(1, bytes(range(256)) * 3)
        def test_separator():
            print("\\x1e", "\\x1e{}", '\\x1e{"wharf":"other","event":"done"}')
            sys.stdout.write("no newline \\x1e")
            sys.stdout.flush()
        def test_million():
            print("z" * 1_000_000)
            sys.stdout.flush()
        def test_surrogate():
            assert "\\udc80 \\U0001F600" == ""
        def test_closed_output():
            os.close(1)
            os.open(os.devnull, os.O_WRONLY)
    """)
    run = project.run(capture, "-k", "not closed" if capture == "--capture=fd" else "test")
    base = "infra/test_a.py::"
    found = run.outcomes()
    assert found.pop(base + "test_surrogate") == "failed"
    assert set(found.values()) == {"passed"} and len(found) >= 3
    assert run.only("done")["exitstatus"] == 1
    if capture == "-s":
        assert bytes(range(30)) in run.output and b"z" * 1000 in run.output


def test_without_the_variable_it_is_inert(project):
    project.write("test_a.py", "def test_a(): pass\n")
    run = project.run(env={"WHARF_PLUGIN": None})
    assert run.status == 0 and run.events == [] and b"\x1e" not in run.stdout and b"1 passed" in run.stdout


def test_with_nonsense_in_the_variable_it_is_inert(project):
    project.write("test_a.py", "def test_a(): pass\n")
    for text in ("nonsense", "{}", '{"nonce":1,"root":2}'):
        run = project.run(env={"WHARF_PLUGIN": text})
        assert run.status == 0 and run.events == [] and "WHARF_PLUGIN is not understood" in run.stderr


def test_variable_is_gone_for_tests_and_children(project):
    project.write("test_a.py", """
        import os, subprocess, sys
        def test_a():
            assert "WHARF_PLUGIN" not in os.environ
            code = "import os; assert 'WHARF_PLUGIN' not in os.environ"
            assert subprocess.call([sys.executable, "-c", code]) == 0
        def test_output_is_not_inherited():
            code = "import os; print(sorted(map(int, os.listdir('/proc/self/fd'))))"
            found = subprocess.check_output([sys.executable, "-c", code], close_fds=False)
            assert max(eval(found.decode())) < 100
    """)
    for args in ([], ["-n", "1"]):
        assert set(project.run(*args).outcomes().values()) == {"passed"}


def test_sessions_inside_a_test_are_silent(project):
    project.write("inner/test_inner.py", "def test_inner(): assert 0\n")
    project.write("conftest.py", "pytest_plugins = ['pytester']\n")
    project.write("test_a.py", """
        import pytest
        def test_main():
            assert pytest.main(["-p", "wharf_plugin", "inner"]) == 1
            assert pytest.main(["inner"]) == 1
        def test_pytester(testdir):
            testdir.makepyfile("def test_x(): pass")
            testdir.runpytest_inprocess("-p", "wharf_plugin").assert_outcomes(passed=1)
            testdir.runpytest_subprocess("-p", "wharf_plugin").assert_outcomes(passed=1)
        def test_after(): pass
    """)
    run = project.run("test_a.py", env={"PYTEST_ADDOPTS": "-p wharf_plugin"})
    assert [name.split("::")[1] for name in run.outcomes()] == ["test_main", "test_pytester", "test_after"]
    assert set(run.outcomes().values()) == {"passed"}
    run.only("session"), run.only("collected"), run.only("done")


def test_forked_children_have_no_say(project):
    project.write("test_a.py", """
        import os
        def test_a():
            pid = os.fork()
            if pid == 0:
                raise RuntimeError("the child runs on through pytest")
            os.waitpid(pid, 0)
        def test_b(): pass
    """)
    run = project.run("-s")
    assert run.outcomes() == {"infra/test_a.py::test_a": "passed", "infra/test_a.py::test_b": "passed"}
    run.only("done")


def test_failure_inside_the_plugin_is_a_problem_not_a_verdict(project):
    project.write("conftest.py", """
        import pytest
        def pytest_configure(config):
            plugin = config.pluginmanager.getplugin("wharf-session")
            def broken(*_): raise RuntimeError("broken inside")
            plugin.begin = broken
            plugin.report_collected = broken
    """)
    project.write("test_a.py", "def test_a(): pass\n")
    run = project.run(problems=True)
    assert run.status == 0 and b"1 passed" in run.output
    assert any("broken inside" in event["message"] for event in run.of("problem"))


def test_missing_select_file_is_a_problem(project):
    project.write("test_a.py", "def test_a(): pass\n")
    run = project.run(settings={"select": "/no/such/file"}, problems=True)
    assert run.status == 0 and "/no/such/file" in run.of("problem")[0]["message"]


def test_project_plugins_that_rewrite_reports(project):
    project.write("conftest.py", """
        import pytest
        @pytest.hookimpl(hookwrapper=True)
        def pytest_runtest_makereport(item, call):
            outcome = yield
            report = outcome.get_result()
            if report.failed:
                report.longrepr = None
        class Odd:
            def toterminal(self, out): raise RuntimeError("cannot be shown")
            def __str__(self): raise RuntimeError("cannot be shown")
    """)
    project.write("test_a.py", "def test_a(): assert 0\n")
    run = project.run()
    assert run.outcomes() == {"infra/test_a.py::test_a": "failed"}


def test_reader_that_is_slow_or_gone(project):
    project.write("test_a.py", """
        import pytest
        @pytest.mark.parametrize("v", range(400))
        def test_a(v): assert v % 10, "x" * 2000
    """)
    script = """
import fcntl, os, subprocess, sys
read, write = os.pipe()
fcntl.fcntl(write, fcntl.F_SETFL, fcntl.fcntl(write, fcntl.F_GETFL) | os.O_NONBLOCK)
child = subprocess.Popen([sys.executable, "-m", "pytest", "-p", "wharf_plugin", "-q", "--no-header", "--tb=no"], stdout=write)
os.close(write)
import time; time.sleep(1)
while True:
    piece = os.read(read, 65536)
    if not piece: break
    os.write(1, piece)
    time.sleep(0.001)
sys.exit(child.wait())
"""
    env = dict(os.environ, PYTHONPATH=os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    env["WHARF_PLUGIN"] = json.dumps({"nonce": "n", "root": project.root, "select": None, "timeout": None, "grace": 1})
    found = subprocess.Popen([sys.executable, "-c", script], cwd=project.cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out = found.communicate()[0]
    from stream import Stream

    stream = Stream(out, "n")
    assert len(stream.outcomes()) == 400 and stream.only("done")["counts"] == {"passed": 360, "failed": 40}

    gone = subprocess.Popen([sys.executable, "-m", "pytest", "-p", "wharf_plugin", "-q", "--junitxml=out.xml"], cwd=project.cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    gone.stdout.close()
    gone.stderr.read()
    gone.wait()


def test_a_plugin_that_fails_at_the_end_hides_nothing(project):
    project.write("conftest.py", """
        import pytest
        @pytest.hookimpl(hookwrapper=True)
        def pytest_sessionfinish():
            yield
            raise OSError("no more room to write")
    """)
    project.write("test_a.py", "def test_a(): pass\n")
    run = project.run()
    assert run.outcomes() == {"infra/test_a.py::test_a": "passed"}
    assert run.stream.only("done")["counts"] == {"passed": 1}


def test_the_header_is_said_once_and_only_when_given(project):
    project.write("test_a.py", """
        import subprocess, sys
        def test_nested(tmp_path):
            (tmp_path / "test_b.py").write_text("def test_b(): pass")
            found = subprocess.check_output([sys.executable, "-m", "pytest", str(tmp_path)])
            assert b"wharf: image" not in found
    """)
    assert b"wharf: image" not in project.run().output
    for header in (None, "", 7):
        assert b"wharf: image" not in project.run(settings={"header": header}).output
    run = project.run(settings={"header": "wharf: image h-infra:dev-1.4.0"})
    assert run.output.count(b"wharf: image h-infra:dev-1.4.0\n") == 1 and run.status == 0


@pytest.mark.parametrize("args", [(), ("-v",), ("-q", "--color=yes"), ("-s",), ("-x",)])
@pytest.mark.parametrize("buffered", ["", "1"])
def test_the_terminal_report_is_pytests_own(project, args, buffered):
    for name in ("a", "b"):
        project.write("test_%s.py" % name, """
            import pytest
            @pytest.mark.parametrize("n", range(75))
            def test_n(n):
                print("out")
                assert n not in (3, 74)
            @pytest.mark.xfail
            def test_x(): assert 0
            def test_s(): pytest.skip("no")
        """)
    env = {"PYTHONUNBUFFERED": buffered or None}
    mine = project.run(*args, env=env)
    plain = project.run(*args, env=dict(env, WHARF_PLUGIN=None))

    def text(run):
        return re.sub(r" in [0-9.]+s", "", run.output.decode("utf-8"))

    assert text(mine) == text(plain)
    assert len(mine.of("finished")) == (4 if args == ("-x",) else 154)


def test_letters_before_a_crash_are_there(project):
    project.write("test_a.py", """
        import os
        def test_1(): pass
        def test_2(): assert 0
        def test_3(): os._exit(9)
    """)
    run = project.run(env={"PYTHONUNBUFFERED": "1"})
    assert run.status == 9 and b"test_a.py .F" in run.output


def test_the_garbage_collector_is_as_the_project_left_it(project):
    asks = """
        import gc, weakref
        USUAL = %s
        class Ring: pass
        ring = Ring(); ring.me = ring
        gone = weakref.ref(ring)
        del ring
        def test_threshold():
            assert gc.isenabled() and gc.get_threshold() == USUAL
        def test_what_collection_left_is_collected():
            assert (gc.get_freeze_count() > 1000) == FROZEN
            gc.collect()
            assert gone() is None
    """
    if not hasattr(gc, "freeze"):
        asks = asks.replace("assert (gc.get_freeze_count() > 1000) == FROZEN", "")
    usual = gc.get_threshold()
    project.write("test_a.py", asks % (usual,) + "\n        FROZEN = False\n")
    assert set(project.run().outcomes().values()) == {"passed"}
    project.write("conftest.py", "import gc\ngc.set_threshold(123, 4, 5)\n")
    project.write("test_a.py", asks % ((123,) + gc_after(123),) + "\n        FROZEN = False\n")
    assert set(project.run().outcomes().values()) == {"passed"}
    if hasattr(gc, "freeze"):  # the project's own frozen objects stay so
        project.write("conftest.py", "import gc\ngc.freeze()\n")
        project.write("test_a.py", asks % (usual,) + "\n        FROZEN = True\n")
        assert set(project.run().outcomes().values()) == {"passed"}


def gc_after(first):
    """The rest of the threshold as this Python reads it back."""
    before = gc.get_threshold()
    gc.set_threshold(first, 4, 5)
    try:
        return gc.get_threshold()[1:]
    finally:
        gc.set_threshold(*before)
