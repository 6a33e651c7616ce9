"""Masks: what a module gives as a picture's classes, in the picture's own pixels, and judged by masks beside it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image
from sklearn import metrics
from torchvision.transforms.v2 import functional as transforms

from engine import (
    ClassComparison,
    Engine,
    Filter,
    MaskEvaluation,
    Options,
    Results,
    Settings,
    Source,
    compare,
    evaluation_of,
)
from engine.cards.parts import ImageInput
from engine.errors import ExportError, ModuleProbeError
from engine.kinds.frame import frame_of
from engine.kinds.masks import UNKNOWN, in_model_shape, in_own_shape
from engine.readers.images import fit
from tests.engine.making import write_model
from tests.pool import open_engine

# The class of a pixel is the brightest of its channels: red is 0, green 1, blue 2.
CODE = """
import pytorch_lightning as pl, torch
class Model(pl.LightningModule):
    def __init__(self, kind="logits"):
        super().__init__(); self.save_hyperparameters()
        self.scale = torch.nn.Parameter(torch.tensor(9.0))
    def forward(self, x):
        logits = x * self.scale
        return {"logits": logits, "probabilities": logits.softmax(1), "classes": logits.argmax(1),
                "dict": {"out": logits, "aux": logits}, "small": torch.nn.functional.avg_pool2d(logits, 2),
                "wrong": logits[:, :2], "one": logits[:, :1] - 4}[self.hparams.kind]
