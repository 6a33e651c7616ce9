"""Charts of what was found in pictures: the area that each class covers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from dashboard import charts, picture_charts
from dashboard.components.chart import Answer, Marks, chosen_bins, draw, show_title
from engine import Filter, Results
from engine.views import ClassAreas, Distribution

_NOTABLE = 0.01


def show_areas(view: ClassAreas, results: Results, where: tuple[Filter, ...], name: str) -> None:
    """The mean area of each class, and under it how often one class covers how much."""
    means = results.means(view.shares, where)
    areas = {label: means[share] for label, share in zip(view.labels, view.shares, strict=True) if share in means}
    numbers = pl.DataFrame({"class": list(areas), "mean share": list(areas.values())})
    show_title(view.title, name, numbers)
    draw(picture_charts.areas_figure(areas, view.labels), _areas_alt(areas), name, _chosen_class(view))
    st.caption("The mean share of a picture. Click a bar for the pictures of which a class covers 1 % or more.")
    _show_spread(view, results, where, name)


def _show_spread(view: ClassAreas, results: Results, where: tuple[Filter, ...], name: str) -> None:
    label = str(st.selectbox("Pictures by the area of", view.labels, key="area-of", width=320))
    share = view.shares[view.labels.index(label)]
    bins, spread = results.histogram(share, where=where), results.quantiles(share, where)
    spread_view = Distribution(share, f"Area of {label}")
    figure = charts.distribution_figure(spread_view, bins, spread)
    figure.update_traces(marker_color=charts.color_of(label, view.labels)).update_xaxes(tickformat=".0%")
    alt = charts.distribution_alt(spread_view, spread)
    draw(figure, alt, f"{name}|{label}", chosen_bins(share, bins), "range")


def _chosen_class(view: ClassAreas) -> Answer:
    shares: Mapping[str, str] = dict(zip(view.labels, view.shares, strict=True))

    def answer(points: Marks, _: Marks) -> list[Filter]:
        labels = [_label(point) for point in points]
        return [Filter(shares[label], "between", (_NOTABLE, None)) for label in labels if label in shares]

    return answer


def _label(point: Mapping[str, Any]) -> Any:
    data = point.get("customdata")
    return data[0] if isinstance(data, list) else data


def _areas_alt(areas: Mapping[str, float]) -> str:
    most = sorted(areas, key=lambda label: -areas[label])[:6]
    return f"Area by class, the mean share of a picture: {', '.join(f'{label} {areas[label]:.1%}' for label in most)}."
