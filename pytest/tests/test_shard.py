"""Shares of a dir's test files: each file in exactly one, whether it is on the list or not."""

import os

import pytest

ONE = "def test_one(): pass\n"


def assigned(project, *lines):
    return project.write("shard.txt", "".join(line + "\n" for line in lines), base=project.tmp)


def shares(project, total, rests, *lines, **options):
    """The ids that each share runs."""
    found = []
    for index in range(1, total + 1):
        shard = {"index": index, "total": total, "assigned": assigned(project, *lines), "rest": rests(index)}
        run = project.run(*options.get("args", ()), settings={"shard": shard})
        assert run.status in (0, 5), run.stderr
        assert run.only("collected")["deselected"] == 0
        found.append(sorted(run.outcomes()))
    return found


@pytest.mark.parametrize("args", [[], ["-n", "2"]], ids=["plain", "xdist"])
def test_the_union_is_the_whole(project, args):
    project.write("conftest.py", "import pytest\n@pytest.fixture\ndef a(): return 1\n")
    project.write("pkg/__init__.py", "")
    project.write("pkg/conftest.py", "")
    for name in ("pkg/test_a", "pkg/test_b", "test_c", "test_new"):
        project.write(name + ".py", ONE.replace("()", "(a)"))
    listed = ["1 infra/pkg/test_a.py", "2 infra/pkg/test_b.py", "2 infra/test_c.py", "3 infra/gone.py"]
    found = shares(project, 3, lambda index: index == 3, *listed, args=args)
    assert found == [
        ["infra/pkg/test_a.py::test_one"],
        ["infra/pkg/test_b.py::test_one", "infra/test_c.py::test_one"],
        ["infra/test_new.py::test_one"],
    ]


def test_files_that_are_not_listed_go_by_hash(project):
    names = ["test_%02d" % number for number in range(12)]
    for name in names:
        project.write(name + ".py", ONE)
    found = shares(project, 3, lambda index: [index, 3], "2 infra/test_00.py")
    assert sorted(sum(found, [])) == ["infra/%s.py::test_one" % name for name in names]
    assert all(found) and "infra/test_00.py::test_one" in found[1]


def test_files_of_others_are_not_even_imported(project):
    project.write("test_a.py", ONE)
    project.write("test_broken.py", "import nothing_there\n")
    project.write("test_broken_and_new.py", "import nothing_there\n")
    listed = ["1 infra/test_a.py", "2 infra/test_broken.py"]
    shard = {"index": 1, "total": 2, "assigned": assigned(project, *listed), "rest": False}
    assert project.run(settings={"shard": shard}).outcomes() == {"infra/test_a.py::test_one": "passed"}


def test_files_named_on_the_command_line(project):
    project.write("test_a.py", ONE)
    project.write("test_b.py", ONE)
    listed = ["1 infra/test_a.py", "2 infra/test_b.py"]
    assert shares(project, 2, lambda index: False, *listed, args=["test_b.py"]) == [[], ["infra/test_b.py::test_one"]]


def test_other_than_python_files(project):
    project.write("conftest.py", """
        import pytest
        class Item(pytest.Item):
            def runtest(self): pass
        class File(pytest.File):
            def collect(self):
                yield Item.from_parent(self, name="it")
        if hasattr(pytest, "version_tuple"):
            def pytest_collect_file(file_path, parent):
                return File.from_parent(parent, path=file_path) if file_path.suffix == ".yaml" else None
        else:
            def pytest_collect_file(path, parent):
                return File.from_parent(parent, fspath=path) if path.ext == ".yaml" else None
    """)
    project.write("test_a.py", ONE)
    project.write("b.yaml", "")
    found = shares(project, 2, lambda index: index == 2, "1 infra/test_a.py")
    assert found == [["infra/test_a.py::test_one"], ["infra/b.yaml::it"]]


def test_hash(project):
    """As in spread/tests.rs."""
    shard = {"index": 1, "total": 7, "assigned": os.devnull, "rest": True}
    project.write("test_hash.py", """
        import sys
        def test_it():
            of = sys.modules["wharf_plugin"].Shard.by_hash
            shares = [[n for n in range(1, 8) if of(path, n, 7)] for path in ("a/test_a.py", "infra/tests/check_\\u00fc.py", "x.yaml", "")]
            assert shares == [[6], [7], [2], [4]]
    """)
    assert project.run(settings={"shard": shard}).outcomes() == {"infra/test_hash.py::test_it": "passed"}
