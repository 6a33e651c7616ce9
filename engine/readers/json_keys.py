"""How many names the objects of a JSON Lines file have: Polars takes minutes to join lines that have each their own."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator

from engine.errors import ReadError
from engine.readers.source import Source
from engine.settings import Settings

_STRIDE, _LOOK = 128 << 10, 8 << 10  # a look of 8 KiB somewhere in each 128
_MANY = 250  # so few are joined in no time
_KEY = re.compile(rb'"((?:[^"\\]|\\.){0,1000}+)"\s*:')
_LONG = re.compile(rb'"(?:[^"\\]|\\.){1000}')  # a name that may be another one further on, or a text


def check_keys(source: Source, settings: Settings) -> None:
    """ReadError where the lines have more names than a file may have columns.

    All lines are looked at only where a part of them shows many names: it would take as long as to read the file.
    """
    if len(_seen(source)) <= _MANY:
        return
    names: set[str] = set()
    for record in _records(source):
        names.update(record)
        if len(names) > settings.max_columns:
            raise ReadError(
                f"{source.name} has more than {settings.max_columns:,} columns; no more are read. Leave some out."
            )


def _seen(source: Source) -> set[bytes]:
    """Names that stand in a small part of the file, chosen by lot: nobody can know where to hide others."""
    names: set[bytes] = set()
    with source.path.open("rb") as file:
        size = source.path.stat().st_size
        for start in range(0, size, _STRIDE):
            file.seek(start + random.randrange(min(_STRIDE, max(size - start - _LOOK, 0)) + 1))
            look = file.read(_LOOK)
            names.update(_KEY.findall(look), (b"%d %d" % (start, long.start()) for long in _LONG.finditer(look)))
    return names


def _records(source: Source) -> Iterator[dict[str, object]]:
    """The objects of the lines; what is none is for Polars to say."""
    with source.path.open("rb") as file:
        for line in file:
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(record, dict):
                yield record
