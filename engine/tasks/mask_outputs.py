"""A class for each pixel: a mask, the share that each class covers, and how sure the model was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from engine.cards.card import ModelCard, OutputKind
from engine.errors import CardError, ModuleProbeError, PredictionFailed
from engine.kinds.frame import frame_of
from engine.kinds.masks import MOST_LABELS, UNKNOWN, mask_png
from engine.kinds.predicted import Masks
from engine.tasks.class_kinds import kind_of_figures
from engine.tasks.image_inputs import image_of
from engine.tasks.task import Queries
from engine.views import ClassAreas, ClassBalance, Confidence, Headline, Review, View

if TYPE_CHECKING:
    import torch

_MASK = "mask"


class MaskOutputs:
    """The model's output says which of the card's labels each pixel has."""

    def check_card(self, card: ModelCard) -> None:
        if not 2 <= len(card.labels) <= MOST_LABELS:
            raise CardError(
                f"key 'labels' names {len(card.labels)} classes; name 2 to {MOST_LABELS}, in the order of the model's "
                "outputs, the background among them"
            )
        if card.output_kind in ("values", "boxes"):
            raise CardError(
                f"output_kind: '{card.output_kind}' is for another task; a '{card.task}' gives logits, probabilities "
                "or classes of pixels"
            )

    def find_kind(self, output: torch.Tensor, card: ModelCard) -> OutputKind:
        """One figure a label and pixel (labels, height, width), or a single one; see kind_of_figures."""
        if output.ndim == 3:
            output = output[:, None]
        if output.ndim != 4 or output.shape[1] not in (1, len(card.labels)):
            raise ModuleProbeError(
                f"The model gives {list(output.shape[1:])} for a picture; the card names {len(card.labels)} labels "
                f"({', '.join(card.labels[:6])}): expected [{len(card.labels)}, height, width], or one class a pixel."
            )
        return kind_of_figures(output, card, "pixel")

    def schema(self, card: ModelCard, kind: OutputKind) -> pa.Schema:
        sure = [("confidence", pa.float32())] if kind != "classes" else []
        shares = [(name, pa.float32()) for name in share_names(card)]
        return pa.schema([("prediction", pa.string()), *sure, *shares, (_MASK, pa.binary())])

    def decode(self, output: torch.Tensor, card: ModelCard, kind: OutputKind, lines: pa.Table) -> list[pa.Array]:
        classes, sure = _classes(output[:, None] if output.ndim == 3 else output, card, kind)
        image = image_of(card)
        sizes = zip(*(lines.column(side).to_pylist() for side in _SIDES), strict=True)
        masks: list[bytes] = []
        shares = np.zeros((len(classes), len(card.labels)), np.float32)
        confidence = np.zeros(len(classes), np.float32)
        for place, (mask, (height, width)) in enumerate(zip(classes, sizes, strict=True)):
            inside = frame_of(image, height, width).inside(image.size)
            seen = mask[inside]
            shares[place] = np.bincount(seen.reshape(-1), minlength=len(card.labels)) / seen.size
            confidence[place] = sure[place][inside].mean() if sure is not None else 1
            framed = np.full_like(mask, UNKNOWN)
            framed[inside] = seen
            masks.append(mask_png(framed))
        chosen = pa.array(card.labels, pa.string()).take(pa.array(_most(shares, card)))
        columns = [chosen, *([pa.array(confidence)] if sure is not None else [])]
        return [*columns, *(pa.array(np.ascontiguousarray(share)) for share in shares.T), pa.array(masks, pa.binary())]

    def units(self, card: ModelCard) -> Mapping[str, str]:
        return {}

    def predicted(self, card: ModelCard, columns: Sequence[str]) -> Masks:
        sure = "confidence" if "confidence" in columns else ""
        return Masks(_MASK, card.labels, share_names(card), "prediction", card.background, sure)

    def views(self, card: ModelCard, columns: Sequence[str], against: Sequence[str]) -> tuple[View, ...]:
        areas = ClassAreas(share_names(card), card.labels)
        balance = ClassBalance("prediction", card.labels, f"Covers most{_beside(card)}")
        if "confidence" not in columns:
            return areas, balance
        confidence = Confidence("confidence", "prediction", card.labels, "Confidence, the mean over the pixels")
        return areas, balance, confidence, Review("prediction", "confidence")

    def headline(self, card: ModelCard, columns: Sequence[str], results: Queries) -> tuple[Headline, ...]:
        means = {
            label: spread["mean"]
            for label, name in zip(card.labels, share_names(card), strict=True)
            if (spread := results.quantiles(name))
        }
        shown = sorted((label for label in means if label != card.background), key=lambda label: -means[label])[:3]
        figures = [Headline(f"Area of {label}", f"{means[label]:.1%}", _ABOUT_AREA) for label in shown]
        spread = results.quantiles("confidence") if "confidence" in columns else {}
        if spread:
            unsure = f"The mean over a picture's pixels. One picture in twenty is below {spread['p05']:.2f}."
            figures.append(Headline("Median confidence", f"{spread['p50']:.2f}", unsure))
        return tuple(figures)


_SIDES = ("height", "width")
_ABOUT_AREA = "The share of a picture that it covers, the mean over the pictures that were predicted."


def share_names(card: ModelCard) -> tuple[str, ...]:
    """The results' column of the share that each label covers."""
    return tuple(f"share_{label}" for label in card.labels)


def _beside(card: ModelCard) -> str:
    return f" beside {card.background}" if card.background else ""


def _classes(output: torch.Tensor, card: ModelCard, kind: OutputKind) -> tuple[np.ndarray, np.ndarray | None]:
    """(places among the labels, how sure), each (pictures, height, width) of the card's size."""
    import torch

    size = list(image_of(card).size)
    if kind == "classes":
        whole = output[:, :1].float()
        numbers = whole if list(whole.shape[2:]) == size else torch.nn.functional.interpolate(whole, size)
        _check_numbers(numbers, card)
        return numbers[:, 0].to(torch.uint8).numpy(), None
    figures = output.float()
    if list(figures.shape[2:]) != size:
        figures = torch.nn.functional.interpolate(figures, size, mode="bilinear", align_corners=False)
    if figures.shape[1] == 1:
        second = figures.sigmoid() if kind == "logits" else figures
        shares = torch.cat([1 - second, second], dim=1)
    else:
        shares = figures.softmax(dim=1) if kind == "logits" else figures
    sure, chosen = shares.max(dim=1)
    return chosen.to(torch.uint8).numpy(), sure.numpy()


def _check_numbers(numbers: torch.Tensor, card: ModelCard) -> None:
    if numbers.numel() and not (numbers.min() >= 0 and numbers.max() < len(card.labels)):
        raise PredictionFailed(
            f"The model chose class {int(numbers.max())} for a pixel; the card names {len(card.labels)} labels, 0 to "
            f"{len(card.labels) - 1}."
        )


def _most(shares: np.ndarray, card: ModelCard) -> np.ndarray:
    """The label that covers most of each picture; the background where there is nothing else."""
    if not card.background:
        return np.asarray(shares.argmax(axis=1))
    place = card.labels.index(card.background)
    others = shares.copy()
    others[:, place] = 0
    return np.where(others.any(axis=1), others.argmax(axis=1), place)
