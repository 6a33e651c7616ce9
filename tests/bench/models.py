"""Models that only the bench needs: a perceptron of three classes, a small network for pictures. Weights are random."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytorch_lightning as lightning
import torch
import yaml
from torch import nn
from torchvision.models import resnet50

from engine.demos.mlp import MlpClassifier
from engine.demos.recipes.cifar10 import MEAN, STD
from engine.demos.training import quiet_trainer


class SmallCnn(lightning.LightningModule):
    """Two convolutions and a linear layer: (batch, 3, 32, 32) → logits (batch, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 16, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(2048, 10),
        )  # fmt: skip

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.layers(images)
        return logits


def write_models(folder: Path) -> Path:
    """Writes both models into `folder`."""
    torch.manual_seed(0)
    signature = [{"name": f"x{number}"} for number in range(30)]
    perceptron = {"task": "tabular-classification", "module": "engine.demos.mlp:MlpClassifier", "signature": signature}
    _write(
        folder / "three-classes", MlpClassifier(30, 3, 64), {**perceptron, "labels": ["class-0", "class-1", "class-2"]}
    )
    pictures = {"task": "image-classification", "module": "tests.bench.models:SmallCnn"}
    image = {"size": [32, 32], "mean": list(MEAN), "std": list(STD)}
    labels = [f"class-{number}" for number in range(10)]
    _write(folder / "small-cnn", SmallCnn(), {**pictures, "image": image, "labels": labels, "output_kind": "logits"})
    return folder


class ResNet50(lightning.LightningModule):
    """torchvision's: (batch, 3, 224, 224) → logits (batch, 1000)."""

    def __init__(self) -> None:
        super().__init__()
        self.net = resnet50()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.net(images)
        return logits


def write_resnet(folder: Path) -> None:
    """Writes a ResNet-50 with random weights."""
    torch.manual_seed(0)
    image = {"size": [224, 224], "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    labels = [f"class-{number}" for number in range(1_000)]
    card = {"task": "image-classification", "module": "tests.bench.models:ResNet50", "image": image, "labels": labels}
    _write(folder, ResNet50(), {**card, "output_kind": "logits"})


def _write(folder: Path, module: lightning.LightningModule, card: dict[str, Any]) -> None:
    folder.mkdir(parents=True)
    trainer = quiet_trainer(1)
    trainer.strategy.connect(module)
    trainer.save_checkpoint(folder / "model.ckpt", weights_only=True)
    (folder / "card.yaml").write_text(yaml.safe_dump({"title": folder.name, **card}))
