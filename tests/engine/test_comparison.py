"""Two runs side by side: only on the same rows, and the same figures as two tables in memory give."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from engine import ClassComparison, Engine, Results, Settings, ValueComparison, compare
from engine.errors import NotComparable
from tests.engine.echoing import classes_model, predicted, values_model
from tests.pool import open_engine

LABELS = ("low", "mid", "high")


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("comparison")
    classes_model(folder / "models" / "first", LABELS)
    classes_model(folder / "models" / "second", ("high", "low", "other"))
    values_model(folder / "models" / "metres")
    values_model(folder / "models" / "shifted", shift=0.5)
    values_model(folder / "models" / "narrow", column="z")
    engine = open_engine(Settings(home=folder / "home", models=(folder / "models",), accelerator="cpu"))
    yield engine
    engine.close()


def logits(rows: int = 200) -> pl.DataFrame:
    random = np.random.default_rng(0)
    columns = {f"logit_{number}": random.normal(0, 2, rows).astype(np.float32) for number in range(3)}
    return pl.DataFrame({"name": [f"n{row}" for row in range(rows)], **columns})


def numbers(rows: int = 200) -> pl.DataFrame:
    return pl.DataFrame({"x": np.random.default_rng(1).normal(0, 2, rows).astype(np.float32)})


def of_classes(a: Results, b: Results) -> ClassComparison:
    comparison = compare(a, b)
    assert isinstance(comparison, ClassComparison)
    return comparison


def of_values(a: Results, b: Results) -> ValueComparison:
    comparison = compare(a, b)
    assert isinstance(comparison, ValueComparison)
    return comparison


def test_a_run_agrees_with_itself(echo: Engine, tmp_path: Path) -> None:
    results = predicted(echo, "first", logits(), tmp_path / "rows.csv")
    comparison = of_classes(results, results)
    assert comparison.agreement().share == 1
    assert comparison.differences().is_empty()


def test_classes_of_two_models(echo: Engine, tmp_path: Path) -> None:
    """The second has the same columns under other labels: what it says and how sure it is are known beforehand."""
    rows = logits().with_columns(logit_0=pl.when(pl.int_range(pl.len()) % 20 == 3).then(None).otherwise("logit_0"))
    a, b = (predicted(echo, model, rows, tmp_path / "rows.csv") for model in ("first", "second"))
    comparison = of_classes(a, b)
    beside = a.scan().collect().join(b.scan().collect(), on="row", suffix="_b").filter(pl.col("status") == "ok")
    assert len(beside) == 190
    assert comparison.labels == (*LABELS, "other")
    assert comparison.agreement().rows == 190
    assert comparison.agreement().share == pytest.approx((beside["prediction"] == beside["prediction_b"]).mean())  # type: ignore[operator]
    pairs = {(one, other): count for one, other, count in comparison.agreement().pairs.iter_rows()}
    expected = beside.group_by("prediction", "prediction_b").len()
    assert pairs == {(one, other): count for one, other, count in expected.iter_rows()}
    gaps = [
        (beside[f"probability_{label}"] - beside[f"probability_{label}_b"]).abs().alias(label)
        for label in ("low", "high")
    ]
    gap = pl.DataFrame(gaps).max_horizontal()
    expected = beside.select("row").with_columns(gap=gap).sort("gap", "row", descending=[True, False]).head(10)
    differences = comparison.differences(10)
    assert differences["row"].to_list() == expected["row"].to_list()
    assert np.allclose(differences["gap"], expected["gap"])


def test_values_of_two_models(echo: Engine, tmp_path: Path) -> None:
    a, b = (predicted(echo, model, numbers(), tmp_path / "rows.csv") for model in ("metres", "shifted"))
    comparison, pair = of_values(a, b), ("y", "y")
    assert comparison.pairs == (pair,)
    agreement = comparison.agreement(pair, 0.4)
    assert (agreement.rows, agreement.share) == (200, 0)
    assert comparison.agreement(pair, 0.6).share == 1
    assert agreement.mean_difference == agreement.mean_absolute_difference == pytest.approx(0.5)
    assert agreement.correlation == pytest.approx(1)
    points = comparison.scatter(pair, 50)
    assert points["row"].to_list() == list(range(1, 201, 4))
    assert np.allclose(points["b"] - points["a"], 0.5, atol=1e-5)
    differences = comparison.differences(pair, 3)
    every = (b.scan().collect()["y"].cast(pl.Float64) - a.scan().collect()["y"].cast(pl.Float64)).abs()
    assert differences["difference"].to_list() == pytest.approx(every.sort(descending=True).head(3).to_list())
    spread = a.quantiles("y")
    assert comparison.tolerance(pair) == pytest.approx((spread["p95"] - spread["p05"]) / 100)


def test_one_value_has_no_correlation(echo: Engine, tmp_path: Path) -> None:
    rows = pl.DataFrame({"x": [1.0, 1.0]})
    a, b = (predicted(echo, model, rows, tmp_path / "rows.csv") for model in ("metres", "shifted"))
    assert of_values(a, b).agreement(("y", "y"), 0).correlation is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows.head(150), "one has 200, the other 150"),
        (lambda rows: rows.reverse(), "'name', 'logit_0', 'logit_1' … differ between them"),
        (lambda rows: rows.with_columns(pl.col("logit_1") + 1), "'logit_1' differs between them"),
    ],
    ids=["fewer rows", "another order", "another column"],
)
def test_other_rows_are_not_compared(echo: Engine, tmp_path: Path, change: object, words: str) -> None:
    assert callable(change)
    a = predicted(echo, "first", logits(), tmp_path / "a.csv")
    b = predicted(echo, "first", change(logits()), tmp_path / "b.csv")
    with pytest.raises(NotComparable, match=words):
        compare(a, b)


def test_classes_are_not_compared_with_values(echo: Engine, tmp_path: Path) -> None:
    rows = logits().with_columns(x=pl.lit(1.0))
    a, b = (predicted(echo, model, rows, tmp_path / "rows.csv") for model in ("first", "metres"))
    with pytest.raises(NotComparable, match="These runs predict different kinds of things"):
        compare(a, b)


def test_rows_without_a_column_in_common_are_not_compared(echo: Engine, tmp_path: Path) -> None:
    a = predicted(echo, "first", logits().drop("name"), tmp_path / "a.csv")
    b = predicted(echo, "second", logits().drop("name"), tmp_path / "b.csv")
    assert of_classes(a, b).agreement().rows == 200
    other = predicted(echo, "metres", numbers(), tmp_path / "c.csv")
    bare = predicted(echo, "narrow", numbers().rename({"x": "z"}), tmp_path / "d.csv")
    with pytest.raises(NotComparable, match="share no column"):
        compare(other, bare)
