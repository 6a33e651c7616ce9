"""Boxes around what a model finds in a picture: where they are, what is in them, and how many there are of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from engine.cards.card import BoxOutput, ModelCard, OutputKind
from engine.errors import CardError, ModuleProbeError, PredictionFailed
from engine.kinds.boxes import BOX, FIGURES, NO_BOX, SIDES
from engine.kinds.frame import Frame, frame_of
from engine.kinds.predicted import Boxes
from engine.tasks.image_inputs import image_of
from engine.tasks.task import Queries
from engine.views import Distribution, FoundObjects, Headline, Review, View

if TYPE_CHECKING:
    import torch

_BOXES, _OBJECTS = "boxes", "objects"


class BoxOutputs:
    """The model's output says where in a picture the card's labels are."""

    def check_card(self, card: ModelCard) -> None:
        if not found_labels(card):
            raise CardError(
                "key 'labels' is missing: name the classes, in the order of the model's label numbers; torchvision's "
                "detectors keep 0 for the background, which is then named first, and again as `background`"
            )
        if card.output_kind not in (None, "boxes"):
            raise CardError(f"output_kind: '{card.output_kind}' is for another task; a '{card.task}' gives boxes")

    def find_kind(self, output: torch.Tensor, card: ModelCard) -> OutputKind:
        if output.ndim != 3 or output.shape[2] != FIGURES:
            raise ModuleProbeError(
                f"The model gives {list(output.shape[1:])} for a picture; expected for each a dict of boxes, scores "
                f"and labels, as torchvision's detectors give it, or a tensor [boxes, {FIGURES}]: four figures of the "
                "box, its score and its label number. Say `decode` in the card where it is something else."
            )
        return "boxes"

    def schema(self, card: ModelCard, kind: OutputKind) -> pa.Schema:
        counts = [(name, pa.int32()) for name in count_names(card)]
        return pa.schema([(_OBJECTS, pa.int32()), ("confidence", pa.float32()), *counts, (_BOXES, pa.list_(BOX))])

    def decode(self, output: torch.Tensor, card: ModelCard, kind: OutputKind, lines: pa.Table) -> list[pa.Array]:
        labels, wanted = found_labels(card), card.boxes or BoxOutput()
        sizes = zip(lines.column("height").to_pylist(), lines.column("width").to_pylist(), strict=True)
        counts = np.zeros((len(output), len(labels)), np.int32)
        least = np.full(len(output), np.nan, np.float32)
        known = np.zeros(len(output), bool)
        found: list[list[dict[str, Any]]] = []
        for place, (each, (height, width)) in enumerate(zip(output.float(), sizes, strict=True)):
            real = each[each[:, 4] != NO_BOX]
            if not bool(real.isfinite().all()):
                known[place] = True  # as a confidence that is no number: the line fails, and says why
                found.append([])
                continue
            boxes = _placed(_surest(real, card, wanted), card, frame_of(image_of(card), height, width))
            counted = [box for box in boxes if box["score"] >= wanted.threshold]
            for box in counted:
                counts[place, labels.index(box["label"])] += 1
            if counted:
                known[place], least[place] = True, counted[-1]["score"]
            found.append(boxes)
        objects = pa.array(counts.sum(axis=1, dtype=np.int32))
        by_label = [pa.array(np.ascontiguousarray(column)) for column in counts.T]
        return [objects, pa.array(least, mask=~known), *by_label, pa.array(found, pa.list_(BOX))]

    def units(self, card: ModelCard) -> Mapping[str, str]:
        return {}

    def predicted(self, card: ModelCard, columns: Sequence[str]) -> Boxes:
        wanted = card.boxes or BoxOutput()
        found = found_labels(card)
        return Boxes(_BOXES, card.labels, found, count_names(card), _OBJECTS, wanted.threshold, wanted.lowest)

    def views(self, card: ModelCard, columns: Sequence[str], against: Sequence[str]) -> tuple[View, ...]:
        threshold = (card.boxes or BoxOutput()).threshold
        return (
            FoundObjects(_BOXES, count_names(card), found_labels(card), threshold),
            Distribution(_OBJECTS, "Objects in a picture", whole=True),
            Review(_OBJECTS, "confidence"),
        )

    def headline(self, card: ModelCard, columns: Sequence[str], results: Queries) -> tuple[Headline, ...]:
        totals = {
            label: _total(results, name) for label, name in zip(found_labels(card), count_names(card), strict=True)
        }
        spread = results.quantiles(_OBJECTS)
        if not spread:
            return ()
        threshold = (card.boxes or BoxOutput()).threshold
        whole = sum(totals.values())
        figures = [
            Headline("Objects found", f"{whole:,}", f"Boxes with a score of at least {threshold:g}."),
            Headline("Objects in a picture", f"{spread['mean']:.1f}", f"The mean; at most {spread['max']:.0f}."),
        ]
        if whole:
            top = max(totals, key=lambda label: totals[label])
            figures.append(Headline("Found most often", top, f"{totals[top]:,} of {whole:,} objects."))
        return tuple(figures)


def found_labels(card: ModelCard) -> tuple[str, ...]:
    """The labels that a box may have: all but the background."""
    return tuple(label for label in card.labels if label != card.background)


def count_names(card: ModelCard) -> tuple[str, ...]:
    """The results' column of how many of each label there are."""
    return tuple(f"count_{label}" for label in found_labels(card))


