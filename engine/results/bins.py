"""Bins of round width, so that a bin can be named, linked to and asked for again; nothing is read here."""

from __future__ import annotations

import math

import numpy as np
import polars as pl

_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)


def round_edges(low: float, high: float, bins: int, *, whole: bool = False) -> np.ndarray:
    """Edges (bins + 1,) of about that many bins of 1, 2, 2.5 or 5 × 10ⁿ that hold `low` to `high`.

    Each bin holds its lower edge and not its upper one. `whole` for whole numbers, whose bins begin at one.
    """
    width, decimals = _width((high - low) / bins or abs(low) * 1e-3 or 1.0)
    if (whole and width < 1) or (whole and width == 2.5):
        width, decimals = math.ceil(width), 0
    first, last = math.floor(low / width), math.floor(high / width) + 1
    edges = np.round(np.arange(first - 1, last + 2) * width, decimals)
    return np.asarray(edges[(edges > low).argmax() - 1 : (edges > high).argmax() + 1])


def bin_number(column: str, edges: np.ndarray, dtype: pl.DataType) -> pl.Expr:
    """The number of the bin that each cell is in; edges are compared as the column's own type holds them."""
    places = pl.Series(edges, dtype=dtype if dtype.is_float() else pl.Float64())
    return pl.lit(places).search_sorted(pl.col(column), side="right").cast(pl.Int32) - 1


def _width(about: float) -> tuple[float, int]:
    """(the round width next above, the decimals it has)."""
    power = math.floor(math.log10(about))
    step = next(each for each in _ROUND if each * 10.0**power >= about * (1 - 1e-9))
    decimals = max(0, -power + (1 if step == 2.5 else 0))
    return round(step * 10.0**power, decimals), decimals
