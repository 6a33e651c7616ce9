"""Tables: files → one typed Arrow file, with every fault of every cell found by the card's signature."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from engine.cards import cells
from engine.cards.card import Column, ModelCard
from engine.cards.signature import Problem, Report, check_names, column_uses, result_names
from engine.errors import ReadError, nearest
from engine.ingest.content import typed_by_content
from engine.ingest.extent import check_extent, short_notes
from engine.ingest.trained import beyond_training
from engine.readers import Scan, Source, damage_said, scan_table
from engine.settings import Settings

INPUT_FILE = "input.arrow"
FAULT = "__fault"
ROW = "__row"
PIXELS = "__pixels"
TRUTH = "__truth"
AS_WRITTEN = "__as_written_"
"""Before the name of a column, in results: its texts, where it is read as numbers."""
OWN_NAMES = (FAULT, ROW, PIXELS, TRUTH, "__first", "__step")
_TEXTS_LOOKED_AT = 200
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Table:
    """Lazy rows of all the files together, names mended, not yet typed.

    `parsed` are the same rows with numbers as numbers, where all readers parse them themselves; see `Scan.typed`.
    """

    frame: pl.LazyFrame
    parsed: pl.LazyFrame | None
    schema: Mapping[str, pl.DataType]
    decimal_comma: bool
    problems: tuple[Problem, ...]
    names: tuple[str, ...]
    scans: tuple[tuple[str, Scan], ...]


def ingest_table(
    sources: Sequence[Source],
    card: ModelCard,
    folder: Path,
    settings: Settings,
    renames: Mapping[str, str],
    progress: Progress,
) -> Report:
    """The report of the files; unless it is fatal, `folder/input.arrow` then holds every row, typed by the card.

    A cell that cannot be read in its type is null there; the column `__fault` says why a row cannot be predicted.
    """
    progress("Reading", 0, 0)
    with damage_said(", ".join(source.name for source in sources)):
        return _ingest(sources, card, folder, settings, renames)


def _ingest(
    sources: Sequence[Source], card: ModelCard, folder: Path, settings: Settings, renames: Mapping[str, str]
) -> Report:
    table = read_table(sources, card, folder, settings, renames)
    report = Report(0, 0, table.problems, column_uses(table.names, card), tuple(source.name for source in sources))
    if report.fatal:
        return report
    path = folder / INPUT_FILE
    written = _write(table, card, path, report)
    check_extent(path, ", ".join(report.files), settings)
    written = _faulty_rows(table, card, path, written)
    if written.fatal:
        return written
    uses = typed_by_content(written.columns, path, table.decimal_comma, classes=bool(card.labels))
    notes = [*short_notes(path, table.scans), *beyond_training(path, card)]
    return replace(written, columns=uses, problems=(*written.problems, *notes))


def read_table(
    sources: Sequence[Source], card: ModelCard, folder: Path, settings: Settings, renames: Mapping[str, str]
) -> Table:
    """The files' rows one after the other; a column `file` tells them apart where there are several."""
    frames: list[pl.LazyFrame] = []
    parsed: list[pl.LazyFrame] = []
    problems: list[Problem] = []
    names: list[str] = []
    scans: list[tuple[str, Scan]] = []
    comma = False
    numbers = {column.name: cells.NUMBERS[column.type] for column in card.signature if column.is_number}
    taken = {*result_names(card), *OWN_NAMES, *(("file",) if len(sources) > 1 else ())}
    for source, scan in scan_table(sources, card, folder, settings):
        own = scan.frame.collect_schema().names()
        renamed = [renames.get(name, name) for name in own]
        clashes = free_names(renamed, {*taken, *(AS_WRITTEN + name for name in renamed)})
        found = [clashes.get(name, name) for name in renamed]
        problems += [_clash(source, name, free) for name, free in clashes.items()]
        problems += check_names(found, card, source.name)
        problems += [Problem("note", "format", f"{source.name}: {note}", source.name) for note in scan.notes]
        names += [name for name in found if name not in names]
        comma = comma or scan.decimal_comma
        scans.append((found[-1] if found else "", scan))
        named = dict(zip(own, found, strict=True))
        file = [pl.lit(source.name).alias("file")] if len(sources) > 1 else []
        frames.append(scan.frame.rename(named).with_columns(file))
        if scan.typed:
            types = {name: numbers[to] for name, to in named.items() if to in numbers}
            parsed.append(scan.typed(types).rename(named).with_columns(file))
    if not frames:
        raise ReadError("There is no table among the files. Add a CSV, Parquet, JSON, Excel or NumPy file.")
    frame = _together(frames)
    typed = _together(parsed) if len(parsed) == len(frames) else None
    return Table(frame, typed, dict(frame.collect_schema()), comma, tuple(problems), tuple(names), tuple(scans))


