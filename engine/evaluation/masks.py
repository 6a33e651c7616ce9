"""How well pixels were classed, over the pictures that came with a mask. What needs torch, a worker computes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from engine.evaluation.asking import asked
from engine.evaluation.labels import Used
from engine.evaluation.pictures import PictureEvaluation
from engine.ingest.table import TRUTH
from engine.kinds.masks import read_mask
from engine.kinds.predicted import Masks
from engine.results.filters import Filters
from engine.results.results import Results

_PIXELS_AT_ONCE = 8_000_000


@dataclass(frozen=True, slots=True)
class MaskFigures:
    """Figures over all pixels of `used.rows` pictures whose class is known, in the shape that the model looks at.

    `mean_iou` and `mean_dice` are means over the classes that occur among labels or predictions. `confusion` is
    (labels, labels) pixels: line is the label, column the prediction. `per_class` has label, pixels, predicted, iou,
    dice, precision, recall.
    """

    used: Used
    accuracy: float
    mean_iou: float
    mean_dice: float
    confusion: tuple[tuple[int, ...], ...]
    per_class: pl.DataFrame


@dataclass(frozen=True, slots=True)
class MaskRows:
    """Each picture by itself: `lines` has row, accuracy (share of its pixels that are right), dice; worst first."""

    rows: int
    lines: pl.DataFrame


class MaskEvaluation(PictureEvaluation):
    """The judgement of one run's masks by those that came beside the pictures."""

    def __init__(self, results: Results, label: str, predicted: Masks) -> None:
        super().__init__(results, label)
        self.predicted, self.labels = predicted, predicted.labels

    def figures(self, where: Filters = ()) -> MaskFigures | None:
        """The figures of the selection, computed by a worker; None where not one picture can be judged."""
        return asked(self.results, MaskFigures, "mask_figures", where)

    def rows(self, where: Filters = ()) -> MaskRows | None:
        """How right each picture of the selection is, computed by a worker; None where none can be judged."""
        return asked(self.results, MaskRows, "mask_rows", where)

    def pairs(self, where: Filters = ()) -> Iterator[tuple[list[int], np.ndarray, np.ndarray]]:
        """(rows, predicted, true) of pictures that can be judged, some at a time; masks are (pictures, height, width).

        A true UNKNOWN is not to be judged.
        """
        image = self.results.card.image
        pixels = image.size[0] * image.size[1] if image is not None else 1
        truths = self.results.folder.rows().column(TRUTH)
        chosen = self._judged(where).select("row", self.predicted.column)
        for batch in chosen.collect_batches(chunk_size=max(1, _PIXELS_AT_ONCE // pixels), maintain_order=True):
            rows = batch["row"].to_list()
            predicted = [read_mask(mask) for mask in batch[self.predicted.column]]
            known = [read_mask(truths[row - 1].as_py()) for row in rows]
            if rows:
                yield rows, np.stack(predicted), np.stack(known)
