"""A few rows predicted at once, while a person waits: the same way as a run, without one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa

from engine.cards.signature import Report
from engine.checkpoints.warm import LoadedModel
from engine.errors import InputRefused
from engine.ingest.table import ROW
from engine.kinds.left_out import Part
from engine.prediction.predictor import predict_shard
from engine.readers import Source
from engine.runs.folder import RunFolder
from engine.settings import Settings
from engine.tasks.task import PartedInputs

MOST_ROWS = 1_000
_SECONDS_FOR_PARTS = 20.0
_PARTS_AT_ONCE = 16


def predict_now(
    model: LoadedModel, sources: Sequence[Source], settings: Settings, folder: Path
) -> tuple[Report, pl.DataFrame]:
    """(the report, the lines as `Results` has them) of the rows in `sources`, in the order of the file.

    `folder` exists and is empty; it is the caller's to remove. Where the report is fatal there are no lines and no
    columns; rows that cannot be predicted are lines with status `failed`. Raises ReadError where a file cannot be
    read, InputRefused where there are more than MOST_ROWS rows, PredictionFailed where the module's own code fails.
    """
    report = model.task.inputs.ingest(sources, model.card, folder, settings, {}, lambda stage, done, total: None)
    if report.n_rows > MOST_ROWS:
        raise InputRefused(
            f"There are {report.n_rows:,} rows; at most {MOST_ROWS:,} are predicted at once here. Make a run of them."
        )
    if report.fatal:
        return report, pl.DataFrame()
    rows, shard = RunFolder(folder).rows(), folder / "lines.parquet"
    predict_shard(model, rows, 1, shard, accelerator=settings.accelerator)
    lines = pl.read_parquet(shard)
    return report, lines.sort("row") if ROW in rows.column_names else lines


def predict_without(
    model: LoadedModel,
    row: pa.Table,
    parts: Sequence[Part],
    folder: Path,
    *,
    precision: str | None = None,
    accelerator: str = "auto",
    device: int = 0,
) -> pl.DataFrame:
    """The lines of the row, a table of one good line, and then of it without each of the parts, in their order.

    There are fewer where it would take longer than _SECONDS_FOR_PARTS. Raises as `predict_shard`.
    """
    inputs = model.task.inputs
    assert isinstance(inputs, PartedInputs)
    rows = pa.concat_tables([row, *(inputs.without(row, part, model.card) for part in parts)])
    enough, shard = time.monotonic() + _SECONDS_FOR_PARTS, folder / "lines.parquet"
    predict_shard(
        model,
        rows,
        1,
        shard,
        batch_size=_PARTS_AT_ONCE,
        precision=precision,
        accelerator=accelerator,
        device=device,
        after_batch=lambda done, failed: time.monotonic() > enough,
    )
    return pl.read_parquet(shard)
