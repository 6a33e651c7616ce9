"""The figures themselves, by torchmetrics, batch by batch. It loads torch: for workers alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl
import torch
from torchmetrics import MeanMetric, MetricCollection
from torchmetrics import classification as of_classes
from torchmetrics import regression as of_values
from torchmetrics.classification import BinaryCalibrationError

from engine.evaluation import evaluation_of
from engine.evaluation.areas import MOST_EXACT, auroc_of, curve_of, tensors
from engine.evaluation.asking import packed
from engine.evaluation.classes import CALIBRATION_BINS, ClassEvaluation, ClassFigures
from engine.evaluation.curves import Curve
from engine.evaluation.embedding_judging import embedding_figures, most_alike, projected
from engine.evaluation.forecast_judging import forecast_figures
from engine.evaluation.judging_boxes import box_figures, box_rows
from engine.evaluation.judging_masks import mask_figures, mask_rows
from engine.evaluation.labels import batches
from engine.evaluation.set_judging import label_curve, label_set_figures
from engine.evaluation.values import ValueEvaluation, ValueFigures
from engine.results.filters import Filters
from engine.results.results import Results


def judged(results: Results, figures: str, where: Filters, **about: str) -> tuple[Mapping[str, Any], bytes]:
    """The figures of that name, of the lines chosen, as they go to another process."""
    if figures in _OF_ALL:
        return packed(_OF_ALL[figures](results, where, **about))
    return packed(_FIGURES[figures](evaluation_of(results), where, **about))


def class_figures(evaluation: ClassEvaluation, where: Filters = ()) -> ClassFigures | None:
    """All figures of classes; None where not one line can be judged."""
    used = evaluation.used(where)
    if not used.rows:
        return None
    found = _counted(evaluation, where)
    confusion, support = found["confusion"], found["confusion"].sum(dim=1)
    return ClassFigures(
        used,
        float(found["accuracy"]),
        float(found["recall"][support > 0].mean()),
        float(found["macro_f1"]),
        _auroc(evaluation, support.tolist(), where) if evaluation.has_shares else None,
        _log_loss(evaluation, where) if evaluation.has_shares else None,
        _calibration_error(evaluation, where, used.rows) if evaluation.has_shares else None,
        tuple(tuple(line) for line in confusion.tolist()),
        _per_class(evaluation.labels, found, support, confusion.sum(dim=0)),
    )


def class_curve(evaluation: ClassEvaluation, where: Filters = (), *, label: str) -> Curve | None:
    """ROC and precision–recall of one class against the others; None where only one of the two occurs."""
    support = evaluation.support(where)
    positives, negatives = support[label], sum(support.values()) - support[label]
    if not evaluation.has_shares or not positives or not negatives:
        return None
    return curve_of(label, positives, negatives, _against(evaluation, label, where))


def value_figures(evaluation: ValueEvaluation, where: Filters = (), *, output: str) -> ValueFigures | None:
    """All figures of numbers; None where not one line can be judged."""
    used = evaluation.used(output, where)
    if not used.rows:
        return None
    lines = evaluation.lines(output, where)
    label = pl.col("label")
    asked = lines.select(label.mean().alias("mean"), label.std().alias("spread"), label.abs().min().alias("least"))
    mean, spread, least = asked.collect(engine="streaming").row(0)
    rmse = of_values.MeanSquaredError(squared=False).set_dtype(torch.float64)
    mae = of_values.MeanAbsoluteError().set_dtype(torch.float64)
    r2 = of_values.R2Score().set_dtype(torch.float64)
    mape = of_values.MeanAbsolutePercentageError().set_dtype(torch.float64)
    for predicted, truth in _pairs(lines):
        rmse.update(predicted, truth)
        mae.update(predicted, truth)
        # R² and MAPE do not depend on the unit; torchmetrics rounds what is tiny in the unit that it is given.
        r2.update((predicted - mean) / (spread or 1.0), (truth - mean) / (spread or 1.0))
        mape.update(predicted / (least or 1.0), truth / (least or 1.0))
    return ValueFigures(
        used,
        float(rmse.compute()),
        float(mae.compute()),
        float(r2.compute()) if used.rows > 1 else None,
        float(mape.compute()) if least else None,
    )


def _counted(evaluation: ClassEvaluation, where: Filters) -> dict[str, torch.Tensor]:
    """The figures that need no probabilities."""
    n = len(evaluation.labels)
    metrics = MetricCollection(
        {
            "accuracy": of_classes.MulticlassAccuracy(n, average="micro", validate_args=False),
            "macro_f1": of_classes.MulticlassF1Score(n, average="macro", validate_args=False),
            "precision": of_classes.MulticlassPrecision(n, average="none", validate_args=False),
            "recall": of_classes.MulticlassRecall(n, average="none", validate_args=False),
            "f1": of_classes.MulticlassF1Score(n, average="none", validate_args=False),
            "confusion": of_classes.MulticlassConfusionMatrix(n, validate_args=False),
        }
    )
    for batch in batches(evaluation.lines(where).select("predicted", "label")):
        metrics.update(*(column.to_torch().long() for column in batch.get_columns()))
    found: dict[str, torch.Tensor] = metrics.compute()
    return found


def _log_loss(evaluation: ClassEvaluation, where: Filters) -> float:
    """The mean of PyTorch's negative log likelihood, probabilities clipped as scikit-learn clips them."""
    mean, least = MeanMetric().set_dtype(torch.float64), torch.finfo(torch.float32).eps
    for batch in batches(evaluation.lines(where).select("label", *evaluation.predicted.shares), len(evaluation.labels)):
        shares = batch.drop("label").cast(pl.Float32).to_torch().double().clip(least, 1 - least)
        loss = torch.nn.functional.nll_loss(shares.log(), batch["label"].to_torch().long(), reduction="none")
        mean.update(loss)
    return float(mean.compute())


