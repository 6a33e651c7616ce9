"""Texts to read, with what was predicted of them."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from dashboard.components.chart import show_title
from dashboard.components.fragments import fragment_of_run
from dashboard.components.review import APART, CLOSEST, choosable, offer_least_sure
from engine import Filter, Results
from engine.views import Review, Texts

_SHOWN = 12
_LEAST, _MOST, _IN_FILE = "Least sure first", "Surest first", "As in the file"
_HEIGHT = 240


@fragment_of_run
def show_texts(view: Texts, results: Results, where: tuple[Filter, ...], name: str) -> None:
    """Some of the texts in the order asked; choosing one opens it."""
    names = [column.name for column in results.columns]
    sure, review = "confidence" in names, next((each for each in results.views if isinstance(each, Review)), None)
    slot, order = st.container(), _IN_FILE
    if sure:
        closest = [CLOSEST] if review is not None and review.shares else []
        order = str(st.segmented_control(
            "Order", [_LEAST, *closest, _MOST, _IN_FILE], default=_LEAST, required=True, key="texts-order",
            label_visibility="collapsed",
        ))  # fmt: skip
    if order == CLOSEST and review is not None:
        lines = _closest(view, review, results, where)
    else:
        predicted = [column.name for column in results.columns if column.role == "prediction"]
        columns = ["row", view.column, *[each for each in predicted if not each.startswith("probability_")][:4]]
        sort = "row" if order == _IN_FILE else "confidence"
        lines = results.page(0, _SHOWN, sort=sort, descending=order == _MOST, where=where, columns=columns)
    with slot:
        show_title(view.title, name, lines)
    config: dict[str, Any] = {view.column: st.column_config.TextColumn(view.column, width="large")}
    if sure:
        config["confidence"] = st.column_config.ProgressColumn(min_value=0, max_value=1, format="%.3f")
        config["margin"] = APART
    choosable(lines, config, f"{name}|{order}", f"{len(lines)} texts and what was predicted of them")
    if sure:
        offer_least_sure("confidence", results, where, name)


def _closest(view: Texts, review: Review, results: Results, where: tuple[Filter, ...]) -> pl.DataFrame:
    """The texts whose two likeliest classes are nearest to each other."""
    calls = results.closest_calls(review.chosen, dict(review.shares), _SHOWN, where)
    these = Filter("row", "in", tuple(calls["row"].to_list()))
    texts = results.page(0, _SHOWN, where=(these,), columns=["row", view.column])
    return texts.select("row", view.column).join(calls, on="row").sort("margin", "row")


def show_text(text: str) -> None:
    """The whole text, as it is written."""
    height: int | str = _HEIGHT if len(text) > 600 else "content"
    st.container(border=True, height=height).text(text)  # type: ignore[arg-type]
