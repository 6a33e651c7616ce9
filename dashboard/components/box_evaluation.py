"""How well objects were found: COCO's figures, what another threshold would do, each class, the worst pictures."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from dashboard.charts import pictures as picture_charts
from dashboard.components.chart import draw, show_title
from dashboard.components.judging import (
    Where,
    box_figures,
    box_rows,
    count_column,
    known,
    share_column,
    show_by_class,
    show_cards,
    show_nothing_to_judge,
    show_used,
)
from dashboard.components.review import choosable
from dashboard.words import count
from engine import BoxEvaluation, BoxFigures

_WORST = 12


def show_boxes(evaluation: BoxEvaluation, where: Where) -> None:
    """Everything about the pictures that the filters leave."""
    figures = box_figures(evaluation, known(evaluation.results), where)
    if figures is None:
        show_nothing_to_judge(evaluation.used(where), evaluation.label, numbers=False)
        return
    show_used(figures.used, evaluation.label, numbers=False)
    show_cards(box_cards(figures, evaluation.predicted.threshold), figures.used.rows)
    sides = st.grid(2, min_column_width=400)
    with sides.container(border=True, height="stretch"):
        _show_thresholds(evaluation, figures)
    with sides.container(border=True, height="stretch"):
        _show_worst(evaluation, where)
    with st.container(border=True):
        _show_each(figures)


def box_cards(figures: BoxFigures, threshold: float) -> list[tuple[str, str, str]]:
    """(name, figure, how to read it) of each figure."""
    average = "COCO's average precision: the area under precision over recall, the mean over the classes that occur"
    sure = f"boxes with a score of {threshold:g} or more"
    return [
        ("mAP", _figure(figures.mean_ap), f"{average} and over an overlap (IoU) of 0.50, 0.55 … 0.95. 1 is best."),
        ("AP50", _figure(figures.ap_50), f"{average}; a box is right from an overlap (IoU) of 0.5 on."),
        ("AP75", _figure(figures.ap_75), f"{average}; a box is right from an overlap (IoU) of 0.75 on."),
        ("Precision", _percent(figures.precision), f"The share of {sure} that cover an object of their class."),
        ("Recall", _percent(figures.recall), f"The share of the true objects that {sure} cover."),
    ]


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _show_thresholds(evaluation: BoxEvaluation, figures: BoxFigures) -> None:
    points = pl.DataFrame(figures.by_score, ["score", "precision", "recall"], orient="row")
    show_title("From which score on a box counts", "box-thresholds", points)
    threshold = evaluation.predicted.threshold
    figure = picture_charts.thresholds_figure(points, threshold)
    alt = f"Precision and recall by the least score of a box. At the card's {threshold:g}: "
    alt += f"precision {_percent(figures.precision)}, recall {_percent(figures.recall)}."
    draw(figure, alt, "box-thresholds")
    st.caption("A box is right where it covers a true one of its class with an overlap (IoU) of 0.5 or more.")


def _show_worst(evaluation: BoxEvaluation, where: Where) -> None:
    found = box_rows(evaluation, known(evaluation.results), where)
    if found is None:
        return
    show_title("Least right", "least-right", found.lines)
    config: dict[str, Any] = {
        "right": st.column_config.NumberColumn("Right", help="Boxes that cover an object of their class"),
        "missed": st.column_config.NumberColumn("Missed", help="Objects that no box of their class covers"),
        "wrong": st.column_config.NumberColumn("Wrong", help="Boxes that cover no object of their class, or one again"),
    }
    choosable(found.lines.head(_WORST), config, "least-right", "The pictures with most missed and wrong boxes")


def _show_each(figures: BoxFigures) -> None:
    most = figures.per_class.drop_nulls("ap").sort("boxes", descending=True).head(5)
    said = ", ".join(f"{label} {ap:.3f}" for label, ap in most.select("label", "ap").iter_rows())
    alt = f"Figures of {count(len(figures.per_class), 'class', 'classes')}: average precision {said}"
    columns = {
        "boxes": count_column("Objects", "True objects of this class"),
        "found": count_column("Found", "Boxes of it that count"),
        "right": count_column("Right", "Those that cover one of it"),
        "ap": share_column("AP", "Average precision, the mean over an overlap (IoU) of 0.50 to 0.95"),
        "ap_50": share_column("AP50", "Average precision at an overlap (IoU) of 0.5"),
        "precision": share_column("Precision", "Right among the boxes that count"),
        "recall": share_column("Recall", "Found among its objects"),
    }
    show_by_class(figures.per_class, alt, columns)
