"""Rows for `wharf clone`: a super-repo with 12 sub-repos, from a `git daemon` that answers each connection late."""

import itertools
import shutil
import socketserver
import subprocess
import threading
import time

import samples
from measure import Limit, Measure, alternate, run_timed

SUB_REPOS = 12
DELAY = 0.050


class _Late(socketserver.BaseRequestHandler):
    """One connection: a pause, then a real `git daemon` on the socket."""

    def handle(self):
        time.sleep(DELAY)
        folder = self.server.folder
        subprocess.run(
            ["git", "daemon", "--inetd", "--export-all", f"--base-path={folder}", str(folder)],
            stdin=self.request.fileno(), stdout=self.request.fileno(), stderr=subprocess.DEVNULL, check=False)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), _Late)
        self.folder = folder
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, repo):
        return f"git://127.0.0.1:{self.server_address[1]}/{repo}"


def _remotes(place):
    """Bare repos `harbor.git` and `s01.git` to `s12.git`, 40 files each, all pinned at their heads."""
    served, entries, pins = place / "served", [], []
    for number in range(1, SUB_REPOS + 1):
        name = f"s{number:02}"
        repo = place / "made" / name
        for file in range(40):
            samples.write(repo / f"f{file % 4}" / f"{file}.txt", f"{name} {file}\n" * 20)
        samples.commit(repo)
        samples.git(repo, "clone", "--quiet", "--bare", ".", str(served / f"{name}.git"))
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=repo, capture_output=True, text=True, check=True).stdout.strip()
        entries.append(f'[submodule "libs/{name}"]\n\tpath = libs/{name}\n\turl = ../{name}.git\n')
        pins.append((head, f"libs/{name}"))
    top = place / "made" / "harbor"
    samples.write(top / ".gitmodules", "".join(entries))
    samples.git(top, "init", "--quiet")
    samples.git(top, "add", ".gitmodules")
    for head, path in pins:
        samples.git(top, "update-index", "--add", "--cacheinfo", f"160000,{head},{path}")
    samples.git(top, "commit", "--quiet", "--message", "sample")
    samples.git(top, "clone", "--quiet", "--bare", ".", str(served / "harbor.git"))
    return served


def clone(bench, place, runs):
    """`wharf clone` of 12 sub-repos, 50 ms added per connection, beside `git clone --recurse-submodules`."""
    server = _Server(_remotes(place))
    numbers = itertools.count(1)

    def timed(call):
        into = place / f"into-{next(numbers)}"
        seconds = run_timed(call(into))
        shutil.rmtree(into)
        return seconds

    try:
        url = server.url("harbor.git")
        mine, peer = alternate(
            lambda: timed(lambda into: bench.call(place, "clone", url, into)),
            lambda: timed(lambda into: bench.outside(place, "git", "clone", "--quiet", "--recurse-submodules", url, into)),
            runs or 7)
    finally:
        server.shutdown()
        server.server_close()
    return [Measure(f"`wharf clone`, {SUB_REPOS} sub-repos, 50 ms a connection", "s", mine, [Limit("faster", 3)],
                    "`git clone --recurse-submodules`", peer)]


ROWS = {"clone": clone}
