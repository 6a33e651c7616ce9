"""How right the masks were: figures over all pixels, what is taken for what, each class, the pictures least right."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from dashboard.charts import evaluation as charts
from dashboard.components.chart import draw, show_title
from dashboard.components.judging import (
    Where,
    count_column,
    known,
    mask_figures,
    mask_rows,
    matrix_of,
    share_column,
    show_by_class,
    show_cards,
    show_nothing_to_judge,
    show_used,
)
from dashboard.components.review import choosable
from dashboard.words import count
from engine import MaskEvaluation, MaskFigures

_WORST = 12


def show_masks(evaluation: MaskEvaluation, where: Where) -> None:
    """Everything about the pictures that the filters leave."""
    figures = mask_figures(evaluation, known(evaluation.results), where)
    if figures is None:
        show_nothing_to_judge(evaluation.used(where), evaluation.label, numbers=False)
        return
    show_used(figures.used, evaluation.label, numbers=False)
    show_cards(mask_cards(figures), figures.used.rows)
    sides = st.grid(2, min_column_width=400)
    with sides.container(border=True, height="stretch"):
        _show_matrix(evaluation, figures)
    with sides.container(border=True, height="stretch"):
        _show_worst(evaluation, where)
    with st.container(border=True):
        _show_each(figures)


def mask_cards(figures: MaskFigures) -> list[tuple[str, str, str]]:
    """(name, figure, how to read it) of each figure."""
    overlap = "How far predicted and true pixels of a class are the same, the mean over the classes that occur"
    return [
        ("Mean IoU", f"{figures.mean_iou:.3f}", f"{overlap}: what they share over what they cover. 1 is best."),
        ("Mean Dice", f"{figures.mean_dice:.3f}", f"{overlap}: twice what they share over their sum. 1 is best."),
        ("Pixel accuracy", f"{figures.accuracy:.1%}", "The share of pixels whose class is right."),
    ]


def _show_matrix(evaluation: MaskEvaluation, figures: MaskFigures) -> None:
    cells = matrix_of(evaluation.labels, figures.confusion)
    numbers = pl.DataFrame(
        [(*cell, pixels) for cell, pixels in cells.items()], ["label", "predicted", "pixels"], orient="row"
    )
    show_title("What pixels are taken for", "pixel-confusion", numbers)
    frequent = figures.per_class.sort("pixels", descending=True)["label"].head(charts.MOST_CLASSES).to_list()
    shown = [label for label in evaluation.labels if label in frequent]
    figure = charts.matrix_figure(shown, shown, cells, ("true class", "predicted"), share=True)
    right = sum(pixels for (label, predicted), pixels in cells.items() if label == predicted)
    alt = f"True against predicted class: {right:,} of {count(sum(cells.values()), 'pixel')} are right."
    draw(figure, alt, "pixel-confusion")
    st.caption("The share of each true class's pixels, in the size that the model looks at.")


def _show_worst(evaluation: MaskEvaluation, where: Where) -> None:
    found = mask_rows(evaluation, known(evaluation.results), where)
    if found is None:
        return
    show_title("Least right", "least-right", found.lines)
    lines = found.lines.head(_WORST)
    config: dict[str, Any] = {
        "accuracy": share_column("Pixels right", "The share of the picture's pixels whose class is right"),
        "dice": share_column("Dice", "The overlap of predicted and true pixels, the mean over the picture's classes"),
    }
    choosable(lines, config, "least-right", "The pictures that are least right")


def _show_each(figures: MaskFigures) -> None:
    most = figures.per_class.drop_nulls("iou").sort("pixels", descending=True).head(5)
    said = ", ".join(f"{label} {iou:.3f}" for label, iou in most.select("label", "iou").iter_rows())
    alt = f"IoU, Dice, precision and recall of {count(len(figures.per_class), 'class', 'classes')}: IoU {said}"
    columns = {
        "pixels": count_column("Pixels", "Pixels of this true class"),
        "predicted": count_column("Predicted", "Pixels taken for it"),
        "iou": share_column("IoU", "What predicted and true pixels share, over what they cover together"),
        "dice": share_column("Dice", "Twice what they share, over their sum"),
        "precision": share_column("Precision", "Right among the pixels taken for it"),
        "recall": share_column("Recall", "Found among its pixels"),
    }
    show_by_class(figures.per_class, alt, columns)