def _together(frames: Sequence[pl.LazyFrame]) -> pl.LazyFrame:
    return frames[0] if len(frames) == 1 else pl.concat(frames, how="diagonal_relaxed")


def _clash(source: Source, name: str, free: str) -> Problem:
    message = f"The results have a column '{name}' of their own: the file's comes back as '{free}'."
    return Problem("note", "renamed-column", message, source.name, name, found=name, expected=free)


def free_names(names: Sequence[str], taken: Collection[str]) -> dict[str, str]:
    """New names for the columns of a file that are called like one of the results' own (`taken`)."""
    renames: dict[str, str] = {}
    used = {*names, *taken}
    for name in names:
        if name in taken:
            free = f"input_{name}"
            while free in used:
                free = f"input_{free}"
            used.add(free)
            renames[name] = free
    return renames


def _write(table: Table, card: ModelCard, path: Path, report: Report) -> Report:
    """Sinks the typed rows, taking each cell as strictly as possible; counts them and the faulty ones."""
    try:
        _sink(table, card, path)
    except pl.exceptions.PolarsError as exc:
        found = next(filter(None, (scan.blame() for _, scan in table.scans)), "")
        if found:
            raise ReadError(found) from exc
        raise
    faults = pl.any_horizontal(pl.lit(False), *(_fault(column).is_not_null() for column in card.signature))
    n_rows, n_faulty = pl.scan_ipc(path).select(pl.len(), faults.sum().alias("faulty")).collect().row(0)
    if n_rows == 0:
        message = f"{', '.join(report.files)}: there is not one row under the header. Add the rows to predict."
        return replace(report, problems=(*report.problems, Problem("fatal", "no-rows", message)))
    return replace(report, n_rows=n_rows, n_good=n_rows - n_faulty)


def _sink(table: Table, card: ModelCard, path: Path) -> None:
    frame = table.frame if table.parsed is None else table.parsed
    schema = frame.collect_schema()
    casts = [cells.typed(column, schema[column.name], table.decimal_comma) for column in card.signature]
    frame.with_columns(casts).sink_ipc(path, compat_level=pl.CompatLevel.oldest())


def _fault(column: Column) -> pl.Expr:
    return cells.fault(column, pl.col(column.name))


