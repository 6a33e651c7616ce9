"""The charts of a report: a view and the run's results in, a plotly figure out. Texts in it are never read as HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from engine.kinds.palette import COLORS
from engine.results.results import Results
from engine.views import Against, ClassAreas, ClassBalance, Confidence, Distribution, SeriesLines, View

_QUIET = "#9aa0ae"
_MOST_BARS = 30
_MOST_POINTS = 1_500
_MOST_CHOICES = 12
_MOST_STEPS = 1_000
_MOST_LINES = 10

Changes = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure with its title, and what it shows in words; a wide one has a line to itself.

    `choices` are other data for the same figure: (label, changes to its traces, changes to its layout).
    """

    title: str
    alt: str
    figure: go.Figure
    is_wide: bool = False
    choices: tuple[tuple[str, Changes, Changes], ...] = ()


@singledispatch
def chart_of(view: View, results: Results) -> Chart | None:
    """The chart of one view; None for one that is no chart of a report's, such as pictures."""
    return None


@chart_of.register
def _(view: Distribution, results: Results) -> Chart:
    bins, spread = results.histogram(view.column), results.quantiles(view.column)
    shift = view.shift(bins["lo"], bins["hi"])
    middle, width = ((bins["lo"] + bins["hi"]) / 2 + shift).to_list(), (bins["hi"] - bins["lo"]).to_list()
    bars = go.Bar(x=middle, y=bins["count"].to_list(), width=width, marker_color=COLORS[0], hovertemplate=_BIN)
    figure = laid_out(go.Figure(bars), _with_unit(view.column, view.unit), "rows")
    for name, words in (("p05", "5 %"), ("p50", "median"), ("p95", "95 %")):
        if name in spread:
            figure.add_vline(
                spread[name],
                line={"color": _QUIET, "dash": "dot", "width": 1.5},
                annotation={"text": f"{words} {spread[name]:.4g}", "font_size": 11, "yanchor": "bottom", "y": 1},
            )
    said = f"median {spread['p50']:.4g}, nine of ten from {spread['p05']:.4g} to {spread['p95']:.4g}" if spread else ""
    return Chart(view.title, f"Histogram of {view.column}: {said or 'nothing was predicted'}.", figure)


@chart_of.register
def _(view: ClassBalance, results: Results) -> Chart:
    counts = {str(value): rows for value, rows in results.value_counts(view.column).iter_rows() if value is not None}
    few = len(view.labels) <= _MOST_BARS
    names = list(view.labels) if few else sorted(counts, key=lambda name: -counts[name])[:_MOST_BARS]
    total = sum(counts.values()) or 1
    figure = class_bars(
        {name: counts.get(name, 0) for name in names},
        [_color(name, view.labels) for name in names],
        [f"{counts.get(name, 0):,} · {counts.get(name, 0) / total:.0%}" for name in names],
        "%{x:,} rows",
        "rows",
    )
    said = ", ".join(f"{name} {counts.get(name, 0):,}" for name in names[:6])
    return Chart(view.title, f"Rows of each class: {said}.", figure)


@chart_of.register
def _(view: Confidence, results: Results) -> Chart:
    bins, spread = results.histogram(view.column, by=view.by), results.quantiles(view.column)
    figure = go.Figure()
    for label in view.labels[:_MOST_BARS]:
        part = bins.filter(pl.col("by") == label)
        if part.is_empty():
            continue
        middle, width = ((part["lo"] + part["hi"]) / 2).to_list(), (part["hi"] - part["lo"]).to_list()
        style = {"marker_color": _color(label, view.labels), "name": harmless(label), "hovertemplate": _BIN}
        figure.add_bar(x=middle, y=part["count"].to_list(), width=width, **style)
    laid_out(figure, "confidence (0 to 1)", "rows", legend=True).update_layout(barmode="stack")
    said = f"median {spread['p50']:.2f}, one row in twenty below {spread['p05']:.2f}" if spread else "none"
    return Chart(view.title, f"How sure the model was: {said}.", figure)


@chart_of.register
def _(view: Against, results: Results) -> Chart:
    y, names, units = view.y[0], view.x[:_MOST_CHOICES], dict(view.units)
    points = _points(results, y, names, view.color)
    groups, titles = _groups(points, view), [_with_unit(name, units.get(name, "")) for name in names]
    figure = go.Figure()
    for label, part in groups:
        style = {"size": 6, "opacity": 0.65, "color": _color(label, view.labels) if view.color else COLORS[0]}
        rows = part["row"].to_list()
        figure.add_scatter(
            x=part[names[0]].to_list(), y=part[y].to_list(), mode="markers", marker=style, name=harmless(label),
            customdata=rows, hovertemplate="row %{customdata:,}<br>%{x:.4g}, %{y:.4g}<extra></extra>",
        )  # fmt: skip
    laid_out(figure, titles[0], _with_unit(y, units.get(y, "")), 420, legend=bool(view.color))
    choices = tuple(
        (name, {"x": [part[name].to_list() for _, part in groups]}, {"xaxis.title.text": harmless(title)})
        for name, title in zip(names, titles, strict=True)
    )
    alt = f"{y} against {names[0]}, {points.height:,} points, evenly spaced over the file."
    return Chart(view.title, alt, figure, True, choices)


