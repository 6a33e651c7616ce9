"""Figures of what was found in pictures. No pages here, no queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import polars as pl

from dashboard.charts.charts import THEME_COLORS, axis_label, bar_sizes, color_of, quiet

_MOST_BARS = 30


def areas_figure(areas: Mapping[str, float], labels: Sequence[str]) -> go.Figure:
    """A bar a class, in the card's order: the share of a picture that it covers; of many classes the largest."""
    figure = _bars(areas, labels, "share of a picture", ".1%", "%{x:.2%} of a picture")
    return figure.update_xaxes(tickformat=".0%", rangemode="tozero")


def objects_figure(counts: Mapping[str, int], labels: Sequence[str]) -> go.Figure:
    """A bar a class, in the card's order: how many objects were found; of many classes the most frequent."""
    return _bars(counts, labels, "objects", ",", "%{x:,} objects")


def _bars(values: Mapping[str, float], labels: Sequence[str], title: str, form: str, said: str) -> go.Figure:
    largest = sorted(values, key=lambda label: -values[label])[:_MOST_BARS]
    names = [label for label in labels if label in largest]
    bars = go.Bar(
        x=[values[name] for name in names],
        y=[axis_label(name) for name in names],
        orientation="h",
        marker={"color": [color_of(name, labels) for name in names], "line": {"width": 0}},
        text=[format(values[name], form) for name in names],
        textposition="auto",
        customdata=names,
        hovertemplate=f"%{{y}}: {said}<extra></extra>",
    )
    figure = quiet(go.Figure(bars), title, "").update_layout(**bar_sizes(len(names), 0))
    return figure.update_yaxes(autorange="reversed", showgrid=False, type="category", automargin=True)


def scores_figure(bins: pl.DataFrame, labels: Sequence[str], threshold: float) -> go.Figure:
    """How sure the model was of its boxes: bars stacked by class; those left of the threshold do not count."""
    figure = go.Figure()
    for label in labels:
        part = bins.filter(pl.col("label") == label)
        if part.is_empty():
            continue
        middle = ((part["lo"] + part["hi"]) / 2).to_list()
        figure.add_bar(
            x=middle,
            y=part["boxes"].to_list(),
            width=(part["hi"] - part["lo"]).to_list(),
            name=axis_label(label),
            marker={"color": color_of(label, labels), "line": {"width": 0}},
            hovertemplate="score about %{x:.2f}: %{y:,} boxes<extra>%{fullData.name}</extra>",
        )
    quiet(figure, "score (0 to 1)", "boxes").update_layout(barmode="stack", bargap=0, showlegend=False)
    return _with_threshold(figure, threshold).update_xaxes(range=[0, 1])


def thresholds_figure(points: pl.DataFrame, threshold: float) -> go.Figure:
    """Precision and recall by the score from which on a box counts; the card's is marked."""
    figure = go.Figure()
    for place, name in enumerate(("precision", "recall")):
        figure.add_scatter(
            x=points["score"].to_list(),
            y=points[name].to_list(),
            mode="lines+markers",
            name=name,
            line={"color": THEME_COLORS[place], "width": 2},
            hovertemplate=f"from %{{x:.2f}} on: {name} %{{y:.1%}}<extra></extra>",
        )
    quiet(figure, "least score of a box", "share").update_xaxes(range=[0, 1])
    figure.update_layout(showlegend=True, legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"})
    return _with_threshold(figure, threshold).update_yaxes(range=[0, 1.05], tickformat=".0%")


def _with_threshold(figure: go.Figure, threshold: float) -> go.Figure:
    return figure.add_vline(threshold, line={"width": 2, "dash": "dot", "color": "gray"})