def _calibration_error(evaluation: ClassEvaluation, where: Filters, rows: int) -> float:
    """The expected calibration error of the class that was chosen, over at most a million lines, evenly spaced."""
    metric = BinaryCalibrationError(n_bins=CALIBRATION_BINS, norm="l1", validate_args=False)
    lines = evaluation.lines(where).select(pl.col("confidence").clip(0, 1), "hit")
    for batch in batches(lines.gather_every(-(-rows // MOST_EXACT))):
        metric.update(*tensors(batch))
    return float(metric.compute())


def _per_class(
    labels: Sequence[str], found: dict[str, torch.Tensor], rows: torch.Tensor, predicted: torch.Tensor
) -> pl.DataFrame:
    """The figures of each class; null where it does not occur, which torchmetrics gives as 0."""
    columns = {name: found[name].numpy() for name in ("precision", "recall", "f1")}
    frame = pl.DataFrame(
        {"label": labels, "rows": rows.numpy(), "predicted": predicted.numpy(), **columns},
    )
    occurs = {"precision": pl.col("predicted") > 0, "recall": pl.col("rows") > 0}
    occurs["f1"] = occurs["precision"] | occurs["recall"]
    return frame.with_columns(pl.when(known).then(pl.col(name)).alias(name) for name, known in occurs.items())


def _auroc(evaluation: ClassEvaluation, support: Sequence[int], where: Filters) -> float | None:
    """The mean area under the ROC curves, each class against the others; None where nothing is to be told apart."""
    sizes = {label: (rows, sum(support) - rows) for label, rows in zip(evaluation.labels, support, strict=True)}
    asked = evaluation.labels[1:] if len(evaluation.labels) == 2 else evaluation.labels
    areas = [auroc_of(*sizes[label], _against(evaluation, label, where)) for label in asked if all(sizes[label])]
    return sum(areas) / len(areas) if areas else None


def _against(evaluation: ClassEvaluation, label: str, where: Filters) -> Iterator[pl.DataFrame]:
    """The lines of one class against the others: its probability, and whether it is the label."""
    place = evaluation.labels.index(label)
    share = pl.col(evaluation.predicted.shares[place]).clip(0, 1)  # torchmetrics takes what is larger for a logit
    return batches(evaluation.lines(where).select(share, (pl.col("label") == place).cast(pl.Int8)))


def _pairs(lines: pl.LazyFrame) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """(predicted, label), some thousands at a time."""
    for batch in batches(lines.select("predicted", "label"), 2):
        predicted, label = batch.get_columns()
        yield predicted.to_torch(), label.to_torch()


_FIGURES: Mapping[str, Callable[..., object | None]] = {
    each.__name__: each
    for each in (
        class_figures,
        class_curve,
        value_figures,
        label_set_figures,
        label_curve,
        forecast_figures,
        embedding_figures,
        mask_figures,
        mask_rows,
        box_figures,
        box_rows,
    )
}
_OF_ALL: Mapping[str, Callable[..., object | None]] = {each.__name__: each for each in (projected, most_alike)}
"""What needs no labels."""
