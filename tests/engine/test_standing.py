"""Neighbours and shares, against the same by sorting all rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import Results, neighbours, shares_below
from tests.conftest import Predicting


@pytest.fixture
def biopsies(predicting: Predicting, samples: Path) -> Results:
    return predicting.results("breast-cancer", [samples / "breast-cancer" / "samples" / "biopsies-with-diagnosis.csv"])


@pytest.mark.parametrize("row", [1, 7, 60, 114])
def test_neighbours_are_those_beside_it_in_the_sorted_column(biopsies: Results, row: int) -> None:
    lines = biopsies.page(0, 200).sort("confidence", "row").select("row", "confidence").rows()
    place = [line[0] for line in lines].index(row)
    found = neighbours(biopsies, "confidence", row)
    assert list(found.below) == lines[max(0, place - 3) : place][::-1]
    assert list(found.above) == lines[place + 1 : place + 4]


def test_equal_values_have_an_order(predicting: Predicting, samples: Path, tmp_path: Path) -> None:
    """One row five times: every one of them is reached, one after the other."""
    header, first, *_ = (samples / "breast-cancer" / "samples" / "biopsies.csv").read_text().splitlines()
    (tmp_path / "same.csv").write_text("\n".join([header, *[first] * 5]) + "\n")
    results = predicting.results("breast-cancer", [tmp_path / "same.csv"])
    found = neighbours(results, "confidence", 3, most=5)
    assert [row for row, _ in found.below] == [2, 1]
    assert [row for row, _ in found.above] == [4, 5]


def test_a_row_without_a_prediction_has_no_neighbours(predicting: Predicting, samples: Path) -> None:
    path = samples / "digits" / "samples" / "digits-one-broken.zip"
    results = predicting.results("digits", [path], on_error="report")
    failed = results.page(0, 100).filter(status="failed")["row"][0]
    found = neighbours(results, "confidence", failed)
    assert (found.below, found.above) == ((), ())


def test_shares_below(biopsies: Results) -> None:
    lines = biopsies.page(0, 200)
    value = lines["mean_radius"][6]
    expected = (lines["mean_radius"] < value).mean()
    assert shares_below(biopsies, {"mean_radius": value, "mean_area": -1.0}) == {
        "mean_radius": pytest.approx(expected),
        "mean_area": 0.0,
    }
    assert shares_below(biopsies, {}) == {}
