"""A small detector: torchvision's own FCOS over a backbone of a few convolutions."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from torch import nn
from torchvision.models.detection import FCOS
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.fcos import FCOSHead


class ObjectFinder(pl.LightningModule):
    """Takes a list of pictures (channels, height, width), gives for each a dict of boxes, labels and scores.

    Label 0 is the background, as in all of torchvision's detectors; `size` is (height, width) of the pictures.
    """

    def __init__(self, classes: int = 11, size: tuple[int, int] = (64, 96), channels: int = 1) -> None:
        super().__init__()
        self.save_hyperparameters()
        backbone = _Backbone(channels)
        self.detector = FCOS(
            backbone,
            classes,
            min_size=min(size),
            max_size=max(size),
            image_mean=[0.0] * channels,
            image_std=[1.0] * channels,
            anchor_generator=AnchorGenerator(sizes=((8,),), aspect_ratios=((1.0,),)),
            head=FCOSHead(backbone.out_channels, 1, classes, num_convs=2),
            score_thresh=0.05,
            nms_thresh=0.5,
            detections_per_img=50,
        )

    def forward(self, images: list[torch.Tensor]) -> list[dict[str, torch.Tensor]]:
        return self.detector(images)

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], batch_idx: int) -> torch.Tensor:
        """`batch` is pictures, and for each some lines (left, top, right, bottom, label), filled up with label 0."""
        images, objects = batch
        real = [each[each[:, 4] > 0] for each in objects]
        targets = [{"boxes": each[:, :4], "labels": each[:, 4].long()} for each in real]
        losses = self.detector(list(images), targets)
        return sum(losses.values())

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.AdamW(self.parameters(), lr=0.003, weight_decay=1e-3)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.004, total_steps=steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class _Backbone(nn.Sequential):
    """One map of features, at a quarter of the height and width."""

    out_channels = 32

    def __init__(self, channels: int) -> None:
        sizes = ((channels, 16, 2), (16, 16, 1), (16, 32, 2), (32, 32, 1), (32, 32, 1), (32, 32, 1))
        super().__init__(*(_block(before, after, stride) for before, after, stride in sizes))


def _block(before: int, after: int, stride: int) -> nn.Sequential:
    convolution = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU())
