"""Parquet, read lazily; a file that declares far more than it holds is refused first."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from engine.card import ModelCard
from engine.errors import ReadError
from engine.readers.plain import plain_columns
from engine.readers.source import Scan, Source

_MOST_BYTES_A_BYTE = 1_000
_ALWAYS_ALLOWED = 1 << 30


def scan(source: Source, card: ModelCard, scratch: Path) -> Scan:
    """Columns in the types the file has; nested values as JSON text."""
    try:
        metadata = pq.read_metadata(source.path)
        declared = sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
        if declared > max(_ALWAYS_ALLOWED, _MOST_BYTES_A_BYTE * source.path.stat().st_size):
            raise ReadError(
                f"{source.name} declares {declared >> 20:,} MiB of data in {source.path.stat().st_size >> 20:,} MiB."
            )
        return Scan(plain_columns(pl.scan_parquet(source.path, glob=False)))
    except (pa.ArrowException, OSError, ValueError, pl.exceptions.PolarsError) as exc:
        raise ReadError(
            f"{source.name} is not a whole Parquet file: {str(exc).splitlines()[0]}. Write it again."
        ) from exc
