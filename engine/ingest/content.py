"""What the columns hold that no card describes: numbers, a few different texts, or any text. Cells stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from engine.cards.signature import ColumnUse

_MOST_CATEGORIES = 50
_FIRST_ROWS = 1_000
# 00123 is a code and no number.
_NUMBER = r"^\s*-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\s*$"
_WHOLE = r"^\s*-?(?:0|[1-9][0-9]{0,17})\s*$"  # as 64 bits hold it


def typed_by_content(
    uses: Sequence[ColumnUse], path: Path, decimal_comma: bool, *, classes: bool
) -> tuple[ColumnUse, ...]:
    """The uses, each label and extra column of texts with what all its cells are: integer, float, category, or "".

    Where the model chooses between `classes`, the label names one, even where it reads as a number.
    """
    uses = [replace(use, type="category") if classes and use.role == "label" else use for use in uses]
    frame = pl.scan_ipc(path)
    texts = [name for name, dtype in frame.collect_schema().items() if dtype == pl.String()]
    asked = [use.name for use in uses if use.role in ("label", "extra") and not use.type and use.name in texts]
    first = kinds_of(frame.head(_FIRST_ROWS), asked, decimal_comma)
    found = kinds_of(frame, [name for name in asked if first[name]], decimal_comma)
    return tuple(replace(use, type=found.get(use.name, use.type)) for use in uses)


def kinds_of(frame: pl.LazyFrame, names: Sequence[str], decimal_comma: bool) -> dict[str, str]:
    """What all cells of each of these columns of text are: integer, float, category, or ""."""
    if not names:
        return {}
    figures = pl.collect_all([frame.select(_figures(name, decimal_comma)) for name in names])
    return {name: _kind(*figure.row(0)) for name, figure in zip(names, figures, strict=True)}


def _figures(name: str, decimal_comma: bool) -> list[pl.Expr]:
    cell = pl.col(name)
    filled = cell.filter(cell.str.len_bytes() > 0)
    number = filled.str.replace(",", ".", literal=True) if decimal_comma else filled
    return [
        filled.len().alias("filled"),
        number.str.contains(_NUMBER).all().alias("numbers"),
        filled.str.contains(_WHOLE).all().alias("whole"),
        filled.approx_n_unique().alias("different"),
    ]


def _kind(filled: int, numbers: bool, whole: bool, different: int) -> str:
    if not filled:
        return ""
    if numbers:
        return "integer" if whole else "float"
    return "category" if different <= min(_MOST_CATEGORIES, filled / 2) else ""
