"""How right the predictions were, where the upload brought labels: the figures, then what they are made of."""

from __future__ import annotations

from dashboard.components.box_evaluation import show_boxes
from dashboard.components.chart import choose_picture_format
from dashboard.components.class_evaluation import show_classes
from dashboard.components.embeddings import show_embeddings
from dashboard.components.forecast import show_forecasts
from dashboard.components.judging import begin_to_load
from dashboard.components.label_set_evaluation import show_label_sets
from dashboard.components.mask_evaluation import show_masks
from dashboard.components.value_evaluation import show_values
from engine import (
    BoxEvaluation,
    ClassEvaluation,
    EmbeddingEvaluation,
    Filter,
    ForecastEvaluation,
    LabelSetEvaluation,
    MaskEvaluation,
    Results,
    evaluation_of,
)


def show_evaluation(results: Results, where: tuple[Filter, ...]) -> None:
    """The evaluation of the rows that the filters leave."""
    evaluation = evaluation_of(results)
    if isinstance(evaluation, ClassEvaluation):
        show_classes(evaluation, where)
    elif isinstance(evaluation, LabelSetEvaluation):
        show_label_sets(evaluation, where)
    elif isinstance(evaluation, EmbeddingEvaluation):
        show_embeddings(evaluation, where)
    elif isinstance(evaluation, ForecastEvaluation):
        show_forecasts(evaluation, where)
    elif isinstance(evaluation, MaskEvaluation):
        show_masks(evaluation, where)
    elif isinstance(evaluation, BoxEvaluation):
        show_boxes(evaluation, where)
    elif evaluation is not None:
        show_values(evaluation, where)
    choose_picture_format()


def has_labels(results: Results) -> bool:
    """Whether the upload brought labels to judge by; where so, a worker begins to make itself ready."""
    labelled = any(column.role == "label" for column in results.columns)
    if labelled:
        begin_to_load(results)
    return labelled
