"""How right the classes were: figures, the matrix of mix-ups, calibration, each class."""

from __future__ import annotations

import polars as pl
import streamlit as st

from dashboard import selection
from dashboard.charts import evaluation as charts
from dashboard.components.chart import Marks, draw, show_title
from dashboard.components.judging import (
    Where,
    class_figures,
    count_column,
    known,
    matrix_of,
    share_column,
    show_by_class,
    show_cards,
    show_nothing_to_judge,
    show_used,
)
from dashboard.components.threshold import show_threshold
from dashboard.words import count, plain, short
from engine import ClassEvaluation, ClassFigures, Filter

_MIX_UPS = 5


def show_classes(evaluation: ClassEvaluation, where: Where) -> None:
    """Everything about the rows that the filters leave."""
    figures = class_figures(evaluation, known(evaluation.results), where)
    if figures is None:
        show_nothing_to_judge(evaluation.used(where), evaluation.label, numbers=False)
        return
    show_used(figures.used, evaluation.label, numbers=False)
    show_cards(class_cards(figures), figures.used.rows)
    sides = st.grid(2, min_column_width=400)
    with sides.container(border=True, height="stretch"):
        _show_matrix(evaluation, figures, where)
    with sides.container(border=True, height="stretch"):
        if figures.calibration_error is not None:
            _show_calibration(evaluation, figures.calibration_error, where)
        else:
            show_each(figures.per_class)
    if evaluation.has_shares:
        with st.container(border=True):
            show_threshold(evaluation, evaluation.labels, where)
        with st.container(border=True):
            show_each(figures.per_class)


def class_cards(figures: ClassFigures) -> list[tuple[str, str, str]]:
    """(name, figure, how to read it) of each figure that is defined."""
    cards = [
        ("Accuracy", f"{figures.accuracy:.1%}", "The share of rows whose class is right."),
        (
            "Balanced accuracy",
            f"{figures.balanced_accuracy:.1%}",
            "The share found of each class, the mean over the classes: a rare class counts as much as a frequent one.",
        ),
        (
            "Macro F1",
            f"{figures.macro_f1:.3f}",
            "Precision and recall in one figure, the mean over the classes. 1 is best.",
        ),
    ]
    if figures.auroc is not None:
        reading = "How well the probabilities put rows of a class before the others: 0.5 is chance, 1 is best."
        cards.append(("AUROC", f"{figures.auroc:.3f}", reading))
    if figures.log_loss is not None:
        reading = "How much the labels surprise the model, in nats: 0 is best, a sure mistake costs most."
        cards.append(("Log loss", f"{figures.log_loss:.3f}", reading))
    if figures.calibration_error is not None:
        reading = "How far confidence and the share that is right are apart, in 15 groups of rows: 0 is best."
        cards.append(("Calibration error", f"{figures.calibration_error:.3f}", reading))
    return cards


def _show_matrix(evaluation: ClassEvaluation, figures: ClassFigures, where: Where) -> None:
    cells = matrix_of(evaluation.labels, figures.confusion)
    numbers = pl.DataFrame(
        [(*cell, rows) for cell, rows in cells.items()], ["label", "predicted", "rows"], orient="row"
    )
    show_title("Confusion matrix", "confusion", numbers)
    share = st.segmented_control(
        "Cells show",
        ["rows", "share"],
        default="rows",
        required=True,
        key="matrix-shows",
        label_visibility="collapsed",
        format_func={"rows": "Rows", "share": "Share of the label"}.__getitem__,
    )
    frequent = figures.per_class.sort("rows", descending=True)["label"].head(charts.MOST_CLASSES).to_list()
    shown = [label for label in evaluation.labels if label in frequent]
    figure = charts.matrix_figure(shown, shown, cells, (f"label: {evaluation.label}", "predicted"), share == "share")
    alt = charts.matrix_alt("Confusion matrix, labels against predictions", cells)
    draw(figure, alt, selection.key(f"confusion-{share}", *where), lambda marks, _: _cell(evaluation, marks))
    if len(shown) < len(evaluation.labels):
        st.caption(f"The {len(shown)} most frequent of {count(len(evaluation.labels), 'class', 'classes')}.")
    _show_mix_ups(evaluation, cells)


def _cell(evaluation: ClassEvaluation, marks: Marks) -> tuple[Filter, ...]:
    """The filters of the cell that was clicked."""
    return evaluation.cell(*marks[0]["customdata"][:2]) if marks else ()


def _show_mix_ups(evaluation: ClassEvaluation, cells: charts.Matrix) -> None:
    """The fullest cells beside the diagonal, as buttons that leave their rows."""
    mixed = sorted((pair for pair in cells if pair[0] != pair[1] and cells[pair]), key=lambda pair: -cells[pair])
    if not mixed:
        st.caption("Every row is on the diagonal: nothing is mixed up.")
        return
    st.caption("Mixed up most often; choose one, or a cell, to see just its rows:")
    with st.container(horizontal=True, gap="xsmall"):
        for label, predicted in mixed[:_MIX_UPS]:
            words = f"{short(label, 20)} taken for {short(predicted, 20)}: {count(cells[label, predicted], 'row')}"
            filters, key = evaluation.cell(label, predicted), f"mixed-{label}-{predicted}"
            st.button(plain(words), key=key, type="tertiary", on_click=selection.add, args=filters)


def _show_calibration(evaluation: ClassEvaluation, error: float, where: Where) -> None:
    bins = evaluation.calibration(where)
    show_title("Calibration", "calibration", bins)
    draw(charts.calibration_figure(bins), charts.calibration_alt(bins, error), "calibration")
    st.caption(
        "On the dashed line a model that says 0.8 is right in 80 % of its cases. Below it the model is too sure of "
        "itself, above it not sure enough. A point is a group of rows, the larger the more."
    )


def show_each(per_class: pl.DataFrame, what: str = "Class") -> None:
    """The figures of each class or label: how often it came, precision, recall, F1."""
    alt = f"Precision, recall and F1 of {count(len(per_class), 'class', 'classes')}: {_said_each(per_class)}"
    columns = {
        "rows": count_column("Rows", "Rows with this label"),
        "predicted": count_column("Predicted", "Rows taken for this class"),
        "precision": share_column("Precision", "Right among those taken for it"),
        "recall": share_column("Recall", "Found among those with the label"),
        "f1": share_column("F1", "Harmonic mean of precision and recall"),
        "auroc": share_column("AUROC", "How well its probabilities put rows with the label first; 0.5 is chance"),
    }
    show_by_class(per_class, alt, columns, what)


def _said_each(per_class: pl.DataFrame) -> str:
    """The recall of the most frequent classes."""
    most = per_class.drop_nulls("recall").sort("rows", descending=True).head(_MIX_UPS)
    return ", ".join(f"{label} found {recall:.1%}" for label, recall in most.select("label", "recall").iter_rows())
