"""Values that a visitor typed, as the file that they would have brought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from engine import GuardedEngine, ModelCard, ModelEntry, Options, Report, Run, Source

Values = Mapping[str, object]
FILE = "typed-values.csv"


def predict_values(engine: GuardedEngine, entry: ModelEntry, rows: Sequence[Values]) -> tuple[Report, pl.DataFrame]:
    """(the report, the lines) of typed rows, predicted at once; nothing is kept."""
    with TemporaryDirectory(prefix="forelight-") as folder:
        source = write_values(rows, entry.usable_card(), Path(folder))
        return engine.predict_now(entry.id, (source,), version=entry.version)


def start_run(engine: GuardedEngine, entry: ModelEntry, rows: Sequence[Values]) -> Run:
    """A new run of typed rows, started; the good rows are predicted, others reported."""
    with TemporaryDirectory(prefix="forelight-") as folder:
        source = write_values(rows, entry.usable_card(), Path(folder))
        run = engine.check(entry.id, (source,), version=entry.version, keep_files=True)
    return engine.submit(run.id, Options(on_error="report"))


def write_values(rows: Sequence[Values], card: ModelCard, folder: Path) -> Source:
    """A CSV in `folder` with the signature's columns; numbers with all their digits, an empty cell for None."""
    columns = {column.name: [_cell(row.get(column.name)) for row in rows] for column in card.signature}
    path = folder / FILE
    pl.DataFrame(columns, dict.fromkeys(columns, pl.String)).write_csv(path, quote_style="always")
    return Source(FILE, path)


def _cell(value: object) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
