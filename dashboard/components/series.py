"""Series: one with everything that went in and came out, and many side by side."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import streamlit as st

from dashboard import selection
from dashboard.charts import series as series_charts
from dashboard.components.chart import Marks, draw, show_title
from dashboard.components.fragments import fragment_of_run
from dashboard.words import count, extent, number, plain, short
from engine import Filter, Results
from engine.views import SeriesGrid, SeriesLines

_MOST_OFFERED = 1_000
_SIDE_BY_SIDE = 12
_ABREAST = 4
_MOVING, _IN_FILE = "moves most", "as in the file"


@fragment_of_run
def show_series(view: SeriesLines, results: Results, where: tuple[Filter, ...], name: str) -> None:
    """One series over its steps: what went in and what came out, on one axis of time."""
    asked, lines = choose_series(view.title, results, where, selection.key("series", *where), name)
    if lines.is_empty():
        return
    units = {column.name: column.unit for column in results.columns}
    inputs = f"; what went in: {', '.join(view.inputs[:4])}" if view.inputs else ""
    ends = ", ".join(extent(each, lines[each]) for each in view.outputs)
    alt = f"Series {asked} over {view.step}, {count(len(lines), 'step')}: {ends}{inputs}."
    draw(series_charts.series_figure(view, lines, units), alt, f"{name}|{asked}")


def choose_series(
    title: str, results: Results, where: tuple[Filter, ...], key: str, name: str
) -> tuple[str, pl.DataFrame]:
    """Asks for one of the series that the filters leave, under the chart's title: (the series, its lines)."""
    slot = st.container()
    names = results.series_ids(_MOST_OFFERED, where)
    asked = st.selectbox(
        "Series",
        names,
        key=key,
        width=320,
        accept_new_options=len(names) == _MOST_OFFERED,
        help="The first 1,000 are offered; write another one." if len(names) == _MOST_OFFERED else None,
    )
    series = str(asked)
    lines = results.series(series)
    with slot:
        show_title(title, name, lines)
    if lines.is_empty():
        st.info(f"There is no series “{plain(series)}”.")
    return series, lines


def show_grid(view: SeriesGrid, results: Results, where: tuple[Filter, ...], name: str) -> None:
    """Small pictures of many series; a click on one chooses it."""
    slot = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        output = view.outputs[0]
        if len(view.outputs) > 1:
            output = str(st.selectbox("Output", view.outputs, key="grid-output", width=260))
        order = st.segmented_control("Order", [_MOVING, _IN_FILE], default=_MOVING, required=True, key="grid-order")
    moved = results.movement(output, _SIDE_BY_SIDE, where=where)
    names = results.series_ids(_SIDE_BY_SIDE, where) if order == _IN_FILE else moved["series"].to_list()
    if not names:
        with slot:
            st.subheader(plain(view.title), anchor=False)
        st.info("No series was predicted.")
        return
    lines = results.series(*names)
    with slot:
        show_title(view.title, name, moved)
    unit = next((column.unit for column in results.columns if column.name == output), "")
    most = _most(moved.rows(), output, unit)
    alt = f"{output} over {view.step} of {count(len(names), 'series', 'series')}. {most}"
    figure = series_charts.grid_figure(view, lines, names, output, unit, _ABREAST)
    draw(figure, alt, f"{name}|{output}|{order}", lambda points, _: _marked(view.series, results, points))
    st.caption(plain(f"{most} Click into a picture to see that series alone."))


def _most(moved: Sequence[tuple[str, float]], output: str, unit: str) -> str:
    if not moved:
        return ""
    by = f"{number(moved[0][1])} {unit}".rstrip()
    return f"{output} moves most in {short(moved[0][0])}, by {by}."


def _marked(column: str, results: Results, points: Marks) -> list[Filter]:
    """The series of the marked points, as the results hold their names."""
    data = [point.get("customdata") for point in points]
    names = dict.fromkeys(each[0] if isinstance(each, list) else each for each in data if each)
    numbers = any(each.name == column and each.is_number for each in results.columns)
    return [Filter(column, "in", tuple(int(name) if numbers else name for name in names))] if names else []
