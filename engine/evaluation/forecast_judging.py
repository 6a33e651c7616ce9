"""The figures of forecasts themselves, by torchmetrics, batch by batch. It loads torch: for workers alone."""

from __future__ import annotations

import math

import polars as pl
import torch
from torchmetrics import MeanMetric, MetricCollection
from torchmetrics import regression as of_values

from engine.cards.card import AHEAD
from engine.evaluation.forecasts import ForecastEvaluation, ForecastFigures
from engine.evaluation.labels import batches
from engine.results.filters import Filters


def forecast_figures(evaluation: ForecastEvaluation, where: Filters = ()) -> ForecastFigures | None:
    """All figures of forecasts; None where not one step can be judged.

    MASE after Hyndman, Koehler (2006), Another look at measures of forecast accuracy; torchmetrics has none.
    """
    used = evaluation.used(evaluation.output, where)
    if not used.rows:
        return None
    metrics = MetricCollection(
        {
            "mae": of_values.MeanAbsoluteError(),
            "rmse": of_values.MeanSquaredError(squared=False),
            "smape": of_values.SymmetricMeanAbsolutePercentageError(),
        }
    ).set_dtype(torch.float64)
    scaled, within = MeanMetric().set_dtype(torch.float64), MeanMetric().set_dtype(torch.float64)
    steps = evaluation.steps(where)
    for batch in batches(steps, 5):
        predicted, label = batch["predicted"].to_torch(), batch["label"].to_torch()
        metrics.update(predicted, label)
        fair = batch.filter(pl.col("scale") > 0)
        scaled.update((((fair["predicted"] - fair["label"]).abs()) / fair["scale"]).to_torch())
        within.update(batch["within"].drop_nulls().cast(pl.Float64).to_torch())
    found = {name: float(value) for name, value in metrics.compute().items()}
    values = [float(metric.compute()) for metric in (scaled, within)]  # NaN where there was none
    mase, coverage = (None if math.isnan(value) else value for value in values)
    return ForecastFigures(used, found["mae"], found["rmse"], found["smape"], mase, coverage, _by_step(steps))


def _by_step(steps: pl.LazyFrame) -> pl.DataFrame:
    error = (pl.col("predicted") - pl.col("label")).abs()
    figures = [pl.len().alias("rows"), error.mean().alias("mae"), pl.col("within").mean().alias("coverage")]
    return steps.group_by(AHEAD).agg(figures).sort(AHEAD).collect(engine="streaming")
