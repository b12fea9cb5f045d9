"""Wharf's pytest plugin: tells, event by event on standard output, what a pytest session does.

Owns: the event stream, the selection of tests by a file of ids and by test lists, what tests require, the timeout of one test.
Refuses: to change a verdict, to write anywhere but to standard output, to act without `WHARF_PLUGIN`.
The events, and the settings in `WHARF_PLUGIN`, are documented in README.md next to this file.

How it works. The module is loaded early by `-p wharf_plugin`, keeps a private copy of standard output before
pytest captures it, and binds itself to the first Config it sees; sessions started inside a test stay silent.
With xdist only the controller writes: workers select and time out tests, and what they report travels to the
controller in pytest-xdist's own messages. Nothing here may break a test run: each hook turns its own failure
into a `problem` event.

One file, standard library only, CPython 3.6 or newer, pytest 6 or newer. PYTEST_DONT_REWRITE: it has no assertions.
"""

import errno
import functools
import gc
import inspect
import json
import os
import select
import signal
import sys
import time
from json.encoder import encode_basestring_ascii as quoted

import pytest
from _pytest._io import TerminalWriter
from _pytest.reports import TestReport
from _pytest.runner import CallInfo

try:
    import _signal  # `signal` without its enums: each attempt asks for the handler
    import _thread
    import faulthandler
    import fcntl
except ImportError:  # not a POSIX CPython: the stream works, hard timeouts may not
    fcntl = None

WRITE_LIMIT = 4000  # bytes; below PIPE_BUF on Linux, so that no write is ever torn apart
LONGREPR_LIMIT = 256 * 1024
SECTION_LIMIT = 64 * 1024
MESSAGE_LIMIT = 500
SWEEP = 100000  # objects made during collection before Python's garbage collector looks at them; its own 700 mean hundreds of looks
FROZEN = 1000  # objects: CPython 3.12 itself keeps some hundred from its collector; where a project does so there are thousands
HIGH_FD = 200  # out of the way of tests that count on low file descriptors
EXIT_TIMED_OUT = 124
FROM_CALL = CallInfo.from_call.__func__.__code__


# ---------------------------------------------------------------------------------------------- text


def clean(value):
    """`value` with lone surrogates spelled out: JSON readers other than Python's refuse them."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, (list, tuple)):
        return [clean(v) for v in value]
    if isinstance(value, dict):
        return {clean(k): clean(v) for k, v in value.items()}
    return value


def dumps(value):
    """Compact, one-line, ASCII-only JSON."""
    text = json.dumps(value, separators=(",", ":"))
    return json.dumps(clean(value), separators=(",", ":")) if "\\ud" in text else text


def cut(text, limit):
    """`text` in at most about `limit` bytes of UTF-8; what is too much goes from the middle."""
    raw = text.encode("utf-8", "backslashreplace")
    if len(raw) <= limit:
        return raw.decode("utf-8")
    half = (limit - 80) // 2
    note = "\n[... wharf: %d bytes left out here ...]\n" % (len(raw) - 2 * half)
    return raw[:half].decode("utf-8", "ignore") + note + raw[-half:].decode("utf-8", "ignore")


def one_line(text):
    lines = text.strip().splitlines()
    line = lines[0].strip() if lines else ""
    return line if len(line) <= MESSAGE_LIMIT else line[: MESSAGE_LIMIT - 3] + "..."


def longrepr_of(report):
    """The failure as pytest's terminal shows it, without colour."""
    try:
        return report.longreprtext
    except Exception:  # a project's own repr object may fail to render
        return "<the failure could not be rendered: %r>" % type(report.longrepr).__name__


def message_of(report, text):
    """One line that says what went wrong, or why the test was skipped."""
    longrepr = report.longrepr
    if hasattr(report, "wasxfail"):
        reason = str(report.wasxfail or "")
        return one_line(reason[len("reason: "):] if reason.startswith("reason: ") else reason)
    if isinstance(longrepr, tuple) and len(longrepr) == 3:
        reason = str(longrepr[2])
        return one_line(reason[len("Skipped: "):] if reason.startswith("Skipped: ") else reason)
    crash = getattr(longrepr, "reprcrash", None)
    if crash is not None and getattr(crash, "message", None):
        return one_line(str(crash.message))
    lines = [line for line in text.splitlines() if line.strip()]
    explained = [line[2:] for line in lines if line.startswith("E ")]
    return one_line((explained or lines[-1:] or [""])[0])


# -------------------------------------------------------------------------------------------- stream


class Stream:
    """Writes events to the standard output that this process started with."""

    def __init__(self, nonce):
        self.fd = private_copy(1)
        self.pid = os.getpid()
        self.head = '{"wharf":%s,"event":' % quoted(nonce)
        self.pending = ""
        self.parts = 0
        self.problems = 0
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.close)
            self.pid = None

    def close(self):
        self.fd = None

    def event(self, name, **fields):
        """Sends one event, after those kept back."""
        self.send(self.head + quoted(name) + "," + dumps(fields)[1:])

    def send(self, text, keep=False):
        """Sends one event's JSON; with `keep` it may wait for the next one and share its write."""
        line = "\x1e" + text + "\n"
        if len(line) > WRITE_LIMIT:
            self.flush()
            for part in self.split(text):
                self.write(part)
            return
        if len(self.pending) + len(line) > WRITE_LIMIT:
            self.flush()
        line = self.pending + line
        if keep:
            self.pending = line
        else:
            self.pending = ""
            self.write(line)

    def split(self, text):
        self.parts += 1
        head = "\x1e%s\"part\",\"of\":%d,\"last\":" % (self.head, self.parts)
        size = max(1, (WRITE_LIMIT - len(head) - 20) // 2)  # quoting at most doubles the text
        for start in range(0, len(text), size):
            last = "true" if start + size >= len(text) else "false"
            yield "%s%s,\"text\":%s}\n" % (head, last, quoted(text[start:start + size]))

    def flush(self):
        if self.pending:
            text, self.pending = self.pending, ""
            self.write(text)

    def write(self, text):
        if self.fd is None or (self.pid and os.getpid() != self.pid):  # a forked child has no say in this stream
            return
        left = text.encode("ascii")
        while left:
            try:
                left = left[os.write(self.fd, left):]
            except OSError as error:
                if error.errno == errno.EAGAIN:
                    wait_writable(self.fd)
                elif error.errno != errno.EINTR:
                    self.fd = None  # nobody reads any more: the tests go on
                    return

    def problem(self, message, **more):
        self.problems += 1
        if self.problems <= 20:
            self.event("problem", message=cut(message, LONGREPR_LIMIT), **more)


class Letters:
    """Standard output as pytest's terminal report knows it: a letter of progress shares the write of the next event.

    In an image that does not buffer (`PYTHONUNBUFFERED`) each letter would be a write of its own, which the engine carries
    through four processes.
    """

    def __init__(self, file, stream):
        self.file = file
        self.stream = stream
        self.dirty = False

    @classmethod
    def share(cls, config, stream):
        """Puts it between a terminal report that is pytest's own, writes to a pipe or a file, and is no test's output."""
        writer = getattr(config.pluginmanager.getplugin("terminalreporter"), "_tw", None)
        file = getattr(writer, "_file", None)
        if type(writer) is TerminalWriter and file is sys.stdout and not file.isatty() and config.getoption("capture", "no") != "no":
            writer._file = cls(file, stream)
            return lambda: setattr(writer, "_file", file)
        return lambda: None

    def write(self, text):
        if len(text) == 1 and " " < text < "\x7f" and self.stream.fd is not None:
            self.stream.pending += text
            return 1
        self.stream.flush()
        self.dirty = True
        return self.file.write(text)

    def flush(self):
        if self.dirty:
            self.dirty = False
            self.file.flush()

    def __getattr__(self, name):
        return getattr(self.file, name)


def private_copy(fd):
    """A close-on-exec duplicate of `fd` with a high number, or None where `fd` is closed."""
    for lowest in (HIGH_FD, 10):
        try:
            return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, lowest)
        except (AttributeError, OSError, ValueError):
            continue
    try:
        return os.dup(fd)
    except OSError:
        return None


