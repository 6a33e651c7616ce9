"""Parquet, read lazily; a file that unpacks to far more than it holds is refused first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.cards.card import ModelCard
from engine.errors import ReadError
from engine.readers.plain import plain_columns
from engine.readers.source import Scan, Source, check_names, check_rows, first_line
from engine.settings import Settings

_FREE_BYTES = 1 << 30
_WIDTHS = {"BOOLEAN": 1, "INT32": 4, "FLOAT": 4}  # in memory; 8 for all others, and 16 for where a text is
_TEXTS = ("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")
_TEXT_VIEW = 16
_ROWS_A_BATCH = 65_536


def scan(source: Source, card: ModelCard, scratch: Path, settings: Settings) -> Scan:
    """Columns in the types the file has; nested values as JSON text."""
    try:
        metadata = pq.read_metadata(source.path)
        schema = metadata.schema.to_arrow_schema()
        check_names(source, schema.names, settings)
        check_rows(source, metadata.num_rows, settings)
        _check_unpacked(source, _declared(metadata), settings)
        frame = pl.scan_parquet(source.path, glob=False)
        _check_texts(source, frame, schema, settings)
        return Scan(plain_columns(frame))
    except (pa.ArrowException, OSError, ValueError, pl.exceptions.PolarsError) as exc:
        raise ReadError(f"{source.name} is not a whole Parquet file: {first_line(exc)}. Write it again.") from exc


def _declared(metadata: pq.FileMetaData) -> int:
    """Bytes in memory, by the directory: a run of a million equal numbers is a few bytes in the file."""
    total = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        columns = [group.column(place) for place in range(group.num_columns)]
        widths = [_TEXT_VIEW if c.physical_type in _TEXTS else _WIDTHS.get(c.physical_type, 8) for c in columns]
        values = sum(max(c.num_values, group.num_rows) * width for c, width in zip(columns, widths, strict=True))
        total += max(group.total_byte_size, values)
    return total


def _check_texts(source: Source, frame: pl.LazyFrame, schema: pa.Schema, settings: Settings) -> None:
    """Refuses texts that are too long, or too much together once written out: in the file, each may be there once."""
    dictionaries = [field.name for field in schema if pa.types.is_dictionary(field.type) and _is_text(field.type)]
    longest, together = _in_dictionaries(source.path, dictionaries)
    columns = [(pl.col(name), dtype) for name, dtype in frame.collect_schema().items() if name not in dictionaries]
    lengths = [length for column, dtype in columns for length in _lengths(column, dtype)]
    if lengths and longest <= settings.max_cell_bytes:
        sums = pl.sum_horizontal(length.cast(pl.Int64).sum() for length in lengths)
        figures = frame.select(
            pl.max_horizontal(length.max() for length in lengths).alias("longest"), sums.alias("sum")
        )
        found = figures.collect(engine="streaming").row(0)
        longest, together = max(longest, found[0] or 0), together + (found[1] or 0)
    if longest > settings.max_cell_bytes:
        raise ReadError(
            f"{source.name} holds a cell of {longest:,} bytes; at most {settings.max_cell_bytes:,} are read. "
            "Leave that column out."
        )
    _check_unpacked(source, together, settings)


def _lengths(column: pl.Expr, dtype: pl.DataType) -> Iterator[pl.Expr]:
    """How many bytes each text of the column has, those within lists and structs too; one expression for each place."""
    if dtype == pl.String:
        yield column.str.len_bytes()
    elif dtype == pl.Binary:
        yield column.bin.size()
    elif isinstance(dtype, pl.Categorical | pl.Enum):
        yield column.cat.len_bytes()
    elif isinstance(dtype, pl.List | pl.Array):
        yield from _lengths(column.explode(), dtype.inner)  # type: ignore[arg-type]
    elif isinstance(dtype, pl.Struct):
        for field in dtype.fields:
            yield from _lengths(column.struct.field(field.name), field.dtype)  # type: ignore[arg-type]


def _is_text(dictionary: pa.DictionaryType) -> bool:
    kind = dictionary.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind))


def _in_dictionaries(path: Path, names: Sequence[str]) -> tuple[int, int]:
    """(the longest text, all texts together) of columns of categories, by their dictionaries, in bytes."""
    longest = together = 0
    for batch in pq.ParquetFile(path).iter_batches(_ROWS_A_BATCH, columns=names) if names else ():
        for column in batch.columns:
            lengths = pc.binary_length(column.dictionary)
            longest = max(longest, pc.max(lengths).as_py() or 0)
            together += pc.sum(pc.take(lengths, column.indices)).as_py() or 0
    return longest, together


def _check_unpacked(source: Source, declared: int, settings: Settings) -> None:
    size = source.path.stat().st_size
    most = min(settings.max_archive_bytes, max(_FREE_BYTES, settings.max_archive_ratio * size))
    if declared > most:
        raise ReadError(
            f"{source.name} would unpack to {declared >> 20:,} MiB; at most {most >> 20:,} MiB are read. Split it."
        )
