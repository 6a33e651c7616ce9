"""Excel and OpenDocument sheets: the first sheet; cells of mixed types are text."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from engine.card import ModelCard
from engine.errors import MissingPackage, ReadError
from engine.readers.plain import plain_columns
from engine.readers.source import Scan, Source


def scan(source: Source, card: ModelCard, scratch: Path) -> Scan:
    """The first sheet's columns, named by its first row."""
    try:
        import fastexcel
    except ModuleNotFoundError as exc:
        raise MissingPackage("Reading Excel files", "fastexcel") from exc
    try:
        book = fastexcel.read_excel(source.path)
        frame = pl.DataFrame(book.load_sheet(0))
    except fastexcel.FastExcelError as exc:
        raise ReadError(f"{source.name} cannot be read as a spreadsheet: {str(exc).splitlines()[0]}.") from exc
    others = book.sheet_names[1:]
    notes = (
        (f"only the first sheet, '{book.sheet_names[0]}', is read; there are {len(others)} more.",) if others else ()
    )
    return Scan(plain_columns(frame.lazy()), notes)