def wait_writable(fd):
    try:
        poll = select.poll()
        poll.register(fd, select.POLLOUT)
        poll.poll(1000)
    except Exception:
        time.sleep(0.005)


def harmless(hook):
    """A hook whose own failure becomes a `problem` event."""

    @functools.wraps(hook)
    def wrapped(self, *args, **kwargs):
        try:
            return hook(self, *args, **kwargs)
        except Exception:
            self.trouble()

    wrapped.__signature__ = inspect.signature(hook)  # older pluggy looks no further for a hook's arguments
    return wrapped


class Guarded:
    """What a plugin object needs to report its own failures."""

    stream = None

    def trouble(self):
        try:
            import traceback

            if self.stream is not None:
                self.stream.problem("the plugin failed: " + traceback.format_exc())
        except Exception:
            pass


class Garbage(Guarded):
    """Keeps Python's garbage collector from going over what collection makes again and again: nearly all of it stays.

    While tests are collected it looks less often. Afterwards what is there counts as old, as if it had been gone over:
    a full collection still sees it. What a project sets itself stands.
    """

    def __init__(self, stream):
        self.stream = stream

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection(self):
        usual = gc.get_threshold()
        rarely = (SWEEP,) + usual[1:]
        if 0 < usual[0] < SWEEP:
            gc.set_threshold(*rarely)
        yield
        try:
            if gc.get_threshold() == rarely:
                gc.set_threshold(*usual)
                if hasattr(gc, "freeze") and gc.get_freeze_count() < FROZEN:  # CPython 3.7
                    gc.freeze()
                    gc.unfreeze()  # into the oldest generation
        except Exception:
            self.trouble()


# ----------------------------------------------------------------------------------------------- ids


class Paths:
    """Turns pytest's node ids, relative to its rootdir, into ids relative to the workspace root."""

    def __init__(self, root, rootdir, grouped):
        self.rootdir = rootdir
        self.roots = [(rootdir, root), (os.path.realpath(rootdir), os.path.realpath(root))]
        self.grouped = grouped  # xdist's --dist loadgroup appends @group to node ids
        self.known = {}

    def rebase(self, path):
        """`path`, relative to rootdir, as seen from the workspace root; unchanged where it is outside."""
        found = self.known.get(path)
        if found is None:
            found = self.known[path] = clean(self.find(path))
        return found

    def find(self, path):
        for rootdir, root in self.roots:
            full = os.path.normpath(os.path.join(rootdir, path))
            if full == root:
                return "."
            if full.startswith(root.rstrip(os.sep) + os.sep):
                return full[len(root.rstrip(os.sep)) + 1:].replace(os.sep, "/")
        return path or self.rootdir

    def id(self, nodeid):
        if self.grouped and nodeid.rfind("@") > nodeid.rfind("]"):
            nodeid = nodeid[: nodeid.rfind("@")]
        path, colons, rest = nodeid.partition("::")
        return self.rebase(path) + colons + rest


def paths_for(config, root):
    rootdir = str(getattr(config, "rootpath", None) or config.rootdir)
    return Paths(root, rootdir, config.getoption("dist", "no") == "loadgroup" or bool(config.getoption("loadgroup", False)))


# ----------------------------------------------------------------------------------------- selection


class Selection(Guarded):
    """Keeps only the tests that the select file lists, and counts what the user's own options drop."""

    def __init__(self, path, paths, stream):
        self.paths = paths
        self.stream = stream
        self.lines = None
        self.deselected = 0
        self.selected_out = 0
        self.matched = set()
        if path:
            with open(path, encoding="utf-8") as file:
                self.lines = {line.rstrip("\r\n") for line in file} - {""}

    def wants(self, nodeid):
        """Whether a line names this test, its file, its class, or it without its parameters."""
        name = self.paths.id(nodeid)
        plain = name.partition("[")[0] if "::" in name else name
        names = {name, plain}
        while "::" in plain:
            plain = plain.rpartition("::")[0]
            names.add(plain)
        found = names & self.lines
        self.matched |= found
        return bool(found)

    @harmless
    def pytest_deselected(self, items):
        self.deselected += len(items)
        if self.lines is not None:
            for item in items:
                self.wants(item.nodeid)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items):
        yield
        if self.lines is not None:
            try:
                kept = [item for item in items if self.wants(item.nodeid)]
                self.selected_out += len(items) - len(kept)
                items[:] = kept
            except Exception:
                self.trouble()

    def unmatched(self):
        return sorted((self.lines or set()) - self.matched)


class LeaveOut(Guarded):
    """Keeps pytest from collecting the files that the `leave_out` file lists."""

    def __init__(self, path, root, stream):
        self.stream = stream
        roots = {root, os.path.realpath(root)}
        with open(path, encoding="utf-8") as file:
            self.files = {os.path.join(root, line) for line in file.read().splitlines() if line for root in roots}

    if hasattr(pytest, "version_tuple"):  # pytest 7

        def pytest_ignore_collect(self, collection_path):
            return True if str(collection_path) in self.files else None

    else:

        def pytest_ignore_collect(self, path):
            return True if str(path) in self.files else None

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items):
        """Files named on the command line are collected whatever the hook above says."""
        yield
        try:
            items[:] = [item for item in items if str(item.fspath) not in self.files]
        except Exception:
            self.trouble()


class Lists(Guarded):
    """Keeps only the tests of the test lists that were asked for, and notes which of their entries match any.

    The file is a JSON list of nodes; a node holds names and regular expressions, each with the number of its entry,
    numbers of further nodes, and that of a node with what is excluded. The first node is the whole.
    """

    def __init__(self, path, paths, stream):
        import re

        self.paths = paths
        self.stream = stream
        self.matched = set()
        with open(path, encoding="utf-8") as file:
            self.nodes = json.load(file)
        for node in self.nodes:
            node["globs"] = [(re.compile(text + r"\Z", re.DOTALL).match, entry) for text, entry in node["globs"]]

    def names(self, nodeid):
        """What an entry without wildcards may call this test: itself, what it is in, and it without parameters."""
        name = self.paths.id(nodeid)
        path, _, inside = name.partition("::")
        names = {name, path, "."}
        inside = inside.partition("[")[0]
        while inside:
            names.add(path + "::" + inside)
            inside = inside.rpartition("::")[0]
        while "/" in path:
            path = path.rpartition("/")[0]
            names.add(path)
        return name, names

    def entries(self, nodeid):
        """Numbers of the entries that match, and whether the test is in the lists."""
        found = set()
        name, names = self.names(nodeid)
        return found, self.has(self.nodes[0], name, names, found)

    def has(self, node, name, names, found):
        mine = {node["names"][known] for known in names if known in node["names"]}
        mine.update(entry for match, entry in node["globs"] if match(name))
        found |= mine
        hit = bool(mine)
        for other in node["lists"]:
            hit = self.has(self.nodes[other], name, names, found) or hit
        return hit and (node["not"] is None or not self.has(self.nodes[node["not"]], name, names, found))

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, config, items):
        try:
            kept, dropped = [], []
            for item in items:
                found, wanted = self.entries(item.nodeid)
                self.matched |= found
                (kept if wanted else dropped).append(item)
            if dropped:
                items[:] = kept
                config.hook.pytest_deselected(items=dropped)
        except Exception:
            self.trouble()
        yield


# -------------------------------------------------------------------------------------- requirements


