"""Sequences: a long table, one line a step; series are whole, of the right length, and in the order of their steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from engine.cards.card import ModelCard, SequenceInput
from engine.cards.signature import Problem, Report
from engine.ingest.table import FAULT, INPUT_FILE, ROW, Progress, ingest_table
from engine.readers import Source
from engine.settings import Settings


def ingest_sequences(
    sources: Sequence[Source],
    card: ModelCard,
    folder: Path,
    settings: Settings,
    renames: Mapping[str, str],
    progress: Progress,
) -> Report:
    """As `ingest_table`; then each series stands together in `input.arrow`, its steps ascending.

    Where the file has them otherwise, `__row` keeps each line's number in the file. A series with one bad line is bad.
    """
    report = ingest_table(sources, card, folder, settings, renames, progress)
    sequence = card.sequence
    if report.fatal or sequence is None:
        return report
    path = folder / INPUT_FILE
    progress("Ordering series", 0, 0)
    if not in_order(path, sequence):
        rewrite(path, ordered(path, sequence))
    wrong = _wrong_lengths(path, sequence)
    if report.n_good == report.n_rows and wrong.is_empty():
        return report
    rewrite(path, _spread_faults(path, sequence))
    n_good = pl.scan_ipc(path).select(pl.col(FAULT).is_null().sum()).collect().item()
    return replace(report, n_good=n_good, problems=(*report.problems, *_length_problems(wrong, sequence)))


def series_lengths(series: pl.Series) -> list[int]:
    """The number of lines of each series, where the lines of one stand together."""
    lengths: list[int] = series.rle().struct.field("len").to_list()
    return lengths


def _number(step: str) -> pl.Expr:
    return pl.col(step).cast(pl.Float64, strict=False)


def _step(path: Path, step: str) -> pl.Expr:
    """The step as a number where every one is one, else as it is written (ISO dates then sort rightly)."""
    words = pl.scan_ipc(path).select(_number(step).is_null().any()).collect().item()
    return pl.col(step) if words else _number(step)


def in_order(path: Path, sequence: SequenceInput) -> bool:
    scan = pl.scan_ipc(path)
    series, step = pl.col(sequence.series), _step(path, sequence.step)
    same = series == series.shift(1)
    backwards = (same & (step <= step.shift(1))).any()
    runs, distinct, disorder = (
        scan.select(
            (~same).fill_null(True).sum().alias("runs"),
            series.n_unique().alias("distinct"),
            backwards.alias("disorder"),
        )
        .collect()
        .row(0)
    )
    return bool(runs == distinct and not disorder)


def ordered(path: Path, sequence: SequenceInput) -> pl.LazyFrame:
    """The lines with a series' own together, series in the order in which they first stand in the file."""
    first = pl.col(ROW).min().over(sequence.series)
    rows = pl.scan_ipc(path).with_row_index(ROW, offset=1)
    return (
        rows.with_columns(first.alias("__first"), _step(path, sequence.step).alias("__step"))
        .sort("__first", "__step", maintain_order=True)
        .drop("__first", "__step")
    )


def _wrong_lengths(path: Path, sequence: SequenceInput) -> pl.DataFrame:
    """Series, number of lines and first row of each series that has another length than the card's."""
    rows = pl.scan_ipc(path)
    if ROW not in rows.collect_schema().names():
        rows = rows.with_row_index(ROW, offset=1)
    lengths = rows.group_by(sequence.series).agg(pl.len().alias("steps"), pl.col(ROW).min().alias("row")).sort("row")
    wrong = pl.col("steps") != sequence.length if sequence.length else pl.lit(False)
    return lengths.filter(wrong | pl.col(sequence.series).is_null()).collect()


def _spread_faults(path: Path, sequence: SequenceInput) -> pl.LazyFrame:
    rows = with_faults(path)
    series, steps, spoilt = pl.col(sequence.series), pl.len().over(sequence.series), pl.col(FAULT).is_not_null()
    reason = (
        pl.when(series.is_null()).then(pl.lit(f"column '{sequence.series}' is empty")).when(spoilt).then(pl.col(FAULT))
    )
    if sequence.length:
        words = pl.format(f"this series has {{}} steps, expected {sequence.length}", steps)
        reason = reason.when(steps != sequence.length).then(words)
    another = pl.when(spoilt.any().over(sequence.series)).then(pl.lit("another line of this series cannot be read"))
    return rows.with_columns(reason.otherwise(another).alias(FAULT))


def _length_problems(wrong: pl.DataFrame, sequence: SequenceInput) -> list[Problem]:
    if wrong.is_empty():
        return []
    lines = int(wrong["steps"].sum())
    first = wrong.row(0, named=True)
    which = f"series '{first[sequence.series]}'"
    message = (
        f"{wrong.height} series {'has' if wrong.height == 1 else 'have'} the wrong number of lines: the first, {which} "
        f"from row {first['row']}, has {first['steps']}, expected {sequence.length}. Add or remove lines."
    )
    found, expected = str(first["steps"]), str(sequence.length)
    return [Problem("rows", "wrong-length", message, "", sequence.series, first["row"], lines, found, expected)]


def with_faults(path: Path) -> pl.LazyFrame:
    """The file's lines, with the column of faults also where none has one."""
    rows = pl.scan_ipc(path)
    if FAULT in rows.collect_schema().names():
        return rows
    return rows.with_columns(pl.lit(None, pl.String).alias(FAULT))


def rewrite(path: Path, rows: pl.LazyFrame) -> None:
    """Replaces the file by `rows`, which may be read from it."""
    new = path.with_suffix(".new")
    rows.sink_ipc(new, compat_level=pl.CompatLevel.oldest())
    new.replace(path)
