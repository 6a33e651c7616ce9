"""Why a row was predicted so: which of its values move the prediction, and which way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard.access.callers import this_engine
from dashboard.charts.influences import influence_figure
from dashboard.components.outcome import shown_value
from dashboard.failures import shown_failures
from dashboard.typed import predict_values
from dashboard.words import number, with_unit
from engine import Results, Swap, influences, swaps

_MOST_BARS = 12
_PROBABILITY = "probability_"
_HELP = (
    "A bar is how much higher the prediction is with the row's own value than with the middle one, every other value "
    "kept. The middle is that of the data the model was trained on, where its card says so, else that of this run. "
    "It shows what the model does with the values, not what causes what."
)


def show_influences(results: Results, line: Mapping[str, Any]) -> None:
    """The values that move the row's prediction most, where the visitor wants them; nothing where none could."""
    columns = _predicted(results, line)
    if results.card.sequence is not None or results.card.image is not None or not columns:
        return
    asked = swaps(results, line)
    if not asked:
        return
    st.subheader("Why", anchor=False, help=_HELP)
    if st.toggle("Show which values move this prediction", key="why", bind="query-params"):
        with shown_failures():
            _show(results, line, asked, columns)


def _show(results: Results, line: Mapping[str, Any], asked: tuple[Swap, ...], columns: list[str]) -> None:
    of = columns[0]
    if len(columns) > 1:
        of = str(st.selectbox("Of", columns, key="why-of", bind="query-params", width=320))
    engine = this_engine()
    entry = engine.model(results.run.model_id, results.run.version)
    own = {column.name: line.get(column.name) for column in results.card.signature}
    _, lines = predict_values(engine, entry, [own, *(swap.row for swap in asked)])
    found = influences(asked, lines, of) if of in lines.columns else ()
    if not any(change for _, change in found):
        st.caption("No value alone moves this prediction.")
        return
    name, shown = _name(results, of), found[:_MOST_BARS]
    changes = [(swap.column, _said(swap), change) for swap, change in shown]
    alt = f"What moves {name}: " + "; ".join(f"{column} {said}: {number(by, 3)}" for column, said, by in changes)
    figure = influence_figure(changes, f"± {name}")
    st.plotly_chart(figure, theme="streamlit", alt=alt, config={"displayModeBar": False}, key="why-chart")
    more = f" The other {len(found) - len(shown):,} move it less." if len(found) > len(shown) else ""
    st.caption(f"Against the middle value of each column, every other value kept.{more}")


def _said(swap: Swap) -> str:
    return f"{shown_value(swap.own)}, middle {shown_value(swap.middle)}"


def _predicted(results: Results, line: Mapping[str, Any]) -> list[str]:
    """The predicted columns that can be moved: the probability of the chosen class, else those of all labels, else
    every predicted number.
    """
    chosen = f"{_PROBABILITY}{line.get('prediction')}"
    numbers = [
        column.name
        for column in results.columns
        if column.role == "prediction" and column.dtype == "number" and line.get(column.name) is not None
    ]
    if chosen in numbers:
        return [chosen]
    shares = [name for name in numbers if name.startswith(_PROBABILITY)]
    return sorted(shares, key=lambda name: -line[name]) or numbers


def _name(results: Results, of: str) -> str:
    if of.startswith(_PROBABILITY):
        return f"probability of {of.removeprefix(_PROBABILITY)}"
    return with_unit(of, next(column.unit for column in results.columns if column.name == of))
