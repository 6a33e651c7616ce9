"""Series and what comes after them, as plotly figures. Small tables in, figures and alt texts out."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from dashboard.charts.charts import THEME_COLORS, axis_label, legend, quiet
from dashboard.words import count, extent, number, with_unit
from engine.views import ForecastLines

_BAND = "rgba(128,128,128,0.25)"


def forecast_figure(view: ForecastLines, lines: pl.DataFrame, unit: str) -> go.Figure:
    """History, forecast and the band around it over the steps; dots for what came later."""
    figure = go.Figure()
    ahead = lines.filter(pl.col(view.forecast).is_not_null())
    steps = ahead[view.step].to_list()
    if view.band:
        low, high = (ahead[name].to_list() for name in view.band)
        shape = {"x": [*steps, *reversed(steps)], "y": [*high, *reversed(low)]}
        name = axis_label(f"{view.band[0].rpartition('_')[2]} to {view.band[1].rpartition('_')[2]}")
        figure.add_scatter(**shape, fill="toself", fillcolor=_BAND, line={"width": 0}, name=name, hoverinfo="skip")
    history = lines.filter(pl.col(view.of).is_not_null())
    for name, part, column, line in (
        (f"{view.of}, history", history, view.of, {"color": THEME_COLORS[0], "width": 2}),
        ("forecast", ahead, view.forecast, {"color": THEME_COLORS[1], "width": 2.5}),
    ):
        figure.add_scatter(
            x=part[view.step].to_list(), y=part[column].to_list(), mode="lines+markers" if part.height < 2 else "lines",
            name=axis_label(name), line=line, hovertemplate="%{y:.4g}",
        )  # fmt: skip
    later = _later(view, lines)
    if later.height:
        marker = {"color": THEME_COLORS[2], "size": 7}
        figure.add_scatter(
            x=later[view.step].to_list(), y=later["later"].to_list(), mode="markers", name=axis_label(view.later),
            marker=marker, hovertemplate="%{y:.4g}",
        )  # fmt: skip
    quiet(figure, view.step, with_unit(view.of, unit))
    return figure.update_layout(height=420, hovermode="x unified", **legend())


def forecast_alt(view: ForecastLines, lines: pl.DataFrame, series: str, unit: str) -> str:
    ahead = lines[view.forecast].drop_nulls()
    if ahead.is_empty():
        return f"Series {series}: no forecast."
    history = extent(view.of, lines[view.of], unit)
    return f"Series {series}: {history}; {count(len(ahead), 'step')} ahead, {extent('forecast', ahead, unit)}."


def by_step_figure(by_step: pl.DataFrame, unit: str) -> go.Figure:
    """The mean absolute error of each step ahead, of `by_step` (ahead, rows, mae, coverage)."""
    hover = [
        f"{count(ahead, 'step')} ahead: {number(mae)} {unit}, {count(rows, 'row')}"
        + (f", {inside:.0%} in the band" if inside is not None else "")
        for ahead, rows, mae, inside in by_step.select("ahead", "rows", "mae", "coverage").iter_rows()
    ]
    bars = go.Bar(
        x=by_step["ahead"].to_list(), y=by_step["mae"].to_list(), marker={"color": THEME_COLORS[0]}, hovertext=hover,
        hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip
    return quiet(go.Figure(bars), "steps ahead", with_unit("MAE", unit)).update_layout(height=380)


def _later(view: ForecastLines, lines: pl.DataFrame) -> pl.DataFrame:
    """(step, later) of the steps whose value the file tells."""
    if not view.later or view.later not in lines.columns:
        return pl.DataFrame({view.step: [], "later": []})
    value = pl.col(view.later).cast(pl.Float64, strict=False).alias("later")
    return lines.select(view.step, value).filter(pl.col("later").is_not_null())