class Requires(Guarded):
    """Skips tests whose marker needs what this place lacks, before any fixture; fails them where it was demanded.

    Each capability is looked for once, when the first test needs it.
    """

    def __init__(self, requires, demanded, config, stream):
        self.stream = stream
        self.requires = sorted(requires.items())
        self.demanded = set(demanded)
        self.known = {}
        self.reads = config.pluginmanager.getplugin("wharf-reads")
        for marker, capability in self.requires:
            config.addinivalue_line("markers", "%s: needs %s" % (marker, capability))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item):
        for marker, capability in self.requires:
            if item.get_closest_marker(marker) is None:
                continue
            lacking = self.lacking(capability)
            if lacking:
                if self.reads is not None:  # another place, or another day, may have it: this verdict is not to be kept
                    self.reads.file(item.nodeid).partial = True
                text = "requires %s, which is not here: %s" % (capability, lacking)
                if self.demanded & {marker, capability, "all"}:
                    pytest.fail(text, pytrace=False)
                pytest.skip(text)

    def lacking(self, capability):
        """Why this place lacks it; empty where it does not."""
        if capability not in self.known:
            try:
                self.known[capability] = lacking(capability)
            except Exception as error:
                self.known[capability] = "it could not be looked for: %r" % (error,)
        return self.known[capability]


def lacking(capability):
    kind, _, name = capability.partition(":")
    if kind == "docker":
        return lacking_engine()
    if kind == "network":
        return "" if has_route() else "there is no route out"
    if kind == "gpu":
        import glob

        found = glob.glob("/dev/nvidia[0-9]*") + glob.glob("/dev/kfd") + glob.glob("/dev/dxg")
        return "" if found else "there is no device of one"
    if kind == "env":
        return "" if os.environ.get(name) else "the variable is not set"
    if kind == "command":
        import shutil

        return "" if shutil.which(name) else "it is not on PATH"
    if kind == "service":
        return lacking_service(*name.partition(":")[::2])
    return "this version of Wharf does not know it"


def lacking_engine():
    import socket

    hosts = [os.environ.get("DOCKER_HOST") or os.environ.get("CONTAINER_HOST") or ""]
    if not hosts[0]:
        sockets = ["/var/run/docker.sock", "/run/podman/podman.sock"]
        runtime = os.environ.get("XDG_RUNTIME_DIR")
        sockets += [runtime + "/podman/podman.sock", runtime + "/docker.sock"] if runtime else []
        hosts = ["unix://" + path for path in sockets if os.path.exists(path)]
    why = "no socket of one"
    for host in hosts:
        scheme, _, place = host.partition("://")
        try:
            if scheme == "unix":
                with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                    client.settimeout(3)
                    client.connect(place)
            elif scheme != "ssh":
                name, _, port = place.rstrip("/").rpartition(":")
                socket.create_connection((name.strip("[]"), int(port)), 3).close()
            return ""
        except (OSError, ValueError) as error:
            why = "%s does not answer: %s" % (host, error)
    return why


def has_route():
    """Whether the kernel knows a way to other networks; nothing is sent. Where there is no /proc, it is believed."""
    if not os.path.exists("/proc/net/route"):
        return True
    with open("/proc/net/route") as file:
        if any(line.split()[1:2] == ["00000000"] for line in file):
            return True
    try:
        with open("/proc/net/ipv6_route") as file:
            rows = [line.split() for line in file]
    except OSError:
        return False
    return any(row[0] == "0" * 32 and row[1] == "00" and row[-1] != "lo" for row in rows if len(row) >= 10)


def lacking_service(name, port):
    import socket

    try:
        if port:
            socket.create_connection((name, int(port)), 3).close()
        else:
            socket.getaddrinfo(name, None)
        return ""
    except OSError as error:
        return "it does not answer: %s" % error if port else "no host has this name"


# --------------------------------------------------------------------------------------- explanation


class Explain(Guarded):
    """Tells of the tests that one id names whether each thing that selects would take them. Nothing is run then."""

    def __init__(self, settings, paths, lists, requires, stream):
        self.settings = settings
        self.paths = paths
        self.lists = lists
        self.requires = requires
        self.stream = stream

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items):
        found = []
        try:
            wanted = self.settings["id"]
            for item in items:
                name = self.paths.id(item.nodeid)
                if name == wanted or name.startswith((wanted + "[", wanted + "::")):
                    found.append((item, self.facts(item, name)))
        except Exception:
            self.trouble()
        yield
        try:
            kept = set(map(id, items))
            for item, facts in found:
                self.stream.event("explained", kept=id(item) in kept, **facts)
        except Exception:
            self.trouble()

    def facts(self, item, name):
        markers = []
        for marker in item.iter_markers():
            if marker.name not in markers:
                markers.append(marker.name)
        facts = {"id": name, "markers": markers, "entries": [], "listed": None, "lacking": []}
        for kind in ("suite", "markexpr", "keyword"):
            facts[kind] = self.takes(item, kind)
        if self.lists is not None:
            entries, facts["listed"] = self.lists.entries(item.nodeid)
            facts["entries"] = sorted(entries)
        if self.requires is not None:
            needed = [(marker, capability) for marker, capability in self.requires.requires if marker in markers]
            facts["lacking"] = [[marker, capability, self.requires.lacking(capability)] for marker, capability in needed]
        return facts

    def takes(self, item, kind):
        """What pytest itself would make of an expression; None where there is none."""
        text = self.settings.get(kind)
        if not text:
            return None
        from _pytest.mark import KeywordMatcher, MarkMatcher
        from _pytest.mark.expression import Expression

        if kind == "keyword":
            matcher = KeywordMatcher.from_item(item)
        elif hasattr(MarkMatcher, "from_item"):
            matcher = MarkMatcher.from_item(item)
        else:
            matcher = MarkMatcher.from_markers(item.iter_markers())  # pytest 8.3
        compiled = Expression.compile(text) if hasattr(Expression, "compile") else Expression(text)
        return bool(compiled.evaluate(matcher))


class Shard(Guarded):
    """Keeps only the tests whose files belong to this share of a dir, and collects no other files.

    The list says whose share a known file is; for files that are on no list `rest` does: all are meant, none, or
    those whose path has a hash that is meant. So each file belongs to exactly one share.
    """

    def __init__(self, settings, root, paths, stream):
        self.stream = stream
        self.paths = paths
        self.index = settings["index"]
        self.rest = settings["rest"]
        self.roots = [root.rstrip(os.sep) + os.sep, os.path.realpath(root).rstrip(os.sep) + os.sep]
        self.known = {}
        with open(settings["assigned"], encoding="utf-8") as file:
            for line in file:
                share, _, path = line.rstrip("\n").partition(" ")
                if path:
                    self.known[path] = int(share) == self.index

    def holds(self, path):
        """Whether the file with this path, from the workspace's root, is to be run."""
        found = self.known.get(path)
        if found is None:
            found = self.known[path] = self.rest if isinstance(self.rest, bool) else self.by_hash(path, *self.rest)
        return found

    @staticmethod
    def by_hash(path, index, total):
        value = 0x811C9DC5  # FNV-1a, as wharf has it
        for byte in path.encode("utf-8", "surrogateescape"):
            value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
        return (value ^ (value >> 16)) % total + 1 == index

    def ignores(self, full):
        for root in self.roots:
            if full.startswith(root):
                path = full[len(root):]
                if path in self.known:
                    return True if not self.known[path] else None
                # What else has tests is known when they are collected; packages and fixtures belong to all.
                name = os.path.basename(path)
                if name.endswith(".py") and name not in ("__init__.py", "conftest.py") and os.path.isfile(full):
                    return True if not self.holds(path) else None
                return None
        return None

    if hasattr(pytest, "version_tuple"):  # pytest 7

        def pytest_ignore_collect(self, collection_path):
            try:
                return self.ignores(str(collection_path))
            except Exception:
                self.trouble()

    else:

        def pytest_ignore_collect(self, path):
            try:
                return self.ignores(str(path))
            except Exception:
                self.trouble()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items):
        """Files named on the command line are collected whatever the hook above says."""
        yield
        try:
            items[:] = [item for item in items if self.holds(self.paths.id(item.nodeid).partition("::")[0])]
        except Exception:
            self.trouble()


# ------------------------------------------------------------------------------------------ timeouts


class TimedOut(pytest.fail.Exception):
    """A test took longer than its timeout. Not an Exception, so that `except Exception` lets it through."""

    __module__ = "builtins"


