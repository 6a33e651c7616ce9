"""The folder of a run: the typed input, what was asked, how far it is, one Parquet file a finished shard.

run.json     what was asked, and how it ended           report.json  the pre-flight
plan.json    where its batches begin                    card.yaml    the model's card, as it was
input.arrow  the typed rows                             shards/      a Parquet file a finished shard, by its first row
upload/      the visitor's files, where they are kept   exports/     downloads already made
claim        a word of who has the run now

Whoever has the folder has the run: the store is only an index, made anew from folders where it lacks them.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from engine.cards.signature import Report
from engine.errors import ReadError, RunNotFound
from engine.ids import is_id, new_id
from engine.ingest.table import INPUT_FILE
from engine.readers import Source
from engine.runs.run import KeptSource, Record
from engine.runs.storage import AT_HOME, RunStorage

GONE = ".gone"
FAILED_KEY = b"forelight.failed"
_CLAIM = "claim"
_ARROW_HEAD = 8


@dataclass(frozen=True, slots=True)
class Shard:
    """Lines [start, stop) of the results, `failed` of them not predicted."""

    start: int
    stop: int
    failed: int


class RunFolder:
    """One run on disk. Its files are replaced whole, so that a reader never meets half of one."""

    def __init__(self, path: Path, storage: RunStorage = AT_HOME) -> None:
        self.path, self.storage = path, storage

    @classmethod
    def create(cls, runs: Path) -> RunFolder:
        """A new folder with an id of 130 random bits, that nobody guesses."""
        path = runs / new_id()
        (path / "shards").mkdir(parents=True)
        (path / "scratch").mkdir()
        return cls(path)

    @classmethod
    def open(cls, runs: Path, run_id: str, storage: RunStorage = AT_HOME) -> RunFolder:
        """The folder of that run; RunNotFound where there is none, or the id is not one."""
        path = runs / run_id
        if not is_id(run_id):
            raise RunNotFound(run_id)
        storage.head(path)
        if not path.is_dir():
            raise RunNotFound(run_id)
        return cls(path, storage)

    @property
    def id(self) -> str:
        return self.path.name

    def record(self) -> Record:
        """What run.json holds; RunNotFound where there is none."""
        try:
            return Record.model_validate_json((self.path / "run.json").read_bytes())
        except (FileNotFoundError, ValidationError):
            raise RunNotFound(self.id) from None

    def write(self, record: Record) -> None:
        """Keeps the record beside what it is about; who asked and which process it was stay here."""
        _replace(
            self.path / "run.json", record.model_dump_json(indent=1, exclude={"visitor", "owner", "stop"}).encode()
        )

    def plan(self) -> Any:
        """What plan.json holds; None before the run was planned."""
        path = self.path / "plan.json"
        return json.loads(path.read_bytes()) if path.is_file() else None

    def write_plan(self, plan: Mapping[str, Any]) -> None:
        _replace(self.path / "plan.json", json.dumps(plan).encode())

    def claim(self) -> str:
        """A word for whoever takes the run: until the next one takes it, `is_held` says so.

        What others were at is removed. They may still write, as a server that stood still does when it goes on, but
        they keep nothing then: a shard is kept by who holds the run.
        """
        word = secrets.token_hex(8)
        _replace(self.path / _CLAIM, word.encode(), durable=False)  # after a power cut nobody holds the run
        self.clear_parts()
        return word

    def is_held(self, word: str) -> bool:
        """Whether the run is still in the hands of who got that word."""
        try:
            return (self.path / _CLAIM).read_text() == word
        except OSError:
            return False

    def clear_parts(self) -> None:
        """Removes shards that were begun."""
        for path in (self.path / "shards").glob("*.part"):
            path.unlink(missing_ok=True)

    def clear_predictions(self) -> None:
        """Makes the folder what it was before anything of the run was predicted or planned."""
        for path in ((self.path / "shards").glob("*"), [self.path / "plan.json"]):
            for each in path:
                each.unlink(missing_ok=True)

    def report(self) -> Report:
        path = self.path / "report.json"
        return Report.from_json(path.read_text(encoding="utf-8")) if path.is_file() else Report(0, 0)

    def write_report(self, report: Report) -> None:
        _replace(self.path / "report.json", report.to_json().encode())

    def sources(self) -> tuple[Source, ...]:
        """The visitor's files, where they were found or are kept."""
        return tuple(Source(kept.name, self.path / kept.path, kept.sha256) for kept in self.record().sources)

    def keep(self, sources: Sequence[Source], home: Path) -> tuple[Source, ...]:
        """Copies of the files in `upload/`, numbered: a visitor's name is never a path.

        Those that lie in our own `home` already, which nobody writes to, get a second name instead.
        """
        upload = self.path / "upload"
        upload.mkdir(exist_ok=True)
        return tuple(
            _copy(source, upload / f"{number:06d}{_suffix(source.name)}", home) for number, source in enumerate(sources)
        )

    def rows(self, start: int = 0, stop: int | None = None) -> pa.Table:
        """Lines [start, stop) of the typed input, mapped from the file: nothing is copied into memory."""
        with pa.memory_map(str(self.path / INPUT_FILE)) as file:
            reader = pa.ipc.open_file(file)
            batches = map(reader.get_batch, range(reader.num_record_batches))
            return pa.Table.from_batches(list(_between(batches, start, stop)), reader.schema)

    def rows_so_far(self, start: int, stop: int) -> pa.Table:
        """The same of an input that is still written, where these lines stand already."""
        with pa.memory_map(str(self.path / INPUT_FILE)) as file:
            file.seek(_ARROW_HEAD)  # an Arrow file is a stream between a head and a foot
            reader = pa.ipc.open_stream(file)
            return pa.Table.from_batches(list(_between(reader, start, stop)), reader.schema)

    def shard_path(self, start: int) -> Path:
        """Where the shard lies whose first line is `start`, from 0."""
        return self.path / "shards" / f"{start:012d}.parquet"

    def shards(self) -> tuple[Shard, ...]:
        """The shards that are whole, in the order of the file; one that is not is removed, and done again."""
        return tuple(shard for path in sorted((self.path / "shards").glob("*.parquet")) if (shard := _shard(path)))

    def clear_exports(self) -> None:
        """Removes the downloads made so far: there will be more rows."""
        shutil.rmtree(self.path / "exports", ignore_errors=True)

    def bytes(self) -> int:
        """What the folder takes on disk."""
        return sum(path.stat().st_size for path in self.path.rglob("*") if path.is_file())

    def tidy(self) -> None:
        """Removes what reading the files left behind."""
        shutil.rmtree(self.path / "scratch", ignore_errors=True)

    def disown(self) -> None:
        """Makes it the folder of no run: what is read of it can still be read, but nobody makes a run of it again."""
        (self.path / "run.json").unlink(missing_ok=True)

    def delete(self) -> None:
        """Removes all files; under another name, so that whoever comes meanwhile meets the whole of it or nothing."""
        gone = self.path.with_name(f".{self.path.name}{GONE}")
        with suppress(OSError):
            self.path.rename(gone)
        for path in (gone, self.path):
            shutil.rmtree(path, ignore_errors=True)


