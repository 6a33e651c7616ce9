"""What comes after a series: a value for each step of the horizon, and its quantiles where the model gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from engine.cards.card import AHEAD, ModelCard, OutputKind
from engine.errors import CardError, ModuleProbeError, PredictionFailed
from engine.kinds.predicted import Forecasts
from engine.tasks.forecast_inputs import forecast_of
from engine.tasks.task import Queries
from engine.tasks.value_outputs import spread_of
from engine.views import Distribution, Headline, View

if TYPE_CHECKING:
    import torch


class ForecastOutputs:
    """The model's output has a step of the horizon, or its quantiles, in each place."""

    def check_card(self, card: ModelCard) -> None:
        if card.output_kind not in (None, "values"):
            raise CardError(f"output_kind: '{card.output_kind}' is for classes; a '{card.task}' gives values")

    def find_kind(self, output: torch.Tensor, card: ModelCard) -> OutputKind:
        forecast = forecast_of(card)
        width, wanted = 1 if output.ndim == 1 else output.shape[-1], len(forecast.columns)
        if output.ndim > 2 or width != wanted:
            raise ModuleProbeError(
                f"The model gives {list(output.shape[1:]) or 'one value'} for a step; the card names {wanted}: "
                f"{', '.join(forecast.columns)}. A forecast is series × {forecast.horizon} steps"
                f"{f' × {wanted} quantiles' if wanted > 1 else ''}."
            )
        history = output.reshape(len(output), -1).isnan().all(dim=1)
        steps = int(history.flip(0).int().argmax())  # lines behind the last one of history
        if history.any() and steps != forecast.horizon:
            raise ModuleProbeError(f"The model forecasts {steps} steps; the card says horizon: {forecast.horizon}.")
        return "values"

    def schema(self, card: ModelCard, kind: OutputKind) -> pa.Schema:
        return pa.schema([(name, pa.float32()) for name in forecast_of(card).columns])

    def decode(self, output: torch.Tensor, card: ModelCard, kind: OutputKind, lines: pa.Table) -> list[pa.Array]:
        """Null where a line is history; what is no finite number there stays one, and fails its line."""
        values = output.reshape(len(output), -1).numpy()
        history = np.isnan(values).all(axis=1)
        if AHEAD in lines.column_names and (history != lines.column(AHEAD).is_null().to_numpy()).any():
            steps = forecast_of(card).horizon
            raise PredictionFailed(
                f"The model's forecasts are not {steps} steps long, as the card says (forecast: horizon: {steps}). The "
                "number of steps that it gives belongs there."
            )
        return [pa.array(np.ascontiguousarray(column), mask=history) for column in values.T]

    def units(self, card: ModelCard) -> Mapping[str, str]:
        unit = card.column(forecast_of(card).of).unit
        return dict.fromkeys(forecast_of(card).columns, unit) if unit else {}

    def predicted(self, card: ModelCard, columns: Sequence[str]) -> Forecasts:
        forecast, sequence = forecast_of(card), card.sequence
        if sequence is None:
            raise CardError("key 'sequence' is missing")
        names, ends = forecast.columns, forecast.quantiles
        band = (names[0], names[-1], ends[-1] - ends[0]) if len(ends) > 2 else ()
        return Forecasts(
            ("forecast",),
            (card.column(forecast.of).unit,),
            (),
            forecast.of,
            sequence.series,
            sequence.step,
            forecast.season,
            band,
        )

    def views(self, card: ModelCard, columns: Sequence[str], against: Sequence[str]) -> tuple[View, ...]:
        unit = card.column(forecast_of(card).of).unit
        return (Distribution("forecast", f"Forecasts of {forecast_of(card).of}", unit),)

    def headline(self, card: ModelCard, columns: Sequence[str], results: Queries) -> tuple[Headline, ...]:
        forecast = forecast_of(card)
        unit = card.column(forecast.of).unit
        steps = f"{forecast.horizon} {card.sequence.step_unit if card.sequence else ''}".strip()
        far = Headline("Steps ahead", steps, f"How far the column '{forecast.of}' is forecast.")
        return (far, *spread_of("forecast", unit, results))
