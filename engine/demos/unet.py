"""A small U-Net: a class for each pixel of a picture."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from torch import nn


class PixelClassifier(pl.LightningModule):
    """Logits (batch, classes, height, width) for pictures (batch, channels, height, width), sides multiples of 4."""

    def __init__(self, channels: int = 3, classes: int = 4, width: int = 16) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.down_1 = _pair(channels, width)
        self.down_2 = _pair(width, 2 * width)
        self.bottom = _pair(2 * width, 3 * width)
        self.up_2 = _pair(5 * width, 2 * width)
        self.up_1 = _pair(3 * width, width)
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        first = self.down_1(images)
        second = self.down_2(nn.functional.max_pool2d(first, 2))
        x = self.bottom(nn.functional.max_pool2d(second, 2))
        x = self.up_2(torch.cat([nn.functional.interpolate(x, scale_factor=2.0), second], dim=1))
        x = self.up_1(torch.cat([nn.functional.interpolate(x, scale_factor=2.0), first], dim=1))
        return self.head(x)

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], batch_idx: int) -> torch.Tensor:
        images, masks = batch
        logits = self(images)
        entropy = nn.functional.cross_entropy(logits, masks)
        # Entropy alone is content with calling thin things paper; overlap is not.
        shares, truth = logits.softmax(dim=1), nn.functional.one_hot(masks, logits.shape[1]).movedim(-1, 1)
        shared, covered = (shares * truth).sum(dim=(0, 2, 3)), (shares + truth).sum(dim=(0, 2, 3))
        return entropy + 1 - (2 * shared / covered.clamp(min=1)).mean()

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.AdamW(self.parameters(), lr=0.01, weight_decay=1e-3)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def _pair(before: int, after: int) -> nn.Sequential:
    """Two 3 × 3 convolutions, normalised."""
    layers: list[nn.Module] = []
    for channels in (before, after):
        layers += [nn.Conv2d(channels, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers)
