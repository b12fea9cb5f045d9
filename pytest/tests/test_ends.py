"""Tests that do not end well: timeouts, crashes, dead workers."""

import sys

import pytest

BOTH = pytest.mark.parametrize("args", [[], ["-n", "2"]], ids=["plain", "xdist"])


@BOTH
def test_soft_timeout(project, args):
    project.write("test_a.py", """
        import time, threading, pytest
        @pytest.fixture
        def slow_setup(): time.sleep(60)
        @pytest.fixture
        def slow_teardown():
            yield
            time.sleep(60)
        def test_call():
            print("begins")
            time.sleep(60)
        def test_setup(slow_setup): pass
        def test_teardown(slow_teardown): pass
        def test_loop():
            while True: pass
        def test_lock(): threading.Event().wait()
        def test_except():
            try: time.sleep(60)
            except Exception: pass
        def test_swallow():
            try: time.sleep(60)
            except BaseException: pass
            time.sleep(60)
        def test_fine(): time.sleep(0.1)
        def test_after(): pass
    """)
    run = project.run(*args, settings={"timeout": 0.4, "grace": 2})
    found = {name.split("test_")[-1]: outcome for name, outcome in run.outcomes().items()}
    names = ["call", "setup", "teardown", "loop", "lock", "except", "swallow"]
    assert found == dict({name: "timed_out" for name in names}, fine="passed", after="passed")
    call = run.finished("::test_call")
    assert call["phase"] == "call" and "timed out after 0.4 s" in call["message"]
    assert "time.sleep(60)" in call["longrepr"] and "on_alarm" not in call["longrepr"]
    assert ["Captured stdout call", "begins\n"] in call["sections"]
    assert run.finished("::test_setup")["phase"] == "setup" and run.finished("::test_teardown")["phase"] == "teardown"
    assert 0.3 < call["duration"] < 1.5
    assert run.only("done")["exitstatus"] == 1


STUCK = """
    import signal, threading, time
    def test_before(): pass
    def test_stuck():
        print("said before")
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
        time.sleep(60)
    def test_after(): pass
"""


def test_hard_timeout(project):
    project.write("test_a.py", STUCK)
    run = project.run(settings={"timeout": 0.5, "grace": 0.5}, within=20)
    base = "infra/test_a.py::"
    assert run.outcomes() == {base + "test_before": "passed", base + "test_stuck": "timed_out"}
    assert run.status == 124 and run.of("done") == [] and run.seconds < 10
    event = run.finished("::test_stuck")
    assert event["phase"] == "call" and "time.sleep(60)" in event["longrepr"] and event["line"] == 4
    assert ["Captured stdout", "said before\n"] in event["sections"]


def test_hard_timeout_in_a_worker(project):
    project.write("test_a.py", STUCK)
    run = project.run("-n", "2", settings={"timeout": 0.5, "grace": 0.5}, within=30)
    base = "infra/test_a.py::"
    assert run.outcomes() == {base + "test_before": "passed", base + "test_stuck": "timed_out", base + "test_after": "passed"}
    assert "time.sleep(60)" in run.finished("::test_stuck")["longrepr"]
    assert run.only("done")["counts"] == {"passed": 2, "timed_out": 1}


def test_stacks_reach_stderr_even_when_python_gets_no_turn(project):
    project.write("test_a.py", """
        import ctypes, signal
        def test_gil():
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
            ctypes.PyDLL(None).sleep(3)  # unlike CDLL, holds the interpreter's lock
    """)
    run = project.run(settings={"timeout": 0.5, "grace": 0.5}, within=20)
    assert "test_gil" in run.stderr and "Timeout (" in run.stderr


def test_timeout_leaves_the_tests_own_alarm_alone(project):
    project.write("test_a.py", """
        import signal, time, faulthandler, threading, warnings, os, multiprocessing
        def test_no_extra_threads(): assert threading.active_count() == 1
        def test_alarm():
            hit = []
            signal.signal(signal.SIGALRM, lambda *_: hit.append(1))
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            time.sleep(0.2)
            assert hit
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
        def test_masked_signal_stays_pending():
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
            os.kill(os.getpid(), signal.SIGUSR1)
            time.sleep(0.05)
            assert signal.SIGUSR1 in signal.sigpending()
            assert signal.sigwait([signal.SIGUSR1]) == signal.SIGUSR1
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])
        def test_faulthandler():
            with open("dump", "w") as file:
                faulthandler.dump_traceback_later(0.05, file=file)
                time.sleep(0.2)
                faulthandler.cancel_dump_traceback_later()
            assert open("dump").read()
        def test_handler_is_the_default_again(): pass
    """)
    project.write("conftest.py", """
        import signal
        before = signal.getsignal(signal.SIGALRM)
        def pytest_sessionfinish():
            assert signal.getsignal(signal.SIGALRM) == before
            assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    """)
    for timeout in (None, 10):
        run = project.run(settings={"timeout": timeout})
        assert set(run.outcomes().values()) == {"passed"} and run.status == 0


