"""A task of one's own: rows of a table → how many of something are expected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from engine.cards.card import ModelCard, OutputKind
from engine.tasks.table_inputs import TableInputs
from engine.tasks.task import Task
from engine.tasks.value_outputs import ValueOutputs

if TYPE_CHECKING:  # the list of models does without torch
    import torch


class CountOutputs(ValueOutputs):
    """The model gives the logarithm of how many are expected."""

    def decode(self, output: torch.Tensor, card: ModelCard, kind: OutputKind, lines: pa.Table) -> list[pa.Array]:
        return super().decode(output.exp().round(), card, kind, lines)


COUNT = Task("tabular-count", "Counts", TableInputs(), CountOutputs())
