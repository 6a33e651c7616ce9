"""Charts of what was found in pictures: the area that each class covers, the objects of each class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl
import streamlit as st

from dashboard.charts import charts
from dashboard.charts import pictures as picture_charts
from dashboard.components.chart import Answer, Marks, chosen_bins, draw, marked, show_title
from engine import Filter, Results, box_counts, box_scores
from engine.views import ClassAreas, Distribution, FoundObjects

_NOTABLE = 0.01


def show_areas(view: ClassAreas, results: Results, where: tuple[Filter, ...], name: str) -> None:
    """The mean area of each class, and under it how often one class covers how much."""
    means = results.means(view.shares, where)
    areas = {label: means[share] for label, share in zip(view.labels, view.shares, strict=True) if share in means}
    numbers = pl.DataFrame({"class": list(areas), "mean share": list(areas.values())})
    show_title(view.title, name, numbers)
    draw(
        picture_charts.areas_figure(areas, view.labels),
        _areas_alt(areas),
        name,
        _chosen(view.labels, view.shares, _NOTABLE),
    )
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


def show_objects(view: FoundObjects, results: Results, where: tuple[Filter, ...], name: str) -> None:
    """How many objects of each class there are, and under it how sure the model was of its boxes."""
    counts, labels = box_counts(results, view.labels, view.counts, where), results.card.labels
    show_title(view.title, name, pl.DataFrame({"class": list(counts), "objects": list(counts.values())}))
    figure = picture_charts.objects_figure(counts, labels)
    draw(figure, _objects_alt(counts), name, _chosen(view.labels, view.counts, 1))
    st.caption("Click a bar for the pictures in which one was found.")
    bins = box_scores(results, view.column, where)
    sure = bins.filter(pl.col("lo") >= view.threshold)["boxes"].sum()
    show_title("Scores of the boxes", f"{name}|scores", bins)
    alt = f"Boxes by their score, from 0 to 1: {bins['boxes'].sum():,} in all, {sure:,} above {view.threshold:g}."
    draw(picture_charts.scores_figure(bins, labels, view.threshold), alt, f"{name}|scores")
    st.caption(
        f"The score of every box that was kept; those from {view.threshold:g} on count, as the model's card says."
    )


def _objects_alt(counts: Mapping[str, int]) -> str:
    most = sorted(counts, key=lambda label: -counts[label])[:6]
    return f"Objects found of each class: {', '.join(f'{label} {counts[label]:,}' for label in most)}."


def _chosen(labels: Sequence[str], names: Sequence[str], least: float) -> Answer:
    """A click on a class's bar: the pictures with at least that much in its column."""
    columns: Mapping[str, str] = dict(zip(labels, names, strict=True))

    def answer(points: Marks, _: Marks) -> list[Filter]:
        return [Filter(columns[label], "between", (least, None)) for label in marked(points) if label in columns]

    return answer


def _areas_alt(areas: Mapping[str, float]) -> str:
    most = sorted(areas, key=lambda label: -areas[label])[:6]
    return f"Area by class, the mean share of a picture: {', '.join(f'{label} {areas[label]:.1%}' for label in most)}."
