"""The cells of JSON records. An object or a list in a cell is text from here on: nobody makes columns of what is in it.

Polars would join what all the cells hold into one type, and give each cell room for every name in any of them: some
thousand names inside of cells take minutes, and gigabytes.
"""

from __future__ import annotations

import json
import mmap
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.errors import ReadError
from engine.readers.source import Source

_NESTED = re.compile(rb":[ \t\r\n]*[\[{]")  # or what looks so in a text


def loaded(source: Source, content: bytes) -> Any:
    """What the JSON says; ValueError or RecursionError where it is none, ReadError where an object has a name twice."""
    try:
        return json.loads(content, object_pairs_hook=_record)
    except _TwiceError as exc:
        raise ReadError(f"{source.name}: an object has the name '{exc}' twice. Rename one of them.") from exc


def plain_cell(value: Any) -> Any:
    """The value; as JSON text where it is an object or a list."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def flatten(record: dict[str, Any]) -> bool:
    """Makes the cells of the record plain; whether one was not."""
    nested = {name: plain_cell(value) for name, value in record.items() if isinstance(value, dict | list)}
    record.update(nested)
    return bool(nested)


def plain_lines(source: Source, scratch: Path) -> Path:
    """The file of lines where all its cells are plain; else one in `scratch` where they are. ReadError as `loaded`."""
    if not _looks_nested(source.path):
        return source.path
    path = scratch / f"{source.path.name}.plain"
    with source.path.open("rb") as lines, path.open("wb") as plain:
        for number, line in enumerate(lines, 1):
            plain.write(_plain_line(source, line, number) if _NESTED.search(line) else line)
    return path


def _looks_nested(path: Path) -> bool:
    with path.open("rb") as file:
        if not path.stat().st_size:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return _NESTED.search(content) is not None


def _plain_line(source: Source, line: bytes, number: int) -> bytes:
    try:
        record = loaded(source, line)
    except (ValueError, RecursionError) as exc:
        raise ReadError(f"{source.name} is not JSON Lines (one object a line), line {number:,}: {exc}.") from exc
    if not isinstance(record, dict):
        raise ReadError(f'{source.name}, line {number:,}: found an array, expected an object, such as {{"age": 61}}.')
    return json.dumps(record).encode() + b"\n" if flatten(record) else line


class _TwiceError(ValueError):
    """A name that an object has twice; Python would keep the last one without a word."""


def _record(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        raise _TwiceError(next(name for name in names if names.count(name) > 1)[:80])
    return record
