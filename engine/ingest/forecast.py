"""Series to be continued: as sequences, and each then has the lines of its horizon, the file's own or added ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from engine.cards.card import AHEAD, Forecast, ModelCard, SequenceInput
from engine.cards.signature import ColumnUse, Problem, Report
from engine.ingest.sequence import ordered, rewrite, with_faults
from engine.ingest.steps import following
from engine.ingest.table import FAULT, INPUT_FILE, ROW, Progress, ingest_table
from engine.readers import Source
from engine.settings import Settings

_PLACE = "__place"
_NAMED = 3


def ingest_forecasts(
    sources: Sequence[Source],
    card: ModelCard,
    folder: Path,
    settings: Settings,
    renames: Mapping[str, str],
    progress: Progress,
) -> Report:
    """As `ingest_table`; each series then stands together, its history first and then the steps to be forecast.

    Those are the lines at its end whose value is empty; where there are fewer than the horizon has, others are added
    behind the file's rows. The column `ahead` counts them. A series with a bad line, too short or with a gap is bad.
    """
    report = ingest_table(sources, card, folder, settings, renames, progress)
    sequence, forecast = card.sequence, card.forecast
    if report.fatal or sequence is None or forecast is None:
        return report
    path = folder / INPUT_FILE
    progress("Ordering series", 0, 0)
    rewrite(path, ordered(path, sequence))
    facts = _facts(path, sequence, card)
    added = _added(facts, sequence, forecast, report.n_rows, path)
    rewrite(path, _continued(path, sequence, facts, added))
    total, good = pl.scan_ipc(path).select(pl.len(), pl.col(FAULT).is_null().sum().alias("good")).collect().row(0)
    problems = (*report.problems, *_problems(facts, sequence), *_note(added, forecast))
    uses = (*report.columns, ColumnUse(AHEAD, "order", "integer"))
    return replace(report, n_rows=total, n_good=good, problems=problems, columns=uses)


def _facts(path: Path, sequence: SequenceInput, card: ModelCard) -> pl.DataFrame:
    """A line for each series: its name, first row, number of lines, length of history, last steps, what is wrong."""
    forecast = card.forecast
    assert forecast is not None  # the caller's
    value, place = pl.col(forecast.of), pl.int_range(pl.len())
    history = (place.filter(value.is_not_null() | pl.col(FAULT).is_not_null()).max() + 1).fill_null(0)
    facts = (
        with_faults(path)
        .group_by(sequence.series, maintain_order=True)
        .agg(
            pl.col(ROW).min().alias("row"),
            pl.len().alias("lines"),
            history.alias("history"),
            pl.col(FAULT).is_not_null().any().alias("spoilt"),
            pl.col(sequence.step).tail(3).alias("steps"),
            *(pl.col(each.name).is_null().arg_true().first().alias(f"gap_{each.name}") for each in card.signature),
        )
        .collect()
    )
    gaps = [
        pl.when(pl.col(f"gap_{each.name}") < pl.col("history")).then(
            pl.format(f"column '{each.name}' is empty at step {{}} of its history", pl.col(f"gap_{each.name}") + 1)
        )
        for each in card.signature
    ]
    least = sequence.length or 1
    short = pl.format(f"this series has {{}} steps of history, the model needs {least}", "history")
    ahead = pl.col("lines") - pl.col("history")
    long = pl.format(f"{{}} steps are to be forecast, the model gives {forecast.horizon}", ahead)
    reason = (
        pl.when(pl.col(sequence.series).is_null())
        .then(pl.lit(f"column '{sequence.series}' is empty"))
        .when(pl.col("spoilt"))
        .then(pl.lit("another line of this series cannot be read"))
        .otherwise(
            pl.coalesce(
                *gaps,
                pl.when(pl.col("history") < least).then(short),
                pl.when(ahead > forecast.horizon).then(long),
            )
        )
    )
    return facts.with_columns(reason.alias("reason")).select(
        sequence.series, "row", "lines", "history", "spoilt", "steps", "reason"
    )


def _added(facts: pl.DataFrame, sequence: SequenceInput, forecast: Forecast, rows: int, path: Path) -> pl.DataFrame:
    """The lines that the file lacks of each good series' horizon: series, step, `__row`, `__place`."""
    lines: list[tuple[object, object, int, int]] = []
    for series, _, count, history, _, steps, reason in facts.iter_rows():
        lacking = 0 if reason else forecast.horizon - (count - history)
        steps_ahead = following(steps, lacking) if lacking > 0 else []
        for number, step in enumerate(steps_ahead):
            lines.append((series, step, rows + len(lines) + 1, count + number))
    schema = pl.scan_ipc(path).collect_schema()
    kinds = {sequence.series: schema[sequence.series], sequence.step: schema[sequence.step]}
    return pl.DataFrame(lines, schema={**kinds, ROW: schema[ROW], _PLACE: pl.Int64}, orient="row", strict=False)


def _continued(path: Path, sequence: SequenceInput, facts: pl.DataFrame, added: pl.DataFrame) -> pl.LazyFrame:
    """All lines, those added at the end of their series, with `ahead` and why a line is bad."""
    rows = with_faults(path).with_columns(pl.int_range(pl.len()).over(sequence.series).alias(_PLACE))
    known = facts.lazy().select(sequence.series, "history", "reason", pl.col("row").alias("__first"))
    ahead = pl.col(_PLACE) - pl.col("history") + 1
    return (
        pl.concat([rows, added.lazy()], how="diagonal")
        .join(known, on=sequence.series, how="left", nulls_equal=True)
        .with_columns(
            pl.when((ahead > 0) & pl.col("reason").is_null()).then(ahead).cast(pl.Int64).alias(AHEAD),
            pl.coalesce(FAULT, "reason").alias(FAULT),
        )
        .sort("__first", _PLACE)
        .drop("__first", _PLACE, "history", "reason")
    )


def _problems(facts: pl.DataFrame, sequence: SequenceInput) -> list[Problem]:
    """One for all series that cannot be continued for a reason that no cell has by itself."""
    bad = facts.filter(pl.col("reason").is_not_null() & ~pl.col("spoilt"))
    if bad.is_empty():
        return []
    first, lines = bad.row(0, named=True), int(bad["lines"].sum())
    named = str(first[sequence.series])
    are = "1 series cannot be continued" if bad.height == 1 else f"{bad.height} series cannot be continued"
    message = f"{are}: the first, '{named}' from row {first['row']}: {first['reason']}."
    return [Problem("rows", "no-history", message, "", sequence.series, first["row"], lines)]


def _note(added: pl.DataFrame, forecast: Forecast) -> list[Problem]:
    """That lines were added, and where to find them."""
    if added.is_empty():
        return []
    series = added.to_series(0).n_unique()
    message = (
        f"{added.height:,} lines are added behind the file's rows, from row {int(added[ROW][0]):,} on: the steps to be "
        f"forecast of {series:,} series, {forecast.horizon} each. '{AHEAD}' counts them."
    )
    return [Problem("note", "horizon-added", message, "", AHEAD, rows=added.height)]
