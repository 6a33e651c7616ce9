"""The charts of a result. What to draw is found by the view's type; no task is named here."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import selection
from dashboard.charts import charts
from dashboard.components import embeddings, forecast, label_views, pictures, review, series, texts
from dashboard.components.chart import (
    Answer,
    Marks,
    choose_picture_format,
    chosen_bins,
    chosen_values,
    draw,
    show_title,
)
from dashboard.components.gallery import show_gallery
from dashboard.words import count, extent, number, plain
from engine import Filter, Results
from engine.views import (
    Against,
    ClassAreas,
    ClassBalance,
    Confidence,
    Distribution,
    EmbeddingMap,
    Extremes,
    ForecastLines,
    FoundObjects,
    Gallery,
    LabelCounts,
    LabelReview,
    LabelsTogether,
    LabelThreshold,
    Review,
    SeriesGrid,
    SeriesLines,
    Texts,
    Threshold,
    View,
)

_MOST_POINTS = 4_000
_MOST_GROUPS = 30
_FEW_ROWS = 24  # a page of the gallery


def show_views(results: Results, where: tuple[Filter, ...]) -> None:
    """All charts of the lines chosen, wide ones over the whole width, the others side by side."""
    views = _in_order(results)
    if not views:
        st.info("There is nothing to draw for this model. See the table.")
        return
    if where and not results.count(where):
        st.info("No row is left by these filters. Take one away above.", icon=":material/filter_list_off:")
        return
    st.caption("Click a bar, or drag over a histogram or over points: everything then shows just those rows.")
    grid = st.grid(2, min_column_width=400)
    for place, view in enumerate(views):
        wide = isinstance(view, _WIDE) or _stands_alone(views, place)
        cell = grid.cell(column_span="all") if wide else grid
        with cell.container(border=True, height="stretch"):
            show(view, results, where, place)
    choose_picture_format()


def _in_order(results: Results) -> Sequence[View]:
    """The run's views; few pictures or texts come first, as they are looked at one by one.

    Texts begin with those that the model was least sure of: no list of the same rows stands beside them.
    """
    views = list(results.views)
    if any(isinstance(view, Texts) for view in views):
        views = [view for view in views if not isinstance(view, Review)]
    if results.n_rows > _FEW_ROWS:
        return views
    return sorted(views, key=lambda view: not isinstance(view, Gallery | Texts))


def show(view: View, results: Results, where: tuple[Filter, ...], place: int) -> None:
    """Draws one view of the lines chosen, with its controls; `place` tells apart several of one type."""
    name = selection.key(f"{type(view).__name__.lower()}-{place}", *where)
    match view:
        case Distribution():
            _distribution(view, results, where, name)
        case ClassBalance():
            _balance(view, results, where, name)
        case Confidence():
            _confidence(view, results, where, name)
        case Against():
            _against(view, results, where, name)
        case Threshold():
            review.show_threshold(view, results, where, name)
        case Review():
            review.show_review(view, results, where, name)
        case Extremes():
            review.show_extremes(view, results, where, name)
        case SeriesLines():
            series.show_series(view, results, where, name)
        case SeriesGrid():
            series.show_grid(view, results, where, name)
        case LabelCounts():
            label_views.show_label_counts(view, results, where, name)
        case LabelThreshold():
            label_views.show_label_threshold(view, results, where, name)
        case LabelsTogether():
            label_views.show_labels_together(view, results, where, name)
        case LabelReview():
            label_views.show_label_review(view, results, where, name)
        case EmbeddingMap():
            embeddings.show_map(view, results, where, name)
        case Texts():
            texts.show_texts(view, results, where, name)
        case ForecastLines():
            forecast.show_forecast(view, results, where, name)
        case ClassAreas():
            pictures.show_areas(view, results, where, name)
        case FoundObjects():
            pictures.show_objects(view, results, where, name)
        case Gallery():
            show_gallery(view, results, where)


def _distribution(view: Distribution, results: Results, where: tuple[Filter, ...], name: str) -> None:
    bins, spread = results.histogram(view.column, where=where), results.quantiles(view.column, where)
    show_title(view.title, name, bins)
    figure = charts.distribution_figure(view, bins, spread)
    answer = chosen_bins(view.column, bins, view.shift(bins["lo"], bins["hi"]))
    draw(figure, charts.distribution_alt(view, spread), name, answer, "range")
    if spread:
        marks = (("lowest", "min"), ("25 %", "p25"), ("mean", "mean"), ("75 %", "p75"), ("highest", "max"))
        st.caption(plain(" · ".join(f"{word} {number(spread[mark])}" for word, mark in marks)))


def _balance(view: ClassBalance, results: Results, where: tuple[Filter, ...], name: str) -> None:
    counts = results.value_counts(view.column, where=where)
    show_title(view.title, name, counts)
    draw(charts.balance_figure(view, counts), charts.balance_alt(view, counts), name, chosen_values(view.column))


def _confidence(view: Confidence, results: Results, where: tuple[Filter, ...], name: str) -> None:
    bins = results.histogram(view.column, by=view.by, where=where)
    show_title(view.title, name, bins)
    alt = charts.confidence_alt(view, results.quantiles(view.column, where))
    draw(charts.confidence_figure(view, bins), alt, name, chosen_bins(view.column, bins), "range")


def _against(view: Against, results: Results, where: tuple[Filter, ...], name: str) -> None:
    slot = st.container()
    with st.container(horizontal=True):
        y = choose("Show", view.y, "against-y")
        x = choose("Against", _inputs_first(view.x, results), "against-x")
    name = f"{name}|{x}|{y}"
    groups = {column.name for column in results.columns if not column.is_number}
    if x in groups:
        spreads = results.spreads(y, x, where, _MOST_GROUPS)
        with slot:
            show_title(view.title, name, spreads)
        middles = spreads.select("by", "p50").head(6).iter_rows()
        medians = ", ".join(f"{group} {number(middle)}" for group, middle in middles)
        alt = f"{y} by {x}, {count(len(spreads), 'group')}; medians: {medians}."
        draw(charts.spreads_figure(view, spreads, x, y), alt, name, chosen_values(x))
        return
    points = results.scatter(x, y, view.color or None, _MOST_POINTS, where)
    with slot:
        show_title(view.title, name, points)
    alt = f"{y} against {x}, {count(len(points), 'point')}: {extent(x, points['x'])}, {extent(y, points['y'])}."
    draw(charts.against_figure(view, points, x, y), alt, name, _region(x, y), "region")
    if len(points) < results.count(where):
        st.caption(f"{count(len(points), 'row')}, evenly spaced over the file. A region chooses from all of them.")


def _inputs_first(names: Sequence[str], results: Results) -> Sequence[str]:
    """What the model was fed before what was only kept, such as numbers that name a row."""
    fed = {column.name for column in results.columns if column.role == "input"}
    return sorted(names, key=lambda name: name not in fed)


def _region(x: str, y: str) -> Answer:
    """A box is a range of both columns."""

    def answer(_: Marks, boxes: Marks) -> Sequence[Filter]:
        if boxes:
            ends = [sorted(float(f"{end:.4g}") for end in boxes[-1][axis]) for axis in ("x", "y")]
            return [Filter(name, "between", tuple(pair)) for name, pair in zip((x, y), ends, strict=True)]
        return []

    return answer


_WIDE = (Against, EmbeddingMap, Extremes, ForecastLines, Gallery, SeriesLines, SeriesGrid, Texts)


def _stands_alone(views: Sequence[View], place: int) -> bool:
    """Whether a narrow view would have nothing beside it."""
    start = place
    while start > 0 and not isinstance(views[start - 1], _WIDE):
        start -= 1
    last = place + 1 == len(views) or isinstance(views[place + 1], _WIDE)
    return last and (place - start) % 2 == 0


def choose(label: str, options: Sequence[str], key: str) -> str:
    """What the visitor chose; nothing is asked where there is one option."""
    return str(st.selectbox(label, options, key=key, width=320)) if len(options) > 1 else options[0]
