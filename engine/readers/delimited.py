"""CSV and its kin: the separator, the encoding and the decimal comma are found; every cell stays text."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import polars as pl

from engine.card import ModelCard
from engine.errors import ReadError
from engine.readers.source import Scan, Source
from engine.signature import needed_columns

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_SAMPLE_BYTES = 1 << 18
_COMMA_NUMBER = re.compile(r"^\s*[+-]?\d+,\d+([eE][+-]?\d+)?\s*$")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NAMES = {"utf-16": "UTF-16", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "cp1252": "Windows-1252 (Latin-1)"}


def scan(source: Source, card: ModelCard, scratch: Path) -> Scan:
    """Every column as text, character for character; an empty cell is null."""
    encoding = _encoding(source)
    path = source.path if encoding == "utf-8" else _as_utf8(source, encoding, scratch)
    with path.open(encoding="utf-8", newline="") as file:
        sample = file.read(_SAMPLE_BYTES)
    if not sample.strip():
        raise ReadError(f"{source.name} is empty. It needs a header with the columns' names, and a line a row.")
    separator = _separator(sample, card)
    lines = list(_lines(sample, separator, whole=len(sample) < _SAMPLE_BYTES))
    _check_header(source, lines, card)
    frame = pl.scan_csv(
        path,
        separator=separator,
        infer_schema=False,
        eol_char="\r" if _old_mac(sample) else "\n",
        glob=False,
    )
    comma = separator != "," and _decimal_comma(lines, card)
    notes = [f"separated by {SEPARATORS[separator]}s."] if separator not in ",\t" else []
    notes += [f"read as {_NAMES[encoding]}."] if encoding in _NAMES else []
    notes += ["numbers are written with a decimal comma."] if comma else []
    return Scan(frame, tuple(notes), comma, lambda: _ragged(source, path, separator, len(lines[0])))


def _encoding(source: Source) -> str:
    with source.path.open("rb") as file:
        head = file.read(_SAMPLE_BYTES)
        for mark, encoding in _BOMS:
            if head.startswith(mark):
                return encoding
        if b"\0" in head:
            return _without_mark(head, source)
        file.seek(0)
        return "utf-8" if _is_utf8(file) else "cp1252"


def _is_utf8(file: BinaryIO) -> bool:
    """Whether all of the file is UTF-8; parts in plain ASCII, mostly all of them, are not decoded."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while part := file.read(1 << 22):
            if not part.isascii() or decoder.getstate()[0]:
                decoder.decode(part)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _without_mark(head: bytes, source: Source) -> str:
    for encoding in ("utf-16-le", "utf-16-be"):
        text = head[: len(head) // 2 * 2].decode(encoding, errors="replace")
        if "\0" not in text and sum(character.isascii() for character in text) > 0.9 * len(text):
            return encoding
    raise ReadError(f"{source.name} holds zero bytes: it is no text. Export it as CSV again.")


def _as_utf8(source: Source, encoding: str, scratch: Path) -> Path:
    """A copy in UTF-8. The five bytes that Windows-1252 leaves open are read as Latin-1 reads them."""
    path = scratch / f"{source.path.stem}-utf8.csv"
    errors = "forelight-latin-1" if encoding == "cp1252" else "strict"
    codecs.register_error("forelight-latin-1", _as_latin_1)
    try:
        with (
            source.path.open(encoding=encoding, errors=errors, newline="") as read,
            path.open("w", encoding="utf-8", newline="") as write,
        ):
            while part := read.read(1 << 20):
                write.write(part)
    except UnicodeError as exc:
        raise ReadError(f"{source.name} begins like {encoding.upper()} and is not: {exc}. Save it as UTF-8.") from exc
    return path


def _as_latin_1(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


def _separator(sample: str, card: ModelCard) -> str:
    """The separator under which the header holds most of the card's names, then most fields."""
    needed = set(needed_columns(card))

    def score(separator: str) -> tuple[int, int]:
        header = next(_lines(sample, separator, whole=False), [])
        return len(needed & {name.strip() for name in header}), len(header)

    return max(SEPARATORS, key=score)


def _lines(sample: str, separator: str, *, whole: bool) -> Iterator[list[str]]:
    """The sample's records; without the last, which may be cut, unless the sample is the whole file."""
    records = csv.reader(io.StringIO(sample, newline=""), delimiter=separator)
    last: list[str] | None = None
    try:
        for record in records:
            if last is not None:
                yield last
            last = record if record else last
    except csv.Error:
        return
    if last is not None and (whole or records.line_num <= 1):
        yield last


def _check_header(source: Source, lines: Sequence[list[str]], card: ModelCard) -> None:
    header = lines[0] if lines else []
    needed = needed_columns(card)
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice and not all(_is_number(name) for name in header):
        raise ReadError(f"{source.name}: column '{twice[0]}' stands in the header twice. Rename one of them.")
    if not set(header) & set(needed) and header and all(_is_number(name) for name in header):
        names = ", ".join(needed[:6]) + (" …" if len(needed) > 6 else "")
        raise ReadError(
            f"{source.name} has no header: its first line is {', '.join(header[:4])} …. "
            f"Put the columns' names there: {names}."
        )


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def _ragged(source: Source, path: Path, separator: str, fields: int) -> str:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file, delimiter=separator)
        try:
            for record in reader:
                if len(record) > fields:
                    return (
                        f"{source.name}, line {reader.line_num}: found {len(record)} fields, expected {fields} as in "
                        "the header. Put quotes around text that holds the separator."
                    )
        except csv.Error as exc:
            return f"{source.name}, line {reader.line_num}: {exc}."
    return ""


def _decimal_comma(lines: Sequence[list[str]], card: ModelCard) -> bool:
    numbers = {column.name for column in card.signature if column.type == "float"}
    places = [place for place, name in enumerate(lines[0]) if name in numbers]
    cells = [line[place] for line in lines[1:200] for place in places if place < len(line)]
    return any(_COMMA_NUMBER.match(cell) for cell in cells) and not any("." in cell for cell in cells)


def _old_mac(sample: str) -> bool:
    return "\n" not in sample and "\r" in sample
