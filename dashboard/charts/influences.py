"""What moves a row's prediction, as bars to both sides."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.charts.charts import axis_label, bar_sizes, quiet
from dashboard.words import number

UP, DOWN = "#4f5bd5", "#e07b39"  # the first two of the theme's classes


def influence_figure(changes: Sequence[tuple[str, str, float]], title: str) -> go.Figure:
    """A bar for each (column, its value in words, how much it changes the prediction), in their order from the top."""
    sizes = [change for _, _, change in changes]
    bars = go.Bar(
        x=sizes,
        y=[f"{axis_label(column)}<br>{axis_label(said)}" for column, said, _ in changes],  # two lines, for phones
        orientation="h",
        marker={"color": [UP if size >= 0 else DOWN for size in sizes], "line": {"width": 0}},
        text=[f"{'+' if size > 0 else ''}{number(size, 2)}" for size in sizes],
        textposition="auto",
        textangle=0,
        cliponaxis=False,  # on a phone a figure is wider than the room beside its bar
        hovertemplate="%{y}: %{text}<extra></extra>",
    )
    figure = quiet(go.Figure(bars), axis_label(title), "")
    figure.update_layout(**bar_sizes(len(changes), 80 + 40 * len(changes)))
    figure.update_xaxes(zeroline=True, range=_room(sizes))
    figure.update_layout(margin_r=20)
    return figure.update_yaxes(
        autorange="reversed", showgrid=False, type="category", automargin=True, ticklabelstandoff=8
    )


def _room(sizes: Sequence[float]) -> list[float]:
    """The axis from its left to its right end: where there are bars, a third of it beside them for their figures."""
    low, high = min(0, *sizes), max(0, *sizes)
    room = 0.35 * (high - low)
    return [low - room if low < 0 else low, high + room if high > 0 else high]