class Timeouts(Guarded):
    """Ends a test that takes too long.

    A watchdog thread looks at the time. Soft, after `timeout`: it sends SIGALRM to the main thread, where TimedOut
    is raised in the test, which then fails like any other; once more half a grace later if the test swallowed
    it. Hard, after `timeout + grace`: it reports the test with the stacks of all threads and ends the process,
    because code stuck in C cannot be made to return. Where even the watchdog gets no turn, faulthandler
    has written the stacks to standard error.

    An attempt costs two assignments: one that starts while the watchdog waits cannot be due before it wakes up.
    The watchdog is not a `threading.Thread` (tests count those), takes no signal (tests mask those), and is
    away while the process forks (Python 3.12 warns of forks beside threads). A project that handles
    SIGALRM itself keeps its handler, and only the hard timeout.
    """

    def __init__(self, settings, config, report_hard, stream):
        import threading

        self.stream = stream
        self.timeout = float(settings["timeout"])
        self.grace = max(0.1, float(settings.get("grace") or 0))
        self.limit = self.timeout + self.grace
        self.report_hard = report_hard
        self.main = threading.main_thread().ident
        self.stderr = private_copy(2)
        self.pid = os.getpid()
        self.test = None  # (nodeid, location) of the running attempt
        self.began = 0.0
        self.deadline = None  # of the hard timeout; None while no test runs
        self.fired = None  # the phase in which the attempt timed out
        self.shots = 0
        self.handler = self.on_alarm
        self.handler_before = None
        self.gate = _thread.allocate_lock()  # held by the watchdog from its decision to the end
        self.wake = None
        self.thread = None
        self.dumps = self.stderr is not None and not float(config.getini("faulthandler_timeout") or 0)
        self.dump_slack = min(1.0, self.limit / 10)
        self.dump_due = 0.0  # when faulthandler's timer must be set anew; it dumps up to a slack late
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=self.before_fork, after_in_parent=self.after_fork)

    def arm(self, nodeid, location):
        self.test = (nodeid, location)
        self.fired, self.shots = None, 0
        self.began = now = time.monotonic()
        self.deadline = now + self.limit
        if _signal.getsignal(_signal.SIGALRM) is not self.handler:
            self.handle_alarm()
        if self.thread is None or now >= self.dump_due:
            self.start(now)

    def disarm(self):
        with self.gate:
            self.deadline = None

    def mark(self, report):
        if self.fired is not None and report.when == self.fired:
            report.wharf_timed_out = "soft"

    def pytest_enter_pdb(self):
        self.disarm()

    @pytest.hookimpl(tryfirst=True)
    @harmless
    def pytest_sessionfinish(self):
        self.disarm()
        self.stop()
        if _signal.getsignal(_signal.SIGALRM) is self.handler:
            _signal.signal(_signal.SIGALRM, self.handler_before)

    def handle_alarm(self):
        if _signal.getsignal(_signal.SIGALRM) in (_signal.SIG_DFL, _signal.SIG_IGN):
            try:
                self.handler_before = _signal.signal(_signal.SIGALRM, self.handler)
            except ValueError:  # not in the main thread: only the hard timeout works
                pass

    def on_alarm(self, _number, frame):
        __tracebackhide__ = True
        now = time.monotonic()
        if os.getpid() != self.pid or self.deadline is None:
            return
        if self.thread is None:  # only to bring the watchdog back after a fork
            self.start(now)
        phase = phase_of(frame)
        if phase is None or now < self.began + self.timeout or self.fired not in (None, phase):
            return
        self.fired = phase
        self.shots += 1
        raise TimedOut("timed out after %g s" % self.timeout)

    # The watchdog thread.

    def start(self, now):
        if self.dumps and now >= self.dump_due:
            faulthandler.dump_traceback_later(self.limit + self.dump_slack, exit=False, file=self.stderr)
            self.dump_due = now + self.dump_slack
        if self.thread is not None:
            return
        self.wake = _thread.allocate_lock()
        self.wake.acquire()
        done = _thread.allocate_lock()
        done.acquire()
        masked = signal.pthread_sigmask(signal.SIG_BLOCK, all_signals())
        try:
            _thread.start_new_thread(self.watch, (self.wake, done))
            self.thread = done
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, masked)

    def stop(self):
        if self.dump_due:
            faulthandler.cancel_dump_traceback_later()
            self.dump_due = 0.0
        if self.thread is not None:
            done, self.thread = self.thread, None
            self.wake.release()
            done.acquire()

    def watch(self, wake, done):
        try:
            wait = self.timeout
            while not wake.acquire(True, wait):
                with self.gate:
                    wait = self.look(time.monotonic())
        except Exception:
            self.trouble()
        finally:
            done.release()

    def look(self, now):
        """Acts on the running attempt if it is due; returns after how many seconds to look again."""
        if self.deadline is None:
            return self.timeout
        late = now - self.began - self.timeout
        if late < 0:
            return -late
        if now >= self.deadline and any(phase_of(frame) for frame in sys._current_frames().values()):
            self.end(now)
        due = self.shots == 0 or (self.shots == 1 and late >= self.grace / 2)
        if due and _signal.getsignal(_signal.SIGALRM) is self.handler:
            signal.pthread_kill(self.main, signal.SIGALRM)
        return 0.05

    def end(self, now):
        try:
            phase = next(filter(None, map(phase_of, sys._current_frames().values())), None)
            self.report_hard(self.test, phase, now - self.began, self.stacks())
        except Exception:
            self.trouble()
        finally:
            os._exit(EXIT_TIMED_OUT)

    def stacks(self):
        import threading
        import traceback

        me = _thread.get_ident()
        names = {ident: thread.name for ident, thread in list(threading._active.items())}
        text = ["timed out after %g s, and did not stop in %g s more" % (self.timeout, self.grace)]
        for ident, frame in sorted(sys._current_frames().items(), key=lambda pair: pair[0] != self.main):
            if ident != me:
                stack = "".join(traceback.format_stack(frame)).rstrip()
                text.append("\nthread %s:\n%s" % (names.get(ident, ident), stack))
        return "\n".join(text)

    # Forks.

    def before_fork(self):
        if os.getpid() != self.pid or (self.thread is None and not self.dump_due):
            return
        try:
            before = thread_count()
            away = (self.thread is not None) + bool(self.dump_due)
            self.stop()
            for _ in range(50):  # the threads have ended for Python; let the kernel see it too
                if before is None or thread_count() <= before - away:
                    break
                time.sleep(0.0005)
        except Exception:
            self.trouble()

    def after_fork(self):
        if os.getpid() != self.pid or self.deadline is None:
            return
        try:
            if sys.version_info < (3, 12):
                self.start(time.monotonic())
            elif _signal.getsignal(_signal.SIGALRM) is self.handler and signal.getitimer(signal.ITIMER_REAL)[0] == 0:
                signal.setitimer(signal.ITIMER_REAL, 0.02)  # Python may count threads only after this call
        except Exception:
            self.trouble()


def phase_of(frame):
    """setup, call or teardown where `frame` is inside pytest's own try around it, else None."""
    while frame is not None:
        if frame.f_code is FROM_CALL:
            return frame.f_locals.get("when")
        frame = frame.f_back
    return None


def all_signals():
    if hasattr(signal, "valid_signals"):
        return signal.valid_signals()
    return set(range(1, 32)) | set(range(signal.SIGRTMIN, signal.SIGRTMAX + 1))


def thread_count():
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return None


# --------------------------------------------------------------------------------------- dependencies


INI_FILES = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")


class TestFile:
    """What is known of one test file."""

    __slots__ = ("unit", "collected", "ran", "partial")

    def __init__(self, unit):
        self.unit = unit
        self.collected = set()
        self.ran = set()
        self.partial = False


