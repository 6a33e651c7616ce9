"""Texts to read, with what was predicted of them."""

from __future__ import annotations

import streamlit as st

from dashboard.components.chart import show_title
from dashboard.components.fragments import fragment_of_run
from dashboard.components.review import choosable
from engine import Filter, Results
from engine.views import Texts

_SHOWN = 12
_LEAST, _MOST, _IN_FILE = "Least sure first", "Surest first", "As in the file"
_HEIGHT = 240


@fragment_of_run
def show_texts(view: Texts, results: Results, where: tuple[Filter, ...], name: str) -> None:
    """Some of the texts in the order asked; choosing one opens it."""
    names = [column.name for column in results.columns]
    sure = "confidence" in names
    slot, order = st.container(), _IN_FILE
    if sure:
        order = str(st.segmented_control(
            "Order", [_LEAST, _MOST, _IN_FILE], default=_LEAST, required=True, key="texts-order",
            label_visibility="collapsed",
        ))  # fmt: skip
    predicted = [column.name for column in results.columns if column.role == "prediction"]
    columns = ["row", view.column, *[each for each in predicted if not each.startswith("probability_")][:4]]
    sort = "row" if order == _IN_FILE else "confidence"
    lines = results.page(0, _SHOWN, sort=sort, descending=order == _MOST, where=where, columns=columns)
    with slot:
        show_title(view.title, name, lines)
    config = {view.column: st.column_config.TextColumn(view.column, width="large")}
    if sure:
        config["confidence"] = st.column_config.ProgressColumn(min_value=0, max_value=1, format="%.3f")
    choosable(lines, config, f"{name}|{order}", f"{len(lines)} texts and what was predicted of them")


def show_text(text: str) -> None:
    """The whole text, as it is written."""
    height: int | str = _HEIGHT if len(text) > 600 else "content"
    st.container(border=True, height=height).text(text)  # type: ignore[arg-type]
