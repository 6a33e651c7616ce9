"""JSON: an array of objects, or an object of columns, or {"columns": …, "data": …}; read whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from engine.card import ModelCard
from engine.errors import ReadError
from engine.readers.plain import plain_columns
from engine.readers.source import Scan, Source


def scan(source: Source, card: ModelCard, scratch: Path) -> Scan:
    """Columns in the types JSON has; a column of mixed types is text."""
    try:
        content = json.loads(source.path.read_bytes())
    except (ValueError, RecursionError) as exc:
        raise ReadError(f"{source.name} is not JSON: {exc}. For one object a line, name it .jsonl.") from exc
    try:
        return Scan(plain_columns(_frame(content).lazy()))
    except (pl.exceptions.PolarsError, TypeError, ValueError) as exc:
        raise ReadError(
            f'{source.name} holds no table: expected an array of objects, such as [{{"age": 61}}], or columns.'
        ) from exc


def _frame(content: Any) -> pl.DataFrame:
    if isinstance(content, dict) and set(content) >= {"columns", "data"}:
        return pl.DataFrame(
            content["data"], schema=content["columns"], orient="row", strict=False, infer_schema_length=None
        )
    if isinstance(content, dict):
        columns = {name: list(value.values()) if isinstance(value, dict) else value for name, value in content.items()}
        return pl.DataFrame(columns, strict=False)
    if not isinstance(content, list) or not all(isinstance(record, dict) for record in content):
        raise ValueError("not an array of objects")
    return pl.from_dicts(content, infer_schema_length=None, strict=False) if content else pl.DataFrame()
