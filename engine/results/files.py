"""Results as files for people and programs. What a spreadsheet would run in a text gets a `'` before it, in CSV."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from hashlib import sha256
from itertools import chain
from pathlib import Path
from types import MappingProxyType

import polars as pl
import pyarrow.parquet as pq

from engine.errors import ExportError, nearest
from engine.results.filters import Filters
from engine.results.picture_files import PICTURE_FORMATS
from engine.results.results import Results

# Begins as a formula does, and is no number: -12.5 and +1e-5 are, -2+3 and +cmd are not.
_BEGINS = r"^(?:\s*[=@＝＠]|[\t\r\n]|[+\-＋－](?:$|[^0-9])|[+\-][0-9](?:.*[^0-9 .,eE+\-%]|[^eE]*[+\-]))"
# Where a spreadsheet parts cells at semicolons or tabs, no quote around the whole keeps a cell from beginning in there.
_INSIDE = r"([;\t\r\n]\s*)([=@＝＠]|[+\-＋－][^;\t\r\n]*[|(!])"
_RUN_BY_SPREADSHEETS = f"{_BEGINS}|{_INSIDE}"
MOST_EXCEL_ROWS = 1_048_575
_PIECE = 1 << 20
_LOOK_AGAIN_SECONDS = 0.02
_SAMPLE_ROWS = 2_000


def export_results(results: Results, path: Path, where: Filters = (), columns: Sequence[str] = ()) -> Path:
    """Writes the lines and columns chosen to `path`, in the format of its suffix; it appears when it is whole.

    Raises ExportError for a format that there is not, and for more rows than it holds.
    """
    part = _part(path)
    writing = _writing(results, path, part, where, columns)
    try:
        writing()
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def stream_export(results: Results, path: Path, where: Filters = (), columns: Sequence[str] = ()) -> Iterator[bytes]:
    """The bytes of that file while it is being written; at their end it is at `path`. For GROWING formats."""
    part = _part(path)
    writing = _writing(results, path, part, where, columns)
    part.touch()
    with ThreadPoolExecutor(1, "forelight-export") as pool, part.open("rb") as file:
        try:
            written = pool.submit(writing)
            while not written.done() or file.tell() < part.stat().st_size:
                piece = file.read(_PIECE)
                if piece:
                    yield piece
                else:
                    wait([written], _LOOK_AGAIN_SECONDS)
            written.result()
            with suppress(FileNotFoundError):  # the run goes on, or is gone: what was sent is whole all the same
                part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def export_path(results: Results, suffix: str, where: Filters = (), columns: Sequence[str] = ()) -> Path:
    """Where the file of that choice is kept in the run's folder once it is made."""
    chosen = sha256(repr((tuple(where), tuple(columns))).encode()).hexdigest()[:20] if where or columns else ""
    rows = f"-{results.run.rows_done}" if results.run.partial else ""  # one that goes on meanwhile will have more
    return results.folder.path / "exports" / f"{chosen or 'predictions'}{rows}.{suffix}"


def export_bytes(results: Results, suffix: str, where: Filters = (), columns: Sequence[str] = ()) -> tuple[int, bool]:
    """(bytes of that file, whether they are counted): by its first lines where it is not made yet; 0 where unknown."""
    path = export_path(results, suffix, where, columns)
    if path.is_file():
        return path.stat().st_size, True
    if suffix not in GROWING:
        return 0, False
    rows = results.count(where)
    sample = next((piece for piece in results.written(where, columns) if piece.height), pl.DataFrame()).head(
        _SAMPLE_ROWS
    )
    text = flat(sample).write_csv() if suffix == "csv" else sample.write_ndjson()
    return round(len(text.encode()) * rows / max(sample.height, 1)), rows <= sample.height


def csv_text(frame: pl.DataFrame, *, header: bool = True) -> str:
    """A small frame as CSV that a spreadsheet opens without running anything."""
    return harmless(flat(frame)).write_csv(include_header=header)


