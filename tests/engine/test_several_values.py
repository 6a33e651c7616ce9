"""Several values a row, each with its own unit and its own label: judged one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn import metrics

from engine import Settings, ValueEvaluation, evaluation_of
from engine.evaluation.judging import value_figures
from engine.views import Against, Distribution
from tests.engine.echoing import ECHO, predicted
from tests.engine.making import write_model
from tests.pool import open_engine

CARD: dict[str, Any] = {
    "title": "Two values",
    "task": "tabular-regression",
    "signature": [{"name": "x1"}, {"name": "x2"}],
    "outputs": [{"name": "long", "unit": "mm"}, {"name": "heavy", "unit": "g"}],
    "targets": {"long": "measured", "heavy": "weighed"},
}


def test_each_value_is_judged_by_its_own_label(tmp_path: Path) -> None:
    write_model(tmp_path / "models" / "two", ECHO, CARD, 0.5)
    write_model(tmp_path / "models" / "one", ECHO, {**CARD, "targets": {"heavy": "weighed"}, "target": "any"}, 0.5)
    engine = open_engine(Settings(home=tmp_path / "home", models=(tmp_path / "models",), accelerator="cpu"))
    random = np.random.default_rng(0)
    x = random.normal(0, 1, (80, 2)).astype(np.float32)
    truth = x + random.normal(0, 0.3, x.shape)
    table = pl.DataFrame({"x1": x[:, 0], "x2": x[:, 1], "measured": truth[:, 0], "weighed": truth[:, 1]})
    results = predicted(engine, "two", table, tmp_path / "rows.csv")
    evaluation = evaluation_of(results)
    assert isinstance(evaluation, ValueEvaluation)
    assert evaluation.has_own
    for place, (output, label) in enumerate({"long": "measured", "heavy": "weighed"}.items()):
        assert evaluation.label_of(output) == label
        found = value_figures(evaluation, output=output)
        assert found is not None
        given, told = x[:, place].astype(float) + 0.5, truth[:, place]
        assert found.rmse == pytest.approx(metrics.root_mean_squared_error(told, given), rel=1e-6)
        assert found.r2 == pytest.approx(metrics.r2_score(told, given), rel=1e-5)
    spreads = [(view.column, view.unit) for view in results.views if isinstance(view, Distribution)]
    assert spreads == [("long", "mm"), ("heavy", "g")]
    [against] = [view for view in results.views if isinstance(view, Against)]
    assert {"long", "heavy"} <= set(against.x)
    some = evaluation_of(predicted(engine, "one", table.rename({"measured": "any"}), tmp_path / "any.csv"))
    assert isinstance(some, ValueEvaluation)
    assert {output: some.label_of(output) for output in some.outputs} == {"long": "any", "heavy": "weighed"}
    engine.close()
