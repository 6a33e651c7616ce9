"""The lines of a run, asked lazily: a page, a bin or a sample at a time; never all of them in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import polars as pl

from engine.cards.card import ModelCard, OutputKind
from engine.cards.cells import NUMBERS
from engine.errors import RunStateError
from engine.ingest.table import AS_WRITTEN, ROW
from engine.results.bins import bin_number, round_edges
from engine.results.filters import Filter, Filters
from engine.runs.folder import RunFolder
from engine.runs.run import Run
from engine.tasks import task_of
from engine.tasks.task import Task

Dtype = Literal["number", "integer", "text", "boolean", "list"]
Role = Literal["row", "input", "order", "extra", "label", "prediction", "status"]
Asking = Callable[..., tuple[Mapping[str, Any], bytes]]
_NEAR = 5_000
_PIECE = 131_072
_SOUGHT = ("search", "contains")
_STATUS = ("status", "error")


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """One column of the results. `few` where its texts are few different ones, so that they can be chosen from."""

    name: str
    dtype: Dtype
    role: Role
    unit: str = ""
    few: bool = False

    @property
    def is_number(self) -> bool:
        return self.dtype in ("number", "integer")


class Lines:
    """The lines of one run: `row`, the input's columns, predictions, `status`, `error`; in the order of the file."""

    def __init__(
        self, run: Run, card: ModelCard, ask: Asking, among: tuple[Lines, tuple[Filter, ...]] | None = None
    ) -> None:
        """`ask` has a worker do a job; `among` leaves the rows that those filters leave over there."""
        self.run, self.card, self.ask, self.among = run, card, ask, among
        self.folder = RunFolder(run.folder)
        self._rows_found: dict[Filter, pl.Series] = {}
        self._paths = sorted((run.folder / "shards").glob("*.parquet"))
        if not self._paths or run.state == "checked":
            raise RunStateError(f"Run {run.id} has no results yet: it is {run.state}.")

    def scan(self, where: Filters = ()) -> pl.LazyFrame:
        """The lines that all filters let through, in the order of the file; texts that are numbers as numbers."""
        frame = self._lines(where).drop(self._as_written.values())
        return frame.sort("row") if self._reordered else frame

    def written(self, where: Filters = (), columns: Sequence[str] = ()) -> Iterator[pl.DataFrame]:
        """The lines as they go into files, a piece at a time, the first one perhaps empty; cells as they were written.

        Those columns, or all where none is named.
        """
        names = columns or [column.name for column in self.columns]
        chosen = [pl.col(self._as_written[name]).alias(name) if name in self._as_written else name for name in names]
        if self._reordered:
            yield self._lines(where).sort("row").select(chosen).collect()
            return
        for number, (path, start) in enumerate(self._pieces):
            piece = self._lines(where, pl.scan_parquet(path).slice(start, _PIECE)).select(chosen).collect()
            if number == 0 or piece.height:
                yield piece

    @cached_property
    def columns(self) -> tuple[ResultColumn, ...]:
        uses = {use.name: use for use in self.run.report.columns}
        units = {name: use.unit for name, use in uses.items()} | dict(self._task.outputs.units(self.card))
        predicted = set(self._task.outputs.schema(self.card, self._output_kind).names)
        columns = []
        for name in self._schema:
            if name in self.files:
                continue
            use = uses.get(name)
            own: Role = "row" if name == "row" else "status" if name in _STATUS else use.role if use else "extra"
            role = "prediction" if name in predicted else own
            few = name in ("status", "prediction") or (use is not None and use.type in ("category", "boolean"))
            columns.append(ResultColumn(name, _kind(self._dtype(name)), role, units.get(name, ""), few))
        return tuple(columns)

    @cached_property
    def files(self) -> tuple[str, ...]:
        """The columns that hold a file a line, such as a mask: no column that a person reads, sorts or filters by."""
        return tuple(name for name, dtype in self._schema.items() if dtype == pl.Binary())

    @cached_property
    def n_rows(self) -> int:
        return self.count()

    def count(self, where: Filters = ()) -> int:
        return int(self._lines(where).select(pl.len()).collect().item())

    def page(
        self,
        offset: int,
        limit: int,
        *,
        sort: str = "row",
        descending: bool = False,
        where: Filters = (),
        columns: Sequence[str] = (),
    ) -> pl.DataFrame:
        """`limit` lines from number `offset` (from 0) on, in the order asked; equal ones in the order of the file.

        Only the sorted column is read of all the lines, the others of the page alone.
        """
        shown = pl.col(list(columns)) if columns else pl.exclude([*self._as_written.values(), *self.files])
        rows = self._ordered_rows(offset, limit, sort, descending, where)
        found = self._lines().filter(pl.col("row").is_in(rows.implode())).collect(engine="streaming")
        return rows.to_frame().join(found, on="row", how="left", maintain_order="left").select(shown)

    def _ordered_rows(self, offset: int, limit: int, sort: str, descending: bool, where: Filters) -> pl.Series:
        """The numbers of those lines. Near the front they are found without sorting all; far from it, one column is."""
        lines, in_file_order = self._lines(where), not self._reordered
        if sort == "row" and not descending and in_file_order:
            return lines.select("row").slice(offset, limit).collect(engine="streaming")["row"]
        keys = [sort] if sort == "row" else [sort, "row"]
        if offset + limit <= _NEAR:
            order = [descending, False][: len(keys)]
            near = lines.select(keys).sort(keys, descending=order, nulls_last=True).slice(offset, limit)
            return near.collect(engine="streaming")["row"]
        whole = lines.select(pl.col(sort), pl.col("row").cast(pl.UInt32).alias("__place")).collect(engine="streaming")
        whole = whole if in_file_order else whole.sort("__place")
        places = whole[sort].arg_sort(descending=descending, nulls_last=True)
        return whole["__place"].gather(places.slice(offset, limit)).cast(pl.Int64).alias("row")

    def value_counts(self, column: str, by: str | None = None, where: Filters = (), limit: int = 0) -> pl.DataFrame:
        """How many lines have each value: columns value, (by,) count; the most frequent first, at most `limit`."""
        keys = [pl.col(column).alias("value"), *([pl.col(by).alias("by")] if by else [])]
        counted = self._lines(where).group_by(keys).agg(pl.len().alias("count"))
        ordered = counted.sort("count", "value", descending=[True, False])
        return (ordered.head(limit) if limit else ordered).collect()

    def histogram(self, column: str, bins: int = 40, by: str | None = None, where: Filters = ()) -> pl.DataFrame:
        """How many lines lie in each of about `bins` bins of round width: lo, hi, (by,) count; no empty ones.

        A bin holds its lower edge and not its upper one, as `Filter(column, "bin", (lo, hi))` does.
        """
        values = self._lines(where).filter(pl.col(column).is_not_null())
        dtype = self._dtype(column)
        low, high = values.select(pl.col(column).min().alias("lo"), pl.col(column).max().alias("hi")).collect().row(0)
        if low is None:
            grouped = {"by": pl.String} if by else {}
            return pl.DataFrame(schema={"lo": pl.Float64, "hi": pl.Float64, **grouped, "count": pl.UInt32})
        edges = round_edges(float(low), float(high), bins, whole=dtype.is_integer())
        keys = [bin_number(column, edges, dtype).alias("bin"), *([pl.col(by).alias("by")] if by else [])]
        counted = values.select(keys).group_by(pl.all()).agg(pl.len().alias("count")).collect()
        places = pl.DataFrame({"lo": edges[:-1], "hi": edges[1:]}).with_row_index("bin").cast({"bin": pl.Int32})
        names = ["bin", "by"] if by else ["bin"]
        return counted.join(places, on="bin").sort(names).select("lo", "hi", *names[1:], "count")

    def scatter(
        self, x: str, y: str, color: str | None = None, limit: int = 5_000, where: Filters = ()
    ) -> pl.DataFrame:
        """At most `limit` predicted lines, evenly spaced over the file: columns row, x, y, (color)."""
        names = {"row": "row", "x": x, "y": y, **({"color": color} if color else {})}
        shown = [pl.col(name).alias(alias) for alias, name in names.items()]
        lines = self._lines(where).select(shown).filter(pl.col("x").is_not_null() & pl.col("y").is_not_null())
        every = max(1, -(-int(lines.select(pl.len()).collect().item()) // limit))
        return lines.gather_every(every).collect().sort("row")

    def spreads(self, column: str, by: str, where: Filters = (), limit: int = 30) -> pl.DataFrame:
        """The quantiles of a column for each text of another: by, p05, p25, p50, p75, p95, count; most lines first."""
        lines = self._lines(where).filter(pl.col(column).is_not_null() & pl.col(by).is_not_null())
        return (
            lines.group_by(pl.col(by).alias("by"))
            .agg(*_quantiles(column), pl.len().alias("count"))
            .sort("count", "by", descending=[True, False])
            .head(limit)
            .collect()
        )

    def quantiles(self, column: str, where: Filters = ()) -> dict[str, float]:
        """min, p05, p25, p50, p75, p95, max and mean; empty where no line has a value."""
        value = pl.col(column)
        ends = [value.min().alias("min"), value.max().alias("max"), value.mean().alias("mean")]
        found = self._lines(where).select(*_quantiles(column), *ends).collect().row(0, named=True)
        return {} if found["min"] is None else {name: float(figure) for name, figure in found.items()}

    def closest_calls(self, chosen: str, shares: Mapping[str, str], limit: int, where: Filters = ()) -> pl.DataFrame:
        """The lines whose two likeliest labels are nearest to each other: row, first, second, margin (0 to 1).

        `chosen` is the column of the label, `shares` maps each label to the column of its probability.
        """
        label = pl.col(chosen)
        others = {name: pl.when(label != name).then(pl.col(share)) for name, share in shares.items()}
        top = pl.max_horizontal(pl.col(list(shares.values())))
        runner_up = pl.max_horizontal(list(others.values()))
        second = pl.coalesce(pl.when(share == runner_up).then(pl.lit(name)) for name, share in others.items())
        lines = self._lines(where).filter(label.is_not_null())
        found = lines.select("row", label.alias("first"), second.alias("second"), (top - runner_up).alias("margin"))
        return found.sort("margin", "row").head(limit).collect()

    @property
    def _pieces(self) -> Iterator[tuple[Path, int]]:
        """(shard, its line that the piece begins with) of pieces of at most `_PIECE` lines."""
        for path in self._paths:
            for start in range(0, pl.scan_parquet(path).select(pl.len()).collect().item(), _PIECE):
                yield path, start

    def _lines(self, where: Filters = (), frame: pl.LazyFrame | None = None) -> pl.LazyFrame:
        """The lines (of `frame`, else all) that all filters let through, as the shards hold them.

        How texts that are numbers were written stands beside them.
        """
        frame = pl.scan_parquet(self._paths) if frame is None else frame
        if self._as_written:
            kept = [pl.col(name).alias(alias) for name, alias in self._as_written.items()]
            frame = frame.with_columns(*kept, *(_as_number(name, self._dtype(name)) for name in self._as_written))
        for each in where:
            frame = frame.filter(pl.col("row").is_in(self._found(each)) if each.op in _SOUGHT else each.expression())
        if self.among is not None:
            other, chosen = self.among
            frame = frame.join(other.scan(chosen).select("row"), on="row", how="semi", maintain_order="left")
        return frame

    def _found(self, each: Filter) -> pl.Series:
        """The rows whose texts hold what is sought: looked for once, however much is then asked about them."""
        if each not in self._rows_found:
            texts = [column.name for column in self.columns if column.dtype == "text"]
            rows = self._lines().filter(each.expression(texts)).select("row").collect(engine="streaming")
            self._rows_found[each] = rows["row"].implode()
        return self._rows_found[each]

    @cached_property
    def _schema(self) -> Mapping[str, pl.DataType]:
        return pl.scan_parquet(self._paths).collect_schema()

    def _dtype(self, name: str) -> pl.DataType:
        return self._numbers[name] if name in self._as_written else self._schema[name]

    @cached_property
    def _numbers(self) -> Mapping[str, pl.DataType]:
        """The columns of which all cells are numbers, whatever they are written as."""
        return {use.name: NUMBERS[use.type] for use in self.run.report.columns if use.type in NUMBERS}

    @cached_property
    def _as_written(self) -> Mapping[str, str]:
        """The columns whose texts are all numbers → the name under which their texts are kept."""
        return {name: AS_WRITTEN + name for name in self._numbers if self._schema.get(name) == pl.String()}

    @property
    def _task(self) -> Task:
        return task_of(self.card)

    @cached_property
    def _output_kind(self) -> OutputKind:
        kind: OutputKind = self.folder.record().output_kind  # type: ignore[assignment]
        return kind

    @cached_property
    def _reordered(self) -> bool:
        return ROW in self.folder.rows(0, 0).column_names


def _kind(dtype: pl.DataType) -> Dtype:
    if dtype.is_integer():
        return "integer"
    if dtype.is_numeric():
        return "number"
    if dtype.is_nested():
        return "list"
    return "boolean" if dtype == pl.Boolean() else "text"


def _as_number(name: str, dtype: pl.DataType) -> pl.Expr:
    return pl.col(name).str.strip_chars().str.replace(",", ".", literal=True).cast(dtype, strict=False)


def _quantiles(column: str) -> list[pl.Expr]:
    shares = {"p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}
    return [pl.col(column).quantile(share, "linear").alias(name) for name, share in shares.items()]
