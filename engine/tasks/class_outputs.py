"""Classes a model chooses between: the label, how sure it is, and a probability for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from engine.cards.card import ModelCard, OutputKind
from engine.errors import CardError, ModuleProbeError, PredictionFailed
from engine.kinds.predicted import Classes
from engine.tasks.class_kinds import kind_of_figures
from engine.tasks.task import Queries
from engine.views import Against, ClassBalance, Confidence, Headline, Review, Threshold, View

if TYPE_CHECKING:
    import torch

_MOST_COMPARED = 100  # labels whose shares are compared with each other, line by line


class ClassOutputs:
    """The model's output says which of the card's labels a row has."""

    def check_card(self, card: ModelCard) -> None:
        if len(card.labels) < 2:
            raise CardError("key 'labels' is missing: name the classes, in the order of the model's outputs")
        if card.output_kind == "values":
            raise CardError(
                f"output_kind: 'values' is for numbers; a '{card.task}' gives logits, probabilities or classes"
            )

    def find_kind(self, output: torch.Tensor, card: ModelCard) -> OutputKind:
        """One figure a label and row, or a single one; see kind_of_figures."""
        width = 1 if output.ndim == 1 else output.shape[-1]
        if output.ndim > 2 or width not in (1, len(card.labels)):
            raise ModuleProbeError(
                f"The model gives {list(output.shape[1:])} for a row; the card names {len(card.labels)} labels "
                f"({', '.join(card.labels[:6])}). Name each class once, in the order of the outputs."
            )
        return kind_of_figures(output.reshape(len(output), width), card, "row")

    def schema(self, card: ModelCard, kind: OutputKind) -> pa.Schema:
        fields = [("prediction", pa.string())]
        if kind != "classes":
            fields += [("confidence", pa.float32()), *((name, pa.float32()) for name in probability_names(card))]
        return pa.schema(fields)

    def decode(self, output: torch.Tensor, card: ModelCard, kind: OutputKind, lines: pa.Table) -> list[pa.Array]:
        if kind == "classes":
            return [_labels(output.reshape(-1).long().numpy(), card.labels)]
        probabilities = _probabilities(output.float().reshape(len(output), -1), kind)
        confidence, chosen = probabilities.max(dim=1)
        columns = [pa.array(np.ascontiguousarray(column)) for column in probabilities.numpy().T]
        return [_labels(chosen.numpy(), card.labels), pa.array(confidence.numpy()), *columns]

    def units(self, card: ModelCard) -> Mapping[str, str]:
        return {}

    def predicted(self, card: ModelCard, columns: Sequence[str]) -> Classes:
        if "confidence" not in columns:
            return Classes("prediction", card.labels)
        return Classes("prediction", card.labels, probability_names(card), "confidence")

    def views(self, card: ModelCard, columns: Sequence[str], against: Sequence[str]) -> tuple[View, ...]:
        views: list[View] = [ClassBalance("prediction", card.labels)]
        if "confidence" not in columns:
            return tuple(views)
        shares = tuple(zip(card.labels, probability_names(card), strict=True))
        views.append(Confidence("confidence", "prediction", card.labels))
        if len(shares) == 2:
            (negative, _), (positive, share) = shares
            views.append(Threshold(share, positive, negative, card.labels))
        comparable = shares if 2 < len(shares) <= _MOST_COMPARED else ()
        views.append(Review("prediction", "confidence", comparable))
        if against:
            units = tuple((column.name, column.unit) for column in card.signature if column.unit)
            shown = ("confidence", *(share for _, share in shares))
            views.append(Against(shown, tuple(against), units, "prediction", card.labels))
        return tuple(views)

    def headline(self, card: ModelCard, columns: Sequence[str], results: Queries) -> tuple[Headline, ...]:
        counts = results.value_counts("prediction")
        counted = counts.filter(counts["value"].is_not_null()).sort("count", descending=True)
        if counted.is_empty():
            return ()
        top, share = counted["value"][0], counted["count"][0] / counted["count"].sum()
        figures = [Headline("Most frequent class", str(top), f"{share:.1%} of the rows that were predicted.")]
        spread = results.quantiles("confidence") if "confidence" in columns else {}
        if spread:
            unsure = f"One row in twenty is below {spread['p05']:.2f}."
            figures.append(Headline("Median confidence", f"{spread['p50']:.2f}", unsure))
        return tuple(figures)


def probability_names(card: ModelCard) -> tuple[str, ...]:
    """The results' column of each label's probability."""
    return tuple(f"probability_{label}" for label in card.labels)


def _probabilities(output: torch.Tensor, kind: OutputKind) -> torch.Tensor:
    """(rows, labels) that sum to one; a single figure is about the second of two labels."""
    import torch

    if output.shape[1] == 1:
        second = output.sigmoid() if kind == "logits" else output
        return torch.cat([1 - second, second], dim=1)
    return output.softmax(dim=1) if kind == "logits" else output


def _labels(numbers: np.ndarray, labels: Sequence[str]) -> pa.Array:
    if len(numbers) and (numbers.min() < 0 or numbers.max() >= len(labels)):
        raise PredictionFailed(
            f"The model chose class {int(numbers.max())}; the card names {len(labels)} labels, 0 to {len(labels) - 1}."
        )
    return pa.array(labels, pa.string()).take(pa.array(numbers))
