"""The store and the folders together: runs are found, adopted, described and removed here."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.errors import RunNotFound, StoreError
from engine.runs.folder import GONE, RunFolder
from engine.runs.owners import is_alive
from engine.runs.run import Options, Place, Record, Run, State
from engine.runs.storage import AT_HOME, RunStorage
from engine.runs.store import RunStore, Search

STOPPED = "The server stopped before the end."
UNFINISHED: tuple[State, ...] = ("queued", "running")
log = logging.getLogger("forelight.runs")


class RunBook:
    """All runs of one home. What another process does shows here too."""

    def __init__(self, store: RunStore, runs: Path, storage: RunStorage = AT_HOME) -> None:
        self.store, self.runs, self.storage = store, runs, storage
        self.recovers = False
        """Whether this process resumes runs that lost theirs: to their visitors they wait then."""

    def folder(self, run_id: str) -> RunFolder:
        """The folder of that run, or RunNotFound; with what says what the run is, perhaps no more."""
        return RunFolder.open(self.runs, run_id, self.storage)

    def whole_folder(self, record: Record) -> RunFolder:
        """The folder of that run with all that is kept of it, or RunNotFound."""
        folder = self.folder(record.id)
        self.storage.bring(folder.path, record)
        return folder

    def record(self, run_id: str) -> Record:
        """The run as it is, by `truth`; a folder from elsewhere is adopted."""
        try:
            record = self.store.get(run_id)
        except RunNotFound:
            folder = self.folder(run_id)
            if not self.storage.has(run_id):
                raise  # another server has deleted it
            record = self.adopt(folder)
        return self.truth(record)

    def truth(self, record: Record) -> Record:
        """The record; interrupted where the process that ran it is gone, waiting where this one will go on with it."""
        if record.state not in UNFINISHED or is_alive(record.owner, self.store):
            return record
        if self.recovers:
            return record.model_copy(update={"state": "queued", "stage": "Waiting"})
        return record.model_copy(update={"state": "interrupted", "error": STOPPED})

    def snapshot(self, record: Record, place: Place | None = None) -> Run:
        """What others see of the run."""
        folder = RunFolder(self.runs / record.id)
        with suppress(RunNotFound, StoreError):
            folder = self.folder(record.id)
        return Run.of(record, folder.report(), folder.path, place)

    def find(self, search: Search, limit: int | None = None, offset: int = 0) -> tuple[Record, ...]:
        return tuple(self.truth(record) for record in self.store.find(search, limit=limit, offset=offset))

    def adopt(self, folder: RunFolder) -> Record:
        """Takes a folder into the store that was carried here, or whose database is gone."""
        record = folder.record()
        self.storage.bring(folder.path, record)
        shards = folder.shards()
        done = sum(shard.stop - shard.start for shard in shards)
        changes: dict[str, Any] = {"rows_done": done, "rows_failed": sum(shard.failed for shard in shards)}
        if record.state in UNFINISHED:
            changes |= {"state": "interrupted", "error": STOPPED}
        record = record.model_copy(update=changes)
        self.store.add(record)
        return self.store.get(record.id)

    def enter(self, folder: RunFolder, record: Record) -> None:
        """Takes in a new run: the store first, so that nobody who finds the folder takes it for one from elsewhere."""
        self.storage.enter(folder.path)
        self.store.add(record)
        folder.write(record)

    def adopt_all(self) -> None:
        """Takes every folder into the store that it lacks."""
        known = self.store.ids()
        try:
            kept = list(self.storage.ids(self.runs))
        except StoreError as exc:
            log.warning("runs that the store lacks are looked for when the server starts again: %s", exc)
            return
        for run_id in kept:
            if run_id not in known:
                try:
                    self.adopt(self.folder(run_id))
                except RunNotFound:
                    log.warning("a folder holds no run that can be read", extra={"run": run_id})

    def clear_remains(self) -> None:
        """Removes what is left of runs whose deletion did not come to its end."""
        for path in self.runs.glob(f".*{GONE}"):
            shutil.rmtree(path, ignore_errors=True)

    def orphans(self) -> Iterator[Record]:
        """Runs whose process is gone before their end."""
        for record in self.store.find(Search(states=UNFINISHED)):
            if not is_alive(record.owner, self.store):
                yield record

    def remove(self, run_id: str) -> None:
        """Deletes the run, its files last: whoever finds some of them gone finds no run, and adopts none."""
        folder = RunFolder(self.runs / run_id)
        folder.disown()
        self.storage.delete(run_id)
        self.store.delete(run_id)
        folder.delete()


def question_of(record: Record, options: Options) -> str:
    """SHA-256 of what decides the answer: model, files in their order, renames, options.

    Not `on_error`: whether faulty rows are refused or reported, the other rows' predictions are the same.
    """
    files = [(source.name, source.sha256) for source in record.sources]
    asked = [record.model_id, record.card_sha256, record.checkpoint_sha256, files, sorted(record.renames.items())]
    text = json.dumps([*asked, options.model_dump(mode="json", exclude={"on_error"})], ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
