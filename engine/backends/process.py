"""Worker processes as the server sees them: started when first needed, replaced when they die."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, Protocol

from engine.backends.allowance import Allowance
from engine.backends.backend import Heard, Result
from engine.backends.devices import cores
from engine.errors import WorkerDied
from engine.settings import Settings
from engine.workers.messages import DEVICE_LOST, Answer, Failure, Job, Said, Stop, decode
from engine.workers.work import ANALYSES

_SECONDS_BETWEEN_LOOKS = 0.05
_THREADS, _WAITING = "OMP_NUM_THREADS", "OMP_WAIT_POLICY"
_OFTEN_MEANS = {"SIGKILL": ", often a lack of memory", "SIGSEGV": ", a fault in native code"}


@dataclass(frozen=True, slots=True)
class Doing:
    """What a worker is at: the job, the run it is about ("" for none), and since when (time.monotonic)."""

    job: str
    run_id: str
    since: float


class Killed(Exception):
    """The worker was ended since it did not stop by itself."""

    def __init__(self, words: str = "a batch took too long to wait for its end") -> None:
        super().__init__(words)


class Begun(Protocol):
    """A process that was begun, as far as one is looked at."""

    pid: int

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def kill(self) -> None: ...


Begin = Callable[[str, int, dict[str, str]], Begun]


def begin_process(name: str, pipe: int, environment: dict[str, str]) -> Begun:
    """A new process that does what comes over that end of a pipe."""
    return subprocess.Popen(
        [sys.executable, "-m", "engine.workers.worker", str(pipe), name],
        pass_fds=[pipe],
        stdin=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )


class WorkerProcess:
    """One process. Safe to use from several threads, which then wait for each other."""

    def __init__(self, name: str, threads: int | None = None, begin: Begin | None = None) -> None:
        self.name, self.threads, self._begin = name, threads, begin or begin_process
        self.restarts = -1
        self.doing: Doing | None = None
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._process: Begun | None = None
        self._connection: Connection | None = None

    @property
    def pid(self) -> int | None:
        """The process, or None where none was started."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def call(
        self,
        name: str,
        settings: Settings,
        *,
        heard: Heard = lambda content: None,
        stop: Callable[[], float | None] = lambda: None,
        allowance: Allowance | None = None,
        **arguments: Any,
    ) -> Result:
        """The result of that job of `engine.workers.work`, or its error.

        Once `stop()` gives a number, the job is asked to end; Killed where it has not within so many seconds.
        WorkerDied where the process ends in the middle; TooMuchWork, and its end, where it goes beyond `allowance`.
        """
        with self._lock:
            connection = self._alive()
            job = Job(next(self._numbers), name, arguments, settings)
            self.doing = Doing(name, job.run_id, time.monotonic())
            try:
                connection.send(job)
                reply = self._listen(connection, job.number, heard, stop, allowance)
            except (EOFError, OSError) as exc:
                raise WorkerDied(self._why()) from exc
            except BaseException:
                self._end()  # what it would still say is nobody's
                raise
            finally:
                self.doing = None
        if isinstance(reply, Failure):
            raise reply.error()
        return reply.content, reply.data

    def ready(self, closed: Callable[[], bool], warm: Settings | None = None) -> bool:
        """Whether jobs are still wanted: the process is started with the first one, or at once, with torch, if `warm`.

        What keeps it from starting the first job will say.
        """
        if warm and not self.pid and not closed():
            with suppress(Killed, WorkerDied, OSError):
                self.call("warm_up", warm, stop=lambda: 0.0 if closed() else None)
        return not closed()

    def start(self) -> None:
        """Starts the process, so that the first job need not wait for that."""
        with self._lock:
            self._alive()

    def why_not(self, settings: Settings, seconds: float) -> str:
        """ "" where the worker works or answers within so many seconds, else what keeps it from that."""
        if self.doing is not None:
            return ""
        end = time.monotonic() + seconds
        try:
            self.call("answer", settings, stop=lambda: 0.0 if time.monotonic() > end else None)
        except Killed:
            return "it does not answer"
        except (WorkerDied, OSError) as exc:
            return str(exc) if isinstance(exc, WorkerDied) else "no process can be started"
        return ""

    def close(self) -> None:
        """Ends the process, whatever it does."""
        self._end()

    def _alive(self) -> Connection:
        if self._connection is None or self._process is None or self._process.poll() is not None:
            self._end()
            own, theirs = Pipe()
            path = os.pathsep.join(part or os.getcwd() for part in sys.path)
            environment = {**os.environ, **self._environment(), "PYTHONPATH": path}
            self._process = self._begin(self.name, theirs.fileno(), environment)
            theirs.close()
            self._connection = own
            self.restarts += 1
        return self._connection

    def _environment(self) -> dict[str, str]:
        """Workers beside each other share the cores, and leave one that they only wait on, unless the host says else.

        Threads that spin while they wait for each other took 40 times as long on a machine that was busy.
        """
        wanted = {_WAITING: "passive"} if self.threads is None else {_WAITING: "passive", _THREADS: str(self.threads)}
        unsaid = {name: value for name, value in wanted.items() if name not in os.environ}
        return {"TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1", **unsaid}

    def _listen(
        self,
        connection: Connection,
        number: int,
        heard: Heard,
        stop: Callable[[], float | None],
        allowance: Allowance | None,
    ) -> Answer | Failure:
        stopped: float | None = None
        while True:
            if connection.poll(_SECONDS_BETWEEN_LOOKS):
                reply = decode(connection.recv_bytes())
                if isinstance(reply, Said):
                    heard(reply.content)
                    if allowance is not None:
                        allowance.progressed()
                elif reply.number == number:
                    return reply
            if allowance is not None:
                allowance.check(self.pid)
            patience = stop()
            if patience is not None:
                if stopped is None:
                    stopped = time.monotonic()
                    connection.send(Stop(number))
                elif time.monotonic() - stopped > patience:
                    raise Killed

    def _why(self) -> str:
        """How the process ended, in words."""
        assert self._process is not None
        try:
            code = self._process.wait(5)
        except subprocess.TimeoutExpired:
            return "it stopped answering"
        finally:
            self._end()
        if code == DEVICE_LOST:
            return "its device failed; the log says how"
        if code >= 0:
            return f"exit code {code}"
        name = signal.Signals(-code).name
        return f"{name}{_OFTEN_MEANS.get(name, '')}"

    def _end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._connection is not None:
            self._connection.close()
        self._process = self._connection = None


