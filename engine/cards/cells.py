"""Polars expressions that type a cell by the card, and name what is wrong with one; nothing is read here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import polars as pl

from engine.cards.card import Column

NUMBERS: Mapping[str, pl.DataType] = MappingProxyType({"float": pl.Float64(), "integer": pl.Int64()})
MISSING, NOT_A_NUMBER, NOT_FINITE, NOT_WHOLE = "missing-value", "not-a-number", "not-finite", "not-whole"
OUT_OF_RANGE, UNKNOWN_CATEGORY, NOT_BOOLEAN = "out-of-range", "unknown-category", "not-boolean"
_TRUE, _FALSE = ["true", "yes", "1", "t", "y"], ["false", "no", "0", "f", "n"]


def typed(column: Column, dtype: pl.DataType, decimal_comma: bool = False) -> pl.Expr:
    """The column in the card's type; null where a cell cannot be read so. `dtype` is what the file holds."""
    raw = pl.col(column.name)
    if column.type == "boolean":
        return _boolean(raw, dtype)
    if not column.is_number:
        return text(raw, dtype)
    if dtype != pl.String():
        return raw.cast(pl.Float64, strict=False) if column.type == "float" else _whole(raw, dtype)
    digits = _with_point(raw) if decimal_comma else raw
    if column.type == "float":
        return digits.cast(pl.Float64, strict=False)
    return digits.cast(pl.Int64, strict=False)


def typed_leniently(column: Column, dtype: pl.DataType, decimal_comma: bool = False) -> pl.Expr:
    """As `typed`, but spaces around a cell do not count, and 3.0 is a whole number: slower, for files with faults."""
    if dtype != pl.String() or column.type == "string":
        return typed(column, dtype, decimal_comma)
    stripped = pl.col(column.name).str.strip_chars()
    if column.type == "category":
        return pl.when(stripped != "").then(stripped)
    if column.type == "boolean":
        return _boolean(stripped, dtype)
    digits = _with_point(stripped) if decimal_comma else stripped
    number = digits.cast(pl.Float64, strict=False)
    if column.type == "float":
        return number
    return pl.coalesce(digits.cast(pl.Int64, strict=False), _whole(number, pl.Float64()))


def text(raw: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """The cell as text; a whole number that a typed file holds as a float has no `.0`."""
    if not dtype.is_float():
        return raw.cast(pl.String, strict=False)
    whole = raw.is_finite() & (raw == raw.floor()) & (raw.abs() < 2**53)
    return pl.when(whole).then(raw.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(raw.cast(pl.String))


def fault(column: Column, value: pl.Expr, raw: pl.Expr | None = None, may_be_empty: bool = False) -> pl.Expr:
    """The code of what is wrong with a typed `value`, or null; `raw`, the text found, tells missing from unreadable."""
    unreadable = {"float": NOT_A_NUMBER, "integer": NOT_WHOLE, "boolean": NOT_BOOLEAN}.get(column.type, MISSING)
    found = value if raw is None and column.type == "string" else raw
    empty = value.is_null() if found is None else found.is_null() | (found.str.strip_chars() == "")
    missing = pl.lit(None, pl.String) if may_be_empty else pl.lit(MISSING)
    chain = pl.when(empty).then(missing).when(value.is_null()).then(pl.lit(unreadable))
    if column.type == "float":
        chain = chain.when(~value.is_finite()).then(pl.lit(NOT_FINITE))
    if column.is_number and column.range:
        low, high = column.range
        chain = chain.when((value < low) | (value > high)).then(pl.lit(OUT_OF_RANGE))
    if column.type == "category":
        chain = chain.when(~value.is_in(list(column.categories))).then(pl.lit(UNKNOWN_CATEGORY))
    return chain.otherwise(None)


def expected(column: Column, code: str) -> str:
    """What the card asks of the cell, for a sentence."""
    unit = f" {column.unit}" if column.unit else ""
    if code == OUT_OF_RANGE and column.range:
        return f"{column.range[0]:g} to {column.range[1]:g}{unit}"
    if column.type == "category":
        return "one of " + ", ".join(column.categories)
    kinds = {"float": "a number", "integer": "a whole number", "boolean": "yes or no"}
    return kinds.get(column.type, "a value")


def _with_point(raw: pl.Expr) -> pl.Expr:
    """1,5 as 1.5; nothing where there is a point already: 1.234 is a thousand there."""
    return pl.when(~raw.str.contains(".", literal=True)).then(raw.str.replace(",", ".", literal=True))


def _boolean(raw: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.Boolean():
        return raw
    word = text(raw, dtype).str.to_lowercase()
    known = word.is_in(_TRUE) | word.is_in(_FALSE)
    return pl.when(known).then(word.is_in(_TRUE))


def _whole(raw: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if not dtype.is_float():
        return raw.cast(pl.Int64, strict=False)
    return pl.when(raw == raw.floor()).then(raw.cast(pl.Int64, strict=False)).otherwise(None)
