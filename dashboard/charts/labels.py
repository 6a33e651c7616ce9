"""Labels of which several hold at once, as plotly figures. Small tables in, figures and alt texts out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import polars as pl

from dashboard.charts.charts import axis_label, bar_sizes, color_of, quiet, whole_numbers
from dashboard.charts.evaluation import matrix_figure
from dashboard.words import count

MOST_BARS = 30
_LEAST = 320


def counts_figure(counts: pl.DataFrame, rows: int) -> go.Figure:
    """A bar for each label of `counts` (label, rows), in the card's order, or of many the most frequent."""
    names = counts["label"].to_list()
    shown = counts if len(names) <= MOST_BARS else counts.sort("rows", descending=True).head(MOST_BARS)
    bars = go.Bar(
        x=shown["rows"].to_list(),
        y=[axis_label(name) for name in shown["label"]],
        orientation="h",
        marker={"color": [color_of(name, names) for name in shown["label"]], "line": {"width": 0}},
        text=[f"{n:,} · {n / (rows or 1):.0%}" for n in shown["rows"]],
        textposition="auto",
        customdata=shown["label"].to_list(),
        hovertemplate="%{y}: %{x:,} rows<extra></extra>",
    )
    figure = quiet(go.Figure(bars), "rows; one may have several labels", "")
    figure.update_xaxes(**whole_numbers(counts["rows"].to_list()))
    figure.update_layout(**bar_sizes(len(shown), _LEAST))
    return figure.update_yaxes(autorange="reversed", showgrid=False, type="category", automargin=True)


def counts_alt(counts: pl.DataFrame, rows: int) -> str:
    most = counts.sort("rows", descending=True).head(3).iter_rows()
    return f"Labels of {count(rows, 'row')}, most often " + ", ".join(f"{label} {n:,}" for label, n in most) + "."


def together_figure(labels: Sequence[str], cells: Mapping[tuple[str, str], int]) -> go.Figure:
    """How many rows each two labels hold of; on the diagonal how many one holds of."""
    return matrix_figure(labels, labels, cells, ("label", "and label"), share=False)


def together_alt(cells: Mapping[tuple[str, str], int]) -> str:
    pairs = sorted(((n, pair) for pair, n in cells.items() if pair[0] < pair[1]), reverse=True)
    most = f"most often {pairs[0][1][0]} and {pairs[0][1][1]}, {count(pairs[0][0], 'row')}" if pairs else "no two"
    return f"Labels that hold of the same rows: {most}."
