"""One class against all others, at every threshold: what torchmetrics finds, kept small enough to draw."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl


@dataclass(frozen=True, slots=True)
class Point:
    """What happens to the lines where each with a probability of at least `threshold` is taken for the class."""

    threshold: float
    recall: float
    false_positive_rate: float
    precision: float
    found: int
    missed: int
    false_alarms: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Curve:
    """ROC and precision–recall of the class `label`: `points` has threshold (falling), fpr, recall and precision.

    Of more than 2,001 thresholds those are kept that lie evenly along the ROC curve: rates are then true to 0.001.
    `exact` is False where the thresholds are a fixed grid, not the probabilities themselves.
    """

    label: str
    points: pl.DataFrame
    positives: int
    negatives: int
    auroc: float
    average_precision: float
    exact: bool

    def at(self, threshold: float) -> Point:
        """The point of that threshold."""
        reached = np.searchsorted(-self.points["threshold"].to_numpy(), -threshold, side="right")
        return replace(self._point(int(reached) - 1), threshold=threshold)

    def best(self, cost_ratio: float) -> Point:
        """The point that costs least, where a missed line of the class costs as much as `cost_ratio` false alarms."""
        missed = (1 - self.points["recall"]) * self.positives
        return self._point(int((missed * cost_ratio + self.points["fpr"] * self.negatives).arg_min() or 0))

    def _point(self, place: int) -> Point:
        threshold, fpr, recall, precision = self.points.row(max(place, 0))
        found, alarms = round(recall * self.positives), round(fpr * self.negatives)
        rest = self.positives - found, alarms, self.negatives - alarms
        return Point(threshold, recall, fpr, precision, found, *rest)
