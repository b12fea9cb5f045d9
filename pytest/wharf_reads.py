"""Records what a Python process depends on in a workspace, and on whose behalf.

Owns: what counts as a dependency, the units that dependencies belong to, and the recording of child processes.
Refuses: to know pytest (`wharf_plugin.py` tells it who is at work), to change what the process sees or does.

How it works. Each dependency belongs to the innermost *unit* at work: the module that is being imported, else the
wider fixture that is being set up, else the test file. Units use units: whoever imports a module uses it, also where it was
loaded long before, which is why `__import__` is wrapped. What a function keeps for later callers (`lru_cache`, a
global, a method of a module's singleton) also belongs to the module that the function stands in. Files are
seen through audit events; looking for a file makes no such event, so `os.stat` and the like are wrapped. Child processes
that run Python load this module through a `sitecustomize` of ours and write what they see into a folder.

Everything here is quick where it has been before: each unit remembers the paths that it has seen. Standard library
only, CPython 3.6 or newer. PYTEST_DONT_REWRITE
"""

import builtins
import importlib
import json
import os
import stat as modes
import sys
import time
from _thread import get_ident

VARIABLE = "WHARF_RECORD"
RECORDER = None  # the one of this process
HERE = os.path.dirname(os.path.abspath(__file__))
AUDITED = hasattr(sys, "addaudithook")

STAT, LSTAT, READLINK, GETCWD, OPEN, WRITE = os.stat, os.lstat, os.readlink, os.getcwd, os.open, os.write
FORKED = "wharf-forked"  # a child's token where the child is a fork

# Programs that read nothing but the files that they are given.
HARMLESS = frozenset(
    "basename cat date dirname echo false getconf head hostname id ldconfig locale lsb_release mkdir nproc printf"
    " sleep stty tail true tty uname wc whoami".split()
)
# Whose question to the file system it really is, these do not say: their callers do.
BETWEEN = ("/genericpath.py", "/posixpath.py", "/os.py", "/pathlib.py", "/tokenize.py", "/glob.py", "/fnmatch.py",
           "/pathlib/__init__.py", "/pathlib/_local.py", "/pathlib/_abc.py", "/pathlib/_os.py")
# Who looks at files without any test depending on what it sees: pytest's own collection, the import system, tracebacks.
QUIET = ("/_pytest/", "/pluggy/", "/xdist/", "/execnet/", "/pkg_resources/", "/importlib/metadata/", "/importlib_metadata/",
         "<frozen importlib", "/importlib/_bootstrap", "/linecache.py", "/inspect.py", "/traceback.py", "/warnings.py",
         "/wharf_plugin.py")
KEEPING = frozenset(("setdefault", "update", "append", "add", "extend", "insert"))

# Its frames count as the import system's own: tracebacks drop them, `warnings` looks past them.
WRAPPERS = '''
def wrappers(find, original, enter, leave, imported):
    def _find_and_load(name, import_):
        __tracebackhide__ = True
        unit = enter(name)
        try:
            return find(name, import_)
        finally:
            if unit is not None:
                leave(unit, name)

    def __import__(name, globals=None, locals=None, fromlist=(), level=0):
        __tracebackhide__ = True
        module = original(name, globals, locals, fromlist, level)
        imported(name, globals, fromlist, level, module)
        return module

    return _find_and_load, __import__
'''


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


