"""Workers forked from a process that has loaded torch once for all tests: `python -m tests.forking SOCKET`.

Importing torch and Lightning takes seconds of a core in every process. Forked workers do what
`engine.workers.worker` does, in a session of their own; how a server starts them for real is tried by all tests that
start a server or a command.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from filelock import FileLock, Timeout

from engine.backends import process

ROOT = Path(__file__).parents[1]
PLACE = "FORELIGHT_TESTS_FORKING"
_IDLE_SECONDS = 30.0
_ANSWER_SECONDS = 120.0  # torch may have to be loaded first, on a busy machine
_ASKING_SECONDS = 5.0
_MOST_BYTES = 1 << 20
_LOADED = (
    "engine.workers.worker",
    "engine.prediction.predictor",
    "engine.evaluation.judging",
    "torchvision.io",
    "torchvision.transforms.v2",
)


class Forked:
    """A worker whose parent is the process that forks; that one says when it has ended. Safe to use from threads."""

    def __init__(self, told: socket.socket) -> None:
        self._told, self._lock = told, threading.Lock()
        self._code: int | None = None
        told.settimeout(_ANSWER_SECONDS)
        self.pid = int(_word(told) or "0")
        assert self.pid, "the process that forks workers ended without an answer"
        told.settimeout(None)

    def poll(self) -> int | None:
        with self._lock:
            if self._code is None and select.select([self._told], [], [], 0)[0]:
                self._code = int(_word(self._told) or -signal.SIGKILL)
                self._told.close()
            return self._code

    def wait(self, timeout: float | None = None) -> int:
        end = time.monotonic() + (timeout if timeout is not None else float("inf"))
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("worker", timeout or 0)
            time.sleep(0.01)
        return code

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def begin_forked(name: str, pipe: int, environment: Mapping[str, str]) -> Forked:
    """What `engine.backends.process.begin_process` does, without the wait for torch."""
    told = _connected(Path(place()))
    asked = json.dumps({"name": name, "environment": dict(environment), "folder": os.getcwd()}).encode()
    socket.send_fds(told, [asked + b"\n"], [pipe, 1, 2])
    return Forked(told)


def fork_workers() -> None:
    """From now on, all workers that this process begins are forked. For servers that tests start."""
    process.begin_process = begin_forked


def place() -> str:
    """The socket of the one process that forks for this run of the tests; processes that tests start know it too."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    return os.environ.setdefault(PLACE, f"{gettempdir()}/forelight-{run[:16]}.socket")


def _connected(path: Path) -> socket.socket:
    with FileLock(f"{path}.lock"):
        found = _tried(path)
        if found is None:
            path.unlink(missing_ok=True)
            _start(path)
            found = _tried(path)
    assert found is not None
    return found


def _tried(path: Path) -> socket.socket | None:
    found = socket.socket(socket.AF_UNIX)
    try:
        found.connect(str(path))
    except OSError:
        found.close()
        return None
    return found


def _start(path: Path) -> None:
    """Returns once the socket is there; what is asked meanwhile is answered after torch is loaded."""
    words = [sys.executable, "-m", "tests.forking", str(path)]
    process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=True)
    while not path.exists():
        assert process.poll() is None, "the process that forks workers did not start"
        time.sleep(0.01)


def _word(told: socket.socket) -> str:
    """The next line; "" where the other side is gone."""
    found = b""
    while not found.endswith(b"\n"):
        piece = told.recv(1)
        if not piece:
            return ""
        found += piece
    return found.decode().strip()


class Forking:
    """Forks a worker for each connection, and says over it how the worker has ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._workers: dict[int, socket.socket] = {}
        self._listening = socket.socket(socket.AF_UNIX)
        made = path.with_suffix(".made")
        self._listening.bind(str(made))
        self._listening.listen(64)
        made.rename(path)

    def run(self) -> None:
        """Until nobody has had a worker for a while."""
        self._listening.settimeout(0.02)
        used = time.monotonic()
        while True:
            if self._serve_one() or self._workers:
                used = time.monotonic()
            self._tell_ends()
            if time.monotonic() - used >= _IDLE_SECONDS and self._closed():
                return

    def _closed(self) -> bool:
        """True where nobody asks any more; who connects holds the lock, so that nobody is left unanswered."""
        with suppress(Timeout), FileLock(f"{self._path}.lock", timeout=0):
            if not self._serve_one():
                self._path.unlink(missing_ok=True)
                return True
        return False

    def _serve_one(self) -> bool:
        try:
            asking = self._listening.accept()[0]
        except TimeoutError:
            return False
        try:
            self._fork(asking)
        except OSError:  # whoever asked was killed meanwhile
            asking.close()
        return True

    def _fork(self, asking: socket.socket) -> None:
        asking.settimeout(_ASKING_SECONDS)
        content, files, _, _ = socket.recv_fds(asking, _MOST_BYTES, 3)
        try:
            while not content.endswith(b"\n"):
                piece = asking.recv(_MOST_BYTES)
                if not piece:
                    raise ConnectionAbortedError("ended before its question")
                content += piece
            asking.settimeout(None)
            pid = os.fork()
            if pid == 0:
                self._become(json.loads(content), files, asking)
        finally:
            for file in files:
                os.close(file)
        self._workers[pid] = asking
        asking.sendall(f"{pid}\n".encode())

    def _become(self, asked: Mapping[str, Any], files: list[int], asking: socket.socket) -> None:
        """The child's part: never returns."""
        code = 1
        try:
            os.setsid()
            for each in (*self._workers.values(), self._listening, asking):
                each.close()
            for file, place in zip(files[1:], (1, 2), strict=True):
                os.dup2(file, place)
                os.close(file)
            _work(files[0], **asked)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    def _tell_ends(self) -> None:
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                told = self._workers.pop(pid)
                with suppress(OSError):
                    told.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
                told.close()


def _work(pipe: int, name: str, environment: Mapping[str, str], folder: str) -> None:
    import torch

    from engine.workers import worker

    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path[:] = [*environment["PYTHONPATH"].split(os.pathsep), *sys.path]
    if threads := environment.get("OMP_NUM_THREADS"):
        torch.set_num_threads(int(threads))
    worker.main(pipe, name)


def _load() -> None:
    """What workers import, now or on their way."""
    for name in _LOADED:
        import_module(name)
    gc.collect()
    gc.freeze()  # shared with the workers, as long as nobody counts in it


if __name__ == "__main__":
    forking = Forking(Path(sys.argv[1]))
    _load()
    with Path(os.devnull).open("w") as nowhere:  # whoever reads the tests' output does not wait for this process
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    forking.run()
