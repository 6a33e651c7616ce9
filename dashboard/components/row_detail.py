"""One row, whole: what went in, what came out, or why nothing did, and the rows next to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from dashboard import selection
from dashboard.access.callers import keyed
from dashboard.charts.charts import distribution_figure
from dashboard.charts.forecasts import forecast_alt, forecast_figure
from dashboard.charts.series import series_figure
from dashboard.components.embeddings import is_embedded, show_alike
from dashboard.components.found import lies_in_pictures, show_found_of_row
from dashboard.components.fragments import fragment_of_run
from dashboard.components.influences import show_influences
from dashboard.components.outcome import show_outcome
from dashboard.components.row_cells import show_cells
from dashboard.components.texts import show_text
from dashboard.components.what_if import show_what_if_of_row
from dashboard.routes.fetching import picture_path
from dashboard.words import count, extent, number, plain
from engine import Filter, Results, neighbours
from engine.views import Confidence, Distribution, ForecastLines, Gallery, LabelCounts, SeriesLines, Texts

_FEW_PIXELS = 64
_MOST_STEPS = 2_000
_BARE = {"displayModeBar": False}


@fragment_of_run
def choose_row(results: Results) -> None:
    """Asks for a row by its number, or for the one before or after, and shows it; the address says which."""
    last, key = max(1, results.run.rows_total), f"row-of-{results.run.id}"
    row = st.session_state[key] = selection.chosen_row(results) or _first_row(results)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        before = st.container(width="content")
        st.number_input(f"Row, 1 to {last:,}", 1, last, key=key, width=150, on_change=_typed, args=(key,))
        after = st.container(width="content")
    _step(before, "Previous", ":material/chevron_left:", row - 1, row > 1)
    _step(after, "Next", ":material/chevron_right:", row + 1, row < last)
    line = _line(results, row)
    if line is not None:
        _show(line, results)
        show_influences(results, line)
        _neighbours(line, results)
        if is_embedded(results):
            show_alike(results, row, _go)
        show_what_if_of_row(results, line)


def _first_row(results: Results) -> int:
    """The first row that holds a prediction."""
    ahead = selection.steps_ahead(results)
    lines = results.page(0, 1, where=ahead, columns=["row"]) if ahead else pl.DataFrame()
    return int(lines["row"][0]) if len(lines) else 1


def open_row(results: Results, row: int) -> None:
    """Shows the row over the page."""
    st.dialog(f"Row {row:,}", width="large")(show_row)(results, row)


def show_row(results: Results, row: int) -> None:
    """The prediction first, then everything the row holds, and the way to its own page."""
    line = _line(results, row)
    if line is not None:
        if st.button("Neighbours and what if", icon=":material/open_in_full:", on_click=_go, args=(row,)):
            st.rerun()
        _show(line, results)


def _line(results: Results, row: int) -> dict[str, Any] | None:
    """The row's line of the results; None where there is none, which is then said."""
    lines = results.page(0, 1, where=[Filter("row", "in", (row,))])
    if lines.is_empty():
        st.info(f"Row {row:,} is not in the results: the run ended before it.")
        return None
    return lines.row(0, named=True)


def _show(line: Mapping[str, Any], results: Results) -> None:
    has_picture = any(isinstance(view, Gallery) for view in results.views) and line["status"] != "failed"
    if has_picture and lies_in_pictures(results.predicted):
        right, left = st.columns([3, 2], gap="medium")  # the picture is the answer: first, on a phone too
    else:
        left, right = st.columns([2, 3], gap="medium")
    with left:
        _prediction(line, results)
    with right:
        if has_picture:
            if lies_in_pictures(results.predicted):
                show_found_of_row(results, line)
            else:
                _picture(results, line["row"])
        for view in results.views:
            if isinstance(view, Texts) and line[view.column] is not None:
                show_text(line[view.column])
        show_cells(line, results)
    series = [view for view in results.views if isinstance(view, SeriesLines)]
    for view in series:
        _series(view, line, results)
    forecasts = [view for view in results.views if isinstance(view, ForecastLines)]
    for forecast in forecasts:
        _forecast(forecast, line, results)
    if not series and not forecasts and line["status"] != "failed":
        with left:
            _places(line, results)


def _step(place: Any, label: str, icon: str, row: int, possible: bool) -> None:
    place.button(label, icon=icon, key=label, on_click=_go, args=(row,), disabled=not possible)


def _typed(key: str) -> None:
    selection.choose_row(st.session_state[key])


