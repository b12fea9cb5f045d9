"""Collection: what is selected, deselected, broken, and how ids are written."""

import os

import pytest

THREE = """
    import pytest
    @pytest.mark.parametrize("v", [1, 2])
    def test_a(v): pass
    class TestK:
        def test_b(self): pass
        def test_c(self): pass
    @pytest.mark.slow
    def test_slow(): pass
"""
INI = "[pytest]\nmarkers = slow: takes long\n"


def short(ids):
    return [name.split("/")[-1] for name in ids]


@pytest.mark.parametrize("args", [[], ["-n", "2"]], ids=["plain", "xdist"])
def test_select(project, args):
    project.write("pytest.ini", INI + "addopts = -m 'not slow'\n")
    project.write("test_a.py", THREE)
    project.write("test_b.py", THREE)
    project.write("test_c.py", THREE)
    path = project.select(
        "infra/test_a.py::test_a[2]", "infra/test_a.py::TestK", "infra/test_b.py", "infra/test_c.py::test_a",
        "infra/test_a.py::test_slow", "infra/test_a.py::test_gone", "infra/gone.py",
    )
    run = project.run(*args, settings={"select": path}, problems=True)
    expected = ["test_a.py::test_a[2]", "test_a.py::TestK::test_b", "test_a.py::TestK::test_c"]
    expected += ["test_b.py::test_a[1]", "test_b.py::test_a[2]", "test_b.py::TestK::test_b", "test_b.py::TestK::test_c"]
    expected += ["test_c.py::test_a[1]", "test_c.py::test_a[2]"]
    assert short(run.listed()) == expected
    assert sorted(short(run.outcomes())) == sorted(expected)
    collected = run.only("collected")
    assert (collected["count"], collected["deselected"], collected["selected_out"]) == (9, 3, 3)
    assert run.only("done")["deselected"] == 3
    assert b"3 deselected" in run.output or args
    problem = run.only("problem")
    assert problem["kind"] == "unmatched"
    assert problem["ids"] == ["infra/gone.py", "infra/test_a.py::test_gone"]


@pytest.mark.parametrize("args", [[], ["-n", "2"]], ids=["plain", "xdist"])
def test_deselection_is_the_users_own(project, args):
    project.write("pytest.ini", INI + "addopts = -m 'not slow' -q\n")
    project.write("test_a.py", THREE)
    run = project.run("-k", "not test_b", *args)
    collected = run.only("collected")
    assert (collected["count"], collected["deselected"], collected["selected_out"]) == (3, 2, 0)
    assert run.only("done")["deselected"] == 2 and len(run.outcomes()) == 3
    assert run.only("session")["xdist"] == (2 if args else 0)


def test_select_with_loadgroup(project):
    project.write("test_a.py", """
        import pytest
        @pytest.mark.xdist_group("g")
        def test_a(): pass
        @pytest.mark.xdist_group("g")
        def test_b(): pass
    """)
    path = project.select("infra/test_a.py::test_a")
    run = project.run("-n", "2", "--dist", "loadgroup", settings={"select": path})
    assert run.outcomes() == {"infra/test_a.py::test_a": "passed"}


def test_nothing_collected(project):
    run = project.run()
    assert run.status == 5 and run.only("done")["exitstatus"] == 5
    assert run.only("collected")["count"] == 0 and run.of("items") == []


def test_many_items_come_in_chunks(project):
    project.write("test_a.py", """
        import pytest
        @pytest.mark.parametrize("v", ["x" * 50 + str(i) for i in range(300)] + ["y" * 5000])
        def test_a(v): pass
    """)
    run = project.run()
    assert len(run.of("items")) > 4 and run.listed() == run.started()
    assert len(run.listed()) == 301 and run.only("done")["counts"] == {"passed": 301}


@pytest.mark.parametrize("args", [[], ["-n", "2"]], ids=["plain", "xdist"])
def test_collection_error_and_module_skip(project, args):
    project.write("test_bad.py", "import no_such_module_at_all\n")
    project.write("test_syntax.py", "def (\n")
    project.write("test_skip.py", "import pytest\npytest.skip('not here', allow_module_level=True)\n")
    project.write("test_ok.py", "def test_ok(): pass\n")
    run = project.run("--continue-on-collection-errors", *args)
    errors = {event["id"]: event["longrepr"] for event in run.of("collect_error")}
    assert sorted(errors) == ["infra/test_bad.py", "infra/test_syntax.py"]
    assert "no_such_module_at_all" in errors["infra/test_bad.py"]
    skip = run.only("collect_skip")
    assert (skip["id"], skip["reason"]) == ("infra/test_skip.py", "not here")
    assert run.outcomes() == {"infra/test_ok.py": "passed"} or run.outcomes() == {"infra/test_ok.py::test_ok": "passed"}
    assert run.only("done")["exitstatus"] == run.status == 1


def test_unmatched_spares_files_that_do_not_import(project):
    project.write("test_bad.py", "raise RuntimeError('no')\n")
    project.write("test_ok.py", "def test_ok(): pass\n")
    path = project.select("infra/test_bad.py::test_x", "infra/test_ok.py::test_ok")
    run = project.run("--continue-on-collection-errors", settings={"select": path})
    assert run.outcomes() == {"infra/test_ok.py::test_ok": "passed"}


def test_broken_conftest_at_startup(project):
    project.write("conftest.py", "raise RuntimeError('conftest is broken')\n")
    project.write("test_a.py", "def test_a(): pass\n")
    run = project.run()
    event = run.only("collect_error")
    assert event["id"] == "infra/conftest.py" and "conftest is broken" in event["longrepr"]
    assert run.status != 0 and run.outcomes() == {}


def test_broken_conftest_below(project):
    project.write("sub/conftest.py", "raise RuntimeError('conftest is broken')\n")
    project.write("sub/test_a.py", "def test_a(): pass\n")
    run = project.run(problems=True)
    told = run.of("collect_error") + run.of("problem")
    assert told and "conftest is broken" in str(told) and run.status not in (0, 5)
    assert run.only("done")["exitstatus"] == run.status


def test_a_file_that_is_not_there(project):
    run = project.run("no_such_file.py")
    assert run.status == 4 and run.only("done")["exitstatus"] == 4


def test_rootdir_above_root(project):
    os.remove(os.path.join(project.cwd, "pytest.ini"))
    project.write("pytest.ini", "[pytest]\n", base=project.tmp)
    project.write("test_a.py", "def test_a(): pass\n")
    project.write("test_out.py", "def test_o(): pass\n", base=project.tmp)
    run = project.run(".", os.path.join(project.tmp, "test_out.py"))
    assert run.outcomes() == {"infra/test_a.py::test_a": "passed", "test_out.py::test_o": "passed"}
    assert run.only("session")["rootdir"] == project.tmp


def test_root_given_through_a_symlink(project):
    link = os.path.join(project.tmp, "link")
    os.symlink(project.root, link)
    project.write("test_a.py", "def test_a(): pass\n")
    run = project.run(settings={"root": link})
    assert run.outcomes() == {"infra/test_a.py::test_a": "passed"}


def test_collect_only(project):
    project.write("test_a.py", THREE)
    project.write("pytest.ini", INI)
    run = project.run("--collect-only", "-q")
    assert len(run.listed()) == 5 and run.started() == [] and run.only("done")["exitstatus"] == 0
