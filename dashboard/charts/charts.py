"""Numbers in, plotly figures out. No pages here, no queries: what to draw comes as small data frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import polars as pl

from dashboard.words import count, number, with_unit
from engine.views import Against, ClassBalance, Confidence, Distribution, Threshold

# Streamlit's stand-ins for the theme's ten categorical colours: the browser puts the light or the dark one in.
THEME_COLORS = tuple(f"#{place:06d}" for place in range(1, 11))
_QUIET = "rgba(128,128,128,0.75)"
_MOST_BARS = 30
_HEIGHT = 320
_ALWAYS = 3  # shares of a row that are drawn however small


def color_of(label: str, labels: Sequence[str]) -> str:
    """The label's colour, the same in every chart; grey for one the card does not name."""
    return THEME_COLORS[labels.index(label) % len(THEME_COLORS)] if label in labels else _QUIET


def distribution_figure(
    view: Distribution, bins: pl.DataFrame, spread: Mapping[str, float], at: float | None = None
) -> go.Figure:
    """Bars of `bins` (lo, hi, count); lines at the median and the middle nine tenths, or at one value instead."""
    low, high = bins["lo"], bins["hi"]
    shift = view.shift(low, high)
    ends = [number(lo) if shift else f"{number(lo)} to {number(hi)}" for lo, hi in zip(low, high, strict=True)]
    hover = [f"{end}: {count(rows, 'row')}" for end, rows in zip(ends, bins["count"], strict=True)]
    bars = go.Bar(
        x=((low + high) / 2 + shift).to_list(),
        y=bins["count"].to_list(),
        width=(high - low).to_list(),
        marker={"color": THEME_COLORS[0], "line": {"width": 0}},
        customdata=bins.select("lo", "hi").rows(),
        hovertext=hover,
        hovertemplate="%{hovertext}<extra></extra>",
    )
    figure = quiet(go.Figure(bars), with_unit(view.column, view.unit), "rows")
    figure.update_yaxes(**whole_numbers(bins["count"].to_list()))
    if shift:
        figure.update_xaxes(**whole_numbers(range(len(bins))))
    figure.update_layout(bargap=0, margin_t=36)
    if at is not None:
        _mark(figure, at, f"this row {number(at)}", "center")
        return figure
    for key, text, anchor in (("p05", "5 %", "right"), ("p50", "median", "center"), ("p95", "95 %", "left")):
        if key in spread:
            _mark(figure, spread[key], f"{text} {number(spread[key])}", anchor)
    return figure


def distribution_alt(view: Distribution, spread: Mapping[str, float]) -> str:
    if not spread:
        return f"Histogram of {view.column}: nothing was predicted."
    ends = f"{number(spread['p05'])} to {number(spread['p95'])}"
    return f"Histogram of {view.column}: median {number(spread['p50'])} {view.unit}, nine tenths lie in {ends}."


def balance_figure(view: ClassBalance, counts: pl.DataFrame) -> go.Figure:
    """A bar a class, in the card's order, the first on top; of many classes the most frequent."""
    by_label = {str(label): rows for label, rows in counts.iter_rows() if label is not None}
    names = _shown_labels(view.labels, by_label)
    total = sum(by_label.values()) or 1
    bars = go.Bar(
        x=[by_label.get(name, 0) for name in names],
        y=[axis_label(name) for name in names],
        orientation="h",
        marker={"color": [color_of(name, view.labels) for name in names], "line": {"width": 0}},
        text=[f"{by_label.get(name, 0):,} · {by_label.get(name, 0) / total:.0%}" for name in names],
        textposition="auto",
        customdata=names,
        hovertemplate="%{y}: %{x:,} rows<extra></extra>",
    )
    figure = quiet(go.Figure(bars), "rows", "")
    figure.update_xaxes(**whole_numbers(list(by_label.values())))
    figure.update_layout(**bar_sizes(len(names), _HEIGHT))
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category", automargin=True)
    return figure


def balance_alt(view: ClassBalance, counts: pl.DataFrame) -> str:
    known = [(str(label), rows) for label, rows in counts.iter_rows() if label is not None]
    if not known:
        return "Predicted classes: nothing was predicted."
    return f"Predicted classes: most often {known[0][0]}, {count(known[0][1], 'row')}; {len(known)} classes in all."


