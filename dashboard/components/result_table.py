"""The results as a table, a page at a time: as fast for a million rows as for ten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import streamlit as st

from dashboard import selection
from dashboard.components.boxes import with_named_boxes
from dashboard.components.fragments import fragment_of_run
from dashboard.components.gallery import has_pictures, with_pictures
from dashboard.components.pages import first_page, show_pages
from dashboard.components.row_detail import show_row
from dashboard.words import count, decimals, with_unit
from engine import Filter, Masks, ResultColumn, Results
from engine.views import Confidence, LabelCounts

_SIZES = (25, 50, 100, 250, 500)
_LINE, _PICTURE_LINE = 35, 72  # pixels
_UP, _DOWN = "ascending", "descending"


@fragment_of_run
def show_table(results: Results, where: tuple[Filter, ...]) -> None:
    """One page of the lines with controls above, pages below, and the chosen row under it. All of it in the address."""
    rows = results.count(where) if where else results.n_rows
    if rows == 0:
        st.info("No row is left by these filters. Take one away above.", icon=":material/filter_list_off:")
        return
    only_failed = any(each.column == "status" and each.value == ("failed",) for each in where)
    columns = _shown_columns(results, only_failed)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        sort, descending, size = _order(columns)
        names = _chosen_columns(columns)
    shown = [column for column in columns if column.name in names] if names else columns
    # The table's toolbar floats over its upper right corner: this line keeps that place free of controls.
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{count(rows, 'row')}. Choose one to see it whole.", width="content")
        _offer_steps_ahead(results, where)
    slot = st.empty()
    listed = selection.key(f"{sort}|{descending}|{size}", *where)
    with st.container(horizontal_alignment="right"):
        page = show_pages("page", max(1, -(-rows // size)), listed)
    wanted = [*dict.fromkeys(("row", "status", *(column.name for column in shown)))]
    lines = results.page((page - 1) * size, size, sort=sort, descending=descending, where=where, columns=wanted)
    first, last = (page - 1) * size + 1, min(page * size, rows)
    alt = f"Results {first:,} to {last:,} of {count(rows, 'row')}, by {sort}, {_DOWN if descending else _UP}"
    _draw(slot, lines, results, shown, f"table|{listed}|{page}", alt)
    chosen = selection.chosen_row(results)
    if chosen is not None:
        with st.container(border=True):
            st.markdown(f"**Row {chosen:,}**")
            show_row(results, chosen)


def _offer_steps_ahead(results: Results, where: tuple[Filter, ...]) -> None:
    """The way past the history, which holds no prediction, to what was forecast; nothing where nothing was."""
    ahead = selection.steps_ahead(results)
    if not ahead or any(each.column == ahead[0].column for each in where):
        return
    label = f"Show the {count(results.count([*where, *ahead]), 'forecast step')} alone"
    if st.button(
        label, icon=":material/filter_list:", type="tertiary", key="ahead-alone", on_click=selection.add, args=ahead
    ):
        st.rerun()


def _order(columns: Sequence[ResultColumn]) -> tuple[str, bool, int]:
    """(column, whether from the top, rows of a page), as the address says."""
    names = sorted((each.name for each in columns if each.dtype != "list"), key=lambda name: name != "row")
    sort = st.selectbox(
        "Sort by",
        names,
        key="sort",
        bind="query-params",
        width=240,
        on_change=first_page,
        args=("page",),
    )
    order = st.segmented_control(
        "Order",
        [_UP, _DOWN],
        default=_UP,
        required=True,
        key="order",
        bind="query-params",
        on_change=first_page,
        args=("page",),
    )
    size = st.selectbox(
        "Rows a page", _SIZES, index=1, key="size", bind="query-params", width=120, on_change=first_page, args=("page",)
    )
    return str(sort), order == _DOWN, int(size)


def _chosen_columns(columns: Sequence[ResultColumn]) -> set[str]:
    """The names of the columns to show; empty for all."""
    names = [column.name for column in columns]
    return set(st.multiselect("Columns", names, key="columns", bind="query-params", placeholder="all", width=320))


def _draw(
    slot: Any, lines: pl.DataFrame, results: Results, columns: Sequence[ResultColumn], key: str, alt: str
) -> None:
    """Draws the lines into the slot; the row chosen in it is the row of the address."""
    lines, order = with_named_boxes(lines), [column.name for column in columns]
    config = _config(results, lines)
    if has_pictures(results.views):
        lines, order = with_pictures(lines, results.run.id), ["picture", *order]
        config["picture"] = st.column_config.ImageColumn("picture", width="small")

    def choose() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        selection.choose_row(int(lines["row"][rows[0]]) if rows and rows[0] < len(lines) else None)

    line = _PICTURE_LINE if "picture" in config else _LINE
    slot.dataframe(
        lines,
        hide_index=True,
        height=min(640, 38 + line * len(lines)),
        row_height=line,
        column_order=order,
        column_config=config,
        on_select=choose,
        selection_mode="single-row",
        key=key,
        placeholder="–",
        alt=alt,
    )


def _shown_columns(results: Results, only_failed: bool) -> list[ResultColumn]:
    """The answer first, then the label, what went in, the single probabilities; the status where rows failed."""
    shares = _shares(results)
    last = 0.5 if only_failed else 7  # of failed rows the reason is the answer
    rank = {"row": 0, "prediction": 1, "label": 2, "order": 3, "extra": 4, "input": 5, "status": last}
    shown = [column for column in results.columns if column.role != "status" or results.run.rows_failed]
    single = {name for name in shares if name.startswith("probability_")}
    return sorted(shown, key=lambda column: 6 if column.name in single else rank[column.role])


def _shares(results: Results) -> set[str]:
    """The columns that are shares of one: confidence, and the probability of each class or label."""
    if isinstance(results.predicted, Masks):
        return {*results.predicted.shares, results.predicted.confidence}
    single = {
        name
        for view in results.views
        if isinstance(view, Confidence)
        for name in (view.column, *(f"probability_{label}" for label in view.labels))
    }
    return single | {share.column for view in results.views if isinstance(view, LabelCounts) for share in view.shares}


def _config(results: Results, lines: pl.DataFrame) -> dict[str, Any]:
    """How each column is shown: units in the header, bars for shares, sensible digits for numbers."""
    shares, shown = _shares(results), {}
    for column in results.columns:
        if column.name not in lines.columns:
            continue
        label = with_unit(column.name, column.unit)
        if column.name in shares:
            shown[column.name] = st.column_config.ProgressColumn(label, min_value=0, max_value=1, format="%.2f")
        elif column.dtype == "number":
            largest = lines[column.name].abs().max() if len(lines) else None
            digits = decimals(float(largest)) if isinstance(largest, float) else 2
            shown[column.name] = st.column_config.NumberColumn(label, format=f"%.{digits}f")
        elif column.dtype == "list":
            is_text = lines.schema[column.name] == pl.List(pl.String)
            shown[column.name] = (st.column_config.ListColumn if is_text else st.column_config.BarChartColumn)(label)
        elif column.dtype == "integer":
            shown[column.name] = st.column_config.NumberColumn(label, format="%d", pinned=column.role == "row" or None)
        else:
            shown[column.name] = st.column_config.Column(label)
    return shown
