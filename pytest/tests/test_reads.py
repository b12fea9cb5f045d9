"""What test files are seen to depend on."""

import os
import sys

import pytest


class Seen:
    """The reads of each test file, put together from units as the reader does."""

    def __init__(self, run):
        self.units = {}
        for event in run.of("units"):
            for unit in event["units"]:
                self.units[event["of"], unit["n"]] = unit
        self.files = {}
        self.complete = {}
        counts = {}
        for event in run.of("reads"):
            sums = self.files.setdefault(event["file"], {})
            left, done = list(event["uses"]), set()
            while left:
                number = left.pop()
                if number in done:
                    continue
                done.add(number)
                unit = self.units[event["of"], number]
                left += unit.get("u", [])
                for kind, value in unit.items():
                    if kind in ("network", "everything"):
                        sums[kind] = True
                    elif kind not in ("n", "u"):
                        sums.setdefault(kind, set()).update(value)
            count = counts.setdefault(event["file"], [0, 0, False])
            count[0] = max(count[0], event["collected"])
            count[1] += event["ran"]
            count[2] = count[2] or event["partial"]
        for name, (collected, ran, partial) in counts.items():
            self.complete[name] = ran >= collected and not partial

    def of(self, file, kind="opened"):
        return self.files["infra/" + file].get(kind, False if kind in ("network", "everything") else set())


def record(project, *args, **options):
    options.setdefault("settings", {})["record"] = True
    env = options.setdefault("env", {})
    env.setdefault("PYTHONPATH", os.pathsep.join([os.path.dirname(os.path.dirname(os.path.abspath(__file__))), project.root]))
    run = project.run(*args, **options)
    return run, Seen(run)


def test_without_the_setting_nothing_is_recorded(project):
    project.write("test_a.py", """
        import builtins, os, sys
        def test_a():
            assert not any(name in sys.modules for name in ("wharf_install", "wharf_watch", "wharf_reads"))
    """)
    run = project.run()
    assert run.outcomes() == {"infra/test_a.py::test_a": "passed"}
    assert run.of("reads") == [] and run.of("units") == []


def test_imports_at_any_remove_also_of_what_is_loaded_already(project):
    project.write("lib/__init__.py", "", base=project.root)
    project.write("lib/a.py", "from . import b\n", base=project.root)
    project.write("lib/b.py", "from lib.c import X\n", base=project.root)
    project.write("lib/c.py", "X = open(__file__.replace('c.py', 'c.txt')).read()\n", base=project.root)
    project.write("lib/c.txt", "c", base=project.root)
    project.write("lib/d.py", "", base=project.root)
    project.write("lib/dynamic.py", "", base=project.root)
    project.write("space/one.py", "", base=project.root)
    project.write("test_a.py", "import lib.a\ndef test_a(): pass\n")
    project.write("test_b.py", "def test_b():\n    from lib import b\n")
    project.write("test_c.py", """
        import importlib
        def test_c():
            importlib.import_module("lib.dynamic")
            import space.one
            try:
                import lib.gone
            except ImportError:
                pass
            try:
                import nowhere_at_all
            except ImportError:
                pass
    """)
    project.write("test_d.py", "def test_d(): import lib.d, json\n")
    run, seen = record(project)
    assert run.status == 0
    chain = {"lib/__init__.py", "lib/b.py", "lib/c.py", "lib/c.txt"}
    assert seen.of("test_a.py") == chain | {"lib/a.py", "infra/test_a.py", "infra/pytest.ini"}
    assert seen.of("test_b.py") == chain | {"infra/test_b.py", "infra/pytest.ini"}
    assert seen.of("test_c.py") == {"lib/__init__.py", "lib/dynamic.py", "space/one.py", "infra/test_c.py", "infra/pytest.ini"}
    assert {"lib", "lib.dynamic", "lib.gone", "space", "space.one", "nowhere_at_all"} <= seen.of("test_c.py", "modules")
    assert "space/__init__.py" in seen.of("test_c.py", "absent")
    assert seen.of("test_d.py") == {"lib/__init__.py", "lib/d.py", "infra/test_d.py", "infra/pytest.ini"}
    assert "json" in seen.of("test_d.py", "modules") and not any(name.startswith("json.") for name in seen.of("test_d.py", "modules"))
    for name in ("test_a.py", "test_b.py", "test_c.py", "test_d.py"):
        assert {"infra", "."} <= seen.of(name, "roots")
        assert not seen.of(name, "everything") and not seen.of(name, "network") and not seen.of(name, "listed")
        assert {"infra/conftest.py", "infra/pytest.toml", "infra/.pytest.ini"} - {"infra/conftest.py"} <= seen.of(name, "absent")
        assert "infra/conftest.py" in seen.of(name, "absent")
    again, same = record(project)  # with compiled code now
    assert same.files == seen.files and same.complete == dict.fromkeys(seen.complete, True)


