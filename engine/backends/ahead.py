"""A run predicted while its files are still read: rows that are ready, by devices that have nothing else to do."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from engine.backends.backend import Worker
from engine.backends.batch_sizes import BatchSizes
from engine.backends.pace import SHORTEST_TURN
from engine.backends.process import Killed
from engine.cards.card import read_card
from engine.errors import ForelightError
from engine.models.registry import CARD_FILE
from engine.observability.incidents import report_incident
from engine.observability.tally import Tally
from engine.runs.folder import RunFolder
from engine.runs.plan import Plan, planned, planned_at_once
from engine.runs.queue import Span
from engine.runs.run import Options
from engine.settings import Settings
from engine.workers.work import RunModel

_END_PATIENCE, _DROP_PATIENCE = 60.0, 1.5
_FEWEST = 0.05  # of the rows before: that a run of a day is not kept in ten thousand files
log = logging.getLogger("forelight.runs")


@dataclass(frozen=True, slots=True)
class Early:
    """What came out before the run was started: seconds spent, and of which kind the model's output is."""

    seconds: float = 0.0
    output_kind: str = ""


class Ahead:
    """One such run. It leaves shards in the run's folder, as a run that was interrupted does, and the plan of batches.

    Whoever starts the run finds them there. What goes wrong here ends this and not the run, which comes upon it again
    and says it. Every row is an item of its own here: there are no series that a shard might cut.
    """

    def __init__(
        self,
        folder: RunFolder,
        model: RunModel,
        options: Options,
        sizes: BatchSizes,
        tally: Tally,
        devices: int,
        changed: threading.Condition,
    ) -> None:
        """`changed` is the lock of whoever hands out turns, and is notified where there is something to do."""
        self._folder, self._model, self._options, self._sizes, self._tally = folder, model, options, sizes, tally
        self._devices, self._changed = devices, changed
        self._card, self._claim = read_card(folder.path / CARD_FILE), folder.claim()
        self._plan: Plan | None = None
        self._ready = self._total = self._taken = 0
        self._back: list[Span] = []
        self._at_it = 0
        self._since = self._seconds = 0.0
        self._done = self._failed = 0
        self._output_kind = ""
        self._patience: float | None = None

    @property
    def ended(self) -> bool:
        return self._patience is not None

    def grow(self, ready: int, total: int) -> None:
        """The first `ready` of so many rows are in the folder's input by now."""
        with self._changed:
            self._ready, self._total = ready, total
            if self._plan is None and not self.ended:
                self._plan = planned_at_once(self._folder, self._card, total, self._options)
            self._changed.notify_all()

    def waits(self) -> bool:
        """Whether there is something to do; asked with the lock held."""
        return not self.ended and self._ready > 0 and (self._next() is not None or (not self._plan and not self._at_it))

    def turn(
        self, device: int, worker: Worker, settings: Settings, others_wait: Callable[[], bool]
    ) -> Callable[[], None]:
        """What a device does for it now; taken with the lock held, done without. Ends early where others wait."""
        span = self._next()
        if span in self._back:
            self._back.remove(span)
        elif span is not None:
            self._taken = span[1]
        if not self._at_it:
            self._since = time.monotonic()
        self._at_it += 1
        return partial(self._do, device, worker, settings, others_wait, span)

    def end(self) -> Early:
        """Ends it after the batches under way, and says what came out. What was done stays."""
        self._stop(_END_PATIENCE)
        self._tally.add_rows(self._model.model_id, self._done, self._failed)
        self._tally.add_seconds(self._model.model_id, self._seconds)
        return Early(self._seconds, self._output_kind)

    def drop(self) -> None:
        """Ends it soon; nothing of what was done stays."""
        self._stop(_DROP_PATIENCE)
        self._folder.clear_predictions()

    def leave(self) -> None:
        """Begins nothing more, and ends soon what is under way; waits for nothing."""
        with self._changed:
            self._patience = _DROP_PATIENCE

    def _stop(self, patience: float) -> None:
        with self._changed:
            self._patience = patience if self._patience is None else min(patience, self._patience)
            self._changed.wait_for(lambda: not self._at_it)

    def _next(self) -> Span | None:
        """The rows that a device should take now; whole batches, and so many that there are not too many shards."""
        if self._plan is None:
            return None
        if self._back:
            return self._back[0]
        size = self._plan.batch_size
        whole = self._ready == self._total
        stop = self._total if whole else self._ready // size * size
        left = stop - self._taken
        if left < (1 if whole else self._fewest()):
            return None
        return self._plan.cut((self._taken, stop), left / self._devices)[0]

    def _fewest(self) -> float:
        """For how many rows it is worth to begin a shard while more are still read."""
        speed = self._done / self._seconds if self._seconds else 0.0
        return max(1.0, _FEWEST * self._taken, SHORTEST_TURN * speed)

    def _do(
        self, device: int, worker: Worker, settings: Settings, others_wait: Callable[[], bool], span: Span | None
    ) -> None:
        done = 0
        ask = partial(
            worker.call,
            settings=settings,
            heard=self._hear,
            stop=lambda: math.inf if span is not None and not self.ended and others_wait() else self._patience,
            folder=self._folder.path,
            about=self._model,
            options=self._options,
            device=device,
        )
        try:
            if span is None or self._plan is None:
                self._keep_plan(ask("find_batch_size", known=self._sizes.known(), so_far=(self._ready, self._total))[0])
            else:
                size = self._plan.batch_size
                content, _ = ask("predict", span=span, batch_size=size, claim=self._claim, still_read=True)
                done = content["done"]
                self._keep(content)
        except (ForelightError, Killed) as exc:
            log.info("no more rows are predicted ahead: %s", exc, extra={"run": self._folder.id})
            self.leave()
        except Exception as exc:
            report_incident(log, exc, run=self._folder.id, job="predict")
            self.leave()
        with self._changed:
            if span is not None and span[0] + done < span[1]:
                self._back.append((span[0] + done, span[1]))
            self._at_it -= 1
            if not self._at_it and span is not None:  # what counts is the prediction, not the way there
                self._seconds += time.monotonic() - self._since
            self._changed.notify_all()

    def _hear(self, said: Mapping[str, Any]) -> None:
        if "loaded" in said and not self._done:
            self._since = time.monotonic()

    def _keep_plan(self, content: Mapping[str, Any]) -> None:
        """The batch size was found; not where it had to end before."""
        if self.ended:
            return
        if content["sure"]:
            self._sizes.learn(content["device"], content["batch_size"])
        self._plan = planned(self._folder, self._card, self._total, content["batch_size"]).keep(self._folder)

    def _keep(self, content: Mapping[str, Any]) -> None:
        """A shard is whole and on the disk."""
        self._sizes.learn_too_large(content["device"], content["too_large"])
        with self._changed:
            self._done += content["done"]
            self._failed += content["failed"]
            self._output_kind = content["output_kind"]
            if content["failed"] and self._options.on_error == "refuse":
                self.leave()  # most likely for a faulty picture, and then the run will not be started


class AheadRuns:
    """All such runs of a backend. Its lock is held by whoever calls."""

    def __init__(self) -> None:
        self._runs: list[Ahead] = []

    def add(self, run: Ahead) -> None:
        self._runs = [*(each for each in self._runs if not each.ended), run]

    def next(self) -> Ahead | None:
        """The first one with something to do."""
        return next((run for run in self._runs if run.waits()), None)

    def leave(self) -> None:
        """Ends all of them soon."""
        for run in self._runs:
            run.leave()
