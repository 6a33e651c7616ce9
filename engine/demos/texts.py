"""Texts as counts of their letters, and a linear model on top: small, and enough to tell languages apart."""

from __future__ import annotations

from typing import Any
from zlib import crc32

import pyarrow as pa
import pytorch_lightning as pl
import torch
from torch import nn

WIDTH = 1_024
_LONGEST = 3


def encode(rows: pa.Table, card: object) -> torch.Tensor:
    """float32 (rows, WIDTH) of length one: how often each run of one to three letters comes, by its hash."""
    x = torch.zeros(rows.num_rows, WIDTH)
    for number, text in enumerate(rows.column("text").to_pylist()):
        x[number] = torch.bincount(torch.tensor(_places(text)), minlength=WIDTH)
    return nn.functional.normalize(x.log1p())


def _places(text: str) -> list[int]:
    padded = f" {' '.join(text.casefold().split())} "
    runs = (padded[start : start + size] for size in range(1, _LONGEST + 1) for start in range(len(padded) - size + 1))
    return [crc32(run.encode()) % WIDTH for run in runs]


class LetterClassifier(pl.LightningModule):
    """Logits (batch, classes) for what `encode` gives."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layer = nn.Linear(width, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], batch_idx: int) -> torch.Tensor:
        x, y = batch
        return nn.functional.cross_entropy(self(x), y)

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=0.05, weight_decay=1e-6)
