"""What a host wants to know of a server that runs: its workers, queue and storage, and whether it may get visitors."""

from __future__ import annotations

import logging
import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from tempfile import TemporaryFile

import psutil
from prometheus_client import CollectorRegistry

from engine.backends import WorkerPool
from engine.backends.process import WorkerProcess
from engine.errors import StoreError
from engine.facts import Storage, WorkerState
from engine.metrics import figures
from engine.parts import Parts
from engine.runs.queue import Standing
from engine.settings import Settings
from engine.uploads import Uploads

_SECONDS_FOR_AN_ANSWER = 10.0
log = logging.getLogger("forelight.operating")


class Operating(ABC):
    """Looks at an engine; changes nothing but that workers are started."""

    settings: Settings
    uploads: Uploads
    _pool: WorkerPool

    @abstractmethod
    def _open(self) -> Parts: ...

    def workers(self) -> tuple[WorkerState, ...]:
        """The processes that read, predict and judge."""
        return tuple(_state(worker) for worker in self._pool.workers)

    def standing(self) -> Standing:
        """Which runs are served now, and whose turn is next."""
        return self._open().backend.standing()

    def storage(self) -> Storage:
        """What runs and uploads take, may take, and what is left on the disk."""
        used = self._open().store.bytes_used()
        return Storage(used, self.settings.keep_bytes, self._free(), self.uploads.bytes())

    def why_not_ready(self) -> tuple[str, ...]:
        """What keeps visitors from being served; nothing where they can be. For anybody's eyes."""
        found = []
        try:
            self._open().store.counts()
        except StoreError:
            found.append("The run store does not answer.")
        found += self._why_no_runs_are_kept()
        first, *others = self._pool.devices
        for worker in (first, *(other for other in others if other.pid), *self._pool.readers):
            why = worker.why_not(self.settings, _SECONDS_FOR_AN_ANSWER)
            if why:
                found.append(f"The worker {worker.name} does not work: {why}.")
        return tuple(found)

    def metrics(self) -> CollectorRegistry:
        """Figures for Prometheus, looked up each time they are collected."""
        return figures(self._open(), self.workers, self.storage)

    def _why_no_runs_are_kept(self) -> Iterator[str]:
        try:
            room = self._free()
            with TemporaryFile(dir=self.settings.runs_folder) as file:
                file.write(b"ready")
        except OSError as exc:
            log.warning("the folder of runs cannot be written: %s", exc)
            yield "The folder of runs cannot be written."
        else:
            if room < self.settings.min_free_bytes:
                yield "The disk has too little room left."
        try:
            self._open().book.storage.check_written()
        except StoreError:
            yield "The storage of runs cannot be written."

    def _free(self) -> int:
        self.settings.runs_folder.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(self.settings.runs_folder).free


def _state(worker: WorkerProcess) -> WorkerState:
    doing, pid = worker.doing, worker.pid
    state = WorkerState(worker.name, pid, max(0, worker.restarts), memory=memory_of(pid) if pid else 0)
    if doing is None:
        return state
    return replace(state, job=doing.job, run_id=doing.run_id, seconds=time.monotonic() - doing.since)


def memory_of(pid: int | None = None) -> int:
    """Resident bytes of that process, of this one where none is named; 0 where there is none."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0
