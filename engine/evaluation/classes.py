"""How well classes were predicted: torchmetrics' figures over the lines whose label is known, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl

from engine.evaluation.curves import MOST_EXACT, Curve, auroc_of, curve_of, tensors
from engine.evaluation.labels import Used, batches, count_used, is_empty, raw_labels, usable
from engine.filters import Filter, Filters
from engine.predicted import Classes
from engine.results import Results

if TYPE_CHECKING:
    import torch

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
        """The figures of the selection; None where not one line can be judged."""
        used = self.used(where)
        if not used.rows:
            return None
        found = self._counted(where)
        confusion, support = found["confusion"], found["confusion"].sum(dim=1)
        return ClassFigures(
            used,
            float(found["accuracy"]),
            float(found["recall"][support > 0].mean()),
            float(found["macro_f1"]),
            self._log_loss(where) if self.has_shares else None,
            self._calibration_error(where, used.rows) if self.has_shares else None,
            tuple(tuple(line) for line in confusion.tolist()),
            self._per_class(found, support, confusion.sum(dim=0)),
        )

    def auroc(self, where: Filters = ()) -> float | None:
        """The mean area under the ROC curves, each class against the others; None without probabilities or contrast."""
        if not self.has_shares:
            return None
        support = self.support(where)
        asked = self.labels[1:] if len(self.labels) == 2 else self.labels
        sizes = {label: (support[label], sum(support.values()) - support[label]) for label in asked}
        areas = [auroc_of(*size, self._against(label, where)) for label, size in sizes.items() if all(size)]
        return sum(areas) / len(areas) if areas else None

    def curve(self, label: str, where: Filters = ()) -> Curve | None:
        """ROC and precision–recall of one class against the others; None where only one of the two occurs."""
        support = self.support(where)
        positives, negatives = support[label], sum(support.values()) - support[label]
        if not self.has_shares or not positives or not negatives:
            return None
        return curve_of(label, positives, negatives, self._against(label, where))

    def calibration(self, where: Filters = ()) -> pl.DataFrame:
        """Lines by how sure the model was: lo, hi, confidence (mean), accuracy (share that was right), rows."""
        sure = pl.col("confidence").clip(0, 1)
        place = (sure * CALIBRATION_BINS).floor().clip(0, CALIBRATION_BINS - 1).cast(pl.Int32).alias("bin")
        bins = (
            self._lines(where)
            .group_by(place)
            .agg(sure.mean().alias("confidence"), pl.col("hit").mean().alias("accuracy"), pl.len().alias("rows"))
        )
        edges = [((pl.col("bin") + more) / CALIBRATION_BINS).alias(name) for more, name in ((0, "lo"), (1, "hi"))]
        return bins.sort("bin").select(*edges, "confidence", "accuracy", "rows").collect(engine="streaming")

    def support(self, where: Filters = ()) -> dict[str, int]:
        """How many lines that can be judged have each label."""
        counts = dict(self._lines(where).group_by("label").agg(pl.len()).collect(engine="streaming").iter_rows())
        return {label: int(counts.get(place, 0)) for place, label in enumerate(self.labels)}

    def cell(self, label: str, predicted: str | None = None) -> tuple[Filter, ...]:
        """The filters that leave the lines of one cell of the confusion matrix, or of one of its lines."""
        place = self.labels.index(label)
        cells: Any = tuple(cell for cell, own in self._raw.items() if own == place)
        of_label = Filter(self.label, "in", cells)
        return (of_label, Filter(self.predicted.column, "in", (predicted,))) if predicted else (of_label,)

    def _counted(self, where: Filters) -> dict[str, torch.Tensor]:
        """The figures that need no probabilities."""
        from torchmetrics import MetricCollection
        from torchmetrics import classification as of

        n = len(self.labels)
        metrics = MetricCollection(
            {
                "accuracy": of.MulticlassAccuracy(n, average="micro", validate_args=False),
                "macro_f1": of.MulticlassF1Score(n, average="macro", validate_args=False),
                "precision": of.MulticlassPrecision(n, average="none", validate_args=False),
                "recall": of.MulticlassRecall(n, average="none", validate_args=False),
                "f1": of.MulticlassF1Score(n, average="none", validate_args=False),
                "confusion": of.MulticlassConfusionMatrix(n, validate_args=False),
            }
        )
        for batch in batches(self._lines(where).select("predicted", "label")):
            metrics.update(*(column.to_torch().long() for column in batch.get_columns()))
        found: dict[str, torch.Tensor] = metrics.compute()
        return found

    def _log_loss(self, where: Filters) -> float:
        """The mean of PyTorch's negative log likelihood, probabilities clipped as scikit-learn clips them."""
        import torch
        from torchmetrics import MeanMetric

        mean, least = MeanMetric().set_dtype(torch.float64), torch.finfo(torch.float32).eps
        for batch in batches(self._lines(where).select("label", *self.predicted.shares), len(self.labels)):
            shares = batch.drop("label").cast(pl.Float32).to_torch().double().clip(least, 1 - least)
            loss = torch.nn.functional.nll_loss(shares.log(), batch["label"].to_torch().long(), reduction="none")
            mean.update(loss)
        return float(mean.compute())

    def _calibration_error(self, where: Filters, rows: int) -> float:
        """The expected calibration error of the class that was chosen, over at most a million lines, evenly spaced."""
        from torchmetrics.classification import BinaryCalibrationError

        metric = BinaryCalibrationError(n_bins=CALIBRATION_BINS, norm="l1", validate_args=False)
        lines = self._lines(where).select(pl.col("confidence").clip(0, 1), "hit")
        for batch in batches(lines.gather_every(-(-rows // MOST_EXACT))):
            metric.update(*tensors(batch))
        return float(metric.compute())

    def _per_class(self, found: dict[str, torch.Tensor], rows: torch.Tensor, predicted: torch.Tensor) -> pl.DataFrame:
        """The figures of each class; null where it does not occur, which torchmetrics gives as 0."""
        columns = {name: found[name].numpy() for name in ("precision", "recall", "f1")}
        frame = pl.DataFrame(
            {"label": self.labels, "rows": rows.numpy(), "predicted": predicted.numpy(), **columns},
        )
        occurs = {"precision": pl.col("predicted") > 0, "recall": pl.col("rows") > 0}
        occurs["f1"] = occurs["precision"] | occurs["recall"]
        return frame.with_columns(pl.when(known).then(pl.col(name)).alias(name) for name, known in occurs.items())

    def _against(self, label: str, where: Filters) -> Iterator[pl.DataFrame]:
        place = self.labels.index(label)
        share = pl.col(self.predicted.shares[place]).clip(0, 1)  # torchmetrics takes what is larger for a logit
        return batches(self._lines(where).select(share, (pl.col("label") == place).cast(pl.Int8)))

    def _lines(self, where: Filters) -> pl.LazyFrame:
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
