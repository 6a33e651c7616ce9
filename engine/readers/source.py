"""A visitor's file, and what a reader makes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import polars as pl

from engine.cards.card import ModelCard
from engine.errors import ReadError
from engine.settings import Settings

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True, slots=True)
class Source:
    """One file: `name` is what the visitor calls it, folders included, and never a path; `path` where its bytes are.

    `sha256` is the hash of its bytes where it is known already, else "".
    """

    name: str
    path: Path
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Scan:
    """Lazy columns, named and ordered as in the file. `notes` are sentences on what is unusual in its format.

    With `decimal_comma`, numbers in text are written 1,5. Where the frame cannot be collected, `blame` looks for the
    place and gives a sentence on it, or "". Where the last column has empty cells, `short` says which lines lack them.
    `typed` gives the rows with columns of numbers that the reader parses itself, a third faster, null where a cell is
    no number.
    """

    frame: pl.LazyFrame
    notes: tuple[str, ...] = ()
    decimal_comma: bool = False
    blame: Callable[[], str] = lambda: ""
    short: Callable[[], str] = lambda: ""
    typed: Callable[[Mapping[str, pl.DataType]], pl.LazyFrame] | None = None


class Reader(Protocol):
    """One format. Temporary files may be put into `scratch`; ReadError where the file is not of the format."""

    def __call__(self, source: Source, card: ModelCard, scratch: Path, settings: Settings) -> Scan: ...


def check_names(source: Source, names: Sequence[str], settings: Settings) -> None:
    """ReadError where there are more columns than the host allows, two of one name, or one that means others."""
    if len(names) > settings.max_columns:
        raise ReadError(
            f"{source.name} has {len(names):,} columns; at most {settings.max_columns:,} are read. Leave some out."
        )
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        what = f"column '{min(twice)[:80]}' stands in the header twice" if min(twice) else "two columns have no name"
        raise ReadError(f"{source.name}: {what}. Rename one of them.")
    patterns = [name for name in names if name == "*" or (name.startswith("^") and name.endswith("$"))]
    if patterns:  # Polars takes them for all columns that fit, wherever a column is named
        raise ReadError(
            f"{source.name}: column '{patterns[0][:80]}' has a name that stands for other columns too. Rename it."
        )


def check_rows(source: Source, rows: int, settings: Settings) -> None:
    """ReadError where there are more rows than the host allows."""
    if rows > settings.max_rows:
        raise ReadError(f"{source.name} has {rows:,} rows; at most {settings.max_rows:,} are read. Split it.")


def first_line(error: BaseException) -> str:
    """What a library says of a file, shortened to its first line."""
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]
