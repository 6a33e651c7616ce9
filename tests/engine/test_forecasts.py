"""Series continued: each row keeps its line, the horizon gets its own, and figures are those of the formulas."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import torch

from engine import Engine, ForecastEvaluation, Options, Results, Settings, Source, evaluation_of
from engine.cards.card import ModelCard
from engine.checkpoints.warm import load_model
from engine.errors import CardError, ModuleProbeError, PredictionFailed
from engine.evaluation.forecast_judging import forecast_figures
from engine.ingest.steps import following
from engine.models.registry import ModelRegistry
from engine.tasks.forecast_outputs import ForecastOutputs
from tests.engine.making import write_model
from tests.pool import open_engine

# The last value again, a step more each time; quantiles one below and one above.
REPEAT = """
import pytorch_lightning as pl
import torch

class Model(pl.LightningModule):
    def __init__(self, horizon, quantiles):
        super().__init__()
        self.save_hyperparameters()
        self.ahead = torch.nn.Parameter(torch.arange(1.0, horizon + 1))
        self.quantiles = quantiles

    def forward(self, x):
        found = x[:, -1, :1] + self.ahead
        return torch.stack([found - 1, found, found + 1], -1) if self.quantiles else found
"""
CARD: dict[str, Any] = {
    "title": "Repeat",
    "task": "time-series-forecasting",
    "signature": [{"name": "y", "unit": "m"}, {"name": "z"}],
    "sequence": {"series": "who", "step": "day", "length": 4},
    "forecast": {"of": "y", "horizon": 3, "quantiles": [0.1, 0.5, 0.9]},
    "target": "later",
}
WIDE: dict[str, Any] = {"of": "y", "quantiles": [0.1, 0.5, 0.9]}
ANY_LENGTH = {"series": "who", "step": "day"}


@pytest.fixture(scope="module")
def repeat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("forecasts")
    write_model(folder / "models" / "repeat", REPEAT, CARD, 3, True)
    plain = {**CARD, "forecast": {"of": "y", "horizon": 3}, "sequence": {"series": "who", "step": "day"}}
    write_model(folder / "models" / "plain", REPEAT, plain, 3, False)
    engine = open_engine(Settings(home=folder / "home", models=(folder / "models",), accelerator="cpu"))
    yield engine
    engine.close()


def series(who: str, values: list[float | None], first: int = 1) -> pl.DataFrame:
    days = range(first, first + len(values))
    return pl.DataFrame({"who": who, "day": days, "y": values, "z": 0.5}, schema_overrides={"y": pl.Float64})


def continued(engine: Engine, model: str, rows: pl.DataFrame, path: Path) -> Results:
    rows.write_parquet(path) if path.suffix == ".parquet" else rows.write_csv(path)
    run = engine.check(model, [Source(path.name, path)])
    engine.submit(run.id, Options(on_error="report"))
    ended = engine.wait(run.id)
    assert ended.state == "done", ended.error
    return engine.results(run.id)


@pytest.mark.parametrize("model", ["repeat", "plain"])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_horizon_stands_behind_the_rows_of_the_file(
    repeat: Engine, tmp_path: Path, model: str, suffix: str
) -> None:
    rows = pl.concat([series("a", [1, 2, 3, 4, 5]), series("b", [10, 20, 30, 40], first=6)])
    shuffled = rows.sample(fraction=1, shuffle=True, seed=3)
    lines = continued(repeat, model, shuffled, tmp_path / f"rows.{suffix}").page(0, 100)
    assert lines["row"].to_list() == list(range(1, 9 + 6 + 1))
    assert lines["y"][:9].to_list() == shuffled["y"].to_list()
    assert lines["forecast"][:9].null_count() == 9
    ahead = lines.filter(pl.col("ahead").is_not_null()).sort("who", "ahead")
    assert ahead["forecast"].to_list() == [6, 7, 8, 41, 42, 43]
    assert [str(day) for day in ahead["day"]] == ["6", "7", "8", "10", "11", "12"]
    assert set(lines["status"]) == {"ok"}
    _, at_once = repeat.predict_now(model, (Source(f"rows.{suffix}", tmp_path / f"rows.{suffix}"),))
    assert at_once["forecast"].to_list() == lines["forecast"].to_list()
    if model == "repeat":
        assert ahead["forecast_p90"].to_list() == [7, 8, 9, 42, 43, 44]


def test_lines_of_the_file_are_filled_and_judged(repeat: Engine, tmp_path: Path) -> None:
    rows = pl.concat([series("a", [1, 2, 4, 7, None, None]), series("b", [3, 3, 4, 4, None, None, None])])
    later = [None, None, None, None, 8.5, 8.0, None, None, None, None, 5.0, 9.0, 7.0]
    results = continued(repeat, "repeat", rows.with_columns(later=pl.Series(later)), tmp_path / "rows.csv")
    lines = results.page(0, 100)
    assert lines["forecast"].to_list()[:13] == [None] * 4 + [8, 9] + [None] * 4 + [5, 6, 7]
    assert lines.height == 14, "the first series lacks one line of its horizon"
    assert lines["forecast"][13] == 10
    evaluation = evaluation_of(results)
    assert isinstance(evaluation, ForecastEvaluation)
    errors, scales = np.array([0.5, 1.0, 0.0, 3.0, 0.0]), np.array([2.0, 2.0, 1 / 3, 1 / 3, 1 / 3])
    for found in (forecast_figures(evaluation), evaluation.forecast_figures()):
        assert found is not None
        assert found.used.rows == 5
        assert found.mae == pytest.approx(errors.mean())
        assert found.rmse == pytest.approx(np.sqrt((errors**2).mean()))
        assert found.mase == pytest.approx((errors / scales).mean())
        assert found.coverage == pytest.approx(4 / 5)
        assert found.by_step["mae"].to_list() == pytest.approx([0.25, 2.0, 0.0])


def test_bad_series_are_said_and_spoil_no_other(repeat: Engine, tmp_path: Path) -> None:
    rows = pl.concat(
        [
            series("short", [1, 2, 3]),
            series("gap", [1, None, 3, 4, 5]),
            series("long", [1, 2, 3, 4, None, None, None, None]),
            series("good", [1, 2, 3, 4]),
            series("word", [1, 2, 3, 4]),
        ]
    ).cast({"y": pl.String})
    rows = rows.with_columns(y=pl.when(pl.int_range(pl.len()) == rows.height - 2).then(pl.lit("x")).otherwise("y"))
    results = continued(repeat, "repeat", rows, tmp_path / "rows.csv")
    lines = results.page(0, 100)
    assert lines.filter(pl.col("status") == "ok")["who"].unique().to_list() == ["good"]
    said = {who: error for who, error in lines.select("who", "error").iter_rows() if error}
    assert "3 steps of history, the model needs 4" in said["short"]
    assert "column 'y' is empty at step 2" in said["gap"]
    assert "4 steps are to be forecast, the model gives 3" in said["long"]
    assert "another line of this series cannot be read" in said["word"]
    messages = " ".join(problem.message for problem in results.run.report.problems)
    assert "3 series cannot be continued: the first, 'short' from row 1" in messages
    assert "3 lines are added behind the file's rows, from row 25 on" in messages


@pytest.mark.parametrize(
    ("steps", "wanted"),
    [
        ([1, 2], [3, 4]),
        (["10", "20"], ["30", "40"]),
        ([0.5, 1.0], [1.5, 2.0]),
        (["2020-11", "2020-12"], ["2021-01", "2021-02"]),
        (["2020-01-31", "2020-02-29"], ["2020-03-31", "2020-04-30"]),
        (["2020-02-28", "2020-03-28"], ["2020-04-28", "2020-05-28"]),
        (["2020-12-31 22:00", "2020-12-31 23:00"], ["2021-01-01 00:00", "2021-01-01 01:00"]),
        ([date(2020, 1, 1), date(2021, 1, 1)], [date(2022, 1, 1), date(2023, 1, 1)]),
        ([datetime(2020, 1, 1, 0), datetime(2020, 1, 1, 6)], [datetime(2020, 1, 1, 12), datetime(2020, 1, 1, 18)]),
        (["spring", "summer"], ["summer +1", "summer +2"]),
        ([7], [8, 9]),
    ],
)
def test_steps_go_on_as_they_went(steps: list[object], wanted: list[object]) -> None:
    assert following(steps, 2) == wanted


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"forecast": None}, CardError, "key 'forecast' is missing"),
        ({"forecast": {"of": "x", "horizon": 3}}, CardError, "'x' is no number of the signature; it has y, z"),
        ({"forecast": {"of": "y", "horizon": 2, "quantiles": [0.1, 0.5, 0.9]}}, ModuleProbeError, "forecasts 3 steps"),
        ({"forecast": WIDE | {"horizon": 2}, "sequence": ANY_LENGTH}, ModuleProbeError, "forecasts 3 steps"),
        ({"forecast": WIDE | {"horizon": 6}, "sequence": ANY_LENGTH}, ModuleProbeError, "forecasts 3 steps"),
        ({"forecast": {"of": "y", "horizon": 3}}, ModuleProbeError, "the card names 1: forecast"),
        ({"forecast": {"of": "y", "horizon": 3, "quantiles": [0.1, 0.9]}}, CardError, "0.5, the forecast itself"),
    ],
)
def test_cards_that_do_not_fit(tmp_path: Path, change: dict[str, Any], error: type[Exception], words: str) -> None:
    write_model(tmp_path / "repeat", REPEAT, {**CARD, **change}, 3, True)
    with pytest.raises((error, CardError), match=words):
        load_model(ModelRegistry([tmp_path]).entry("repeat").usable_card(), tmp_path / "repeat")


@pytest.mark.parametrize("given", [[np.nan, 1, 2, 3], [np.nan, np.nan, np.nan, 1], [1, 2, 3, 4]])
def test_forecasts_of_another_length_are_not_shifted_in_time(given: list[float]) -> None:
    card = ModelCard.model_validate({**CARD, "module": "m:M", "forecast": {"of": "y", "horizon": 2}})
    lines = pa.table({"ahead": pa.array([None, None, 1, 2], pa.int64())})
    with pytest.raises(PredictionFailed, match="not 2 steps long"):
        ForecastOutputs().decode(torch.tensor(given), card, "values", lines)
