"""Results as files for people and programs. A text cell that a spreadsheet would run gets a `'` before it, in CSV."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import MappingProxyType

import polars as pl

from engine.errors import ExportError, nearest
from engine.results import Results

# Begins as a formula does, and is no number: -12.5 and +1e-5 are, -2+3 and +cmd are not.
_RUN_BY_SPREADSHEETS = r"^(?:[=@\t\r]|[+\-](?:$|[^0-9])|[+\-][0-9](?:.*[^0-9 .,eE+\-%]|[^eE]*[+\-]))"
MOST_EXCEL_ROWS = 1_048_575


def export_results(results: Results, path: Path) -> Path:
    """Writes the results to `path` in the format of its suffix; the file appears when it is whole."""
    suffix = path.suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        near = nearest(suffix, FORMATS)
        hint = f" Did you mean .{near}?" if near else ""
        raise ExportError(f"'{path.name}': no such format.{hint} Formats: {', '.join('.' + name for name in FORMATS)}.")
    part = path.with_name(f"{path.name}.part.{suffix}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        FORMATS[suffix](results, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def harmless(frame: pl.LazyFrame, sure: Collection[str] = ()) -> pl.LazyFrame:
    """The frame with `'` before each text cell and header that a spreadsheet would take for a formula.

    The columns that are `sure` hold no text of a visitor's, or never at the beginning of a cell.
    """
    schema = frame.collect_schema()
    texts = [name for name, dtype in schema.items() if dtype == pl.String() and name not in sure]
    headers = {name: f"'{name}" for name in schema.names() if name[:1] in "=+-@\t\r"}
    return frame.with_columns(_quoted(name) for name in texts).rename(headers)


def _quoted(name: str) -> pl.Expr:
    cell = pl.col(name)
    return (
        pl.when(cell.str.contains(_RUN_BY_SPREADSHEETS))
        .then(pl.concat_str(pl.lit("'"), cell))
        .otherwise(cell)
        .alias(name)
    )


def _csv(results: Results, path: Path) -> None:
    own = [column.name for column in results.columns if column.role in ("prediction", "status")]
    harmless(results.scan(), own).sink_csv(path)


def _parquet(results: Results, path: Path) -> None:
    results.scan().sink_parquet(path)


def _json_lines(results: Results, path: Path) -> None:
    results.scan().sink_ndjson(path)


def _excel(results: Results, path: Path) -> None:
    if results.n_rows > MOST_EXCEL_ROWS:
        raise ExportError(
            f"Excel holds {MOST_EXCEL_ROWS:,} rows, these are {results.n_rows:,}. Take CSV or Parquet instead."
        )
    options = {"strings_to_formulas": False, "strings_to_urls": False}
    from xlsxwriter import Workbook

    with Workbook(str(path), options) as book:
        results.scan().collect().write_excel(book, "predictions", float_precision=6, autofit=False)


FORMATS: Mapping[str, Callable[[Results, Path], None]] = MappingProxyType(
    {"csv": _csv, "jsonl": _json_lines, "parquet": _parquet, "xlsx": _excel}
)
