"""Runs and calls on this machine's devices: a thread a device hands shards to its worker process, in fair turns."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

from engine.backends.active import LEFT, ActiveRun, Ending
from engine.backends.ahead import Ahead, AheadRuns
from engine.backends.backend import Result, Worker
from engine.backends.batch_sizes import BatchSizes
from engine.backends.calls import Calls
from engine.backends.pace import TURN
from engine.backends.process import Killed, WorkerPool
from engine.errors import ForelightError, RunTaken, StoreError, WorkerDied
from engine.observability.incidents import report_incident
from engine.observability.tally import Tally
from engine.runs.folder import RunFolder
from engine.runs.plan import Plan
from engine.runs.queue import FairQueue, Span, Standing
from engine.runs.run import Options, Place, Record
from engine.runs.store import RunStore
from engine.settings import Settings
from engine.workers.work import RunModel

_CANCEL_PATIENCE = 1.5
_SHORT_TURN = 2.0
_WORTH_SHARING = 0.5
_TRIES = 2
log = logging.getLogger("forelight.runs")


class LocalBackend:
    """Serves the runs that this process owns, and calls that a person waits for, which go first."""

    def __init__(
        self,
        settings: Settings,
        store: RunStore,
        pool: WorkerPool,
        owner: str,
        workers: Sequence[Worker] | None = None,
    ) -> None:
        """Runs go to `workers`, by default the pool's, one a device."""
        self._workers = pool.devices if workers is None else tuple(workers)
        self._settings, self._store, self._pool, self._owner = settings, store, pool, owner
        self.tally = Tally()
        self._queue = FairQueue()
        self._active: dict[str, ActiveRun] = {}
        self._calls, self._aheads = Calls(), AheadRuns()
        self._changed = threading.Condition()
        self._idle = 0
        self._closed = False
        self._threads: list[threading.Thread] = []

    def submit(self, folder: RunFolder, record: Record, plan: Plan | None, claim: str) -> None:
        """Takes the run; where it has no plan yet, the first device that is free finds the batch size for one."""
        run = ActiveRun(folder, record, plan, claim, self._store, self._owner, self.tally, self.devices)
        with self._changed:
            self._start_threads()
            self._active[run.id] = run
            self._queue.add(run.id, run.visitor, run.left)
            self._changed.notify_all()
        self._settle(run)

    def ahead(self, folder: RunFolder, model: RunModel, options: Options) -> Ahead | None:
        """Begins to predict a run whose files are still read, with what devices have to spare; None where none can."""
        sizes = BatchSizes(self._store, folder, model.checkpoint_sha256, options)
        run = Ahead(folder, model, options, sizes, self.tally, self.devices, self._changed)
        with self._changed:
            self._start_threads()
            self._aheads.add(run)
        return run

    def call(self, name: str, **arguments: Any) -> Result:
        """The result of that job on the first device that is free, before anything that waits in the queue."""
        return self.begin(name, **arguments).result()

    def begin(self, name: str, **arguments: Any) -> Future[Result]:
        """The same, not waited for."""
        with self._changed:
            self._start_threads()
            future = self._calls.add(lambda worker: worker.call(name, self._settings, **arguments))
            self._changed.notify_all()
        return future

    def cancel(self, run_id: str) -> None:
        """Stops the run after its current batches; nothing happens where it is not here."""
        self._stop(run_id, ("cancelled", ""))

    def _stop(self, run_id: str, ending: Ending) -> None:
        with self._changed:
            run = self._active.get(run_id)
            if run is None:
                return
            run.ending = run.ending or ending
            self._queue.remove(run_id)
        self._settle(run)

    @property
    def devices(self) -> int:
        return len(self._workers)

    def wait(self, run_id: str, timeout: float) -> bool:
        """Returns when the run is not here any more, or after `timeout` seconds; False at once where it is not here."""
        with self._changed:
            here = run_id in self._active
            self._changed.wait_for(lambda: run_id not in self._active, timeout)
            return here

    def place(self, run_id: str) -> Place | None:
        """Where the run waits; None where it does not."""
        with self._changed:
            order = self._queue.order()
            run = self._active.get(run_id)
            if run is None or run.began is not None or run_id not in order:
                return None
            ahead = [self._active[other] for other in order[: order.index(run_id)]]
            serving = [other for other in self._active.values() if other.in_flight and other not in ahead]
        times = [other.seconds_left(self._store) for other in (*ahead, *serving)]
        known = [min(seconds, TURN) for seconds in times if seconds is not None]
        return Place(len(ahead) + len(serving), sum(known) / self.devices if len(known) == len(times) else None)

    def standing(self) -> Standing:
        """Which runs are served now, which wait in which order, and how many calls wait before them."""
        with self._changed:
            serving = tuple(run_id for run_id, run in self._active.items() if run.in_flight)
            return Standing(serving, tuple(self._queue.order()), len(self._calls))

    def tick(self) -> None:
        """What has to be looked after: ends that the store could not take yet, and what other processes did.

        They may have wished a run to stop, or taken it, as this process was silent for too long.
        """
        runs = list(self._active.values())
        for run in runs:
            self._settle(run)
        held = self._store.held(self._owner) if runs else {}
        for run in runs:
            if held.get(run.id, True):
                self._stop(run.id, ("cancelled", "") if run.id in held else LEFT)

    def close(self, patience: float = 5.0) -> None:
        """Stops what runs after its current batch; it waits then for whoever comes next."""
        with self._changed:
            self._closed = True
            self._aheads.leave()
            runs = list(self._active.values())
            for run in runs:
                run.ending = run.ending or LEFT
                self._queue.remove(run.id)
            self._calls.cancel()
            self._changed.notify_all()
        for run in runs:
            self._settle(run)
        with self._changed:
            self._changed.wait_for(lambda: not self._active, patience)
        for thread in self._threads:
            thread.join(patience)

    def _start_threads(self, most: int = 1) -> None:
        """Starts those of the first device, or of so many, that are not there yet."""
        for device in range(len(self._threads), 0 if self._closed else min(most, self.devices)):
            worker = self._workers[device]
            self._threads.append(
                threading.Thread(target=self._serve, args=(device, worker), name=worker.name, daemon=True)
            )
            self._threads[-1].start()

    def _serve(self, device: int, worker: Worker) -> None:
        warm = self._settings if device else None  # what waits for the first one waits for its start anyway
        while worker.ready(lambda: self._closed, warm):
            with self._changed:
                self._idle += 1
                self._changed.wait_for(lambda: self._closed or self._others_wait() or self._aheads.next())
                self._idle -= 1
                if self._closed:
                    return
                turn = self._next_turn(device, worker)
                if self._others_wait() or self._aheads.next():
                    self._start_threads(self.devices)  # there is more to do than the first one does
            turn()

    def _next_turn(self, device: int, worker: Worker) -> Callable[[], None]:
        """What the device does now: what a person waits for, else a run, else one whose files are still read."""
        if self._calls:
            return self._calls.next(worker)
        ahead = self._aheads.next()
        if len(self._queue) or ahead is None:
            return partial(self._turn, device, worker, *self._take(device))
        return ahead.turn(device, worker, self._settings, self._others_wait)

    def _others_wait(self) -> bool:
        return bool(self._calls) or len(self._queue) > 0

    def _take(self, device: int) -> tuple[ActiveRun, Span]:
        """The run whose turn it is, and the lines that the device takes of it; the others wait on."""
        taken = self._queue.take()
        assert taken is not None
        run, span = self._active[taken[0]], taken[1]
        if run.plan is not None:
            left = span[1] - span[0] + self._queue.rows(run.id)
            lines = min(run.pace.rows(device, left), self._settings.shard_rows)
            span, rest = run.plan.cut(span, lines)
            if rest is not None:
                self._queue.put_back(run.id, run.visitor, rest)
        run.in_flight[span] = (0, 0)
        return run, span

    def _turn(self, device: int, worker: Worker, run: ActiveRun, span: Span) -> None:
        """One turn of a run: as much of the span as there is time for, or the finding of its batch size."""
        done = 0
        began = time.monotonic()

        def heard(said: Mapping[str, Any]) -> None:
            nonlocal began
            if "loaded" in said:
                began = time.monotonic()
            run.hear(span, said)

        try:
            run.take(span)
            ask = partial(
                worker.call,
                settings=self._settings,
                heard=heard,
                stop=lambda: self._patience(run, span, time.monotonic() - began),
                folder=run.folder.path,
                about=run.about,
                options=run.options,
                device=device,
            )
            if run.plan is None:
                run.finish_plan(ask("find_batch_size", known=run.sizes.known())[0])
            else:
                content, _ = ask("predict", span=span, batch_size=run.plan.batch_size, claim=run.claim)
                done = content["done"]
                run.finish_shard(span, content, device)
        except Killed as exc:
            log.info("%s", exc, extra={"run": run.id})
        except RunTaken:
            run.leave()
        except WorkerDied as exc:
            run.died(span, str(exc), _TRIES)
        except ForelightError as exc:
            run.fail(str(exc))
        except Exception as exc:
            incident = report_incident(log, exc, run=run.id, job="predict")
            run.fail(f"Something went wrong here, not in your file. Please tell the host: incident {incident}.")
        with self._changed:
            run.in_flight.pop(span, None)
            if run.ending is not None:
                self._queue.remove(run.id)
            elif span[0] + done < span[1]:
                self._queue.put_back(run.id, run.visitor, (span[0] + done, span[1]))
            self._changed.notify_all()
        self._settle(run)

    def _patience(self, run: ActiveRun, span: Span, seconds: float) -> float | None:
        """None while the worker may go on with the shard, else how long it may take to end it after its batch."""
        if run.ending is not None:
            return _CANCEL_PATIENCE
        if run.plan is None:
            return None
        others = bool(self._calls) or (self._queue.others(run.id) and seconds > _SHORT_TURN)
        enough = seconds > 2 * run.pace.turn or (self._idle and self._worth_sharing(run, span, seconds))
        return math.inf if others or enough else None

    def _worth_sharing(self, run: ActiveRun, span: Span, seconds: float) -> bool:
        """Whether so much is left of the shard that a device with nothing to do should take its part."""
        done = run.in_flight.get(span, (0, 0))[0]
        return done > 0 and not len(self._queue) and (span[1] - span[0] - done) * seconds / done > _WORTH_SHARING

    def _settle(self, run: ActiveRun) -> None:
        """Writes the run's end where none of its shards is under way or waits; without the lock, as that may take."""
        with self._changed:
            if run.in_flight or run.settling or run.id in self._queue or self._active.get(run.id) is not run:
                return
            run.settling = True
        try:
            run.end()
        except StoreError as exc:
            log.warning("the end of a run waits for the store: %s", exc, extra={"run": run.id})
        else:
            run.folder.storage.release(run.folder.path)
            with self._changed:
                if self._active.get(run.id) is run:
                    del self._active[run.id]
                self._changed.notify_all()
        finally:
            run.settling = False
