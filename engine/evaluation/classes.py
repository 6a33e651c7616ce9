"""How well classes were predicted, over the lines whose label is known. What needs torch, a worker computes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from engine.evaluation.asking import asked
from engine.evaluation.curves import Curve
from engine.evaluation.labels import Used, count_used, is_empty, raw_labels, usable
from engine.kinds.predicted import Classes
from engine.results.filters import Filter, Filters
from engine.results.results import Results

CALIBRATION_BINS = 15


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """Figures over `used.rows` lines; None where they are not defined, as without probabilities.

    `log_loss` is in nats. `auroc` and `balanced_accuracy` are means over the classes that occur among the labels,
    `macro_f1` over those that occur among labels or predictions. `confusion` is (labels, labels): line is the label,
    column the prediction. `per_class` has label, rows, predicted, precision, recall, f1.
    """

    used: Used
    accuracy: float
    balanced_accuracy: float
    macro_f1: float
    auroc: float | None
    log_loss: float | None
    calibration_error: float | None
    confusion: tuple[tuple[int, ...], ...]
    per_class: pl.DataFrame


class ClassEvaluation:
    """The judgement of one run's classes by the labels in the column `label`."""

    def __init__(self, results: Results, label: str, predicted: Classes) -> None:
        self.results, self.label, self.predicted = results, label, predicted
        self.labels, self.has_shares = predicted.labels, bool(predicted.shares)

    def used(self, where: Filters = ()) -> Used:
        """How many lines of the selection can be judged, and why the others cannot."""
        return count_used(self.results.scan(where), self._empty, self._code.is_not_null(), self._sound, self.label)

    def figures(self, where: Filters = ()) -> ClassFigures | None:
        """The figures of the selection, computed by a worker; None where not one line can be judged."""
        return asked(self.results, ClassFigures, "class_figures", where)

    def curve(self, label: str, where: Filters = ()) -> Curve | None:
        """ROC and precision–recall of one class against the others; None where only one of the two occurs."""
        return asked(self.results, Curve, "class_curve", where, label=label)

    def calibration(self, where: Filters = ()) -> pl.DataFrame:
        """Lines by how sure the model was: lo, hi, confidence (mean), accuracy (share that was right), rows."""
        sure = pl.col("confidence").clip(0, 1)
        place = (sure * CALIBRATION_BINS).floor().clip(0, CALIBRATION_BINS - 1).cast(pl.Int32).alias("bin")
        bins = (
            self.lines(where)
            .group_by(place)
            .agg(sure.mean().alias("confidence"), pl.col("hit").mean().alias("accuracy"), pl.len().alias("rows"))
        )
        edges = [((pl.col("bin") + more) / CALIBRATION_BINS).alias(name) for more, name in ((0, "lo"), (1, "hi"))]
        return bins.sort("bin").select(*edges, "confidence", "accuracy", "rows").collect(engine="streaming")

    def support(self, where: Filters = ()) -> dict[str, int]:
        """How many lines that can be judged have each label."""
        counts = dict(self.lines(where).group_by("label").agg(pl.len()).collect(engine="streaming").iter_rows())
        return {label: int(counts.get(place, 0)) for place, label in enumerate(self.labels)}

    def cell(self, label: str, predicted: str | None = None) -> tuple[Filter, ...]:
        """The filters that leave the lines of one cell of the confusion matrix, or of one of its lines."""
        place = self.labels.index(label)
        cells: Any = tuple(cell for cell, own in self._raw.items() if own == place)
        of_label = Filter(self.label, "in", cells)
        return (of_label, Filter(self.predicted.column, "in", (predicted,))) if predicted else (of_label,)

    def lines(self, where: Filters = ()) -> pl.LazyFrame:
        """The lines that can be judged: label and predicted as places among the labels, hit, confidence, shares."""
        predicted = pl.col(self.predicted.column).replace_strict(
            list(self.labels), list(range(len(self.labels))), default=None, return_dtype=pl.Int32
        )
        lines = self.results.scan(where).filter(usable(self._empty, self._code.is_not_null(), self._sound))
        shares = [pl.col(name) for name in self.predicted.shares]
        sure = [pl.col(self.predicted.confidence).alias("confidence")] if self.has_shares else []
        hit = (self._code == predicted).cast(pl.Int8)
        return lines.select(self._code.alias("label"), predicted.alias("predicted"), hit.alias("hit"), *sure, *shares)

    @cached_property
    def _raw(self) -> dict[object, int]:
        """What stands in the label column for each class."""
        cells = self.results.scan().select(pl.col(self.label).unique()).collect(engine="streaming").to_series()
        return raw_labels(cells, self.labels)

    @cached_property
    def _code(self) -> pl.Expr:
        """The place of the line's label among the card's; null where it is none of them."""
        if not self._raw:
            return pl.lit(None, pl.Int32)
        known = pl.Series(list(self._raw), dtype=self._dtype)
        return pl.col(self.label).replace_strict(known, list(self._raw.values()), default=None, return_dtype=pl.Int32)

    @property
    def _sound(self) -> pl.Expr:
        return pl.col(self.predicted.confidence).is_finite() if self.has_shares else pl.lit(True)

    @property
    def _empty(self) -> pl.Expr:
        return is_empty(self.label, self._dtype)

    @cached_property
    def _dtype(self) -> pl.DataType:
        return self.results.scan().collect_schema()[self.label]
