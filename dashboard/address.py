"""Filters as part of an address: `f=prediction~in~benign&f=confidence~bin~0.5~0.6`. No pages here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from urllib.parse import urlencode

from dashboard.words import number, short
from engine import Filter, FilterOp, FilterValue, ResultColumn

FILTER = "f"
_RANGES = ("between", "bin")
_MOST_FILTERS = 100  # one query; the time that Polars takes to plan it grows with their square
_MOST_WHOLE = 2**63  # what 64 bits hold
_EMPTY = "%null"  # no text is written so: its own % is written %25
_WORDS: Mapping[FilterOp, tuple[int, int]] = MappingProxyType(  # (least, most) words behind the operator
    {"in": (1, 1_000), "between": (2, 2), "bin": (2, 2), "contains": (1, 1), "search": (1, 1), "filled": (0, 0)}
)


def written(each: Filter) -> str:
    """The filter as one value of the address."""
    words = ["" if value is None and each.op in _RANGES else _word(value) for value in each.value]
    return "~".join((_escaped(each.column), each.op, *words))


def read_filters(values: Iterable[str], columns: Sequence[ResultColumn]) -> tuple[tuple[Filter, ...], tuple[str, ...]]:
    """(the filters that those values say, a sentence for each value that says none)."""
    values = tuple(values)
    if len(values) > _MOST_FILTERS:
        return (), (f"The address asks for {len(values):,} filters; {_MOST_FILTERS} are read. All are left out.",)
    known = {column.name: column for column in columns}
    found: dict[Filter, None] = {}
    unread = []
    for value in values:
        try:
            found[_read(value, known)] = None
        except (KeyError, ValueError):
            unread.append(
                f"The address asks for '{short(value, 80)}', which these results do not have. It is left out."
            )
    return tuple(found), tuple(unread)


def query(filters: Iterable[Filter], more: Iterable[tuple[str, str]] = ()) -> str:
    """The filters, and more, as what stands behind the `?` of an address; "" where there is nothing."""
    return urlencode([*((FILTER, written(each)) for each in filters), *more])


def _read(value: str, known: Mapping[str, ResultColumn]) -> Filter:
    """The filter that `value` says; KeyError or ValueError where it says none."""
    column, name, *words = value.split("~")
    op = next(each for each in _WORDS if each == name) if name in _WORDS else "filled"
    least, most = _WORDS[op]
    if op != name or not least <= len(words) <= most:
        raise ValueError(value)
    if op == "search":
        return Filter("", op, (_plain(words[0]),))
    own = known[_plain(column)]
    if own.dtype == "list" and op != "filled":
        raise ValueError(value)
    if op == "contains":
        return Filter(own.name, op, (_plain(words[0]),))
    if op in _RANGES:
        return Filter(own.name, op, _ends(words, own))
    return Filter(own.name, op, tuple(_value(word, own) for word in words))


def _ends(words: Sequence[str], column: ResultColumn) -> tuple[FilterValue, ...]:
    ends = tuple(_number(word) if word else None for word in words)
    if not column.is_number or ends == (None, None):
        raise ValueError(column.name)
    return ends


def _value(word: str, column: ResultColumn) -> FilterValue:
    if word == _EMPTY:
        return None
    if column.dtype == "boolean":
        return {"true": True, "false": False}[word]
    return _plain(word) if column.dtype == "text" else _of_kind(_number(word), column)


def _number(word: str) -> float | int:
    number = float(word)
    if not math.isfinite(number):
        raise ValueError(word)
    return int(word) if word.lstrip("-").isdecimal() and abs(number) < _MOST_WHOLE else number


def _of_kind(number: float | int, column: ResultColumn) -> float | int:
    """The number as the column's cells are, or ValueError: of another kind it is compared with none of them."""
    if column.dtype != "integer":
        return float(number)
    if number != int(number) or abs(number) >= _MOST_WHOLE:
        raise ValueError(column.name)
    return int(number)


def _word(value: FilterValue) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return _EMPTY if value is None else _escaped(str(value))


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("~", "%7E")


def _plain(text: str) -> str:
    return text.replace("%7E", "~").replace("%25", "%")


def said(each: Filter, unit: str = "") -> str:
    """The filter as a person says it; not markdown."""
    behind = f" {unit}" if unit else ""
    if each.op == "search":
        return f"any text has “{short(each.value[0])}”"
    if each.op == "contains":
        return f"{each.column} has “{short(each.value[0])}”"
    if each.op == "filled":
        return f"{each.column} is not empty"
    if each.op == "in":
        return f"{each.column} is {short(_either([_cell(value) for value in each.value]))}"
    low, high = (None if end is None else number(float(end), 6) for end in each.value)
    if low is None or high is None:
        return f"{each.column} up to {high}{behind}" if low is None else f"{each.column} from {low}{behind}"
    return f"{each.column} {low} – {high}{behind}"


def _cell(value: FilterValue) -> str:
    if value is None:
        return "empty"
    return str(value) if isinstance(value, str | bool) else number(value, 6)


def _either(words: Sequence[str]) -> str:
    if len(words) > 3:
        return f"{', '.join(words[:2])} or {len(words) - 2} more"
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
