"""How right sets of labels were: figures, each label, the threshold of one."""

from __future__ import annotations

import streamlit as st

from dashboard.components.class_evaluation import show_each
from dashboard.components.judging import (
    Where,
    known,
    label_set_figures,
    show_cards,
    show_nothing_to_judge,
    show_used,
)
from dashboard.components.threshold import show_threshold
from engine import LabelSetEvaluation, LabelSetFigures


def show_label_sets(evaluation: LabelSetEvaluation, where: Where) -> None:
    """Everything about the rows that the filters leave."""
    figures = label_set_figures(evaluation, known(evaluation.results), where)
    if figures is None:
        show_nothing_to_judge(evaluation.used(where), evaluation.label, numbers=False)
        return
    show_used(figures.used, evaluation.label, numbers=False)
    show_cards(label_set_cards(figures), figures.used.rows)
    with st.container(border=True):
        show_each(figures.per_label, "Label")
    with st.container(border=True):
        starts = dict(zip(evaluation.labels, evaluation.predicted.thresholds, strict=True))
        show_threshold(evaluation, evaluation.judged, where, starts)


def label_set_cards(figures: LabelSetFigures) -> list[tuple[str, str, str]]:
    """(name, figure, how to read it) of each figure that is defined."""
    cards = [
        ("Micro F1", f"{figures.micro_f1:.3f}", "Precision and recall in one figure, over all answers. 1 is best."),
        ("Macro F1", f"{figures.macro_f1:.3f}", "The mean over the labels: a rare one counts as much. 1 is best."),
        ("All labels right", f"{figures.exact:.1%}", "The share of rows with exactly the right labels."),
        (
            "Hamming loss",
            f"{figures.hamming:.1%}",
            "The share of single answers, a label of a row each, that are wrong. 0 is best.",
        ),
    ]
    if figures.auroc is not None:
        reading = "How well a label's probabilities put its rows first, the mean over the labels: 0.5 is chance."
        cards.append(("AUROC", f"{figures.auroc:.3f}", reading))
    return cards
