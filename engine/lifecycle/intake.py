"""Files in, checked runs out: what a run is before it is started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from engine.runs.run import Options, Record
from engine.runs.store import Search
from engine.settings import Settings
from engine.tasks import task_of
from engine.workers.work import RunModel


class Intake:
    """Reads files in worker processes; the server never decodes them."""

    def __init__(self, settings: Settings, book: RunBook, pool: WorkerPool, backend: Backend) -> None:
        self._settings, self._book, self._pool, self._backend = settings, book, pool, backend
        self._going = AtOnce(settings.max_reading_per_visitor)

    def check(
        self,
        entry: ModelEntry,
        sources: Sequence[Source],
        renames: Mapping[str, str],
        keep_files: bool,
        visitor: str,
        progress: Progress,
        options: Options | None = None,
    ) -> Record:
        """A checked run; where that fails nothing is left.

        QueueFull where the visitor has many read already, or much that was read lies here and waits to be started.
        With `options` its rows are predicted as they are read, where nothing else waits for the devices; nothing of
        that is left where the report is in the way of the run.
        """
        most = self._settings.max_visitor_bytes
        if visitor and self._book.store.bytes_used(Search(visitor=visitor, states=("checked",))) > most:
            raise QueueFull(
                f"Your files that were checked and not started take over {most / 1e9:.3g} GB. Start or delete some."
            )
        with self._going.one(visitor):
            return self._checked(entry, sources, renames, keep_files, visitor, progress, options)

    def _checked(
        self,
        entry: ModelEntry,
        sources: Sequence[Source],
        renames: Mapping[str, str],
        keep_files: bool,
        visitor: str,
        progress: Progress,
        options: Options | None,
    ) -> Record:
        card, checkpoint = entry.usable_card(), checkpoint_hash(entry)
        folder = RunFolder.create(self._book.runs)
        ahead: Ahead | None = None
        try:
            kept = folder.keep(sources, self._settings.home) if keep_files else tuple(sources)
            (folder.path / CARD_FILE).write_bytes(entry.text)
            ahead = self._ahead(folder, entry, checkpoint, options)
            report, hashes = self._ingest(folder, kept, renames, progress, ahead)
            folder.write_report(report)
            folder.tidy()
            early = _ended(ahead, report, options)
            record = Record(
                id=folder.id,
                model_id=entry.id,
                version=entry.version,
                title=card.title,
                task=card.task,
                visitor=visitor,
                name=", ".join(source.name for source in kept[:3])[:200] + (" …" if len(kept) > 3 else ""),
                sources=kept_sources(folder, kept, hashes),
                renames=dict(renames),
                card_sha256=entry.card_sha256,
                checkpoint_sha256=checkpoint,
                options=options or Options(),
                seconds=early.seconds,
                output_kind=early.output_kind,
                versions=versions_here(),
                created=now(),
                rows_total=report.n_rows,
                bytes=folder.bytes(),
            )
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

    def _ahead(self, folder: RunFolder, entry: ModelEntry, checkpoint: str, options: Options | None) -> Ahead | None:
        """What predicts the run's rows as they are read; None where they are not wanted yet, or cannot be had so."""
        grows = getattr(task_of(entry.usable_card()).inputs, "grows", False)  # other packages' may not say it
        if options is None or not grows or not isinstance(self._backend, ReadsAlong):
            return None
        return self._backend.ahead(folder, RunModel(entry.id, entry.version, entry.card_sha256, checkpoint), options)

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


def checkpoint_hash(entry: ModelEntry) -> str:
    """SHA-256 of the model's checkpoint, read again when the file has changed."""
    path = entry.folder / entry.usable_card().checkpoint
    return _hash_of(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _hash_of(path: Path, changed: int) -> str:
    return file_hash(path)
