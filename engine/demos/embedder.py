"""A small convolutional network that places digits in a space where those of one kind lie together."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from torch import nn

_SHARPNESS = 10.0


class DigitEmbedder(pl.LightningModule):
    """Vectors (batch, dimensions) of length one for pictures (batch, 1, 8, 8)."""

    def __init__(self, dimensions: int, classes: int = 10, width: int = 24) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.body = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(width * 16, dimensions),
        )
        self.directions = nn.Parameter(torch.randn(classes, dimensions))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return nn.functional.normalize(self.body(pictures))

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], batch_idx: int) -> torch.Tensor:
        """Each kind is drawn to a direction of its own, which is learned along and of no use afterwards."""
        pictures, kinds = batch
        likeness = self(pictures) @ nn.functional.normalize(self.directions).T
        return nn.functional.cross_entropy(_SHARPNESS * likeness, kinds)

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=0.003)
