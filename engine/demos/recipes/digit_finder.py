"""digit-finder: a small FCOS that finds handwritten digits on a page, and says which they are."""

from __future__ import annotations

import io
import json
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
from torchmetrics.detection import MeanAveragePrecision

from engine.demos.finder import ObjectFinder
from engine.demos.training import SEED, figure, fit, publish

BACKGROUND = "background"
LABELS = (BACKGROUND, *"0123456789")
SIZE = (64, 96)
_MOST = 6
_PAGES, _HELD = 900, 100


def train(folder: Path, data: Path | None = None, epochs: int | None = None) -> None:
    """Trains on pages with four fifths of the digits, measures on pages with the others, writes the model's folder."""
    lightning.seed_everything(SEED)
    bunch = load_digits()
    chosen, held = train_test_split(range(len(bunch.target)), test_size=0.2, random_state=SEED, stratify=bunch.target)
    images, objects = pages(bunch.images[chosen] / 16, bunch.target[chosen], _PAGES, np.random.default_rng(SEED))
    held_images, held_objects = pages(
        bunch.images[held] / 16, bunch.target[held], _HELD, np.random.default_rng(SEED + 1)
    )
    module = ObjectFinder(classes=len(LABELS), size=SIZE)
    trainer = fit(module, TensorDataset(_scaled(images), torch.from_numpy(objects)), epochs or 14, 12)
    found = _measure(module, held_images, held_objects)
    where = f"{_HELD} pages with digits held out"
    figures = [
        figure("mAP", float(found["map"]), f"{where}, IoU 0.5 to 0.95"),
        figure("mAP at IoU 0.5", float(found["map_50"]), where),
    ]
    _write_samples(folder / "samples", held_images, held_objects)
    publish(folder, trainer, _card(figures))


def pages(
    digits: np.ndarray, labels: np.ndarray, number: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Grey pictures uint8 (number, height, width), and objects float32 (number, most, 5): corners, label or 0."""
    made = [_page(digits, labels, random) for _ in range(number)]
    return np.stack([picture for picture, _ in made]), np.stack([objects for _, objects in made])


def _page(digits: np.ndarray, labels: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A page in uneven light with some stray lines and up to six digits that do not lie on each other."""
    height, width = SIZE
    y, x = np.mgrid[0:height, 0:width]
    light = random.uniform(0.75, 0.95) + 0.07 * np.cos((x * random.uniform(-1, 1) + y * random.uniform(-1, 1)) / 50)
    for _ in range(int(random.integers(3))):
        along = np.abs(x * random.uniform(-1, 1) + y - random.uniform(0, height)) < 0.8
        light[along] *= random.uniform(0.5, 0.8)
    objects = np.zeros((_MOST, 5), np.float32)
    taken = np.zeros(SIZE, bool)
    for place in range(int(random.integers(1, _MOST + 1))):
        which, side = int(random.integers(len(digits))), int(random.integers(14, 27))
        digit = _written(digits[which], side)
        top, left = int(random.integers(height - side)), int(random.integers(width - side))
        span = slice(top, top + side), slice(left, left + side)
        if taken[span].any():
            continue
        taken[span] = True
        light[span] *= 1 - digit * random.uniform(0.6, 0.95)
        rows, columns = np.nonzero(digit > 0.3)
        corners = (left + columns.min(), top + rows.min(), left + columns.max() + 1, top + rows.max() + 1)
        objects[place] = (*corners, labels[which] + 1)
    light += random.normal(0, 0.03, SIZE)
    return (light.clip(0, 1) * 255).round().astype(np.uint8), objects


def _written(digit: np.ndarray, side: int) -> np.ndarray:
    """The digit so many pixels high, 0 to 1 where there is ink."""
    picture = Image.fromarray(digit.astype(np.float32))
    return np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC)).clip(0, 1)


def _scaled(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images)[:, None].float() / 255


def _measure(module: ObjectFinder, images: np.ndarray, objects: np.ndarray) -> dict[str, torch.Tensor]:
    metric = MeanAveragePrecision(backend="pycocotools")
    with torch.inference_mode():
        found = module(list(_scaled(images)))
    real = [torch.from_numpy(each[each[:, 4] > 0]) for each in objects]
    metric.update(found, [{"boxes": each[:, :4], "labels": each[:, 4].long()} for each in real])
    measured: dict[str, torch.Tensor] = metric.compute()
    return measured


def _write_samples(folder: Path, images: np.ndarray, objects: np.ndarray) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"page-{number:03d}.png" for number in range(1, 25)]
    larger = [1 + number % 3 for number in range(len(names))]  # scans come in more than one size
    with zipfile.ZipFile(folder / "pages-with-boxes.zip", "w") as archive:
        for name, picture, times in zip(names, images, larger, strict=False):
            archive.writestr(name, _png(picture, times))
        archive.writestr("annotations.json", json.dumps(_coco(names, objects, larger)))
    with zipfile.ZipFile(folder / "pages-one-broken.zip", "w") as archive:
        for number, picture in enumerate(images[24:30], start=1):
            content = _png(picture, 2)
            archive.writestr(f"scan-{number:03d}.png", content[:300] if number == 4 else content)
    (folder / "page.png").write_bytes(_png(images[30], 3))


def _png(pixels: np.ndarray, times: int) -> bytes:
    content = io.BytesIO()
    picture = Image.fromarray(pixels)
    picture.resize((picture.width * times, picture.height * times), Image.Resampling.BICUBIC).save(content, "PNG")
    return content.getvalue()


def _coco(names: Sequence[str], objects: np.ndarray, larger: Sequence[int]) -> dict[str, object]:
    """The boxes as COCO has them, in the pictures' own pixels."""
    annotations: list[dict[str, object]] = []
    for number, (each, times) in enumerate(zip(objects, larger, strict=False), start=1):
        for left, top, right, bottom, label in (each[each[:, 4] > 0] * (times, times, times, times, 1)).tolist():
            box = [left, top, right - left, bottom - top]
            own = {"id": len(annotations) + 1, "image_id": number, "category_id": int(label), "iscrowd": 0}
            annotations.append({**own, "bbox": box, "area": box[2] * box[3]})
    return {
        "images": [
            {"id": number, "file_name": name, "width": SIZE[1] * times, "height": SIZE[0] * times}
            for number, (name, times) in enumerate(zip(names, larger, strict=True), start=1)
        ],
        "annotations": annotations,
        "categories": [{"id": number, "name": label} for number, label in enumerate(LABELS) if number],
    }


def _card(figures: Sequence[dict[str, object]]) -> dict[str, object]:
    return {
        "title": "Digits on a page",
        "task": "object-detection",
        "module": "engine.demos.finder:ObjectFinder",
        "checkpoint": "model.ckpt",
        "description": "Where handwritten digits are on a scanned page, and which they are.",
        "source": "Pages drawn around digits of Alpaydin, Kaynak (1998), Optical Recognition of Handwritten Digits; "
        "through scikit-learn",
        "license": "CC BY 4.0",
        "image": {"size": list(SIZE), "channels": 1, "fit": "contain"},
        "labels": list(LABELS),
        "background": BACKGROUND,
        "target": "true_boxes",
        "samples": [
            {"title": "24 pages with their boxes", "files": ["samples/pages-with-boxes.zip"]},
            {"title": "6 pages, one broken", "files": ["samples/pages-one-broken.zip"]},
            {"title": "One page", "files": ["samples/page.png"]},
        ],
        "figures": list(figures),
    }
