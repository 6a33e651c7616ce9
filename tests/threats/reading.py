"""How the tests of hostile files read one: as a worker does, in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from engine.cards.card import ModelCard
from engine.cards.signature import Report
from engine.ingest.table import INPUT_FILE
from engine.readers import Source
from engine.settings import Settings
from engine.tasks import task_of

_TABLE: dict[str, Any] = {
    "title": "t",
    "task": "tabular-regression",
    "module": "m:M",
    "signature": [{"name": "a"}, {"name": "b"}],
    "outputs": [{"name": "y"}],
}
TABLE = ModelCard.model_validate(_TABLE)
SERIES = ModelCard.model_validate(
    {**_TABLE, "task": "sequence-regression", "sequence": {"series": "series", "step": "step"}}
)
PICTURES = ModelCard.model_validate(
    {**_TABLE, "task": "image-classification", "signature": [], "outputs": [], "labels": ["x", "y"]}
    | {"image": {"size": [4, 4], "channels": 3}}
)


def read(*paths: Path, card: ModelCard = TABLE, **limits: Any) -> tuple[Report, pl.DataFrame]:
    """(the report, the typed rows; none where it is fatal) of these files, or ReadError."""
    folder = paths[0].parent / "read"
    folder.mkdir(exist_ok=True)
    sources = [Source(path.name, path) for path in paths]
    settings = Settings(home=folder, **limits)
    report = task_of(card).inputs.ingest(sources, card, folder, settings, {}, lambda stage, done, total: None)
    return report, pl.DataFrame() if report.fatal else pl.scan_ipc(folder / INPUT_FILE).collect()


def messages(report: Report) -> list[str]:
    return [problem.message for problem in report.problems]
