"""Embeddings: a map of all rows, the rows most alike to one, and whether near rows have the same label."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from dashboard.access.callers import keyed
from dashboard.charts import embeddings as embedding_charts
from dashboard.components.chart import Marks, draw, show_title
from dashboard.components.fragments import fragment_of_run
from dashboard.components.judging import Known, Where, known, show_cards, show_nothing_to_judge, show_used
from dashboard.routes.fetching import picture_path
from dashboard.words import count, plain
from engine import Alike, EmbeddingEvaluation, EmbeddingFigures, Filter, Projection, Results, alike, projection
from engine.views import EmbeddingMap, Gallery

_NO_COLOR = "one colour"
_MOST_CHOSEN = 500
_KEPT = 64


@st.cache_resource(max_entries=_KEPT, show_spinner="Drawing the map")
def _projection(_results: Results, of: Known, where: Where) -> Projection | None:
    return projection(_results, where)


@st.cache_resource(max_entries=_KEPT, show_spinner="Looking for rows that are alike")
def _alike(_results: Results, of: Known, row: int) -> Alike | None:
    return alike(_results, row)


@st.cache_resource(max_entries=_KEPT, show_spinner="Comparing with the labels")
def embedding_figures(_evaluation: EmbeddingEvaluation, of: Known, where: Where) -> EmbeddingFigures | None:
    """The figures of the selection."""
    return _evaluation.figures(where)


@fragment_of_run
def show_map(view: EmbeddingMap, results: Results, where: tuple[Filter, ...], name: str) -> None:
    """All rows as points, near ones alike; a box chooses rows."""
    found = _projection(results, known(results), where)
    if found is None:
        show_title(view.title, name)
        st.info("There are not two rows to draw a map of.")
        return
    slot, by = st.container(), _color(results)
    groups = results.scan(where).select("row", group=by).collect() if by != _NO_COLOR else None
    with slot:
        show_title(view.title, name, found.points)
    figure = embedding_charts.map_figure(found, groups, view.labels)
    draw(figure, embedding_charts.map_alt(found), f"{name}|{by}", _chosen, "region")
    sampled = (
        f" {count(len(found.points), 'row')} of {found.rows:,}, evenly spaced."
        if len(found.points) < found.rows
        else ""
    )
    st.caption(f"Near points are rows that the model finds alike; two of all directions are shown.{sampled}")


def _color(results: Results) -> str:
    """By what the points are coloured: the label first, then any column of few texts."""
    few = [each for each in results.columns if each.role in ("label", "extra", "input") and each.few]
    names = [each.name for each in sorted(few, key=lambda each: each.role != "label")]
    return str(st.selectbox("Coloured by", [*names, _NO_COLOR], key="map-color", width=320)) if names else _NO_COLOR


def _chosen(points: Marks, _: Marks) -> list[Filter]:
    rows = [int(point["customdata"]) for point in points if isinstance(point.get("customdata"), int)]
    return [Filter("row", "in", tuple(rows[:_MOST_CHOSEN]))] if rows else []


def show_alike(results: Results, row: int, go: Callable[[int], Any]) -> None:
    """The rows most alike to one, with their pictures where rows are pictures; a click goes there."""
    found = _alike(results, known(results), row)
    if found is None:
        return
    st.subheader("Most alike", anchor=False)
    st.caption(f"Of {count(found.rows, 'other row')}, by the angle between embeddings: 1 is the same direction.")
    pictures = any(isinstance(view, Gallery) for view in results.views)
    with st.grid(6, min_column_width=110):
        for other, similarity in found.found.iter_rows():
            with st.container(border=True):
                if pictures:
                    source = keyed(picture_path(results.run.id, other, small=True))
                    st.html(
                        f'<img src="{source}" alt="The picture of row {other}" style="width:100%;border-radius:6px">'
                    )
                label = f"Row {other:,} :small[:gray[{plain(f'{similarity:.3f}')}]]"
                st.button(label, key=f"alike-{other}", on_click=go, args=(other,), type="tertiary")


def show_embeddings(evaluation: EmbeddingEvaluation, where: Where) -> None:
    """Whether near rows have the same label."""
    figures = embedding_figures(evaluation, known(evaluation.results), where)
    if figures is None:
        show_nothing_to_judge(evaluation.used(where), evaluation.label, numbers=False)
        return
    show_used(figures.used, evaluation.label, numbers=False)
    reading = "The share of rows whose nearest other row has their label."
    cards = [
        ("Nearest has the label", f"{figures.nearest:.1%}", reading),
        ("Five nearest", f"{figures.five:.1%}", "The share of the five nearest other rows that have a row's label."),
        ("By chance", f"{figures.chance:.1%}", "The same for rows picked at random: what the model has to beat."),
    ]
    show_cards(cards, figures.judged)
    with st.container(border=True):
        show_title("Label by label", "labels", figures.per_label)
        worst = figures.per_label.sort("nearest").row(0)
        share = st.column_config.ProgressColumn("Nearest has it too", min_value=0.0, max_value=1.0, format="%.3f")
        alt = f"Share of rows whose nearest has their label, by label; least {worst[0]}, {worst[2]:.1%}"
        st.dataframe(figures.per_label, hide_index=True, column_config={"nearest": share}, alt=alt)


def is_embedded(results: Results) -> bool:
    """Whether rows have embeddings to be alike by."""
    return any(isinstance(view, EmbeddingMap) for view in results.views)