class Reads(Guarded):
    """Tells the recorder (`wharf_watch.py`) who is at work, and what it saw of each test file to who asks."""

    def __init__(self, config, recorder, paths, stream):
        self.config = config
        self.recorder = recorder
        self.paths = paths
        self.stream = stream
        self.files = {}
        self.by_node = {}
        self.fixtures = {}  # definition of a fixture that is wider than a function: its unit
        self.items = {}  # node id: test
        self.last = None  # the file of the test that began last
        self.begun = None  # its node id
        self.prefix = ()  # what node ids in that file start with; at first, none does
        cache = paths.rebase(str(config.getini("cache_dir"))) if config.pluginmanager.hasplugin("cacheprovider") else None
        recorder.skip.extend([cache] if cache else [])

    def file(self, nodeid):
        path = nodeid.partition("::")[0]
        found = self.by_node.get(path)
        if found is None:
            name = self.paths.id(path)
            found = self.files.get(name)
            if found is None:
                found = self.files[name] = TestFile(self.recorder.unit(test_file=True))
                found.unit.reads["opened"] = {name}
            self.by_node[path] = found
        return found

    def work(self, unit):
        recorder = self.recorder
        before, recorder.work = recorder.work, unit
        if recorder.importing:
            recorder.importing.clear()  # what an exception of a signal may have left
        return before

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_make_collect_report(self, collector):
        before = None
        try:
            in_file = isinstance(collector, pytest.File) and not isinstance(collector, pytest.Package)
            if in_file or "::" in collector.nodeid:
                before = self.work(self.file(collector.nodeid).unit)
        except Exception:
            self.trouble()
        yield
        if before is not None:
            self.recorder.work = before

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items):
        try:
            for item in items:
                self.items[item.nodeid] = item
                self.file(item.nodeid).collected.add(item.nodeid)
        except Exception:
            self.trouble()
        yield

    def begin(self, nodeid):
        """A test starts: what is seen from now on belongs to its file."""
        self.begun = nodeid
        if not nodeid.startswith(self.prefix):
            file = self.file(nodeid)
            if self.last is not None and file is not self.last:
                self.recorder.switch(file.unit, (self.last.unit,))
            self.last, self.prefix = file, nodeid.partition("::")[0] + "::"
        self.work(self.last.unit)

    def end(self, nodeid):
        """A test has ended, whatever came of it."""
        self.recorder.work = self.recorder.base
        file = self.last if nodeid == self.begun else self.file(nodeid)
        file.ran.add(nodeid)
        if self.fixtures:
            definitions = getattr(getattr(self.items.get(nodeid), "_fixtureinfo", None), "name2fixturedefs", {})
            for same_name in definitions.values():
                for definition in same_name:
                    unit = self.fixtures.get(definition)
                    if unit is not None:
                        file.unit.uses.add(unit)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef, request):
        before = None
        try:
            if fixturedef.scope != "function":
                unit = self.fixtures.get(fixturedef)
                if unit is None:
                    unit = self.fixtures[fixturedef] = self.recorder.unit()
                info = getattr(getattr(request, "_pyfuncitem", None), "_fixtureinfo", None)
                if info is None or fixturedef.argname not in info.names_closure:
                    self.recorder.base.uses.add(unit)  # asked for by name while a test runs: nobody knows by whom next
                self.recorder.use(self.recorder.work, unit)
                before = self.work(unit)
        except Exception:
            self.trouble()
        yield
        if before is not None:
            self.recorder.work = before

    # What is known in the end.

    def told(self):
        """Units, and test files with the units that they use, as plain values."""
        recorder = self.recorder
        recorder.work = recorder.base
        if self.last is not None:
            recorder.switch(self.last.unit, (self.last.unit,))
        recorder.close()
        for _kind, error, _trace in recorder.failures[:3]:
            self.stream.problem("recording failed: %r" % (error,))
        self.settings_read()
        self.mark_partial()
        files = []
        for name, file in self.files.items():
            uses = [recorder.base, file.unit] + self.conftests(name, file.unit)
            files.append((name, file, uses))
        units = list(recorder.plain({unit for _, _, uses in files for unit in uses}))
        return {"units": units, "files": [
            {
                "file": name,
                "collected": len(file.collected),
                "ran": len(file.ran),
                "partial": file.partial,
                "uses": [unit.number for unit in uses],
            }
            for name, file, uses in files
        ]}

    def conftests(self, name, unit):
        """The `conftest.py`s above a test file; nearer ones are looked for and absent."""
        found, folder = [], name
        confcut = self.recorder.relative(str(getattr(self.config.pluginmanager, "_confcutdir", None) or self.paths.rootdir))
        while folder:
            folder = folder.rpartition("/")[0]
            path = (folder + "/" if folder else "") + "conftest.py"
            conftest = CONFTESTS.get(path)
            if conftest is not None:
                found.append(conftest)
            elif confcut in (None, ".") or (folder + "/").startswith(confcut + "/"):
                unit.reads.setdefault("absent", set()).add(path)
        return found

    def settings_read(self):
        """Pytest's own settings were read before anybody watched: the file, and those that would have come before it."""
        base, config = self.recorder.base, self.config
        ini = getattr(config, "inipath", None) or getattr(config, "inifile", None)
        ini = None if ini is None else os.path.abspath(str(ini))
        names = INI_FILES + (() if ini else ("setup.py",))
        here = str(getattr(config, "invocation_dir", None) or os.getcwd())
        params = getattr(config, "invocation_params", None)
        here = str(getattr(params, "dir", here))
        starts = {here} | {os.path.join(here, str(arg).partition("::")[0]) for arg in config.args}
        seen = set()
        for folder in starts:
            folder = os.path.abspath(folder)
            while folder not in seen and self.recorder.relative(folder) is not None:
                seen.add(folder)
                for name in names:
                    self.recorder.read(base, os.path.join(folder, name))
                if ini is not None and os.path.dirname(ini) == folder:
                    break
                folder = os.path.dirname(folder)
        if ini is not None and self.recorder.relative(ini) is not None:
            self.recorder.read(base, ini)

    def mark_partial(self):
        args = [str(arg) for arg in self.config.args]
        option = self.config.getoption
        some = option("lf", False) or option("stepwise", False) or option("failedfirst", False) and option("lf", False)
        for file in self.files.values():
            file.partial = bool(some)
        for arg in args:
            if "::" in arg:
                path = os.path.join(str(getattr(getattr(self.config, "invocation_params", None), "dir", os.getcwd())), arg.partition("::")[0])
                found = self.files.get(self.paths.rebase(path))
                if found is not None:
                    found.partial = True


CONFTESTS = {}  # workspace-relative path: unit


def follow_conftests(manager, recorder):
    """What a `conftest.py` reads while it is imported counts for the tests below it."""
    load = manager._importconftest

    def importconftest(conftestpath, *args, **more):
        __tracebackhide__ = True
        path = recorder.relative(str(conftestpath))
        if path is None:
            return load(conftestpath, *args, **more)
        unit = CONFTESTS.get(path)
        if unit is None:
            unit = CONFTESTS[path] = recorder.unit()
            unit.reads["opened"] = {path}
        before, recorder.work = recorder.work, unit
        try:
            return load(conftestpath, *args, **more)
        finally:
            recorder.work = before

    manager._importconftest = importconftest


# ------------------------------------------------------------------------------------------- session


class Attempt:
    """One run of one test, from `started` to `finished`."""

    __slots__ = ("name", "where", "began", "duration", "reports", "subtests", "sections", "reruns", "again")

    def __init__(self, name, where):
        self.name = name  # quoted id
        self.where = where  # JSON fields: file, line, worker
        self.began = time.monotonic()
        self.duration = 0.0
        self.reports = ()  # all but those that passed plainly
        self.subtests = ()  # the failed ones
        self.sections = ()
        self.reruns = 0  # attempts before this one
        self.again = False  # this attempt is not the last: its failure will be tried again


