"""Writes predictions to a shard's Parquet as they leave the model: one line a row, in order, predicted or failed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.checkpoints.warm import LoadedModel
from engine.errors import DecodeRaised
from engine.ingest.table import FAULT, ROW
from engine.own_code.refused_rows import good_places, why_refused, with_faults
from engine.prediction.data import good_rows
from engine.runs.folder import FAILED_KEY

LINES_A_GROUP = 131_072
BYTES_A_GROUP = 64 << 20
NOT_FINITE = "the model's output is not a finite number"


class ShardWriter:
    """The lines of one shard. Rows between two batches, and after the last, are those that cannot be predicted.

    `rows` are the shard's lines of the input; `first_row` is the number of the first one. Without `finish` the shard
    ends with the last batch written. The file appears under its name only when it is whole and on the disk, and
    `before_keeping` raised nothing.
    """

    def __init__(
        self,
        path: Path,
        rows: pa.Table,
        first_row: int,
        model: LoadedModel,
        before_keeping: Callable[[], None] = lambda: None,
    ) -> None:
        self._path, self._rows, self._first, self._model = path, rows, first_row, model
        self._outputs = model.task.outputs.schema(model.card, model.calling.kind)
        self._part = path.with_name(f"{path.stem}.{secrets.token_hex(4)}.part")
        self._before_keeping = before_keeping
        self._waiting: list[Sequence[pa.Array]] = []
        self._done = self._flushed = self._waiting_bytes = 0
        self._failed = 0
        self._decoded, self._why = False, ""
        self._refused: dict[int, str] = {}  # lines that wait, and why `decode` does not take them
        self.refused_alone = 0
        self._file: pq.ParquetWriter | None = None
        self._disk = ThreadPoolExecutor(1, "forelight-write")
        self._writing: Future[None] | None = None

    @property
    def lines(self) -> tuple[int, int]:
        """(lines done, lines of them that failed, as far as they are written)."""
        return self._done, self._failed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._flush()
            self._settle()
            if kind is None and self._file is not None:
                self._file.add_key_value_metadata({FAILED_KEY: str(self._failed).encode()})
                self._file.close()
                _to_disk(self._part)
                self._before_keeping()
                self._part.replace(self._path)
        finally:
            self._disk.shutdown()
            self._part.unlink(missing_ok=True)

    @property
    def why_nothing(self) -> str:
        """What the card's `decode` raised, where it took none of the rows so far; "" where it had none, or took one."""
        return "" if self._decoded else self._why

    def spoil(self, rows: pa.Table) -> None:
        """Takes the rows again: of those that are not written yet, more have a fault now."""
        self._rows = rows

    def finish(self) -> None:
        """Says that no further batch comes: the lines that are left cannot be predicted."""
        self._unpredicted(self._rows.num_rows)

    def write(self, span: tuple[int, int], raw: object) -> None:
        """Appends the lines of [start, stop), for whose good rows the module gave `raw`.

        Raises DecodeRaised, and appends nothing, where these may be taken one by one; one alone that is not taken is
        a line that failed.
        """
        self._unpredicted(span[0])
        part, good = self._rows.slice(span[0], span[1] - span[0]), good_rows(self._rows, span)
        lines = good.num_rows
        columns = self._decode(span, good, raw)
        if lines < part.num_rows:
            places = _places(part)
            columns = [column.take(places) for column in columns]
        self._append(part.num_rows, columns)

    def _decode(self, span: tuple[int, int], good: pa.Table, raw: object) -> Sequence[pa.Array]:
        """The predictions of the good lines; nulls where they are one row, or one series, that `decode` raises for."""
        card, task = self._model.card, self._model.task
        try:
            columns = self._model.calling.predictions(raw, good, card, task)
        except DecodeRaised as exc:
            if len(task.inputs.batches(good, card, 1)) > 1:
                raise
            words = why_refused(exc, task.inputs)
            self._refused |= {int(place): words for place in good_places(self._rows, span)}
            self._why = str(exc)
            self.refused_alone += 1
            return [pa.nulls(good.num_rows, field.type) for field in self._outputs]
        if len(columns[0]) != good.num_rows:
            raise ValueError(f"{len(columns[0])} predictions for {good.num_rows} rows")
        self._decoded = True
        return columns

    def _unpredicted(self, stop: int) -> None:
        lines = stop - self._done
        if lines:
            self._append(lines, [pa.nulls(lines, field.type) for field in self._outputs])

    def _append(self, lines: int, columns: Sequence[pa.Array]) -> None:
        self._waiting.append(columns)
        self._done += lines
        self._waiting_bytes += sum(column.nbytes for column in columns)
        if self._done - self._flushed >= LINES_A_GROUP or self._waiting_bytes >= BYTES_A_GROUP:
            self._flush()

    def _flush(self) -> None:
        """Hands the waiting lines to the disk's thread, when it has done those before: the model goes on."""
        if self._waiting:
            part = self._rows.slice(self._flushed, self._done - self._flushed)
            if self._refused:
                part = with_faults(part, {place - self._flushed: words for place, words in self._refused.items()})
                self._refused.clear()
            columns = [pa.concat_arrays(pieces) for pieces in zip(*self._waiting, strict=True)]
            first = self._first + self._flushed
            self._waiting.clear()
            self._waiting_bytes = 0
            self._flushed = self._done
            self._settle()
            self._writing = self._disk.submit(self._write_group, part, columns, first)

    def _settle(self) -> None:
        if self._writing is not None:
            self._writing.result()

    def _write_group(self, part: pa.Table, columns: list[pa.Array], first: int) -> None:
        lines = self._lines(part, columns, first)
        if self._file is None:
            texts = _texts(lines.schema)
            packed = {field.name: "lz4" if pa.types.is_string(field.type) else "none" for field in lines.schema}
            self._file = pq.ParquetWriter(self._part, lines.schema, compression=packed, use_dictionary=texts)
        self._file.write_table(lines, row_group_size=lines.num_rows)

    def _lines(self, part: pa.Table, columns: list[pa.Array], first: int) -> pa.Table:
        """The lines as they are written: row, the input's columns, the predictions, status and error."""
        numbers = part.column(ROW) if ROW in part.column_names else pa.array(np.arange(first, first + part.num_rows))
        errors = _errors(part, columns)
        failed = part.num_rows - errors.null_count
        if failed:
            columns = [pc.if_else(pc.is_null(errors), column, None) for column in columns]
        self._failed += failed
        status = pc.if_else(pc.is_null(errors), "ok", "failed")
        hidden = (FAULT, ROW, *self._model.task.inputs.hidden_columns())
        kept = [name for name in part.column_names if name not in hidden]
        arrays = [numbers.cast(pa.int64()), *(part.column(name) for name in kept), *columns, status, errors]
        return pa.table(arrays, names=["row", *kept, *self._outputs.names, "status", "error"])


