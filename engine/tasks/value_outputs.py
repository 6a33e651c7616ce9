"""Numbers a model gives: a column each, named and with units as the card says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from engine.cards.card import ModelCard, OutputKind
from engine.errors import CardError, ModuleProbeError
from engine.kinds.predicted import Values
from engine.tasks.task import Queries
from engine.views import Against, Distribution, Extremes, Headline, View

if TYPE_CHECKING:
    import torch


class ValueOutputs:
    """Each output of the model is a number."""

    def check_card(self, card: ModelCard) -> None:
        if not card.outputs:
            raise CardError("key 'outputs' is missing: name each value the model gives, with its unit")
        if card.output_kind not in (None, "values"):
            raise CardError(f"output_kind: '{card.output_kind}' is for classes; a '{card.task}' gives values")

    def find_kind(self, output: torch.Tensor, card: ModelCard) -> OutputKind:
        width = 1 if output.ndim == 1 else output.shape[-1]
        if output.ndim > 2 or width != len(card.outputs):
            raise ModuleProbeError(
                f"The model gives {list(output.shape[1:]) or 'one value'} for a row; the card names "
                f"{len(card.outputs)} outputs ({', '.join(column.name for column in card.outputs)}). Name each of them."
            )
        return "values"

    def schema(self, card: ModelCard, kind: OutputKind) -> pa.Schema:
        return pa.schema([(output.name, pa.float32()) for output in card.outputs])

    def decode(self, output: torch.Tensor, card: ModelCard, kind: OutputKind, lines: pa.Table) -> list[pa.Array]:
        values = output.float().reshape(len(output), -1).numpy()
        return [pa.array(values[:, number]) for number in range(values.shape[1])]

    def units(self, card: ModelCard) -> Mapping[str, str]:
        return {output.name: output.unit for output in card.outputs if output.unit}

    def predicted(self, card: ModelCard, columns: Sequence[str]) -> Values:
        names, units = tuple(each.name for each in card.outputs), tuple(each.unit for each in card.outputs)
        return Values(names, units, tuple((name, card.targets[name]) for name in names if name in card.targets))

    def views(self, card: ModelCard, columns: Sequence[str], against: Sequence[str]) -> tuple[View, ...]:
        names = tuple(output.name for output in card.outputs)
        spreads = tuple(
            Distribution(output.name, output.description or output.name, output.unit) for output in card.outputs
        )
        units = tuple((each.name, each.unit) for each in card.signature if each.unit)
        units += tuple(self.units(card).items())
        extremes = Extremes(names, tuple(self.units(card).items()))
        x = (*against, *(names if len(names) > 1 else ()))
        return (*spreads, extremes, *([Against(names, x, units)] if x else []))

    def headline(self, card: ModelCard, columns: Sequence[str], results: Queries) -> tuple[Headline, ...]:
        figures = [spread_of(output.name, output.unit, results) for output in card.outputs[:3]]
        if len(card.outputs) == 1:
            return tuple(figures[0])
        return tuple(spread[0] for spread in figures if spread)


def spread_of(name: str, unit: str, results: Queries) -> list[Headline]:
    spread = results.quantiles(name)
    if not spread:
        return []
    low, middle, high, least, most = (_number(spread[key]) for key in ("p05", "p50", "p95", "min", "max"))
    behind = f" {unit}" if unit else ""
    return [
        Headline(f"Median {name}", middle + behind, f"Nine of ten rows lie between {low} and {high}{behind}."),
        Headline(
            "Nine of ten rows", f"{low} – {high}", f"From the 5th to the 95th percentile{behind and ', in' + behind}."
        ),
        Headline("Lowest and highest", f"{least} – {most}", "Over every row that was predicted."),
    ]


def _number(value: float) -> str:
    return f"{value:,.4g}"
