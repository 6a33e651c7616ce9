"""The results as a table, a page at a time: as fast for a million rows as for ten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import streamlit as st

from dashboard.components.gallery import has_pictures, with_pictures
from dashboard.components.row_detail import show_row
from dashboard.words import count, decimals, with_unit
from engine import Filter, ResultColumn, Results
from engine.views import ClassBalance, Confidence

_SIZES = (25, 50, 100, 250, 500)
_LEFT, _RIGHT = "ascending", "descending"


@st.fragment
def show_table(results: Results) -> None:
    """One page of the lines with controls above, pages below, and the chosen row under it."""
    where = _filters(results)
    only_failed = any(each.column == "status" and each.value == ("failed",) for each in where)
    columns = _shown_columns(results, only_failed)
    sort, descending, size = _order(columns)
    rows = results.count(where) if where else results.n_rows
    if rows == 0:
        st.info("No row is left by these filters.")
        return
    # The table's toolbar floats over its upper right corner: this line keeps that place free of controls.
    st.caption(f"{count(rows, 'row')}. Choose one to see it whole.")
    slot = st.empty()
    asked = f"{hash(where)}-{sort}-{descending}-{size}"
    with st.container(horizontal_alignment="right"):
        page = st.pagination(max(1, -(-rows // size)), key=f"page-{asked}")
    lines = results.page((page - 1) * size, size, sort=sort, descending=descending, where=where)
    chosen = _draw(slot, lines, results, columns, f"table-{asked}-{page}")
    if chosen is not None:
        with st.container(border=True):
            st.markdown(f"**Row {chosen:,}**")
            show_row(results, chosen)


def _filters(results: Results) -> tuple[Filter, ...]:
    """What the visitor wants to see: by status where rows failed, by class where there are classes."""
    where: list[Filter] = []
    balance = next((view for view in results.views if isinstance(view, ClassBalance)), None)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if results.run.rows_failed:
            status = st.segmented_control(
                "Status", ["all", "ok", "failed"], default="all", required=True, key="status", bind="query-params"
            )
            where += [Filter("status", "in", (status,))] if status != "all" else []
        if balance is not None and len(balance.labels) <= 12:
            classes = st.pills("Class", balance.labels, selection_mode="multi", key="classes")
            where += [Filter(balance.column, "in", tuple(classes))] if classes else []
        elif balance is not None:
            classes = st.multiselect("Class", balance.labels, placeholder="all classes", key="classes")
            where += [Filter(balance.column, "in", tuple(classes))] if classes else []
    return tuple(where)


def _order(columns: Sequence[ResultColumn]) -> tuple[str, bool, int]:
    """(column, whether from the top, rows of a page)."""
    names = sorted((column.name for column in columns), key=lambda name: name != "row")
    with st.container(horizontal=True):
        sort = st.selectbox("Sort by", names, key="sort", width=260)
        order = st.segmented_control(
            "Order", [_LEFT, _RIGHT], default=_LEFT, required=True, key="order", format_func=_ARROWS.__getitem__
        )
        size = st.selectbox("Rows a page", _SIZES, index=1, key="size", width=120)
    return str(sort), order == _RIGHT, int(size)


_ARROWS = {_LEFT: ":material/arrow_upward: Up", _RIGHT: ":material/arrow_downward: Down"}


def _draw(slot: Any, lines: pl.DataFrame, results: Results, columns: Sequence[ResultColumn], key: str) -> int | None:
    """Draws the lines into the slot; gives the number of the chosen row."""
    order = [column.name for column in columns]
    config = _config(results, lines)
    if has_pictures(results.views):
        lines, order = with_pictures(lines, results.run.id), ["picture", *order]
        config["picture"] = st.column_config.ImageColumn("picture", width="small")
    event = slot.dataframe(
        lines,
        hide_index=True,
        height=min(640, 38 + 35 * len(lines)),
        column_order=order,
        column_config=config,
        on_select="rerun",
        selection_mode="single-row",
        key=key,
        placeholder="–",
        alt="Results, one row each",
    )
    rows: Sequence[int] = event.selection.rows
    return int(lines["row"][rows[0]]) if rows and rows[0] < len(lines) else None


def _shown_columns(results: Results, only_failed: bool) -> list[ResultColumn]:
    """The answer first, then the label, what went in, the single probabilities; the status where rows failed."""
    shares = _shares(results)
    last = 0.5 if only_failed else 7  # of failed rows the reason is the answer
    rank = {"row": 0, "prediction": 1, "label": 2, "order": 3, "extra": 4, "input": 5, "status": last}
    shown = [column for column in results.columns if column.role != "status" or results.run.rows_failed]
    single = {name for name in shares if name.startswith("probability_")}
    return sorted(shown, key=lambda column: 6 if column.name in single else rank[column.role])


def _shares(results: Results) -> set[str]:
    """The columns that are shares of one: confidence and the probability of each class."""
    return {
        name
        for view in results.views
        if isinstance(view, Confidence)
        for name in (view.column, *(f"probability_{label}" for label in view.labels))
    }


def _config(results: Results, lines: pl.DataFrame) -> dict[str, Any]:
    """How each column is shown: units in the header, bars for shares, sensible digits for numbers."""
    shares, shown = _shares(results), {}
    for column in results.columns:
        label = with_unit(column.name, column.unit)
        if column.name in shares:
            shown[column.name] = st.column_config.ProgressColumn(label, min_value=0, max_value=1, format="%.2f")
        elif column.dtype == "number":
            largest = lines[column.name].abs().max() if len(lines) else None
            digits = decimals(float(largest)) if isinstance(largest, float) else 2
            shown[column.name] = st.column_config.NumberColumn(label, format=f"%.{digits}f")
        elif column.dtype == "integer":
            shown[column.name] = st.column_config.NumberColumn(label, format="%d", pinned=column.role == "row" or None)
        else:
            shown[column.name] = st.column_config.Column(label)
    return shown