def confidence_figure(view: Confidence, bins: pl.DataFrame) -> go.Figure:
    """Stacked bars of `bins` (lo, hi, by, count), a colour a class."""
    figure = go.Figure()
    present = set(bins["by"].to_list()) if "by" in bins.columns else set()
    for label in [name for name in view.labels if name in present][:_MOST_BARS]:
        part = bins.filter(pl.col("by") == label)
        bars = go.Bar(
            x=((part["lo"] + part["hi"]) / 2).to_list(),
            y=part["count"].to_list(),
            width=(part["hi"] - part["lo"]).to_list(),
            name=axis_label(label),
            marker={"color": color_of(label, view.labels), "line": {"width": 0}},
            customdata=[(low, high, label) for low, high in part.select("lo", "hi").iter_rows()],
            hovertemplate=f"{axis_label(label)}, confidence about %{{x:.2f}}: %{{y:,}} rows<extra></extra>",
        )
        figure.add_trace(bars)
    quiet(figure, "confidence (0 to 1)", "rows")
    height = bar_sizes(min(len(view.labels), _MOST_BARS), _HEIGHT)["height"]  # as high as the bars of the classes
    figure.update_layout(barmode="stack", bargap=0, **legend(), height=min(height, 520))
    figure.update_yaxes(**whole_numbers(bins["count"].to_list()))
    return figure


def confidence_alt(view: Confidence, spread: Mapping[str, float]) -> str:
    if not spread:
        return "Confidence: nothing was predicted."
    return f"How sure the model was: median {spread['p50']:.2f}, one row in twenty below {spread['p05']:.2f}."


def against_figure(view: Against, points: pl.DataFrame, x: str, y: str) -> go.Figure:
    """Points (row, x, y, maybe color): the prediction over another column."""
    units = dict(view.units)
    groups = _groups(points, view.labels) if view.color else [("", points)]
    figure = go.Figure()
    for label, part in groups:
        color = color_of(label, view.labels) if view.color else THEME_COLORS[0]
        dots = go.Scattergl(
            x=part["x"].to_list(),
            y=part["y"].to_list(),
            mode="markers",
            name=axis_label(label),
            marker={"size": 6, "opacity": 0.65, "color": color},
            customdata=part["row"].to_list(),
            hovertemplate="row %{customdata:,}<br>%{x:.4g}, %{y:.4g}<extra>" + axis_label(label) + "</extra>",
        )
        figure.add_trace(dots)
    quiet(figure, with_unit(x, units.get(x, "")), with_unit(y, units.get(y, "")))
    figure.update_layout(height=380, **(legend() if view.color else {}))
    return figure


def spreads_figure(view: Against, spreads: pl.DataFrame, x: str, y: str) -> go.Figure:
    """The middle half and nine tenths of `spreads` (by, p05, p25, p50, p75, p95, count) for each text of a column."""
    units, names = dict(view.units), [str(name) for name in spreads["by"]]
    places = [axis_label(name) for name in names]
    figure = go.Figure()
    for low, high, width in (("p05", "p95", 2), ("p25", "p75", 10)):
        x_, y_ = [], []
        for place, start, end in zip(places, spreads[low], spreads[high], strict=True):
            x_ += [place, place, None]
            y_ += [start, end, None]
        line = {"color": THEME_COLORS[0], "width": width}
        figure.add_trace(go.Scatter(x=x_, y=y_, mode="lines", line=line, opacity=0.45, hoverinfo="skip"))
    hover = [
        f"{name}: median {number(middle)}, {count(rows, 'row')}"
        for name, middle, rows in zip(places, spreads["p50"], spreads["count"], strict=True)
    ]
    dots = go.Scatter(
        x=places,
        y=spreads["p50"].to_list(),
        mode="markers",
        marker={"size": 14, "color": THEME_COLORS[0], "line": {"width": 2, "color": "white"}},
        customdata=names,
        hovertext=hover,
        hovertemplate="%{hovertext}<extra></extra>",
    )
    figure.add_trace(dots)
    quiet(figure, with_unit(x, units.get(x, "")), with_unit(y, units.get(y, "")))
    figure.update_xaxes(type="category")
    return figure.update_layout(height=380)


def threshold_figure(view: Threshold, bins: pl.DataFrame, at: float) -> go.Figure:
    """Bars of `bins` (lo, hi, count) of one class's share, in the colour of the class that each side gets."""
    colors = [color_of(view.positive if low >= at - 1e-9 else view.negative, view.labels) for low in bins["lo"]]
    bars = go.Bar(
        x=((bins["lo"] + bins["hi"]) / 2).to_list(),
        y=bins["count"].to_list(),
        width=(bins["hi"] - bins["lo"]).to_list(),
        marker={"color": colors, "line": {"width": 0}},
        customdata=bins.select("lo", "hi").rows(),
        hovertemplate="about %{x:.2f}: %{y:,} rows<extra></extra>",
    )
    figure = quiet(go.Figure(bars), f"share of {view.positive} (0 to 1)", "rows")
    figure.update_yaxes(**whole_numbers(bins["count"].to_list()))
    figure.update_layout(bargap=0, margin_t=36, height=240, xaxis_range=[0, 1])
    _mark(figure, at, f"threshold {at:.2f}", "center")
    return figure


