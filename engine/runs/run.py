"""A run as others see it: one snapshot, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from engine.cards.card import Precision
from engine.cards.signature import Report
from engine.cards.versions import FIRST

State = Literal["checked", "queued", "running", "done", "failed", "cancelled", "interrupted"]
ENDED: tuple[State, ...] = ("done", "failed", "cancelled", "interrupted")
STARTED: tuple[State, ...] = ("queued", "running", *ENDED)
RESUMABLE: tuple[State, ...] = ("failed", "cancelled", "interrupted")


class Options(BaseModel):
    """How a run is predicted. None leaves the choice to the card and the device.

    `on_error` says what happens to rows that cannot be predicted: `refuse` the run, or `report` them and predict
    the others. `batch_size` is in lines.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    on_error: Literal["refuse", "report"] = "refuse"
    batch_size: int | None = None
    precision: Precision | None = None


class KeptSource(BaseModel):
    """One of the visitor's files: what it was called, where it lies, SHA-256 and size of its bytes."""

    model_config = ConfigDict(frozen=True)

    name: str
    path: str
    sha256: str = ""
    bytes: int = 0


class Record(BaseModel):
    """One run as the store and `run.json` keep it: what was asked, how far it is, how it ended.

    `owner` names the process that runs it; `stop` says that somebody wants it stopped; `question` is equal for runs
    that ask the same: same model, same files, same options.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    model_id: str
    version: str = FIRST
    title: str
    task: str
    visitor: str = ""
    name: str = ""
    note: str = ""
    sources: tuple[KeptSource, ...] = ()
    renames: dict[str, str] = {}
    card_sha256: str = ""
    checkpoint_sha256: str = ""
    question: str = ""
    output_kind: str = ""
    options: Options = Options()
    versions: dict[str, str] = {}
    state: State = "checked"
    stage: str = ""
    error: str = ""
    owner: str = ""
    stop: bool = False
    restarts: int = 0
    created: str = ""
    started: str = ""
    finished: str = ""
    rows_total: int = 0
    rows_done: int = 0
    rows_failed: int = 0
    seconds: float = 0.0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a waiting run stands: how many runs are served before it, and in about how many seconds it begins."""

    ahead: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Run:
    """One prediction of one model on some files. Times are ISO 8601 in UTC, or "" where not yet.

    Rows are lines of the input; `rows_per_second` is the mean over the time spent on it; `seconds_left` None where
    unknown. `place` is None for a run that does not wait, or waits in another process. `bytes` is what its folder
    takes on disk.
    """

    id: str
    state: State
    model_id: str
    version: str
    title: str
    task: str
    visitor: str
    name: str
    note: str
    sources: tuple[str, ...]
    created: str
    started: str
    finished: str
    rows_total: int
    rows_done: int
    rows_failed: int
    rows_per_second: float
    seconds: float
    seconds_left: float | None
    place: Place | None
    stage: str
    error: str
    bytes: int
    output_kind: str
    options: Options
    renames: Mapping[str, str]
    versions: Mapping[str, str]
    source_sha256: tuple[str, ...]
    card_sha256: str
    checkpoint_sha256: str
    folder: Path = field(repr=False)
    report: Report = field(repr=False)

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def partial(self) -> bool:
        """Whether it ended with some of its rows only."""
        return self.ended and 0 < self.rows_done < self.rows_total

    @property
    def resumable(self) -> bool:
        """Whether it can go on from its last finished shard."""
        return self.state in RESUMABLE

    @classmethod
    def of(cls, record: Record, report: Report, folder: Path, place: Place | None = None) -> Run:
        """The snapshot of what a record and a folder hold."""
        speed = record.rows_done / record.seconds if record.seconds > 0 else 0.0
        left = (record.rows_total - record.rows_done) / speed if speed and record.state == "running" else None
        same = {name: getattr(record, name) for name in _SHARED}
        return cls(
            **same,
            sources=tuple(source.name for source in record.sources),
            source_sha256=tuple(source.sha256 for source in record.sources),
            rows_per_second=speed,
            seconds_left=left,
            place=place,
            folder=folder,
            report=report,
        )


_SHARED = {each.name for each in fields(Run)} & (set(Record.model_fields) - {"sources"})
