"""The folder of a run: the typed input, what was asked, how far it is, one Parquet file a finished shard.

run.json        what was asked and how far it is          report.json    the pre-flight
input.arrow     the typed rows                            shards/        00000.parquet, …
upload/         the visitor's files, where they are kept  exports/       downloads already made
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from engine.card import ModelCard, card_hash
from engine.errors import RunNotFound
from engine.ingest.table import INPUT_FILE
from engine.readers import Source
from engine.registry import CARD_FILE
from engine.runs.run import Record, Run
from engine.signature import Report

_RUN_ID = re.compile(r"^[a-z0-9]{26}$")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


class RunFolder:
    """One run on disk. Its files are replaced whole, so that a reader never meets half of one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writing = threading.Lock()

    @classmethod
    def create(cls, runs: Path) -> RunFolder:
        """A new folder with an id of 130 random bits, that nobody guesses."""
        run_id = "".join(secrets.choice(_ALPHABET) for _ in range(26))
        path = runs / run_id
        (path / "shards").mkdir(parents=True)
        (path / "scratch").mkdir()
        return cls(path)

    @classmethod
    def open(cls, runs: Path, run_id: str) -> RunFolder:
        """The folder of that run; RunNotFound where there is none, or the id is not one."""
        path = runs / run_id
        if not _RUN_ID.match(run_id) or not (path / "run.json").is_file():
            raise RunNotFound(run_id)
        return cls(path)

    @property
    def id(self) -> str:
        return self.path.name

    def record(self) -> Record:
        """What run.json holds; a run whose process is gone without an end reads as interrupted."""
        try:
            record = Record.model_validate_json((self.path / "run.json").read_bytes())
        except FileNotFoundError:
            raise RunNotFound(self.id) from None
        if record.state in ("queued", "running") and not _alive(record.pid):
            return record.model_copy(update={"state": "interrupted", "error": "The server stopped before the end."})
        return record

    def write(self, record: Record) -> None:
        _replace(self.path / "run.json", record.model_dump_json(indent=1).encode())

    def update(self, **changes: Any) -> Record:
        """Changes what run.json holds."""
        with self._writing:
            record = self.record().model_copy(update=changes)
            self.write(record)
        return record

    def report(self) -> Report:
        path = self.path / "report.json"
        return Report.from_json(path.read_text(encoding="utf-8")) if path.is_file() else Report(0, 0)

    def write_report(self, report: Report) -> None:
        _replace(self.path / "report.json", report.to_json().encode())

    def run(self) -> Run:
        return Run.of(self.record(), self.report(), self.path)

    def sources(self) -> tuple[Source, ...]:
        """The visitor's files, where they were found or are kept."""
        return tuple(Source(name, self.path / path) for name, path in self.record().sources)

    def keep(self, sources: Sequence[Source]) -> tuple[Source, ...]:
        """Copies of the files in `upload/`, numbered: a visitor's name is never a path."""
        upload = self.path / "upload"
        upload.mkdir(exist_ok=True)
        return tuple(
            _copy(source, upload / f"{number:06d}{_suffix(source.name)}") for number, source in enumerate(sources)
        )

    def rows(self, start: int = 0, stop: int | None = None) -> pa.Table:
        """Lines [start, stop) of the typed input, mapped from the file: nothing is copied into memory."""
        with pa.memory_map(str(self.path / INPUT_FILE)) as file:
            reader = pa.ipc.open_file(file)
            return pa.Table.from_batches(list(_between(reader, start, stop)), reader.schema)

    def shard_path(self, number: int) -> Path:
        return self.path / "shards" / f"{number:05d}.parquet"

    def tidy(self) -> None:
        """Removes what reading the files left behind."""
        shutil.rmtree(self.path / "scratch", ignore_errors=True)

    def delete(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def now() -> str:
    """The time, ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def run_ids(runs: Path) -> Iterator[str]:
    """The ids of all runs in the folder."""
    for path in runs.glob("*/run.json"):
        if _RUN_ID.match(path.parent.name):
            yield path.parent.name


def _between(reader: Any, start: int, stop: int | None) -> Iterator[pa.RecordBatch]:
    first = 0
    for number in range(reader.num_record_batches):
        if stop is not None and first >= stop:
            return
        batch = reader.get_batch(number)
        low, high = max(start - first, 0), batch.num_rows if stop is None else min(stop - first, batch.num_rows)
        if low < high:
            yield batch.slice(low, high - low)
        first += batch.num_rows


def _copy(source: Source, path: Path) -> Source:
    with source.path.open("rb") as read, path.open("wb") as write:
        shutil.copyfileobj(read, write, 1 << 20)
    return Source(source.name, path)


def _suffix(name: str) -> str:
    suffix = Path(name).suffix.lower()
    return suffix if re.fullmatch(r"\.[a-z0-9]{1,8}", suffix) else ""


def _replace(path: Path, content: bytes) -> None:
    new = path.with_name(f"{path.name}.{threading.get_ident()}.new")
    new.write_bytes(content)
    new.replace(path)


def _alive(pid: int) -> bool:
    if pid == os.getpid():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0


def new_record(
    folder: RunFolder, model_id: str, card: ModelCard, sources: Sequence[Source], renames: Mapping[str, str], rows: int
) -> Record:
    """What `run.json` holds of a run that was checked."""
    return Record(
        id=folder.id,
        model_id=model_id,
        title=card.title,
        task=card.task,
        sources=tuple((source.name, _kept_path(source.path, folder.path)) for source in sources),
        renames=dict(renames),
        card_sha256=card_hash(folder.path / CARD_FILE),
        created=now(),
        rows_total=rows,
    )


def _kept_path(path: Path, folder: Path) -> str:
    """Within the folder where the file is kept there, so that the folder can be carried elsewhere."""
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path.resolve())
