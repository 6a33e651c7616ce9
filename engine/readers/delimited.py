"""CSV and its kin: the separator, the encoding and the decimal comma are found; every cell stays text."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import polars as pl

from engine.cards.card import ModelCard
from engine.cards.signature import needed_columns
from engine.errors import ReadError
from engine.readers.csv_lines import empty_lines_at_end, fault, short_lines
from engine.readers.encodings import as_text, line_end
from engine.readers.source import Scan, Source, check_names
from engine.settings import Settings

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_SAMPLE_BYTES = 1 << 18
_COMMA_NUMBER = re.compile(r"^\s*[+-]?\d+,\d+([eE][+-]?\d+)?\s*$")
_NAMES = {"utf-16": "UTF-16", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "cp1252": "Windows-1252 (Latin-1)"}


def scan(source: Source, card: ModelCard, scratch: Path, settings: Settings) -> Scan:
    """Every column as text, character for character; an empty cell is null, empty lines at the end are no rows."""
    text = as_text(source, scratch, settings)
    path = text.path
    with path.open(encoding="utf-8", newline="") as file:
        sample = file.read(_SAMPLE_BYTES)
    if not sample.replace("\ufeff", "").strip():  # Polars skips such a mark
        raise ReadError(f"{source.name} is empty. It needs a header with the columns' names, and a line a row.")
    separator = _separator(sample, card)
    lines = list(_lines(sample, separator, whole=len(sample) < _SAMPLE_BYTES))
    fields = len(lines[0]) if lines else 0
    _check_header(source, lines, card, settings)
    where = source, path, separator, fields
    if text.quotes % 2 and (words := fault(*where)):
        raise ReadError(words)
    frame = partial(_rows, path, separator, line_end(sample.encode()).decode(), empty_lines_at_end(path))
    comma = separator != "," and _decimal_comma(lines, card)
    notes = [f"separated by {SEPARATORS[separator]}s."] if separator not in ",\t" else []
    notes += [f"read as {_NAMES[text.encoding]}."] if text.encoding in _NAMES else []
    notes += ["numbers are written with a decimal comma."] if comma else []
    typed = None if comma or text.quotes else frame  # whoever parses leniently takes any quotes
    return Scan(frame({}), tuple(notes), comma, partial(fault, *where), partial(short_lines, *where), typed)


def _rows(path: Path, separator: str, line_end: str, empty: int, types: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    """The lines but for the `empty` ones at the end; text, unless `types` says else of a column."""
    frame = pl.scan_csv(
        path,
        separator=separator,
        infer_schema=False,
        schema_overrides=types,
        ignore_errors=bool(types),
        eol_char=line_end,
        glob=False,
    )
    return frame.head(max(0, frame.select(pl.len()).collect().item() - empty)) if empty else frame


def _separator(sample: str, card: ModelCard) -> str:
    """The separator under which the header holds most of the card's names, then most fields."""
    needed = set(needed_columns(card))

    def score(separator: str) -> tuple[int, int]:
        header = next(_lines(sample, separator, whole=False), [])
        return len(needed & {name.strip() for name in header}), len(header)

    return max(SEPARATORS, key=score)


def _lines(sample: str, separator: str, *, whole: bool) -> Iterator[list[str]]:
    """The sample's records; without the last, which may be cut, unless it is the first or the sample the whole file."""
    records = csv.reader(io.StringIO(sample, newline=""), delimiter=separator)
    last: list[str] | None = None
    given = False
    try:
        for record in records:
            if last is not None:
                yield last
                given = True
            last = record if record else last
    except csv.Error:
        whole = False
    if last is not None and (whole or not given):
        yield last


def _check_header(source: Source, lines: Sequence[list[str]], card: ModelCard, settings: Settings) -> None:
    header = lines[0] if lines else []
    needed = needed_columns(card)
    if not set(header) & set(needed) and header and all(_is_number(name) for name in header):
        names = ", ".join(needed[:6]) + (" …" if len(needed) > 6 else "")
        raise ReadError(
            f"{source.name} has no header: its first line is {', '.join(header[:4])} …. "
            f"Put the columns' names there: {names}."
        )
    check_names(source, header, settings)


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def _decimal_comma(lines: Sequence[list[str]], card: ModelCard) -> bool:
    numbers = {column.name for column in card.signature if column.type == "float"}
    places = [place for place, name in enumerate(lines[0]) if name in numbers]
    cells = [line[place] for line in lines[1:200] for place in places if place < len(line)]
    return any(_COMMA_NUMBER.match(cell) for cell in cells) and not any("." in cell for cell in cells)
