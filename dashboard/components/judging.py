"""What the pages about right and wrong share: figures that take a second at a million rows, kept; and cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import streamlit as st

from dashboard.words import code, count, listed, plain
from engine import (
    BoxEvaluation,
    BoxFigures,
    BoxRows,
    ClassEvaluation,
    ClassFigures,
    Curve,
    Filter,
    ForecastEvaluation,
    ForecastFigures,
    LabelSetEvaluation,
    LabelSetFigures,
    MaskEvaluation,
    MaskFigures,
    MaskRows,
    Results,
    Used,
    ValueEvaluation,
    ValueFigures,
    prepare,
)

Where = tuple[Filter, ...]
Known = tuple[object, ...]
_KEPT = 64


def known(results: Results) -> Known:
    """What tells the results from others, and from those of the same run when it has gone on."""
    asked = results.asked
    runs = (asked.run, asked.other) if asked.other is not None else (asked.run,)
    return *((run.id, run.finished, run.rows_done) for run in runs), asked.where


@st.cache_resource(show_spinner=False)
def begin_to_load(_results: Results) -> None:
    """Has a worker load what judging needs; once a server."""
    prepare(_results)


@st.cache_resource(max_entries=_KEPT, show_spinner="Comparing with the labels")
def class_figures(_evaluation: ClassEvaluation, of: Known, where: Where) -> ClassFigures | None:
    """The figures of the selection."""
    return _evaluation.figures(where)


@st.cache_resource(max_entries=_KEPT, show_spinner="Comparing with the labels")
def label_set_figures(_evaluation: LabelSetEvaluation, of: Known, where: Where) -> LabelSetFigures | None:
    """The figures of the selection."""
    return _evaluation.figures(where)


@st.cache_resource(max_entries=_KEPT, show_spinner="Comparing with what came later")
def forecast_figures(_evaluation: ForecastEvaluation, of: Known, where: Where) -> ForecastFigures | None:
    """The figures of the selection."""
    return _evaluation.forecast_figures(where)


@st.cache_resource(max_entries=_KEPT, show_spinner="Drawing the curves")
def class_curve(_evaluation: ClassEvaluation | LabelSetEvaluation, of: Known, label: str, where: Where) -> Curve | None:
    """The curve of one class."""
    return _evaluation.curve(label, where)


@st.cache_resource(max_entries=_KEPT, show_spinner="Comparing with the labels")
def value_figures(_evaluation: ValueEvaluation, of: Known, output: str, where: Where) -> ValueFigures | None:
    """The figures of the selection."""
    return _evaluation.figures(output, where)


@st.cache_resource(max_entries=_KEPT, show_spinner="Comparing with the masks")
def mask_figures(_evaluation: MaskEvaluation, of: Known, where: Where) -> MaskFigures | None:
    """The figures of the selection."""
    return _evaluation.figures(where)


@st.cache_resource(max_entries=_KEPT, show_spinner="Comparing picture by picture")
def mask_rows(_evaluation: MaskEvaluation, of: Known, where: Where) -> MaskRows | None:
    """How right each picture of the selection is."""
    return _evaluation.rows(where)


@st.cache_resource(max_entries=_KEPT, show_spinner="Comparing with the true boxes")
def box_figures(_evaluation: BoxEvaluation, of: Known, where: Where) -> BoxFigures | None:
    """The figures of the selection."""
    return _evaluation.figures(where)


@st.cache_resource(max_entries=_KEPT, show_spinner="Comparing picture by picture")
def box_rows(_evaluation: BoxEvaluation, of: Known, where: Where) -> BoxRows | None:
    """How right each picture of the selection is."""
    return _evaluation.rows(where)


def show_used(used: Used, label: str, numbers: bool) -> None:
    """Over how many rows the figures are, and why over no more of them."""
    st.caption(f"{count(used.rows, 'row')} judged by the labels in {code(label)}.{_left_out(used, numbers)}")


def show_nothing_to_judge(used: Used, label: str, numbers: bool) -> None:
    """Says why there is not one row whose label is known."""
    words = _left_out(used, numbers) or " No row is left by the filters."
    st.info(f"There is nothing to judge by the labels in {code(label)}.{words}", icon=":material/fact_check:")


def show_cards(cards: Sequence[tuple[str, str, str]], rows: int) -> None:
    """Cards of (name, figure, how to read it), all over so many rows."""
    with st.grid(len(cards) if len(cards) <= 4 else 3, min_column_width=160):
        for name, figure, reading in cards:
            st.metric(name, figure, help=f"{reading} Over {count(rows, 'row')}.", border=True, height="stretch")


def show_by_class(per_class: pl.DataFrame, alt: str, columns: Mapping[str, Any], what: str = "Class") -> None:
    """A line for each class or label, with what was figured out of it."""
    st.subheader(f"{what} by {what.lower()}", anchor=False)
    st.dataframe(
        per_class,
        hide_index=True,
        height=min(560, 38 + 35 * len(per_class)),
        placeholder="–",
        alt=alt,
        column_config={"label": st.column_config.TextColumn(what), **columns},
    )


def share_column(name: str, reading: str) -> Any:
    """A column of shares of one, drawn as bars."""
    return st.column_config.ProgressColumn(name, help=reading, min_value=0.0, max_value=1.0, format="%.3f")


def count_column(name: str, reading: str) -> Any:
    """A column of how many there are."""
    return st.column_config.NumberColumn(name, format="localized", help=reading)


def matrix_of(labels: Sequence[str], confusion: Sequence[Sequence[int]]) -> dict[tuple[str, str], int]:
    """The confusion of the labels, a line a true one, by (true label, predicted)."""
    return {
        (label, predicted): found
        for label, line in zip(labels, confusion, strict=True)
        for predicted, found in zip(labels, line, strict=True)
    }


def _left_out(used: Used, numbers: bool) -> str:
    """A sentence for each reason; "" where no row is left out."""
    named = f" ({plain(listed(used.names))})" if used.names else ""
    stray = "a label that is no number" if numbers else "a label the model does not know"
    reasons = (
        (used.failed, "was not predicted", "were not predicted"),
        (used.unlabelled, "has no label", "have no label"),
        (used.unknown, f"has {stray}{named}", f"have {stray}{named}"),
        (used.undefined, "has a prediction that is no number", "have a prediction that is no number"),
    )
    said = [f"{rows:,} {one if rows == 1 else more}" for rows, one, more in reasons if rows]
    return f" Left out: {'; '.join(said)}." if said else ""
