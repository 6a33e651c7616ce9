"""A perceptron that continues a series: the quantiles of each of its next steps at once."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from torch import nn


class Forecaster(pl.LightningModule):
    """(batch, context, 1) → (batch, horizon, quantiles), both in the series' own unit.

    `middle` and `spread` of the values are buffers: set before the training, saved with the weights. A forecast is what
    the last year says again, and what the layers add to that; quantiles never cross.
    """

    quantiles: torch.Tensor
    middle: torch.Tensor
    spread: torch.Tensor

    def __init__(self, context: int, horizon: int, quantiles: tuple[float, ...], hidden: int = 32) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.horizon, self.shape = horizon, (horizon, len(quantiles))
        self.register_buffer("quantiles", torch.tensor(quantiles), persistent=False)
        self.register_buffer("middle", torch.zeros(()))
        self.register_buffer("spread", torch.ones(()))
        self.layers = nn.Sequential(
            nn.Linear(context, hidden), nn.ReLU(), nn.Dropout(0.2), nn.Linear(hidden, horizon * len(quantiles))
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scaled: torch.Tensor = (x[..., 0] - self.middle) / self.spread
        found = self.layers(scaled).reshape(-1, *self.shape)
        return (scaled[:, -self.horizon :, None] + found).sort(dim=-1).values * self.spread + self.middle

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], batch_idx: int) -> torch.Tensor:
        x, y = batch
        off = (y[..., None] - self(x)) / self.spread
        return torch.maximum(self.quantiles * off, (self.quantiles - 1) * off).mean()

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=0.002, weight_decay=1e-3)
