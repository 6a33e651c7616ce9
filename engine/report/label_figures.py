"""The charts of a report about labels of which several hold at once."""

from __future__ import annotations

import plotly.graph_objects as go

from engine.kinds.palette import COLORS
from engine.report.figures import Chart, chart_of, harmless, laid_out
from engine.results.label_sets import label_counts, labels_together
from engine.results.results import Results
from engine.views import LabelCounts, LabelsTogether

_MOST_BARS = 30


@chart_of.register
def _(view: LabelCounts, results: Results) -> Chart:
    counts, rows = label_counts(results, view.shares), results.n_rows or 1
    shown = counts if counts.height <= _MOST_BARS else counts.sort("rows", descending=True).head(_MOST_BARS)
    bars = go.Bar(
        x=shown["rows"].to_list(),
        y=[harmless(label) for label in shown["label"]],
        orientation="h",
        marker_color=COLORS[0],
        text=[f"{n:,} · {n / rows:.0%}" for n in shown["rows"]],
        hovertemplate="%{y}: %{x:,} rows<extra></extra>",
    )
    figure = laid_out(go.Figure(bars), "rows; one may have several labels", "", 70 + 32 * shown.height)
    figure.update_layout(margin_t=12).update_yaxes(autorange="reversed", type="category")
    said = ", ".join(f"{label} {n:,}" for label, n in shown.head(6).iter_rows())
    return Chart(view.title, f"Rows of each label: {said}.", figure)


@chart_of.register
def _(view: LabelsTogether, results: Results) -> Chart:
    cells, labels = labels_together(results, view.shares), [share.label for share in view.shares]
    names = [harmless(label) for label in labels]
    grid = go.Heatmap(
        z=[[cells[one, two] for two in labels] for one in labels],
        x=names,
        y=names,
        colorscale=[[0, "rgba(79,91,213,0)"], [1, COLORS[0]]],
        showscale=False,
        hovertemplate="%{y} and %{x}: %{z:,} rows<extra></extra>",
    )
    figure = laid_out(go.Figure(grid), "label", "and label", max(340, 120 + 24 * len(labels)))
    figure.update_yaxes(autorange="reversed", type="category").update_xaxes(type="category")
    return Chart(view.title, f"How many rows each two of {len(labels)} labels hold of together.", figure)
