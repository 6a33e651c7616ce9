"""Figures from small frames: what is drawn, in which colours, with which titles."""

from __future__ import annotations

import tomllib
from pathlib import Path

import polars as pl

from dashboard.charts import charts
from dashboard.charts import series as series_charts
from dashboard.charts.left_out import picture_html, text_html
from dashboard.components.chart import chosen_bins
from engine import Filter, ModelCard, Passage, Patch
from engine.kinds.palette import COLORS
from engine.views import Against, ClassBalance, Confidence, Distribution, SeriesLines

LABELS = ("cat", "dog", "bird")
BINS = pl.DataFrame({"lo": [0.0, 1.0], "hi": [1.0, 2.0], "count": [3, 1]})


def test_distribution_marks_the_median_and_the_middle_nine_tenths() -> None:
    view = Distribution("price", "Price", "EUR")
    figure = charts.distribution_figure(view, BINS, {"p05": 0.1, "p50": 0.5, "p95": 1.9})

    assert list(figure.data[0].x) == [0.5, 1.5]
    assert list(figure.data[0].y) == [3, 1]
    assert figure.layout.xaxis.title.text == "price (EUR)"
    assert figure.layout.yaxis.title.text == "rows"
    assert [note.text for note in figure.layout.annotations] == ["5 % 0.1", "median 0.5", "95 % 1.9"]


def test_a_bar_of_counted_things_lies_around_its_number() -> None:
    view = Distribution("objects", "Objects", whole=True)
    figure = charts.distribution_figure(view, BINS, {})

    assert list(figure.data[0].x) == [0.0, 1.0]
    assert list(figure.data[0].hovertext) == ["0: 3 rows", "1: 1 row"]
    brushed = chosen_bins("objects", BINS, view.shift(BINS["lo"], BINS["hi"]))([], [{"x": [0.6, 1.4]}])
    assert brushed == [Filter("objects", "bin", (1.0, 2.0))]
    wide = BINS.with_columns(hi=pl.col("lo") + 2)
    assert list(charts.distribution_figure(view, wide, {}).data[0].x) == [1.0, 2.0]


def test_distribution_marks_one_row_instead() -> None:
    figure = charts.distribution_figure(Distribution("price", "Price"), BINS, {"p50": 0.5}, at=1.25)

    assert [note.text for note in figure.layout.annotations] == ["this row 1.25"]


def test_nothing_predicted_is_drawn_and_told() -> None:
    view = Distribution("price", "Price")

    assert len(charts.distribution_figure(view, BINS.clear(), {}).data[0].x) == 0
    assert charts.distribution_alt(view, {}) == "Histogram of price: nothing was predicted."
    assert "nothing was predicted" in charts.balance_alt(ClassBalance("prediction", LABELS), pl.DataFrame())


def test_pages_and_reports_have_the_same_colours() -> None:
    theme = tomllib.loads(Path(".streamlit/config.toml").read_text(encoding="utf-8"))["theme"]
    assert theme["chartCategoricalColors"] == list(COLORS)


def test_a_class_has_one_colour_everywhere() -> None:
    counts = pl.DataFrame({"value": ["dog", "cat"], "count": [3, 1]})
    bins = pl.DataFrame({"lo": [0.5, 0.5], "hi": [0.6, 0.6], "by": ["dog", "cat"], "count": [3, 1]})
    points = pl.DataFrame({"row": [1, 2], "x": [0.0, 1.0], "y": [1.0, 2.0], "color": ["dog", "cat"]})

    balance = charts.balance_figure(ClassBalance("prediction", LABELS), counts)
    confidence = charts.confidence_figure(Confidence("confidence", "prediction", LABELS), bins)
    against = charts.against_figure(Against(("y",), ("x",), (), "prediction", LABELS), points, "x", "y")

    dog = charts.color_of("dog", LABELS)
    assert balance.data[0].marker.color[1] == dog
    assert {trace.name: trace.marker.color for trace in confidence.data}["dog"] == dog
    assert {trace.name: trace.marker.color for trace in against.data}["dog"] == dog
    assert dog != charts.color_of("cat", LABELS)