def now() -> str:
    """The time, ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _between(batches: Iterable[pa.RecordBatch], start: int, stop: int | None) -> Iterator[pa.RecordBatch]:
    """What stands between these lines; no batch behind them is touched."""
    first = 0
    for batch in batches:
        low, high = max(start - first, 0), batch.num_rows if stop is None else min(stop - first, batch.num_rows)
        if low < high:
            yield batch.slice(low, high - low)
        first += batch.num_rows
        if stop is not None and first >= stop:
            return


def _copy(source: Source, path: Path, home: Path) -> Source:
    try:
        if not source.path.is_relative_to(home) or not _linked(source.path, path):
            with source.path.open("rb") as read, path.open("wb") as write:
                shutil.copyfileobj(read, write, 1 << 20)
    except FileNotFoundError:
        raise ReadError(f"{source.name} is no longer there. Bring it again.") from None
    return Source(source.name, path, source.sha256)


def _linked(old: Path, new: Path) -> bool:
    """Gives the file a second name, which takes no room; False on another disk, or one that knows no links."""
    try:
        new.hardlink_to(old)
    except FileNotFoundError:
        raise
    except OSError:
        return False
    return True


def _suffix(name: str) -> str:
    suffix = Path(name).suffix.lower()
    return suffix if re.fullmatch(r"\.[a-z0-9]{1,8}", suffix) else ""


def _replace(path: Path, content: bytes, *, durable: bool = True) -> None:
    """The file is the old one or the new one, whatever happens in between; if `durable`, a power cut too."""
    new = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    try:
        with new.open("wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _shard(path: Path) -> Shard | None:
    try:
        metadata = pq.read_metadata(path)
    except (pa.ArrowInvalid, OSError):
        path.unlink(missing_ok=True)
        return None
    start = int(path.stem)
    return Shard(start, start + metadata.num_rows, int((metadata.metadata or {}).get(FAILED_KEY, b"0")))


def kept_sources(folder: RunFolder, sources: Sequence[Source], hashes: Sequence[str]) -> tuple[KeptSource, ...]:
    """The files as the record names them: within the folder where they are kept there, so that it can be carried."""
    return tuple(
        KeptSource(
            name=source.name.replace("\0", "�"),
            path=_kept_path(source.path, folder.path),
            sha256=sha256,
            bytes=source.path.stat().st_size,
        )
        for source, sha256 in zip(sources, hashes, strict=True)
    )


def _kept_path(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path.resolve())
