"""What chooses tests beyond pytest's own options: test lists, requirements, and the explanation of both."""

import json
import os
import socket

import pytest

TESTS = """
    import pytest
    @pytest.fixture(scope="module", autouse=True)
    def ready():
        print("fixtures were set up")
    @pytest.mark.parametrize("v", [1, "x::y"])
    def test_a(v): pass
    class TestK:
        def test_b(self): pass
        @pytest.mark.slow
        def test_c(self): pass
"""
INI = "[pytest]\nmarkers = slow: takes long\n"
WAYS = pytest.mark.parametrize("args", [[], ["-n", "2"]], ids=["plain", "xdist"])


def node(names=(), globs=(), lists=(), excluded=None):
    return {"names": dict(names), "globs": [list(glob) for glob in globs], "lists": list(lists), "not": excluded}


def lists(project, *nodes):
    return project.write("lists.json", json.dumps(nodes), base=project.tmp)


def short(ids):
    return sorted(name.split("/")[-1] for name in ids)


@WAYS
def test_lists_keep_what_they_name(project, args):
    project.write("pytest.ini", INI + "addopts = -m 'not slow'\n")
    project.write("test_a.py", TESTS)
    project.write("deep/test_b.py", TESTS)
    path = lists(
        project,
        node(lists=[1, 2]),
        node({"infra/test_a.py::test_a": 0, "infra/test_a.py::TestK::test_c": 1, "infra/gone.py": 2}),
        node(globs=[[r"infra/(?:[^/]+/)*test_b\.py(?:(?:/|::).*)?", 3]], excluded=3),
        node({"infra/deep/test_b.py::test_a[1]": 4}, globs=[[r".*::TestK(?:(?:\[|::).*)?", 5]]),
    )
    run = project.run(*args, settings={"lists": path})
    ran = ["test_a.py::test_a[1]", "test_a.py::test_a[x::y]", "test_b.py::test_a[x::y]"]
    assert short(run.outcomes()) == ran
    # A test that the markers drop is there all the same, so its entry matches; the file that is not there does not.
    assert [entry for entry in run.only("listed")["entries"] if entry < 4] == [0, 1, 3]
    assert run.only("collected")["deselected"] == 5


@pytest.mark.parametrize("name", [".", "infra", "infra/deep", "infra/deep/test_b.py", "infra/deep/test_b.py::TestK"])
def test_folders_files_and_classes_are_names(project, name):
    project.write("pytest.ini", INI)
    project.write("deep/test_b.py", TESTS)
    project.write("test_other.py", "def test_o(): pass\n")
    run = project.run(settings={"lists": lists(project, node({name: 0}))})
    count = {".": 5, "infra": 5, "infra/deep/test_b.py::TestK": 2}.get(name, 4)
    assert len(run.outcomes()) == count and run.only("listed")["entries"] == [0]


@WAYS
def test_what_is_lacking_is_skipped_before_fixtures(project, args):
    project.write("pytest.ini", "[pytest]\naddopts = --strict-markers\n")
    project.write("test_a.py", """
        import pytest
        @pytest.fixture
        def never(): raise RuntimeError("set up")
        @pytest.mark.needs_program
        def test_program(never): pass
        @pytest.mark.needs_python
        def test_python(): pass
        @pytest.mark.needs_variable
        class TestVariable:
            def test_in_class(self, never): pass
    """)
    requires = {"needs_program": "command:no-such-program", "needs_python": "command:sh", "needs_variable": "env:NO_SUCH"}
    run = project.run(*args, settings={"requires": requires})
    assert sorted(run.outcomes().values()) == ["passed", "skipped", "skipped"]
    assert run.finished("test_program")["message"] == "requires command:no-such-program, which is not here: it is not on PATH"
    assert "env:NO_SUCH, which is not here: the variable is not set" in run.finished("test_in_class")["message"]
    assert run.status == 0


@pytest.mark.parametrize("demanded", ["needs_program", "command:no-such-program", "all"])
def test_what_is_demanded_is_an_error(project, demanded):
    project.write("test_a.py", """
        import pytest
        @pytest.mark.needs_program
        def test_program(): pass
        @pytest.mark.needs_variable
        def test_variable(): pass
    """)
    requires = {"needs_program": "command:no-such-program", "needs_variable": "env:SET"}
    settings = {"requires": requires, "require": [demanded]}
    run = project.run(settings=settings, env={"SET": "1"})
    assert sorted(run.outcomes().values()) == ["error", "passed"]
    finished = run.finished("test_program")
    assert finished["phase"] == "setup" and "which is not here" in finished["message"]
    assert "Traceback" not in finished["longrepr"] and run.status == 1


def test_capabilities_are_looked_for(project):
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(5)
    port = server.getsockname()[1]
    names = [
        ("docker", "docker"), ("gone", "service:127.0.0.1:1"), ("there", "service:127.0.0.1:%d" % port),
        ("host", "service:localhost"), ("gpu", "gpu"), ("network", "network"), ("unknown", "quantum"),
    ]
    tests = "import pytest\n" + "".join("@pytest.mark.%s\ndef test_%s(): pass\n" % (name, name) for name, _ in names)
    project.write("test_a.py", tests)
    run = project.run(settings={"requires": dict(names)}, env={"DOCKER_HOST": "tcp://127.0.0.1:%d" % port})
    server.close()
    expected = {name: "passed" for name in ("docker", "there", "host")}
    expected.update(gone="skipped", unknown="skipped")
    found = {name.rpartition("test_")[2]: outcome for name, outcome in run.outcomes().items()}
    assert {name: found[name] for name in expected} == expected
    assert "it does not answer" in run.finished("test_gone")["message"]
    assert "does not know it" in run.finished("test_unknown")["message"]
    has_gpu = any(name.startswith(("nvidia0", "kfd", "dxg")) for name in os.listdir("/dev"))
    assert found["gpu"] == ("passed" if has_gpu else "skipped")


def test_an_engine_that_is_not_there(project):
    project.write("test_a.py", "import pytest\n@pytest.mark.d\ndef test_d(): pass\n")
    run = project.run(settings={"requires": {"d": "docker"}}, env={"DOCKER_HOST": "unix:///no/such.sock"})
    assert "unix:///no/such.sock does not answer" in run.finished("test_d")["message"]


def test_explain(project):
    project.write("pytest.ini", INI)
    project.write("conftest.py", """
        def pytest_collection_modifyitems(items):
            items[:] = [item for item in items if item.name != "test_b"]
    """)
    project.write("test_a.py", TESTS)
    path = lists(project, node({"infra/test_a.py::TestK": 0, "infra/test_b.py": 1}))
    settings = {
        "explain": {"id": "infra/test_a.py::TestK", "suite": "not slow", "markexpr": None, "keyword": "test_c or Other"},
        "lists": path,
        "requires": {"slow": "env:NO_SUCH"},
    }
    run = project.run("--collect-only", "test_a.py", settings=settings)
    told = {event["id"].rpartition("::")[2]: event for event in run.of("explained")}
    assert sorted(told) == ["test_b", "test_c"] and run.started() == []
    b, c = told["test_b"], told["test_c"]
    assert (b["kept"], b["suite"], b["keyword"], b["markexpr"], b["markers"], b["lacking"]) == (False, True, False, None, [], [])
    assert (c["kept"], c["suite"], c["keyword"], c["markers"]) == (True, False, True, ["slow"])
    assert c["entries"] == [0] and c["listed"] is True
    assert c["lacking"] == [["slow", "env:NO_SUCH", "the variable is not set"]]
