"""How right the classes were: figures, the matrix of mix-ups, calibration, the threshold of one class, each class."""

from __future__ import annotations

from math import floor
from typing import Any

import polars as pl
import streamlit as st

from dashboard import evaluation_charts as charts
from dashboard import selection
from dashboard.components.chart import Marks, draw, show_title
from dashboard.components.judging import (
    Where,
    class_curve,
    class_figures,
    known,
    show_cards,
    show_nothing_to_judge,
    show_used,
)
from dashboard.words import count, plain, short
from engine import ClassEvaluation, ClassFigures, Curve, Filter, Point

_MIX_UPS = 5
_STEPS = 1_000  # of the threshold


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
            _show_each(figures)
    if evaluation.has_shares:
        with st.container(border=True):
            _show_threshold(evaluation, where)
        with st.container(border=True):
            _show_each(figures)


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
    cells = {
        (label, predicted): rows
        for label, line in zip(evaluation.labels, figures.confusion, strict=True)
        for predicted, rows in zip(evaluation.labels, line, strict=True)
    }
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


@st.fragment
def _show_threshold(evaluation: ClassEvaluation, where: Where) -> None:
    """One class against the others: ROC, precision–recall, and a threshold that both follow."""
    st.subheader("Decision threshold", anchor=False)
    controls = st.container(horizontal=True, vertical_alignment="bottom")
    with controls:
        label = str(st.selectbox("Class to find", evaluation.labels, key="threshold-class", width=260))
        ratio = st.number_input(
            "A missed row costs as many false alarms as",
            0.01, 10_000.0, 1.0, 1.0, "%g", key="cost-ratio", width=320,
            help="How much worse it is to miss a row of this class than to take another for it.",
        )  # fmt: skip
    curve = class_curve(evaluation, known(evaluation.results), label, where)
    if curve is None:
        st.info(f"All or none of these rows are {plain(label)}: there is nothing to tell apart.")
        return
    best = curve.best(ratio)
    controls.button(
        f"Least cost: {best.threshold:.3f}",
        icon=":material/target:",
        on_click=_set_threshold,
        args=(best.threshold,),
        help=f"{_said(best, label)} Move the threshold there.",
    )
    threshold = st.slider(
        f"Rows with a probability of at least this are taken for {plain(short(label, 24))}",
        0.0, 1.0, 0.5, 1 / _STEPS, "%.3f", key="decision-threshold",
    )  # fmt: skip
    point = curve.at(threshold)
    _show_point(curve, point)
    sides = st.grid(2, min_column_width=380)
    with sides:
        with st.container():
            show_title("ROC", "roc", curve.points)
            draw(charts.roc_figure(curve, point), charts.roc_alt(curve, point), "roc")
        with st.container():
            show_title("Precision and recall", "precision-recall", curve.points)
            draw(charts.precision_figure(curve, point), charts.precision_alt(curve, point), "precision-recall")
    st.caption(_about(curve))


def _show_point(curve: Curve, point: Point) -> None:
    rows = curve.positives + curve.negatives
    show_cards(
        [
            (
                "Found (recall)",
                f"{point.recall:.1%}",
                f"{point.found:,} of {count(curve.positives, 'row')} of the class.",
            ),
            ("Missed", f"{point.missed:,}", "Rows of the class that are not taken for it."),
            (
                "False alarms",
                f"{point.false_alarms:,}",
                f"Of {count(curve.negatives, 'other row')}, taken for the class.",
            ),
            ("Precision", f"{point.precision:.1%}", "The share that is right among the rows taken for the class."),
        ],
        rows,
    )


def _about(curve: Curve) -> str:
    how = "" if curve.exact else " Of so many rows, at 201 thresholds."
    return (
        f"Area under the ROC curve {curve.auroc:.3f}; average precision {curve.average_precision:.3f}. "
        f"The dashed and dotted lines are chance.{how}"
    )


def _said(point: Point, label: str) -> str:
    return (
        f"{point.found:,} of {point.found + point.missed:,} rows of {plain(short(label, 24))} are found there, "
        f"with {count(point.false_alarms, 'false alarm')}."
    )


def _set_threshold(threshold: float) -> None:
    st.session_state["decision-threshold"] = min(1.0, floor(threshold * _STEPS) / _STEPS)


def _show_each(figures: ClassFigures) -> None:
    st.subheader("Class by class", anchor=False)
    st.dataframe(
        figures.per_class,
        hide_index=True,
        height=min(560, 38 + 35 * len(figures.per_class)),
        placeholder="–",
        alt=f"Precision, recall and F1 of {count(len(figures.per_class), 'class', 'classes')}: {_said_each(figures)}",
        column_config={
            "label": st.column_config.TextColumn("Class"),
            "rows": st.column_config.NumberColumn("Rows", format="localized", help="Rows with this label"),
            "predicted": st.column_config.NumberColumn(
                "Predicted", format="localized", help="Rows taken for this class"
            ),
            "precision": _share("Precision", "Right among those taken for it"),
            "recall": _share("Recall", "Found among those with the label"),
            "f1": _share("F1", "Harmonic mean of precision and recall"),
        },
    )


def _said_each(figures: ClassFigures) -> str:
    """The recall of the most frequent classes."""
    most = figures.per_class.drop_nulls("recall").sort("rows", descending=True).head(_MIX_UPS)
    return ", ".join(f"{label} found {recall:.1%}" for label, recall in most.select("label", "recall").iter_rows())


def _share(name: str, reading: str) -> Any:
    return st.column_config.ProgressColumn(name, help=reading, min_value=0.0, max_value=1.0, format="%.3f")
