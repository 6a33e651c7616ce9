"""One class against all others, at every threshold, by torchmetrics. It loads torch: for workers alone."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl
import torch
from torchmetrics import MetricCollection
from torchmetrics.classification import BinaryAUROC, BinaryAveragePrecision, BinaryPrecisionRecallCurve, BinaryROC

from engine.evaluation.curves import Curve

MOST_EXACT = 1_000_000
"""Lines up to which every predicted probability is a threshold: 12 bytes of memory a line."""
_THRESHOLDS = 201
_POINTS = 2_001


def curve_of(label: str, positives: int, negatives: int, batches: Iterable[pl.DataFrame]) -> Curve:
    """The curve of lines (share: the probability of the class, hit: whether it is the line's label), both occurring."""
    exact = positives + negatives <= MOST_EXACT
    how = {"thresholds": None if exact else _grid(), "validate_args": False}
    kinds = {"roc": BinaryROC, "pr": BinaryPrecisionRecallCurve, "auroc": BinaryAUROC, "ap": BinaryAveragePrecision}
    metrics = MetricCollection({name: kind(**how) for name, kind in kinds.items()}, compute_groups=[list(kinds)])
    for batch in batches:
        metrics.update(*tensors(batch))
    with torch.inference_mode():
        found = metrics.compute()
    # A single threshold comes back as a number, not as an array of one.
    roc, pr = ([np.atleast_1d(array.numpy()) for array in found[name]] for name in ("roc", "pr"))
    return Curve(label, _points(*roc, *pr), positives, negatives, float(found["auroc"]), float(found["ap"]), exact)


def auroc_of(positives: int, negatives: int, batches: Iterable[pl.DataFrame]) -> float:
    """The area under the ROC curve alone, of lines as for `curve_of`."""
    exact = positives + negatives <= MOST_EXACT
    metric = BinaryAUROC(thresholds=None if exact else _grid(), validate_args=False)
    for batch in batches:
        metric.update(*tensors(batch))
    return float(metric.compute())


def tensors(batch: pl.DataFrame) -> tuple[torch.Tensor, torch.Tensor]:
    """(first column as float32, second as it is)."""
    first, second = batch.get_columns()
    return first.cast(pl.Float32).to_torch(), second.to_torch()


def _grid() -> torch.Tensor:
    """Thresholds for more lines than are kept in memory: dense near 0 and 1, where sure models' probabilities are."""
    inner = torch.sigmoid(torch.linspace(-14, 14, _THRESHOLDS - 2))
    return torch.cat([torch.zeros(1), inner, torch.ones(1)])


def _points(
    fpr: np.ndarray,
    recall: np.ndarray,
    thresholds: np.ndarray,
    precision: np.ndarray,
    _recall: np.ndarray,
    rising: np.ndarray,
) -> pl.DataFrame:
    """The two curves as one table, its first line the threshold that nothing reaches."""
    way = fpr + recall  # rises from 0 to 2
    if len(way) > _POINTS:
        places = np.unique(np.searchsorted(way, np.linspace(0, 2, _POINTS)).clip(0, len(way) - 1))
    else:
        places = np.arange(len(way))
    at = np.searchsorted(rising, thresholds[places])
    at = np.where((places == 0) & (way[0] == 0), len(rising), at)  # nothing taken for the class: precision 1 there
    columns = {
        "threshold": thresholds[places],
        "fpr": fpr[places],
        "recall": recall[places],
        "precision": precision[at],
    }
    return pl.DataFrame({name: column.astype(np.float64) for name, column in columns.items()})
