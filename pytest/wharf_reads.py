"""What a Python process depends on in a workspace, and on whose behalf.

Owns: what counts as a dependency, and the units that dependencies belong to.
Refuses: to watch the process (`wharf_watch.py`), to know pytest (`wharf_plugin.py` says who is at work).

How it works. Each dependency belongs to the innermost *unit* at work: the module that is being imported, else the
wider fixture that is being set up, else the test file. Units use units: whoever imports a module uses it, also where it was
loaded long before, which is why `__import__` is wrapped. What a function keeps for later callers (`lru_cache`, a
global, a method of a module's singleton) also belongs to the module that the function stands in. Files are
seen through audit events; looking for a file makes no such event, so `os.stat` and the like are wrapped. Child processes
that run Python load this module through a `sitecustomize` of ours and write what they see into a folder.

Everything here is quick where it has been before: each unit remembers the paths that it has seen. Standard library
only, CPython 3.6 or newer. PYTEST_DONT_REWRITE
"""

import os
import stat as modes
import sys
from _thread import get_ident

STAT, LSTAT, READLINK, GETCWD = os.stat, os.lstat, os.readlink, os.getcwd  # before they are wrapped
OWN = tuple(os.path.join(os.path.dirname(__file__), name) for name in ("wharf_reads.py", "wharf_watch.py", "wharf_install.py"))

# Whose question to the file system it really is, these do not say: their callers do.
BETWEEN = ("/_py/path.py", "/py/_path/local.py", "/py/_path/common.py", "/py/_error.py", "/genericpath.py", "/posixpath.py", "/os.py", "/pathlib.py", "/tokenize.py", "/glob.py", "/fnmatch.py",
           "/pathlib/__init__.py", "/pathlib/_local.py", "/pathlib/_abc.py", "/pathlib/_os.py")
# Who looks at files without any test depending on what it sees: pytest's own collection, the import system, tracebacks.
QUIET = ("/_pytest/", "/pluggy/", "/xdist/", "/execnet/", "/pkg_resources/", "/importlib/metadata/", "/importlib_metadata/",
         "<frozen importlib", "/importlib/_bootstrap", "/linecache.py", "/inspect.py", "/traceback.py", "/warnings.py",
         "/wharf_plugin.py")
KEEPING = frozenset(("setdefault", "update", "append", "add", "extend", "insert"))


class Unit:
    """Who a dependency belongs to."""

    __slots__ = ("number", "name", "test_file", "inside", "loaded", "seen", "imported", "uses", "reads")

    def __init__(self, number, name=None, test_file=False):
        self.number = number
        self.name = name  # of a module
        self.test_file = test_file
        self.inside = False  # whether a module is a package with a folder in the workspace
        self.loaded = False
        self.seen = set()
        self.imported = set()
        self.uses = set()
        self.reads = {}  # kind: set


