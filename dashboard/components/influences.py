"""Why a row was predicted so: which of its values, places or words move the prediction, and which way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard.access.callers import this_engine
from dashboard.charts.influences import influence_figure
from dashboard.components.found import lies_in_pictures
from dashboard.components.left_out import show_left_out
from dashboard.components.outcome import shown_value
from dashboard.failures import shown_failures
from dashboard.typed import predict_values
from dashboard.words import number, with_unit
from engine import Patch, Results, Swap, influences, swaps

_MOST_BARS = 12
_PROBABILITY = "probability_"
_HELP = (
    "What becomes of the prediction where a part of the row is left out, everything else kept. "
    "It shows what the model does with its input, not what causes what."
)
_BARS = (
    "A bar is how much higher the prediction is with the row's own value than with the middle one, every other value "
    "kept. The middle is that of the data the model was trained on, where its card says so, else that of this run."
)


def show_influences(results: Results, line: Mapping[str, Any]) -> None:
    """What of the row moves its prediction most, where the visitor wants it; nothing where nothing could."""
    columns = _predicted(results, line)
    if results.card.sequence is not None or lies_in_pictures(results.predicted) or not columns:
        return
    asked, parts = swaps(results, line), results.parts(line)
    if not asked and not parts:
        return
    st.subheader("Why", anchor=False, help=_HELP)
    what = "values" if not parts else "places" if isinstance(parts[0], Patch) else "words"
    if st.toggle(f"Show which {what} move this prediction", key="why", bind="query-params"):
        of = columns[0]
        if len(columns) > 1:
            of = str(st.selectbox("Of", columns, key="why-of", bind="query-params", width=320))
        with shown_failures():
            if parts:
                show_left_out(results, line, of, _name(results, of))
            if asked:
                _show_values(results, line, asked, of)


def _show_values(results: Results, line: Mapping[str, Any], asked: tuple[Swap, ...], of: str) -> None:
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
    st.caption(f"Against the middle value of each column, every other value kept.{more}", help=_BARS)


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
