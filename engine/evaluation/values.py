"""How well numbers were predicted, over the lines whose label is one. What needs torch, a worker computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from engine.evaluation.asking import asked
from engine.evaluation.labels import Used, as_number, count_used, is_empty, usable
from engine.kinds.predicted import Values
from engine.results.filters import Filters
from engine.results.results import Results


@dataclass(frozen=True, slots=True)
class ValueFigures:
    """Figures over `used.rows` lines; `rmse` and `mae` in the unit of the value, `mape` a share of the label.

    `r2` is None for a single line, `mape` where a label is zero.
    """

    used: Used
    rmse: float
    mae: float
    r2: float | None
    mape: float | None


class ValueEvaluation:
    """The judgement of one run's numbers by the labels in columns of the upload."""

    def __init__(self, results: Results, columns: tuple[str, ...], predicted: Values) -> None:
        """`columns` hold labels; one that no output names as its own is of any output."""
        self.results, self.predicted = results, predicted
        own = {output: column for output, column in predicted.targets if column in columns}
        shared = [column for column in columns if column not in own.values()]
        labelled = {output: own.get(output) or next(iter(shared), "") for output in predicted.columns}
        self._labels = {output: column for output, column in labelled.items() if column}

    @property
    def outputs(self) -> tuple[str, ...]:
        """The outputs that labels are of, or may be."""
        return tuple(self._labels)

    @property
    def has_own(self) -> bool:
        """Whether each output has a label of its own, so that all are judged."""
        return len(set(self._labels.values())) == len(self._labels)

    def label_of(self, output: str) -> str:
        """The column of the upload that holds what is true of the output."""
        return self._labels[output]

    def unit_of(self, output: str) -> str:
        return self.predicted.units[self.predicted.columns.index(output)]

    def used(self, output: str, where: Filters = ()) -> Used:
        """How many lines of the selection can be judged, and why the others cannot."""
        sound = pl.col(output).is_finite().fill_null(False)
        empty, number = self._cells(output)
        return count_used(self._scan(where), empty, number.is_not_null(), sound, self.label_of(output))

    def figures(self, output: str, where: Filters = ()) -> ValueFigures | None:
        """The figures of the selection, computed by a worker; None where not one line can be judged."""
        return asked(self.results, ValueFigures, "value_figures", where, output=output)

    def parity(self, output: str, where: Filters = (), limit: int = 4_000) -> pl.DataFrame:
        """At most `limit` lines, evenly spaced over the file: row, label, predicted."""
        return self._sample(self.lines(output, where).select("row", "label", "predicted"), limit)

    def residuals(self, output: str, column: str, where: Filters = (), limit: int = 4_000) -> pl.DataFrame:
        """At most `limit` lines, evenly spaced over the file: row, x (of a number column), residual."""
        lines = self.lines(output, where, pl.col(column).alias("x")).filter(pl.col("x").is_not_null())
        return self._sample(lines.select("row", "x", _RESIDUAL), limit)

    def residual_spread(self, output: str, column: str, where: Filters = (), most: int = 20) -> pl.DataFrame:
        """The residuals of each value of a text column, the most frequent ones: x, rows, p05, p25, p50, p75, p95."""
        lines = self.lines(output, where, pl.col(column).cast(pl.String).alias("x")).select("x", _RESIDUAL)
        shares = {"p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}
        quantiles = (pl.col("residual").quantile(share, "linear").alias(name) for name, share in shares.items())
        spread = lines.group_by("x").agg(pl.len().alias("rows"), *quantiles)
        return spread.sort("rows", "x", descending=[True, False]).head(most).collect(engine="streaming")

    def lines(self, output: str, where: Filters, *more: pl.Expr) -> pl.LazyFrame:
        """The lines that can be judged: row, label, predicted, and more."""
        predicted = pl.col(output).cast(pl.Float64)
        empty, number = self._cells(output)
        lines = self._scan(where).filter(usable(empty, number.is_not_null(), predicted.is_finite()))
        return lines.select("row", number.alias("label"), predicted.alias("predicted"), *more)

    def _sample(self, lines: pl.LazyFrame, limit: int) -> pl.DataFrame:
        rows = int(lines.select(pl.len()).collect(engine="streaming").item())
        return lines.gather_every(max(1, -(-rows // limit))).collect(engine="streaming")

    def _scan(self, where: Filters) -> pl.LazyFrame:
        return self.results.scan(where)

    def _cells(self, output: str) -> tuple[pl.Expr, pl.Expr]:
        """(whether the output's label is empty, the label as a number)."""
        label = self.label_of(output)
        return is_empty(label, self._schema[label]), as_number(label, self._schema[label])

    @cached_property
    def _schema(self) -> Mapping[str, pl.DataType]:
        return self.results.scan().collect_schema()


_RESIDUAL = (pl.col("label") - pl.col("predicted")).alias("residual")
