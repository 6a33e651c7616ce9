"""The chart of a report about embeddings."""

from __future__ import annotations

import plotly.graph_objects as go

from engine.evaluation.embeddings import projection
from engine.kinds.palette import COLORS
from engine.report.figures import Chart, chart_of, laid_out
from engine.results.results import Results
from engine.views import EmbeddingMap


@chart_of.register
def _(view: EmbeddingMap, results: Results) -> Chart | None:
    found = projection(results)
    if found is None:
        return None
    style = {"size": 6, "opacity": 0.65, "color": COLORS[0]}
    points = found.points
    dots = go.Scatter(
        x=points["x"].to_list(), y=points["y"].to_list(), mode="markers", marker=style,
        customdata=points["row"].to_list(), hovertemplate="row %{customdata:,}<extra></extra>",
    )  # fmt: skip
    titles = (f"first component, {found.first:.0%}", f"second component, {found.second:.0%}")
    figure = laid_out(go.Figure(dots), *titles, 460)
    alt = f"{len(points):,} embeddings in two dimensions, which hold {found.first + found.second:.0%} of what differs."
    return Chart(view.title, alt, figure, True)
