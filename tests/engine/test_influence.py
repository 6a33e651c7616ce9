"""What moves a row's prediction: each value put to its middle, and the changes that this makes."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from engine import Swap, influences, swaps
from tests.conftest import Predicting


def test_one_value_at_a_time_is_put_to_its_middle(predicting: Predicting, samples: Path) -> None:
    results = predicting.results("penguins", [samples / "penguins" / "samples" / "penguins.csv"])
    lines = results.scan().collect()
    line = lines.row(2, named=True)
    found = {swap.column: swap for swap in swaps(results, line)}

    commonest = lines["sex"].drop_nulls().value_counts(sort=True)["sex"][0]
    assert ("sex" in found) == (line["sex"] != commonest)
    bill = found["bill_length"]
    assert bill.own == line["bill_length"]
    assert bill.middle == results.card.column("bill_length").trained[2]  # type: ignore[index]
    assert bill.row == {name: line[name] for name in ("species", "sex", "bill_depth")} | {"bill_length": bill.middle}


def test_without_a_training_the_middle_is_the_runs(predicting: Predicting, samples: Path) -> None:
    path = samples / "diabetes-progression" / "samples" / "patients.csv"
    results = predicting.results("diabetes-progression", [path])
    lines = results.scan().collect()
    (bmi,) = (swap for swap in swaps(results, lines.row(0, named=True)) if swap.column == "bmi")
    assert bmi.middle == lines["bmi"].quantile(0.5, "nearest")


@pytest.mark.parametrize(("given", "expected"), [([5.0, 7.0, None, 1.0], [("c", 4.0), ("a", -2.0)]), ([None] * 4, [])])
def test_the_largest_change_comes_first(given: list[float | None], expected: list[tuple[str, float]]) -> None:
    asked = [Swap(name, 1.0, 2.0, {}) for name in "abc"]
    lines = pl.DataFrame({"value": given}, {"value": pl.Float32})
    assert [(swap.column, change) for swap, change in influences(asked, lines, "value")] == expected
