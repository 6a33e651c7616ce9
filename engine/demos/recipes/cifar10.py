"""cifar10: ten kinds of things in photos, a small residual network trained on CIFAR-10."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytorch_lightning as lightning
import torch
from torch.utils.data import DataLoader, IterableDataset
from torchmetrics.functional.classification import multiclass_accuracy, multiclass_f1_score
from torchvision.datasets import CIFAR10
from torchvision.io import ImageReadMode, decode_image

from engine.demos.cnn import ImageClassifier
from engine.demos.training import SEED, figure, publish, quiet_trainer

LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
BATCH, PADDING, EPOCHS = 256, 4, 24


class Augmented(IterableDataset[tuple[torch.Tensor, torch.Tensor]]):
    """Shuffled batches of normalised pictures, each shifted by up to four pixels and mirrored by chance."""

    def __init__(self, pixels: torch.Tensor, labels: torch.Tensor) -> None:
        self._x = torch.nn.functional.pad(normalised(pixels), [PADDING] * 4, mode="reflect")
        self._y, self._size = labels, pixels.shape[-1]

    def __len__(self) -> int:
        return len(self._y) // BATCH

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for chosen in torch.randperm(len(self._y)).split(BATCH)[: len(self)]:
            yield torch.stack([self._crop(self._x[index]) for index in chosen]), self._y[chosen]

    def _crop(self, picture: torch.Tensor) -> torch.Tensor:
        top, left, mirror = (int(torch.randint(n, ())) for n in (2 * PADDING + 1, 2 * PADDING + 1, 2))
        cut = picture[:, top : top + self._size, left : left + self._size]
        return cut.flip(2) if mirror else cut


def normalised(pixels: torch.Tensor) -> torch.Tensor:
    """uint8 (n, 3, 32, 32) → float32 as the card's `mean` and `std` make it."""
    shape = (1, -1, 1, 1)
    return (pixels.float() / 255 - torch.tensor(MEAN).reshape(shape)) / torch.tensor(STD).reshape(shape)


def read_zip(path: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """(uint8 (n, 3, 32, 32), class numbers (n)) of a zip with a folder a class."""
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        pixels = [
            decode_image(torch.frombuffer(bytearray(archive.read(name)), dtype=torch.uint8), ImageReadMode.RGB)
            for name in names
        ]
    return torch.stack(pixels), torch.tensor([LABELS.index(name.split("/")[-2]) for name in names])


def train(folder: Path, data: Path | None = None, epochs: int | None = None) -> None:
    """Trains on `data`/train.zip, or on torchvision's CIFAR-10, and writes the model's folder; samples stay."""
    (pixels, labels), (held_pixels, held_labels) = _read(data)
    trainer = fit(pixels, labels, epochs or EPOCHS)
    write(folder, trainer, held_pixels, held_labels)


def fit(pixels: torch.Tensor, labels: torch.Tensor, epochs: int) -> lightning.Trainer:
    """The trainer of a trained network, which is in eval mode."""
    lightning.seed_everything(SEED)
    module = ImageClassifier().to(memory_format=torch.channels_last)
    trainer = quiet_trainer(epochs, "bf16-mixed")
    trainer.fit(module, DataLoader(Augmented(pixels, labels), batch_size=None))
    module.eval()
    return trainer


def write(folder: Path, trainer: lightning.Trainer, pixels: torch.Tensor, labels: torch.Tensor) -> None:
    """Measures on pictures held out, in float32, and publishes."""
    module = trainer.lightning_module
    with torch.inference_mode():
        found = torch.cat([module(normalised(part)) for part in pixels.split(500)])
    where = f"{len(labels):,} pictures held out"
    figures = [
        figure("Accuracy", multiclass_accuracy(found, labels, 10, average="micro").item(), where),
        figure("Macro F1", multiclass_f1_score(found, labels, 10, average="macro").item(), where),
    ]
    publish(folder, trainer, _card(figures, [path.name for path in sorted((folder / "samples").glob("*.jpg"))]))


def _read(data: Path | None) -> tuple[tuple[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]:
    if data is not None:
        return read_zip(data / "train.zip"), read_zip(data / "test.zip")
    parts = [CIFAR10(Path.home() / ".cache" / "cifar10", train=part, download=True) for part in (True, False)]
    first, second = ((torch.from_numpy(part.data).permute(0, 3, 1, 2), torch.tensor(part.targets)) for part in parts)
    return first, second


def _card(figures: list[dict[str, object]], samples: list[str]) -> dict[str, object]:
    return {
        "title": "Things in photos",
        "task": "image-classification",
        "module": "engine.demos.cnn:ImageClassifier",
        "checkpoint": "model.ckpt",
        "description": "Which of ten kinds of things a photo shows. Trained on pictures of 32 × 32 pixels in which one "
        "thing fills the frame: photos of many things, or of other things, are answered all the same, and wrongly.",
        "source": "Krizhevsky (2009), Learning Multiple Layers of Features from Tiny Images (CIFAR-10)",
        "license": "Apache-2.0; the samples' own are in samples/SOURCES.md",
        # The module's own predict_step gives class numbers alone; forward gives logits, and so confidences.
        "step": "forward",
        "output_kind": "logits",
        "image": {"size": [32, 32], "channels": 3, "fit": "cover", "mean": list(MEAN), "std": list(STD)},
        "labels": list(LABELS),
        "target": "label",
        "samples": [{"title": f"{len(samples)} photos", "files": [f"samples/{name}" for name in samples]}]
        if samples
        else [],
        "figures": figures,
    }