def _total(results: Queries, column: str) -> int:
    return sum(int(value) * int(rows) for value, rows in results.value_counts(column).drop_nulls().iter_rows())


def _surest(real: torch.Tensor, card: ModelCard, wanted: BoxOutput) -> torch.Tensor:
    """The boxes to keep, the surest first: corners in pixels of the model's picture, score, label."""
    import torch
    from torchvision import ops

    _check_labels(real[:, 5], card)
    background = card.labels.index(card.background) if card.background else -1
    kept = real[(real[:, 4] >= wanted.lowest) & (real[:, 5] != background)]
    boxes = ops.box_convert(kept[:, :4], wanted.format, "xyxy")
    if wanted.normalised:
        height, width = image_of(card).size
        boxes = boxes * torch.tensor([width, height, width, height])
    kept = torch.cat([boxes, kept[:, 4:]], dim=1)
    if wanted.overlap is not None:
        kept = kept[ops.batched_nms(kept[:, :4], kept[:, 4], kept[:, 5].long(), wanted.overlap)]
    return kept[kept[:, 4].argsort(descending=True, stable=True)][: wanted.most]


def _placed(boxes: torch.Tensor, card: ModelCard, frame: Frame) -> list[dict[str, Any]]:
    """The boxes in pixels of the visitor's own picture, cut at its edges; those beyond it are left out."""
    height, width = image_of(card).size
    across, down = (frame.right - frame.left) / width, (frame.bottom - frame.top) / height
    placed: list[dict[str, Any]] = []
    for left, top, right, bottom, score, label in boxes.tolist():
        x, y = max(0.0, frame.left + left * across), max(0.0, frame.top + top * down)
        end_x = min(float(frame.width), frame.left + right * across)
        end_y = min(float(frame.height), frame.top + bottom * down)
        if end_x > x and end_y > y:
            corner = dict(zip(SIDES, (x, y, end_x - x, end_y - y), strict=True))
            placed.append({"label": card.labels[int(label)], "score": score, **corner})
    return placed


def _check_labels(numbers: torch.Tensor, card: ModelCard) -> None:
    if len(numbers) and not (numbers.min() >= 0 and numbers.max() < len(card.labels)):
        worst = int(numbers.max()) if numbers.max() >= len(card.labels) else int(numbers.min())
        raise PredictionFailed(
            f"The model found label {worst}; the card names {len(card.labels)}, 0 to {len(card.labels) - 1}. "
            "torchvision's detectors keep 0 for the background: name it first, and again as `background`."
        )
