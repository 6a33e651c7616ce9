"""Files in, checked runs out: what a run is before it is started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.backends import Backend
from engine.backends.ahead import Ahead, Early
from engine.backends.backend import ReadsAlong
from engine.backends.process import WorkerPool
from engine.cards.card import file_hash
from engine.cards.signature import Report
from engine.errors import FULL_DISK, DiskFull, QueueFull, ReadError, TooMuchWork, WorkerDied
from engine.facts import versions_here
from engine.ingest.table import Progress
from engine.lifecycle.at_once import AtOnce
from engine.models.registry import CARD_FILE, ModelEntry
from engine.readers import Source
from engine.runs.book import RunBook
from engine.runs.folder import RunFolder, kept_sources, now
from engine.runs.run import KeptSource, Options, Record
from engine.runs.store import Search
from engine.settings import Settings
from engine.tasks import task_of
from engine.workers.work import RunModel


@dataclass(frozen=True, slots=True)
class Check:
    """What is to be checked, and for whom. `keep_files` copies the files into the run's folder.

    With `options` the rows are predicted as they are read, where nothing else waits for the devices; nothing of that is
    left where the report is in the way of the run.
    """

    entry: ModelEntry
    sources: Sequence[Source]
    renames: Mapping[str, str]
    keep_files: bool
    visitor: str
    options: Options | None


class Intake:
    """Reads files in worker processes; the server never decodes them."""

    def __init__(self, settings: Settings, book: RunBook, pool: WorkerPool, backend: Backend) -> None:
        self._settings, self._book, self._pool, self._backend = settings, book, pool, backend
        self._going = AtOnce(settings.max_reading_per_visitor)

    def check(self, asked: Check, progress: Progress) -> Record:
        """A checked run; where that fails nothing is left.

        QueueFull where the visitor has many read already, or much that was read lies here and waits to be started.
        """
        most, visitor = self._settings.max_visitor_bytes, asked.visitor
        if visitor and self._book.store.bytes_used(Search(visitor=visitor, states=("checked",))) > most:
            raise QueueFull(
                f"Your files that were checked and not started take over {most / 1e9:.3g} GB. Start or delete some."
            )
        with self._going.one(visitor):
            return self._checked(asked, progress)

    def _checked(self, asked: Check, progress: Progress) -> Record:
        checkpoint = checkpoint_hash(asked.entry)
        folder = RunFolder.create(self._book.runs)
        ahead: Ahead | None = None
        try:
            kept = folder.keep(asked.sources, self._settings.home) if asked.keep_files else tuple(asked.sources)
            (folder.path / CARD_FILE).write_bytes(asked.entry.text)
            ahead = self._ahead(asked, folder, checkpoint)
            report, hashes = self._ingest(folder, kept, asked.renames, progress, ahead)
            folder.write_report(report)
            folder.tidy()
            early = _ended(ahead, report, asked.options)
            record = _record(asked, folder, checkpoint, kept_sources(folder, kept, hashes), report, early)
            self._book.enter(folder, record)
        except BaseException as exc:
            if ahead is not None:
                ahead.drop()
            folder.delete()
            if isinstance(exc, OSError) and exc.errno in FULL_DISK:
                raise DiskFull from exc
            raise
        return record

    def read(self, job: str, *, settings: Settings | None = None, **arguments: Any) -> tuple[Mapping[str, Any], bytes]:
        """A job of a worker that reads visitors' files."""
        return self._pool.read(settings or self._settings, job, **arguments)

    def _ahead(self, asked: Check, folder: RunFolder, checkpoint: str) -> Ahead | None:
        """What predicts the run's rows as they are read; None where they are not wanted yet, or cannot be had so."""
        entry = asked.entry
        grows = getattr(task_of(entry.usable_card()).inputs, "grows", False)  # other packages' may not say it
        if asked.options is None or not grows or not isinstance(self._backend, ReadsAlong):
            return None
        model = RunModel(entry.id, entry.version, entry.card_sha256, checkpoint)
        return self._backend.ahead(folder, model, asked.options)

    def _ingest(
        self,
        folder: RunFolder,
        sources: Sequence[Source],
        renames: Mapping[str, str],
        progress: Progress,
        ahead: Ahead | None,
    ) -> tuple[Report, Sequence[str]]:
        """Reads the files in a worker; once more, more carefully, where that ended the process."""

        def heard(said: Mapping[str, Any]) -> None:
            if ahead is not None:
                ahead.grow(said["done"], said["total"])
            progress(said["stage"], said["done"], said["total"])

        asked: dict[str, Any] = {"heard": heard, "folder": folder.path, "sources": sources, "renames": renames}
        try:
            content, _ = self.read("ingest", **asked)
        except TooMuchWork as exc:
            raise ReadError(f"{', '.join(source.name for source in sources[:3])}: {exc}") from exc
        except WorkerDied:
            if ahead is not None:
                ahead.drop()  # before its rows are written anew, perhaps otherwise
            careful = self._settings.model_copy(update={"careful_decoding": True})
            try:
                content, _ = self.read("ingest", settings=careful, **asked)
            except WorkerDied as exc:
                raise ReadError(
                    f"The process that read the files ended twice ({exc}). One of them is damaged, or too large for "
                    "the memory here."
                ) from exc
        return Report.from_json(content["report"]), content["sha256"]


def _ended(ahead: Ahead | None, report: Report, options: Options | None) -> Early:
    """What was predicted before the run begins; nothing of it where it may not begin."""
    if ahead is None or options is None:
        return Early()
    if report.stops(options.on_error):
        ahead.drop()
        return Early()
    return ahead.end()


def _record(
    asked: Check, folder: RunFolder, checkpoint: str, sources: Sequence[KeptSource], report: Report, early: Early
) -> Record:
    """What is kept of the check; `checkpoint` is its SHA-256."""
    card = asked.entry.usable_card()
    return Record(
        id=folder.id,
        model_id=asked.entry.id,
        version=asked.entry.version,
        title=card.title,
        task=card.task,
        visitor=asked.visitor,
        name=", ".join(source.name for source in sources[:3])[:200] + (" …" if len(sources) > 3 else ""),
        sources=tuple(sources),
        renames=dict(asked.renames),
        card_sha256=asked.entry.card_sha256,
        checkpoint_sha256=checkpoint,
        options=asked.options or Options(),
        seconds=early.seconds,
        output_kind=early.output_kind,
        versions=versions_here(),
        created=now(),
        rows_total=report.n_rows,
        bytes=folder.bytes(),
    )


def checkpoint_hash(entry: ModelEntry) -> str:
    """SHA-256 of the model's checkpoint, read again when the file has changed."""
    path = entry.folder / entry.usable_card().checkpoint
    return _hash_of(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _hash_of(path: Path, changed: int) -> str:
    return file_hash(path)
