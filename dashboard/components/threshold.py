"""A decision threshold to move: what it finds, what it misses, and the two curves that it runs along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor

import streamlit as st

from dashboard.charts import evaluation as charts
from dashboard.components.chart import draw, show_title
from dashboard.components.fragments import fragment_of_run
from dashboard.components.judging import Where, class_curve, known, show_cards
from dashboard.words import count, plain, short
from engine import ClassEvaluation, Curve, LabelSetEvaluation, Point

_STEPS = 1_000  # of the threshold
_USUAL = 0.5


@fragment_of_run
def show_threshold(
    evaluation: ClassEvaluation | LabelSetEvaluation,
    labels: Sequence[str],
    where: Where,
    starts: Mapping[str, float] | None = None,
) -> None:
    """One of `labels` against the others: ROC, precision–recall, and a threshold that both follow.

    `starts` are the thresholds in use, for labels that have one of their own.
    """
    st.subheader("Decision threshold", anchor=False)
    controls = st.container(horizontal=True, vertical_alignment="bottom")
    with controls:
        label = str(st.selectbox("Class to find", labels, key="threshold-class", width=260))
        ratio = st.number_input(
            "A missed row costs as many false alarms as",
            0.01, 10_000.0, 1.0, 1.0, "%g", key="cost-ratio", width=320,
            help="How much worse it is to miss a row of this class than to take another for it.",
        )  # fmt: skip
    curve = class_curve(evaluation, known(evaluation.results), label, where)
    if curve is None:
        st.info(f"All or none of these rows are {plain(label)}: there is nothing to tell apart.")
        return
    best, start = curve.best(ratio), (starts or {}).get(label, _USUAL)
    key = f"decision-threshold-{label}" if starts else "decision-threshold"
    controls.button(
        f"Least cost: {best.threshold:.3f}",
        icon=":material/target:",
        on_click=_set_threshold,
        args=(key, best.threshold),
        help=f"{_said(best, label)} Move the threshold there.",
    )
    threshold = st.slider(
        f"Rows with a probability of at least this are taken for {plain(short(label, 24))}",
        0.0, 1.0, start, 1 / _STEPS, "%.3f", key=key,
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


def _set_threshold(key: str, threshold: float) -> None:
    st.session_state[key] = min(1.0, floor(threshold * _STEPS) / _STEPS)
