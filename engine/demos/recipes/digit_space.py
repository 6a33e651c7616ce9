"""digit-space: a vector of twelve figures for each handwritten digit; digits that look alike lie near each other."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytorch_lightning as lightning
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import TensorDataset

from engine.demos.embedder import DigitEmbedder
from engine.demos.recipes.digits import png
from engine.demos.training import SEED, figure, fit, publish

DIMENSIONS = 12
_SHOWN = 150


def train(folder: Path, data: Path | None = None, epochs: int | None = None) -> None:
    """Trains on four fifths of the digits and writes the model's folder."""
    lightning.seed_everything(SEED)
    bunch = load_digits()
    pixels = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[:, None]
    x, y = torch.from_numpy(pixels).float() / 255, torch.from_numpy(bunch.target)
    chosen, held = train_test_split(range(len(x)), test_size=0.2, random_state=SEED, stratify=bunch.target)
    module = DigitEmbedder(DIMENSIONS)
    trainer = fit(module, TensorDataset(x[chosen], y[chosen]), epochs or 15, 64)
    with torch.inference_mode():
        vectors = module(x[held])
    likeness = (vectors @ vectors.T).fill_diagonal_(-2)
    same = (y[held][likeness.topk(5).indices] == y[held][:, None]).float()
    where = f"{len(held)} digits held out"
    figures = [
        figure("Nearest is the same digit", same[:, 0].mean().item(), where),
        figure("Same digit among the five nearest", same.mean().item(), where),
    ]
    _write_samples(folder / "samples", pixels[held][:, 0], bunch.target[held])
    publish(folder, trainer, _card(figures))


def _write_samples(folder: Path, pixels: np.ndarray, labels: np.ndarray) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / "digits-in-folders.zip", "w") as archive:
        for number, (digit, label) in enumerate(zip(pixels[:_SHOWN], labels, strict=False), start=1):
            archive.writestr(f"{label}/{number:03d}.png", png(digit))
    with zipfile.ZipFile(folder / "digits-one-broken.zip", "w") as archive:
        for number, digit in enumerate(pixels[:12], start=1):
            archive.writestr(f"scan-{number:03d}.png", png(digit)[:60] if number == 7 else png(digit))


def _card(figures: list[dict[str, object]]) -> dict[str, object]:
    return {
        "title": "Digits in space",
        "task": "image-feature-extraction",
        "module": "engine.demos.embedder:DigitEmbedder",
        "checkpoint": "model.ckpt",
        "description": "A vector of twelve figures for a small grey picture of a digit: pictures that look alike get "
        "vectors that point the same way.",
        "source": "Alpaydin, Kaynak (1998), Optical Recognition of Handwritten Digits; through scikit-learn",
        "license": "CC BY 4.0",
        "image": {"size": [8, 8], "channels": 1, "fit": "contain"},
        "dimensions": DIMENSIONS,
        "target": "label",
        "samples": [
            {"title": f"{_SHOWN} digits in folders", "files": ["samples/digits-in-folders.zip"]},
            {"title": "12 digits, one broken", "files": ["samples/digits-one-broken.zip"]},
        ],
        "figures": figures,
    }