def test_files_folders_and_what_is_missing(project):
    for name in ("data/a.txt", "data/b.txt", "data/c.txt", "data/d.txt", "more/x", "data/stat.txt"):
        project.write(name, "x")
    os.symlink("data", os.path.join(project.cwd, "link"))
    project.write("test_a.py", """
        import os, pathlib, sqlite3
        HERE = os.path.dirname(os.path.abspath(__file__))
        def test_a():
            open(os.path.join(HERE, "data/a.txt")).close()
            with open("link/b.txt", "rb") as file:
                assert file.read()
            os.close(os.open("data/c.txt", os.O_RDONLY))
            assert pathlib.Path("data", "d.txt").read_text()
            assert not os.path.exists("none.toml") and not pathlib.Path("none/none").is_file()
            assert not os.access("none.acc", os.R_OK)
            assert os.listdir("more") == ["x"]
            assert list(pathlib.Path("data").glob("*.txt"))
            assert os.stat("data/stat.txt").st_size
            try:
                open("gone.txt")
            except OSError:
                pass
            try:
                sqlite3.connect("file:gone.db?mode=ro", uri=True)
            except sqlite3.OperationalError:
                pass
            assert os.path.isdir("/tmp") and open("/etc/passwd").read()
    """)
    run, seen = record(project)
    assert run.outcomes() == {"infra/test_a.py::test_a": "passed"}
    names = ["a.txt", "b.txt", "c.txt", "d.txt", "stat.txt"]
    assert seen.of("test_a.py") == {"infra/data/" + name for name in names} | {"infra/link", "infra/test_a.py", "infra/pytest.ini"}
    assert {"infra/" + name for name in ("none.toml", "none/none", "none.acc", "gone.txt")} <= seen.of("test_a.py", "absent")
    assert ("infra/gone.db" in seen.of("test_a.py", "absent")) == (sys.version_info >= (3, 8))
    assert seen.of("test_a.py", "listed") == {"infra/more", "infra/data"}


def test_what_a_test_wrote_itself_is_no_dependency(project):
    project.write("old.txt", "old")
    project.write("log.txt", "old")
    project.write("test_a.py", """
        import os
        def test_a():
            with open("new.txt", "w") as file:
                file.write("x")
            assert open("new.txt").read()
            os.mkdir("made")
            with open("made/tmp", "w") as file:
                file.write("x")
            os.rename("made/tmp", "made/final")
            assert open("made/final").read() and os.listdir("made") and not os.path.exists("made/none")
            with open("log.txt", "a") as file:
                file.write("x")
        def test_reads_then_writes():
            assert open("old.txt").read() == "old"
            with open("old.txt", "w") as file:
                file.write("new")
            assert open("log.txt").read()
    """)
    run, seen = record(project)
    assert run.status == 0
    assert seen.of("test_a.py") == {"infra/old.txt", "infra/log.txt", "infra/test_a.py", "infra/pytest.ini"}
    assert seen.of("test_a.py", "listed") == set()
    assert not any("made" in name for name in seen.of("test_a.py", "absent"))


