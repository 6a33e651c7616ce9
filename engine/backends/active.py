"""A run that is being served: what is under way of it, what was heard, how it ends. Its words go to the store."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from engine.backends.batch_sizes import BatchSizes
from engine.backends.pace import Pace
from engine.cards.card import read_card
from engine.errors import RunNotFound, StoreError
from engine.models.registry import CARD_FILE
from engine.observability.tally import Tally
from engine.runs.folder import RunFolder, now
from engine.runs.plan import Plan, missing, planned
from engine.runs.queue import Span
from engine.runs.run import ENDED, Record, State
from engine.runs.store import RunStore
from engine.workers.work import RunModel

_SECONDS_BETWEEN_NOTES = 0.4
Ending = tuple[State, str]
LEFT: Ending = ("queued", "")  # whoever comes next goes on with it
log = logging.getLogger("forelight.runs")


class ActiveRun:
    """Shared by the threads of all devices. `ending` is (state, why) once it is clear how the run ends.

    `plan` is None until the batch size was found; `left` is what nobody has predicted yet, when it is handed over.
    `claim` is the folder's word that the run is ours.
    """

    def __init__(
        self,
        folder: RunFolder,
        record: Record,
        plan: Plan | None,
        claim: str,
        store: RunStore,
        owner: str,
        tally: Tally,
        devices: int = 1,
    ) -> None:
        self.folder, self.claim, self._store, self._owner, self._tally = folder, claim, store, owner, tally
        self.id, self.visitor, self.model_id = record.id, record.visitor, record.model_id
        self.about = RunModel(record.model_id, record.version, record.card_sha256, record.checkpoint_sha256)
        self.options = record.options
        self.sizes = BatchSizes(store, folder, record.checkpoint_sha256, record.options)
        self.in_flight: dict[Span, tuple[int, int]] = {}
        self.ending: Ending | None = None
        self.began: float | None = None
        self.settling = False
        self.plan, self.pace = plan, Pace(devices)
        self._lock = threading.RLock()
        self._rows = record.rows_total
        shards = folder.shards()
        self.left = missing((0, self._rows), [(shard.start, shard.stop) for shard in shards])
        self._done = sum(shard.stop - shard.start for shard in shards)
        self._failed = sum(shard.failed for shard in shards)
        self._before = record.seconds
        self._working = 0.0
        self._since: float | None = None
        self._output_kind = record.output_kind
        self._noted = 0.0
        self._deaths: Counter[int] = Counter()

    def take(self, span: Span) -> None:
        """A worker begins with the span."""
        with self._lock:
            self.in_flight[span] = (0, 0)
            if self._since is None:
                self._since = time.monotonic()
            if self.began is None:
                self.began = time.monotonic()
                self._note(state="running", stage="Loading the model", started=now())

    def hear(self, span: Span, said: Mapping[str, Any]) -> None:
        """What the worker says while it is at the span."""
        with self._lock:
            if "measuring" in said:
                self._note(stage="Finding the batch size")
            elif "loaded" in said:
                if not self._done and self._working == 0.0:
                    self._since = time.monotonic()  # what counts is the prediction, not the loading
                self._note(stage="Predicting")
            else:
                self.in_flight[span] = (said["done"], said["failed"])
                if time.monotonic() - self._noted > _SECONDS_BETWEEN_NOTES:
                    self._note()

    def finish_plan(self, content: Mapping[str, Any]) -> None:
        """The batch size was found: from now on the run's batches stand fast."""
        if self.plan is not None:
            return
        size = content["batch_size"]
        if content["sure"]:
            self.sizes.learn(content["device"], size)
        plan = planned(self.folder, read_card(self.folder.path / CARD_FILE), self._rows, size)
        if not self.folder.is_held(self.claim):
            self.leave()
            return
        self.plan = plan.keep(self.folder)

    def finish_shard(self, span: Span, content: Mapping[str, Any], device: int) -> None:
        """The shard is whole and on the disk."""
        self.pace.learn(device, content["done"], content["seconds"])
        self.sizes.learn_too_large(content["device"], content["too_large"])
        with self._lock:
            self.in_flight[span] = (0, 0)
            self._done += content["done"]
            self._failed += content["failed"]
            self._tally.add_rows(self.model_id, content["done"], content["failed"])
            self._output_kind = content["output_kind"]
            self.folder.storage.keep_soon(self.folder.path, self.claim)
            self._note(output_kind=self._output_kind, restarts=0)
            if len(self.in_flight) == 1:
                self._pause()

    def died(self, span: Span, how: str, tries: int) -> None:
        """The worker ended in the middle of the span, whose rows are then done again; not for ever."""
        with self._lock:
            self._deaths[span[0]] += 1
            log.warning("a worker died at rows %d to %d: %s", span[0] + 1, span[1], how, extra={"run": self.id})
            if self._deaths[span[0]] >= tries:
                self.fail(
                    f"The process that predicted rows {span[0] + 1:,} to {span[1]:,} ended {tries} times ({how}). "
                    "The rows before them are kept. Look at these rows, or tell the host."
                )

    def fail(self, why: str) -> None:
        self.ending = self.ending or ("failed", why)

    def leave(self) -> None:
        """Another process has the run by now, or should."""
        if self.ending is None:
            log.warning("the run is not this process's any more", extra={"run": self.id})
        self.ending = self.ending or LEFT

    def seconds_left(self, store: RunStore) -> float | None:
        """An estimate, from this run's own speed, else from what its model did the last time; None where unknown."""
        with self._lock:
            left = self._rows - self._done - sum(done for done, _ in list(self.in_flight.values()))
            seconds = self._seconds()
            speed = self._done / seconds if self._done and seconds else None
        speed = speed or store.speed(self.model_id)
        return left / speed if speed else None

    def end(self) -> None:
        """Writes how it ended, into the store and the folder; StoreError where the store does not take it."""
        with self._lock:
            self._pause()
            state, why = self.ending or ("done", "")
            if state == "done" and self._done != self._rows:
                state, why = "failed", f"Only {self._done:,} of {self._rows:,} rows came back."
            changes = {
                "state": state,
                "stage": "Waiting" if state == "queued" else state.capitalize(),
                "error": why,
                "owner": "",
                "stop": False,
                "finished": now() if state in ENDED else "",
                "bytes": self.folder.bytes(),
                **self._figures(),
                "output_kind": self._output_kind,
            }
            try:
                kept = self._store.get(self.id)
            except RunNotFound:
                return  # it was deleted meanwhile
            if kept.owner != self._owner:
                return  # another process has it by now
            if state == "done" and not kept.started:
                changes["started"] = now()  # all its rows were predicted before it was
            self.folder.clear_parts()
            self._keep(kept.model_copy(update=changes))
            self.folder.storage.keep(self.folder.path, self.claim)
            if self._store.change(self.id, held_by=self._owner, **changes) is None:
                return
            if state in ENDED:
                self._tally.end(self.model_id, state)
            about = {"run": self.id, "model": self.model_id, "state": state, "rows": self._done}
            log.info("a run ended", extra={**about, "failed": self._failed, "seconds": round(self._seconds(), 3)})
            if state == "done" and self._working > 0.05:
                self._store.learn_speed(self.model_id, self._done / max(self._seconds(), 1e-6))

    def _keep(self, record: Record) -> None:
        """Into the folder first: who sees the end in the store may carry the folder away."""
        try:
            self.folder.write(record)
        except OSError as exc:
            log.warning("run.json could not be written: %s", type(exc).__name__, extra={"run": self.id})

    def _pause(self) -> None:
        if self._since is not None:
            spent = time.monotonic() - self._since
            self._working += spent
            self._tally.add_seconds(self.model_id, spent)
            self._since = None

    def _seconds(self) -> float:
        under_way = time.monotonic() - self._since if self._since is not None else 0.0
        return self._before + self._working + under_way

    def _figures(self) -> dict[str, Any]:
        done, failed = self._done, self._failed
        for each in list(self.in_flight.values()):
            done, failed = done + each[0], failed + each[1]
        return {"rows_done": done, "rows_failed": failed, "seconds": self._seconds()}

    def _note(self, **changes: Any) -> None:
        """Tells the store how far the run is; that it does not answer stops no prediction."""
        self._noted = time.monotonic()
        try:
            if self._store.change(self.id, held_by=self._owner, **changes, **self._figures()) is None:
                self.leave()
        except StoreError as exc:
            log.warning("how far it is could not be noted: %s", exc, extra={"run": self.id})
