"""How right a run was, where its upload brought labels: every figure by torchmetrics, of all lines or of some."""

from __future__ import annotations

from threading import Thread

from engine.evaluation.boxes import BoxEvaluation, BoxFigures, BoxRows
from engine.evaluation.classes import ClassEvaluation, ClassFigures
from engine.evaluation.curves import Curve, Point
from engine.evaluation.embeddings import (
    Alike,
    EmbeddingEvaluation,
    EmbeddingFigures,
    Projection,
    alike,
    projection,
)
from engine.evaluation.forecasts import ForecastEvaluation, ForecastFigures
from engine.evaluation.label_sets import LabelSetEvaluation, LabelSetFigures
from engine.evaluation.labels import Used
from engine.evaluation.masks import MaskEvaluation, MaskFigures, MaskRows
from engine.evaluation.values import ValueEvaluation, ValueFigures
from engine.kinds.predicted import Boxes, Classes, Embeddings, Forecasts, LabelSets, Masks
from engine.results.results import Results

Evaluation = (
    BoxEvaluation | ClassEvaluation | EmbeddingEvaluation | LabelSetEvaluation | MaskEvaluation | ValueEvaluation
)


def evaluation_of(results: Results) -> Evaluation | None:
    """The judgement of the run by its labels; None where the upload brought none."""
    labels = tuple(column.name for column in results.columns if column.role == "label")
    if not labels:
        return None
    predicted = results.predicted
    if isinstance(predicted, Boxes):
        return BoxEvaluation(results, labels[0], predicted)
    if isinstance(predicted, Masks):
        return MaskEvaluation(results, labels[0], predicted)
    if isinstance(predicted, Classes):
        return ClassEvaluation(results, labels[0], predicted)
    if isinstance(predicted, Embeddings):
        return EmbeddingEvaluation(results, labels[0], predicted)
    if isinstance(predicted, LabelSets):
        return LabelSetEvaluation(results, labels, predicted)
    if isinstance(predicted, Forecasts):
        return ForecastEvaluation(results, labels, predicted)
    return ValueEvaluation(results, labels, predicted)


def prepare(results: Results) -> None:
    """Begins to load what judging needs, seconds before it is asked for; returns at once."""
    Thread(target=results.ask, args=("prepare",), daemon=True).start()


__all__ = [
    "Alike",
    "BoxEvaluation",
    "BoxFigures",
    "BoxRows",
    "ClassEvaluation",
    "ClassFigures",
    "Curve",
    "EmbeddingEvaluation",
    "EmbeddingFigures",
    "Evaluation",
    "ForecastEvaluation",
    "ForecastFigures",
    "LabelSetEvaluation",
    "LabelSetFigures",
    "MaskEvaluation",
    "MaskFigures",
    "MaskRows",
    "Point",
    "Projection",
    "Used",
    "ValueEvaluation",
    "ValueFigures",
    "alike",
    "evaluation_of",
    "prepare",
    "projection",
]
