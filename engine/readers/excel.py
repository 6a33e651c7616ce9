"""Excel and OpenDocument sheets: the first sheet; cells of mixed types are text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import polars as pl

from engine.cards.card import ModelCard
from engine.errors import MissingPackage, ReadError
from engine.readers.archives import Member, member_pieces, members
from engine.readers.plain import plain_columns
from engine.readers.source import Scan, Source, check_names, check_rows, first_line
from engine.settings import Settings

_MEMORY_A_BYTE = 8  # measured for sheets of numbers, against the unpacked sheet
_MOST_KEPT = 1 << 23
_FREE_CELLS, _CELLS_A_CELL = 1 << 24, 16
_COLUMN = re.compile(rb"\br\s*=\s*[\"']([A-Za-z]{1,3})[0-9]")
_ROW = re.compile(rb"\br\s*=\s*[\"'][A-Za-z]{0,3}([0-9]{1,10})[\"']")
_ODS_ROW = re.compile(rb"<table:table-row\b[^>]*>")
_ODS_CELL = re.compile(rb"<table:(?:covered-)?table-cell\b[^>]*>")
_REPEATED = re.compile(rb"number-(?:rows|columns)-repeated\s*=\s*[\"'](\d{1,10})[\"']")
_NUMBERED = re.compile(r"(.+)_\d+")


def scan(source: Source, card: ModelCard, scratch: Path, settings: Settings) -> Scan:
    """The first sheet's columns, named by its first row."""
    try:
        import fastexcel
    except ModuleNotFoundError as exc:
        raise MissingPackage("Reading Excel files", "fastexcel") from exc
    _check_unpacked(source, settings)
    try:
        book = fastexcel.read_excel(source.path)
        sheet = book.load_sheet(0, schema_sample_rows=None)  # by the first 1000 rows alone, later texts would be lost
        check_rows(source, sheet.total_height, settings)
        frame = pl.DataFrame(sheet)
        check_names(
            source, _header(frame, lambda: pl.DataFrame(book.load_sheet(0, header_row=None, n_rows=1))), settings
        )
    except (fastexcel.FastExcelError, pl.exceptions.PolarsError) as exc:
        raise ReadError(f"{source.name} cannot be read as a spreadsheet: {first_line(exc)}.") from exc
    others = book.sheet_names[1:]
    notes = (
        (f"only the first sheet, '{book.sheet_names[0]}', is read; there are {len(others)} more.",) if others else ()
    )
    return Scan(plain_columns(frame.lazy()), notes)


def _header(frame: pl.DataFrame, first_row: Callable[[], pl.DataFrame]) -> list[str]:
    """The names as they stand in the sheet: of two that are alike, the library calls the second one a_1."""
    numbered = (found[1] for found in map(_NUMBERED.fullmatch, frame.columns) if found)
    if not set(numbered) & set(frame.columns):
        return frame.columns
    return [str(name) for name in first_row().row(0) if name is not None]


def _check_unpacked(source: Source, settings: Settings) -> None:
    """The zip's own checks first; then what the library would lay out in memory, up to a cell far away."""
    with source.path.open("rb") as file:
        if file.read(2) != b"PK":
            return  # the old binary format, of at most 65,536 rows; or none, as will be said
    found = members(source, settings)
    declared, most = sum(member.size for member in found), settings.max_reader_bytes // _MEMORY_A_BYTE
    if declared > most:
        raise ReadError(
            f"{source.name}: spreadsheets are read whole, up to {most >> 20:,} MiB unpacked, and this one has "
            f"{declared >> 20:,}. Bring it as CSV or Parquet."
        )
    for member in found:
        for name, area in _AREAS.items():
            if re.fullmatch(name, member.name):
                filled, laid_out = area(member)
                if laid_out > max(_FREE_CELLS, _CELLS_A_CELL * filled):
                    raise ReadError(
                        f"{source.name} spans {laid_out:,} cells, of which {filled:,} hold something. Move them "
                        "together."
                    )


def _sheet_area(member: Member) -> tuple[int, int]:
    """(cells that are there, cells from the first to the last row and column) of an Excel sheet."""
    columns: set[bytes] = set()
    rows: set[bytes] = set()
    filled = 0
    for text in _texts(member, b"<"):
        found = _COLUMN.findall(text)
        filled += len(found)
        columns.update(found)
        rows.update(_ROW.findall(text))
    return filled, max(map(_number, columns), default=0) * max(map(int, rows), default=0)


def _number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = 26 * number + letter - 64
    return number


def _ods_area(member: Member) -> tuple[int, int]:
    """(cells that are written down, cells that these stand for) of OpenDocument's sheets; empty rows are none."""
    filled = laid_out = 0
    for text in _texts(member, b"<table:table-row"):
        rows = list(_ODS_ROW.finditer(text))
        for row, end in zip(rows, [*(row.start() for row in rows[1:]), len(text)], strict=True):
            cells = _ODS_CELL.findall(text, row.end(), end)
            filled += len(cells)
            if any(b"value" in cell for cell in cells):
                while b"value" not in cells[-1]:
                    cells.pop()
                laid_out += _times(row[0]) * sum(map(_times, cells))
    return filled, laid_out


def _times(tag: bytes) -> int:
    found = _REPEATED.search(tag)
    return int(found[1]) if found else 1


def _texts(member: Member, before: bytes) -> Iterator[bytes]:
    """The member's text, cut where `before` begins, so that no match lies across a cut."""
    kept = b""
    for piece in member_pieces(member):
        kept += piece
        cut = kept.rfind(before, 1)
        if cut > 0 or len(kept) > _MOST_KEPT:
            yield kept[: max(cut, 0)] or kept
            kept = kept[cut:] if cut > 0 else b""
    yield kept


_AREAS: Mapping[str, Callable[[Member], tuple[int, int]]] = MappingProxyType(
    {r"xl/worksheets/.*\.xml": _sheet_area, r"content\.xml": _ods_area}
)
