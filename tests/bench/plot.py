"""Log-log charts side by side as one SVG, legible in light and in dark; drawn by Plotly in the tests' browser."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from playwright.sync_api import sync_playwright
from plotly.offline import get_plotlyjs
from plotly.subplots import make_subplots

from tests.browser.install import installed

COLOURS = ("#2f81b7", "#d9822b")  # enough contrast on white and on black
_TEXT = "text{fill:#1f2328 !important}@media(prefers-color-scheme:dark){text{fill:#e6edf3 !important}}"
_GRID = "rgba(128,128,128,0.3)"
_SIZE = {"width": 960, "height": 380}


@dataclass(frozen=True)
class Line:
    """One line of a chart."""

    name: str
    x: Sequence[float]
    y: Sequence[float]


def plot(charts: Sequence[tuple[str, Sequence[Line]]]) -> str:
    """The SVG of charts given as (the y axis' title, lines)."""
    figure = make_subplots(cols=len(charts), horizontal_spacing=0.12)
    for place, (title, lines) in enumerate(charts, start=1):
        for line, colour in zip(lines, COLOURS, strict=True):
            trace = go.Scatter(
                x=list(line.x),
                y=list(line.y),
                name=line.name,
                line={"color": colour},
                legendgroup=line.name,
                showlegend=place == 1,
            )
            figure.add_trace(trace, row=1, col=place)
        axes = {"type": "log", "gridcolor": _GRID, "exponentformat": "none", "dtick": 1}
        figure.update_xaxes(title_text="rows, pictures", separatethousands=True, **axes, row=1, col=place)
        figure.update_yaxes(title_text=title, separatethousands=True, rangemode="tozero", **axes, row=1, col=place)
    legend = {"orientation": "h", "y": 1.12, "x": 0}
    clear = {"paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)"}
    figure.update_layout(**clear, **_SIZE, legend=legend, margin={"l": 70, "r": 20, "t": 40, "b": 60})
    return svg(figure)


def svg(figure: go.Figure) -> str:
    """The figure as an SVG whose text follows the reader's colour scheme."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed(), args=["--no-sandbox"])
        page = browser.new_page()
        page.set_content("<div id=chart></div>")
        page.add_script_tag(content=get_plotlyjs())
        ask = "([chart, size]) => Plotly.toImage(chart, {format: 'svg', ...size})"
        address: str = page.evaluate(ask, [json.loads(figure.to_json()), _SIZE])
        browser.close()
    text = urllib.parse.unquote(address.partition(",")[2])
    return text.replace(">", f"><style>{_TEXT}</style>", 1)