def prediction_writer(
    package: ModuleType, writer: ShardWriter, ranges: Sequence[tuple[int, int]], after_batch: Callable[[], None]
) -> Any:
    """A BasePredictionWriter of that Lightning package that gives each batch to `writer`, then calls `after_batch`."""

    class PredictionWriter(package.callbacks.BasePredictionWriter):  # type: ignore[misc,name-defined]
        def on_predict_start(self, trainer: Any, module: Any) -> None:
            """Comes last: callbacks that the module itself brings may change what it gave."""
            trainer.callbacks = [each for each in trainer.callbacks if each is not self] + [self]

        def write_on_batch_end(
            self, trainer: Any, module: Any, prediction: Any, indices: Any, batch: Any, batch_idx: int, loader: int
        ) -> None:
            writer.write(ranges[batch_idx], prediction)
            after_batch()

    return PredictionWriter(write_interval="batch")


def _to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _texts(schema: pa.Schema) -> list[str]:
    """Columns worth a dictionary: few texts, often."""
    return [field.name for field in schema if field.name in ("prediction", "status", "error", "file")]


def _places(part: pa.Table) -> pa.Array:
    """For each row the place of its prediction among those of the good rows; null for a bad one."""
    good = pc.is_null(part.column(FAULT)).combine_chunks()
    return pc.if_else(good, pc.subtract(pc.cumulative_sum(good.cast(pa.int64())), 1), None)


def _errors(part: pa.Table, columns: Sequence[pa.Array]) -> pa.Array:
    """Why each line failed, or null."""
    faults = part.column(FAULT).combine_chunks().cast(pa.string()) if FAULT in part.column_names else None
    bad = [_not_finite(column) for column in columns if pa.types.is_floating(column.type) or _is_vector(column.type)]
    if not any(pc.any(column).as_py() for column in bad):
        return faults if faults is not None else pa.nulls(part.num_rows, pa.string())
    any_bad = bad[0]
    for column in bad[1:]:
        any_bad = pc.or_kleene(any_bad, column)
    not_finite = pc.if_else(pc.fill_null(any_bad, False), NOT_FINITE, pa.scalar(None, pa.string()))
    return not_finite if faults is None else pc.coalesce(faults, not_finite)


def _is_vector(kind: pa.DataType) -> bool:
    return bool(pa.types.is_fixed_size_list(kind) and pa.types.is_floating(kind.value_type))


def _not_finite(column: pa.Array) -> pa.Array:
    """Whether an entry, or one figure of its vector, is no finite number; null where there is none."""
    if not _is_vector(column.type):
        return pc.invert(pc.is_finite(column))
    valid = column.is_valid()
    figures = column.filter(valid).flatten().to_numpy(zero_copy_only=False).reshape(-1, column.type.list_size)
    found = np.zeros(len(column), bool)
    found[valid.to_numpy(zero_copy_only=False)] = ~np.isfinite(figures).all(axis=1)
    return pa.array(found)