def test_balance_keeps_the_order_of_the_card_and_shows_empty_classes() -> None:
    figure = charts.balance_figure(ClassBalance("prediction", LABELS), pl.DataFrame({"value": ["dog"], "count": [4]}))

    assert list(figure.data[0].y) == list(LABELS)
    assert list(figure.data[0].x) == [0, 4, 0]
    assert figure.data[0].text[1] == "4 · 100%"


def test_of_many_classes_the_most_frequent_are_shown() -> None:
    labels = tuple(f"class {number}" for number in range(1000))
    counts = pl.DataFrame({"value": labels, "count": range(1000)})
    figure = charts.balance_figure(ClassBalance("prediction", labels), counts)

    assert len(figure.data[0].y) == 30
    assert figure.data[0].y[0] == "class 999"


def test_against_names_units_and_rows() -> None:
    view = Against(("y",), ("x",), (("x", "kg"), ("y", "EUR")))
    points = pl.DataFrame({"row": [7], "x": [0.0], "y": [1.0]})
    figure = charts.against_figure(view, points, "x", "y")

    assert figure.layout.xaxis.title.text == "x (kg)"
    assert figure.layout.yaxis.title.text == "y (EUR)"
    assert list(figure.data[0].customdata) == [7]


def test_series_share_one_axis_of_steps_and_a_panel_for_each_unit() -> None:
    view = SeriesLines("series", "step", ("wind", "heat"), ("power",))
    lines = pl.DataFrame({"series": ["a"] * 2, "step": [1, 2], "wind": [1, 2], "heat": [3, 4], "power": [5, 6]})
    figure = series_charts.series_figure(view, lines, {"wind": "m/s", "heat": "°C", "power": "kW"})

    assert [trace.name for trace in figure.data] == ["power (prediction)", "wind", "heat"]
    titles = [figure.layout[axis].title.text for axis in ("yaxis", "yaxis2", "yaxis3")]
    assert titles == ["power (kW)", "wind (m/s)", "heat (°C)"]
    assert figure.layout.xaxis3.title.text == "step"


def test_names_are_shown_not_obeyed() -> None:
    figure = charts.distribution_figure(Distribution("<img src=x> $a$", ""), BINS, {})

    assert figure.layout.xaxis.title.text == "&lt;img src=x&gt; &#36;a&#36;"


def test_probabilities_show_the_likeliest_first() -> None:
    figure = charts.probability_figure({"cat": 0.2, "dog": 0.7, "bird": 0.1}, LABELS)

    assert list(figure.data[0].y) == ["dog", "cat", "bird"]
    assert figure.data[0].text[0] == "70.0%"
    sure = charts.probability_figure({"cat": 0.0, "dog": 0.9998, "bird": 0.0, "cow": 0.0004}, LABELS)
    assert list(sure.data[0].y) == ["dog", "cow", "cat"]


def test_words_keep_their_signs_and_carry_their_change() -> None:
    text = "not <b>good</b> & dull"
    found = [(Passage("text", 0, 3), -0.4), (Passage("text", 4, 15), 0.2), (Passage("text", 18, 22), 0.001)]
    html = text_html(found, text, "probability of <good>")
    assert "&lt;b&gt;good&lt;/b&gt;</span> &amp; " in html
    assert "probability of &lt;good&gt;: not -0.4;" in html
    assert 'title="-0.4" style="border-radius:4px;padding:0 .15em;background:color-mix(in srgb, #e07b39 70%' in html
    assert html.count("transparent)") == 2, "what moves next to nothing has no colour"


def test_patches_lie_where_the_model_saw_them() -> None:
    card = ModelCard(title="t", task="t", module="m:M", image={"size": (20, 40), "fit": "stretch"})
    html = picture_html([(Patch(0.5, 0, 1, 0.25), 0.3)], "/image/run/1", card, "size")
    assert "aspect-ratio:40/20" in html
    assert "object-fit:fill" in html
    assert "left:50.000%;top:0.000%;width:50.000%;height:25.000%" in html
    assert "What moves size: most in the upper right, +0.3" in html
