"""What shows only once the rows are written: too many of them, a cell that is too long, lines that were cut short."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from engine.cards.signature import Problem
from engine.errors import ReadError
from engine.readers import Scan
from engine.settings import Settings


def check_extent(path: Path, names: str, settings: Settings) -> None:
    """ReadError where the rows in `path` are more, or a cell of text is longer, than the host allows."""
    rows = pl.scan_ipc(path)
    texts = [name for name, dtype in rows.collect_schema().items() if dtype == pl.String]
    longest = [pl.col(name).str.len_bytes().max().alias(str(place)) for place, name in enumerate(texts)]
    count, *lengths = rows.select(pl.len().alias("rows"), *longest).collect().row(0)
    if count > settings.max_rows:
        raise ReadError(f"{names}: found {count:,} rows; at most {settings.max_rows:,} are read at once. Split them.")
    for name, length in zip(texts, lengths, strict=True):
        if (length or 0) > settings.max_cell_bytes:
            raise ReadError(
                f"{names}: a cell of column '{name[:80]}' has {length:,} bytes; at most {settings.max_cell_bytes:,} "
                "are read. Leave that column out."
            )


def short_notes(path: Path, scans: Sequence[tuple[str, Scan]]) -> list[Problem]:
    """A note on each file some of whose lines have fewer cells than its header; `scans` names its last column.

    A line that is cut short lacks its last cell: only where one is empty are the lines counted.
    """
    rows = pl.scan_ipc(path)
    known = [name for name in dict(scans) if name in rows.collect_schema()]
    empty = rows.select(pl.col(known).null_count()).collect().row(0, named=True) if known else {}
    words = [scan.short() for name, scan in scans if empty.get(name)]
    return [Problem("note", "short-lines", sentence) for sentence in words if sentence]
