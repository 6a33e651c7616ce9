"""A run of a million rows, made by the engine itself with a model of four weights: what large results are tried on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from engine import Engine, Options, Run, Source
from tests.engine.making import write_model

ROWS = 1_000_000
MODEL, STRICTER = "loans", "loans-stricter"
CODE = """
import torch
import pytorch_lightning as lightning

class Model(lightning.LightningModule):
    def __init__(self, bias):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(3, 1)
        with torch.no_grad():
            self.layer.weight.copy_(torch.tensor([[-0.02, 0.05, 0.4]]))
            self.layer.bias.fill_(bias)

    def forward(self, x):
        return self.layer(x)
"""
CARD = {
    "task": "tabular-classification",
    "signature": [
        {"name": "income", "unit": "k€", "range": [0, 1_000]},
        {"name": "debt", "unit": "k€"},
        {"name": "late_payments", "type": "integer"},
    ],
    "labels": ["paid", "default"],
    "output_kind": "logits",
    "target": "outcome",
}


def make_model(folder: Path) -> Path:
    """The folder that holds the model and a stricter one, to be named in FORELIGHT_MODELS."""
    write_model(folder / MODEL, CODE, {**CARD, "title": "Loans that are not paid back"}, -1.2)
    write_model(folder / STRICTER, CODE, {**CARD, "title": "Loans, stricter"}, -0.4)
    return folder


def write_rows(path: Path, rows: int = ROWS) -> Path:
    """A CSV that with its predictions has twelve columns; ten of its rows cannot be predicted."""
    random = np.random.default_rng(0)
    income = np.round(random.gamma(4, 12, rows), 1)
    income[rows // 11 : rows : rows // 10][:10] = 5_000  # out of the card's range
    debt = np.round(random.gamma(2, 14, rows), 1)
    late = random.poisson(0.6, rows)
    risk = 1 / (1 + np.exp(-(-0.02 * income + 0.05 * debt + 0.4 * late - 1.2)))
    regions = np.array(["north", "south", "east", "west", "=islands", "Übersee"])
    table = {
        "customer": [f"C-{number:07d}" for number in range(1, rows + 1)],
        "region": regions[random.choice(6, rows, p=[0.3, 0.25, 0.2, 0.15, 0.07, 0.03])],
        "income": income,
        "debt": debt,
        "late_payments": late,
        "outcome": np.where(random.random(rows) < risk, "default", "paid"),
    }
    pl.DataFrame(table).write_csv(path)
    return path


def make_run(engine: Engine, folder: Path, rows: int = ROWS) -> Run:
    """The run of those rows, done."""
    path = write_rows(folder / "loans.csv", rows)
    return _predicted(engine, engine.check(MODEL, [Source(path.name, path)]))


def make_other_run(engine: Engine, run: Run) -> Run:
    """The stricter model's run of the same rows, done."""
    return _predicted(engine, engine.again(run.id, STRICTER))


def _predicted(engine: Engine, run: Run) -> Run:
    engine.submit(run.id, Options(on_error="report"))
    ended = engine.wait(run.id)
    assert ended.state == "done", ended.error
    return ended