def test_forks_under_a_timeout_warn_no_more_than_without(project):
    project.write("test_a.py", """
        import os, multiprocessing, time
        def test_fork():
            for _ in range(30):
                pid = os.fork()
                if pid == 0: os._exit(0)
                assert os.waitpid(pid, 0)[1] == 0
        def child(): pass
        def test_multiprocessing():
            process = multiprocessing.get_context("fork").Process(target=child)
            process.start()
            process.join()
            assert process.exitcode == 0
        def test_timeout_still_works():
            pid = os.fork()
            if pid == 0: os._exit(0)
            os.waitpid(pid, 0)
            time.sleep(60)
    """)
    run = project.run("-W", "error", settings={"timeout": 1.5})
    assert [o for o in run.outcomes().values()] == ["passed", "passed", "timed_out"]


def test_hard_timeout_after_a_fork(project):
    project.write("test_a.py", """
        import os, signal, time
        def test_stuck():
            pid = os.fork()
            if pid == 0: os._exit(0)
            os.waitpid(pid, 0)
            time.sleep(0.1)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
            time.sleep(60)
    """)
    run = project.run(settings={"timeout": 0.5, "grace": 0.5}, within=20)
    assert run.outcomes() == {"infra/test_a.py::test_stuck": "timed_out"} and run.status == 124


def test_timeout_is_per_attempt_of_a_rerun(project):
    project.write("test_a.py", """
        import os, time
        def test_r():
            time.sleep(0.6)
            first = not os.path.exists("ran")
            open("ran", "w").close()
            assert not first
        def test_s(): time.sleep(60)
    """)
    run = project.run("--reruns", "1", settings={"timeout": 1.0, "grace": 5})
    assert run.finished("::test_r")["flaky"] is True
    late = run.finished("::test_s")
    assert (late["outcome"], late["reruns"]) == ("timed_out", 1)


@pytest.mark.parametrize("how, status", [("os._exit(7)", 7), ("os.kill(os.getpid(), signal.SIGSEGV)", -11)])
def test_crash(project, how, status):
    project.write("test_a.py", """
        import os, signal
        def test_a(): pass
        def test_b(): %s
        def test_c(): pass
    """ % how)
    run = project.run()
    assert run.status == status
    assert run.started() == ["infra/test_a.py::test_a", "infra/test_a.py::test_b"]
    assert run.outcomes() == {"infra/test_a.py::test_a": "passed"} and run.of("done") == []


def test_worker_crash(project):
    project.write("test_a.py", """
        import os, pytest
        @pytest.mark.parametrize("v", range(8))
        def test_a(v):
            if v == 3: os._exit(1)
    """)
    run = project.run("-n", "2")
    found = run.outcomes()
    assert found.pop("infra/test_a.py::test_a[3]") == "crashed"
    assert set(found.values()) == {"passed"} and len(found) == 7
    event = run.finished("[3]")
    assert "crashed" in event["message"] and event["worker"] in ("gw0", "gw1") and event["phase"] is None
    assert run.only("done")["counts"] == {"passed": 7, "crashed": 1}


@BOTH
def test_last_started_test_is_known_at_once(project, args):
    """What a killed container leaves behind: `started` must not wait in a buffer."""
    project.write("test_a.py", """
        import os, signal, time
        def test_a(): pass
        def test_b():
            time.sleep(0.3)
            os.kill(os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid(), signal.SIGKILL)
            time.sleep(1)
    """)
    run = project.run(*args)
    assert run.status == -9 and "infra/test_a.py::test_b" in run.started()
    assert "infra/test_a.py::test_b" not in run.outcomes()


def test_pdb_disables_timeouts(project):
    project.write("test_a.py", "import time\ndef test_a(): time.sleep(0.6)\n")
    run = project.run("--pdb", settings={"timeout": 0.1, "grace": 0.1})
    assert run.outcomes() == {"infra/test_a.py::test_a": "passed"}


if sys.version_info < (3, 7):
    del test_forks_under_a_timeout_warn_no_more_than_without  # no fork hooks, and no such warning either
