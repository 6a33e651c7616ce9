"""Embeddings as plotly figures. Small tables in, figures and alt texts out."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
import polars as pl

from dashboard.charts.charts import THEME_COLORS, axis_label, color_of, legend, quiet
from dashboard.words import count
from engine import Projection

_MOST_COLORS = 12


def map_figure(found: Projection, groups: pl.DataFrame | None, labels: Sequence[str]) -> go.Figure:
    """The points of the map, coloured by `groups` (row, group), the most frequent ones."""
    points = found.points
    named = points.join(groups, on="row", how="left") if groups is not None else points.with_columns(group=pl.lit(""))
    shown = pl.col("group").cast(pl.String).fill_null("(empty)")
    named = named.with_columns(shown.alias("group"))
    frequent = named["group"].value_counts(sort=True)["group"].head(_MOST_COLORS).to_list()
    order = [*(label for label in labels if label in frequent), *sorted(set(frequent) - set(labels))]
    named = named.with_columns(pl.when(pl.col("group").is_in(order)).then("group").otherwise(pl.lit("others")))
    figure = go.Figure()
    for name in [*order, *(["others"] if len(named["group"].unique()) > len(order) else [])]:
        part = named.filter(pl.col("group") == name)
        color = color_of(name, order) if groups is not None else THEME_COLORS[0]
        marker = {"size": 7, "opacity": 0.75, "color": color}
        figure.add_scattergl(
            x=part["x"].to_list(), y=part["y"].to_list(), mode="markers", marker=marker, name=axis_label(name),
            customdata=part["row"].to_list(),
            hovertemplate="row %{customdata:,}<extra>" + axis_label(name) + "</extra>",
        )  # fmt: skip
    quiet(figure, f"first component, {found.first:.0%} of what differs", f"second component, {found.second:.0%}")
    return figure.update_layout(height=480, **(legend() if groups is not None else {}))


def map_alt(found: Projection) -> str:
    held = found.first + found.second
    return f"Map of {count(len(found.points), 'embedding')} in two dimensions, which hold {held:.0%} of what differs."


def vector_figure(values: Sequence[float], name: str) -> go.Figure:
    """A bar for each figure of a vector."""
    bars = go.Bar(x=list(range(1, len(values) + 1)), y=list(values), marker={"color": THEME_COLORS[0]})
    return quiet(go.Figure(bars), f"{name}, figure by figure", "").update_layout(height=200)
