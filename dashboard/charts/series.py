"""Series over their steps as plotly figures: one at a time with all its columns, or many side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from dashboard.charts.charts import THEME_COLORS, axis_label, legend, quiet
from dashboard.words import short, with_unit
from engine.views import SeriesGrid, SeriesLines

_MOST_LINES = 12


def series_figure(view: SeriesLines, lines: pl.DataFrame, units: Mapping[str, str]) -> go.Figure:
    """What came out and what went in over one axis of steps; columns of one unit share a panel."""
    panels = _panels(view, lines, units)
    figure = make_subplots(rows=len(panels), cols=1, shared_xaxes=True, vertical_spacing=0.06)
    steps = lines[view.step].to_list()
    place = 0
    for row, (title, names) in enumerate(panels, start=1):
        for name in names:
            predicted = name in view.outputs
            line = {"color": THEME_COLORS[place % 10], "width": 2.5 if predicted else 1.5}
            shown = with_unit(name, "prediction") if predicted else name
            trace = go.Scatter(x=steps, y=lines[name].to_list(), mode="lines", name=axis_label(shown), line=line)
            figure.add_trace(trace, row=row, col=1)
            place += 1
        figure.update_yaxes(title=axis_label(title), row=row, col=1)
    quiet(figure, view.step, None)
    figure.update_xaxes(title="")
    figure.update_xaxes(title=axis_label(view.step), row=len(panels), col=1)
    figure.update_layout(height=120 + 220 * len(panels), hovermode="x unified", **legend())
    return figure


def grid_figure(
    view: SeriesGrid, lines: pl.DataFrame, names: Sequence[str], output: str, unit: str, abreast: int
) -> go.Figure:
    """One small picture for each of the series `names`, all with the same axes; the unit stands left of each line."""
    rows = -(-len(names) // abreast)
    titles = [axis_label(short(name, 24)) for name in names]
    figure = make_subplots(
        rows=rows, cols=abreast, shared_xaxes="all", shared_yaxes="all", subplot_titles=titles,
        vertical_spacing=min(0.12, 0.5 / rows), horizontal_spacing=0.03,
    )  # fmt: skip
    parts = {str(key[0]): part for key, part in lines.group_by([view.series])}
    said = f"{axis_label(view.step)} %{{x}}: %{{y:.4g}} {axis_label(unit)}".rstrip()
    for place, name in enumerate(names):
        part = parts[name]
        trace = go.Scatter(
            x=part[view.step].to_list(),
            y=part[output].to_list(),
            mode="lines+markers",
            marker={"size": 4, "color": THEME_COLORS[0]},
            line={"width": 2, "color": THEME_COLORS[0]},
            customdata=[name] * part.height,
            hovertemplate=f"{said}<extra>{axis_label(short(name))}</extra>",
        )
        figure.add_trace(trace, row=place // abreast + 1, col=place % abreast + 1)
    quiet(figure, "", None)
    figure.update_annotations(font_size=12)
    figure.update_layout(height=60 + 130 * rows, margin_t=28)
    figure.update_yaxes(title=axis_label(unit), title_font_size=12, automargin=True, col=1)
    return figure.update_yaxes(zeroline=False)


def _panels(view: SeriesLines, lines: pl.DataFrame, units: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """(title of the axis, columns) of each panel: first what came out, then what went in, a panel for each unit."""
    panels: dict[tuple[bool, str], list[str]] = {}
    for name in [name for name in (*view.outputs, *view.inputs) if name in lines.columns][:_MOST_LINES]:
        panels.setdefault((name in view.outputs, units.get(name, "")), []).append(name)
    return [(_panel_title(names, unit, out), names) for (out, unit), names in panels.items()]


def _panel_title(names: Sequence[str], unit: str, out: bool) -> str:
    return with_unit(names[0] if len(names) == 1 else "predicted" if out else "measured", unit)
