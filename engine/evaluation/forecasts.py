"""How well series were continued, where what came later stands in the file. What needs torch, a worker computes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from engine.cards.card import AHEAD
from engine.evaluation.asking import asked
from engine.evaluation.labels import Used, usable
from engine.evaluation.values import ValueEvaluation
from engine.kinds.predicted import Forecasts
from engine.results.filters import Filters
from engine.results.results import Results


@dataclass(frozen=True, slots=True)
class ForecastFigures:
    """Figures over `used.rows` steps; `mae` and `rmse` in the unit of the value.

    `smape` is a share, 0 to 2. `mase` measures errors by those of repeating the last season in the history; None where
    that has no error. `coverage` is the share of values within the band, None without one. `by_step` has ahead, rows,
    mae, and coverage where there is a band.
    """

    used: Used
    mae: float
    rmse: float
    smape: float
    mase: float | None
    coverage: float | None
    by_step: pl.DataFrame


class ForecastEvaluation(ValueEvaluation):
    """The judgement of one run's forecasts by what came later."""

    predicted: Forecasts

    def __init__(self, results: Results, columns: tuple[str, ...], predicted: Forecasts) -> None:
        super().__init__(results, columns, predicted)
        self.output = predicted.columns[0]

    def forecast_figures(self, where: Filters = ()) -> ForecastFigures | None:
        """The figures of the selection, computed by a worker; None where not one step can be judged."""
        return asked(self.results, ForecastFigures, "forecast_figures", where)

    def steps(self, where: Filters = ()) -> pl.LazyFrame:
        """The steps that can be judged: ahead, label, predicted, scale (of its series), within (the band)."""
        inside = pl.lit(None, pl.Boolean)
        empty, number = self._cells(self.output)
        if self.predicted.band:
            low, high, _ = self.predicted.band
            inside = number.is_between(pl.col(low), pl.col(high))
        predicted = pl.col(self.output).cast(pl.Float64)
        series = pl.col(self.predicted.series)
        lines = self._scan(where).filter(usable(empty, number.is_not_null(), predicted.is_finite()))
        return lines.join(self._scales.lazy(), on=series, how="left").select(
            AHEAD, number.alias("label"), predicted.alias("predicted"), "scale", inside.alias("within")
        )

    def _scan(self, where: Filters) -> pl.LazyFrame:
        """The steps that were forecast alone."""
        return self.results.scan(where).filter(pl.col(AHEAD).is_not_null())

    @cached_property
    def _scales(self) -> pl.DataFrame:
        """For each series how wrong repeating the last season was in its history, on average: series, scale."""
        series, step = self.predicted.series, self.predicted.step
        order = [pl.col(step).cast(pl.Float64, strict=False), pl.col(step)]
        value = pl.col(self.predicted.of).sort_by(order)
        apart = (value - value.shift(self.predicted.season)).abs().mean()
        history = self.results.scan().filter(pl.col(AHEAD).is_null())
        return history.group_by(series).agg(apart.alias("scale")).collect()