def _faulty_rows(table: Table, card: ModelCard, path: Path, report: Report) -> Report:
    """The report with each faulty column's problems, by a second, lenient reading; unchanged where no row is faulty."""
    if report.fatal or report.n_good == report.n_rows:
        return report
    rows = table.frame.with_row_index(ROW, offset=1)
    may_be_empty = card.forecast is not None  # what is to be forecast is not known yet
    found = {column.name: _found(column, table, may_be_empty) for column in card.signature}
    reasons = [_reason(column, found[column.name]) for column in card.signature]
    reason = pl.concat_str(reasons, separator="; ", ignore_nulls=True)
    lenient = [cells.typed_leniently(c, table.schema[c.name], table.decimal_comma) for c in card.signature]
    marked = rows.with_columns(pl.when(reason != "").then(reason).alias(FAULT)).with_columns(lenient)
    marked.drop(ROW).sink_ipc(path, compat_level=pl.CompatLevel.oldest())
    n_good = pl.scan_ipc(path).select(pl.col(FAULT).is_null().sum()).collect().item()
    summaries = pl.collect_all([_summary(rows, found[column.name]) for column in card.signature], engine="streaming")
    faults = [
        (column, *record)
        for column, summary in zip(card.signature, summaries, strict=True)
        for record in summary.sort("row").iter_rows()
    ]
    texts = pl.collect_all([_texts(rows, found[column.name], code) for column, code, *_ in faults])
    problems = [
        _problem(column, code, count, row, frame.to_series().unique(maintain_order=True).to_list()[:5], report.files)
        for (column, code, count, row), frame in zip(faults, texts, strict=True)
    ]
    return replace(report, n_good=n_good, problems=(*report.problems, *problems))


def _found(column: Column, table: Table, may_be_empty: bool) -> tuple[pl.Expr, pl.Expr]:
    """(the code of the cell's fault, the text found in it)."""
    raw = cells.text(pl.col(column.name), table.schema[column.name])
    value = cells.typed_leniently(column, table.schema[column.name], table.decimal_comma)
    return cells.fault(column, value, raw, may_be_empty), raw


def _reason(column: Column, found: tuple[pl.Expr, pl.Expr]) -> pl.Expr:
    code, raw = found

    def words(fault: str) -> pl.Expr:
        wanted = cells.expected(column, fault)
        return _format(f"column '{column.name}': '{{}}' is not {wanted}".replace("not one of", "none of"), raw)

    missing = pl.when(code == cells.MISSING).then(pl.lit(f"column '{column.name}' is empty"))
    out_of_range = missing.when(code == cells.OUT_OF_RANGE).then(words(cells.OUT_OF_RANGE))
    return out_of_range.when(code.is_not_null()).then(words("")).otherwise(None)


def _format(words: str, raw: pl.Expr) -> pl.Expr:
    before, after = words.rsplit("'{}'", 1)
    return pl.concat_str([pl.lit(before + "'"), raw.fill_null("").str.slice(0, 80), pl.lit("'" + after)])


def _summary(rows: pl.LazyFrame, found: tuple[pl.Expr, pl.Expr]) -> pl.LazyFrame:
    """(code, how many rows have it, the first of them)"""
    marked = rows.select(found[0].alias("code"), pl.col(ROW).alias("row")).filter(pl.col("code").is_not_null())
    return marked.group_by("code").agg(pl.len().alias("rows"), pl.col("row").min())


def _texts(rows: pl.LazyFrame, found: tuple[pl.Expr, pl.Expr], code: str) -> pl.LazyFrame:
    """The first texts that have that fault."""
    marked = rows.select(found[0].alias("code"), found[1].alias("raw")).filter(pl.col("code") == code)
    return marked.select("raw").head(_TEXTS_LOOKED_AT)


def _problem(column: Column, code: str, count: int, row: int, raw: Sequence[object], files: Sequence[str]) -> Problem:
    texts = [str(cell)[:80] for cell in raw]
    found = ", ".join(f"'{cell}'" for cell in texts if cell.strip() and cell != "None")
    wanted = cells.expected(column, code)
    where = f"row {row}" if count == 1 else f"{count} rows, the first is row {row}"
    what = "the cell is empty" if code == cells.MISSING else f"found {found}"
    near = nearest(texts[0], column.categories) if code == cells.UNKNOWN_CATEGORY and texts else None
    hint = f" Did you mean '{near}'?" if near else ""
    message = f"Column '{column.name}', {where}: {what}, expected {wanted}.{hint}"
    file = files[0] if len(files) == 1 else ""
    return Problem("rows", code, message, file, column.name, row, count, found, wanted)
