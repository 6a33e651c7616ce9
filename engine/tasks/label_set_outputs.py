"""Several labels at once: each holds or does not, whatever the others do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from engine.cards.card import ModelCard, OutputKind
from engine.errors import CardError, ModuleProbeError
from engine.kinds.predicted import NO_LABEL, LabelSets
from engine.tasks.class_outputs import probability_names
from engine.tasks.task import Queries
from engine.views import Against, Headline, LabelCounts, LabelReview, LabelShare, LabelsTogether, LabelThreshold, View

if TYPE_CHECKING:
    import torch

BETWEEN = "; "
_USUAL = 0.5
_MOST_TOGETHER = 40


class LabelSetOutputs:
    """The model's output has a figure for each of the card's labels, and each is decided by itself."""

    def check_card(self, card: ModelCard) -> None:
        if not card.labels:
            raise CardError("key 'labels' is missing: name them, in the order of the model's outputs")
        odd = [label for label in card.labels if label == NO_LABEL or BETWEEN.strip() in label]
        if odd:
            raise CardError(
                f"labels: '{odd[0]}' cannot be told from '{NO_LABEL}', or from two labels; call it otherwise"
            )
        if card.output_kind in ("values", "classes"):
            raise CardError(
                f"output_kind: '{card.output_kind}' does not say which labels hold; a '{card.task}' gives logits or "
                "probabilities, one for each label"
            )

    def find_kind(self, output: torch.Tensor, card: ModelCard) -> OutputKind:
        """Probabilities where every figure is 0 … 1, else logits; they need not sum to one."""
        width = 1 if output.ndim == 1 else output.shape[-1]
        if output.ndim > 2 or width != len(card.labels):
            raise ModuleProbeError(
                f"The model gives {list(output.shape[1:]) or 'one figure'} for a row; the card names "
                f"{len(card.labels)} labels ({', '.join(card.labels[:6])}). Name each once, in the outputs' order."
            )
        within = bool(((output >= 0) & (output <= 1)).all())
        if card.output_kind == "probabilities" and not within:
            raise ModuleProbeError("output_kind: the card says probabilities; the model gives figures beyond 0 to 1.")
        return card.output_kind or ("probabilities" if within else "logits")

    def schema(self, card: ModelCard, kind: OutputKind) -> pa.Schema:
        return pa.schema([("prediction", pa.string()), *((name, pa.float32()) for name in probability_names(card))])

    def decode(self, output: torch.Tensor, card: ModelCard, kind: OutputKind, lines: pa.Table) -> list[pa.Array]:
        figures = output.float().reshape(len(output), -1)
        shares = (figures.sigmoid() if kind == "logits" else figures).numpy()
        holds = shares >= np.array(thresholds(card), np.float32)
        columns = [pa.array(np.ascontiguousarray(column)) for column in shares.T]
        return [_sets(holds, card.labels), *columns]

    def units(self, card: ModelCard) -> Mapping[str, str]:
        return {}

    def predicted(self, card: ModelCard, columns: Sequence[str]) -> LabelSets:
        own = tuple(card.targets.items())
        return LabelSets("prediction", card.labels, probability_names(card), thresholds(card), own)

    def views(self, card: ModelCard, columns: Sequence[str], against: Sequence[str]) -> tuple[View, ...]:
        names = probability_names(card)
        shares = tuple(map(LabelShare, card.labels, names, thresholds(card)))
        views: list[View] = [LabelCounts(shares), LabelThreshold(shares)]
        if 1 < len(shares) <= _MOST_TOGETHER:
            views.append(LabelsTogether(shares))
        views.append(LabelReview(shares))
        if against:
            units = tuple((column.name, column.unit) for column in card.signature if column.unit)
            views.append(Against(names, tuple(against), units))
        return tuple(views)

    def headline(self, card: ModelCard, columns: Sequence[str], results: Queries) -> tuple[Headline, ...]:
        counts = results.value_counts("prediction")
        counts = counts.filter(counts["value"].is_not_null())
        rows = int(counts["count"].sum())
        if not rows:
            return ()
        sets = [(text.split(BETWEEN) if text != NO_LABEL else [], number) for text, number in counts.iter_rows()]
        often = Counter(dict.fromkeys(card.labels, 0))
        for labels, number in sets:
            often.update(dict.fromkeys(labels, number))
        (top, held), most = often.most_common(1)[0], max(len(labels) for labels, _ in sets)
        bare = sum(number for labels, number in sets if not labels)
        return (
            Headline("Most frequent label", top, f"It holds of {held / rows:.1%} of the rows that were predicted."),
            Headline("Labels a row", f"{often.total() / rows:.2f}", f"The mean; the most that one row has is {most}."),
            Headline("Rows without a label", f"{bare:,}", "No label's probability reaches its threshold there."),
        )


def thresholds(card: ModelCard) -> tuple[float, ...]:
    """The probability from which on each label holds, in the order of the labels."""
    return tuple(card.thresholds.get(label, _USUAL) for label in card.labels)


def _sets(holds: np.ndarray, labels: Sequence[str]) -> pa.Array:
    """The labels of each line as one text; few texts stand for many lines."""
    patterns, places = np.unique(holds, axis=0, return_inverse=True)
    texts = [BETWEEN.join(label for label, held in zip(labels, line, strict=True) if held) for line in patterns]
    return pa.array([text or NO_LABEL for text in texts], pa.string()).take(pa.array(places.reshape(-1)))
