"""A field for each column of a card's signature: a slider in its range, a choice of its categories, a switch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import streamlit as st

from dashboard.words import decimals, number, plain, with_unit
from engine import Column

_FEW = 4
_STEPS = 500
_WIDTH = 230


def ask_for_values(columns: Sequence[Column], start: Mapping[str, object], key: str, exact: bool) -> dict[str, object]:
    """What the visitor chose for each column, beginning with `start`; None for an empty field.

    With `exact`, numbers are typed, and may then lie outside the range: the check says so. Otherwise they are slid
    where the card has a range and `start` lies in it.
    """
    values: dict[str, object] = {}
    texts = all(column.type == "string" for column in columns)
    with st.grid(1) if texts else st.grid("auto", min_column_width=_WIDTH):
        for column in columns:
            values[column.name] = _field(column, start.get(column.name), f"{key}-{column.name}", exact)
    return values


def _field(column: Column, start: object, key: str, exact: bool) -> object:
    label = plain(with_unit(column.name, column.unit))
    tip = plain(column.description) or None
    if column.type == "boolean":
        return st.toggle(label, value=bool(start), help=tip, key=key)
    if column.type == "string":
        return st.text_area(label, value=str(start or ""), help=tip, key=key, placeholder="empty")
    if not column.is_number:
        return _choice(column, start, label, tip, key)
    figure = start if isinstance(start, int | float) and math.isfinite(start) else None
    low, high = _span(column)
    if exact or figure is None or low == high or not low <= figure <= high:
        return _typed(column, figure, label, tip, f"{key}-typed")
    return _slid(column, figure, label, tip, key)


def _choice(column: Column, start: object, label: str, tip: str | None, key: str) -> object:
    found = None if start is None else str(start)
    unknown = (found,) if found is not None and found not in column.categories else ()
    options = (*column.categories, *unknown)
    if len(options) <= _FEW and found is not None:
        return st.segmented_control(label, options, default=found, required=True, format_func=plain, help=tip, key=key)
    place = options.index(found) if found is not None else None
    return st.selectbox(label, options, index=place, help=tip, key=key, placeholder="choose one")


def _typed(column: Column, start: float | None, label: str, tip: str | None, key: str) -> float | int | None:
    valid = f" Valid: {number(column.range[0])} to {number(column.range[1])}." if column.range else ""
    said = f"{tip or ''}{plain(valid)}".strip() or None
    if column.type == "integer":
        whole = None if start is None else int(start)
        return st.number_input(label, value=whole, step=1, help=said, key=key, placeholder="empty")
    places = max(6, decimals(abs(start)) if start else 0)
    figure = None if start is None else float(start)
    step = 10.0 ** -min(places, 6) if column.range is None else _step_of(*column.range)
    return st.number_input(label, value=figure, step=step, format="%g", help=said, key=key, placeholder="empty")


def _slid(column: Column, start: float, label: str, tip: str | None, key: str) -> float | int:
    low, high = _span(column)
    if column.type == "integer":
        return int(st.slider(label, math.ceil(low), math.floor(high), int(start), 1, help=tip, key=key))
    step = _step_of(low, high)
    places = max(decimals(step, 1), decimals(abs(start)) if start else 0)
    return float(st.slider(label, low, high, float(start), step, f"%.{places}f", help=tip, key=key))


def _span(column: Column) -> tuple[float, float]:
    """Where a slider goes: the valid values, else those the model was trained on; twice the same where unknown."""
    if column.range:
        return column.range
    return (column.trained[0], column.trained[-1]) if column.trained else (0.0, 0.0)


def _step_of(low: float, high: float) -> float:
    """A power of ten that divides the range into some hundreds to some thousands of steps."""
    return float(10.0 ** math.floor(math.log10((high - low) / _STEPS))) if high > low else 1.0
