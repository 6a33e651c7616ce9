"""The chart of a report about objects found in pictures."""

from __future__ import annotations

import plotly.graph_objects as go

from engine.found_boxes import box_counts
from engine.masks import COLORS
from engine.report.figures import Chart, chart_of, harmless, laid_out
from engine.results import Results
from engine.views import FoundObjects

_MOST_BARS = 30


@chart_of.register
def _(view: FoundObjects, results: Results) -> Chart:
    counts = box_counts(results, view.labels, view.counts)
    most = sorted(counts, key=lambda label: -counts[label])[:_MOST_BARS]
    names = [label for label in view.labels if label in most]
    bars = go.Bar(
        x=[counts[name] for name in names],
        y=[harmless(name) for name in names],
        orientation="h",
        marker_color=[COLORS[results.card.labels.index(name) % len(COLORS)] for name in names],
        text=[f"{counts[name]:,}" for name in names],
        hovertemplate="%{y}: %{x:,} objects<extra></extra>",
    )
    figure = laid_out(go.Figure(bars), "objects", "", 70 + 32 * len(names)).update_layout(margin_t=12)
    figure.update_yaxes(autorange="reversed", type="category")
    said = ", ".join(f"{name} {counts[name]:,}" for name in most[:6])
    return Chart(view.title, f"Objects found of each class: {said}.", figure)
