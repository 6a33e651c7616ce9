"""The engine: models, checks, runs and results. All that a page, a route or the command line needs."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from engine.access import THE_SERVER, AuditTrail, Shares, Tokens
from engine.backends import WorkerPool, count_devices
from engine.cards.card import ModelCard, read_card
from engine.cards.signature import Report
from engine.errors import ReadError, RunNotFound
from engine.facts import ModelFacts
from engine.health import Operating
from engine.ingest.table import FAULT, ROW, Progress
from engine.lifecycle.intake import Check, checkpoint_hash
from engine.lifecycle.keeper import expired
from engine.models.registry import CARD_FILE
from engine.offers import Offers
from engine.parts import Parts, open_parts
from engine.readers import Source
from engine.reasons import Reasons
from engine.results.downloads import Downloads
from engine.results.results import Results
from engine.runs.book import UNFINISHED
from engine.runs.folder import RunFolder
from engine.runs.owners import new_owner, retire
from engine.runs.run import STARTED, Options, Run
from engine.runs.store import Search
from engine.settings import Settings
from engine.tasks import task_of
from engine.uploads import Uploads
from engine.uploads.lake import Lake

_SECONDS_BETWEEN_LOOKS = 0.2


class Engine(Offers, Downloads, Reasons, Operating):
    """Predictions from files. Safe to use from several threads; `close` stops what runs."""

    def __init__(self, settings: Settings | None = None, *, pool: WorkerPool | None = None) -> None:
        super().__init__(settings or Settings())
        self._lock = threading.Lock()
        self._own_pool = pool is None
        self._pool = pool or WorkerPool(count_devices(self.settings), self.settings.readers, self.settings.analysts)
        self._owner = new_owner()
        self._parts: Parts | None = None
        self._facts: dict[tuple[str, ...], ModelFacts] = {}
        self.uploads = Uploads.of(self.settings)
        self.lake = Lake(self.settings.lake_folders, self.settings.home, self.settings.storage)

    def serve(self) -> None:
        """Looks after all runs of the home, as a server does: resumes what was left, deletes what is too old."""
        parts = self._open()
        parts.book.adopt_all()
        self.uploads.sweep()
        parts.keeper.serve(parts.dispatcher.recover, self.sweep)
        self._fetched.start()
        self._loads.start()

    def facts(self, model_id: str, version: str = "") -> ModelFacts:
        """What loading the model shows; takes seconds the first time."""
        entry = self.model(model_id, version)
        known = (model_id, checkpoint_hash(entry), entry.card_sha256)
        if known not in self._facts:
            content, _ = self._open().backend.call("describe", model_id=model_id, version=entry.version)
            lists = {name: tuple(content[name]) for name in ("found", "needs")}
            self._facts[known] = ModelFacts(**{**content, **lists})
        return self._facts[known]

    def warm_up(self, model_id: str, version: str = "") -> None:
        """Begins to load the model, so that the first prediction need not wait for that; returns at once."""
        self._open().backend.begin("describe", model_id=model_id, version=version)

    def check(
        self,
        model_id: str,
        sources: Sequence[Source],
        *,
        version: str = "",
        renames: Mapping[str, str] | None = None,
        keep_files: bool = False,
        visitor: str = "",
        progress: Progress = lambda stage, done, total: None,
        ahead: Options | None = None,
    ) -> Run:
        """A run in state «checked»: its report says what can be predicted, its folder holds the typed rows.

        `renames` maps a column's name in the file to the one the model takes. `keep_files` copies the files into
        the run's folder. `ahead` says that the run is to be started with these options at once: what is read is then
        predicted while the rest is. Raises ReadError where a file cannot be read at all; nothing is left then.
        """
        parts, entry = self._open(), self.model(model_id, version)
        record = parts.intake.check(Check(entry, sources, renames or {}, keep_files, visitor, ahead), progress)
        return parts.book.snapshot(record)

    def answered(self, run_id: str, options: Options | None = None) -> Run | None:
        """The finished run of the same visitor that asked what this checked one would; None where there is none."""
        parts = self._open()
        found = parts.dispatcher.answered(run_id, options or Options())
        return None if found is None else parts.book.snapshot(found)

    def predict_now(
        self, model_id: str, sources: Sequence[Source], *, version: str = ""
    ) -> tuple[Report, pl.DataFrame]:
        """(the report, the lines as `results` would have them) of at most 1,000 rows, at once; nothing is kept.

        Where the report is fatal there are no lines. Raises ReadError, InputRefused, PredictionFailed.
        """
        entry = self.model(model_id, version)
        entry.usable_card()
        content, lines = self._open().backend.call(
            "predict_now", model_id=model_id, version=entry.version, sources=tuple(sources)
        )
        return Report.from_json(content["report"]), pl.read_ipc(lines)

    def submit(self, run_id: str, options: Options | None = None) -> Run:
        """Starts a checked run and returns at once; InputRefused where its report is in the way."""
        self._open().dispatcher.submit(run_id, options or Options())
        return self.run(run_id)

    def resume(self, run_id: str) -> Run:
        """Goes on with a cancelled, failed or interrupted run from its last finished shard; returns at once."""
        self._open().dispatcher.resume(run_id)
        return self.run(run_id)

    def again(
        self, run_id: str, model_id: str = "", *, version: str = "", visitor: str = "", ahead: Options | None = None
    ) -> Run:
        """The same files checked once more, for another model or version where one is named, else the default one.

        ReadError where the files are gone.
        """
        book = self._open().book
        record = book.record(run_id)
        folder = book.whole_folder(record)
        sources = folder.sources()
        if not all(source.path.is_file() for source in sources):
            raise ReadError(f"The files of run {run_id} are no longer there. Bring them again.")
        kept = any(source.path.is_relative_to(folder.path) for source in sources)
        renames = record.renames if model_id in ("", record.model_id) else {}
        model_id = model_id or record.model_id
        visitor = visitor or record.visitor
        asked: dict[str, Any] = {"version": version, "renames": renames, "keep_files": kept, "visitor": visitor}
        return self.check(model_id, sources, ahead=ahead, **asked)

    def by_version(self, run_id: str, version: str, *, visitor: str = "") -> Run:
        """What that version of the model says of the same files: a run that is there already, else a new one, started.

        ReadError where the files are gone.
        """
        options = self.run(run_id).options
        checked = self.again(run_id, version=version, visitor=visitor, ahead=options)
        answer = self.answered(checked.id, options)
        if answer is None:
            return self.submit(checked.id, options)
        self.delete(checked.id)
        return answer

    def wait(self, run_id: str, timeout: float | None = None) -> Run:
        """The run when it has ended, or after `timeout` seconds; whichever process runs it."""
        self._open().dispatcher.wait(run_id, timeout)
        return self.run(run_id)

    def follow(self, run_id: str) -> Iterator[Run]:
        """The run as it is now, and each time something of it has changed, until it has ended."""
        last = None
        while True:
            run = self.wait(run_id, _SECONDS_BETWEEN_LOOKS)
            if run != last:
                yield run
            if run.ended:
                return
            last = run

    def cancel(self, run_id: str) -> None:
        """Stops the run after its current batch; what is finished stays, and can be resumed."""
        self._open().dispatcher.cancel(run_id)

    def owner_of(self, run_id: str) -> tuple[str, str]:
        """(the visitor whose run it is, its model's id), or RunNotFound: what is asked before anything is shown."""
        record = self._open().book.record(run_id)
        return record.visitor, record.model_id

    def access(self) -> tuple[Tokens, Shares, AuditTrail]:
        """API tokens, shares of runs, and the trail of what was done."""
        parts = self._open()
        return parts.tokens, parts.shares, parts.audit

    def run(self, run_id: str) -> Run:
        """The run as it is now, or RunNotFound."""
        parts = self._open()
        return parts.book.snapshot(parts.book.record(run_id), parts.backend.place(run_id))

    def runs(self, search: Search | None = None, *, limit: int | None = None, offset: int = 0) -> tuple[Run, ...]:
        """The runs that were started, the newest first; of those that `search` wants."""
        parts, wanted = self._open(), _started(search)
        found = parts.book.find(wanted, limit, offset)
        return tuple(parts.book.snapshot(record, parts.backend.place(record.id)) for record in found)

    def count_runs(self, search: Search | None = None) -> int:
        """How many runs `search` wants."""
        return self._open().store.count(_started(search))

    def describe(self, run_id: str, *, name: str | None = None, note: str | None = None) -> Run:
        """Gives the run a name or a note of the visitor's; at most 200 and 4,000 signs are kept."""
        changes: dict[str, Any] = {}
        if name:
            changes["name"] = name.strip()[:200]
        if note is not None:
            changes["note"] = note.strip()[:4_000]
        parts = self._open()
        parts.book.record(run_id)
        record = parts.store.change(run_id, **changes) if changes else parts.store.get(run_id)
        if record is None:
            raise RunNotFound(run_id)
        if record.state not in UNFINISHED:
            parts.book.folder(run_id).write(record)
        return self.run(run_id)

    def delete(self, run_id: str) -> None:
        """Deletes a run and all its files; one that runs is stopped first."""
        if self.run(run_id).state in UNFINISHED:
            self.cancel(run_id)
            self.wait(run_id, 30)
        self._open().remove(run_id)

    def sweep(self) -> tuple[str, ...]:
        """Deletes uploads of yesterday, and runs that are too old or too many, the oldest first; returns their ids."""
        self.uploads.sweep()
        parts = self._open()
        parts.sweep(self.settings.keep_audit_days)
        gone = expired(parts.book, self.settings.keep_days, self.settings.keep_bytes)
        deleted = tuple(run_id for run_id in gone if parts.remove_ended(run_id))
        for run_id in deleted:
            parts.audit.note(THE_SERVER, "deleted", run_id, detail="too old, or no room")
        return deleted

    def preview(self, run_id: str, rows: int = 20) -> pl.DataFrame:
        """The first rows of the run's input, typed as the model takes them."""
        book = self._open().book
        folder = book.whole_folder(book.record(run_id))
        hidden = (*task_of(self._card(folder)).inputs.hidden_columns(), FAULT, ROW)
        table = folder.rows(0, rows)
        return pl.DataFrame(table.select([name for name in table.column_names if name not in hidden]))

    def results(self, run_id: str) -> Results:
        """The predictions of a run, whole or so far; RunStateError where there are none yet."""
        parts = self._open()
        record = parts.book.record(run_id)
        folder = parts.book.whole_folder(record)
        return Results(parts.book.snapshot(record, parts.backend.place(run_id)), self._card(folder), parts.ask)

    def close(self) -> None:
        """Stops what runs, to be resumed by whoever comes next; the engine can not be used after."""
        retire(self._owner)
        self._loads.close()
        self._fetched.close()
        self.uploads.close()
        if self._parts is not None:
            self._parts.backend.close()
            self._parts.keeper.close()
            self._parts.book.storage.close()
            self._parts.store.close()
        if self._own_pool:
            self._pool.close()

    def _card(self, folder: RunFolder) -> ModelCard:
        """The card as it was when the run was made; the host's may have changed since."""
        return read_card(folder.path / CARD_FILE)

    def _open(self) -> Parts:
        """The store and what stands on it, opened when first needed."""
        with self._lock:
            if self._parts is None:
                self.plugin_faults()  # said in the log when a server begins to work
                self._parts = open_parts(self.settings, self._registry, self._pool, self._owner)
            return self._parts


def _started(search: Search | None) -> Search:
    search = search or Search()
    return search if search.states else replace(search, states=STARTED)
