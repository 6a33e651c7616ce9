"""The history of each series → float32 (series, steps, features); what comes out belongs to the steps after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from engine.cards.card import AHEAD, Forecast, ModelCard
from engine.cards.signature import Report
from engine.errors import CardError
from engine.ingest.forecast import ingest_forecasts
from engine.ingest.sequence import series_lengths
from engine.ingest.table import Progress
from engine.readers import Source
from engine.settings import Settings
from engine.tasks.sequence_inputs import SequenceInputs, sequence_of
from engine.tasks.table_inputs import encode_columns, probe_columns
from engine.views import ForecastLines, SeriesGrid, View

if TYPE_CHECKING:
    import torch

_BEYOND = 4


class ForecastInputs(SequenceInputs):
    """One series, one value for each step after its last."""

    def check_card(self, card: ModelCard) -> None:
        super().check_card(card)
        if card.forecast is None:
            raise CardError("key 'forecast' is missing: say of which column, and how many steps ahead (of, horizon)")
        numbers = [column.name for column in card.signature if column.is_number]
        if card.forecast.of not in numbers:
            raise CardError(
                f"forecast: '{card.forecast.of}' is no number of the signature; it has {', '.join(numbers) or 'none'}"
            )

    def ingest(
        self,
        sources: Sequence[Source],
        card: ModelCard,
        folder: Path,
        settings: Settings,
        renames: Mapping[str, str],
        progress: Progress,
    ) -> Report:
        return ingest_forecasts(sources, card, folder, settings, renames, progress)

    def encode(self, rows: pa.Table, card: ModelCard) -> torch.Tensor:
        """The last steps of each history, as many as the model takes; all of them where it takes any number."""
        history = rows.filter(pc.is_null(rows.column(AHEAD)))
        steps = series_lengths(pl.Series(history.column(sequence_of(card).series)))[0]
        x = encode_columns(history, card.signature).reshape(-1, steps, len(card.signature))
        return x[:, steps - (sequence_of(card).length or steps) :].contiguous()

    def probe(self, card: ModelCard, items: int) -> torch.Tensor:
        """Histories that are longer than the horizon where the model takes any: one of another length shows then."""
        steps = sequence_of(card).length or forecast_of(card).horizon + _BEYOND
        return probe_columns(card.signature, items * steps).reshape(items, steps, len(card.signature))

    def per_line(self, output: torch.Tensor, lines: int) -> torch.Tensor:
        """(series, horizon, …) → (lines, …), the last lines of each series; NaN for its history.

        What the module itself gives as NaN becomes infinite: it is told from a line without a forecast, and fails.
        """
        import torch

        steps = lines // output.shape[0]
        given = output.float().nan_to_num(nan=float("inf"), posinf=float("inf"), neginf=float("inf"))[:, :steps]
        before = torch.full((len(given), steps - given.shape[1], *given.shape[2:]), float("nan"))
        return torch.cat([before, given], dim=1).flatten(0, 1)

    def views(self, card: ModelCard) -> tuple[View, ...]:
        sequence, forecast = sequence_of(card), forecast_of(card)
        band = (forecast.columns[0], forecast.columns[-1]) if len(forecast.columns) > 2 else ()
        lines = ForecastLines(sequence.series, sequence.step, forecast.of, "forecast", band, card.target)
        return lines, SeriesGrid(sequence.series, AHEAD, ("forecast",), "Where the forecast moves most")

    def needs(self, card: ModelCard) -> tuple[str, ...]:
        sequence, forecast = sequence_of(card), forecast_of(card)
        least = f"at least {sequence.length}" if sequence.length else "any number of"
        unit = f" ({sequence.step_unit})" if sequence.step_unit else ""
        return (
            f"A long table, one line a step{unit}: '{sequence.series}', '{sequence.step}' and {len(card.signature)} "
            f"columns; {least} steps of history a series.",
            f"The {forecast.horizon} steps after the last one are forecast: lines for them are added, or stand in the "
            f"file with '{forecast.of}' left empty.",
        )


def forecast_of(card: ModelCard) -> Forecast:
    """What the card says of the forecast; CardError where it says nothing."""
    if card.forecast is None:
        raise CardError("key 'forecast' is missing")
    return card.forecast
