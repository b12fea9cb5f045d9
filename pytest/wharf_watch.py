"""What a Python process, and its children that run Python, do in a workspace.

Owns: what an event of the process means, which programs may have read what, and the folder in which children say what they saw.
Refuses: to say whom a dependency belongs to (`wharf_reads.py`), to hear of events by itself (`wharf_install.py`).

A child gets two more variables, which let it load these modules through a `sitecustomize` of ours, and which it drops at once.
Each child writes a line for each new thing that it sees, so that nothing is lost however it ends; one
that never says hello may have read anything. Standard library only, CPython 3.6 or newer. PYTEST_DONT_REWRITE
"""

import json
import os
import sys
import time

from wharf_reads import GETCWD, OWN, Units, exists

VARIABLE = "WHARF_RECORD"
OPEN, WRITE = os.open, os.write
FORKED = "forked"  # instead of a token

# Programs that read nothing but the files that they are given.
HARMLESS = frozenset(
    "basename cat date dirname echo false getconf head hostname id ldconfig locale lsb_release mkdir nproc printf"
    " sleep stty tail true tty uname wc whoami".split()
)

SITE = '''
import os, sys

here = os.path.dirname(os.path.abspath(__file__))
mine = sys.modules.pop("sitecustomize", None)
sys.path[:] = [here] + [path for path in sys.path if os.path.abspath(path or ".") != here]
try:
    import wharf_install

    wharf_install.start_child()
except Exception:
    pass  # it has not said hello, so the parent knows
finally:
    sys.path.remove(here)
try:
    import sitecustomize
except ImportError as error:
    if error.name != "sitecustomize":
        raise
    if mine is not None:
        sys.modules["sitecustomize"] = mine
'''


