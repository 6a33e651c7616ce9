"""What a person wants to see of the results: conditions on columns, all of which a line has to meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Literal

import polars as pl

FilterOp = Literal["in", "between", "bin", "contains", "search", "filled"]
FilterValue = str | float | int | bool | None


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition.

    `in`: the cell is one of `value`, None among them for an empty one. `between`: from the first to the second, both
    included, None for an open end. `bin`: from the first up to, without, the second. `contains`: the cell's text
    holds it, in whatever case. `search`: any text of the line holds it; the column is "". `filled`: it is not empty.
    """

    column: str
    op: FilterOp
    value: tuple[FilterValue, ...] = ()

    def expression(self, texts: Sequence[str] = ()) -> pl.Expr:
        """The condition; `texts` are the columns that a search looks into."""
        column = pl.col(self.column)
        if self.op == "in":
            known = column.is_in([value for value in self.value if value is not None])
            return known | column.is_null() if None in self.value else known
        if self.op in ("between", "bin"):
            return _within(column, self.value[0], self.value[1], last=self.op == "between")
        if self.op == "contains":
            return _holds(column.cast(pl.String), str(self.value[0]))
        if self.op == "search":
            found = (_holds(pl.col(name), str(self.value[0])).fill_null(False) for name in texts)
            return reduce(pl.Expr.or_, found, pl.lit(False))
        return column.is_not_null()


Filters = Sequence[Filter]


def _within(column: pl.Expr, low: FilterValue, high: FilterValue, *, last: bool) -> pl.Expr:
    conditions = [column >= low] if low is not None else []
    if high is not None:
        conditions.append(column <= high if last else column < high)
    return reduce(pl.Expr.and_, conditions, column.is_not_null())


def _holds(text: pl.Expr, part: str) -> pl.Expr:
    """Whether the text holds the part, upper and lower case being one."""
    return text.str.contains(f"(?i){pl.escape_regex(part)}")