def _go(row: int) -> None:
    """Called before the page is made again: it then shows that row."""
    selection.choose_row(row)
    st.session_state["tab"] = "Rows"


def _picture(results: Results, row: int) -> None:
    """The visitor's picture; one for a model of few pixels is shown pixel by pixel."""
    image = results.card.image
    sharp = "image-rendering:pixelated;" if image is not None and max(image.size) <= _FEW_PIXELS else ""
    style = f"{sharp}display:block;width:100%;max-width:20rem;max-height:20rem;object-fit:contain;border-radius:8px"
    source = keyed(picture_path(results.run.id, row, small=False))
    st.html(f'<img src="{source}" alt="The picture of row {row}" style="{style}">')


def _prediction(line: Mapping[str, Any], results: Results) -> None:
    if line["status"] == "failed":
        st.warning(
            f"**Row {line['row']:,} was not predicted.** {plain(line['error'], 1_000)}", icon=":material/warning:"
        )
        return
    show_outcome(line, results.columns, results.card.labels, "shares")


def _places(line: Mapping[str, Any], results: Results) -> None:
    """Where each predicted value stands among those of all rows."""
    for view in results.views:
        if isinstance(view, Distribution) and line[view.column] is not None:
            bins = results.histogram(view.column)
            figure = distribution_figure(view, bins, {}, at=line[view.column])
            among = extent(view.column, (*bins["lo"], *bins["hi"]), view.unit)
            alt = f"Row {line['row']:,} at {number(line[view.column])} among all predictions, {among}"
            st.plotly_chart(figure, theme="streamlit", alt=alt, config=_BARE, key=f"place-{view.column}")


def _series(view: SeriesLines, line: Mapping[str, Any], results: Results) -> None:
    """The whole series of the row, the row's step marked."""
    name, step = line[view.series], line[view.step]
    lines = results.series(str(name))
    units = {column.name: column.unit for column in results.columns}
    figure = series_figure(view, lines.gather_every(-(-len(lines) // _MOST_STEPS)), units)
    figure.add_vline(step, line={"width": 2, "dash": "dot", "color": "gray"})
    st.subheader(f"Series {plain(name)}, step {plain(step)}", anchor=False)
    ends = ", ".join(extent(each, lines[each]) for each in view.outputs)
    alt = f"Series {name}, {count(len(lines), 'step')}, step {step} marked: {ends}"
    st.plotly_chart(figure, theme="streamlit", alt=alt, config=_BARE, key="row-series")


def _forecast(view: ForecastLines, line: Mapping[str, Any], results: Results) -> None:
    """The whole series of the row and what comes after it, the row's step marked."""
    name, step, unit = str(line[view.series]), line[view.step], results.card.column(view.of).unit
    lines = results.series(name)
    figure = forecast_figure(view, lines, unit)
    figure.add_vline(step, line={"width": 2, "dash": "dot", "color": "gray"})
    st.subheader(f"Series {plain(name)}, {plain(view.step)} {plain(step)}", anchor=False)
    alt = f"{forecast_alt(view, lines, name, unit)} Step {step} is marked."
    st.plotly_chart(figure, theme="streamlit", alt=alt, config=_BARE, key="row-forecast")


def _neighbours(line: Mapping[str, Any], results: Results) -> None:
    """The rows just below and just above in confidence, or in what was predicted; a click goes there."""
    ranked = _ranked(results)
    if not ranked or line["status"] == "failed":
        return
    st.subheader("Neighbours", anchor=False)
    column = ranked[0]
    if len(ranked) > 1:
        column = str(st.selectbox("Neighbours in", ranked, key="neighbours-in", bind="query-params", width=320))
    found = neighbours(results, column, line["row"])
    for word, rows in (("just below", found.below), ("just above", found.above)):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.markdown(f":small[:gray[{plain(column)} {word}]]", width=220)
            for row, value in rows:
                label = f"Row {row:,} :small[:gray[{plain(number(value))}]]"
                st.button(label, key=f"neighbour-{row}", on_click=_go, args=(row,))
            if not rows:
                st.markdown(":small[:gray[none]]")


def _ranked(results: Results) -> list[str]:
    """The columns by which rows have an order: how sure the model was, of each label, or each value that it gave."""
    sure = [view.column for view in results.views if isinstance(view, Confidence)]
    sure += [share.column for view in results.views if isinstance(view, LabelCounts) for share in view.shares]
    return sure or [output.name for output in results.card.outputs]
