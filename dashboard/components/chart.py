"""One chart: drawn, told to those who do not see it, saved as a picture or as numbers, and clicked to choose rows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import plotly.graph_objects as go
import polars as pl
import streamlit as st

from dashboard import selection
from dashboard.access.callers import this_engine
from dashboard.words import plain
from engine import Filter, csv_text

Marks = Sequence[Mapping[str, Any]]
Answer = Callable[[Marks, Marks], Sequence[Filter]]
"""(marked points, drawn boxes) → the filters that mean them."""
_FORMAT = "picture-format"
_KEPT = "kept-picture-format"


def choose_picture_format() -> None:
    """Asks once for all charts what the camera button above each saves."""
    st.segmented_control(
        "Charts are saved as",
        ["png", "svg"],
        default=st.session_state.get(_KEPT, "png"),
        required=True,
        format_func=str.upper,
        key=_FORMAT,
        on_change=lambda: st.session_state.update({_KEPT: st.session_state[_FORMAT]}),
    )


def show_title(title: str, name: str, numbers: pl.DataFrame | None = None) -> None:
    """The chart's title; beside it the numbers that it shows, as CSV."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.subheader(plain(title), anchor=False)
        if numbers is not None:
            st.download_button(
                "Numbers",
                data=_noted(numbers),
                file_name=own_name(name.partition("|")[0], numbers),
                mime="text/csv",
                key=f"numbers-{name}",
                on_click="ignore",
                type="tertiary",
                icon=":material/download:",
                help="What this chart shows, as CSV",
            )


def _noted(numbers: pl.DataFrame) -> Callable[[], bytes]:
    """The numbers as CSV, and a line in the trail, once they are asked for."""
    engine, run_id = this_engine(), st.query_params.get("run") or st.query_params.get("a", "")

    def content() -> bytes:
        engine.took_numbers(run_id)
        return csv_text(numbers).encode()

    return content


def own_name(name: str, numbers: pl.DataFrame) -> str:
    """A name that no other numbers have: Streamlit tells large files of one name apart by a sample of their bytes."""
    content = hashlib.sha256(repr(numbers.columns).encode())
    content.update(numbers.hash_rows().to_numpy().tobytes())
    return f"{name}-{content.hexdigest()[:8]}.csv"


def draw(
    figure: go.Figure,
    alt: str,
    name: str,
    answer: Answer | None = None,
    by: Literal["click", "range", "region"] = "click",
) -> None:
    """Draws the figure; where there is an `answer`, what is marked in it narrows the selection.

    Marks are clicked one `by` one, or brushed as a `range` of the horizontal axis or a `region` of both: a chart
    that is brushed takes no clicks.
    """
    image = {"format": st.session_state.get(_KEPT, "png"), "filename": name.partition("|")[0], "scale": 2}
    buttons = ["toImage", "select2d", "zoom2d", "pan2d", "resetScale2d"] if by == "region" else ["toImage"]
    config = {"displaylogo": False, "modeBarButtons": [buttons], "toImageButtonOptions": image}
    figure.update_layout(modebar={"bgcolor": "rgba(0,0,0,0)"})
    if answer is None:
        st.plotly_chart(figure, theme="streamlit", config=config, alt=alt, key=name)
        return
    if by == "click":
        figure.update_xaxes(fixedrange=True).update_yaxes(fixedrange=True)
    else:
        figure.update_layout(dragmode="select", selectdirection="h" if by == "range" else "any")
    st.plotly_chart(
        figure,
        theme="streamlit",
        config=config,
        alt=f"{alt} Rows can be chosen in it; the button 'Filter' does the same.",
        key=name,
        on_select=lambda: _narrow(name, answer),
        selection_mode="points" if by == "click" else "box",
    )


def chosen_bins(column: str, bins: pl.DataFrame, shift: float = 0.0) -> Answer:
    """An answer of bars over `bins` (lo, hi, …), drawn so far from there: every bin that the brush touches."""

    def answer(_: Marks, boxes: Marks) -> list[Filter]:
        if not boxes:
            return []
        start, end = min(boxes[-1]["x"]) - shift, max(boxes[-1]["x"]) - shift
        touched = bins.filter((pl.col("hi") > start) & (pl.col("lo") < end))
        if touched.is_empty():
            return []
        return [Filter(column, "bin", (touched["lo"].min(), touched["hi"].max()))]  # type: ignore[arg-type]

    return answer


def chosen_values(column: str) -> Answer:
    """An answer of marks whose data are the value: one of those."""

    def answer(points: Marks, _: Marks) -> list[Filter]:
        values = dict.fromkeys(marked(points))
        return [Filter(column, "in", tuple(values))] if values else []

    return answer


def marked(points: Marks) -> list[Any]:
    """The first of each mark's data."""
    data = [point.get("customdata") for point in points]
    return [each[0] if isinstance(each, list) else each for each in data]


def _narrow(name: str, answer: Answer) -> None:
    marked = st.session_state[name]["selection"]
    filters = answer(marked["points"], marked["box"])
    if filters:
        selection.add(*filters)
