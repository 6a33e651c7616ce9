"""Predicts runs one after the other in a thread of this process; a run's shards on one thread a device."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count

from engine.errors import ForelightError
from engine.predictor import Cancelled, predict_shard
from engine.registry import ModelRegistry
from engine.runs.folder import RunFolder, now
from engine.runs.run import Record
from engine.settings import Settings
from engine.tasks import task_of
from engine.warm import WarmModels

log = logging.getLogger(__name__)
_SECONDS_BETWEEN_REPORTS = 0.2


class LocalBackend:
    """Runs in the order in which they were submitted."""

    def __init__(self, settings: Settings, registry: ModelRegistry, models: WarmModels) -> None:
        self._settings, self._registry, self._models = settings, registry, models
        self._queue = ThreadPoolExecutor(1, "forelight-run")
        self._pending: dict[str, Future[None]] = {}
        self._stop: dict[str, threading.Event] = {}

    def submit(self, folder: RunFolder) -> None:
        """Queues the run; its folder tells how far it is."""
        self._stop[folder.id] = threading.Event()
        self._pending[folder.id] = self._queue.submit(self._run, folder, self._stop[folder.id])

    def wait(self, run_id: str, timeout: float | None = None) -> None:
        """Returns when the run has ended, or after `timeout` seconds."""
        future = self._pending.get(run_id)
        if future is not None:
            try:
                future.result(timeout)
            except TimeoutError:
                return

    def cancel(self, run_id: str) -> None:
        """Stops the run after its current batch; nothing happens where it has ended."""
        if run_id in self._stop:
            self._stop[run_id].set()

    def close(self) -> None:
        """Stops what runs, and forgets what waits."""
        for stop in list(self._stop.values()):
            stop.set()
        self._queue.shutdown(cancel_futures=True)

    def _run(self, folder: RunFolder, stop: threading.Event) -> None:
        try:
            _Prediction(folder, stop, self._settings, self._registry, self._models).run()
            folder.update(state="done", stage="Done", finished=now())
        except Cancelled:
            folder.update(state="cancelled", stage="Cancelled", finished=now())
        except ForelightError as exc:
            folder.update(state="failed", stage="Failed", error=str(exc), finished=now())
        except Exception:
            log.exception("run %s failed", folder.id)
            folder.update(
                state="failed",
                stage="Failed",
                finished=now(),
                error=f"Something went wrong; the log says what (run {folder.id}).",
            )
        finally:
            self._stop.pop(folder.id, None)
            self._pending.pop(folder.id, None)


class _Prediction:
    """One run on its way: shards handed to devices, progress gathered from them."""

    def __init__(
        self, folder: RunFolder, stop: threading.Event, settings: Settings, registry: ModelRegistry, models: WarmModels
    ) -> None:
        self._folder, self._stop, self._settings = folder, stop, settings
        self._record = folder.record()
        self._entry, self._models = registry.entry(self._record.model_id), models
        self._done: dict[int, tuple[int, int]] = {}
        self._lock = threading.Lock()
        self._reported = self._started = time.perf_counter()

    def run(self) -> None:
        """Predicts every shard; raises Cancelled, or the first shard's error."""
        if self._stop.is_set():
            raise Cancelled
        record = self._record = self._folder.update(state="running", stage="Loading the model", started=now())
        shards = self._shards(record)
        self._folder.update(shards=shards, stage="Predicting")
        self._started = time.perf_counter()
        devices = min(record.options.devices or self._settings.devices, len(shards))
        waiting = deque(enumerate(shards))
        if devices == 1:
            self._work(0, waiting)
        else:
            with ThreadPoolExecutor(devices, "forelight-device") as pool:
                for finished in [pool.submit(self._work, device, waiting) for device in range(devices)]:
                    finished.result()
        self._report(final=True)

    def _shards(self, record: Record) -> tuple[tuple[int, int], ...]:
        inputs = task_of(self._entry.usable_card()).inputs
        most = min(
            self._settings.shard_rows, -(-record.rows_total // (record.options.devices or self._settings.devices))
        )
        if not inputs.has_steps:
            return tuple(spans(record.rows_total, most))
        ranges = inputs.batches(self._folder.rows(), self._entry.usable_card(), most)
        return tuple(_merged(ranges, most))

    def _work(self, device: int, waiting: deque[tuple[int, tuple[int, int]]]) -> None:
        """Predicts shards until none waits; the model is leased for all of them."""
        options = self._record.options
        with self._models.lease(self._entry, precision=options.precision or "", device=device) as model:
            if device == 0:
                self._started = time.perf_counter()  # what counts is the prediction, not the loading
                self._folder.update(output_kind=model.calling.kind, checkpoint_sha256=model.checkpoint.sha256)
            for number, (start, stop) in _taken(waiting):
                predict_shard(
                    model,
                    self._folder.rows(start, stop),
                    start + 1,
                    self._folder.shard_path(number),
                    batch_size=options.batch_size,
                    precision=options.precision,
                    accelerator=self._settings.accelerator,
                    device=device,
                    after_batch=lambda done, failed, number=number: self._after_batch(number, done, failed),  # type: ignore[misc]
                )

    def _after_batch(self, number: int, done: int, failed: int) -> None:
        self._done[number] = (done, failed)
        if self._stop.is_set():
            self._report(final=True)
            raise Cancelled
        self._report()

    def _report(self, final: bool = False) -> None:
        with self._lock:
            at = time.perf_counter()
            if not final and at - self._reported < _SECONDS_BETWEEN_REPORTS:
                return
            self._reported = at
            done, failed = (
                (sum(figures) for figures in zip(*self._done.values(), strict=True)) if self._done else (0, 0)
            )
            self._folder.update(rows_done=done, rows_failed=failed, seconds=at - self._started)


def _taken(waiting: deque[tuple[int, tuple[int, int]]]) -> Iterator[tuple[int, tuple[int, int]]]:
    """Takes from the left until nothing waits; several threads may."""
    while True:
        try:
            shard = waiting.popleft()
        except IndexError:
            return
        yield shard


def spans(rows: int, most: int) -> Iterator[tuple[int, int]]:
    """[start, stop) ranges that cover `rows` rows, at most `most` each."""
    for start in count(0, most):
        if start >= rows:
            return
        yield start, min(start + most, rows)


def _merged(ranges: Sequence[tuple[int, int]], most: int) -> Iterator[tuple[int, int]]:
    """Neighbouring ranges put together, as long as they stay within `most` rows."""
    start, stop = ranges[0]
    for first, last in ranges[1:]:
        if last - start > most:
            yield start, stop
            start = first
        stop = last
    yield start, stop