class WorkerPool:
    """The workers of a server: one a device, which keep models warm, others that read visitors' files, and analysts.

    An analyst is started when first needed, and a second one only while the first is busy.
    """

    def __init__(self, devices: int = 1, readers: int = 1, analysts: int = 2, begin: Begin | None = None) -> None:
        threads = max(1, cores() // devices) if devices > 1 else None
        self.devices = tuple(WorkerProcess(f"device-{number}", threads, begin) for number in range(devices))
        self.readers = tuple(WorkerProcess(f"reader-{number}", begin=begin) for number in range(readers))
        self.analysts = tuple(WorkerProcess(f"analyst-{number}", begin=begin) for number in range(analysts))
        self._free_readers, self._free_analysts = _queue(self.readers), _queue(self.analysts)

    @property
    def workers(self) -> tuple[WorkerProcess, ...]:
        """All of them."""
        return (*self.devices, *self.readers, *self.analysts)

    def read(self, settings: Settings, job: str, *, heard: Heard = lambda content: None, **arguments: Any) -> Result:
        """What that job gives, done by a worker that reads files within the host's limits; waits where all are busy."""
        with _taken(self._free_readers) as worker:
            allowance = Allowance(settings, arguments.get("sources", ()))
            return worker.call(job, settings, heard=heard, allowance=allowance, **arguments)

    def ask(self, settings: Settings, job: str, **arguments: Any) -> Result:
        """What that job of `engine.workers.work` gives, done by an analyst where it is one's, else by a reader."""
        if job not in ANALYSES:
            return self.read(settings, job, **arguments)
        with _taken(self._free_analysts) as worker:
            return worker.call(job, settings, **arguments)

    def close(self) -> None:
        for worker in self.workers:
            worker.close()


_Free = queue.LifoQueue[WorkerProcess]


def _queue(workers: Sequence[WorkerProcess]) -> _Free:
    """The first one on top, the one last used above it: others stay unstarted until they are needed."""
    free = _Free()
    for worker in reversed(workers):
        free.put(worker)
    return free


@contextmanager
def _taken(free: _Free) -> Iterator[WorkerProcess]:
    worker = free.get()
    try:
        yield worker
    finally:
        free.put(worker)
