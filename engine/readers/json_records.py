"""JSON: an array of objects, or an object of columns, or {"columns": …, "data": …}; read whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from engine.cards.card import ModelCard
from engine.errors import ReadError
from engine.readers.json_cells import flatten, loaded, plain_cell
from engine.readers.plain import plain_columns
from engine.readers.source import Scan, Source, check_names
from engine.settings import Settings

_MEMORY_A_BYTE = 12  # measured for an array of objects: text, Python's values, columns


def scan(source: Source, card: ModelCard, scratch: Path, settings: Settings) -> Scan:
    """Columns in the types JSON has; a column of mixed types is text."""
    most = settings.max_reader_bytes // _MEMORY_A_BYTE
    if source.path.stat().st_size > most:
        raise ReadError(
            f"{source.name}: JSON is read whole, up to {most >> 20:,} MiB. Bring it as JSON Lines, CSV or Parquet."
        )
    try:
        content = loaded(source, source.path.read_bytes())
    except (ValueError, RecursionError) as exc:
        raise ReadError(f"{source.name} is not JSON: {exc}. For one object a line, name it .jsonl.") from exc
    check_names(source, _names(content), settings)
    try:
        frame = _frame(content)
    except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError) as exc:
        raise ReadError(
            f'{source.name} holds no table: expected an array of objects, such as [{{"age": 61}}], or columns.'
        ) from exc
    check_names(source, frame.columns, settings)
    return Scan(plain_columns(frame.lazy()))


def _names(content: Any) -> list[str]:
    """The names in an array of objects; a table of each name's own row would be far larger than the file."""
    records = content if isinstance(content, list) else []
    return [*dict.fromkeys(name for record in records if isinstance(record, dict) for name in record)]


def _frame(content: Any) -> pl.DataFrame:
    if isinstance(content, dict) and set(content) >= {"columns", "data"}:
        rows = [list(map(plain_cell, row)) for row in content["data"]]
        return pl.DataFrame(rows, schema=content["columns"], orient="row", strict=False, infer_schema_length=None)
    if isinstance(content, dict):
        cells = {name: value.values() if isinstance(value, dict) else value for name, value in content.items()}
        return pl.DataFrame({name: list(map(plain_cell, value)) for name, value in cells.items()}, strict=False)
    if not isinstance(content, list) or not all(isinstance(record, dict) for record in content):
        raise ValueError("not an array of objects")
    for record in content:
        flatten(record)
    return pl.from_dicts(content, infer_schema_length=None, strict=False) if content else pl.DataFrame()
