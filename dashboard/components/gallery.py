"""Pictures with their predictions, a page at a time: filtered by class, sorted by confidence, each opens its row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from dashboard import selection
from dashboard.access.callers import keyed
from dashboard.components.found import OVERLAY_CSS, OVERLAY_JS, lies_in_pictures, summary, tile_layer
from dashboard.components.fragments import fragment_of_run
from dashboard.components.pages import first_page, show_pages
from dashboard.components.row_detail import open_row
from dashboard.routes.fetching import picture_path
from dashboard.words import count, number, plain
from engine import Filter, ResultColumn, Results
from engine.views import Gallery

_A_PAGE = 24
_CHARACTERS = 60
_IN_FILE = "As in the file"
_ORDERS = {
    _IN_FILE: ("row", False),
    "Least sure first": ("confidence", False),
    "Surest first": ("confidence", True),
}
_FILES = Path(__file__).parent / "gallery"
_gallery = st.components.v2.component(
    "forelight_gallery",
    html='<div class="tiles" role="list"></div>',
    css=OVERLAY_CSS + (_FILES / "gallery.css").read_text(encoding="utf-8"),
    js=OVERLAY_JS + (_FILES / "gallery.js").read_text(encoding="utf-8"),
)


@fragment_of_run
def show_gallery(view: Gallery, results: Results, where: tuple[Filter, ...]) -> None:
    """The pictures of the rows chosen, with controls above and pages below."""
    columns = {column.name: column for column in results.columns}
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        st.subheader(plain(view.title), anchor=False)
        over = lies_in_pictures(results.predicted) and st.toggle("What was found", value=True, key="pictures-over")
        order = _order(columns)
    rows = results.count(where)
    slot = st.container()
    page = show_pages("pictures", max(1, -(-rows // _A_PAGE)), selection.key(order, *where))
    sort, descending = _ORDERS[order]
    lines = results.page((page - 1) * _A_PAGE, _A_PAGE, sort=sort, descending=descending, where=where)
    with slot:
        st.caption(f"{count(rows, 'picture')}. Choose one to see more.")
        tiles = [_tile(line, columns, view.labels, results, over) for line in lines.iter_rows(named=True)]
        opened = _gallery(key="gallery", data={"tiles": tiles}, on_open_change=lambda: None)
        if opened.open:
            selection.choose_row(int(opened.open))
            open_row(results, int(opened.open))


def _order(columns: dict[str, ResultColumn]) -> str:
    if "confidence" not in columns:
        return _IN_FILE
    return str(
        st.selectbox(
            "Order",
            list(_ORDERS),
            key="pictures-order",
            bind="query-params",
            width=220,
            on_change=first_page,
            args=("pictures",),
        )
    )


def _tile(
    line: dict[str, Any], columns: dict[str, ResultColumn], labels: Sequence[str], results: Results, over: bool
) -> dict[str, object]:
    """What one tile shows; text only, the component never reads it as HTML."""
    row, predicted = int(line["row"]), line.get("prediction")
    confidence = line.get("confidence")
    judged = not lies_in_pictures(results.predicted)
    truth = next((line[name] for name, column in columns.items() if judged and column.role == "label"), None)
    return {
        "row": row,
        "src": keyed(picture_path(results.run.id, row, small=True)),
        "found": tile_layer(line, results) if over else None,
        "failed": line["status"] == "failed",
        "label": caption_of(line, columns, results.predicted),
        "color": labels.index(predicted) if predicted in labels else -1,
        "confidence": None if confidence is None else round(float(confidence), 3),
        "truth": "" if truth is None or predicted is None else str(truth),
        "right": truth == predicted,
    }


def caption_of(line: dict[str, Any], columns: dict[str, ResultColumn], predicted: object = None) -> str:
    """The prediction of one line in a few words: its class, its values, or what was found."""
    if line["status"] == "failed":
        return "not predicted"
    if lies_in_pictures(predicted):
        return summary(line, predicted)[:_CHARACTERS]
    if "prediction" in line:
        return str(line["prediction"])[:_CHARACTERS]
    values = [name for name, column in columns.items() if column.role == "prediction" and column.is_number]
    if not values:
        return str(line["file"]).rpartition("/")[2][:_CHARACTERS]
    shown = [f"{name} {number(float(line[name]))} {columns[name].unit}".strip() for name in values[:2]]
    return ", ".join(shown)[:_CHARACTERS]


def has_pictures(views: Sequence[object]) -> bool:
    """Whether the rows of these results are pictures."""
    return any(isinstance(view, Gallery) for view in views)


def with_pictures(lines: pl.DataFrame, run_id: str) -> pl.DataFrame:
    """The lines with a first column `picture`: where each row's thumbnail is, null where it could not be decoded."""
    states = zip(lines["row"].to_list(), lines["status"].to_list(), strict=True)
    paths = [keyed(picture_path(run_id, row, small=True)) if state == "ok" else None for row, state in states]
    return lines.insert_column(0, pl.Series("picture", paths, pl.String))
