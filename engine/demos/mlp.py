"""A small multi-layer perceptron that standardises its own input."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from torch import nn


class MlpClassifier(pl.LightningModule):
    """Logits (batch, classes) for rows (batch, features) in their own units; has no predict_step of its own.

    `mean` and `deviation` of each feature, (features), are buffers: set before the training, saved with the weights.
    """

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, features: int, classes: int, hidden: int = 32) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("deviation", torch.ones(features))
        self.layers = nn.Sequential(
            nn.Linear(features, hidden),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, classes),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers((x - self.mean) / self.deviation)

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], batch_idx: int) -> torch.Tensor:
        x, y = batch
        return nn.functional.cross_entropy(self(x), y, label_smoothing=0.1)

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=0.003, weight_decay=1e-4)


class MlpLabeller(MlpClassifier):
    """The same, trained so that each of the classes may hold by itself."""

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], batch_idx: int) -> torch.Tensor:
        x, y = batch
        return nn.functional.binary_cross_entropy_with_logits(self(x), y)


class MlpRegressor(MlpClassifier):
    """The same, giving values (batch, outputs) in their own units; `middle` and `spread` of each are buffers too."""

    middle: torch.Tensor
    spread: torch.Tensor

    def __init__(self, features: int, outputs: int, hidden: int = 32) -> None:
        super().__init__(features, outputs, hidden)
        self.save_hyperparameters()
        self.register_buffer("middle", torch.zeros(outputs))
        self.register_buffer("spread", torch.ones(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) * self.spread + self.middle

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], batch_idx: int) -> torch.Tensor:
        x, y = batch
        return nn.functional.mse_loss((self(x) - self.middle) / self.spread, (y - self.middle) / self.spread)
