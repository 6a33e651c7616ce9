"""How much each value of a row moves its prediction: put to its middle, one column after the other, all others kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from engine.cards.card import ModelCard
from engine.results.results import Results

_MOST_COLUMNS = 300
_MEDIAN = 2  # of minimum, quartiles, maximum


@dataclass(frozen=True, slots=True)
class Swap:
    """A row with the value `own` of one column put to that column's `middle`; `row` has all of the model's columns."""

    column: str
    own: object
    middle: object
    row: Mapping[str, object]


def swaps(results: Results, line: Mapping[str, object]) -> tuple[Swap, ...]:
    """A swap for each column whose value differs from its middle; of texts, which have no middle, none."""
    own = {column.name: line.get(column.name) for column in results.card.signature}
    middles = _middles(results, results.card)
    return tuple(
        Swap(name, own[name], middle, {**own, name: middle})
        for name, middle in middles.items()
        if own[name] is not None and middle is not None and own[name] != middle
    )[:_MOST_COLUMNS]


def influences(asked: Sequence[Swap], lines: pl.DataFrame, of: str) -> tuple[tuple[Swap, float], ...]:
    """(swap, change) of each, the largest change first, whatever its sign.

    `lines` are the predictions of the row itself and then of each swap; the change is how much higher the prediction in
    the column `of` is with the row's own value than with the middle one. Swaps that were not predicted are left out.
    """
    own, *others = lines[of].cast(pl.Float64)
    if own is None:
        return ()
    changes = ((swap, own - other) for swap, other in zip(asked, others, strict=True) if other is not None)
    return tuple(sorted(changes, key=lambda found: -abs(found[1])))


def _middles(results: Results, card: ModelCard) -> dict[str, object]:
    """The middle of what a column was trained on where the card says so, else of the run: the median, or the mode.

    Of whole numbers always the run's: the median of an even count of them may lie between two.
    """
    found = {column.name for column in results.columns}
    asked = [
        (pl.col(column.name).quantile(0.5, "nearest") if column.is_number else _mode(column.name)).alias(column.name)
        for column in card.signature
        if column.name in found and column.type != "string"
    ]
    if not asked:
        return {}
    of_run: dict[str, object] = results.scan().select(asked).collect().row(0, named=True)
    floats = [column for column in card.signature if column.type == "float"]
    trained = {column.name: column.trained[_MEDIAN] for column in floats if column.trained}
    return {name: trained.get(name, middle) for name, middle in of_run.items()}


def _mode(name: str) -> pl.Expr:
    return pl.col(name).drop_nulls().mode().sort().first()