def test_wider_fixtures_count_for_those_who_use_them(project):
    for name in "session module class dynamic nested function".split():
        project.write("data/%s.txt" % name, name)
    project.write("conftest.py", """
        import pytest
        def text(name):
            return open("data/%s.txt" % name).read()
        @pytest.fixture(scope="session")
        def session():
            return text("session")
        @pytest.fixture(scope="session")
        def nested(session):
            yield text("nested")
        @pytest.fixture(scope="session")
        def dynamic():
            return text("dynamic")
        @pytest.fixture
        def function():
            return text("function")
    """)
    project.write("test_a.py", "def test_a(session): pass\ndef test_f(function): pass\n")
    project.write("test_b.py", "def test_b(session): pass\n")
    project.write("test_c.py", "def test_c(nested): pass\n")
    project.write("test_d.py", "def test_d(): pass\n")
    project.write("test_e.py", "def test_e(request): request.getfixturevalue('dynamic')\n")
    run, seen = record(project)
    assert run.status == 0

    def data(name):
        return {path[len("infra/data/"):-4] for path in seen.of(name) if path.startswith("infra/data/")}

    assert data("test_a.py") == {"session", "function", "dynamic"}
    assert data("test_b.py") == {"session", "dynamic"}
    assert data("test_c.py") == {"session", "nested", "dynamic"}
    assert data("test_d.py") == {"dynamic"}  # nobody can know who asks for it by name
    assert all("infra/conftest.py" in seen.of(name) for name in ("test_a.py", "test_d.py"))


def test_conftests_count_for_what_is_below_them(project):
    for place in ("", "one/", "two/"):
        project.write(place + "conftest.py", "import os, helper_%s\n" % (place.strip("/") or "top"))
        project.write("helper_%s.py" % (place.strip("/") or "top"), "open(__file__).close()\n", base=project.root)
    project.write("one/test_a.py", "def test_a(): pass\n")
    project.write("two/deep/test_b.py", "def test_b(): pass\n")
    run, seen = record(project)
    assert run.status == 0
    assert {"infra/conftest.py", "infra/one/conftest.py", "helper_top.py", "helper_one.py"} <= seen.of("one/test_a.py")
    assert {"infra/conftest.py", "infra/two/conftest.py", "helper_top.py", "helper_two.py"} <= seen.of("two/deep/test_b.py")
    assert "helper_two.py" not in seen.of("one/test_a.py") and "infra/two/conftest.py" not in seen.of("one/test_a.py")
    assert "infra/two/deep/conftest.py" in seen.of("two/deep/test_b.py", "absent")
    assert "infra/conftest.py" not in seen.of("one/test_a.py", "absent")


def test_plugins_of_the_repo_count_for_all(project):
    project.write("own_plugin.py", "import pytest, plugin_data\n", base=project.root)
    project.write("plugin_data.py", "", base=project.root)
    project.write("other_plugin.py", "", base=project.root)
    project.write("conftest.py", "pytest_plugins = ['other_plugin']\ndef pytest_configure(config):\n    open('set.txt').close()\n")
    project.write("set.txt", "x")
    project.write("test_a.py", "def test_a(): pass\n")
    run, seen = record(project, "-p", "own_plugin")
    assert run.status == 0
    assert {"own_plugin.py", "plugin_data.py", "other_plugin.py", "infra/set.txt"} <= seen.of("test_a.py")


KEEPERS = {
    "lru_cache": """
        import functools
        @functools.lru_cache(maxsize=None)
        def load():
            return open("kept.txt").read()
    """,
    "global": """
        KEPT = None
        def load():
            global KEPT
            if KEPT is None:
                KEPT = read()
            return KEPT
        def read():
            return open("kept.txt").read()
    """,
    "table": """
        kept = {}
        def load():
            if "x" not in kept:
                kept["x"] = open("kept.txt").read()
            return kept["x"]
    """,
    "singleton": """
        class Settings:
            text = None
            def load(self):
                if self.text is None:
                    self.text = open("kept.txt").read()
                return self.text
        settings = Settings()
        def load():
            return settings.load()
    """,
    "method": """
        import functools
        class Settings:
            @classmethod
            @functools.lru_cache(maxsize=None)
            def load(cls):
                return open("kept.txt").read()
        load = Settings.load
    """,
}


@pytest.mark.parametrize("how", sorted(KEEPERS))
def test_what_a_function_keeps_counts_for_later_callers(project, how):
    project.write("keeper.py", KEEPERS[how], base=project.root)
    project.write("plain.py", "def load():\n    return open('kept.txt').read()\n", base=project.root)
    project.write("kept.txt", "x")
    project.write("test_a.py", "import keeper\ndef test_a(): assert open('kept.txt').read() and keeper.load()\n")
    project.write("test_b.py", "import keeper\ndef test_b(): assert keeper.load()\n")
    project.write("test_c.py", "import plain\ndef test_c(): assert plain.load()\n")
    project.write("test_d.py", "import plain\ndef test_d(): assert plain\n")
    run, seen = record(project)
    assert run.status == 0
    assert "infra/kept.txt" in seen.of("test_a.py") and "infra/kept.txt" in seen.of("test_b.py")
    assert "infra/kept.txt" in seen.of("test_c.py") and "infra/kept.txt" not in seen.of("test_d.py")


