"""The life of a run: started, queued, resumed, cancelled, waited for; by this process or by another one."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from typing import Any

from engine.backends import Backend
from engine.cards.card import read_card
from engine.cards.signature import Report
from engine.errors import InputRefused, ModelChanged, QueueFull, RunStateError, RunTaken, StoreError
from engine.lifecycle.intake import checkpoint_hash
from engine.lifecycle.keeper import Keeper
from engine.models.registry import CARD_FILE, ModelRegistry
from engine.runs.book import STOPPED, UNFINISHED, RunBook, question_of
from engine.runs.plan import Plan, planned_at_once
from engine.runs.run import RESUMABLE, Options, Record, State
from engine.runs.store import Search
from engine.settings import Settings

_SECONDS_BETWEEN_LOOKS = 0.2
_MOST_RESTARTS = 3
log = logging.getLogger("forelight.runs")


class Dispatcher:
    """Hands runs to the backend. Who changes a run in the store first has it; nobody else starts it then."""

    def __init__(
        self,
        settings: Settings,
        registry: ModelRegistry,
        book: RunBook,
        backend: Backend,
        keeper: Keeper,
        owner: str,
    ) -> None:
        self._settings, self._registry, self._book, self._store = settings, registry, book, book.store
        self._backend, self._keeper, self._owner = backend, keeper, owner

    def answered(self, run_id: str, options: Options) -> Record | None:
        """The finished run of the same visitor that asked what this one would; None where there is none."""
        record = self._book.record(run_id)
        asked = Search(visitor=record.visitor, states=("done",), question=question_of(record, options))
        return next(iter(self._store.find(asked, limit=1)), None)

    def submit(self, run_id: str, options: Options) -> None:
        """Starts a checked run; InputRefused where its report is in the way."""
        record, report = self._book.record(run_id), self._book.folder(run_id).report()
        if record.state != "checked":
            raise RunStateError(f"Run {run_id} is {record.state}; only a checked run can be started.")
        if report.stops(options.on_error):
            raise InputRefused(_refusal(report))
        if _batches_of(options) != _batches_of(record.options) and self._book.folder(run_id).plan() is not None:
            raise RunStateError(f"Run {run_id} was begun with other options. Check its files again to change them.")
        self._make_room(record.visitor)
        self._take(record, ("checked",), options=options, question=question_of(record, options))

    def resume(self, run_id: str) -> None:
        """Goes on with a run that did not come to its end; ModelChanged where its model is another one by now."""
        record = self._book.record(run_id)
        if record.state not in RESUMABLE:
            raise RunStateError(f"Run {run_id} is {record.state}; there is nothing to resume.")
        entry = self._registry.entry(record.model_id, record.version)
        here = (entry.card_sha256, checkpoint_hash(entry))
        if here != (record.card_sha256, record.checkpoint_sha256):
            raise ModelChanged(record.model_id)
        self._make_room(record.visitor)
        self._take(self._store.get(run_id), (*RESUMABLE, *UNFINISHED), restarts=0)

    def recover(self, record: Record) -> None:
        """Resumes a run that lost its process; not one that was lost again and again without a shard finished."""
        if not record.stop and record.restarts < _MOST_RESTARTS:
            self._take(record, UNFINISHED, restarts=record.restarts + 1)
            return
        ended = {"state": "cancelled", "stage": "Cancelled", "error": ""}
        if not record.stop:
            why = f"{STOPPED} This happened {_MOST_RESTARTS + 1} times before a shard was finished."
            ended = {"state": "interrupted", "stage": "Interrupted", "error": why}
        self._store.change(record.id, when=UNFINISHED, held_by=record.owner, owner="", **ended)

    def cancel(self, run_id: str) -> None:
        """Stops the run after its current batch, whichever process runs it."""
        record = self._book.record(run_id)
        if record.state in UNFINISHED:
            self._store.change(run_id, when=UNFINISHED, stop=True)
            self._backend.cancel(run_id)
        elif record.state == "interrupted":
            ended = {"state": "cancelled", "stage": "Cancelled", "owner": ""}
            self._store.change(run_id, when=(*UNFINISHED, "interrupted"), held_by=record.owner, **ended)

    def wait(self, run_id: str, timeout: float | None) -> None:
        """Returns when the run has ended, or after `timeout` seconds."""
        end = math.inf if timeout is None else time.monotonic() + timeout
        while self._book.record(run_id).state in UNFINISHED and time.monotonic() < end:
            if not self._backend.wait(run_id, min(end - time.monotonic(), _SECONDS_BETWEEN_LOOKS)):
                time.sleep(max(0.0, min(end - time.monotonic(), _SECONDS_BETWEEN_LOOKS)))

    def _take(self, record: Record, when: Sequence[State], **changes: Any) -> None:
        """Makes the run this process's own, and hands what is left of it to the devices."""
        self._keeper.start()
        folder = self._book.folder(record.id)
        fresh = {"state": "queued", "stage": "Waiting", "error": "", "stop": False, "finished": ""}
        taken = self._store.change(
            record.id, when=when, held_by=record.owner, owner=self._owner, **{**fresh, **changes}
        )
        if taken is None:
            raise RunTaken(record.id)
        claim = folder.claim()
        try:
            folder.storage.take(folder.path, claim)
        except StoreError:
            back = record.model_dump(include={"state", "stage", "error", "finished", "owner", "restarts"})
            self._store.change(record.id, held_by=self._owner, **back)
            raise
        folder.clear_exports()
        plan = Plan.from_json(folder.plan())
        if plan is None:
            plan = planned_at_once(folder, read_card(folder.path / CARD_FILE), taken.rows_total, taken.options)
        folder.write(taken)
        log.info("a run was taken on", extra={"run": taken.id, "model": taken.model_id, "rows": taken.rows_total})
        self._backend.submit(folder, taken, plan, claim)

    def _make_room(self, visitor: str) -> None:
        """QueueFull where no more runs may wait."""
        most, most_each = self._settings.max_waiting, self._settings.max_waiting_per_visitor
        if self._store.count(Search(states=UNFINISHED)) >= most:
            raise QueueFull(f"{most:,} runs wait already, as many as there may be. Try again later.")
        if visitor and self._store.count(Search(states=UNFINISHED, visitor=visitor)) >= most_each:
            raise QueueFull(
                f"{most_each:,} of your runs wait already, as many as there may be. Wait until one has ended, or "
                "cancel one."
            )


def _batches_of(options: Options) -> Options:
    """What decides which rows are predicted together, and how."""
    return options.model_copy(update={"on_error": "refuse"})


def _refusal(report: Report) -> str:
    problems = [problem.message for problem in report.problems if problem.severity != "note"]
    counted = (
        f"{report.n_rows - report.n_good:,} of {report.n_rows:,} rows cannot be predicted" if report.n_rows else ""
    )
    return " ".join(part for part in (f"{counted}." if counted else "", *problems[:5]) if part) or "There are no rows."
