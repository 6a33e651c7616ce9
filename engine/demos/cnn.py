"""Convolutional classifiers of pictures: a small residual network, and the text-book module around it."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from torch import nn


class ImageClassifier(pl.LightningModule):
    """A residual network over pictures (batch, channels, height, width); `forward` gives logits (batch, classes).

    `widths` are the channels of the three stages; each stage but the first halves height and width twice over.
    """

    def __init__(self, channels: int = 3, classes: int = 10, widths: tuple[int, int, int] = (64, 128, 192)) -> None:
        super().__init__()
        self.save_hyperparameters()
        first, second, third = widths
        self.body = nn.Sequential(
            _block(channels, first // 2),
            _block(first // 2, first, pool=True),
            _Residual(first),
            _block(first, second, pool=True),
            _block(second, third, pool=True),
            _Residual(third),
            nn.AdaptiveMaxPool2d(1),
            nn.Flatten(),
        )
        self.head = nn.Linear(third, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(images))

    def predict_step(self, batch, batch_idx):
        images, _ = batch  # Ignore labels during prediction
        predictions = self(images)  # Forward pass
        return predictions.argmax(dim=1)  # Get class predictions

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], batch_idx: int) -> torch.Tensor:
        images, labels = batch
        return nn.functional.cross_entropy(self(images), labels, label_smoothing=0.1)

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.2, total_steps=steps, pct_start=0.25)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class _Residual(nn.Module):
    """Two convolutions beside the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(_block(width, width), _block(width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.inner(x)


def _block(before: int, after: int, pool: bool = False) -> nn.Sequential:
    """A 3 × 3 convolution, normalised; with `pool` at half the height and width."""
    layers: list[nn.Module] = [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers, *([nn.MaxPool2d(2)] if pool else []))


class DigitClassifier(pl.LightningModule):
    """Logits (batch, 10) for grey pictures (batch, 1, 8, 8); its `predict_step` takes the pictures alone."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.body = nn.Sequential(
            _block(1, width), _block(width, width, pool=True), _block(width, 2 * width, pool=True), nn.Flatten()
        )
        self.head = nn.Linear(2 * width * 4, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(images))

    def predict_step(self, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
        return self(batch)

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], batch_idx: int) -> torch.Tensor:
        images, labels = batch
        return nn.functional.cross_entropy(self(images), labels)

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=0.002)
