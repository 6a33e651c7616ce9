"""What a checkpoint's hyper-parameters tell besides: names of classes and the size of pictures, where they are kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_SIZED = re.compile(r"((image|img|input|crop|picture)_?)?(size|resolution)", re.IGNORECASE)
_CALLED = re.compile(r"class|label|tag|categor", re.IGNORECASE)


def kept_labels(kept: Mapping[str, Any], count: int) -> tuple[tuple[str, ...], str]:
    """(so many names of classes in the order of their numbers, the hyper-parameter that holds them); ((), "") if none.

    That is a list of names, `{name: number}` as ImageFolder's class_to_idx, or `{number: name}`.
    """
    for key, value in kept.items():
        names = _names(value) if _CALLED.search(key) else ()
        if len(names) == count == len(set(names)):
            return names, key
    return (), ""


def kept_size(kept: Mapping[str, Any]) -> tuple[int, str]:
    """(how many pixels high and wide pictures were, the hyper-parameter that says so); (0, "") where none does."""
    for key, value in kept.items():
        pair = isinstance(value, list | tuple) and len(value) == 2 and value[0] == value[1]
        size = value[0] if pair else value
        if _SIZED.fullmatch(key) and isinstance(size, int) and not isinstance(size, bool) and size > 1:
            return size, key
    return 0, ""


def _names(value: Any) -> tuple[str, ...]:
    if isinstance(value, Mapping):
        pairs = [(number, name) if isinstance(number, int) else (name, number) for number, name in value.items()]
        if sorted((number for number, _ in pairs), key=str) != sorted(range(len(pairs)), key=str):
            return ()
        value = [name for _, name in sorted(pairs)]
    plain = isinstance(value, list | tuple) and all(isinstance(name, str) and name for name in value)
    return tuple(value) if plain else ()