class Recorder(Units):
    """Who is at work in this process, what it does, and what its children say."""

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
                self.keep(self.read, path, path)
                return
            if flags & os.O_DIRECTORY:
                self.list(unit, path)
            elif how == os.O_RDWR and flags & os.O_CREAT and not exists(path):
                self.looked(unit, path)
                self.wrote(unit, path)
                return
            elif self.is_traceback():
                return
            else:
                self.read(unit, path)
            unit.seen.add(path)
        elif flags & (os.O_TRUNC | os.O_EXCL) or not exists(path):
            self.wrote(unit, path)

    def is_traceback(self):
        frame = sys._getframe(1)
        while frame is not None and self.is_library(frame, ("/wharf_watch.py", "/tokenize.py")):
            frame = frame.f_back
        return frame is not None and self.is_library(frame, "/linecache.py")

    def is_library(self, frame, ends):
        file = frame.f_code.co_filename
        return file.endswith(ends) and not self.is_of_workspace(file)

    def asks_about_the_system(self):
        """Whether the standard library wants to know where a library is or what machine this is."""
        frame = sys._getframe(2)
        while frame is not None:
            if self.is_library(frame, ("/ctypes/util.py", "/uuid.py", "/platform.py")):
                return True
            frame = frame.f_back
        return False

    def on_list(self, args):
        path = self.absolute("." if args[0] is None else args[0])
        if path is None:
            return
        unit = self.current()
        key = "\0" + path
        if key in unit.seen:
            self.keep(self.list, path, key)
        elif not self.is_quiet():
            unit.seen.add(key)
            self.list(unit, path)

    def on_look(self, path):
        """Somebody asked for the facts of a path."""
        try:
            if self.is_quiet():  # first: pytest asks once a test, and that is quickly told
                return
            path = self.absolute(path)
            if path is None:
                return
            unit = self.current()
            if path in unit.seen:
                self.keep(self.read, path, path)
            else:
                unit.seen.add(path)
                self.read(unit, path)
        except Exception:
            self.failed()

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
                self.on_look(path)
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
        elif name not in HARMLESS and not self.asks_about_the_system():
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
            self.promised[token] = [unit] + self.keepers()
        return token

    # Children: this process as a parent.

    def place(self):
        """The folder for children, made when the first one starts; None where it cannot be made."""
        if self.folder is None:
            try:
                import tempfile

                self.folder = ""
                self.folder = os.path.realpath(tempfile.mkdtemp(prefix="wharf-reads-"))
                for path in OWN:
                    name = os.path.basename(path)
                    with open(path, "rb") as source:
                        with open(os.path.join(self.folder, name), "wb") as copy:
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
        text = json.dumps({"root": self.roots[0], "folder": self.folder, "of": number, "token": token, "path": before})
        return [("PYTHONPATH", self.folder + (":" + before if before else "")), (VARIABLE, text)]

    def child_variables(self, args, candidates, cwd, env):
        """The variables of a child that is about to start: `env`, a list of `NAME=value`, a mapping or None, with ours where needed."""
        try:
            token = self.program(args, candidates, cwd, True)
            if os.path.basename(os.fsdecode(args[0] if args else "")) in HARMLESS:
                return env
            if hasattr(env, "keys"):
                pairs = [(os.fsencode(name), os.fsencode(env[name])) for name in env]
            elif env is None:
                pairs = list(os.environb.items())
            else:
                pairs = [tuple(os.fsencode(pair).split(b"=", 1)) for pair in env]
            before = dict(pair for pair in pairs if len(pair) == 2).get(b"PYTHONPATH")
            ours = [(os.fsencode(n), os.fsencode(v)) for n, v in self.for_child(token, before and os.fsdecode(before))]
            names = {name for name, _ in ours}
            pairs = [pair for pair in pairs if pair[0] not in names] + ours
            return dict(pairs) if hasattr(env, "keys") else [b"=".join(pair) for pair in pairs]
        except Exception:
            self.failed()
            return env

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
            for unit in self.promised.pop(value, ()):
                unit.uses.add(child)
            self.hello.add(value)
        elif kind == "promised":
            self.promised[value] = [child]
        elif kind == "roots":
            self.base.reads.setdefault("roots", []).append(value)
        elif kind != "started":
            child.reads.setdefault(kind, set()).add(value)

    def close(self):
        """Takes what children said, and removes their folder."""
        self.hello = set()
        self.gather()
        for token, units in self.promised.items():
            for unit in units if token not in self.hello else ():
                unit.reads.setdefault("everything", set()).add(True)
        if self.folder and not self.flat and self.pid == os.getpid():
            import shutil

            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    # Children: this process as one.

    def base_on_loaded(self):
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__dict__", {}).get("__file__")
            if isinstance(file, str) and file.startswith(self.prefixes) and file not in OWN:
                self.base.uses.add(self.module(name))
            else:
                self.base.reads.setdefault("modules", set()).add(name.partition(".")[0])
                if type(module) is type(sys) and not hasattr(module, "__path__"):
                    self.outside.add(name)

    def stand_alone(self):
        """A child that has test files of its own, as a worker of pytest-xdist: what it saw so far counts for all of them."""
        self.flat, self.folder, self.first_own = False, None, 0
        for kind, value in self.told:
            if kind == "uses" or kind == "promised":
                self.base.reads.setdefault("everything", set()).add(True)
            elif kind not in ("roots", "started"):
                self.base.reads.setdefault(kind, set()).add(value)
        self.base_on_loaded()

    def before_fork(self):
        if self.place() is None and not self.flat:
            self.base.reads.setdefault("everything", set()).add(True)

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
        for _ in range(2):  # whoever closes all files closes ours
            try:
                lines = [(kind, value)]
                if self.out is None:
                    lines = [("of", self.parent), ("token", self.token)] + lines
                    name = "%d-%x" % (os.getpid(), int(time.time() * 1e6))
                    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
                    self.out = out_of_the_way(OPEN(os.path.join(self.folder or "", "out", name), flags, 0o666))
                WRITE(self.out, "".join(json.dumps(line) + "\n" for line in lines).encode("ascii"))
                return
            except OSError:
                self.out = None  # at the second time: the parent is gone, and with it who wants to know

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
