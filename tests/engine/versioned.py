"""A model of two versions, whose predictions are one apart; large batches take their time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import yaml

from engine.cards.card import file_hash
from tests.engine.making import TABULAR_CARD, write_model
from tests.engine.trouble import write_rows

CODE = """
import time
import pytorch_lightning as pl
from torch import nn
class Model(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(4, 1)
    def forward(self, x):
        time.sleep(0.02 if len(x) > 5 else 0)
        return self.net(x)
"""
CARD: dict[str, Any] = {
    **TABULAR_CARD,
    "title": "Price",
    "figures": [{"name": "RMSE", "value": 2.5, "data": "validation"}],
    "samples": [{"title": "rows", "files": ["rows.csv"]}],
}


def write_versioned(folder: Path, **card: Any) -> Path:
    """The folder of the model, which has versions 1 (the default) and 2 (one more for each row)."""
    write_model(folder, CODE, {**CARD, **card})
    write_rows(folder / "rows.csv", 10)
    shifted(folder / "model.ckpt", folder / "second.ckpt")
    version = {"name": "2", "checkpoint": "second.ckpt", "sha256": file_hash(folder / "second.ckpt")}
    told = {**version, "note": "one more", "created": "2026-11-02T10:00:00+00:00"}
    told["figures"] = [{"name": "RMSE", "value": 1.5, "data": "validation"}]
    (folder / "versions.yaml").write_text(yaml.safe_dump({"versions": [told]}))
    return folder


def shifted(old: Path, new: Path, by: float = 1.0) -> Path:
    """The checkpoint with that much more for each row."""
    content = torch.load(old, weights_only=True)
    content["state_dict"]["net.bias"] += by
    torch.save(content, new)
    return new
