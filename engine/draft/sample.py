"""What a table of examples tells about the columns: names, types, ranges, categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from engine.cards.card import ColumnType, ModelCard
from engine.errors import ReadError
from engine.ingest.content import kinds_of
from engine.readers import Source, scan_table
from engine.settings import Settings

_MOST_ROWS = 1_000_000
_MOST_CATEGORIES = 50
_ANY_CARD = ModelCard(title="any", task="any", module="any:Any")


@dataclass(frozen=True, slots=True)
class SampleColumn:
    """One column of the sample. `low` and `high` bound its numbers; `values` are its texts, sorted, where few."""

    name: str
    type: ColumnType
    empty: int
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()
    example: object = None

    def as_card(self) -> dict[str, Any]:
        """What the card says of it."""
        told: dict[str, Any] = {"name": self.name, "type": self.type}
        if self.type == "category":
            told["categories"] = list(self.values)
        if self.example is not None:
            told["example"] = self.example
        return told


def read_sample(path: Path, settings: Settings) -> tuple[pl.DataFrame, tuple[SampleColumn, ...]]:
    """(the cells as they are, what each column holds) of at most a million rows; ReadError where it is no table."""
    with TemporaryDirectory() as scratch:
        tables = list(scan_table([Source(path.name, path)], _ANY_CARD, Path(scratch), settings))
        if len(tables) != 1:
            raise ReadError(f"{path.name} holds {len(tables)} tables; a sample is one.")
        scan = tables[0][1]
        frame = scan.frame.head(_MOST_ROWS).collect()
    if frame.is_empty():
        raise ReadError(f"{path.name} has no rows. A sample shows what a row looks like.")
    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    kinds = kinds_of(frame.lazy(), texts, scan.decimal_comma)
    typed = [_typed(frame[name], kinds.get(name, ""), scan.decimal_comma) for name in frame.columns]
    return pl.DataFrame(typed), tuple(_column(column) for column in typed)


def _typed(column: pl.Series, kind: str, decimal_comma: bool) -> pl.Series:
    if kind in ("integer", "float"):
        plain = column.str.replace(",", ".", literal=True) if decimal_comma else column
        return plain.str.strip_chars().cast(pl.Int64 if kind == "integer" else pl.Float64, strict=False)
    return column


def _column(column: pl.Series) -> SampleColumn:
    filled = column.drop_nulls()
    empty = len(column) - len(filled)
    if not len(filled):
        return SampleColumn(column.name, "string", empty)
    example = filled[0]
    if column.dtype == pl.Boolean:
        return SampleColumn(column.name, "boolean", empty, example=example)
    if column.dtype.is_numeric():
        low, high = float(str(filled.min())), float(str(filled.max()))
        kind: ColumnType = "integer" if column.dtype.is_integer() else "float"
        return SampleColumn(column.name, kind, empty, low, high, _few(filled), example)
    values = _few(filled)
    return SampleColumn(column.name, "category" if values else "string", empty, values=values, example=example)


def _few(filled: pl.Series) -> tuple[str, ...]:
    """The different values, sorted as what they are; none where there are many of them."""
    different = filled.unique().sort()
    return tuple(map(str, different)) if len(different) <= min(_MOST_CATEGORIES, max(2, len(filled) / 2)) else ()


def names_of(columns: Sequence[SampleColumn]) -> str:
    """The names, for a sentence."""
    return ", ".join(f"'{column.name}'" for column in columns)
