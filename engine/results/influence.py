"""How much each part of a row moves its prediction, all others kept: a value put to its middle, a patch, words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import TypeVar

import polars as pl

from engine.cards.card import ModelCard
from engine.kinds.left_out import Patch
from engine.results.results import Results

_MOST_COLUMNS = 300
_MEDIAN = 2  # of minimum, quartiles, maximum
_Asked = TypeVar("_Asked")


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


def influences(asked: Sequence[_Asked], lines: pl.DataFrame, of: str) -> tuple[tuple[_Asked, float], ...]:
    """(what was asked, change) of each, the largest change first, whatever its sign.

    `lines` are the predictions of the row itself and then of each swap, or without each part; the change is how much
    higher the prediction in the column `of` is with the row's own. Those that were not predicted are left out.
    """
    own, *others = lines[of].cast(pl.Float64)
    if own is None:
        return ()
    changes = ((each, own - other) for each, other in zip(asked, others, strict=True) if other is not None)
    return tuple(sorted(changes, key=lambda found: -abs(found[1])))


def heat(found: Sequence[tuple[Patch, float]]) -> tuple[tuple[Patch, float], ...]:
    """(cell, change) of the cells between the edges of all patches: the mean change of the patches that cover it."""
    rows = sorted({edge for patch, _ in found for edge in (patch.top, patch.bottom)})
    columns = sorted({edge for patch, _ in found for edge in (patch.left, patch.right)})
    cells = [Patch(left, top, right, bottom) for top, bottom in pairwise(rows) for left, right in pairwise(columns)]
    covering = [[change for patch, change in found if _covers(patch, cell)] for cell in cells]
    return tuple((cell, fmean(changes)) for cell, changes in zip(cells, covering, strict=True) if changes)


def _covers(patch: Patch, cell: Patch) -> bool:
    across = patch.left <= cell.left and cell.right <= patch.right
    return across and patch.top <= cell.top and cell.bottom <= patch.bottom


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
