"""How well objects were found, over the pictures whose true boxes came along; a worker computes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from engine.evaluation.asking import asked
from engine.evaluation.labels import Used
from engine.evaluation.pictures import PictureEvaluation
from engine.kinds.predicted import Boxes
from engine.results.filters import Filters
from engine.results.results import Results

_PICTURES_AT_ONCE = 4_096


@dataclass(frozen=True, slots=True)
class BoxFigures:
    """Figures over `used.rows` pictures; None where no picture has a true box, or none was found.

    `mean_ap` is COCO's: the mean over IoU 0.50, 0.55 … 0.95 and over the classes that occur; `ap_50` and `ap_75` at
    one IoU. `precision` and `recall` are of all boxes with a score of at least the card's threshold, right where they
    cover a true box of their class with an IoU of 0.5 or more. `by_score` are (score, precision, recall) for other
    thresholds. `per_class` has label, boxes (true ones), found, right, ap, ap_50, precision, recall.
    """

    used: Used
    mean_ap: float | None
    ap_50: float | None
    ap_75: float | None
    precision: float | None
    recall: float | None
    by_score: tuple[tuple[float, float | None, float | None], ...]
    per_class: pl.DataFrame


@dataclass(frozen=True, slots=True)
class BoxRows:
    """Each picture by itself: `lines` has row, right, missed, wrong (a box over nothing of its class); worst first."""

    rows: int
    lines: pl.DataFrame


class BoxEvaluation(PictureEvaluation):
    """The judgement of one run's boxes by those that came beside the pictures."""

    def __init__(self, results: Results, label: str, predicted: Boxes) -> None:
        super().__init__(results, label)
        self.predicted, self.labels = predicted, predicted.found

    def figures(self, where: Filters = ()) -> BoxFigures | None:
        """The figures of the selection, computed by a worker; None where not one picture can be judged."""
        return asked(self.results, BoxFigures, "box_figures", where)

    def rows(self, where: Filters = ()) -> BoxRows | None:
        """How right each picture of the selection is, computed by a worker; None where none can be judged."""
        return asked(self.results, BoxRows, "box_rows", where)

    def pairs(self, where: Filters = ()) -> Iterator[tuple[int, list[dict[str, Any]], list[dict[str, Any]]]]:
        """(row, found, true) of each picture that can be judged: boxes with label and sides, found ones with score."""
        chosen = self._judged(where).select("row", found=self.predicted.column, true=self.label)
        for batch in chosen.collect_batches(chunk_size=_PICTURES_AT_ONCE, maintain_order=True):
            yield from batch.iter_rows()