def flat(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame, lists and records in its cells as JSON."""
    nested = [name for name, dtype in frame.schema.items() if dtype.is_nested()]
    if not nested:
        return frame
    whole = [pl.struct(pl.col(name).alias("_")).struct.json_encode() for name in nested]  # {"_":[1,2]}
    cells = [each.str.slice(5).str.head(-1) for each in whole]
    return frame.with_columns(
        pl.when(pl.col(name).is_not_null()).then(cell).alias(name) for name, cell in zip(nested, cells, strict=True)
    )


def harmless(frame: pl.DataFrame, sure: Collection[str] = ()) -> pl.DataFrame:
    """The frame with `'` wherever a spreadsheet would take what follows, in a text or a header, for a formula.

    The columns that are `sure` hold no text of a visitor's.
    """
    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String() and name not in sure]
    found = frame.select(pl.col(texts).str.contains(_RUN_BY_SPREADSHEETS).any()).row(0) if texts else ()
    cells = [_quoted(pl.col(name)).alias(name) for name, runs in zip(texts, found, strict=True) if runs]
    return frame.with_columns(cells).rename(_headers(frame.columns))


def _headers(names: Sequence[str]) -> dict[str, str]:
    """The names that are changed; one that is there already gets one `'` more."""
    changed: dict[str, str] = {}
    taken = {*names}
    safe = pl.select(_quoted(pl.lit(pl.Series(names, dtype=pl.String)))).to_series()
    for name, mended in zip(names, safe, strict=True):
        while mended != name and mended in taken:
            mended = f"'{mended}"
        if mended != name:
            changed[name] = mended
            taken.add(mended)
    return changed


def _quoted(cell: pl.Expr) -> pl.Expr:
    inside = cell.str.replace_all(_INSIDE, "${1}'${2}")
    return pl.when(inside.str.contains(_BEGINS)).then(pl.concat_str(pl.lit("'"), inside)).otherwise(inside)


def _part(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f"{path.stem}.{secrets.token_hex(4)}.part{path.suffix}")


def _writing(results: Results, path: Path, part: Path, where: Filters, columns: Sequence[str]) -> Callable[[], object]:
    """What writes the file; ExportError at once where it cannot be written."""
    suffix = path.suffix.lower().removeprefix(".")
    formats = formats_of(results)
    if suffix not in formats:
        near = nearest(suffix, formats)
        hint = f" Did you mean .{near}?" if near else ""
        raise ExportError(f"'{path.name}': no such format.{hint} Formats: {', '.join('.' + name for name in formats)}.")
    rows = results.count(where) if suffix == "xlsx" else 0
    if rows > MOST_EXCEL_ROWS:
        raise ExportError(f"Excel holds {MOST_EXCEL_ROWS:,} rows, these are {rows:,}. Take CSV or Parquet instead.")
    if suffix in _SLOW:
        asked = {"of": results.asked, "path": part.resolve(), "where": tuple(where), "columns": tuple(columns)}
        return lambda: results.ask("write", **asked)
    return lambda: write_file(results, part, where, columns)


def write_file(results: Results, path: Path, where: Filters, columns: Sequence[str]) -> None:
    """Writes the lines and columns chosen, in the format of the path's suffix."""
    suffix = path.suffix.removeprefix(".")
    if suffix in PICTURE_FORMATS:
        PICTURE_FORMATS[suffix].write(results, path, where)
        return
    if suffix == "parquet" and not columns:
        columns = [*(column.name for column in results.columns), *results.files]
    FORMATS[suffix](results.written(where, columns), _sure(results), path)


def _sure(results: Results) -> list[str]:
    """The columns whose texts are the host's own words: what `decode` makes, and an error, may quote the visitor's."""
    predicted = [] if results.card.decode else [each.name for each in results.columns if each.role == "prediction"]
    return ["status", *predicted]


def formats_of(results: Results) -> tuple[str, ...]:
    """The suffixes that these results can be written as."""
    return (*FORMATS, *(suffix for suffix, each in PICTURE_FORMATS.items() if each.fits(results)))


def _csv(pieces: Iterable[pl.DataFrame], own: Collection[str], path: Path) -> None:
    with path.open("wb") as file:
        for number, piece in enumerate(pieces):
            harmless(flat(piece), own).write_csv(file, include_header=number == 0)


def _parquet(pieces: Iterable[pl.DataFrame], own: Collection[str], path: Path) -> None:
    tables = (piece.to_arrow(compat_level=pl.CompatLevel.oldest()) for piece in pieces)
    first = next(tables)
    with pq.ParquetWriter(path, first.schema, compression="zstd") as file:
        for table in chain((first,), tables):
            file.write_table(table)


def _json_lines(pieces: Iterable[pl.DataFrame], own: Collection[str], path: Path) -> None:
    with path.open("wb") as file:
        for piece in pieces:
            piece.write_ndjson(file)


def _excel(pieces: Iterable[pl.DataFrame], own: Collection[str], path: Path) -> None:
    """Row by row onto the disk: a workbook held in memory is many times its file."""
    from xlsxwriter import Workbook

    options = {"strings_to_formulas": False, "strings_to_urls": False, "constant_memory": True}
    with Workbook(str(path), options) as book:
        sheet = book.add_worksheet("predictions")
        sheet.freeze_panes(1, 0)
        place = 0
        for piece in map(flat, pieces):
            rows = piece.iter_rows() if place else chain((piece.columns,), piece.iter_rows())
            for row in rows:
                sheet.write_row(place, 0, row)
                place += 1


FORMATS: Mapping[str, Callable[[Iterable[pl.DataFrame], Collection[str], Path], None]] = MappingProxyType(
    {"csv": _csv, "jsonl": _json_lines, "parquet": _parquet, "xlsx": _excel}
)
GROWING = ("csv", "jsonl")
"""The formats that can be sent while they are written."""
_SLOW = ("xlsx", *PICTURE_FORMATS)  # written cell by cell, in Python: in a worker, or every page would wait meanwhile