class Recorder:
    """The units of this process, who is at work, and what it sees."""

    def __init__(self, root):
        self.roots = list(dict.fromkeys((root.rstrip("/") or "/", os.path.realpath(root))))
        self.prefixes = tuple(self.roots)
        self.skip = []  # folders that are nobody's dependency, relative to the root
        self.units = []
        self.modules = {}
        self.base = self.work = self.unit()  # what counts for every test file
        self.importing = {}  # thread: modules that are being imported, the innermost last
        self.written = {}  # absolute path: the unit that wrote it
        self.known_paths = {}
        self.no_links = set()
        self.keeps = {}  # code: whether it keeps things for later callers
        self.quiet_files = {}
        self.path_seen = None
        self.promised = {}  # token of a child: the unit that started it
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
            elif unit.loaded and not known and unit.number >= self.first_own:
                unit = self.new_module(name)  # it is loaded anew, maybe from another file
            elif self.flat and not known:
                unit = self.new_module(name)
            self.use(self.current(), unit)
            if sys.path != self.path_seen:
                self.note_roots()
            if known:
                return None
            self.importing.setdefault(get_ident(), []).append(unit)
            return unit
        except Exception:
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
        except Exception:
            pass

    def imported(self, name, names, fromlist, level, module):
        """An import statement came to its end, maybe without loading anything."""
        try:
            unit = self.current()
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
            pass

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
            if code is self.find_code or "/_pytest/" in file or "/pluggy/" in file:
                break
            if code.co_name != "<module>" and file != __file__ and "<frozen" not in file and self.keeping(frame, code):
                name = frame.f_globals.get("__name__")
                if isinstance(name, str):
                    found.append(self.module(name))
            frame = frame.f_back
        return found

    def keeping(self, frame, code):
        keeps = self.keeps.get(code)
        if keeps is None:
            keeps = self.keeps[code] = keeps_by_itself(code, frame.f_globals)
        if keeps or not code.co_argcount or code.co_varnames[0] not in ("self", "cls"):
            return keeps
        me = frame.f_locals.get(code.co_varnames[0])
        return code.co_varnames[0] == "self" and any(value is me for value in list(frame.f_globals.values()))

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
        if "__pycache__" in parts:
            if parts[-2:-1] != ["__pycache__"] or not name.endswith(".pyc"):
                return None
            return "/".join(parts[:-2] + [parts[-1].partition(".")[0] + ".py"])
        return name

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
                except OSError:
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
            path = os.path.normpath(GETCWD() + "/" + path) if ".." not in path else GETCWD() + "/" + path
        return path if path.startswith(self.prefixes) else None

    def is_own(self, unit, path):
        """Whether the process itself wrote the file, or made a folder above it, on behalf of this unit or of one that is shared."""
        while self.written and len(path) > 1:
            writer = self.written.get(path)
            if writer is not None:
                return writer is unit or not writer.test_file
            path = path.rpartition("/")[0]
        return False

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

    def is_quiet(self, depth):
        """Whether those who ask the file system right now are none that a test depends on."""
        frame = sys._getframe(depth)
        while frame is not None:
            file = frame.f_code.co_filename
            quiet = self.quiet_files.get(file)
            if quiet is None:
                between = file == __file__ or file.endswith(BETWEEN) or file.startswith("<frozen ") and "importlib" not in file
                quiet = self.quiet_files[file] = 2 if between else int(any(part in file for part in QUIET))
            if quiet != 2:
                return bool(quiet)
            frame = frame.f_back
        return False

    # What the process does.

    def on_open(self, args):
        path, flags = args[0], args[2]
        path = self.absolute(path)
        if path is None:
            return
        unit = self.current()
        how = flags & 3
        if how == os.O_RDONLY or (how == os.O_RDWR and not flags & (os.O_TRUNC | os.O_EXCL)):
            if path in unit.seen:
                return
            if flags & os.O_DIRECTORY:
                self.list(unit, path)
            elif how == os.O_RDWR and flags & os.O_CREAT and not exists(path):
                self.looked(unit, path)
                self.wrote(unit, path)
                return
            elif not self.is_traceback():
                self.read(unit, path)
            else:
                return
            unit.seen.add(path)
        elif flags & (os.O_TRUNC | os.O_EXCL) or not exists(path):
            self.wrote(unit, path)

    def is_traceback(self):
        frame = sys._getframe(3)
        while frame is not None and (frame.f_code.co_filename == __file__ or frame.f_code.co_filename.endswith("/tokenize.py")):
            frame = frame.f_back
        return frame is not None and frame.f_code.co_filename.endswith("/linecache.py")

    def on_list(self, args):
        path = self.absolute("." if args[0] is None else args[0])
        if path is None:
            return
        unit = self.current()
        key = "\0" + path
        if key not in unit.seen and not self.is_quiet(3):
            unit.seen.add(key)
            self.list(unit, path)

    def on_look(self, path, depth=3):
        """Somebody asked for the facts of a path."""
        path = self.absolute(path)
        if path is None:
            return
        unit = self.current()
        if path not in unit.seen and not self.is_quiet(depth):
            unit.seen.add(path)
            self.read(unit, path)

    def on_make(self, args):
        path = self.absolute(args[0])
        if path is not None and not exists(path):
            self.wrote(self.current(), path)

    def on_move(self, args):
        source, target = self.absolute(args[0]), self.absolute(args[1])
        if source is not None:
            self.read(self.current(), source)
        if target is not None:
            self.wrote(self.current(), target)

    def on_link(self, args):
        target = self.absolute(args[1])
        if target is not None:
            self.wrote(self.current(), target)

    def on_database(self, args):
        path = args[0]
        path = os.fsdecode(path) if not isinstance(path, int) else ""
        if path.startswith("file:"):
            path = path[5:].partition("?")[0]
        if path and path != ":memory:":
            self.on_open((path, None, os.O_RDWR | os.O_CREAT))

    def on_library(self, args):
        if isinstance(args[0], (str, bytes)) and "/" in os.fsdecode(args[0]):
            self.on_open((args[0], None, os.O_RDONLY))

    def on_network(self, args):
        address = args[-1]
        if isinstance(address, tuple) and address and isinstance(address[0], (str, bytes)) and not is_here(address[0]):
            self.add(self.current(), "network", True)
            self.everything(self.current())

    def on_name(self, args):
        host = args[0]
        if host and isinstance(host, (str, bytes)) and not is_here(host) and not is_number(host):
            self.on_network(((host, 0),))

    def on_shell(self, args):
        self.add(self.current(), "programs", "sh")
        self.everything(self.current())

    def on_exec(self, args):
        self.program([args[0]] + list(args[1] or ())[1:], (os.fsencode(args[0]),), None, False)

    def program(self, args, candidates, cwd, hooked):
        """A program starts. Gives the token of a child that will record itself."""
        unit = self.current()
        args = [os.fsdecode(arg) for arg in args]
        found = next((path for path in map(os.fsdecode, candidates) if exists(path)), None)
        folder = os.path.join(GETCWD(), os.fsdecode(cwd)) if cwd else GETCWD()
        name = os.path.basename(args[0] if args else "")
        for arg in args[1:]:
            path = self.absolute(os.path.join(folder, arg)) if "\0" not in arg else None
            if path is not None and arg and (exists(path) or name in HARMLESS):
                self.read(unit, path)
        if found is None:
            for path in candidates:
                self.on_look(path, 4)
            return None
        python = is_python(found)
        self.add(unit, "programs", name)
        path = self.absolute(found)
        if path is not None:
            self.read(unit, path)
        if python:
            if hooked and python != "dark" and not is_dark(args):
                return self.promise(unit)
            self.everything(unit)
        elif name not in HARMLESS:
            outside = not folder.startswith(self.prefixes)
            if not outside or any(root in arg for arg in args for root in self.roots):
                self.everything(unit)
        return None

    def promise(self, unit):
        self.tokens += 1
        token = "%d-%d" % (os.getpid(), self.tokens)
        if self.flat:
            self.tell("promised", token)
        else:
            self.promised[token] = unit
            for keeper in self.keepers():
                self.use(unit, keeper)
        return token

    # Children: this process as a parent.

    def place(self):
        """The folder for children, made when the first one starts; None where it cannot be made."""
        if self.folder is None:
            try:
                import tempfile

                self.folder = ""
                self.folder = os.path.realpath(tempfile.mkdtemp(prefix="wharf-reads-"))
                with open(__file__, "rb") as source, open(os.path.join(self.folder, "wharf_reads.py"), "wb") as copy:
                    copy.write(source.read())
                with open(os.path.join(self.folder, "sitecustomize.py"), "w") as file:
                    file.write(SITE)
                os.mkdir(os.path.join(self.folder, "out"))
            except OSError:
                self.folder = ""
        return self.folder or None

    def for_child(self, token, before):
        """Variables for a child: (name, value)."""
        if self.place() is None:
            return []
        number = self.parent if self.flat else self.current().number
        text = json.dumps({"root": self.roots[0], "folder": self.folder, "of": number, "token": token, "path": before, "skip": self.skip})
        return [("PYTHONPATH", self.folder + (":" + before if before else "")), (VARIABLE, text)]

    def switch(self, unit, others=()):
        """Another test file's turn: children that live on work for it too."""
        if self.folder:
            for name in sorted(os.listdir(os.path.join(self.folder, "out"))):
                units = self.children.get(name)
                alive = is_alive(name.partition("-")[0])
                if units is None or alive:
                    units = self.children.setdefault(name, set())
                    units.update(others)
                if alive:
                    units.add(unit)

    def gather(self):
        """Takes what children wrote. Those that never spoke may have read anything."""
        if not self.folder or self.flat:
            return
        out = os.path.join(self.folder, "out")
        for name in sorted(os.listdir(out)):
            child = self.unit()
            for users in self.children.get(name, ()):
                users.uses.add(child)
            with open(os.path.join(out, name), encoding="utf-8") as file:
                for line in file:
                    try:
                        kind, value = json.loads(line)
                    except ValueError:  # cut short: it died while it wrote
                        child.reads.setdefault("everything", set()).add(True)
                        continue
                    self.heard(child, kind, value)

    def heard(self, child, kind, value):
        if kind == "of":
            self.units[value].uses.add(child)
        elif kind == "uses":
            child.uses.add(self.units[value])
        elif kind == "token":
            self.promised.pop(value, None)
        elif kind == "promised":
            self.promised.setdefault(value, child)
        elif kind == "roots":
            self.base.reads.setdefault("roots", []).append(value)
        else:
            child.reads.setdefault(kind, set()).add(value)

    def close(self):
        """All that is known: units as plain values, and the numbers of those that everybody uses."""
        self.gather()
        for token, unit in list(self.promised.items()):
            unit.reads.setdefault("everything", set()).add(True)
        if self.folder and not self.flat:
            import shutil

            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    # Children: this process as one.

    def after_fork(self):
        self.work = self.current()
        self.parent = self.parent if self.flat else self.work.number
        self.first_own = self.first_own if self.flat else len(self.units)
        self.token, self.flat, self.out = FORKED, True, None
        self.importing, self.told, self.promised = {}, set(), {}

    def tell(self, kind, value):
        if (kind, value) in self.told or self.flat is None:
            return
        self.told.add((kind, value))
        lines = [] if self.out is not None else [("of", self.parent), ("token", self.token)]
        if self.out is None and self.folder:
            name = "%d-%x" % (os.getpid(), int(time.time() * 1e6))
            self.out = OPEN(os.path.join(self.folder, "out", name), os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o666)
            self.out = out_of_the_way(self.out)
        if self.out is not None:
            WRITE(self.out, "".join(json.dumps(line) + "\n" for line in lines + [(kind, value)]).encode("ascii"))

    def tell_module(self, unit):
        if unit.number < self.first_own:
            self.tell("uses", unit.number)
        elif unit.name:
            name = self.shown_name(unit)
            if name is not None:
                self.tell("modules", name)
            for above in list(unit.uses):
                self.tell_module(above)


