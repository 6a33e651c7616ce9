"""What came out for one row: figures, the chosen class, the probability of each class; beside what came out before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import polars as pl
import streamlit as st

from dashboard.charts.charts import probability_figure
from dashboard.charts.embeddings import vector_figure
from dashboard.components.boxes import show_boxes_of_row
from dashboard.components.found import lies_in_pictures
from dashboard.words import number, plain, with_unit
from engine import ModelCard, Report, ResultColumn, Run, task_of

_SHARES = {"probability_": "Probability", "share_": "Share of the picture"}
_IN_THE_LEGEND = ("count_",)
_MOST_SAID = 10
_OWN = ("row", "file", "status", "error")


def shown_value(value: object) -> str:
    """A cell as a person reads it; not markdown."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return number(value)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def outcome_columns(card: ModelCard, lines: pl.DataFrame) -> tuple[ResultColumn, ...]:
    """The columns of `lines` that the model gave; the others are the signature's, or every result's own."""
    taken = {*_OWN, *(column.name for column in card.signature)}
    if lies_in_pictures(task_of(card).outputs.predicted(card, lines.columns)):
        taken |= {"width", "height"}
    units = task_of(card).outputs.units(card)
    return tuple(
        ResultColumn(name, _kind(dtype), "prediction", units.get(name, ""))
        for name, dtype in lines.schema.items()
        if name not in taken and dtype != pl.Binary()
    )


def _kind(dtype: pl.DataType) -> Literal["number", "text", "list"]:
    return "list" if dtype.is_nested() else "number" if dtype.is_numeric() else "text"


def answers(columns: Sequence[ResultColumn], labels: Sequence[str]) -> list[ResultColumn]:
    """The predicted columns without the single probabilities, which are drawn as bars."""
    shares = {start + label for label in labels for start in (*_SHARES, *_IN_THE_LEGEND)}
    own = (column for column in columns if column.role == "prediction" and column.dtype != "list")
    return [column for column in own if column.name not in shares]


def show_outcome(
    line: Mapping[str, Any],
    columns: Sequence[ResultColumn],
    labels: Sequence[str],
    key: str,
    before: Mapping[str, Any] | None = None,
) -> None:
    """The figures of a predicted line, each with how it differs from `before`, and the probabilities as bars."""
    shown = answers(columns, labels)
    with st.grid(min(2, max(1, len(shown))), min_column_width=150):
        for column in shown:
            value = line[column.name]
            st.metric(
                plain(with_unit(column.name, column.unit)),
                plain(shown_value(value)),
                delta=_difference(value, before[column.name]) if before else None,
                delta_color="off",
                delta_arrow="auto" if isinstance(value, float) else "off",
                border=True,
                height="stretch",
            )
    for column in columns:
        if column.role == "prediction" and column.dtype == "list" and line.get(column.name) is not None:
            _show_list(line[column.name], column.name, f"{key}-{column.name}")
    for start, word in _SHARES.items():
        shares = {label: float(line[start + label]) for label in labels if line.get(start + label) is not None}
        if not shares:
            continue
        likeliest = sorted(shares, key=lambda label: shares[label], reverse=True)[:_MOST_SAID]
        alt = f"{word} of each class: {', '.join(f'{label} {shares[label]:.1%}' for label in likeliest)}"
        figure = probability_figure(shares, labels, word.lower())
        st.plotly_chart(figure, theme="streamlit", alt=alt, config={"displayModeBar": False}, key=key)


def _show_list(values: Sequence[Any], name: str, key: str) -> None:
    """The figures of a vector as bars; of boxes a line each."""
    if not values or isinstance(values[0], Mapping):
        show_boxes_of_row(values)
        return
    alt = f"The {len(values)} figures of the row"
    st.plotly_chart(vector_figure(values, name), theme="streamlit", alt=alt, config={"displayModeBar": False}, key=key)


def good_line(now: tuple[Report, pl.DataFrame]) -> dict[str, Any] | None:
    """The first line, where it was predicted."""
    lines = now[1]
    return lines.row(0, named=True) if len(lines) and lines["status"][0] == "ok" else None


def show_problems(now: tuple[Report, pl.DataFrame]) -> None:
    """Why nothing came out, in the check's own sentences."""
    report, lines = now
    said = [problem.message for problem in report.problems if problem.severity != "note"]
    if not said and len(lines) and lines["status"][0] != "ok":
        said = [str(lines["error"][0])]
    for message in said:
        st.warning(plain(message), icon=":material/warning:")


def save_or_forget(kept: list[Any], label: str, save: Callable[[], Run], key: str) -> None:
    """Makes a run of what was tried, to which a link then leads, or forgets it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(label, icon=":material/save:", key=f"save-{key}"):
            st.session_state[f"saved-{key}"] = save().id
        if st.button("Forget them", icon=":material/delete:", type="tertiary", key=f"forget-{key}"):
            kept.clear()
            st.session_state.pop(f"saved-{key}", None)
            st.rerun(scope="fragment")
        if run_id := st.session_state.get(f"saved-{key}"):
            st.link_button("Saved: open the new run", f"/result?run={run_id}", icon=":material/open_in_new:")


def _difference(value: object, before: object) -> str:
    """What changed, with a sign where both are numbers; not empty, so that figures keep their height."""
    if isinstance(value, float) and isinstance(before, float):
        return f"{'+' if value >= before else '-'}{number(abs(value - before))}" if value != before else "as before"
    return "as before" if value == before else f"was {plain(shown_value(before))}"