class Units:
    """The units of this process, who is at work, and what it sees."""

    def __init__(self, root):
        self.roots = list(dict.fromkeys((root.rstrip("/") or "/", os.path.realpath(root))))
        self.prefixes = tuple(self.roots)
        homes = (os.path.dirname(__file__), sys.prefix, sys.base_prefix)
        self.libraries = tuple(home + "/" for home in homes if not any((root + "/").startswith(home + "/") for root in self.roots))
        self.skip = []  # folders that are nobody's dependency, relative to the root
        self.units = []
        self.modules = {}
        self.outside = set()  # modules that are no packages, lie elsewhere, and count for every test file already
        self.base = self.work = self.unit()  # what counts for every test file
        self.importing = {}  # thread: modules that are being imported, the innermost last
        self.written = {}  # absolute path: the unit that wrote it
        self.known_paths = {}
        self.no_links = set()
        self.keeps = {}  # code: whether it keeps things for later callers
        self.quiet_files = {}
        self.path_seen = None
        self.promised = {}  # token of a child: the units that started it
        self.tokens = 0
        self.folder = None  # where children write
        self.children = {}  # file of a child: units that it worked for
        self.flat = False  # a child: everything belongs to one unit of the parent
        self.parent = 0  # the number of that unit
        self.token = None
        self.first_own = 0  # units with a lower number are known to the parent
        self.out = None
        self.told = set()
        self.find_code = None
        self.failures = []
        self.hello = set()  # tokens of children that said it
        self.pid = os.getpid()
        self.fixtures = {}

    # Units.

    def unit(self, name=None, test_file=False):
        unit = Unit(len(self.units), name, test_file)
        self.units.append(unit)
        return unit

    def current(self):
        if self.importing:
            stack = self.importing.get(get_ident())
            if stack:
                return stack[-1]
        return self.work

    def add(self, unit, kind, value):
        """Notes a dependency: of `unit`, and of the modules whose functions keep what they get."""
        if self.flat:
            self.tell(kind, value)
            return
        unit.reads.setdefault(kind, set()).add(value)
        for keeper in self.keepers():
            keeper.reads.setdefault(kind, set()).add(value)

    def use(self, unit, target):
        if self.flat:
            if target.loaded:
                self.tell_module(target)
            return
        unit.uses.add(target)
        for keeper in self.keepers():
            keeper.uses.add(target)

    def everything(self, unit):
        self.add(unit, "everything", True)

    def module(self, name):
        """The unit of a module, loaded or only looked for."""
        unit = self.modules.get(name)
        if unit is None:
            unit = self.new_module(name)
            module = sys.modules.get(name)
            if module is not None:
                self.loaded(unit, module)
        return unit

    def new_module(self, name):
        unit = self.modules[name] = self.unit(name)
        parent = name.rpartition(".")[0]
        if parent:
            unit.uses.add(self.module(parent))
        return unit

    def loaded(self, unit, module):
        unit.loaded = True
        try:
            facts = vars(module)
            file, folders = facts.get("__file__"), facts.get("__path__")
            if isinstance(file, str) and file.startswith(self.prefixes):
                self.read(unit, file)
            for folder in list(folders or ()):
                if isinstance(folder, str) and folder.startswith(self.prefixes) and self.names(folder):
                    unit.inside = True
                    if file is None:  # a namespace package: an `__init__.py` would end that
                        self.looked(unit, os.path.join(folder, "__init__.py"))
        except Exception:  # somebody's own object stands in for the module
            pass

    def shown_name(self, unit):
        """What another file could provide under the module's name: inside of a package that is elsewhere nothing can."""
        parent = unit.name.rpartition(".")[0]
        return unit.name if not parent or self.module(parent).inside else None

    # Imports.

    def enter(self, name):
        try:
            unit = self.modules.get(name)
            known = name in sys.modules
            if unit is None:
                unit = self.module(name) if known else self.new_module(name)
            elif not known and (unit.loaded or unit.number < self.first_own):
                unit = self.new_module(name)  # it is loaded anew, maybe from another file
            self.use(self.current(), unit)
            if sys.path != self.path_seen:
                self.note_roots()
            if known:
                return None
            self.importing.setdefault(get_ident(), []).append(unit)
            return unit
        except Exception:
            self.failed()
            return None

    def leave(self, unit, name):
        try:
            thread = get_ident()
            stack = self.importing[thread]
            stack.pop()
            if not stack:
                del self.importing[thread]
            module = sys.modules.get(name)
            if module is not None:
                self.loaded(unit, module)
            elif not hasattr(sys, "addaudithook"):
                self.tried(unit, name)
            if self.flat:
                self.tell_module(unit)
        except Exception:
            self.failed()

    def tried(self, unit, name):
        """Before Python 3.8 nothing tells that a module was read which then failed."""
        bootstrap = sys.modules["_frozen_importlib"]
        parent = sys.modules.get(name.rpartition(".")[0])
        spec = bootstrap._find_spec(name, getattr(parent, "__path__", None))
        file = spec and spec.origin
        if isinstance(file, str) and file.startswith(self.prefixes):
            self.read(unit, file)

    def imported(self, name, names, fromlist, level, module):
        """An import statement came to its end, maybe without loading anything."""
        try:
            unit = self.current()
            if fromlist.__class__ is list:
                fromlist = tuple(fromlist)
            if level:
                key = (name, fromlist, level, names.get("__package__"), names.get("__name__"))
            else:
                key = (name, fromlist)
            if key in unit.imported:
                return
            unit.imported.add(key)
            if level:
                package = names.get("__package__")
                if package is None:
                    package = names["__name__"]
                    package = package if "__path__" in names else package.rpartition(".")[0]
                above = package.rsplit(".", level - 1)[0]
                name = above + "." + name if name else above
            self.use(unit, self.module(name))
            for item in fromlist or ():
                for item in getattr(module, "__all__", ()) if item == "*" else (item,):
                    if name + "." + item in sys.modules:
                        self.use(unit, self.module(name + "." + item))
        except Exception:
            self.failed()

    def failed(self):
        """A failure of our own: what it kept from being seen may have been anything."""
        self.failures.append(sys.exc_info())
        if self.flat:
            self.tell("everything", True)
        else:
            self.current().reads.setdefault("everything", set()).add(True)

    def note_roots(self):
        self.path_seen = list(sys.path)
        roots = self.base.reads.setdefault("roots", [])
        for folder in self.path_seen:
            folder = folder or GETCWD()
            if isinstance(folder, str) and folder.startswith(self.prefixes):
                for name in self.names(os.path.abspath(folder))[-1:]:
                    if name not in roots:
                        roots.append(name)
                        if self.flat:
                            self.tell("roots", name)

    # Who keeps what it gets.

    def keepers(self):
        """Modules whose functions, at work right now, may serve later callers without asking again."""
        found = []
        frame = sys._getframe(2)
        while frame is not None:
            code = frame.f_code
            file = code.co_filename
            if code is self.find_code or ("/_pytest/" in file or "/pluggy/" in file) and not self.is_of_workspace(file):
                break
            if code.co_name == "<module>" and self.importing:
                break  # what imports it, imports: no function waits for what it reads
            if code.co_name != "<module>" and file not in OWN and self.keeping(frame, code):
                name = frame.f_globals.get("__name__")
                if isinstance(name, str):
                    found.append(self.module(name))
            frame = frame.f_back
        return found

    def keep(self, act, path, key):
        """The unit knows the path already; who keeps what it gets may not."""
        if not self.flat and not self.importing:
            for keeper in self.keepers():
                if key not in keeper.seen:
                    keeper.seen.add(key)
                    act(keeper, path)

    def keeping(self, frame, code):
        keeps = self.keeps.get(code)
        if keeps is None:
            keeps = self.keeps[code] = keeps_by_itself(code, frame.f_globals)
        if not code.co_filename.startswith(self.prefixes):
            return keeps == "cache"  # others run all kinds of things on behalf of somebody
        if keeps or not code.co_argcount or code.co_varnames[0] != "self":
            return bool(keeps)
        me = frame.f_locals.get("self")
        return any(value is me for value in list(frame.f_globals.values()))

    # Paths.

    def relative(self, path):
        for root in self.roots:
            if path == root:
                return "."
            if path.startswith(root.rstrip("/") + "/"):
                return path[len(root.rstrip("/")) + 1:]
        return None

    def wanted(self, name):
        """The path that a dependency on `name` is a dependency on, or None."""
        if name is None:
            return None
        parts = name.split("/")
        if parts[0] == ".wharf" or ".git" in parts or any(name == s or name.startswith(s + "/") for s in self.skip):
            return None
        return None if "__pycache__" in parts else name

    def names(self, path):
        """The symlinks on the way to an absolute path, and what is at their end, relative to the root."""
        known = self.known_paths.get(path)
        if known is None:
            found = []
            done, left = "", [part for part in reversed(path.split("/")) if part not in ("", ".")]
            for _ in range(4000):  # links may go round
                if not left:
                    break
                part = left.pop()
                if part == "..":
                    done = done.rpartition("/")[0]
                    continue
                here = done + "/" + part
                if here in self.no_links:
                    done = here
                    continue
                try:
                    target = READLINK(here)
                except (OSError, ValueError):
                    done = here
                    if left:
                        self.no_links.add(here)
                    continue
                found.append(here)
                if target.startswith("/"):
                    done = ""
                left.extend(part for part in reversed(target.split("/")) if part not in ("", "."))
            found.append(done or "/")
            names = [self.wanted(self.relative(item)) for item in found]
            known = tuple(dict.fromkeys(name for name in names if name is not None))
            self.known_paths[path] = known
        return known

    def absolute(self, path):
        """The absolute path if it may be in the workspace."""
        if path.__class__ is not str:
            if isinstance(path, int):
                return None
            path = os.fsdecode(path)
        if path[:1] != "/":
            path = GETCWD() + "/" + path
        if not path.startswith(self.prefixes) or "\0" in path:
            return None
        if "/__pycache__/" in path:  # compiled code stands for its source
            folder, _, name = path.rpartition("/__pycache__/")
            return folder + "/" + name.partition(".")[0] + ".py" if name.endswith(".pyc") and "/" not in name else None
        return path

    def is_own(self, unit, path):
        """Whether the process itself wrote the file, or made a folder above it, on behalf of this unit or of one that is shared."""
        while self.written and len(path) > 1:
            writer = self.written.get(path)
            if writer is not None:
                return writer is unit or not writer.test_file
            path = path.rpartition("/")[0]
        return False

    def plain(self, units):
        """These units and all that they use, as plain values."""
        found, left = set(), list(units)
        while left:
            unit = left.pop()
            if unit not in found:
                found.add(unit)
                left.extend(unit.uses)
        for unit in sorted(found, key=lambda unit: unit.number):
            value = {"n": unit.number}
            if unit.uses:
                value["u"] = sorted(used.number for used in unit.uses)
            modules = unit.reads.get("modules", set())
            name = unit.name and self.shown_name(unit)
            if name:
                modules = modules | {name}
            if modules:
                value["modules"] = sorted(modules)
            for kind, items in unit.reads.items():
                if kind in ("network", "everything"):
                    value[kind] = True
                elif kind != "modules":
                    value[kind] = items if kind == "roots" else sorted(items)
            yield value

    def read(self, unit, path):
        """A file or folder is opened, or its facts are asked for."""
        names = self.names(path)
        if not names or self.is_own(unit, path):
            return
        try:
            mode = STAT(path).st_mode
        except (OSError, ValueError):
            self.looked(unit, path)
            return
        if not modes.S_ISDIR(mode):
            for name in names:
                self.add(unit, "opened", name)
        else:
            for name in names[:-1]:
                self.add(unit, "opened", name)

    def looked(self, unit, path):
        """A path was looked for and is not there."""
        names = self.names(path)
        if names and not self.is_own(unit, path):
            for name in names[:-1]:
                self.add(unit, "opened", name)
            self.add(unit, "absent", names[-1])
            self.known_paths.pop(path, None)

    def list(self, unit, path):
        names = self.names(path)
        if names and not self.is_own(unit, path):
            for name in names[:-1]:
                self.add(unit, "opened", name)
            self.add(unit, "listed" if os.access(path, os.F_OK) else "absent", names[-1])

    def wrote(self, unit, path):
        path = os.path.normpath(path)
        if path not in self.written:
            self.written[path] = unit
        self.known_paths.pop(path, None)

    def is_of_workspace(self, file):
        """Whether code is the workspace's own, whatever it is called: not an interpreter's or ours that lies in it."""
        return file.startswith(self.prefixes) and not file.startswith(self.libraries)

    def is_quiet(self):
        """Whether those who ask the file system right now are none that a test depends on."""
        frame, known = sys._getframe(2), self.quiet_files
        while frame is not None:
            file = frame.f_code.co_filename
            quiet = known.get(file)
            if quiet is None:
                between = file in OWN or file.endswith(BETWEEN) or file.startswith("<frozen ") and "importlib" not in file
                quiet = 2 if between else int(any(part in file for part in QUIET))
                quiet = known[file] = 0 if self.is_of_workspace(file) else quiet
            if quiet != 2:
                return bool(quiet)
            frame = frame.f_back
        return False


