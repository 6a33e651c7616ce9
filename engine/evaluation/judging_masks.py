"""The figures of masks, by torchmetrics, some pictures at a time. It loads torch: for workers alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import torch
from torchmetrics import MetricCollection
from torchmetrics import classification as of_classes
from torchmetrics.functional.classification import multiclass_accuracy, multiclass_f1_score

from engine.evaluation.masks import MaskEvaluation, MaskFigures, MaskRows
from engine.kinds.masks import UNKNOWN
from engine.results.filters import Filters


def mask_figures(evaluation: MaskEvaluation, where: Filters = ()) -> MaskFigures | None:
    """All figures of masks; None where not one picture can be judged."""
    used = evaluation.used(where)
    if not used.rows:
        return None
    n = len(evaluation.labels)
    how: dict[str, Any] = {"num_classes": n, "ignore_index": UNKNOWN, "validate_args": False}
    metrics = MetricCollection(
        {
            "accuracy": of_classes.MulticlassAccuracy(average="micro", **how),
            "iou": of_classes.MulticlassJaccardIndex(average="none", **how),
            "dice": of_classes.MulticlassF1Score(average="none", **how),
            "precision": of_classes.MulticlassPrecision(average="none", **how),
            "recall": of_classes.MulticlassRecall(average="none", **how),
            "confusion": of_classes.MulticlassConfusionMatrix(**how),
        }
    )
    for _, predicted, truth in _tensors(evaluation, where):
        metrics.update(predicted, truth)
    found: dict[str, torch.Tensor] = metrics.compute()
    confusion = found["confusion"]
    pixels, taken = confusion.sum(dim=1), confusion.sum(dim=0)
    occurs = (pixels + taken) > 0
    return MaskFigures(
        used,
        float(found["accuracy"]),
        float(found["iou"][occurs].mean()),
        float(found["dice"][occurs].mean()),
        tuple(tuple(line) for line in confusion.tolist()),
        _per_class(evaluation.labels, found, pixels, taken),
    )


def mask_rows(evaluation: MaskEvaluation, where: Filters = ()) -> MaskRows | None:
    """How right each picture is; None where none can be judged."""
    parts: list[pl.DataFrame] = []
    how: dict[str, Any] = {
        "num_classes": len(evaluation.labels),
        "multidim_average": "samplewise",
        "ignore_index": UNKNOWN,
    }
    for rows, predicted, truth in _tensors(evaluation, where):
        right = multiclass_accuracy(predicted, truth, average="micro", validate_args=False, **how)
        dice = multiclass_f1_score(predicted, truth, average="macro", validate_args=False, **how)
        parts.append(pl.DataFrame({"row": rows, "accuracy": right.numpy(), "dice": dice.numpy()}))
    if not parts:
        return None
    lines = pl.concat(parts).sort("accuracy", "row")
    return MaskRows(len(lines), lines)


def _tensors(evaluation: MaskEvaluation, where: Filters) -> Iterator[tuple[list[int], torch.Tensor, torch.Tensor]]:
    for rows, predicted, truth in evaluation.pairs(where):
        # Beyond the picture both are unknown; torchmetrics looks at predictions before it leaves those out.
        known = np.where(predicted == UNKNOWN, UNKNOWN, truth)
        yield rows, torch.from_numpy(np.where(known == UNKNOWN, 0, predicted)).long(), torch.from_numpy(known).long()


def _per_class(
    labels: tuple[str, ...], found: dict[str, torch.Tensor], pixels: torch.Tensor, taken: torch.Tensor
) -> pl.DataFrame:
    """The figures of each class; null where it does not occur, which torchmetrics gives as 0."""
    columns = {name: found[name].numpy() for name in ("iou", "dice", "precision", "recall")}
    frame = pl.DataFrame({"label": labels, "pixels": pixels.numpy(), "predicted": taken.numpy(), **columns})
    occurs = {"precision": pl.col("predicted") > 0, "recall": pl.col("pixels") > 0}
    occurs |= dict.fromkeys(("iou", "dice"), (pl.col("pixels") + pl.col("predicted")) > 0)
    return frame.with_columns(pl.when(known).then(pl.col(name)).alias(name) for name, known in occurs.items())
