"""Boxes: what a detector gives, in the picture's own pixels, and judged by a COCO file beside the pictures."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import torch
from PIL import Image
from torchmetrics.detection import MeanAveragePrecision
from torchvision.ops import box_convert

from engine import (
    Boxes,
    BoxEvaluation,
    Engine,
    Filter,
    Options,
    Results,
    Settings,
    Source,
    ValueComparison,
    box_counts,
    compare,
    evaluation_of,
)
from engine.cards.card import ModelCard
from engine.checkpoints.warm import LoadedModel, load_model
from engine.errors import CardError, ModuleProbeError
from engine.kinds.boxes import NO_BOX, padded
from engine.model_check.doubts import rehearse
from engine.models.registry import ModelRegistry
from engine.tasks import TASKS
from engine.tasks.box_outputs import BoxOutputs
from tests.engine.making import write_model
from tests.pool import open_engine

# A box around each block of pure colour: the class is its channel, the score its brightness.
CODE = """
import pytorch_lightning as pl, torch
class Model(pl.LightningModule):
    def __init__(self, form="list"):
        super().__init__(); self.save_hyperparameters()
        self.one = torch.nn.Parameter(torch.ones(1))
    def found(self, picture):
        boxes, scores, labels = [], [], []
        for channel in range(3):
            ys, xs = torch.nonzero(picture[channel] > 0.02, as_tuple=True)
            if len(xs):
                boxes.append([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
                scores.append(picture[channel].max()); labels.append(channel + 1)
        return {"boxes": torch.tensor(boxes).reshape(-1, 4).float() * self.one, "scores": torch.tensor(scores),
                "labels": torch.tensor(labels, dtype=torch.long)}
    def forward(self, x):
        each = [self.found(picture) for picture in x]
        if self.hparams.form == "list":
            assert isinstance(x, list)
            return each
        whole = torch.full((len(x), 3, 6), -1.0)
        for place, one in enumerate(each):
            n = len(one["scores"])
            whole[place, :n] = torch.cat([one["boxes"], one["scores"][:, None], one["labels"][:, None].float()], 1)
        if self.hparams.form == "shares":
            whole[..., :4] = torch.where(whole[..., 4:5] < 0, -1.0, whole[..., :4] / torch.tensor([24, 16, 24, 16]))
        return whole if self.hparams.form != "wrong" else whole[..., :5]
"""
LABELS = ["nothing", "red", "green", "blue"]
CARD: dict[str, Any] = {
    "title": "Blocks",
    "task": "object-detection",
    "image": {"size": [16, 24], "fit": "contain"},
    "labels": LABELS,
    "background": "nothing",
    "target": "true",
}
FORMS = {
    "list": {},
    "tensor": {},
    "shares": {"boxes": {"normalised": True}},
}
# (height, width) of the picture; (channel, x, y, width, height, brightness) of its blocks.
PICTURES = (
    ((16, 24), [(0, 2, 3, 8, 6, 255), (1, 14, 8, 6, 7, 128)]),
    ((32, 48), [(0, 6, 4, 20, 10, 200), (2, 30, 20, 12, 8, 90)]),
    ((64, 24), [(1, 4, 8, 16, 16, 255)]),
    ((20, 20), []),
)


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("boxes")
    for form, more in FORMS.items():
        write_model(folder / "models" / form, CODE.replace('form="list"', f'form="{form}"'), {**CARD, **more})
    engine = open_engine(Settings(home=folder / "home", models=(folder / "models",), accelerator="cpu"))
    yield engine
    engine.close()


def card_of(content: dict[str, Any]) -> ModelCard:
    return ModelCard.model_validate({**content, "module": "m:M", "checkpoint": "m.ckpt"})


def packed(path: Path, coco: dict[str, Any] | None = None, *, broken: bool = False) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for number, ((height, width), blocks) in enumerate(PICTURES):
            pixels = np.zeros((height, width, 3), np.uint8)
            for channel, x, y, w, h, brightness in blocks:
                pixels[y : y + h, x : x + w, channel] = brightness
            content = io.BytesIO()
            Image.fromarray(pixels).save(content, "PNG")
            archive.writestr(
                f"images/{number}.png", content.getvalue()[:60] if broken and number == 1 else content.getvalue()
            )
        if coco is not None:
            archive.writestr("annotations.json", json.dumps(coco))
    return path


def coco_of(boxes: list[tuple[int, str, float, float, float, float]], **more: Any) -> dict[str, Any]:
    """A COCO file of (picture, label, x, y, width, height), whose numbers are none that the model uses."""
    kinds = {label: 10 * place for place, label in enumerate([*LABELS, "violet"])}
    return {
        "images": [{"id": 7 * n + 3, "file_name": f"somewhere/{n}.png"} for n in range(len(PICTURES))],
        "categories": [{"id": number, "name": label} for label, number in kinds.items()],
        "annotations": [
            {"id": n + 1, "image_id": 7 * picture + 3, "category_id": kinds[label], "bbox": sides, "iscrowd": 0}
            for n, (picture, label, *sides) in enumerate(boxes)
        ],
        **more,
    }


def predicted(engine: Engine, model: str, path: Path) -> Results:
    run = engine.check(model, [Source(path.name, path)], keep_files=True)
    engine.submit(run.id, Options(on_error="report"))
    ended = engine.wait(run.id)
    assert ended.state == "done", ended.error
    return engine.results(run.id)


@pytest.mark.parametrize("form", FORMS)
def test_boxes_are_in_the_pictures_own_pixels(seeing: Engine, tmp_path: Path, form: str) -> None:
    lines = predicted(seeing, form, packed(tmp_path / "p.zip", broken=True)).page(0, 9)
    assert lines["status"].to_list() == ["ok", "failed", "ok", "ok"]
    assert lines["objects"].to_list() == [2, None, 1, 0]
    assert lines["count_green"].to_list() == [1, None, 1, 0]
    assert lines["confidence"].to_list() == [pytest.approx(128 / 255), None, pytest.approx(1, abs=0.05), None]
    for number in (0, 2):
        (height, width), blocks = PICTURES[number]
        a_pixel = max(height / 16, width / 24)
        assert len(lines["boxes"][number]) == len(blocks)
        for box, (channel, x, y, w, h, _) in zip(lines["boxes"][number], blocks, strict=True):
            assert box["label"] == LABELS[channel + 1]
            assert [box[side] for side in ("x", "y", "width", "height")] == pytest.approx([x, y, w, h], abs=2 * a_pixel)
            assert box["x"] + box["width"] <= width
    assert lines["boxes"].to_list()[1] is None
    assert lines["boxes"].to_list()[3] == []


def test_what_counts_is_the_cards(seeing: Engine, tmp_path: Path) -> None:
    results = predicted(seeing, "list", packed(tmp_path / "p.zip"))
    line = results.page(1, 1).row(0, named=True)
    assert [box["label"] for box in line["boxes"]] == ["red", "blue"], "the surest first"
    assert line["objects"] == 1, "the blue one has a score of 0.35"
    kinds = results.predicted
    assert isinstance(kinds, Boxes)
    assert box_counts(results, kinds.found, kinds.counts) == {"red": 2, "green": 2, "blue": 0}


@pytest.mark.parametrize("seed", range(3))
def test_the_figures_are_torchmetrics(seeing: Engine, tmp_path: Path, seed: int) -> None:
    """True boxes shifted at random, some left out, some more, of a class that is not found too."""
    random = np.random.default_rng(seed)
    boxes: list[Any] = []
    for number, (_, blocks) in enumerate(PICTURES):
        for channel, x, y, w, h, _ in blocks:
            if random.random() < 0.8:
                left, top = random.integers(-2, 3, 2).tolist()
                boxes.append((number, LABELS[channel + 1], max(0, x + left), max(0, y + top), w, h))
    boxes.append((3, "blue", 3, 3, 9, 9))
    results = predicted(seeing, "list", packed(tmp_path / "p.zip", coco_of(boxes)))
    evaluation = evaluation_of(results)
    assert isinstance(evaluation, BoxEvaluation)
    for where in ((), (Filter("row", "in", (1, 2)),)):
        figures = evaluation.figures(where)
        assert figures is not None
        metric = MeanAveragePrecision(box_format="xywh", class_metrics=True, backend="pycocotools")
        for _, found, true in evaluation.pairs(where):
            metric.update([_tensors(found)], [_tensors(true)])
        expected = metric.compute()
        assert figures.mean_ap == pytest.approx(float(expected["map"]))
        assert figures.ap_50 == pytest.approx(float(expected["map_50"]))
        assert figures.ap_75 == pytest.approx(float(expected["map_75"]))
        by_class = dict(zip(expected["classes"].tolist(), expected["map_per_class"].tolist(), strict=True))
        for label, ap in figures.per_class.select("label", "ap").iter_rows():
            known = by_class.get(LABELS.index(label), -1)
            assert ap == (None if known < 0 else pytest.approx(known))


def _tensors(boxes: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    sides = [[box[side] for side in ("x", "y", "width", "height")] for box in boxes]
    named = {
        "boxes": torch.tensor(sides).reshape(-1, 4),
        "labels": torch.tensor([LABELS.index(b["label"]) for b in boxes]),
    }
    named["labels"] = named["labels"].long()
    scored = all("score" in box for box in boxes)
    return {**named, "scores": torch.tensor([box["score"] for box in boxes])} if scored else named


def test_right_missed_and_wrong_by_hand(seeing: Engine, tmp_path: Path) -> None:
    """Of the first picture one is right, one in another place; the second's is another class; the third has none."""
    boxes = [(0, "red", 2, 3, 8, 6), (0, "green", 2, 3, 8, 6), (1, "blue", 6, 4, 20, 10)]
    results = predicted(seeing, "list", packed(tmp_path / "p.zip", coco_of(boxes)))
    evaluation = evaluation_of(results)
    assert isinstance(evaluation, BoxEvaluation)
    figures, rows = evaluation.figures(), evaluation.rows()
    assert figures is not None
    assert rows is not None
    assert rows.lines.rows() == [(1, 1, 1, 1), (2, 0, 1, 1), (3, 0, 0, 1), (4, 0, 0, 0)]
    assert (figures.precision, figures.recall) == (1 / 4, 1 / 3)
    assert figures.ap_50 == pytest.approx((1 + 0 + 0) / 3)
    points = {round(score, 2): (precision, recall) for score, precision, recall in figures.by_score}
    assert points[0.3] == (1 / 5, 1 / 3), "the blue box counts too"
    assert points[0.9] == (1 / 2, 1 / 3)
    assert figures.per_class.filter(pl.col("label") == "red").row(0)[:4] == ("red", 1, 2, 1)


def test_what_is_wrong_with_a_coco_file_is_said(seeing: Engine, tmp_path: Path) -> None:
    coco = coco_of([(0, "violet", 1, 1, 2, 2)])
    coco["images"] = coco["images"][:2]
    path = packed(tmp_path / "p.zip", coco)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other.json", "[1, 2]")
    run = seeing.check("list", [Source("p.zip", path)])
    said = " ".join(problem.message for problem in run.report.problems)
    assert "names the boxes of 2 pictures" in said
    assert "1 box is of 'violet', which the model does not know" in said
    assert "other.json is no COCO file" in said
    seeing.submit(run.id)
    seeing.wait(run.id)
    evaluation = evaluation_of(seeing.results(run.id))
    assert isinstance(evaluation, BoxEvaluation)
    assert (evaluation.used().rows, evaluation.used().unlabelled) == (2, 2)
    figures = evaluation.figures()
    assert figures is not None
    assert (figures.mean_ap, figures.recall, figures.precision) == (None, None, 0)


def test_files_of_boxes(seeing: Engine, tmp_path: Path) -> None:
    """The COCO file that goes out comes in again as labels, and then every box is right."""
    results = predicted(seeing, "list", packed(tmp_path / "p.zip", broken=True))
    coco = json.loads(seeing.export(results.run.id, "json").read_text())
    assert [image["file_name"] for image in coco["images"]] == ["images/0.png", "images/2.png", "images/3.png"]
    assert len(coco["annotations"]) == 3
    again = evaluation_of(predicted(seeing, "list", packed(tmp_path / "again.zip", coco)))
    assert isinstance(again, BoxEvaluation)
    figures = again.figures()
    assert figures is not None
    assert (figures.mean_ap, figures.precision, figures.recall) == (1, 1, 1)
    whole = pl.read_parquet(seeing.export(results.run.id, "parquet"))
    assert whole["boxes"].to_list() == results.page(0, 9)["boxes"].to_list()
    cells = pl.read_csv(seeing.export(results.run.id, "csv"))["boxes"].to_list()
    assert [box["label"] for box in json.loads(cells[0])] == ["red", "green"]


def test_overlapping_boxes_background_and_edges() -> None:
    """What the card asks of boxes: the surest of those that overlap, no background, nothing beyond the picture."""
    card = card_of({**CARD, "boxes": {"overlap": 0.5, "format": "cxcywh", "most": 2}})
    corners = torch.tensor(
        [[2.0, 2, 10, 10], [3, 2, 11, 10], [-5, -5, 3, 4], [2, 2, 9, 9], [40, 40, 50, 50], [0, 0, 2, 2]]
    )
    found = {
        "boxes": box_convert(corners, "xyxy", "cxcywh"),
        "scores": torch.tensor([0.9, 0.8, 0.7, 0.99, 0.6, 0.01]),
        "labels": torch.tensor([1, 1, 2, 0, 3, 1]),
    }
    nan = {**found, "scores": torch.full((6,), torch.nan)}
    output = padded([found, nan, {name: each[:0] for name, each in found.items()}])
    assert float(output[2, 0, 4]) == NO_BOX
    height, width = card.image.size
    lines = pa.table({"height": [height] * 3, "width": [width] * 3})
    names, decoded = BoxOutputs().schema(card, "boxes").names, BoxOutputs().decode(output, card, "boxes", lines)
    columns = dict(zip(names, decoded, strict=True))
    boxes = columns["boxes"].to_pylist()
    assert [(box["label"], round(box["score"], 2), box["x"], box["width"]) for box in boxes[0]] == [
        ("red", 0.9, 2, 8),
        ("green", 0.7, 0, 3),
    ]
    assert boxes[1:] == [[], []]
    sure = columns["confidence"].to_pylist()
    assert sure[0] == pytest.approx(0.7)
    assert np.isnan(sure[1]), "the writer fails a line whose figure is none"
    assert sure[2] is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"labels": []}, "key 'labels' is missing"),
        ({"output_kind": "logits"}, "gives boxes"),
    ],
)
def test_cards_that_cannot_be(change: dict[str, Any], words: str) -> None:
    card = card_of({**CARD, "background": "", **change})
    with pytest.raises(CardError, match=words):
        TASKS["object-detection"].check_card(card)


