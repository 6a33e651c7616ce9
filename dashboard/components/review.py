"""Rows that a person should look at: where the model was least sure, where its values are extreme, at a threshold."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from dashboard import selection
from dashboard.charts import charts
from dashboard.components.chart import draw, show_title
from dashboard.components.fragments import fragment_of_run
from dashboard.words import count, plain, with_unit
from engine import Filter, Results
from engine.views import Extremes, Review, Threshold

_A_FEW = 8
_TO_REVIEW = 12
_STEP = 0.01
_LEAST_SURE, CLOSEST = "Least sure", "Closest calls"
APART = st.column_config.NumberColumn("apart", format="%.3f")


@fragment_of_run
def show_threshold(view: Threshold, results: Results, where: tuple[Filter, ...], name: str) -> None:
    """A threshold to move; beside it how many rows each class then gets."""
    bins = results.histogram(view.column, bins=round(1 / _STEP), where=where)
    show_title(view.title, name, bins)
    at = st.slider(
        f"Call it {plain(view.positive)} from a share of", 0.0, 1.0, 0.5, _STEP, key="threshold", bind="query-params"
    )
    total, positive, own = int(bins["count"].sum()), _reaching(bins, at), _reaching(bins, 0.5)
    with st.grid(2, min_column_width=160):
        for label, rows, before in ((view.positive, positive, own), (view.negative, total - positive, total - own)):
            change = f"{rows - before:+,}" if rows != before else None
            st.metric(plain(label), f"{rows:,}", change, delta_color="off", border=True)
    alt = f"From {at:.2f} on, {count(positive, 'row')} of {total:,} get {view.positive}, the others {view.negative}."
    draw(charts.threshold_figure(view, bins, at), alt, f"{name}|{at}")
    if st.button(f"Show the {count(positive, 'row')} from {at:.2f} on", type="tertiary", icon=":material/filter_list:"):
        selection.add(Filter(view.column, "between", (at, None)))
        st.rerun()


def _reaching(bins: pl.DataFrame, at: float) -> int:
    """How many lines lie in bins that begin at the threshold or above."""
    return int(bins.filter(pl.col("lo") >= at - _STEP / 2)["count"].sum())


def show_review(view: Review, results: Results, where: tuple[Filter, ...], name: str) -> None:
    """The rows nearest to another answer; choosing one opens it."""
    least = results.page(
        0, _TO_REVIEW, sort=view.confidence, where=where, columns=["row", view.chosen, view.confidence]
    )
    show_title(view.title, name, least)
    order = _LEAST_SURE
    if view.shares:
        order = str(st.segmented_control(
            "Order", [_LEAST_SURE, CLOSEST], default=_LEAST_SURE, required=True, key="review-order",
            label_visibility="collapsed",
        ))  # fmt: skip
    if order == CLOSEST:
        lines = results.closest_calls(view.chosen, dict(view.shares), _TO_REVIEW, where)
        config = {"margin": APART}
    else:
        lines = least.filter(pl.col(view.confidence).is_not_null())
        config = {view.confidence: st.column_config.ProgressColumn(min_value=0, max_value=1, format="%.3f")}
    choosable(lines, config, f"{name}|{order}", "The rows that the model was least sure of")
    offer_least_sure(view.confidence, results, where, name)


def offer_least_sure(confidence: str, results: Results, where: tuple[Filter, ...], name: str) -> None:
    """One click for the twentieth of the rows that the model was least sure of."""
    spread = results.quantiles(confidence, where)
    if spread:
        at = float(f"{spread['p05']:.3f}")
        below = Filter(confidence, "between", (None, at))
        st.button(
            f"Show every row up to a confidence of {at:.3f}",
            key=f"{name}|least", type="tertiary", icon=":material/filter_list:", on_click=selection.add, args=(below,),
        )  # fmt: skip


def show_extremes(view: Extremes, results: Results, where: tuple[Filter, ...], name: str) -> None:
    """The rows with the lowest and the highest predictions, side by side; choosing one opens it."""
    st.subheader(plain(view.title), anchor=False)
    column = view.columns[0]
    if len(view.columns) > 1:
        column = str(st.selectbox("Of", view.columns, key="extremes-of", width=320))
    shown = [each.name for each in results.columns if each.role in ("row", "order", "extra", "label", "input")]
    names = ["row", column, *[each for each in shown if each != "row"][:5]]
    config = {column: st.column_config.NumberColumn(with_unit(column, dict(view.units).get(column, "")), format="%.4g")}
    valid = (*where, Filter(column, "filled"))
    with st.grid(2, min_column_width=400):
        for words, descending in (("Lowest", False), ("Highest", True)):
            with st.container():
                st.caption(words)
                lines = results.page(0, _A_FEW, sort=column, descending=descending, where=valid, columns=names)
                choosable(lines, config, f"{name}|{column}|{words}", f"{words} {column}, one row each")


def choosable(lines: pl.DataFrame, config: dict[str, Any], key: str, alt: str) -> None:
    """A small table; the row chosen in it is the row of the address."""

    def choose() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        selection.choose_row(int(lines["row"][rows[0]]) if rows else None)

    st.dataframe(
        lines,
        hide_index=True,
        column_config=config,
        on_select=choose,
        selection_mode="single-row",
        height="content",
        key=key,
        alt=alt,
    )
