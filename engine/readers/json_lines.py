"""JSON Lines: one object a line, read lazily."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from engine.cards.card import ModelCard
from engine.errors import ReadError
from engine.readers.json_cells import plain_lines
from engine.readers.json_keys import check_keys
from engine.readers.plain import plain_columns
from engine.readers.source import Scan, Source, check_names, first_line
from engine.settings import Settings


def scan(source: Source, card: ModelCard, scratch: Path, settings: Settings) -> Scan:
    """Columns in the types JSON has; nested values as JSON text."""
    try:
        check_keys(source, settings)
        frame = pl.scan_ndjson(plain_lines(source, scratch), infer_schema_length=None)
        check_names(source, frame.collect_schema().names(), settings)
        frame.select(pl.len()).collect()
        return Scan(plain_columns(frame))
    except (pl.exceptions.PolarsError, OSError) as exc:
        raise ReadError(f"{source.name} is not JSON Lines (one object a line): {first_line(exc)}.") from exc