def keeps_by_itself(code, names):
    """Whether a function is wrapped by something that may remember its results (`cache` where it does), or writes to what its
    module keeps."""
    import dis

    ops = set(code.co_code[::2])
    writes = dis.opmap["STORE_GLOBAL"] in ops
    if dis.opmap["STORE_SUBSCR"] in ops or KEEPING.intersection(code.co_names):
        writes = writes or any(isinstance(names.get(name), (dict, list, set)) for name in code.co_names)
    return wrapped_by(code, names) or writes


def wrapped_by(code, names):
    value = None
    for part in getattr(code, "co_qualname", code.co_name).split("."):
        value = names.get(part) if value is None else vars(value).get(part) if isinstance(value, type) else None
        if value is None:
            return False
    value = getattr(value, "__func__", value)
    if type(value).__module__.startswith("_pytest"):  # a fixture: a unit of its own where it is kept
        return False
    wrapper = getattr(getattr(value, "__code__", None), "co_filename", "")
    inner = getattr(value, "__wrapped__", None)
    for _ in range(20):
        if inner is None:
            return False
        if getattr(inner, "__code__", None) is code:
            return "cache" if type(value).__name__ == "_lru_cache_wrapper" else not (wrapper.endswith("/contextlib.py") or "/_pytest/" in wrapper)
        inner = getattr(inner, "__wrapped__", None)
    return False


def exists(path):
    try:
        LSTAT(path)
        return True
    except (OSError, ValueError):
        return False
