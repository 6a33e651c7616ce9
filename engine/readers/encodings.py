"""The encoding of a text, found by its bytes, and the text in UTF-8."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engine.errors import ReadError
from engine.readers.source import Source
from engine.settings import Settings

_SAMPLE_BYTES = 1 << 18
_PART = 1 << 22
_A_NAME = 64  # bytes of a cell of an ordinary line, at most
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True, slots=True)
class Text:
    """A text in UTF-8 at `path`: the file itself, or a copy. `quotes` is how many quotation marks it holds."""

    path: Path
    encoding: str
    quotes: int


def as_text(source: Source, scratch: Path, settings: Settings) -> Text:
    """The file as UTF-8; ReadError where it is no text, or holds a line that is longer than its cells may be."""
    with source.path.open("rb") as file:
        head = file.read(_SAMPLE_BYTES)
    marked = next((encoding for mark, encoding in _BOMS if head.startswith(mark)), "")
    encoding = marked or (_without_mark(head, source) if b"\0" in head else "utf-8")
    if encoding == "utf-8":
        quotes = _quotes(source, source.path, settings)
        if quotes is not None:
            return Text(source.path, encoding, quotes)
        encoding = "cp1252"
    path = _copied(source, encoding, scratch)
    return Text(path, encoding, _quotes(source, path, settings) or 0)


def line_end(head: bytes) -> bytes:
    """What ends a line: a carriage return where there is nothing else, as on old Macs, else a line feed."""
    return b"\r" if b"\r" in head and b"\n" not in head else b"\n"


def _quotes(source: Source, path: Path, settings: Settings) -> int | None:
    """How many quotation marks the file holds, None where it is no UTF-8; ASCII, mostly all of it, is not decoded."""
    decoder, quotes = codecs.getincrementaldecoder("utf-8")(), 0
    with path.open("rb") as file:
        try:
            for part in _parts(source, file, settings):
                quotes += part.count(b'"')
                if not part.isascii() or decoder.getstate()[0]:
                    decoder.decode(part)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return None
    return quotes


def _parts(source: Source, file: BinaryIO, settings: Settings) -> Iterator[bytes]:
    """The file in parts; ReadError where it holds a zero byte or a line that is too long."""
    longest = settings.max_cell_bytes + _A_NAME * settings.max_columns
    behind, end = 0, line_end(file.read(_SAMPLE_BYTES))
    file.seek(0)
    while part := file.read(_PART):
        if b"\0" in part:
            raise ReadError(f"{source.name} holds zero bytes: it is no text. Export it as CSV again.")
        start, room = 0, longest - behind
        while len(part) - start > room:
            found = part.rfind(end, start, start + room + 1)
            if found < 0:
                raise ReadError(
                    f"{source.name} holds a line of more than {longest:,} bytes; a cell may have "
                    f"{settings.max_cell_bytes:,}. Leave long texts out."
                )
            start, room = found + 1, longest
        last = part.rfind(end)
        behind = behind + len(part) if last < 0 else len(part) - last - 1
        yield part


def _without_mark(head: bytes, source: Source) -> str:
    for encoding in ("utf-16-le", "utf-16-be"):
        text = head[: len(head) // 2 * 2].decode(encoding, errors="replace")
        if "\0" not in text and sum(character.isascii() for character in text) > 0.9 * len(text):
            return encoding
    raise ReadError(f"{source.name} holds zero bytes: it is no text. Export it as CSV again.")


def _copied(source: Source, encoding: str, scratch: Path) -> Path:
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
