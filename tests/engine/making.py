"""Makes small real models: a Python file, a checkpoint that Lightning wrote, and a card."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
import yaml

TABULAR_CARD: dict[str, Any] = {
    "title": "A test model",
    "task": "tabular-regression",
    "signature": [{"name": "a"}, {"name": "b"}, {"name": "c"}, {"name": "d"}],
    "outputs": [{"name": "y"}],
}
_LINEAR = """
import os, signal, time
import pytorch_lightning as pl
import torch

class Model(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear({width}, 1)

    def forward(self, x):
        {step}
        return self.layer(x.flatten(1))
"""


def linear(step: str = "pass", width: int = 4) -> str:
    """The code of a module of one layer, which does the `step` before it computes; its further lines begin at 8."""
    return _LINEAR.format(step=step, width=width)


def write_model(folder: Path, code: str, card: dict[str, Any], *arguments: Any, package: Any = pl) -> Path:
    """A model folder: `code` as model.py with a class Model, built with `arguments`, saved by a Trainer."""
    folder.mkdir(parents=True)
    (folder / "model.py").write_text(code)
    spec = importlib.util.spec_from_file_location(f"made_{folder.name}_{abs(hash(code))}", folder / "model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    torch.manual_seed(0)
    trainer = package.Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.strategy.connect(module.Model(*arguments))
    trainer.save_checkpoint(folder / "model.ckpt", weights_only=True)
    (folder / "card.yaml").write_text(yaml.safe_dump({"module": "model:Model", **card}))
    return folder
