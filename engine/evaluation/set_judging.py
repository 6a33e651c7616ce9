"""The figures of sets of labels themselves, by torchmetrics, batch by batch. It loads torch: for workers alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl
import torch
from torchmetrics import MetricCollection
from torchmetrics import classification as of_classes

from engine.evaluation.areas import auroc_of, curve_of
from engine.evaluation.curves import Curve
from engine.evaluation.label_sets import LabelSetEvaluation, LabelSetFigures
from engine.evaluation.labels import batches
from engine.results.filters import Filters


def label_set_figures(evaluation: LabelSetEvaluation, where: Filters = ()) -> LabelSetFigures | None:
    """All figures of sets of labels; None where not one line can be judged."""
    used = evaluation.used(where)
    if not used.rows:
        return None
    found = _counted(evaluation, where)
    per_label = _per_label(evaluation, found, where)
    areas = per_label["auroc"].mean()
    return LabelSetFigures(
        used,
        float(found["exact"]),
        float(found["hamming"]),
        float(found["micro_f1"]),
        float(per_label["f1"].mean() or 0.0),  # type: ignore[arg-type]
        float(areas) if areas is not None else None,  # type: ignore[arg-type]
        per_label,
    )


def label_curve(evaluation: LabelSetEvaluation, where: Filters = (), *, label: str) -> Curve | None:
    """ROC and precision–recall of one label; None where it holds of all lines or of none."""
    number = evaluation.judged.index(label)
    rows, held = evaluation.lines(where).select(pl.len(), pl.col(f"t{number}").sum()).collect(engine="streaming").row(0)
    if not held or held == rows:
        return None
    return curve_of(label, held, rows - held, _of_label(evaluation, number, where))


def _counted(evaluation: LabelSetEvaluation, where: Filters) -> dict[str, torch.Tensor]:
    """What follows from the labels that were predicted, whatever their probabilities."""
    n = len(evaluation.judged)
    if n == 1:
        return _of_one(evaluation, where)
    metrics = MetricCollection(
        {
            "exact": of_classes.MultilabelExactMatch(n, validate_args=False),
            "hamming": of_classes.MultilabelHammingDistance(n, average="micro", validate_args=False),
            "micro_f1": of_classes.MultilabelF1Score(n, average="micro", validate_args=False),
            "precision": of_classes.MultilabelPrecision(n, average="none", validate_args=False),
            "recall": of_classes.MultilabelRecall(n, average="none", validate_args=False),
            "f1": of_classes.MultilabelF1Score(n, average="none", validate_args=False),
            "scores": of_classes.MultilabelStatScores(n, average="none", validate_args=False),
        }
    )
    for held, truth in _decided(evaluation, where):
        metrics.update(held, truth)
    found: dict[str, torch.Tensor] = metrics.compute()
    return found


def _of_one(evaluation: LabelSetEvaluation, where: Filters) -> dict[str, torch.Tensor]:
    """The same of a single label, for which torchmetrics has other names."""
    metrics = MetricCollection(
        {
            "exact": of_classes.BinaryAccuracy(validate_args=False),
            "hamming": of_classes.BinaryHammingDistance(validate_args=False),
            "micro_f1": of_classes.BinaryF1Score(validate_args=False),
            "precision": of_classes.BinaryPrecision(validate_args=False),
            "recall": of_classes.BinaryRecall(validate_args=False),
            "scores": of_classes.BinaryStatScores(validate_args=False),
        }
    )
    for held, truth in _decided(evaluation, where):
        metrics.update(held[:, 0], truth[:, 0])
    found: dict[str, torch.Tensor] = metrics.compute()
    one = {name: found[name].reshape(1) for name in ("precision", "recall")}
    return {**found, **one, "f1": found["micro_f1"].reshape(1), "scores": found["scores"].reshape(1, 5)}


def _decided(evaluation: LabelSetEvaluation, where: Filters) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """(predicted, truth), each (lines, labels judged) of 0 and 1, some thousands at a time."""
    numbers = range(len(evaluation.judged))
    names = [[f"{kind}{number}" for number in numbers] for kind in "ht"]
    for batch in batches(evaluation.lines(where).select(*names[0], *names[1]), 2 * len(numbers)):
        held, truth = (batch.select(each).to_torch().long() for each in names)
        yield held, truth


def _per_label(evaluation: LabelSetEvaluation, found: dict[str, torch.Tensor], where: Filters) -> pl.DataFrame:
    """The figures of each label; null where they are not defined, which torchmetrics gives as 0."""
    hit, alarms, _, _, held = found["scores"].long().T
    rows = int(found["scores"][0, :4].sum())
    figures = {name: found[name].tolist() for name in ("precision", "recall", "f1")}
    frame = pl.DataFrame(
        {
            "label": evaluation.judged,
            "rows": held.tolist(),
            "predicted": (hit + alarms).tolist(),
            **figures,
            "auroc": _areas(evaluation, held.tolist(), rows, where),
        },
        schema_overrides={"auroc": pl.Float64},
    )
    defined = {"precision": pl.col("predicted") > 0, "recall": pl.col("rows") > 0}
    defined["f1"] = defined["precision"] | defined["recall"]
    return frame.with_columns(pl.when(known).then(pl.col(name)).alias(name) for name, known in defined.items())


def _areas(evaluation: LabelSetEvaluation, held: Sequence[int], rows: int, where: Filters) -> list[float | None]:
    """The area under each label's ROC curve; None where it holds of all lines or of none."""
    return [
        auroc_of(positives, rows - positives, _of_label(evaluation, number, where)) if 0 < positives < rows else None
        for number, positives in enumerate(held)
    ]


def _of_label(evaluation: LabelSetEvaluation, number: int, where: Filters) -> Iterator[pl.DataFrame]:
    """The lines of one label: its probability, and whether it holds."""
    return batches(evaluation.lines(where).select(f"p{number}", f"t{number}"))
