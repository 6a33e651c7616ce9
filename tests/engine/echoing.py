"""Models that give back what they are given: with them a file says what will be predicted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from engine import Engine, Options, Results, Settings, Source
from tests.engine.making import write_model

ECHO = """
import pytorch_lightning as pl
import torch

class Model(pl.LightningModule):
    def __init__(self, shift):
        super().__init__()
        self.save_hyperparameters()
        self.shift = torch.nn.Parameter(torch.tensor(shift))

    def forward(self, x):
        return x + self.shift
"""


def classes_model(folder: Path, labels: Sequence[str], title: str = "Classes") -> Path:
    """A model whose columns are the logits of its classes; its uploads may have the label in `truth`."""
    card = {
        "title": title,
        "task": "tabular-classification",
        "signature": [{"name": f"logit_{number}"} for number in range(len(labels))],
        "output_kind": "logits",
        "labels": list(labels),
        "target": "truth",
    }
    return write_model(folder, ECHO, card, 0.0)


def values_model(folder: Path, shift: float = 0.0, column: str = "x", title: str = "Values") -> Path:
    """A model that gives `y`, its only column and `shift`, in metres; its uploads may have the label in `truth`."""
    card = {
        "title": title,
        "task": "tabular-regression",
        "signature": [{"name": column}],
        "outputs": [{"name": "y", "unit": "m"}],
        "target": "truth",
    }
    return write_model(folder, ECHO, card, shift)


def open_engine(home: Path, models: Path) -> Engine:
    return Engine(Settings(home=home, models=(models,), accelerator="cpu"))


def predicted(engine: Engine, model: str, rows: pl.DataFrame, path: Path) -> Results:
    """The results of those rows, written as a file of the path's kind; rows that cannot be predicted are reported."""
    rows.write_parquet(path) if path.suffix == ".parquet" else rows.write_csv(path)
    run = engine.check(model, [Source(path.name, path)])
    engine.submit(run.id, Options(on_error="report"))
    ended = engine.wait(run.id)
    assert ended.state == "done", ended.error
    return engine.results(run.id)
