"""The first pictures of a run for its report: small, as data addresses, with what was found laid over them."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.errors import ForelightError
from engine.kinds.frame import frame_of
from engine.kinds.masks import colored_png, read_mask
from engine.kinds.palette import COLORS
from engine.kinds.predicted import Boxes, Masks
from engine.results.results import Results
from engine.views import Gallery

_PICTURES = 24
_QUIET = "#9aa0ae"


@dataclass(frozen=True, slots=True)
class Outline:
    """A box in the picture's pixels."""

    x: float
    y: float
    width: float
    height: float
    color: str


@dataclass(frozen=True, slots=True)
class Layer:
    """What lies over a picture of that size: a mask as a data address, with the rectangle it covers, or boxes."""

    width: int
    height: int
    left: float
    top: float
    right: float
    bottom: float
    mask: str = ""
    boxes: tuple[Outline, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of the run, as a data address, with what was predicted."""

    row: int
    address: str
    label: str
    color: str
    layer: Layer | None = None


def pictures_of(results: Results) -> list[Picture]:
    """The first pictures that were predicted, where rows are pictures."""
    gallery = next((view for view in results.views if isinstance(view, Gallery)), None)
    if gallery is None:
        return []
    own = (column for column in results.columns if column.role == "prediction" and column.dtype != "list")
    names = [column.name for column in own][:2]
    lines = results.scan().filter(status="ok").head(_PICTURES).collect()
    return [_picture(results, line, names, gallery.labels) for line in lines.iter_rows(named=True)]


def _picture(results: Results, line: Mapping[str, Any], names: Sequence[str], labels: Sequence[str]) -> Picture:
    shown = " · ".join(f"{line[name]:.3g}" if isinstance(line[name], float) else str(line[name]) for name in names)
    first = line[names[0]] if names else None
    color = COLORS[labels.index(first) % len(COLORS)] if first in labels else _QUIET
    try:
        content = results.thumbnail(line["row"])
    except ForelightError:
        return Picture(line["row"], "", shown, color)  # the visitor's file is gone; the prediction is not
    return Picture(line["row"], _address(content, "webp"), shown, color, _layer(results, line))


def _layer(results: Results, line: Mapping[str, Any]) -> Layer | None:
    predicted, image = results.predicted, results.card.image
    if image is None or not isinstance(predicted, Masks | Boxes):
        return None
    frame = frame_of(image, line["height"], line["width"])
    layer = Layer(frame.width, frame.height, frame.left, frame.top, frame.right, frame.bottom)
    if isinstance(predicted, Boxes):
        boxes = [box for box in line[predicted.column] if box["score"] >= predicted.threshold]
        return replace(layer, boxes=tuple(_outline(box, predicted.labels) for box in boxes))
    mask = colored_png(read_mask(line[predicted.column]), predicted.labels, predicted.background, clear=True)
    return replace(layer, mask=_address(mask, "png"))


def _outline(box: Mapping[str, Any], labels: Sequence[str]) -> Outline:
    color = COLORS[labels.index(box["label"]) % len(COLORS)]
    return Outline(box["x"], box["y"], box["width"], box["height"], color)


def _address(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
