"""Pictures with their predictions, a page at a time: filtered by class, sorted by confidence, each opens its row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from dashboard.api import picture_path
from dashboard.components.row_detail import open_row
from dashboard.words import count, number, plain
from engine import Filter, ResultColumn, Results
from engine.views import Gallery

_A_PAGE = 24
_CHARACTERS = 60
_ORDERS = {
    "As in the file": ("row", False),
    "Least sure first": ("confidence", False),
    "Surest first": ("confidence", True),
}
_FILES = Path(__file__).parent / "gallery"
_gallery = st.components.v2.component(
    "forelight_gallery",
    html='<div class="tiles" role="list"></div>',
    css=(_FILES / "gallery.css").read_text(encoding="utf-8"),
    js=(_FILES / "gallery.js").read_text(encoding="utf-8"),
)


@st.fragment
def show_gallery(view: Gallery, results: Results) -> None:
    """The pictures of the run with controls above and pages below."""
    st.subheader(plain(view.title), anchor=False)
    columns = {column.name: column for column in results.columns}
    where, sort, descending = _controls(view, columns)
    rows = results.count(where)
    slot = st.container()
    page = st.pagination(max(1, -(-rows // _A_PAGE)), key=f"gallery-page-{sort}-{descending}-{hash(where)}")
    lines = results.page((page - 1) * _A_PAGE, _A_PAGE, sort=sort, descending=descending, where=where)
    with slot:
        if lines.is_empty():
            st.info("No picture of that class.")
            return
        st.caption(f"{count(rows, 'picture')}. Choose one to see more.")
        tiles = [_tile(line, columns, view.labels, results.run.id) for line in lines.iter_rows(named=True)]
        opened = _gallery(key="gallery", data={"tiles": tiles}, on_open_change=lambda: None)
        if opened.open:
            open_row(results, int(opened.open))


def _controls(view: Gallery, columns: dict[str, ResultColumn]) -> tuple[tuple[Filter, ...], str, bool]:
    """(filters, the column sorted by, whether from the top), as the visitor chose."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        classes: Sequence[str] = ()
        if view.labels and "prediction" in columns:
            classes = st.multiselect(
                "Predicted class", view.labels, placeholder="all classes", key="gallery-classes", width=360
            )
        order = "As in the file"
        if "confidence" in columns:
            order = str(st.selectbox("Order", list(_ORDERS), key="gallery-order", width=220))
    sort, descending = _ORDERS[order]
    return ((Filter("prediction", "in", tuple(classes)),) if classes else ()), sort, descending


def _tile(
    line: dict[str, Any], columns: dict[str, ResultColumn], labels: Sequence[str], run_id: str
) -> dict[str, object]:
    """What one tile shows; text only, the component never reads it as HTML."""
    row, predicted = int(line["row"]), line.get("prediction")
    confidence = line.get("confidence")
    truth = next((line[name] for name, column in columns.items() if column.role == "label"), None)
    return {
        "row": row,
        "src": picture_path(run_id, row, small=True),
        "failed": line["status"] == "failed",
        "label": caption_of(line, columns),
        "color": labels.index(predicted) if predicted in labels else -1,
        "confidence": None if confidence is None else round(float(confidence), 3),
        "truth": "" if truth is None or predicted is None else str(truth),
        "right": truth == predicted,
    }


def caption_of(line: dict[str, Any], columns: dict[str, ResultColumn]) -> str:
    """The prediction of one line in a few words: its class, or its values."""
    if line["status"] == "failed":
        return "not predicted"
    if "prediction" in line:
        return str(line["prediction"])[:_CHARACTERS]
    values = [name for name, column in columns.items() if column.role == "prediction"]
    shown = [f"{name} {number(float(line[name]))} {columns[name].unit}".strip() for name in values[:2]]
    return ", ".join(shown)[:_CHARACTERS]


def has_pictures(views: Sequence[object]) -> bool:
    """Whether the rows of these results are pictures."""
    return any(isinstance(view, Gallery) for view in views)


def with_pictures(lines: pl.DataFrame, run_id: str) -> pl.DataFrame:
    """The lines with a first column `picture`: where each row's thumbnail is, null where it could not be decoded."""
    states = zip(lines["row"].to_list(), lines["status"].to_list(), strict=True)
    paths = [picture_path(run_id, row, small=True) if state == "ok" else None for row, state in states]
    return lines.insert_column(0, pl.Series("picture", paths, pl.String))
