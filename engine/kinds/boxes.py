"""Boxes that a detector found: as one tensor for some pictures, and as a column of the results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeGuard

import pyarrow as pa

if TYPE_CHECKING:
    import torch

SIDES = ("x", "y", "width", "height")
BOX = pa.struct([("label", pa.string()), ("score", pa.float32()), *((side, pa.float32()) for side in SIDES)])
"""One box, its upper left corner and size in pixels of the visitor's own picture."""
NO_BOX = -1.0
"""The score of a line that only fills a tensor up."""
FIGURES = 6


def are_boxes(raw: object) -> TypeGuard[Sequence[Mapping[str, torch.Tensor]]]:
    """Whether this is what torchvision's detectors give: for each picture a dict of boxes, scores and labels."""
    return (
        isinstance(raw, list | tuple)
        and bool(raw)
        and all(isinstance(each, Mapping) and {"boxes", "scores", "labels"} <= set(each) for each in raw)
    )


def padded(raw: Sequence[Mapping[str, torch.Tensor]]) -> torch.Tensor:
    """float32 (pictures, boxes, 6): the four figures of a box, score, label; NO_BOX where a picture has fewer."""
    import torch

    most = max(len(each["boxes"]) for each in raw)
    whole = torch.full((len(raw), most, FIGURES), NO_BOX)
    for place, each in enumerate(raw):
        found = len(each["boxes"])
        whole[place, :found, :4] = each["boxes"].detach().float().reshape(found, 4).cpu()
        whole[place, :found, 4] = each["scores"].detach().float().cpu()
        whole[place, :found, 5] = each["labels"].detach().float().cpu()
    return whole