class Session(Guarded):
    """Turns what pytest's hooks tell into events. Lives in the session's own process, never in a worker."""

    def __init__(self, config, settings, stream):
        self.config = config
        self.settings = settings
        self.stream = stream
        self.paths = paths_for(config, settings["root"])
        self.selection = None
        self.lists = None
        self.timeouts = None
        self.reads = None
        self.names = {}  # node id: id as JSON
        self.began = time.monotonic()
        self.running = {}
        self.again = {}  # attempts that wait for the next one of the same test
        self.hard = set()  # attempts that a worker's watchdog reported already
        self.counts = {}
        self.warnings = 0
        self.xdist = None
        self.worker = None  # whose message the xdist controller is looking at
        self.collected = False
        self.broken = set()
        self.from_workers = {}
        self.interruption = None
        self.ending = None  # the session and its exit status, from its end until `done` is sent
        self.unshare = None  # gives the terminal report its own file back
        self.passed = stream.head + '"finished","id":%s,"outcome":"passed","duration":%.6f,"phase":null,"message":"","longrepr":"","sections":[],%s}'
        self.started = stream.head + '"started","id":%s,%s}'
        self.files = {}

    # Start and end.

    @pytest.hookimpl(tryfirst=True)
    @harmless
    def pytest_sessionstart(self, session):
        self.xdist = self.config.pluginmanager.getplugin("dsession")
        if self.xdist is not None:
            self.follow_workers()
        else:
            self.unshare = Letters.share(self.config, self.stream)
        rootdir = self.paths.rebase("")
        self.stream.event(
            "session",
            python="%d.%d.%d" % sys.version_info[:3],
            pytest=pytest.__version__,
            xdist=self.worker_count() if self.xdist is not None else 0,
            rootdir=rootdir,
            pid=os.getpid(),
        )

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session, exitstatus):
        if self.unshare is not None:
            self.unshare()
        self.stream.flush()
        self.ending = (session, exitstatus)
        yield
        self.done()

    @pytest.hookimpl(tryfirst=True)
    def pytest_unconfigure(self):
        """Where another plugin fails at the end of the session, pluggy never comes back to the hook above."""
        self.done()

    def done(self):
        if self.ending is None:
            return
        (session, exitstatus), self.ending = self.ending, None
        try:
            for attempt in list(self.running.values()) + list(self.again.values()):
                reason = self.interruption or "the session ended in this test"
                self.finish(attempt, "error", None, "interrupted: " + reason, "", time.monotonic() - attempt.began)
            self.report_unmatched()
            self.report_reads()
            self.stream.event(
                "done",
                exitstatus=int(getattr(session, "exitstatus", exitstatus)),
                counts=self.counts,
                deselected=self.dropped("deselected"),
                duration=round(time.monotonic() - self.began, 6),
                warnings=self.warnings,
            )
        except Exception:
            self.trouble()

    @harmless
    def report_reads(self):
        told = {worker: facts.get("reads") for worker, facts in self.from_workers.items()}
        if self.reads is not None and self.xdist is None:
            told = {"": self.reads.told()}
        elif RECORDER is not None:
            RECORDER.close()
        for process, known in told.items():
            units = (known or {}).get("units", [])
            for start in range(0, len(units), 500):
                self.stream.event("units", of=process, units=units[start:start + 500])
            for file in (known or {}).get("files", []):
                self.stream.event("reads", of=process, **file)

    @harmless
    def pytest_keyboard_interrupt(self, excinfo):
        self.interruption = one_line(excinfo.exconly())

    @harmless
    def pytest_internalerror(self, excrepr):
        self.interruption = "internal error of pytest or a plugin"
        self.stream.problem(str(excrepr), kind="internalerror")

    @harmless
    def pytest_warning_recorded(self, warning_message):
        self.warnings += 1

    # Collection.

    @harmless
    def pytest_collectreport(self, report):
        name = self.paths.id(report.nodeid)
        if report.passed or name in self.broken:
            return
        self.broken.add(name)
        text = longrepr_of(report) if report.failed else ""
        if report.failed:
            self.stream.event("collect_error", id=name, longrepr=cut(text, LONGREPR_LIMIT))
        else:
            self.stream.event("collect_skip", id=name, reason=message_of(report, text))

    @pytest.hookimpl(trylast=True)
    @harmless
    def pytest_collection_finish(self, session):
        if self.xdist is None:
            self.report_collected([item.nodeid for item in session.items])
            self.report_unmatched()

    @pytest.hookimpl(optionalhook=True)
    @harmless
    def pytest_xdist_node_collection_finished(self, node, ids):
        if not self.collected:
            self.report_collected(ids)

    def report_collected(self, nodeids):
        self.collected = True
        self.stream.event(
            "collected",
            count=len(nodeids),
            deselected=self.dropped("deselected"),
            selected_out=self.dropped("selected_out"),
        )
        for nodeid in nodeids:
            self.names[nodeid] = self.name(nodeid)
        for chunk in self.chunks([self.names[nodeid] for nodeid in nodeids]):
            self.stream.send('%s"items","ids":[%s]}' % (self.stream.head, ",".join(chunk)))

    def name(self, nodeid):
        """The id as JSON."""
        name = quoted(self.paths.id(nodeid))
        return dumps(self.paths.id(nodeid)) if "\\ud" in name else name

    def chunks(self, names):
        chunk, size = [], 0
        room = WRITE_LIMIT - len(self.stream.head) - 150
        for name in names:
            if chunk and size + len(name) + 1 > room:
                yield chunk
                chunk, size = [], 0
            chunk.append(name)
            size += len(name) + 1
        if chunk:
            yield chunk

    def dropped(self, what):
        told = [facts.get(what, 0) for facts in self.from_workers.values()]
        return max(told + [getattr(self.selection, what, 0)])

    def report_unmatched(self):
        if self.selection is None or not self.collected:
            return
        lists = [set(facts.get("unmatched", ())) for facts in self.from_workers.values()]
        unmatched = set.intersection(*lists) if lists else set(self.selection.unmatched())
        if self.xdist is not None and not lists:
            return
        self.selection.lines = None  # said once
        if self.lists is not None:
            matched = set().union(self.lists.matched, *(facts.get("matched", ()) for facts in self.from_workers.values()))
            self.stream.event("listed", entries=sorted(matched))
            self.lists = None
        names = sorted(n for n in unmatched if n.partition("::")[0] not in self.broken)
        for chunk in self.chunks([dumps(name) for name in names]):
            text = '%s"problem","message":"selected ids that match no test","kind":"unmatched","ids":[%s]}'
            self.stream.send(text % (self.stream.head, ",".join(chunk)))

    # xdist.

    def worker_count(self):
        count = 0
        for spec in self.config.getoption("tx", None) or []:
            times = spec.partition("*")[0]
            count += int(times) if times.isdigit() else 1
        return count

    def follow_workers(self):
        """Notes which worker the controller is dealing with: the hooks themselves do not say."""
        for name in ("worker_logstart", "worker_logfinish", "worker_testreport", "worker_errordown"):
            method = getattr(self.xdist, name, None)
            if method is not None:
                setattr(self.xdist, name, self.followed(method))

    def followed(self, method):
        @functools.wraps(method)
        def call(node, *args, **kwargs):
            self.worker = node.gateway.id
            try:
                return method(node, *args, **kwargs)
            finally:
                self.worker = None

        return call

    @pytest.hookimpl(optionalhook=True)
    @harmless
    def pytest_configure_node(self, node):
        node.workerinput["wharf"] = json.dumps(self.settings)
        receive = node.process_from_remote

        def listen(eventcall, *args, **kwargs):
            try:
                if isinstance(eventcall, tuple) and eventcall[0] == "collectionfinish":
                    self.hear(node, eventcall[1].pop("wharf", None))
            except Exception:
                self.trouble()
            return receive(eventcall, *args, **kwargs)

        node.process_from_remote = listen

    @pytest.hookimpl(optionalhook=True)
    @harmless
    def pytest_testnodedown(self, node, error):
        self.hear(node, (getattr(node, "workeroutput", None) or {}).get("wharf"))

    def hear(self, node, facts):
        if facts:
            facts = self.from_workers[node.gateway.id] = json.loads(facts)
            for message in facts.get("problems", ()):
                self.stream.problem(message)

    # Tests.

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid, location):
        try:
            self.begin(nodeid, location)
            if self.xdist is None:
                if self.reads is not None:
                    self.reads.begin(nodeid)
                if self.timeouts is not None:
                    self.timeouts.arm(nodeid, location)
        except Exception:
            self.trouble()

    def begin(self, nodeid, location):
        path, line = location[0], location[1]
        file = self.files.get(path)
        if file is None:
            file = self.files[path] = '"file":%s,"line":' % dumps(self.paths.rebase(path))
        worker = ',"worker":null' if self.worker is None else ',"worker":' + quoted(self.worker)
        where = file + ("null" if line is None else str(line + 1)) + worker
        name = self.names.get(nodeid) or self.name(nodeid)
        attempt = self.running[self.worker, nodeid] = Attempt(name, where)
        earlier = self.again.pop(nodeid, None) if self.again else None
        if earlier is None:
            self.stream.send(self.started % (name, where))
        else:
            attempt.reruns = earlier.reruns + 1
        return attempt

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report):
        try:
            attempt = self.running.get((self.worker, report.nodeid))
            if attempt is None:
                if report.when == "???" and (self.worker, report.nodeid) in self.hard:
                    return
                attempt = self.begin(report.nodeid, report.location)
            if type(report) is TestReport:
                attempt.duration += report.duration
                attempt.sections = report.sections
                if report.outcome == "passed" and "wasxfail" not in report.__dict__:
                    return
            self.note(attempt, report)
        except Exception:
            self.trouble()

    def note(self, attempt, report):
        if self.timeouts is not None and report.outcome == "failed":
            self.timeouts.mark(report)
        if hasattr(report, "context") and hasattr(report, "_to_json") and "ubtest" in type(report).__name__.lower():
            if report.failed and not hasattr(report, "wasxfail"):
                attempt.subtests += (report,)
        elif report.outcome == "rerun":
            attempt.again = True
            if report.when == "???":  # the worker died, and no logfinish follows
                self.running.pop((self.worker, report.nodeid), None)
                self.again[report.nodeid] = attempt
        elif report.when == "???":  # xdist: the worker died in this test
            self.running.pop((self.worker, report.nodeid), None)
            text = longrepr_of(report)
            self.finish(attempt, "crashed", None, message_of(report, text), text, time.monotonic() - attempt.began)
        elif getattr(report, "wharf_timed_out", None) == "hard":
            self.running.pop((self.worker, report.nodeid), None)
            self.hard.add((self.worker, report.nodeid))
            attempt.sections = report.sections
            phase = report.when if report.wharf_phase else None
            text = longrepr_of(report)
            self.finish(attempt, "timed_out", phase, one_line(text), text, report.duration)
        else:
            attempt.reports += (report,)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self, nodeid, location):
        try:
            if self.timeouts is not None:
                self.timeouts.disarm()
            if self.reads is not None and self.xdist is None:
                self.reads.end(nodeid)
            attempt = self.running.pop((self.worker, nodeid), None)
            if attempt is None:
                return
            if attempt.again:
                self.again[nodeid] = attempt
            elif attempt.reports or attempt.subtests or attempt.reruns:
                self.judge(attempt)
            else:
                self.counts["passed"] = self.counts.get("passed", 0) + 1
                text = self.passed % (attempt.name, attempt.duration, attempt.where)
                self.stream.send(text, keep=self.xdist is None)
        except Exception:
            self.trouble()

    def judge(self, attempt):
        """Folds the reports of one attempt into one verdict, in pytest's order of importance."""
        failed = [r for r in attempt.reports if r.outcome == "failed"]
        if attempt.subtests:  # pytest 9 also fails the test itself, but with nothing to say
            failed = list(attempt.subtests) + [r for r in failed if not isinstance(r.longrepr, str)]
        if failed:
            first = failed[0]
            timed_out = any(hasattr(r, "wharf_timed_out") for r in failed)
            outcome = "timed_out" if timed_out else "failed" if first.when == "call" else "error"
            texts = [subtest_title(r) + longrepr_of(r) for r in failed]
            guilty = next((r for r in failed if hasattr(r, "wharf_timed_out")), first)
            message = message_of(guilty, longrepr_of(guilty))
            self.finish(attempt, outcome, guilty.when, message, "\n\n".join(texts), attempt.duration)
            return
        for report in attempt.reports:
            if report.when == "teardown":
                continue  # skipped or xfailed there: what the call did stands
            known = hasattr(report, "wasxfail")
            outcome = "xpassed" if report.outcome == "passed" else "xfailed" if known else "skipped"
            text = longrepr_of(report) if outcome == "xfailed" else ""
            self.finish(attempt, outcome, report.when, message_of(report, text), text, attempt.duration)
            return
        self.finish(attempt, "passed", None, "", "", attempt.duration)

    def finish(self, attempt, outcome, phase, message, longrepr, duration):
        self.counts[outcome] = self.counts.get(outcome, 0) + 1
        sections = []
        if outcome != "passed":
            found = list(attempt.sections)
            for report in attempt.subtests:
                found += [("%s %s" % (name, subtest_title(report).strip()), text) for name, text in report.sections if (name, text) not in found]
            sections = [[name, cut(text, SECTION_LIMIT)] for name, text in found]
        fields = dumps({
            "outcome": outcome,
            "duration": round(duration, 6),
            "phase": phase,
            "message": message,
            "longrepr": cut(longrepr, LONGREPR_LIMIT),
            "sections": sections,
        })
        more = ""
        if attempt.reruns:
            more = ',"reruns":%d' % attempt.reruns + (',"flaky":true' if outcome == "passed" else "")
        self.stream.send('%s"finished","id":%s,%s,%s%s}' % (self.stream.head, attempt.name, fields[1:-1], attempt.where, more))

    def report_hard(self, test, phase, seconds, stacks):
        """Called by the watchdog thread right before it ends the process."""
        attempt = self.running.pop((None, test[0]), None)
        if attempt is None:
            return
        attempt.sections = captured_so_far(self.config)
        self.finish(attempt, "timed_out", phase, one_line(stacks), stacks, seconds)


