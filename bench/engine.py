"""What the rows ask of a container engine: the plain command that equals one of Wharf's, and when containers started."""

import contextlib
import datetime
import json
import os
import re
import shlex
import subprocess
import threading
import time

from measure import BenchError, Command, capture, inside

# Options of `docker run` and `podman run` that take no value.
FLAGS = {
    "--detach", "-d", "--disable-content-trust", "--env-host", "--http-proxy", "--init", "--interactive", "-i", "--no-healthcheck",
    "--no-hosts", "--oom-kill-disable", "--privileged", "--publish-all", "-P", "--quiet", "-q", "--read-only", "--read-only-tmpfs",
    "--replace", "--rm", "--rmi", "--sig-proxy", "--tls-verify", "--tty", "-t", "-it", "-ti",
}
# What the plain command keeps: all that the container's content and rights depend on.
KEPT = {
    "--volume", "-v", "--mount", "--tmpfs", "--user", "-u", "--userns", "--group-add", "--workdir", "-w", "--env", "-e",
    "--env-file", "--entrypoint", "--network", "--net", "--interactive", "-i", "--platform",
}
ASSIGNMENT = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*=")


def find_run(text, engine):
    """The words of the first `docker run …` (or `podman run …`) in text that can be pasted into a shell."""
    for line in text.replace("\\\n", " ").splitlines():
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue
        while words and ASSIGNMENT.match(words[0]):
            words.pop(0)
        if len(words) > 2 and os.path.basename(words[0]) == engine and "run" in words[1:4]:
            return words
    raise BenchError(f"`wharf run --dry-run` printed no `{engine} run …`:\n{text}")


def plain(words, engine):
    """The plain `ENGINE run --rm` with the same mounts, user, working directory, environment, image and command.

    Names and labels go, since Wharf would take a container with its labels for its own and remove it; so does what Wharf adds
    for itself (`--init`, time limits, log settings), so that the plain command is never dearer than it must be.
    """
    rest = words[words.index("run") + 1:]
    kept = []
    while rest and rest[0].startswith("-") and rest[0] != "--":
        option = rest.pop(0)
        name, joined, _ = option.partition("=")
        if not name.startswith("--") and len(name) > 2 and name not in FLAGS:
            name, joined = name[:2], "="  # a value glued to a short option: -v/a:/b
        values = [] if joined or name in FLAGS else [rest.pop(0)]
        if name in KEPT:
            kept += [option, *values]
    if rest and rest[0] == "--":
        rest.pop(0)
    if not rest:
        raise BenchError(f"no image in `{' '.join(words)}`")
    return [engine, "run", "--rm", *kept, *rest]


class Bench:
    """One choice of Wharf, engine and base image, with what follows from it for all rows."""

    def __init__(self, wharf, engine, base):
        self.wharf, self.engine, self.base = wharf, engine, base
        self.env = {key: value for key, value in os.environ.items() if not key.startswith("WHARF_")}
        self.env.update(WHARF_ENGINE=engine, NO_COLOR="1", GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_SYSTEM="/dev/null")

    def call(self, repo, *words, timeout=600.0):
        """A call of Wharf in `repo`."""
        return Command([self.wharf, *words], repo, self.env, timeout)

    def outside(self, repo, *argv, timeout=600.0):
        """A call of anything else in `repo`, in the same environment."""
        return Command(list(argv), repo, self.env, timeout)

    def plain_run(self, repo, directory, *command):
        """The plain engine's command that equals `wharf run DIRECTORY -- COMMAND`."""
        said = capture(self.call(repo, "run", "--dry-run", directory, "--", *command))
        return self.outside(repo, *plain(find_run(said.stdout + said.stderr, self.engine), self.engine))

    def ready(self, repo, directories):
        """Has the images of all `directories` built, so that no row measures a build."""
        capture(self.call(repo, "image", "build", *directories, timeout=3600))

    def check_tests(self, repo, place, passed):
        """Runs `wharf test` once and fails unless its report counts just `passed` tests, all of them passed."""
        capture(self.call(repo, "test", "--no-cache", "--report-dir", place, timeout=1800))
        found = read_report(place)["summary"]
        if found["passed"] != passed or sum(found.values()) != passed:
            raise BenchError(f"`wharf test` should pass {passed} tests; its report says {found}")


def read_report(place):
    """`report.json` of the run whose report lies in `place`."""
    try:
        return json.loads((place / "report.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BenchError(f"no report that can be read in {place}: {error}") from error


def moment(event):
    """When an event of `docker events` or `podman events` happened, in seconds since 1970."""
    for key in ("timeNano", "TimeNano"):
        if event.get(key):
            return int(event[key]) / 1e9
    text = str(event.get("Time") or event.get("time") or "")
    if re.fullmatch(r"\d+", text):
        raise BenchError("this engine tells the time of its events in whole seconds, which is too coarse")
    found = re.match(r"(\d+-\d+-\d+)[T ](\d+:\d+:\d+)(\.\d+)?\s?(Z|[+-]\d\d:?\d\d)", text)
    if not found:
        raise BenchError(f"an event without a time that can be read: {event}")
    date, clock, fraction, zone = found.groups()
    zone = "+0000" if zone == "Z" else zone.replace(":", "")
    whole = datetime.datetime.strptime(f"{date} {clock} {zone}", "%Y-%m-%d %H:%M:%S %z")
    return whole.timestamp() + float(fraction or 0)


class Starts:
    """Listens to the engine's events and keeps the moments at which containers started."""

    def __init__(self, engine, env):
        form = "{{json .}}" if engine == "docker" else "json"
        extra = [] if engine == "docker" else ["--stream=true"]
        self.moments, self._fresh, self._error = [], threading.Condition(), None
        self._child = subprocess.Popen(
            [engine, "events", *extra, "--filter", "type=container", "--filter", "event=start", "--format", form],
            env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8",
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self._child.stdout:
            with self._fresh:
                try:
                    self.moments.append(moment(json.loads(line)))
                except (ValueError, BenchError) as error:
                    self._error = error
                self._fresh.notify_all()

    def first_after(self, begin, patience=10.0):
        """The first start at or after `begin` (seconds since 1970); waits for the event to arrive."""
        deadline = time.monotonic() + patience
        with self._fresh:
            while True:
                if self._error:
                    raise BenchError(str(self._error))
                later = [found for found in self.moments if found >= begin]
                if later:
                    return min(later)
                left = deadline - time.monotonic()
                if left <= 0:
                    raise BenchError("the engine reported no start of a container; is another machine's clock involved?")
                self._fresh.wait(left)

    def wait_until_listening(self, start_one):
        """Starts containers with `start_one` until the first event is seen."""
        for _ in range(10):
            begin = time.time()
            start_one()
            with contextlib.suppress(BenchError):
                self.first_after(begin, patience=1.0)
                return
        raise BenchError("the engine's events cannot be read")

    def close(self):
        """Ends the listening program."""
        self._child.terminate()
        self._child.wait()


def remove_images(engine, env, folder):
    """Removes the images that the rows made; their names start with `wharf-bench-`."""
    with inside(folder):
        listed = capture(Command(
            [engine, "image", "ls", "--filter", "reference=*wharf-bench-*", "--format", "{{.Repository}}:{{.Tag}}"], folder, env))
        names = [name for name in listed.stdout.split() if "wharf-bench-" in name and "<none>" not in name]
        if names:
            capture(Command([engine, "image", "rm", *names], folder, env))
    return names
