"""Where one row stands among the others of its run: its neighbours in a column, and how many lie below its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from engine.results.results import Results


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Rows next to one in the order of a column: `below` and `above` the nearest first, as (row, value)."""

    below: tuple[tuple[int, float], ...]
    above: tuple[tuple[int, float], ...]


def neighbours(results: Results, column: str, row: int, most: int = 3) -> Neighbours:
    """The `most` predicted rows on each side of `row` in the order of `column`; equal ones by their number.

    Both sides are empty where the row has no value.
    """
    lines = results.scan().select("row", value=pl.col(column)).filter(pl.col("value").is_not_null())
    own = lines.filter(pl.col("row") == row).collect()
    if own.is_empty():
        return Neighbours((), ())
    value, place = pl.lit(own["value"]).first(), pl.col("row")
    before = (pl.col("value") < value) | ((pl.col("value") == value) & (place < row))
    after = (pl.col("value") > value) | ((pl.col("value") == value) & (place > row))
    keys = ["value", "row"]
    below, above = pl.collect_all(
        [lines.filter(before).top_k(most, by=keys), lines.filter(after).bottom_k(most, by=keys)]
    )
    return Neighbours(_pairs(below.sort(keys, descending=True)), _pairs(above.sort(keys)))


def shares_below(results: Results, values: Mapping[str, float]) -> dict[str, float]:
    """For each column, the share of the run's lines with a value that lies below the one given, from 0 to 1.

    Lines without a value do not count; a column without any is left out.
    """
    if not values:
        return {}
    asked = [(pl.col(name) < value).mean().alias(name) for name, value in values.items()]
    found = results.scan().select(asked).collect().row(0, named=True)
    return {name: float(share) for name, share in found.items() if share is not None}


def _pairs(lines: pl.DataFrame) -> tuple[tuple[int, float], ...]:
    rows: Sequence[tuple[int, float]] = lines.rows()
    return tuple((int(row), float(value)) for row, value in rows)
