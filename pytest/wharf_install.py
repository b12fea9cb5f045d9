"""Makes the events of a Python process known to a recorder.

Owns: audit events (Python 3.8; wrappers of functions before), and wrappers around what makes none: imports of what is loaded
already, questions about files such as `os.stat`, programs that start.
Refuses: to know what an event means (`wharf_watch.py`), to change what the process sees or does.

Standard library only, CPython 3.6 or newer. PYTEST_DONT_REWRITE
"""

import builtins
import importlib
import json
import os
import sys
import types

from wharf_watch import VARIABLE, Recorder

RECORDER = None  # the one of this process

# Its frames count as the import system's own: tracebacks drop them, `warnings` looks past them.
WRAPPERS = '''
def wrappers(find, original, enter, leave, imported, outside):
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
        if level or name not in outside:
            imported(name, globals, fromlist, level, module)
        return module

    return _find_and_load, __import__
'''


def guarded(recorder, act):
    def call(*args, **more):
        try:
            act(*args, **more)
        except Exception:
            recorder.failed()

    return call


def install(recorder):
    """Starts to watch this process; there is no way back."""
    global RECORDER
    RECORDER = recorder
    bootstrap = importlib._bootstrap
    made = {}
    exec(compile(WRAPPERS, "<frozen importlib._bootstrap>", "exec"), made)
    find, imports = made["wrappers"](
        bootstrap._find_and_load, builtins.__import__, recorder.enter, recorder.leave, recorder.imported, recorder.outside
    )
    recorder.find_code = find.__code__
    watch_looking(recorder)
    watch_children(recorder)
    if hasattr(sys, "addaudithook"):
        watch_events(recorder)
    else:
        watch_calls(recorder)
    recorder.note_roots()
    bootstrap._find_and_load = find
    builtins.__import__ = imports


def watch_events(recorder):
    handlers = {
        "open": recorder.on_open,
        "os.listdir": recorder.on_list,
        "os.scandir": recorder.on_list,
        "os.mkdir": recorder.on_make,
        "os.rename": recorder.on_move,
        "os.link": recorder.on_link,
        "os.symlink": recorder.on_link,
        "os.system": recorder.on_shell,
        "os.exec": recorder.on_exec,
        "sqlite3.connect": recorder.on_database,
        "ctypes.dlopen": recorder.on_library,
        "socket.connect": recorder.on_network,
        "socket.sendto": recorder.on_network,
        "socket.sendmsg": recorder.on_network,
        "socket.getaddrinfo": recorder.on_name,
        "socket.gethostbyname": recorder.on_name,
        "cpython.run_file": lambda args: recorder.on_open((args[0], None, os.O_RDONLY)),
    }
    find, failed = handlers.get, recorder.failed

    def hook(event, args):
        act = find(event)
        if act is not None:
            try:
                act(args)
            except Exception:
                failed()

    sys.addaudithook(hook)


def replace(place, name, wrapper):
    """Puts `wrapper`, which takes the raw function first, in the place of a function, also where `os` says what that can do."""
    raw = getattr(place, name)
    wrapper.__name__ = wrapper.__qualname__ = name
    wrapper.__doc__ = raw.__doc__
    wrapped = types.MethodType(wrapper, raw)  # as a built-in function, it does not become a method in a class
    for kind in ("supports_dir_fd", "supports_fd", "supports_follow_symlinks", "supports_effective_ids"):
        known = getattr(os, kind, None) if place is os else None
        if known is not None and raw in known:
            known.add(wrapped)
    setattr(place, name, wrapped)
    pathlib = sys.modules.get("pathlib")
    accessor = getattr(pathlib, "_NormalAccessor", None)  # before Python 3.11
    if accessor is not None and place is os and name in vars(accessor):
        setattr(accessor, name, wrapped)


def watch_looking(recorder):
    prefixes, look = recorder.prefixes, recorder.on_look

    def looking():
        def wrapped(raw, path, *args, **more):
            __tracebackhide__ = True
            try:
                return raw(path, *args, **more)
            finally:
                if path.__class__ is not str or path[:1] != "/" or path.startswith(prefixes):
                    if not more or more.get("dir_fd") is None:
                        look(path)

        return wrapped

    def following():
        def wrapped(raw, path, *args, **more):
            __tracebackhide__ = True
            try:
                return raw(path, *args, **more)
            finally:
                if path.__class__ is not str or path[:1] != "/" or path.startswith(prefixes):
                    # Resolving a path looks at each of its parts, without a question behind it.
                    resolving = sys._getframe(1).f_code.co_name in ("realpath", "_joinrealpath")
                    if not resolving and (not more or more.get("dir_fd") is None):
                        look(path)

        return wrapped

    for name in ("stat", "access"):
        replace(os, name, looking())
    for name in ("lstat", "readlink"):
        replace(os, name, following())