def test_python_children_are_recorded(project):
    project.write("lib_child.py", "import os\nopen('infra/deep.txt').close()\n", base=project.root)
    for name in "deep.txt shell.txt grand.txt fork.txt pool.txt script.py bare.txt".split():
        project.write(name, "open('infra/bare.txt').close()\n" if name == "script.py" else "x")
    project.write("test_a.py", """
        import multiprocessing, os, subprocess, sys, tempfile
        ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        def test_command():
            code = "import sys, subprocess; import lib_child; subprocess.check_call([sys.executable, '-c', 'open(\\\\'infra/grand.txt\\\\')'])"
            assert subprocess.call([sys.executable, "-c", code], cwd=ROOT) == 0
        def test_script_without_variables():
            assert subprocess.call([sys.executable, "infra/script.py"], cwd=ROOT, env={}) == 0
        def test_nothing_shows():
            code = "import os, sys; assert 'WHARF_RECORD' not in os.environ and not any('wharf-reads' in p for p in sys.path), sys.path"
            assert subprocess.call([sys.executable, "-c", code]) == 0
            code = "import os; print(os.environ.get('PYTHONPATH'))"
            assert subprocess.check_output([sys.executable, "-c", code]).decode().strip() == os.environ["PYTHONPATH"]
            assert "WHARF_RECORD" not in os.environ
        def test_fork():
            pid = os.fork()
            if pid == 0:
                open("fork.txt").close()
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
    """)
    project.write("test_b.py", """
        import multiprocessing, pytest
        def work(name):
            return open(name).read()
        @pytest.mark.parametrize("way", ["fork", "spawn", "forkserver"])
        def test_pool(way):
            with multiprocessing.get_context(way).Pool(1) as pool:
                assert pool.map(work, ["pool.txt"]) == ["x"]
    """)
    project.write("test_0.py", "def test_0(): pass\n")  # first: a server that forks lives on
    run, seen = record(project)
    assert run.status == 0, run.stdout
    own = {"infra/test_a.py", "infra/pytest.ini"}
    names = {"infra/" + name for name in "deep.txt grand.txt fork.txt script.py bare.txt".split()}
    assert seen.of("test_a.py") == own | names | {"lib_child.py"}
    assert not seen.of("test_a.py", "everything") and "lib_child" in seen.of("test_a.py", "modules")
    assert "infra/pool.txt" in seen.of("test_b.py") and not seen.of("test_b.py", "everything")
    assert seen.of("test_0.py") == {"infra/test_0.py", "infra/pytest.ini"}


def test_a_childs_own_sitecustomize_still_runs(project):
    project.write("site/sitecustomize.py", "import os\nos.environ['OWN_SITE'] = 'yes'\n")
    project.write("test_a.py", """
        import os, subprocess, sys
        def test_a():
            env = dict(os.environ, PYTHONPATH=os.path.abspath("site"))
            code = "import os, sys; assert os.environ['OWN_SITE'] == 'yes'; assert 'sitecustomize' in sys.modules"
            assert subprocess.call([sys.executable, "-c", code], env=env) == 0
    """)
    run, seen = record(project)
    assert run.status == 0, run.stdout
    assert "infra/site/sitecustomize.py" in seen.of("test_a.py") and not seen.of("test_a.py", "everything")


@pytest.mark.parametrize("flag", ["-I", "-S", "-E", "-sE"])
def test_children_that_cannot_be_recorded_may_have_read_anything(project, flag):
    project.write("test_a.py", """
        import subprocess, sys
        def test_a():
            assert subprocess.call([sys.executable, "%s", "-c", "pass"]) == 0
    """ % flag)
    project.write("test_b.py", "def test_b(): pass\n")
    run, seen = record(project)
    assert seen.of("test_a.py", "everything") and not seen.of("test_b.py", "everything")


