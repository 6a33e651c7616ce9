"""How right the predictions were, where the upload brought labels: the figures, then what they are made of."""

from __future__ import annotations

from collections.abc import Callable

from dashboard.components.class_evaluation import show_classes
from dashboard.components.value_evaluation import show_values
from engine import ClassEvaluation, Filter, Results, evaluation_of


def show_evaluation(
    results: Results, where: tuple[Filter, ...], on_filter: Callable[[tuple[Filter, ...]], None]
) -> None:
    """The evaluation of the rows that the filters leave; `on_filter` gets the filters of what is clicked."""
    evaluation = evaluation_of(results)
    if isinstance(evaluation, ClassEvaluation):
        show_classes(evaluation, where, on_filter)
    elif evaluation is not None:
        show_values(evaluation, where)


def has_labels(results: Results) -> bool:
    """Whether the upload brought labels to judge by."""
    return any(column.role == "label" for column in results.columns)
