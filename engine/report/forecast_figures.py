"""The chart of a report about series that are continued."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from engine.kinds.palette import COLORS
from engine.report.figures import Changes, Chart, chart_of, harmless, laid_out
from engine.results.results import Results
from engine.views import ForecastLines

_MOST_SERIES = 12
_BAND = "rgba(128,128,128,0.25)"


@chart_of.register
def _(view: ForecastLines, results: Results) -> Chart:
    names, figure = results.series_ids(_MOST_SERIES), go.Figure()
    for place, series in enumerate(names):
        for trace in _traces(view, results.series(series)):
            figure.add_trace(trace.update(visible=place == 0))
    unit = results.card.column(view.of).unit
    laid_out(figure, view.step, f"{view.of} ({unit})" if unit else view.of, 460, legend=True)
    each = len(figure.data) // (len(names) or 1)
    shown = [[other // each == place for other in range(len(figure.data))] for place in range(len(names))]
    choices: tuple[tuple[str, Changes, Changes], ...] = tuple(
        (f"Series {name}", {"visible": visible}, {}) for name, visible in zip(names, shown, strict=True)
    )
    alt = f"{view.of} and its forecast over {view.step}, a series at a time."
    return Chart(view.title, alt, figure, True, choices)


def _traces(view: ForecastLines, lines: pl.DataFrame) -> list[go.Scatter]:
    """As many for every series: the band, the history, the forecast, and what came later."""
    ahead = lines.filter(pl.col(view.forecast).is_not_null())
    steps = ahead[view.step].to_list()
    traces = []
    if view.band:
        low, high = (ahead[name].to_list() for name in view.band)
        area = {"x": [*steps, *reversed(steps)], "y": [*high, *reversed(low)]}
        name = " to ".join(view.band)
        traces.append(go.Scatter(**area, fill="toself", fillcolor=_BAND, line_width=0, name=name, hoverinfo="skip"))
    columns = [(view.of, COLORS[0], "lines"), (view.forecast, COLORS[1], "lines")]
    columns += [(view.later, COLORS[2], "markers")] if view.later in lines.columns else []
    for name, color, mode in columns:
        part = lines.select(x=pl.col(view.step), y=pl.col(name).cast(pl.Float64, strict=False)).drop_nulls("y")
        style = {"mode": mode, "name": harmless(name), "line_color": color, "marker_color": color}
        traces.append(go.Scatter(x=part["x"].to_list(), y=part["y"].to_list(), **style))
    return traces
