"""notes: a small U-Net that tells handwriting from ruling and stamps on pages made of real handwritten digits."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytorch_lightning as lightning
import torch
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import TensorDataset
from torchmetrics.functional.classification import multiclass_accuracy, multiclass_jaccard_index

from engine.demos.training import SEED, figure, fit, publish
from engine.demos.unet import PixelClassifier

LABELS = ("paper", "ruling", "writing", "stamp")
SIZE = (64, 96)
_PAGES, _HELD = 200, 60


def train(folder: Path, data: Path | None = None, epochs: int | None = None) -> None:
    """Trains on pages with four fifths of the digits, measures on pages with the others, writes the model's folder."""
    lightning.seed_everything(SEED)
    digits = load_digits().images / 16
    chosen, held = train_test_split(range(len(digits)), test_size=0.2, random_state=SEED)
    images, masks = pages(digits[chosen], _PAGES, np.random.default_rng(SEED))
    held_images, held_masks = pages(digits[held], _HELD, np.random.default_rng(SEED + 1))
    module = PixelClassifier(classes=len(LABELS), width=10)
    data_set = TensorDataset(_scaled(images), torch.from_numpy(masks).long())
    trainer = fit(module, data_set, epochs or 16, 8)
    with torch.inference_mode():
        found, truth = module(_scaled(held_images)).argmax(dim=1), torch.from_numpy(held_masks).long()
    where, n = f"{_HELD} pages with digits held out", len(LABELS)
    figures = [
        figure("Mean IoU", multiclass_jaccard_index(found, truth, n, average="macro").item(), where),
        figure("Pixel accuracy", multiclass_accuracy(found, truth, n, average="micro").item(), where),
    ]
    _write_samples(folder / "samples", held_images, held_masks)
    publish(folder, trainer, _card(figures))


def pages(digits: np.ndarray, number: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Pictures uint8 (number, height, width, 3) of pages, and their masks uint8 (number, height, width)."""
    made = [_page(digits, random) for _ in range(number)]
    return np.stack([picture for picture, _ in made]), np.stack([mask for _, mask in made])


def _page(digits: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Paper in uneven light, perhaps ruled, a few digits, perhaps a stamp over them."""
    height, width = SIZE
    y, x = np.mgrid[0:height, 0:width]
    light = 0.82 + 0.1 * random.random() + 0.08 * np.cos((x * random.uniform(-1, 1) + y * random.uniform(-1, 1)) / 60)
    picture = np.repeat(light[..., None], 3, axis=2) * random.uniform((0.95, 0.93, 0.86), 1)
    mask = np.zeros(SIZE, np.uint8)
    if random.random() < 0.8:
        gap, blue = int(random.integers(12, 20)), random.uniform((0.45, 0.55, 0.75), (0.65, 0.75, 0.95))
        lines = (y + (x * random.uniform(-0.03, 0.03)).astype(int) + int(random.integers(gap))) % gap == 0
        picture[lines], mask[lines] = 0.35 * picture[lines] + 0.65 * blue, 1
    for _ in range(int(random.integers(2, 7))):
        ink = random.uniform((0.02, 0.02, 0.05), (0.2, 0.2, 0.5))
        _ink(picture, mask, _written(digits, random), ink, random)
    if random.random() < 0.5:
        far = np.hypot(y - random.uniform(12, height - 12), x - random.uniform(12, width - 12))
        radius = random.uniform(8, 15)
        stamp = (np.abs(far - radius) < random.uniform(1.5, 3)) | (far < radius / 3)
        picture[stamp] = 0.3 * picture[stamp] + 0.7 * random.uniform((0.6, 0.05, 0.05), (0.9, 0.25, 0.25))
        mask[stamp] = 3
    picture += random.normal(0, 0.025, picture.shape)
    return (picture.clip(0, 1) * 255).round().astype(np.uint8), mask


def _written(digits: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """One of the digits, 14 to 25 pixels high, 0 to 1 where there is ink."""
    side = int(random.integers(14, 26))
    digit = Image.fromarray(digits[random.integers(len(digits))].astype(np.float32))
    return np.asarray(digit.resize((side, side), Image.Resampling.BICUBIC)).clip(0, 1)


def _ink(
    picture: np.ndarray, mask: np.ndarray, digit: np.ndarray, ink: np.ndarray, random: np.random.Generator
) -> None:
    """Writes the digit somewhere on the page."""
    side = len(digit)
    top, left = int(random.integers(SIZE[0] - side)), int(random.integers(SIZE[1] - side))
    place = slice(top, top + side), slice(left, left + side)
    picture[place] = picture[place] * (1 - digit[..., None]) + digit[..., None] * ink
    mask[place][digit > 0.4] = 2


def _scaled(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255


def _write_samples(folder: Path, images: np.ndarray, masks: np.ndarray) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / "pages-with-masks.zip", "w") as archive:
        for number, (picture, mask) in enumerate(zip(images[:24], masks, strict=False), start=1):
            larger = 2 + number % 2  # scans come in more than one size
            archive.writestr(f"images/page-{number:03d}.jpg", _saved(picture, larger, "JPEG"))
            archive.writestr(f"masks/page-{number:03d}.png", _saved(mask, larger, "PNG"))
    with zipfile.ZipFile(folder / "pages-one-broken.zip", "w") as archive:
        for number, picture in enumerate(images[24:30], start=1):
            content = _saved(picture, 3, "JPEG")
            archive.writestr(f"scan-{number:03d}.jpg", content[:400] if number == 4 else content)
    (folder / "page.jpg").write_bytes(_saved(images[30], 4, "JPEG"))


def _saved(pixels: np.ndarray, larger: int, kind: str) -> bytes:
    content = io.BytesIO()
    how = Image.Resampling.BICUBIC if kind == "JPEG" else Image.Resampling.NEAREST
    picture = Image.fromarray(pixels)
    picture.resize((picture.width * larger, picture.height * larger), how).save(content, kind, quality=90)
    return content.getvalue()


def _card(figures: Sequence[dict[str, object]]) -> dict[str, object]:
    return {
        "title": "Handwriting on a page",
        "task": "image-segmentation",
        "module": "engine.demos.unet:PixelClassifier",
        "checkpoint": "model.ckpt",
        "description": "Which pixels of a scanned page are handwriting, which ruling, which stamp, which bare paper.",
        "source": "Pages drawn around digits of Alpaydin, Kaynak (1998), Optical Recognition of Handwritten Digits; "
        "through scikit-learn",
        "license": "CC BY 4.0",
        "image": {"size": list(SIZE), "channels": 3, "fit": "contain"},
        "labels": list(LABELS),
        "background": LABELS[0],
        "target": "true_mask",
        "samples": [
            {"title": "24 pages with their masks", "files": ["samples/pages-with-masks.zip"]},
            {"title": "6 pages, one broken", "files": ["samples/pages-one-broken.zip"]},
            {"title": "One page", "files": ["samples/page.jpg"]},
        ],
        "figures": list(figures),
    }
