"""A run as others see it: one snapshot, never changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from engine.card import Precision
from engine.signature import Report

State = Literal["checked", "queued", "running", "done", "failed", "cancelled", "interrupted"]
ENDED: tuple[State, ...] = ("done", "failed", "cancelled", "interrupted")


class Options(BaseModel):
    """How a run is predicted. None leaves the choice to the card and the device.

    `on_error` says what happens to rows that cannot be predicted: `refuse` the run, or `report` them and predict
    the others. `batch_size` is in lines.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    on_error: Literal["refuse", "report"] = "refuse"
    batch_size: int | None = None
    devices: int | None = None
    precision: Precision | None = None


class Record(BaseModel):
    """What `run.json` holds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    model_id: str
    title: str
    task: str
    sources: tuple[tuple[str, str], ...]
    renames: dict[str, str] = {}
    card_sha256: str = ""
    checkpoint_sha256: str = ""
    output_kind: str = ""
    options: Options = Options()
    state: State = "checked"
    stage: str = ""
    error: str = ""
    pid: int = 0
    created: str = ""
    started: str = ""
    finished: str = ""
    rows_total: int = 0
    rows_done: int = 0
    rows_failed: int = 0
    seconds: float = 0.0
    shards: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """One prediction of one model on some files. Times are ISO 8601 in UTC, or "" where not yet.

    Rows are lines of the input; `rows_per_second` is the mean since the start; `seconds_left` None where unknown.
    """

    id: str
    state: State
    model_id: str
    title: str
    task: str
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
    stage: str
    error: str
    options: Options
    card_sha256: str
    checkpoint_sha256: str
    folder: Path = field(repr=False)
    report: Report = field(repr=False)

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @classmethod
    def of(cls, record: Record, report: Report, folder: Path) -> Run:
        """The snapshot of what a folder holds."""
        speed = record.rows_done / record.seconds if record.seconds > 0 else 0.0
        left = (record.rows_total - record.rows_done) / speed if speed and record.state == "running" else None
        return cls(
            id=record.id,
            state=record.state,
            model_id=record.model_id,
            title=record.title,
            task=record.task,
            sources=tuple(name for name, _ in record.sources),
            created=record.created,
            started=record.started,
            finished=record.finished,
            rows_total=record.rows_total,
            rows_done=record.rows_done,
            rows_failed=record.rows_failed,
            rows_per_second=speed,
            seconds=record.seconds,
            seconds_left=left,
            stage=record.stage,
            error=record.error,
            options=record.options,
            card_sha256=record.card_sha256,
            checkpoint_sha256=record.checkpoint_sha256,
            folder=folder,
            report=report,
        )