def subtest_title(report):
    """A line that names the subtest of a report, empty for a report of a whole test."""
    context = getattr(report, "context", None)
    if context is None:
        return ""
    parts = [] if getattr(context, "msg", None) is None else ["[%s]" % (context.msg,)]
    values = ", ".join("%s=%s" % (k, v if isinstance(v, str) else repr(v)) for k, v in dict(getattr(context, "kwargs", {})).items())
    return "subtest %s\n" % " ".join(parts + (["(%s)" % values] if values else [])).strip()


def captured_so_far(config):
    """What the running test printed, read without pytest's locks: its main thread is stuck."""
    sections = []
    try:
        capture = config.pluginmanager.getplugin("capturemanager")._global_capturing
        for name in ("out", "err"):
            fd = getattr(capture, name).tmpfile.fileno()
            text = os.pread(fd, SECTION_LIMIT, max(0, os.fstat(fd).st_size - SECTION_LIMIT))
            if text:
                sections.append(("Captured std" + name, text.decode("utf-8", "replace")))
    except Exception:
        pass
    return sections


# -------------------------------------------------------------------------------------- xdist workers


class Worker(Guarded):
    """What a worker adds to pytest-xdist's own messages for the Session in the controller."""

    def __init__(self, config):
        self.config = config
        self.selection = None
        self.lists = None
        self.timeouts = None
        self.reads = None
        self.stream = self
        self.problems = []

    def problem(self, message, **_more):
        self.problems.append(message)

    def facts(self):
        chosen = self.selection
        facts = {"deselected": 0, "selected_out": 0, "unmatched": [], "problems": self.problems}
        if chosen is not None:
            facts.update(deselected=chosen.deselected, selected_out=chosen.selected_out, unmatched=chosen.unmatched())
        if self.lists is not None:
            facts["matched"] = sorted(self.lists.matched)
        text = json.dumps(facts)
        self.problems = []
        return text

    def interactor(self):
        for plugin in self.config.pluginmanager.get_plugins():
            if hasattr(plugin, "sendevent") and hasattr(plugin, "channel"):
                return plugin
        return None

    @pytest.hookimpl(tryfirst=True)
    @harmless
    def pytest_collection_finish(self):
        interactor = self.interactor()
        send = interactor.sendevent

        def sendevent(name, **kwargs):
            if name == "collectionfinish":
                kwargs["wharf"] = self.facts()
            return send(name, **kwargs)

        interactor.sendevent = sendevent

    @pytest.hookimpl(tryfirst=True)
    @harmless
    def pytest_sessionfinish(self):
        known = None if self.reads is None else self.reads.told()
        facts = json.loads(self.facts())
        facts["reads"] = known
        self.config.workeroutput["wharf"] = json.dumps(facts)

    @pytest.hookimpl(tryfirst=True)
    @harmless
    def pytest_runtest_logstart(self, nodeid, location):
        if self.reads is not None:
            self.reads.begin(nodeid)
        if self.timeouts is not None:
            self.timeouts.arm(nodeid, location)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report):
        if self.timeouts is not None and report.outcome == "failed":
            self.timeouts.mark(report)

    @pytest.hookimpl(tryfirst=True)
    @harmless
    def pytest_runtest_logfinish(self, nodeid):
        if self.timeouts is not None:
            self.timeouts.disarm()
        if self.reads is not None:
            self.reads.end(nodeid)

    def report_hard(self, test, phase, seconds, stacks):
        report = TestReport(
            test[0], test[1], {}, "failed", stacks, phase or "call",
            sections=captured_so_far(self.config), duration=seconds,
            wharf_timed_out="hard", wharf_phase=bool(phase),
        )
        self.interactor().pytest_runtest_logreport(report)