def loaded(folder: Path, form: str, **change: Any) -> LoadedModel:
    written = write_model(folder / "model", CODE.replace('form="list"', f'form="{form}"'), {**CARD, **change})
    return load_model(ModelRegistry([folder]).entry("model").usable_card(), written)


def test_a_module_that_gives_no_boxes_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModuleProbeError, match="a dict of boxes, scores and labels"):
        loaded(tmp_path / "m", "wrong")


def test_a_threshold_that_nothing_reaches_is_doubted(tmp_path: Path) -> None:
    model = loaded(tmp_path / "m", "list", image={"size": [16, 24], "mean": [2, 2, 2]})
    path = packed(tmp_path / "p.zip")
    found = rehearse(model, "Blocks", [Source(path.name, path)], Settings(home=tmp_path, accelerator="cpu"))
    said = " ".join(doubt.message for doubt in found.doubts)
    assert (
        "no box in 4 pictures has a score of 0.5 or more, none has a lower one either. Do `boxes` in the card" in said
    )


def test_runs_are_compared_by_how_many_they_found(seeing: Engine, tmp_path: Path) -> None:
    path = packed(tmp_path / "p.zip")
    comparison = compare(predicted(seeing, "list", path), predicted(seeing, "tensor", path))
    assert isinstance(comparison, ValueComparison)
    assert comparison.pairs[:4] == tuple((name, name) for name in ("objects", "count_red", "count_green", "count_blue"))
    assert comparison.agreement(("objects", "objects"), 0).share == 1
    assert comparison.agreement(("objects", "objects"), 0).rows == len(PICTURES)
