"""Coverage: what a session tells of it, with xdist, with pytest-cov, with what the project has set, and without the package."""

import pytest

BOTH = pytest.mark.parametrize("args", [[], ["-n", "2"]], ids=["plain", "xdist"])
MEASURED = {"coverage": True}

CODE = """\
def choose(x):
    if x:
        return 1
    return 2
"""
TESTS = """\
import code_here
def test_one(): assert code_here.choose(1) == 1
def test_two(): assert code_here.choose(2) == 1
"""


def write(project):
    project.write("code_here.py", CODE)
    project.write("unused.py", "x = 1\n")
    project.write("nested/devops/wharf.toml", "")
    project.write("nested/other.py", "x = 1\n")
    project.write("test_a.py", TESTS)
    project.write("conftest.py", "import os\n")


def covered(run):
    return {event["path"]: event for event in run.of("covered")}


@BOTH
def test_all_below_the_root_and_files_that_nothing_imports(project, args):
    write(project)
    project.write("lib.py", "y = 1\n", base=project.root)
    project.write("test_b.py", "import sys; sys.path.insert(0, '..')\nimport lib\ndef test_lib(): assert lib.y\n")
    run = project.run(*args, settings=MEASURED)
    assert run.status == 0
    found = covered(run)
    assert sorted(found) == [
        "infra/code_here.py", "infra/conftest.py", "infra/test_a.py", "infra/test_b.py", "infra/unused.py", "lib.py",
    ]
    assert (found["infra/code_here.py"]["hit"], found["infra/code_here.py"]["missed"]) == ("1-3", "4")
    assert (found["infra/unused.py"]["hit"], found["infra/unused.py"]["missed"]) == ("", "1")
    assert found["infra/conftest.py"]["hit"] == "1"
    told = run.only("coverage")
    assert told["tool"].startswith("coverage ") and told["branch"] is False
    assert run.events[-1]["event"] == "done"


@BOTH
def test_the_projects_settings_hold(project, args):
    write(project)
    project.write(".coveragerc", "[run]\nbranch = true\nsource = .\nomit = unused.py,test_*\n[report]\nomit = conftest.py\nfail_under = 100\n")
    run = project.run(*args, settings=MEASURED)
    assert run.status == 0
    found = covered(run)
    assert "infra/code_here.py" in found and "infra/unused.py" not in found and "infra/test_a.py" not in found
    assert found["infra/code_here.py"]["branches"] == [[2, 2, [4]]]
    assert run.only("coverage")["branch"] is True


@BOTH
def test_pytest_cov_is_left_to_measure(project, args):
    write(project)
    run = project.run("--cov=.", "--cov-report=", *args, settings=MEASURED)
    assert run.status == 0
    assert covered(run)["infra/code_here.py"]["missed"] == "4"
    assert run.only("coverage")["tool"] == "pytest-cov"


def test_switched_off_or_not_there(project):
    write(project)
    run = project.run("--cov=.", "--no-cov", settings=MEASURED)
    assert run.only("coverage")["missing"] == "`--no-cov` switches it off"
    project.write("hidden/coverage.py", "raise ImportError('none')\n")
    import os

    path = os.pathsep.join([os.path.join(project.cwd, "hidden"), os.path.dirname(os.path.dirname(os.path.abspath(__file__)))])
    run = project.run(settings=MEASURED, env={"PYTHONPATH": path})
    assert run.status == 0 and run.of("covered") == []
    assert run.only("coverage") == dict(run.only("coverage"), missing="`coverage` is not installed in its image", install=True)


def test_nothing_is_left_and_nothing_is_measured_unasked(project, tmp_path):
    import os

    write(project)
    project.write("test_c.py", "import os, sys\ndef test_cwd(tmp_path): os.chdir(str(tmp_path))\n")
    place = os.path.join(str(tmp_path), "temporary")
    os.mkdir(place)
    run = project.run(settings=MEASURED, env={"TMPDIR": place})
    assert covered(run)["infra/code_here.py"]["missed"] == "4"
    assert [name for name in os.listdir(place) if "coverage" in name] == []
    assert [name for name in os.listdir(project.cwd) if name.startswith(".coverage")] == []
    project.write("test_d.py", "import sys\ndef test_unasked(): assert 'wharf_coverage' not in sys.modules and 'coverage' not in sys.modules\n")
    run = project.run()
    assert run.status == 0 and run.of("coverage") == []
