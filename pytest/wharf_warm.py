"""Waits in a container with pytest loaded, and runs each round of `wharf test --watch` in a child process of its own.

Owns: the rounds, one after the other, as lines of JSON on standard input ask for them; what a round leaves running.
Refuses: to know what a round runs. A child does what `python3 -m pytest` would; only loading pytest is behind it already.

What is loaded before a round is just what pytest loads before it looks at anything: a module of the workspace that has the name of one
of these would be the one that a fresh process finds. Where there is such a module, or no child can be made, this process becomes
`python3 -m pytest` itself, and the next round gets a new container.

Standard library only, CPython 3.6 or newer. PYTEST_DONT_REWRITE
"""

import importlib
import json
import os
import runpy
import signal
import sys

HIGH_FD = 190


def preload():
    """What `python3 -m pytest` loads before its plugins."""
    try:
        config = importlib.import_module("_pytest.config")
        importlib.import_module("pytest")
        for name in config.default_plugins:
            importlib.import_module("_pytest." + name)
    except ImportError:
        pass  # the first round says so


def hidden(loaded):
    """Whether a module in the workspace would have been found before one that is loaded."""
    library = os.path.dirname(os.__file__)
    for folder in sys.path:
        if folder == library:
            return False
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for name in names:
            stem = name.partition(".")[0]
            if stem in loaded and stem != "wharf_warm":
                origin = getattr(sys.modules.get(stem), "__file__", None) or ""
                if not origin.startswith(os.path.join(folder, stem)):
                    return True
    return False


class Rounds:
    def __init__(self, nonce):
        import fcntl

        self.out = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, HIGH_FD)
        self.nonce = nonce
        self.child = None
        self.alone = False
        signal.signal(signal.SIGINT, self.interrupted)

    def interrupted(self, _number, _frame):
        # Outside of a container the whole group gets it.
        if self.child and self.alone:
            try:
                os.kill(self.child, signal.SIGINT)
            except OSError:
                pass

    def say(self, event, **fields):
        fields = dict({"wharf": self.nonce, "event": event}, **fields)
        os.write(self.out, ("\x1e%s\n" % json.dumps(fields, separators=(",", ":"))).encode("ascii"))

    def wait(self):
        """Status of the child, as a shell shows it."""
        while True:
            try:
                _, status = os.waitpid(self.child, 0)
                break
            except InterruptedError:
                continue
        self.child = None
        if os.WIFSIGNALED(status):
            return -os.WTERMSIG(status)
        return os.WEXITSTATUS(status)

    def clean(self):
        """Ends what the round left behind, where nothing else lives: as the end of its container would."""
        if not self.alone:
            return
        keep = {1, os.getpid(), os.getppid()}
        for name in os.listdir("/proc"):
            if name.isdigit() and int(name) not in keep:
                try:
                    os.kill(int(name), signal.SIGKILL)
                except OSError:
                    pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except OSError:
            pass

    def serve(self):
        """Gives the next round, in the child that runs it; in the parent it comes back only when nobody asks any more."""
        loaded = {name.partition(".")[0] for name in sys.modules}
        self.say("ready")
        while True:
            line = sys.stdin.buffer.readline()
            if not line:
                return None
            request = json.loads(line.decode("utf-8"))
            self.alone = bool(request["alone"])
            try:
                self.child = None if hidden(loaded) else os.fork()
            except OSError:
                self.child = None
            if self.child is None:
                become(request)
            if self.child == 0:
                return request
            code = self.wait()
            self.clean()
            self.say("round", code=code)


def become(request):
    silence()
    os.environ["WHARF_PLUGIN"] = request["plugin"]
    os.execv(sys.executable, [sys.executable, "-m", "pytest"] + request["argv"])


def silence():
    """No input, and one stream for all that is said, in its order."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(1, 2)


def begin(request):
    """Makes a child what a fresh process would be."""
    silence()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["WHARF_PLUGIN"] = request["plugin"]
    importlib.invalidate_caches()
    if "random" in sys.modules:
        sys.modules["random"].seed()
    sys.argv = ["pytest"] + request["argv"]


def main():
    # As `-m` does it.
    sys.path[0] = os.getcwd()
    preload()
    request = Rounds(os.environ.pop("WHARF_WARM")).serve()
    if request is not None:
        begin(request)
        runpy.run_module("pytest", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
