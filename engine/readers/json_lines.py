"""JSON Lines: one object a line, read lazily."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from engine.card import ModelCard
from engine.errors import ReadError
from engine.readers.plain import plain_columns
from engine.readers.source import Scan, Source


def scan(source: Source, card: ModelCard, scratch: Path) -> Scan:
    """Columns in the types JSON has; nested values as JSON text."""
    try:
        frame = pl.scan_ndjson(source.path, infer_schema_length=None)
        frame.select(pl.len()).collect()
        return Scan(plain_columns(frame))
    except pl.exceptions.PolarsError as exc:
        raise ReadError(f"{source.name} is not JSON Lines (one object a line): {str(exc).splitlines()[0]}.") from exc