"""
LABELS = ["red", "green", "blue"]
CARD: dict[str, Any] = {"title": "Brightest", "task": "image-segmentation", "labels": LABELS, "background": "red"}
FITS = ("cover", "contain", "stretch")
SIZES = ((16, 24), (48, 30), (10, 90))


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("masks")
    for each in FITS:
        write_model(folder / "models" / each, CODE, {**CARD, "image": {"size": [16, 24], "fit": each}})
    engine = open_engine(Settings(home=folder / "home", models=(folder / "models",), accelerator="cpu"))
    yield engine
    engine.close()


def pictures() -> list[tuple[np.ndarray, np.ndarray]]:
    """Pictures of blocks in pure colours, and their masks."""
    random = np.random.default_rng(4)
    made = []
    for height, width in SIZES:
        mask = np.kron(random.integers(0, 3, (2, 3)), np.ones((height // 2, width // 3), int)).astype(np.uint8)
        made.append((np.eye(3, dtype=np.uint8)[mask] * 255, mask))
    return made


def packed(path: Path, *, broken: bool = False) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for number, (picture, mask) in enumerate(pictures()):
            content = _png(picture)
            archive.writestr(f"images/{number}.png", content[:60] if broken and number == 1 else content)
            archive.writestr(f"masks/{number}.png", _png(mask))
    return path


def predicted(engine: Engine, model: str, path: Path) -> Results:
    run = engine.check(model, [Source(path.name, path)], keep_files=True)
    engine.submit(run.id, Options(on_error="report"))
    ended = engine.wait(run.id)
    assert ended.state == "done", ended.error
    return engine.results(run.id)


def _png(pixels: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("size", [*SIZES, (24, 16), (7, 7), (100, 13)])
def test_a_frame_is_the_fit_the_other_way_round(name: Any, size: tuple[int, int]) -> None:
    """A ramp, fitted as pictures are, holds for each pixel where it comes from; the frame says the same."""
    image = ImageInput(size=(16, 24), fit=name)
    rows, columns = torch.meshgrid(*(torch.arange(side) + 0.5 for side in size), indexing="ij")
    fitted = fit(torch.stack([rows, columns, torch.ones(size)]).float(), image)
    frame = frame_of(image, *size)
    inside = frame.inside((16, 24))
    for channel, (first, last, pixels) in enumerate(((frame.top, frame.bottom, 16), (frame.left, frame.right, 24))):
        expected = first + (np.arange(pixels) + 0.5) * (last - first) / pixels
        found = fitted[channel][inside].numpy().mean(axis=1 - channel)
        # Antialiasing leans inwards at the edges: one own pixel, or what one of the model's covers.
        assert np.abs(found - expected[inside[channel]]).max() <= max(1.0, (last - first) / pixels) + 0.01
    assert (fitted[2][inside] > 0.5).all()
    assert int((fitted[2] > 0.5).sum()) == fitted[2][inside].numel(), "what is not inside is padding"


@pytest.mark.parametrize("name", FITS)
def test_a_mask_there_and_back(name: Any) -> None:
    image = ImageInput(size=(16, 24), fit=name)
    mask = np.random.default_rng(0).integers(0, 3, (16, 24)).astype(np.uint8)
    frame = frame_of(image, 32, 48)
    own = in_own_shape(mask, frame)
    assert own.shape == (32, 48)
    assert np.array_equal(in_model_shape(own, frame, (16, 24)), mask)


@pytest.mark.parametrize("name", FITS)
def test_masks_are_the_pictures_own(painted: Engine, tmp_path: Path, name: str) -> None:
    results = predicted(painted, name, packed(tmp_path / "p.zip"))
    lines = results.page(0, 9)
    for row, (_, mask) in enumerate(pictures(), start=1):
        own = np.array(Image.open(io.BytesIO(results.own_mask(row))))
        assert own.shape == mask.shape
        seen = own != UNKNOWN
        assert seen.all() == (name != "cover" or row == 1)
        assert (own[seen] == mask[seen]).mean() > 0.85, "blocks differ at their edges alone"
        shares = lines.row(row - 1, named=True)
        assert sum(shares[f"share_{label}"] for label in LABELS) == pytest.approx(1)
        if name != "cover":
            assert [shares[f"share_{label}"] for label in LABELS] == pytest.approx(
                np.bincount(mask.reshape(-1), minlength=3) / mask.size, abs=0.1
            )
    assert lines["width"].to_list() == [width for _, width in SIZES]
    assert "mask" not in [column.name for column in results.columns]


@pytest.mark.parametrize("name", FITS)
def test_the_figures_are_scikit_learns(painted: Engine, tmp_path: Path, name: str) -> None:
    results = predicted(painted, name, packed(tmp_path / "p.zip", broken=True))
    evaluation = evaluation_of(results)
    assert isinstance(evaluation, MaskEvaluation)
    for where in ((), (Filter("row", "in", (3,)),)):
        figures, rows = evaluation.figures(where), evaluation.rows(where)
        assert figures is not None
        assert rows is not None
        truth, found = [], []
        for number, own, true in (
            (n, o, t) for ns, os, ts in evaluation.pairs(where) for n, o, t in zip(ns, os, ts, strict=True)
        ):
            truth.append(true[true != UNKNOWN])
            found.append(own[true != UNKNOWN])
            line = rows.lines.filter(pl.col("row") == number)
            assert line["accuracy"].item() == pytest.approx((truth[-1] == found[-1]).mean())
        y, x = np.concatenate(truth), np.concatenate(found)
        occurs = np.union1d(y, x)
        assert figures.used.rows == (1 if where else 2)
        assert figures.accuracy == pytest.approx(metrics.accuracy_score(y, x))
        assert figures.mean_iou == pytest.approx(metrics.jaccard_score(y, x, labels=occurs, average="macro"))
        assert figures.mean_dice == pytest.approx(metrics.f1_score(y, x, labels=occurs, average="macro"))
        assert np.array_equal(figures.confusion, metrics.confusion_matrix(y, x, labels=range(3)))
        assert figures.mean_iou > 0.7


def test_what_is_wrong_with_masks_is_said(painted: Engine, tmp_path: Path) -> None:
    path = packed(tmp_path / "p.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("images/a.png", _png(pictures()[0][0]))
        archive.writestr("images/b.png", _png(pictures()[0][0]))
        archive.writestr("images/c.png", _png(pictures()[0][0]))
        archive.writestr("a_mask.png", _png(pictures()[1][1]))
        archive.writestr("masks/b.png", _png(pictures()[0][0]))
        archive.writestr("masks/nobody.png", _png(pictures()[0][1]))
    run = painted.check("cover", [Source("p.zip", path)])
    said = " ".join(problem.message for problem in run.report.problems)
    assert run.report.n_good == 6
    assert "1 mask belongs to no picture" in said
    assert "a_mask.png has 30 × 48 pixels, its picture 24 × 16" in said
    assert "masks/b.png cannot be used: it has colours (RGB)" in said
    painted.submit(run.id)
    painted.wait(run.id)
    evaluation = evaluation_of(painted.results(run.id))
    assert evaluation is not None
    assert evaluation.used().unlabelled == 3  # type: ignore[call-arg]


def test_files_of_masks(painted: Engine, tmp_path: Path) -> None:
    results = predicted(painted, "contain", packed(tmp_path / "p.zip", broken=True))
    run_id = results.run.id
    with zipfile.ZipFile(painted.export(run_id, "zip")) as archive:
        assert archive.namelist() == ["labels.json", "masks/images/0.png", "masks/images/2.png"]
        assert archive.read("masks/images/2.png") == results.own_mask(3)
    assert "mask" in pl.read_parquet(painted.export(run_id, "parquet")).columns
    assert "mask" not in pl.read_csv(painted.export(run_id, "csv")).columns
    assert results.mask(2) == b""
    assert results.mask(2, truth=True) == b"", "its picture cannot be decoded, so nothing says how large it is"
    with pytest.raises(ExportError, match="no such format"):
        painted.export(run_id, "json")


@pytest.mark.parametrize("kind", ["logits", "probabilities", "classes", "dict", "small"])
def test_every_form_of_output(tmp_path: Path, kind: str) -> None:
    write_model(tmp_path / "m" / "model", CODE, {**CARD, "image": {"size": [16, 24]}}, kind)
    engine = open_engine(Settings(home=tmp_path / "home", models=(tmp_path / "m",), accelerator="cpu"))
    results = predicted(engine, "model", packed(tmp_path / "p.zip"))
    own = np.array(Image.open(io.BytesIO(results.own_mask(1))))
    assert (own == pictures()[0][1]).mean() > 0.8
    assert ("confidence" in [column.name for column in results.columns]) == (kind != "classes")
    engine.close()


@pytest.mark.parametrize(
    ("kind", "change", "words"),
    [
        ("wrong", {}, r"gives \[2, 16, 24\] for a picture; the card names 3 labels"),
        ("one", {"labels": ["no", "yes"], "background": "no"}, "one figure a pixel for 2 labels: say in the card"),
        ("logits", {"output_kind": "probabilities"}, "do not sum to one"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, kind: str, change: dict[str, Any], words: str) -> None:
    from engine.checkpoints.warm import load_model
    from engine.models.registry import ModelRegistry

    folder = write_model(tmp_path / "m" / "model", CODE, {**CARD, "image": {"size": [16, 24]}, **change}, kind)
    with pytest.raises(ModuleProbeError, match=words):
        load_model(ModelRegistry([tmp_path / "m"]).entry("model").usable_card(), folder)


def test_resizing_is_the_readers(painted: Engine) -> None:
    """What `frame_of` inverts is what torchvision does: its crop of an odd remainder rounds as ours."""
    for height, width in ((17, 31), (31, 17), (5, 9)):
        whole = torch.zeros(1, height, width)
        assert transforms.center_crop(whole, [4, 6]).shape[-2:] == (4, 6)
        frame = frame_of(ImageInput(size=(4, 6), fit="cover"), height, width)
        assert 0 <= frame.left < frame.right <= width
        assert 0 <= frame.top < frame.bottom <= height


def test_runs_are_compared_by_what_covers_most(painted: Engine, tmp_path: Path) -> None:
    path = packed(tmp_path / "p.zip")
    first, second = (predicted(painted, name, path) for name in ("contain", "stretch"))
    comparison = compare(first, second)
    assert isinstance(comparison, ClassComparison)
    agreement = comparison.agreement()
    chosen = [results.page(0, 9)["prediction"] for results in (first, second)]
    assert (agreement.rows, agreement.share) == (len(SIZES), (chosen[0] == chosen[1]).mean())
    assert set(comparison.differences()["row"]) <= {1, 2, 3}
