"""One row, whole: what went in, what came out, or why nothing did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard.api import picture_path
from dashboard.charts import distribution_figure, probability_figure
from dashboard.words import number, plain, with_unit
from engine import Filter, ResultColumn, Results
from engine.views import ClassBalance, Distribution, Gallery

_FEW_PIXELS = 64
_GROUPS = {"input": "What went in", "order": "What went in", "label": "Label", "extra": "Kept as it was"}


@st.fragment
def choose_row(results: Results) -> None:
    """Asks for a row by its number and shows it."""
    last = results.n_rows
    with st.container(width=260):
        row = st.number_input(f"Row, 1 to {last:,}", 1, last, key="inspected-row", bind="query-params")
    show_row(results, int(row))


def open_row(results: Results, row: int) -> None:
    """Shows the row over the page."""
    st.dialog(f"Row {row:,}", width="large")(show_row)(results, row)


def show_row(results: Results, row: int) -> None:
    """The prediction first, then everything the row holds."""
    lines = results.page(0, 1, where=[Filter("row", "in", (row,))])
    if lines.is_empty():
        st.info(f"Row {row:,} is not in the results: the run ended before it.")
        return
    line = lines.row(0, named=True)
    left, right = st.columns([1, 1], gap="medium")
    with left:
        _prediction(line, results)
    with right:
        if any(isinstance(view, Gallery) for view in results.views) and line["status"] != "failed":
            _picture(results, row)
        _cells(line, results.columns)


def _picture(results: Results, row: int) -> None:
    """The visitor's picture; one for a model of few pixels is shown pixel by pixel."""
    image = results.card.image
    sharp = "image-rendering:pixelated;" if image is not None and max(image.size) <= _FEW_PIXELS else ""
    style = f"{sharp}display:block;width:100%;max-width:20rem;max-height:20rem;object-fit:contain;border-radius:8px"
    source = picture_path(results.run.id, row, small=False)
    st.html(f'<img src="{source}" alt="The picture of row {row}" style="{style}">')


def _prediction(line: Mapping[str, Any], results: Results) -> None:
    if line["status"] == "failed":
        st.warning(
            f"**Row {line['row']:,} was not predicted.** {plain(line['error'], 1_000)}", icon=":material/warning:"
        )
        return
    shares = _shares(line, results)
    with st.grid("auto", min_column_width=220):
        for column in results.columns:
            if column.role == "prediction" and column.name not in shares:
                label = plain(with_unit(column.name, column.unit))
                st.metric(label, plain(shown_value(line[column.name])), border=True, height="stretch")
    for view in results.views:
        if isinstance(view, Distribution) and line[view.column] is not None:
            figure = distribution_figure(view, results.histogram(view.column), {}, at=line[view.column])
            alt = f"Where row {line['row']} stands among all predictions of {view.column}"
            st.plotly_chart(
                figure, theme="streamlit", alt=alt, config={"displayModeBar": False}, key=f"place-{view.column}"
            )
    if shares:
        labels = _labels(results)
        by_label = {name.removeprefix("probability_"): float(share) for name, share in shares.items()}
        alt = f"Probabilities of row {line['row']}"
        figure = probability_figure(by_label, labels)
        st.plotly_chart(figure, theme="streamlit", alt=alt, config={"displayModeBar": False}, key="shares")


def _cells(line: Mapping[str, Any], columns: Sequence[ResultColumn]) -> None:
    """What went in and what was kept, as a list of names, values and units."""
    shown = [column for column in columns if column.role in _GROUPS]
    if not shown:
        return
    st.dataframe(
        {
            "Column": [column.name for column in shown],
            "Value": [shown_value(line[column.name]) for column in shown],
            "Unit": [column.unit for column in shown],
            "Use": [_GROUPS[column.role] for column in shown],
        },
        hide_index=True,
        height="content" if len(shown) <= 14 else 520,
        alt=f"What row {line['row']} holds",
    )


def shown_value(value: object) -> str:
    """A cell as a person reads it; not markdown."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return number(value)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _labels(results: Results) -> tuple[str, ...]:
    return next((view.labels for view in results.views if isinstance(view, ClassBalance)), ())


def _shares(line: Mapping[str, Any], results: Results) -> dict[str, float]:
    """The probability columns of the line: name → share; empty where the model gives none."""
    names = [f"probability_{label}" for label in _labels(results)]
    return {name: line[name] for name in names if line.get(name) is not None}
