"""A run's predictions, asked lazily: a page, a bin or a sample at a time. The only way others see them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import polars as pl

from engine.card import ModelCard, OutputKind
from engine.errors import RunStateError
from engine.ingest.table import ROW
from engine.runs.folder import RunFolder
from engine.runs.run import Run
from engine.tasks import task_of
from engine.tasks.task import Task
from engine.views import Headline, View

Dtype = Literal["number", "integer", "text", "boolean"]
Role = Literal["row", "input", "order", "extra", "label", "prediction", "status"]
_MOST_SHOWN_AGAINST = 40


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """One column of the results."""

    name: str
    dtype: Dtype
    role: Role
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """Lines whose `column` is one of `value` (in), from its first to its second (between), or holds it (contains)."""

    column: str
    op: Literal["in", "between", "contains"]
    value: tuple[str | float | int | bool | None, ...]

    def expression(self) -> pl.Expr:
        column = pl.col(self.column)
        if self.op == "in":
            known = column.is_in([value for value in self.value if value is not None])
            return known | column.is_null() if None in self.value else known
        if self.op == "between":
            return column.is_between(self.value[0], self.value[1])
        return column.cast(pl.String).str.to_lowercase().str.contains(str(self.value[0]).lower(), literal=True)


Filters = Sequence[Filter]
Showing = Callable[..., tuple[Mapping[str, Any], bytes]]


class Results:
    """The lines of one run: `row`, the input's columns, predictions, `status`, `error`; in the order of the file."""

    def __init__(self, run: Run, card: ModelCard, show: Showing) -> None:
        self.run, self.card, self._show = run, card, show
        self.folder = RunFolder(run.folder)
        self._paths = sorted((run.folder / "shards").glob("*.parquet"))
        if not self._paths:
            raise RunStateError(f"Run {run.id} has no results yet: it is {run.state}.")

    def scan(self, where: Filters = ()) -> pl.LazyFrame:
        """The lines that all filters let through, in the order of the file."""
        frame = pl.scan_parquet(self._paths)
        if self._reordered:
            frame = frame.sort("row")
        for each in where:
            frame = frame.filter(each.expression())
        return frame

    @cached_property
    def columns(self) -> tuple[ResultColumn, ...]:
        roles = {use.name: use.role for use in self.run.report.columns}
        units = {use.name: use.unit for use in self.run.report.columns} | dict(self._task.outputs.units(self.card))
        predicted = set(self._task.outputs.schema(self.card, self._kind).names)
        columns = []
        for name, dtype in pl.scan_parquet(self._paths).collect_schema().items():
            own: Role = (
                "row" if name == "row" else "status" if name in ("status", "error") else roles.get(name, "extra")
            )
            role = "prediction" if name in predicted else own
            columns.append(ResultColumn(name, _dtype(dtype), role, units.get(name, "")))
        return tuple(columns)

    @cached_property
    def n_rows(self) -> int:
        return self.count()

    @property
    def views(self) -> tuple[View, ...]:
        """The charts that answer for this task, the answer first."""
        names = [column.name for column in self.columns]
        against = [column.name for column in self.columns if _plottable(column)][:_MOST_SHOWN_AGAINST]
        of_outputs, of_inputs = self._task.outputs.views(self.card, names, against), self._task.inputs.views(self.card)
        return (*of_inputs, *of_outputs) if self._task.inputs.has_steps else (*of_outputs, *of_inputs)

    def headline(self) -> tuple[Headline, ...]:
        """The figures that stand above the charts."""
        return self._task.outputs.headline(self.card, [column.name for column in self.columns], self)

    def count(self, where: Filters = ()) -> int:
        return int(self.scan(where).select(pl.len()).collect().item())

    def page(
        self, offset: int, limit: int, *, sort: str = "row", descending: bool = False, where: Filters = ()
    ) -> pl.DataFrame:
        """`limit` lines from number `offset` (from 0) on, in the order asked; equal ones in the order of the file."""
        frame = self.scan(where)
        if sort != "row" or descending:
            frame = frame.sort(sort, "row", descending=[descending, descending and sort == "row"], nulls_last=True)
        return frame.slice(offset, limit).collect()

    def value_counts(self, column: str, by: str | None = None, where: Filters = ()) -> pl.DataFrame:
        """How many lines have each value: columns value, (by,) count; the most frequent first."""
        keys = [pl.col(column).alias("value"), *([pl.col(by).alias("by")] if by else [])]
        return (
            self.scan(where)
            .group_by(keys)
            .agg(pl.len().alias("count"))
            .sort("count", "value", descending=[True, False])
            .collect()
        )

    def histogram(self, column: str, bins: int = 40, by: str | None = None, where: Filters = ()) -> pl.DataFrame:
        """How many lines lie in each of `bins` equal bins: columns lo, hi, (by,) count; empty bins are left out."""
        values = self.scan(where).filter(pl.col(column).is_not_null())
        low, high = values.select(pl.col(column).min().alias("lo"), pl.col(column).max().alias("hi")).collect().row(0)
        keys = ["bin", *(["by"] if by else [])]
        schema = {"lo": pl.Float64, "hi": pl.Float64, **({"by": pl.String} if by else {}), "count": pl.UInt32}
        if low is None:
            return pl.DataFrame(schema=schema)
        width = (float(high) - float(low)) / bins or 1.0
        place = ((pl.col(column).cast(pl.Float64) - low) / width).floor().clip(0, bins - 1).cast(pl.Int32).alias("bin")
        chosen = values.select(place, *([pl.col(by).alias("by")] if by else []))
        edges = [(low + pl.col("bin") * width).alias("lo"), (low + (pl.col("bin") + 1) * width).alias("hi")]
        return (
            chosen.group_by(keys).agg(pl.len().alias("count")).sort(keys).select(*edges, *keys[1:], "count").collect()
        )

    def scatter(
        self, x: str, y: str, color: str | None = None, limit: int = 5_000, where: Filters = ()
    ) -> pl.DataFrame:
        """At most `limit` predicted lines, evenly spaced over the file: columns row, x, y, (color)."""
        shown = [
            pl.col("row"),
            pl.col(x).alias("x"),
            pl.col(y).alias("y"),
            *([pl.col(color).alias("color")] if color else []),
        ]
        lines = self.scan(where).select(shown).filter(pl.col("x").is_not_null() & pl.col("y").is_not_null())
        every = max(1, -(-int(lines.select(pl.len()).collect().item()) // limit))
        return lines.gather_every(every).collect()

    def quantiles(self, column: str, where: Filters = ()) -> dict[str, float]:
        """min, p05, p25, p50, p75, p95, max and mean; empty where no line has a value."""
        value = pl.col(column)
        shares = {"p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}
        asked = [value.quantile(share, "linear").alias(name) for name, share in shares.items()]
        ends = [value.min().alias("min"), value.max().alias("max"), value.mean().alias("mean")]
        found = self.scan(where).select(*asked, *ends).collect().row(0, named=True)
        return {} if found["min"] is None else {name: float(figure) for name, figure in found.items()}

    def series_ids(self, limit: int = 1_000) -> list[str]:
        """The first series of the file; empty where there are none."""
        if self.card.sequence is None:
            return []
        name = pl.col(self.card.sequence.series).cast(pl.String)
        return self.scan().select(name.unique(maintain_order=True).head(limit)).collect().to_series().to_list()

    def series(self, series_id: str) -> pl.DataFrame:
        """All lines of one series, in the order of the file."""
        if self.card.sequence is None:
            raise RunStateError(f"Run {self.folder.id} has no series.")
        return self.scan().filter(pl.col(self.card.sequence.series).cast(pl.String) == series_id).collect()

    def image(self, row: int) -> tuple[bytes, str]:
        """(the visitor's own picture as a browser can show it, its media type) of row `row`, from 1."""
        content, data = self._show("picture", folder=self.folder.path, row=row)
        return data, content["media_type"]

    def thumbnail(self, row: int, pixels: int = 160) -> bytes:
        """The picture of row `row`, at most `pixels` high and wide, as WebP."""
        return self._show("thumbnail", folder=self.folder.path, row=row, pixels=pixels)[1]

    @property
    def _task(self) -> Task:
        return task_of(self.card)

    @cached_property
    def _kind(self) -> OutputKind:
        kind: OutputKind = self.run.output_kind  # type: ignore[assignment]
        return kind

    @cached_property
    def _reordered(self) -> bool:
        return ROW in self.folder.rows(0, 0).column_names


def _dtype(dtype: pl.DataType) -> Dtype:
    if dtype.is_integer():
        return "integer"
    if dtype.is_numeric():
        return "number"
    return "boolean" if dtype == pl.Boolean() else "text"


def _plottable(column: ResultColumn) -> bool:
    return column.role in ("input", "extra", "label", "order") and column.dtype in ("number", "integer")