def probability_figure(shares: Mapping[str, float], labels: Sequence[str], title: str = "probability") -> go.Figure:
    """The probabilities or other shares of one row, a bar a class, the largest on top.

    At most ten; beyond the third only those that are more than 0.0 %.
    """
    most = sorted(shares, key=lambda label: shares[label], reverse=True)[:10]
    most = [label for place, label in enumerate(most) if place < _ALWAYS or shares[label] >= 0.0005]
    bars = go.Bar(
        x=[shares[label] for label in most],
        y=[axis_label(label) for label in most],
        orientation="h",
        marker={"color": [color_of(label, labels) for label in most], "line": {"width": 0}},
        text=[f"{shares[label]:.1%}" for label in most],
        textposition="auto",
        hovertemplate="%{y}: %{x:.3f}<extra></extra>",
    )
    figure = quiet(go.Figure(bars), title, "")
    figure.update_layout(**bar_sizes(len(most), 0))
    figure.update_xaxes(range=[0, 1])
    return figure.update_yaxes(autorange="reversed", showgrid=False, type="category", automargin=True)


def _groups(points: pl.DataFrame, labels: Sequence[str]) -> list[tuple[str, pl.DataFrame]]:
    found = {str(key[0]): part for key, part in points.group_by(["color"], maintain_order=True)}
    return [(label, found[label]) for label in labels if label in found]


def _shown_labels(labels: Sequence[str], rows: Mapping[str, int]) -> list[str]:
    if len(labels) <= _MOST_BARS:
        return list(labels)
    return sorted((label for label in labels if label in rows), key=lambda label: rows[label], reverse=True)[
        :_MOST_BARS
    ]


def whole_numbers(counts: Sequence[int]) -> dict[str, object]:
    """Marks of an axis that counts rows: never half a row."""
    return {"dtick": 1} if max(counts, default=0) <= 4 else {"tickformat": ",d"}


def bar_sizes(bars: int, least: int) -> dict[str, float]:
    """Height of a chart of lying bars, and the gap between them, so that no bar is thicker than others elsewhere."""
    height = max(least, 80 + 30 * bars)
    return {"height": height, "bargap": max(0.25, 1 - 44 * bars / (height - 60))}


def axis_label(text: str) -> str:
    """The text where plotly would read HTML: its signs shown, not obeyed."""
    shown = text if len(text) <= 60 else text[:59] + "…"
    return shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("$", "&#36;")


def _mark(figure: go.Figure, x: float, text: str, anchor: str) -> None:
    line = {"color": _QUIET, "width": 2 if anchor == "center" else 1, "dash": "solid" if anchor == "center" else "dot"}
    figure.add_shape(type="line", x0=x, x1=x, y0=0, y1=1, yref="paper", line=line)
    raised = 14 if anchor == "center" else 0  # over the others, which may be near on a phone
    place = {"x": x, "y": 1, "yref": "paper", "yanchor": "bottom", "yshift": raised, "xanchor": anchor}
    figure.add_annotation(**place, text=text, showarrow=False, font_size=12)


def legend() -> dict[str, object]:
    return {
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "normal"},
        "margin_t": 40,
    }


def quiet(figure: go.Figure, x: str, y: str | None) -> go.Figure:
    figure.update_layout(height=_HEIGHT, margin={"l": 0, "r": 8, "t": 12, "b": 0}, showlegend=False, dragmode=False)
    figure.update_xaxes(title=axis_label(x), showgrid=False, zeroline=False, automargin=True)
    if y is not None:
        figure.update_yaxes(title=axis_label(y), zeroline=False, automargin=True)
    return figure


def versions_figure(points: Sequence[tuple[str, float]], name: str, default: str) -> go.Figure:
    """One figure of merit over the versions of a model, in their order; the default's point is full."""
    names, values = [axis_label(version) for version, _ in points], [value for _, value in points]
    full = [THEME_COLORS[0] if version == default else "rgba(0,0,0,0)" for version, _ in points]
    line = go.Scatter(
        x=names,
        y=values,
        mode="lines+markers",
        line={"color": THEME_COLORS[0], "width": 1.5},
        marker={"size": 11, "color": full, "line": {"width": 2, "color": THEME_COLORS[0]}},
        hovertemplate="version %{x}: %{y:.4g}<extra></extra>",
    )
    figure = quiet(go.Figure(line), "version, the default full", name)
    figure.update_xaxes(type="category")
    return figure.update_layout(height=260)
