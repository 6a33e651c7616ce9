"""Figures about right and wrong: each point where its numbers say, and told to those who do not see it."""

from __future__ import annotations

import polars as pl
import pytest

from dashboard.charts import evaluation as charts
from engine import Curve, Point

CELLS = {("a", "a"): 6, ("a", "<b>"): 2, ("<b>", "<b>"): 1}
LABELS = ("a", "<b>")
CURVE = Curve(
    "a",
    pl.DataFrame(
        {"threshold": [1.0, 0.7, 0.2], "fpr": [0.0, 0.25, 1.0], "recall": [0.0, 0.5, 1.0], "precision": [1.0, 0.5, 0.3]}
    ),
    2, 4, 0.75, 0.6, True,
)  # fmt: skip


@pytest.mark.parametrize(
    ("share", "most", "texts"), [(False, 6, ["6", "2", "·", "1"]), (True, 1.0, ["75%", "25%", "·", "100%"])]
)
def test_a_cell_says_its_number_and_which_it_is(share: bool, most: float, texts: list[str]) -> None:
    figure = charts.matrix_figure(LABELS, LABELS, CELLS, ("label", "predicted"), share)
    heat, light, dark = figure.data
    assert heat.zmax == most
    assert (light.textfont.color, dark.textfont.color) == (None, "white")
    cells = {
        tuple(pair): (text, hover)
        for group in (light, dark)
        for pair, text, hover in zip(group.customdata, group.text, group.hovertext, strict=True)
    }
    places = [("a", "a"), ("a", "<b>"), ("<b>", "a"), ("<b>", "<b>")]
    assert [cells[place][0] for place in places] == texts
    assert cells["a", "<b>"][1] == "a → &lt;b&gt;<br>2 rows, 25.0%"
    assert list(figure.layout.yaxis.ticktext) == ["a", "&lt;b&gt;"]
    assert charts.matrix_alt("Labels against predictions", CELLS) == (
        "Labels against predictions: 7 of 9 rows on the diagonal. Fullest beside it: a, <b>, 2 rows."
    )


def test_many_classes_are_coloured_without_numbers() -> None:
    labels = [f"c{number}" for number in range(30)]
    figure = charts.matrix_figure(labels, labels, {}, ("label", "predicted"), share=False)
    assert figure.data[1].text is None
    assert len(figure.data[1].x) == 900


def test_the_point_stands_where_the_threshold_is() -> None:
    point = CURVE.at(0.5)
    assert point == Point(0.5, 0.5, 0.25, 0.5, 1, 1, 1, 3)
    roc, precision = charts.roc_figure(CURVE, point), charts.precision_figure(CURVE, point)
    assert (roc.data[-1].x, roc.data[-1].y) == ((0.25,), (0.5,))
    assert (precision.data[-1].x, precision.data[-1].y) == ((0.5,), (0.5,))
    assert "area 0.750. At threshold 0.50 50.0% are found" in charts.roc_alt(CURVE, point)


@pytest.mark.parametrize(("threshold", "found"), [(1.0, 0), (0.7, 1), (0.2, 2), (0.0, 2)])
def test_a_threshold_takes_what_reaches_it(threshold: float, found: int) -> None:
    assert CURVE.at(threshold).found == found


@pytest.mark.parametrize(("ratio", "threshold"), [(0.1, 1.0), (1, 1.0), (1.5, 0.7), (100, 0.2)])
def test_the_dearer_a_miss_the_lower_the_threshold(ratio: float, threshold: float) -> None:
    assert CURVE.best(ratio).threshold == threshold


def test_points_around_the_line_where_both_are_equal() -> None:
    points = pl.DataFrame({"row": [1, 2], "label": [1.0, 5.0], "predicted": [0.5, 4.0]})
    figure = charts.diagonal_figure(points, ("label", "label: y (m)"), ("predicted", "predicted: y (m)"))
    assert tuple(figure.data[0].x) == tuple(figure.data[0].y) == (0.5, 5.0)
    assert figure.layout.xaxis.title.text == "label: y (m)"
    assert len(charts.diagonal_figure(points.clear(), ("label", "x"), ("predicted", "y")).data[1].x) == 0


def test_residuals_of_values_and_of_texts() -> None:
    points = pl.DataFrame({"row": [1], "x": [2.0], "residual": [0.5]})
    assert charts.residual_figure(points, "age", "label − prediction").data[0].y == (0.5,)
    spread = pl.DataFrame(
        {"x": ["p", None], "rows": [3, 1], "p05": [0.0, 1.0], "p25": [1.0, 1.0], "p50": [2.0, 1.0], "p75": [3.0, 1.0],
         "p95": [4.0, 1.0]}
    )  # fmt: skip
    box = charts.residual_spread_figure(spread, "site", "label − prediction").data[0]
    assert list(box.x) == ["p", "(empty)"]
    assert (box.lowerfence[0], box.q1[0], box.median[0], box.q3[0], box.upperfence[0]) == (0, 1, 2, 3, 4)


def test_groups_of_more_rows_are_larger() -> None:
    bins = pl.DataFrame({"confidence": [0.6, 0.9], "accuracy": [0.5, 1.0], "rows": [1, 100]})
    sizes = charts.calibration_figure(bins).data[1].marker.size
    assert 5 < sizes[0] < sizes[1]
    assert charts.calibration_alt(bins, 0.0123) == (
        "Calibration: 2 groups of rows by confidence; expected calibration error 0.012."
    )
