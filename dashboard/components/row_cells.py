"""What one row holds: each cell with its unit, its place in the card's range, and how many rows lie below it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard.components.outcome import shown_value
from dashboard.words import number
from engine import Results, shares_below

_USES = {"input": "input", "order": "order", "label": "label", "extra": "kept"}
_MOST_LINES = 16


def show_cells(line: Mapping[str, Any], results: Results) -> None:
    """The row's cells as a small table; nothing where there are none."""
    shown = [column for column in results.columns if column.role in _USES and column.dtype != "list"]
    if not shown:
        return
    ranges = {column.name: column.range for column in results.card.signature if column.range}
    numbers = {
        column.name: float(line[column.name])
        for column in shown
        if column.dtype in ("number", "integer") and line[column.name] is not None
    }
    below = shares_below(results, numbers)
    table: dict[str, list[Any]] = {
        "Column": [column.name for column in shown],
        "Value": [with_unit_behind(shown_value(line[column.name]), column.unit) for column in shown],
    }
    if any(column.name in ranges for column in shown):
        table["In range"] = [_place(numbers.get(column.name), ranges.get(column.name)) for column in shown]
        table["Valid"] = [_range(ranges.get(column.name)) for column in shown]
    if below:
        table["Rows below"] = [100 * below[column.name] if column.name in below else None for column in shown]
    if len({column.role for column in shown}) > 1:
        table["Use"] = [_USES[column.role] for column in shown]
    st.dataframe(
        table,
        hide_index=True,
        height="content" if len(shown) <= _MOST_LINES else 560,
        column_config=_BARS,
        placeholder="–",
        alt=f"What row {line['row']} holds, and where its values lie",
    )


_BARS: dict[str, Any] = {
    "In range": st.column_config.ProgressColumn(
        "In range", min_value=0, max_value=1, format=" ", width=60,
        help="Where the value lies between the least and the most that the model's card allows.",
    ),
    "Rows below": st.column_config.ProgressColumn(
        "Rows below", min_value=0, max_value=100, format="%.0f%%", width=92,
        help="How many rows of this run have a lower value.",
    ),
}  # fmt: skip


def with_unit_behind(text: str, unit: str) -> str:
    """ "25 kg/m²"; not markdown."""
    return f"{text} {unit}" if unit and text != "–" else text


def _place(value: float | None, interval: tuple[float, float] | None) -> float | None:
    """0 at the least valid value, 1 at the most, in between as far as the value is; None where there is no range."""
    if value is None or interval is None:
        return None
    low, high = interval
    return min(1.0, max(0.0, (value - low) / (high - low))) if high > low else 1.0


def _range(interval: tuple[float, float] | None) -> str | None:
    return f"{number(interval[0])} – {number(interval[1])}" if interval else None
