"""The labels that an upload brought: matched to the card's classes, or read as numbers; a batch of lines at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import polars as pl

_CELLS = 1_000_000  # of one batch: 4 MB of float32
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Used:
    """How many lines of a selection can be judged, and why the others cannot.

    `failed` were not predicted, `unlabelled` have no label, `unknown` have one that is not the model's (or no number);
    `undefined` were predicted as something that is no finite number. `names` are some of the unknown labels.
    """

    rows: int
    failed: int = 0
    unlabelled: int = 0
    unknown: int = 0
    undefined: int = 0
    names: tuple[str, ...] = ()

    @property
    def left_out(self) -> int:
        return self.failed + self.unlabelled + self.unknown + self.undefined


def class_of(cell: object, labels: Sequence[str]) -> int | None:
    """The place of the label that the cell means, or None: the same text, the same in another case, the same number."""
    text = str(cell).strip()
    for same in (str.__eq__, _same_folded, _same_number):
        places = [place for place, label in enumerate(labels) if same(text, label)]
        if len(places) == 1:
            return places[0]
    return None


def is_empty(column: str, dtype: pl.DataType) -> pl.Expr:
    """Whether a cell of the column holds no label: null, nothing but spaces, or NaN."""
    cell = pl.col(column)
    if dtype == pl.String():
        return cell.is_null() | (cell.str.strip_chars() == "")
    return cell.is_null() | cell.is_nan() if dtype.is_float() else cell.is_null()


def as_number(column: str, dtype: pl.DataType) -> pl.Expr:
    """The label as a finite number; null where it is none."""
    cell = pl.col(column).str.strip_chars() if dtype == pl.String() else pl.col(column)
    number = cell.cast(pl.Float64, strict=False)
    return pl.when(number.is_finite()).then(number)


def count_used(lines: pl.LazyFrame, empty: pl.Expr, known: pl.Expr, sound: pl.Expr, label: str) -> Used:
    """Sorts the lines by what is in the way of judging them, the first reason counting."""
    predicted, known = pl.col("status") == "ok", known.fill_null(False)
    stray = predicted & ~empty & ~known
    counts = {
        "failed": ~predicted,
        "unlabelled": predicted & empty,
        "unknown": stray,
        "undefined": predicted & ~empty & known & ~sound,
        "rows": usable(empty, known, sound),
    }
    names = (
        pl.col(label).filter(stray).unique(maintain_order=True).head(_NAMED).cast(pl.String).implode().alias("names")
    )
    found = (
        lines.select(*(each.sum().alias(name) for name, each in counts.items()), names)
        .collect(engine="streaming")
        .row(0, named=True)
    )
    return Used(**{**found, "names": tuple(found["names"])})


def usable(empty: pl.Expr, known: pl.Expr, sound: pl.Expr) -> pl.Expr:
    """Whether a line can be judged."""
    return (pl.col("status") == "ok") & ~empty & known.fill_null(False) & sound.fill_null(False)


def batches(lines: pl.LazyFrame, columns: int = 1) -> Iterator[pl.DataFrame]:
    """The lines, some thousands at a time, so that they are never all in memory; `columns` is how wide they are."""
    yield from lines.collect_batches(chunk_size=max(1, _CELLS // (columns + 1)), maintain_order=True)


def raw_labels(cells: Iterable[object], labels: Sequence[str]) -> dict[object, int]:
    """The class of each cell that means one."""
    places = ((cell, class_of(cell, labels)) for cell in cells if cell is not None)
    return {cell: place for cell, place in places if place is not None}


def _same_folded(text: str, label: str) -> bool:
    return text.casefold() == label.strip().casefold()


def _same_number(text: str, label: str) -> bool:
    try:
        return float(text) == float(label)
    except ValueError:
        return text.casefold() in ("true", "false") and label == str(int(text.casefold() == "true"))