def watch_children(recorder):
    variables = recorder.child_variables
    try:
        import _posixsubprocess
    except ImportError:
        return
    raw = _posixsubprocess.fork_exec

    def fork_exec(args, candidates, close_fds, fds, cwd, env, *rest):
        __tracebackhide__ = True
        return raw(args, candidates, close_fds, fds, cwd, variables(list(args), candidates, cwd, env), *rest)

    _posixsubprocess.fork_exec = fork_exec
    subprocess = sys.modules.get("subprocess")
    if subprocess is not None and hasattr(subprocess, "_fork_exec"):
        subprocess._fork_exec = fork_exec
    for name in ("posix_spawn", "posix_spawnp"):
        if hasattr(os, name):
            replace(os, name, spawning(variables))
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=recorder.before_fork, after_in_child=recorder.after_fork)
    else:
        replace(os, "fork", forking(recorder))


def forking(recorder):
    def wrapped(raw):
        recorder.before_fork()
        pid = raw()
        if pid == 0:
            recorder.after_fork()
        return pid

    return wrapped


def spawning(variables):
    def wrapped(raw, path, args, env, **more):
        __tracebackhide__ = True
        args = list(args)
        candidates = [path]
        if "/" not in os.fsdecode(path):
            candidates = [os.path.join(folder, os.fsdecode(path)) for folder in os.get_exec_path()]
        return raw(path, args, variables(args, candidates, None, os.environ if env is None else env), **more)

    return wrapped


def watch_calls(recorder):
    """What audit events tell since Python 3.8."""
    import io

    def told(place, name, act):
        act = guarded(recorder, act)

        def wrapped(raw, *args, **more):
            __tracebackhide__ = True
            act(*args, **more)
            return raw(*args, **more)

        replace(place, name, wrapped)

    def flags_of(mode):
        create = os.O_CREAT | (os.O_TRUNC if "w" in mode else os.O_EXCL if "x" in mode else 0)
        if "+" in mode:
            return os.O_RDWR | (0 if "r" in mode else create)
        return os.O_RDONLY if not set("wxa") & set(mode) else os.O_WRONLY | create

    def open_file(file=None, mode="r", *_args, **_more):
        recorder.on_open((file if isinstance(file, int) else os.fspath(file), mode, flags_of(mode)))

    told(io, "open", open_file)
    builtins.open = io.open
    told(os, "open", lambda path, flags, *_args, **_more: recorder.on_open((os.fspath(path), None, flags)))
    for name in ("listdir", "scandir"):
        told(os, name, lambda path=None, **_more: recorder.on_list((path if path is None or isinstance(path, int) else os.fspath(path),)))
    told(os, "mkdir", lambda path, *_args, **_more: recorder.on_make((os.fspath(path),)))
    for name, act in (("rename", recorder.on_move), ("replace", recorder.on_move), ("link", recorder.on_link), ("symlink", recorder.on_link)):
        told(os, name, lambda source, target, *_args, act=act, **_more: act((os.fspath(source), os.fspath(target))))
    told(os, "system", lambda command: recorder.on_shell((command,)))
    for name in ("execv", "execve"):
        told(os, name, lambda path, args, *_env: recorder.on_exec((os.fspath(path), args)))
    import socket

    class Connecting(socket.socket):
        __slots__ = ()

        def connect(self, address):
            guarded(recorder, recorder.on_network)((self, address))
            return super().connect(address)

    Connecting.__name__ = Connecting.__qualname__ = "socket"
    Connecting.__module__ = "socket"
    socket.socket = socket.SocketType = Connecting
    told(socket, "getaddrinfo", lambda host, *_args, **_more: recorder.on_name((host,)))


def start(root, skip=()):
    """Watches this process: what it loaded so far counts for every test file."""
    recorder = Recorder(root)
    recorder.skip = list(skip)
    own = recorder.relative(os.path.realpath(sys.prefix))
    recorder.skip.extend([own] if own not in (None, ".") else [])
    recorder.base_on_loaded()
    install(recorder)
    return recorder


def start_child():
    """Watches this process on behalf of the one that started it."""
    settings = json.loads(os.environ.pop(VARIABLE, "null"))
    if settings is None:
        return
    if settings["path"] is None:
        os.environ.pop("PYTHONPATH", None)
    else:
        os.environ["PYTHONPATH"] = settings["path"]
    recorder = Recorder(settings["root"])
    recorder.flat, recorder.parent, recorder.token = True, settings["of"], settings["token"]
    recorder.folder = settings["folder"]
    recorder.tell("started", os.getpid())
    install(recorder)
