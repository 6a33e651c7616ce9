"""Columns of typed formats, made plain: numbers, text and booleans; what is nested or binary becomes text."""

from __future__ import annotations

import json

import polars as pl


def plain_columns(frame: pl.LazyFrame) -> pl.LazyFrame:
    """The same columns; lists and structs as JSON text, times in ISO 8601, decimals as floats."""
    return frame.with_columns(_plain(name, dtype) for name, dtype in frame.collect_schema().items())


def _plain(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if dtype.is_nested():
        return column.map_elements(_as_json, return_dtype=pl.String)
    if dtype.is_decimal() or dtype.is_float():
        return column.cast(pl.Float64)
    if dtype.is_integer() or dtype in (pl.Boolean, pl.String):
        return column
    if dtype == pl.Binary:
        return column.bin.encode("base64")
    return column.dt.to_string("iso") if dtype.is_temporal() else column.cast(pl.String)


def _as_json(value: object) -> str:
    plain = value.to_list() if isinstance(value, pl.Series) else value
    return json.dumps(plain, ensure_ascii=False, default=str)