# ------------------------------------------------------------------------------------------- small questions


def exists(path):
    try:
        LSTAT(path)
        return True
    except (OSError, ValueError):
        return False


def is_alive(pid):
    try:
        with open("/proc/%s/stat" % pid, "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except (OSError, IndexError):
        return False


def out_of_the_way(fd):
    try:
        import fcntl

        other = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 200)
        os.close(fd)
        return other
    except (ImportError, OSError):
        return fd


def is_here(host):
    host = os.fsdecode(host).partition("%")[0]
    return host in ("", "localhost", "::1", "::", "0.0.0.0", "::ffff:127.0.0.1") or host.startswith("127.")


def is_number(host):
    return all(char in "0123456789abcdefABCDEF.:%" for char in os.fsdecode(host)) and any(c in ".:" for c in os.fsdecode(host))


def is_python(path):
    """Whether a program is Python, or a script that Python runs; `dark` where our own code is kept out of it."""
    name = os.path.basename(os.path.realpath(path))
    if os.path.realpath(path) == os.path.realpath(sys.executable or "") or is_python_name(name):
        return "python"
    try:
        with open(path, "rb") as file:
            line = file.readline(300)
    except OSError:
        return None
    words = os.fsdecode(line[2:]).split() if line.startswith(b"#!") else []
    if words and os.path.basename(words[0]) == "env":
        words = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
    if not words or not is_python_name(os.path.basename(words[0])):
        return None
    return "dark" if is_dark(words) else "python"


