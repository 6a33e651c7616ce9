"""A visitor's file, and what a reader makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import polars as pl

from engine.card import ModelCard


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
    place and gives a sentence on it, or "".
    """

    frame: pl.LazyFrame
    notes: tuple[str, ...] = ()
    decimal_comma: bool = False
    blame: Callable[[], str] = lambda: ""


class Reader(Protocol):
    """One format. Temporary files may be put into `scratch`; ReadError where the file is not of the format."""

    def __call__(self, source: Source, card: ModelCard, scratch: Path) -> Scan: ...
