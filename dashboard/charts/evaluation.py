"""How right predictions were, and how two runs agree, as plotly figures. Small tables in, figures and alt texts out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import polars as pl

from dashboard.charts.charts import THEME_COLORS, axis_label, quiet
from dashboard.words import count, short
from engine import Curve, Point

MOST_CLASSES = 40
_FAINT = "rgba(128,128,128,0.55)"
_NUMBERED = 12  # classes up to which each cell says its number
_DARK = 0.4  # share of the fullest cell above which its number is white
_SHADES = [
    [0, "rgba(79,91,213,0)"],
    [_DARK, "rgba(79,91,213,0.22)"],
    [_DARK + 0.001, "rgba(79,91,213,0.6)"],
    [1, "rgba(79,91,213,0.9)"],
]
Matrix = Mapping[tuple[str, str], int]


def matrix_figure(
    rows: Sequence[str], columns: Sequence[str], cells: Matrix, titles: tuple[str, str], share: bool
) -> go.Figure:
    """A cell for each (row, column): how many lines, or the share of its row; a click on one tells which it is.

    `titles` are those of the rows and of the columns.
    """
    totals = {row: sum(cells.get((row, column), 0) for column in columns) for row in rows}
    counts = [[cells.get((row, column), 0) for column in columns] for row in rows]
    shares = [[n / (totals[row] or 1) for n in line] for row, line in zip(rows, counts, strict=True)]
    shown, most = (shares, 1.0) if share else (counts, max((n for line in counts for n in line), default=1) or 1)
    figure = go.Figure(
        go.Heatmap(
            z=shown, x=list(range(len(columns))), y=list(range(len(rows))), zmin=0, zmax=most,
            colorscale=_SHADES, showscale=False, xgap=2, ygap=2, hoverinfo="skip",
        )
    )  # fmt: skip
    figure.add_traces(_cells(rows, columns, counts, shares, share))
    names = [[axis_label(short(name, 18)) for name in side] for side in (rows, columns)]
    quiet(figure, titles[1], titles[0])
    axis = {"showgrid": False, "tickmode": "array", "zeroline": False}
    figure.update_xaxes(**axis, tickvals=list(range(len(columns))), ticktext=names[1], range=[-0.5, len(columns) - 0.5])
    figure.update_yaxes(**axis, tickvals=list(range(len(rows))), ticktext=names[0], range=[len(rows) - 0.5, -0.5])
    return figure.update_layout(height=max(320, 110 + 34 * min(len(rows), 18)))


def matrix_alt(what: str, cells: Matrix) -> str:
    rows, same = sum(cells.values()), sum(n for (row, column), n in cells.items() if row == column)
    most = max((cell for cell in cells if cell[0] != cell[1]), key=lambda cell: cells[cell], default=None)
    beside = f" Fullest beside it: {most[0]}, {most[1]}, {count(cells[most], 'row')}." if most and cells[most] else ""
    return f"{what}: {same:,} of {count(rows, 'row')} on the diagonal.{beside}"


def calibration_figure(bins: pl.DataFrame) -> go.Figure:
    """How often the model was right (y) where it was so sure (x); the diagonal is what it promised."""
    most = bins["rows"].max() or 1
    sizes = [7 + 17 * (rows / most) ** 0.5 for rows in bins["rows"]]  # areas as rows, none too small to see
    right = go.Scatter(
        x=bins["confidence"].to_list(),
        y=bins["accuracy"].to_list(),
        mode="markers",
        marker={"size": sizes, "color": THEME_COLORS[0], "opacity": 0.85},
        customdata=bins["rows"].to_list(),
        hovertemplate="confidence %{x:.3f}: %{y:.1%} right<br>%{customdata:,} rows<extra></extra>",
    )
    figure = quiet(go.Figure([_diagonal((0, 1)), right]), "confidence (0 to 1)", "share that was right")
    figure.update_xaxes(range=[-0.02, 1.06])
    return figure.update_yaxes(range=[-0.06, 1.1])


def calibration_alt(bins: pl.DataFrame, error: float) -> str:
    return f"Calibration: {len(bins)} groups of rows by confidence; expected calibration error {error:.3f}."


def roc_figure(curve: Curve, point: Point) -> go.Figure:
    """True positives over false positives, and where the threshold stands."""
    figure = go.Figure([_diagonal((0, 1)), _line(curve.points, "fpr", "recall")])
    figure.add_trace(_here(point.false_positive_rate, point.recall, point.threshold))
    quiet(figure, "false alarms: share of the other rows", f"found: share of {short(curve.label, 24)}")
    figure.update_xaxes(range=[-0.02, 1.02])
    return figure.update_yaxes(range=[-0.02, 1.05])


def roc_alt(curve: Curve, point: Point) -> str:
    return (
        f"ROC of {curve.label}: area {curve.auroc:.3f}. At threshold {point.threshold:.2f} {point.recall:.1%} are "
        f"found, {point.false_positive_rate:.1%} of the others are false alarms."
    )


def precision_figure(curve: Curve, point: Point) -> go.Figure:
    """Precision over recall, and where the threshold stands."""
    figure = go.Figure(
        [_line(curve.points, "recall", "precision"), _here(point.recall, point.precision, point.threshold)]
    )
    share = curve.positives / (curve.positives + curve.negatives)
    figure.add_hline(y=share, line={"color": _FAINT, "dash": "dot", "width": 1})
    quiet(figure, f"found: share of {short(curve.label, 24)}", "right among those taken for it")
    figure.update_xaxes(range=[-0.02, 1.02])
    return figure.update_yaxes(range=[-0.02, 1.05])


def precision_alt(curve: Curve, point: Point) -> str:
    return (
        f"Precision over recall of {curve.label}: average precision {curve.average_precision:.3f}. "
        f"At threshold {point.threshold:.2f} recall {point.recall:.1%}, precision {point.precision:.1%}."
    )


def diagonal_figure(points: pl.DataFrame, x: tuple[str, str], y: tuple[str, str]) -> go.Figure:
    """Points (row, and the columns named first in x and y) around the line where both are equal; titles second."""
    values = [*points[x[0]].to_list(), *points[y[0]].to_list()] or [0.0, 1.0]
    figure = go.Figure([_diagonal((min(values), max(values))), _dots(points, x[0], y[0])])
    return quiet(figure, x[1], y[1]).update_layout(height=380)


def residual_figure(points: pl.DataFrame, x: str, y: str) -> go.Figure:
    """Points (row, x, residual) around zero."""
    figure = go.Figure(_dots(points, "x", "residual"))
    figure.add_hline(y=0, line={"color": _FAINT, "width": 1.5, "dash": "dash"})
    return quiet(figure, x, y).update_layout(height=380)


def residual_spread_figure(spread: pl.DataFrame, x: str, y: str) -> go.Figure:
    """A box for each value: its middle half, its median, whiskers from the 5th to the 95th percentile."""
    box = go.Box(
        x=[axis_label(short(value or "(empty)", 24)) for value in spread["x"]],
        q1=spread["p25"].to_list(),
        median=spread["p50"].to_list(),
        q3=spread["p75"].to_list(),
        lowerfence=spread["p05"].to_list(),
        upperfence=spread["p95"].to_list(),
        marker={"color": THEME_COLORS[0]},
        line={"width": 1.5},
    )
    figure = go.Figure(box)
    figure.add_hline(y=0, line={"color": _FAINT, "width": 1.5, "dash": "dash"})
    quiet(figure, x, y).update_xaxes(type="category")
    return figure.update_layout(height=380)


def _cells(
    rows: Sequence[str],
    columns: Sequence[str],
    counts: Sequence[Sequence[int]],
    shares: Sequence[Sequence[float]],
    share: bool,
) -> list[go.Scatter]:
    """What of the matrix can be clicked: unseen squares, with numbers where there is room, first on light cells.

    A light cell's number has the theme's own colour of words, a dark one's is white.
    """
    most = max((rows for line in counts for rows in line), default=0) or 1
    groups: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
    for row in range(len(rows)):
        for column in range(len(columns)):
            full = shares[row][column] if share else counts[row][column] / most
            groups[full > _DARK].append((row, column))
    return [
        _cells_of(places, color, rows, columns, counts, shares, share)
        for places, color in zip(groups, (None, "white"), strict=True)
        if places
    ]


def _cells_of(
    places: Sequence[tuple[int, int]],
    color: str | None,
    rows: Sequence[str],
    columns: Sequence[str],
    counts: Sequence[Sequence[int]],
    shares: Sequence[Sequence[float]],
    share: bool,
) -> go.Scatter:
    numbered = max(len(rows), len(columns)) <= _NUMBERED
    texts = [f"{shares[r][c]:.0%}" if share else f"{counts[r][c]:,}" for r, c in places]
    return go.Scatter(
        x=[column for _, column in places],
        y=[row for row, _ in places],
        mode="markers+text" if numbered else "markers",
        text=[text if counts[r][c] else "·" for text, (r, c) in zip(texts, places, strict=True)] if numbered else None,
        textfont={"size": 14, **({"color": color} if color else {})},
        marker={"symbol": "square", "size": 26, "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        customdata=[[rows[r], columns[c]] for r, c in places],
        hovertext=[
            f"{axis_label(rows[r])} → {axis_label(columns[c])}<br>{count(counts[r][c], 'row')}, {shares[r][c]:.1%}"
            for r, c in places
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _diagonal(ends: tuple[float, float]) -> go.Scatter:
    line = {"color": _FAINT, "width": 1.5, "dash": "dash"}
    return go.Scatter(x=ends, y=ends, mode="lines", line=line, hoverinfo="skip", showlegend=False)


def _line(points: pl.DataFrame, x: str, y: str) -> go.Scatter:
    return go.Scatter(
        x=points[x].to_list(),
        y=points[y].to_list(),
        mode="lines",
        line={"color": THEME_COLORS[0], "width": 2},
        customdata=points["threshold"].to_list(),
        hovertemplate="%{x:.3f}, %{y:.3f}<br>threshold %{customdata:.3f}<extra></extra>",
    )


def _here(x: float, y: float, threshold: float) -> go.Scatter:
    return go.Scatter(
        x=[x],
        y=[y],
        mode="markers",
        marker={"size": 14, "color": THEME_COLORS[1], "line": {"width": 2, "color": "white"}},
        hovertemplate=f"threshold {threshold:.2f}<br>%{{x:.3f}}, %{{y:.3f}}<extra></extra>",
    )


def _dots(points: pl.DataFrame, x: str, y: str) -> go.Scattergl:
    return go.Scattergl(
        x=points[x].to_list(),
        y=points[y].to_list(),
        mode="markers",
        marker={"size": 6, "opacity": 0.6, "color": THEME_COLORS[0]},
        customdata=points["row"].to_list(),
        hovertemplate="row %{customdata:,}<br>%{x:.4g}, %{y:.4g}<extra></extra>",
    )