@chart_of.register
def _(view: ClassAreas, results: Results) -> Chart:
    means = results.means(view.shares)
    areas = {label: means.get(share, 0.0) for label, share in zip(view.labels, view.shares, strict=True)}
    names = sorted(areas, key=lambda name: -areas[name])[:_MOST_BARS]
    figure = class_bars(
        {name: areas[name] for name in names},
        [_color(name, view.labels) for name in names],
        [f"{areas[name]:.1%}" for name in names],
        "%{x:.2%} of a picture",
        "mean share of a picture",
    ).update_xaxes(tickformat=".0%")
    said = ", ".join(f"{name} {areas[name]:.1%}" for name in names[:6])
    return Chart(view.title, f"Mean share of a picture that each class covers: {said}.", figure)


@chart_of.register
def _(view: SeriesLines, results: Results) -> Chart:
    names = results.series_ids(_MOST_CHOICES)
    figure = make_subplots(rows=2 if view.inputs else 1, cols=1, shared_xaxes=True, vertical_spacing=0.07)
    columns = [(name, 1, 2.5) for name in view.outputs] + [(name, 2, 1.5) for name in view.inputs]
    columns = columns[:_MOST_LINES]
    for place, series in enumerate(names):
        lines = results.series(series)
        lines = lines.gather_every(-(-lines.height // _MOST_STEPS))
        for number, (name, row, width) in enumerate(columns):
            style = {"color": COLORS[number % len(COLORS)], "width": width}
            trace = go.Scatter(
                x=lines[view.step].to_list(), y=lines[name].to_list(), mode="lines", name=harmless(name), line=style,
                visible=place == 0,
            )  # fmt: skip
            figure.add_trace(trace, row=row, col=1)
    laid_out(figure, "", "", 320 if not view.inputs else 520, legend=True)
    figure.update_yaxes(title="predicted", row=1, col=1)
    if view.inputs:
        figure.update_yaxes(title="measured", row=2, col=1)
    figure.update_xaxes(title=harmless(view.step), row=2 if view.inputs else 1, col=1)
    shown = [[place == other for other in range(len(names)) for _ in columns] for place in range(len(names))]
    choices: tuple[tuple[str, Changes, Changes], ...] = tuple(
        (f"Series {name}", {"visible": each}, {}) for name, each in zip(names, shown, strict=True)
    )
    return Chart(view.title, f"{', '.join(view.outputs)} over {view.step}, a series at a time.", figure, True, choices)


_BIN = "about %{x:.4g}: %{y:,} rows<extra></extra>"


def harmless(text: str) -> str:
    """The text where plotly would read HTML: its signs shown, not obeyed."""
    shown = text if len(text) <= 60 else text[:59] + "…"
    return shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("$", "&#36;")


def _points(results: Results, y: str, choices: Sequence[str], color: str) -> pl.DataFrame:
    """At most _MOST_POINTS predicted lines, evenly spaced over the file."""
    names = dict.fromkeys(["row", y, *choices, *([color] if color else [])])
    lines = results.scan().select(*names).filter(pl.col(y).is_not_null())
    every = max(1, -(-int(lines.select(pl.len()).collect().item()) // _MOST_POINTS))
    return lines.gather_every(every).collect()


def _groups(points: pl.DataFrame, view: Against) -> list[tuple[str, pl.DataFrame]]:
    if not view.color:
        return [("", points)]
    parts = ((label, points.filter(pl.col(view.color) == label)) for label in view.labels)
    return [(label, part) for label, part in parts if part.height]


def _color(label: str, labels: Sequence[str]) -> str:
    return COLORS[labels.index(label) % len(COLORS)] if label in labels else _QUIET


def _with_unit(name: str, unit: str) -> str:
    return f"{name} ({unit})" if unit else name


def laid_out(figure: go.Figure, x: str, y: str, height: int = 340, *, legend: bool = False) -> go.Figure:
    """The figure in the report's look; `x` and `y` title its axes."""
    figure.update_layout(
        template="none", height=height, margin={"l": 8, "r": 8, "t": 44, "b": 8}, bargap=0.25 if not y else 0,
        showlegend=legend, font={"family": "Inter, system-ui, sans-serif", "color": "#1b1f2e", "size": 12},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}, dragmode=False,
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
    )  # fmt: skip
    quiet = {"automargin": True, "zeroline": False, "gridcolor": "#eceef4"}
    figure.update_xaxes(title=harmless(x), showgrid=False, **quiet)
    return figure.update_yaxes(title=harmless(y), **quiet)


def class_bars(
    values: Mapping[str, float], colors: Sequence[str], texts: Sequence[str], said: str, title: str
) -> go.Figure:
    """A bar across for each class, the first on top; `said` is what stands behind its name under the pointer."""
    bars = go.Bar(
        x=list(values.values()),
        y=[harmless(name) for name in values],
        orientation="h",
        marker_color=colors,
        text=texts,
        hovertemplate=f"%{{y}}: {said}<extra></extra>",
    )
    figure = laid_out(go.Figure(bars), title, "", 70 + 32 * len(values)).update_layout(margin_t=12)
    return figure.update_yaxes(autorange="reversed", type="category")