# ------------------------------------------------------------------------------------------- loading


def read_settings():
    text = os.environ.pop("WHARF_PLUGIN", None)
    if text is None:
        return None
    try:
        settings = json.loads(text)
        if not isinstance(settings["nonce"], str) or not isinstance(settings["root"], str):
            raise TypeError("nonce and root must be strings")
        return settings
    except Exception as error:
        sys.stderr.write("wharf_plugin: WHARF_PLUGIN is not understood, no events: %r\n" % (error,))
        return None


SETTINGS = read_settings()
STREAM = None if SETTINGS is None else Stream(SETTINGS["nonce"])
RECORDER = None  # of what test files depend on


def record():
    """Starts to record, in a session that was asked to and in its workers, which are recorded already as children of it."""
    global RECORDER
    if SETTINGS is not None and SETTINGS.get("record"):
        try:
            import wharf_install

            RECORDER = wharf_install.start(SETTINGS["root"])
        except Exception as error:
            STREAM.problem("recording failed to start: %r" % (error,))
    elif "PYTEST_XDIST_WORKER" in os.environ and "wharf_install" in sys.modules:
        RECORDER = sys.modules["wharf_install"].RECORDER
        RECORDER.stand_alone()


OWNER = []  # the Config that this process reports on; sessions inside a test have another one
COVERAGE = []  # what measures, once it does


def owns(config):
    if not OWNER and (STREAM is not None or "wharf" in getattr(config, "workerinput", {})):
        OWNER.append(config)
    return bool(OWNER) and OWNER[0] is config


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config):
    mine = STREAM is not None and owns(early_config)
    if RECORDER is not None and not CONFTESTS and (mine or STREAM is None):
        follow_conftests(early_config.pluginmanager, RECORDER)
    if mine and SETTINGS.get("coverage"):
        begin_coverage(early_config)
    outcome = yield
    if mine and getattr(outcome, "excinfo", None):
        try:
            report_broken_conftest(early_config, outcome.excinfo[1])
        except Exception as error:
            STREAM.problem("the plugin failed: %r" % (error,))


def begin_coverage(config):
    """Before any conftest.py is imported, so that it is measured too."""
    try:
        import wharf_coverage

        SETTINGS["coverage"] = {"root": SETTINGS["root"]}
        measuring = wharf_coverage.begin(SETTINGS["coverage"], config, STREAM)
        if measuring is not None:
            COVERAGE.append(measuring)
    except Exception as error:
        STREAM.event("coverage", missing="it could not be started: %s: %s" % (type(error).__name__, error))


@pytest.hookimpl(trylast=True)
def pytest_report_header(config):
    """The image that the tests run in; said only where `WHARF_PLUGIN` says so."""
    if SETTINGS is None or not owns(config):
        return None
    header = SETTINGS.get("header")
    return header if isinstance(header, str) and header else None


def report_broken_conftest(config, error):
    """A conftest.py that does not import ends pytest before there is a session."""
    import traceback

    cause = getattr(error, "cause", None) or error
    if getattr(error, "excinfo", None):  # ConftestImportFailure before pytest 8.1
        cause = error.excinfo[1]
    path = str(getattr(error, "path", "") or "")
    text = "".join(traceback.format_exception(type(cause), cause, cause.__traceback__))
    name = paths_for(config, SETTINGS["root"]).id(path) if path else "conftest.py"
    STREAM.event("collect_error", id=name, longrepr=cut(text, LONGREPR_LIMIT))


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    if not owns(config):
        return
    try:
        inside = getattr(config, "workerinput", None)
        if inside is None:
            settings, plugin = SETTINGS, Session(config, SETTINGS, STREAM)
        else:
            settings, plugin = json.loads(inside["wharf"]), Worker(config)
        config.pluginmanager.register(plugin, "wharf-session")
        config.pluginmanager.register(Garbage(plugin.stream), "wharf-garbage")
        if COVERAGE:
            config.pluginmanager.register(COVERAGE[0], "wharf-coverage")
        elif inside is not None and (settings.get("coverage") or {}).get("folder"):
            import wharf_coverage

            config.pluginmanager.register(wharf_coverage.Worker(settings["coverage"]), "wharf-coverage")
        plugin.selection = selection = Selection(settings.get("select"), paths_for(config, settings["root"]), plugin.stream)
        config.pluginmanager.register(selection, "wharf-selection")
        if settings.get("leave_out"):
            config.pluginmanager.register(LeaveOut(settings["leave_out"], settings["root"], plugin.stream), "wharf-leave-out")
        if settings.get("record") and RECORDER is not None:
            plugin.reads = Reads(config, RECORDER, paths_for(config, settings["root"]), plugin.stream)
            config.pluginmanager.register(plugin.reads, "wharf-reads")
        if settings.get("lists") or settings.get("requires"):
            choose(config, plugin, settings)
        if settings.get("explain"):
            explain = Explain(settings["explain"], selection.paths, plugin.lists, config.pluginmanager.getplugin("wharf-requires"), plugin.stream)
            config.pluginmanager.register(explain, "wharf-explain")
        if settings.get("shard"):
            shard = Shard(settings["shard"], settings["root"], paths_for(config, settings["root"]), plugin.stream)
            config.pluginmanager.register(shard, "wharf-shard")
        debugging = config.getoption("usepdb", False) or config.getoption("trace", False)
        if settings.get("timeout") and not debugging and hasattr(signal, "SIGALRM"):
            plugin.timeouts = Timeouts(settings, config, plugin.report_hard, plugin.stream)
            config.pluginmanager.register(plugin.timeouts, "wharf-timeouts")
    except Exception as error:
        sys.stderr.write("wharf_plugin: %r\n" % (error,))
        if STREAM is not None:
            STREAM.problem("the plugin failed to start: %s: %s" % (type(error).__name__, error))


def choose(config, plugin, settings):
    """What test lists and requirements add; an explanation asks them and lets them choose nothing."""
    if settings.get("lists"):
        plugin.lists = Lists(settings["lists"], plugin.selection.paths, plugin.stream)
        if not settings.get("explain"):
            config.pluginmanager.register(plugin.lists, "wharf-lists")
    if settings.get("requires"):
        requires = Requires(settings["requires"], settings.get("require") or (), config, plugin.stream)
        config.pluginmanager.register(requires, "wharf-requires")


record()
