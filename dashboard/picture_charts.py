"""Figures of what was found in pictures. No pages here, no queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from dashboard.charts import axis_label, bar_sizes, color_of, quiet

_MOST_BARS = 30


def areas_figure(areas: Mapping[str, float], labels: Sequence[str]) -> go.Figure:
    """A bar a class, in the card's order: the share of a picture that it covers; of many classes the largest."""
    largest = sorted(areas, key=lambda label: -areas[label])[:_MOST_BARS]
    names = [label for label in labels if label in largest]
    bars = go.Bar(
        x=[areas[name] for name in names],
        y=[axis_label(name) for name in names],
        orientation="h",
        marker={"color": [color_of(name, labels) for name in names], "line": {"width": 0}},
        text=[f"{areas[name]:.1%}" for name in names],
        textposition="auto",
        customdata=names,
        hovertemplate="%{y}: %{x:.2%} of a picture<extra></extra>",
    )
    figure = quiet(go.Figure(bars), "share of a picture", "")
    figure.update_xaxes(tickformat=".0%", rangemode="tozero").update_layout(**bar_sizes(len(names), 0))
    return figure.update_yaxes(autorange="reversed", showgrid=False, type="category", automargin=True)