def test_programs(project):
    project.write("data.txt", "x")
    project.write("tool.sh", "#!/bin/sh\ntrue\n")
    os.chmod(os.path.join(project.cwd, "tool.sh"), 0o755)
    project.write("test_harmless.py", """
        import subprocess
        def test_a():
            subprocess.check_call(["uname"]); subprocess.check_call(["cat", "data.txt"])
    """)
    project.write("test_outside.py", "import subprocess\ndef test_a(): subprocess.check_call(['sh', '-c', 'true'], cwd='/')\n")
    project.write("test_inside.py", "import subprocess\ndef test_a(): subprocess.check_call('ls', shell=True)\n")
    project.write("test_named.py", "import os, subprocess\ndef test_a(): subprocess.check_call(['ls', os.getcwd()], cwd='/')\n")
    project.write("test_own.py", "import subprocess\ndef test_a(): subprocess.check_call(['./tool.sh'])\n")
    project.write("test_system.py", "import os\ndef test_a(): os.system('true')\n")
    project.write("test_none.py", """
        import pytest, subprocess
        def test_a():
            with pytest.raises(OSError):
                subprocess.check_call(["no-such-program"])
            with pytest.raises(OSError):
                subprocess.check_call(["./no-such-tool"])
    """)
    run, seen = record(project)
    assert run.status == 0, run.stdout
    everything = {name for name in seen.files if seen.files[name].get("everything")}
    assert everything == {"infra/test_%s.py" % name for name in ("inside", "named", "own", "system")}
    assert seen.of("test_harmless.py", "programs") == {"uname", "cat"} and "infra/data.txt" in seen.of("test_harmless.py")
    assert seen.of("test_outside.py", "programs") == {"sh"}
    assert "infra/no-such-tool" in seen.of("test_none.py", "absent")


def test_network(project):
    project.write("test_local.py", """
        import socket
        def test_a():
            server = socket.socket(); server.bind(("127.0.0.1", 0)); server.listen(1)
            socket.create_connection(server.getsockname()).close()
            socket.create_connection(("localhost", server.getsockname()[1])).close()
            one, two = socket.socketpair()
    """)
    project.write("test_far.py", """
        import socket
        def test_a():
            far = socket.socket(); far.settimeout(0.01)
            try:
                far.connect(("192.0.2.1", 9))
            except OSError:
                pass
    """)
    project.write("test_name.py", """
        import socket
        def test_a():
            try:
                socket.getaddrinfo("host.invalid", 80)
            except OSError:
                pass
    """)
    run, seen = record(project)
    assert run.status == 0, run.stdout
    assert {name for name in seen.files if seen.files[name].get("network")} == {"infra/test_far.py", "infra/test_name.py"}


def test_whether_reads_are_complete(project):
    project.write("test_a.py", "def test_one(): pass\ndef test_two(): assert False\n")
    project.write("test_b.py", "def test_one(): pass\ndef test_two(): pass\n")
    project.write("test_c.py", "import pytest\npytest.skip('no', allow_module_level=True)\n")
    both = {"infra/test_a.py": True, "infra/test_b.py": True, "infra/test_c.py": True}
    assert record(project)[1].complete == both
    assert record(project, "-k", "one")[1].complete == dict(both, **{"infra/test_a.py": False, "infra/test_b.py": False})
    assert record(project, "-x")[1].complete == dict(both, **{"infra/test_b.py": False})
    assert record(project, "test_b.py::test_one")[1].complete == {"infra/test_b.py": False}
    select = project.select("infra/test_a.py", "infra/test_b.py::test_one")
    found = record(project, settings={"select": select})[1]
    assert found.complete == dict(both, **{"infra/test_b.py": False})


def test_a_file_that_cannot_be_collected_has_reads(project):
    project.write("lib_broken.py", "import lib_under\nraise ValueError\n", base=project.root)
    project.write("lib_under.py", "", base=project.root)
    project.write("test_a.py", "import lib_broken\ndef test_a(): pass\n")
    run, seen = record(project)
    assert run.status == 2
    assert {"lib_broken.py", "lib_under.py"} <= seen.of("test_a.py") and seen.complete == {"infra/test_a.py": True}