def is_python_name(name):
    return name.startswith("python") and not name[len("python"):].strip("0123456789.")


def is_dark(args):
    """Whether these arguments of Python keep `sitecustomize` out."""
    rest = iter(args[1:])
    for arg in rest:
        if len(arg) < 2 or arg[0] != "-" or arg[:2] == "--":
            return False
        for char in arg[1:]:
            if char in "ISE":
                return True
            if char in "cm":
                return False
            if char in "WX":
                if arg[-1] == char:
                    next(rest, None)
                break
    return False


def keeps_by_itself(code, names):
    """Whether a function is wrapped by something that may remember its results, or writes to its module's globals."""
    import dis

    ops = set(code.co_code[::2])
    if dis.opmap["STORE_GLOBAL"] in ops:
        return True
    if dis.opmap["STORE_SUBSCR"] in ops or KEEPING.intersection(code.co_names):
        if any(isinstance(names.get(name), (dict, list, set)) for name in code.co_names):
            return True
    value = None
    for part in getattr(code, "co_qualname", code.co_name).split("."):
        value = names.get(part) if value is None else vars(value).get(part) if isinstance(value, type) else None
        if value is None:
            return False
    value = getattr(value, "__func__", value)
    wrapper = getattr(getattr(value, "__code__", None), "co_filename", "")
    inner = getattr(value, "__wrapped__", None)
    for _ in range(20):
        if inner is None:
            return False
        if getattr(inner, "__code__", None) is code:
            return not wrapper.endswith("/contextlib.py")
        inner = getattr(inner, "__wrapped__", None)
    return False
