"""The lines of a CSV, looked at one by one: what is wrong with which of them, in words."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from engine.errors import ReadError
from engine.readers.source import Source

_PART = 1 << 22


def empty_lines_at_end(path: Path) -> int:
    """How many lines at the file's end hold nothing at all."""
    ends = 0
    with path.open("rb") as file:
        place = file.seek(0, 2)
        while place > 0:
            start = max(0, place - _PART)
            file.seek(start)
            part = file.read(place - start)
            rest = part.rstrip(b"\r\n")
            ends += part.count(b"\n", len(rest))
            if rest:
                break
            place = start
    return max(0, ends - 1)


def fault(source: Source, path: Path, separator: str, fields: int) -> str:
    """The first line that is no CSV, or longer than the header, and what is wrong with it; "" where there is none."""
    with path.open(encoding="utf-8", newline="") as file:
        lines = _Lines(file)
        try:
            for begun, record in _records(source, lines, separator):
                if len(record) > fields:
                    return (
                        f"{source.name}, line {begun}: found {len(record)} fields, expected {fields} as in the header. "
                        "Put quotes around text that holds the separator."
                    )
                if any('"' in cell for cell in record) and '""' not in lines.last:
                    return f"{source.name}, line {begun}: {_STRAY}"
        except ReadError as exc:
            return str(exc)
    return ""


def _records(source: Source, lines: Iterator[str], separator: str, before: int = 0) -> Iterator[tuple[int, list[str]]]:
    """(number of its first line, cells) of each record; so many lines were read before.

    Raises ReadError where quotes are such that lines could be read in several ways.
    """
    reader, begun = csv.reader(lines, delimiter=separator, strict=True), before + 1
    try:
        for record in reader:
            yield begun, record
            begun = before + reader.line_num + 1
    except csv.Error as exc:
        raise ReadError(f"{source.name}, line {begun}: {_words(exc)}") from exc


_STRAY = 'a quote (") stands inside a cell. Put quotes around the cell, and write those inside of it twice.'


def _words(error: csv.Error) -> str:
    if "expected after" in str(error):
        return _STRAY
    return 'a quote (") is opened here and not closed. Close it, or write it twice if it belongs to the text.'


class _Lines:
    """The file's lines, the last one read kept."""

    def __init__(self, file: Iterator[str]) -> None:
        self._file, self.last = file, ""

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        self.last = next(self._file)
        return self.last


def short_lines(source: Source, path: Path, separator: str, fields: int) -> str:
    """A sentence on the lines with fewer cells than the header; "" where there is none.

    Raises ReadError where quotes are such that lines could be read in several ways.
    """
    count, first, found = 0, 0, 0
    for number, cells in _cells(source, path, separator):
        if 0 < cells < fields:
            count += 1
            if count == 1:
                first, found = number, cells
    if not count:
        return ""
    which = f"line {first} is" if count == 1 else f"{count:,} lines are, the first is line {first},"
    return (
        f"{source.name}: {which} cut short: found {found} of {fields} cells. Those that are missing are taken as empty."
    )


def _cells(source: Source, path: Path, separator: str) -> Iterator[tuple[int, int]]:
    """(number, cells) of each line; an empty one has none. Up to the first quote they are counted, not parsed."""
    mark, place, number = separator.encode(), 0, 0
    with path.open("rb") as file:
        for line in file:
            if b'"' in line:
                break
            place, number = place + len(line), number + 1
            yield number, (line.count(mark) + 1 if line.strip(b"\r\n") else 0)
        else:
            return
    with path.open(encoding="utf-8", newline="") as text:
        text.seek(place)
        for begun, record in _records(source, text, separator, number):
            yield begun, len(record)
