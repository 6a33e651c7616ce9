"""What a model makes of a row, as a point in a space: rows that are alike lie near each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from engine.cards.card import ModelCard, OutputKind
from engine.errors import CardError, ModuleProbeError
from engine.kinds.predicted import Embeddings
from engine.tasks.task import Queries
from engine.views import EmbeddingMap, Headline, View

if TYPE_CHECKING:
    import torch

COLUMN = "embedding"


class EmbeddingOutputs:
    """The model's output is a vector for each row, kept as one column of lists of one length."""

    def check_card(self, card: ModelCard) -> None:
        if card.dimensions is None:
            raise CardError("key 'dimensions' is missing: say how many figures the model gives for a row")
        if card.output_kind not in (None, "values"):
            raise CardError(f"output_kind: '{card.output_kind}' is for classes; a '{card.task}' gives values")

    def find_kind(self, output: torch.Tensor, card: ModelCard) -> OutputKind:
        if output.ndim != 2 or output.shape[1] != card.dimensions:
            raise ModuleProbeError(
                f"The model gives {list(output.shape[1:]) or 'one value'} for a row; the card says dimensions: "
                f"{card.dimensions}."
            )
        return "values"

    def schema(self, card: ModelCard, kind: OutputKind) -> pa.Schema:
        return pa.schema([(COLUMN, pa.list_(pa.float32(), card.dimensions or 1))])

    def decode(self, output: torch.Tensor, card: ModelCard, kind: OutputKind, lines: pa.Table) -> list[pa.Array]:
        values = np.ascontiguousarray(output.float().numpy())
        return [pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])]

    def units(self, card: ModelCard) -> Mapping[str, str]:
        return {}

    def predicted(self, card: ModelCard, columns: Sequence[str]) -> Embeddings:
        return Embeddings(COLUMN, card.dimensions or 1)

    def views(self, card: ModelCard, columns: Sequence[str], against: Sequence[str]) -> tuple[View, ...]:
        return (EmbeddingMap(COLUMN, card.labels),)

    def headline(self, card: ModelCard, columns: Sequence[str], results: Queries) -> tuple[Headline, ...]:
        return (Headline("Dimensions", f"{card.dimensions:,}", "How many figures the model gives for a row."),)