def test_workers_of_xdist(project):
    project.write("lib_a.py", "", base=project.root)
    project.write("conftest.py", "import lib_conf\n")
    project.write("lib_conf.py", "", base=project.root)
    project.write("data.txt", "x")
    for name in "abcd":
        project.write("test_%s.py" % name, """
            import subprocess, sys
            def test_one():
                import lib_%s
            def test_two():
                subprocess.check_call([sys.executable, "-c", "open('data.txt')"])
        """ % name)
        project.write("lib_%s.py" % name, "", base=project.root)
    run, seen = record(project, "-n", "2", env={"TMPDIR": project.tmp})
    assert run.status == 0, run.stdout
    assert [name for name in os.listdir(project.tmp) if name.startswith("wharf-reads-")] == []
    for name in "abcd":
        expected = {"infra/test_%s.py" % name, "lib_%s.py" % name, "infra/conftest.py", "lib_conf.py", "infra/data.txt", "infra/pytest.ini"}
        assert seen.of("test_%s.py" % name) == expected
        assert not seen.of("test_%s.py" % name, "everything")
    assert seen.complete == {"infra/test_%s.py" % name: True for name in "abcd"}


@pytest.mark.parametrize("mode", ["prepend", "append", "importlib"])
def test_ways_to_import_test_files(project, mode):
    project.write("lib_a.py", "", base=project.root)
    project.write("tests/test_a.py", "import lib_a\ndef test_a(): pass\n")
    project.write("other/test_a.py", "def test_a(): pass\n" if mode == "importlib" else "")
    project.write("package/__init__.py", "import lib_package\n")
    project.write("lib_package.py", "", base=project.root)
    project.write("package/test_b.py", "def test_b(): pass\n")
    run, seen = record(project, "--import-mode", mode, "tests", "package", *(["other"] if mode == "importlib" else []))
    assert run.status == 0, run.stdout
    assert "lib_a.py" in seen.of("tests/test_a.py") and "lib_package.py" not in seen.of("tests/test_a.py")
    if mode != "importlib":
        assert {"lib_package.py", "infra/package/__init__.py"} <= seen.of("package/test_b.py")
    if mode == "importlib":
        assert "lib_a.py" not in seen.of("other/test_a.py")


def test_odd_paths_and_threads(project):
    project.write("data.txt", "x")
    project.write("test_a.py", """
        import os, subprocess, sys, threading, pytest
        def test_thread():
            thread = threading.Thread(target=lambda: open("data.txt").close())
            thread.start()
            thread.join()
        def test_no_paths():
            for name in ("\\0", b"\\0", "a\\0b"):
                with pytest.raises(ValueError):
                    open(name)
            with pytest.raises(OSError):
                open("\\udcff/x")
            assert os.path.exists(b"data.txt") and os.listdir(b".")
        def test_no_room():
            def deeper():
                return deeper()
            with pytest.raises(RecursionError):
                deeper()
        def test_kept_in_a_class():
            class Kept:
                stat = os.stat
            assert Kept().stat("data.txt")
        def test_child_in_which_all_files_are_closed():
            code = "import os; os.closerange(3, 1000); open('late.txt').close()"
            assert subprocess.call([sys.executable, "-c", code]) == 0
    """)
    project.write("late.txt", "x")
    run, seen = record(project, env={"TMPDIR": project.tmp})
    assert run.status == 0, run.stdout
    assert {"infra/data.txt", "infra/late.txt"} <= seen.of("test_a.py") and not seen.of("test_a.py", "everything")
    assert [name for name in os.listdir(project.tmp) if name.startswith("wharf-reads-")] == []


def test_wrappers_do_not_show(project):
    project.write("late.py", "import warnings\nwarnings.warn('old', DeprecationWarning, stacklevel=2)\n", base=project.root)
    project.write("test_a.py", """
        import os, shutil, sys, traceback, warnings
        def test_where_a_warning_points():
            with warnings.catch_warnings(record=True) as found:
                warnings.simplefilter("always")
                import late
            assert [w.filename for w in found] == [__file__]
        def test_what_os_can_do():
            assert os.stat in os.supports_dir_fd and os.stat in os.supports_follow_symlinks
            assert os.stat.__name__ == "stat" and os.stat(".", follow_symlinks=False)
            assert [entry.stat() for entry in os.scandir(".")]
        def test_failure():
            os.stat("none")
    """)
    run, seen = record(project)
    assert run.outcomes() == {
        "infra/test_a.py::test_where_a_warning_points": "passed",
        "infra/test_a.py::test_what_os_can_do": "passed",
        "infra/test_a.py::test_failure": "failed",
    }
    assert "wharf_install" not in run.finished("test_failure")["longrepr"]
