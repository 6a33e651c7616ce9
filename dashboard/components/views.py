"""The charts of a result. What to draw is found by the view's type; no task is named here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import singledispatch

import plotly.graph_objects as go
import streamlit as st

from dashboard import charts
from dashboard.components.gallery import show_gallery
from dashboard.words import plain
from engine import Results
from engine.views import Against, ClassBalance, Confidence, Distribution, Gallery, SeriesLines, View

_MOST_POINTS = 4_000
_MOST_SERIES = 1_000
_BARE = {"displayModeBar": False}
_WITH_TOOLS = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}


def show_views(results: Results) -> None:
    """All charts of the result, wide ones over the whole width, the others side by side."""
    views = results.views
    grid = st.grid(2, min_column_width=400)
    for number, view in enumerate(views):
        wide = isinstance(view, _WIDE) or _stands_alone(views, number)
        place = grid.cell(column_span="all") if wide else grid
        with place.container(border=True, height="stretch"):
            show(view, results, number)
    if not views:
        st.info("There is nothing to draw for this model. See the table.")


@singledispatch
def show(view: View, results: Results, number: int) -> None:
    """Draws one view of the results, with its controls; `number` tells apart several of one type."""
    raise TypeError(f"no drawing for {type(view).__name__}; register one in {__name__}")


@show.register
def _(view: Distribution, results: Results, number: int) -> None:
    st.subheader(plain(view.title), anchor=False)
    spread = results.quantiles(view.column)
    bins = results.histogram(view.column)
    _draw(charts.distribution_figure(view, bins, spread), charts.distribution_alt(view, spread), number)


@show.register
def _(view: ClassBalance, results: Results, number: int) -> None:
    st.subheader(plain(view.title), anchor=False)
    counts = results.value_counts(view.column)
    _draw(charts.balance_figure(view, counts), charts.balance_alt(view, counts), number)


@show.register
def _(view: Confidence, results: Results, number: int) -> None:
    st.subheader(plain(view.title), anchor=False)
    bins = results.histogram(view.column, by=view.by)
    alt = charts.confidence_alt(view, results.quantiles(view.column))
    _draw(charts.confidence_figure(view, bins), alt, number)


@show.register
def _(view: Against, results: Results, number: int) -> None:
    @st.fragment
    def chart() -> None:
        st.subheader(plain(view.title), anchor=False)
        with st.container(horizontal=True):
            y = _choose("Show", view.y, f"y-{number}")
            x = _choose("Against", view.x, f"x-{number}")
        points = results.scatter(x, y, view.color or None, _MOST_POINTS)
        alt = f"{y} against {x}, {len(points):,} points"
        _draw(charts.against_figure(view, points, x, y), alt, number, _WITH_TOOLS)
        if len(points) < results.run.rows_done - results.run.rows_failed:
            st.caption(f"{len(points):,} rows, evenly spaced over the file.")

    chart()


@show.register
def _(view: SeriesLines, results: Results, number: int) -> None:
    @st.fragment
    def chart() -> None:
        st.subheader(plain(view.title), anchor=False)
        names = results.series_ids(_MOST_SERIES)
        chosen = _choose("Series", names, f"series-{number}")
        units = {column.name: column.unit for column in results.columns}
        lines = results.series(chosen)
        inputs = f"; what went in: {', '.join(view.inputs[:4])}"
        alt = f"{', '.join(view.outputs)} over {view.step} for series {chosen}{inputs if view.inputs else ''}"
        _draw(charts.series_figure(view, lines, units), alt, number, _WITH_TOOLS)

    chart()


@show.register
def _(view: Gallery, results: Results, number: int) -> None:
    show_gallery(view, results)


_WIDE = (Against, Gallery, SeriesLines)


def _stands_alone(views: Sequence[View], number: int) -> bool:
    """Whether a narrow view would have nothing beside it."""
    start = number
    while start > 0 and not isinstance(views[start - 1], _WIDE):
        start -= 1
    last = number + 1 == len(views) or isinstance(views[number + 1], _WIDE)
    return last and (number - start) % 2 == 0


def _choose(label: str, options: Sequence[str], key: str) -> str:
    """What the visitor chose; nothing is asked where there is one option."""
    return str(st.selectbox(label, options, key=key, width=320)) if len(options) > 1 else options[0]


def _draw(figure: go.Figure, alt: str, number: int, config: Mapping[str, object] = _BARE) -> None:
    st.plotly_chart(figure, theme="streamlit", config=dict(config), alt=alt, key=f"chart-{number}")
