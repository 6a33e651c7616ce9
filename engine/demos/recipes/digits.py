"""digits: a small convolutional network on 1,797 handwritten digits of 8 × 8 pixels."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytorch_lightning as lightning
import torch
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import TensorDataset
from torchmetrics.functional.classification import multiclass_accuracy, multiclass_f1_score

from engine.demos.cnn import DigitClassifier
from engine.demos.training import SEED, figure, fit, publish

LABELS = tuple("0123456789")


def train(folder: Path, data: Path | None = None, epochs: int | None = None) -> None:
    """Trains on four fifths of the digits and writes the model's folder."""
    lightning.seed_everything(SEED)
    bunch = load_digits()
    pixels = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[:, None]
    x, y = torch.from_numpy(pixels).float() / 255, torch.from_numpy(bunch.target)
    chosen, held = train_test_split(range(len(x)), test_size=0.2, random_state=SEED, stratify=bunch.target)
    module = DigitClassifier()
    trainer = fit(module, TensorDataset(x[chosen], y[chosen]), epochs or 40, 64)
    with torch.inference_mode():
        found = module(x[held])
    where = f"{len(held)} digits held out"
    figures = [
        figure("Accuracy", multiclass_accuracy(found, y[held], 10, average="micro").item(), where),
        figure("Macro F1", multiclass_f1_score(found, y[held], 10, average="macro").item(), where),
    ]
    _write_samples(folder / "samples", pixels[held][:, 0], bunch.target[held])
    publish(folder, trainer, _card(figures))


def _write_samples(folder: Path, pixels: np.ndarray, labels: np.ndarray) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [png(digit) for digit in pixels[:60]]
    with zipfile.ZipFile(folder / "digits-in-folders.zip", "w") as archive:
        for number, (picture, label) in enumerate(zip(pictures, labels, strict=False), start=1):
            archive.writestr(f"{label}/{number:03d}.png", picture)
    with zipfile.ZipFile(folder / "digits-one-broken.zip", "w") as archive:
        for number, picture in enumerate(pictures[:12], start=1):
            archive.writestr(f"scan-{number:03d}.png", picture[:60] if number == 7 else picture)


def png(digit: np.ndarray) -> bytes:
    """The grey picture as a PNG file."""
    content = io.BytesIO()
    Image.fromarray(digit).save(content, "PNG")
    return content.getvalue()


def _card(figures: list[dict[str, object]]) -> dict[str, object]:
    return {
        "title": "Handwritten digits",
        "task": "image-classification",
        "module": "engine.demos.cnn:DigitClassifier",
        "checkpoint": "model.ckpt",
        "description": "Which digit, 0 to 9, a small grey picture shows: white ink on black ground.",
        "source": "Alpaydin, Kaynak (1998), Optical Recognition of Handwritten Digits; through scikit-learn",
        "license": "CC BY 4.0",
        "image": {"size": [8, 8], "channels": 1, "fit": "contain"},
        "labels": list(LABELS),
        "target": "label",
        "samples": [
            {"title": "60 digits in folders", "files": ["samples/digits-in-folders.zip"]},
            {"title": "12 digits, one broken", "files": ["samples/digits-one-broken.zip"]},
        ],
        "figures": figures,
    }
