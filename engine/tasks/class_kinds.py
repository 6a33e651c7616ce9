"""What a model's figures for classes are: of rows or of pixels, the same questions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.cards.card import ModelCard, OutputKind
from engine.errors import ModuleProbeError

if TYPE_CHECKING:
    import torch

_SUMS_TO_ONE = 1e-3


def kind_of_figures(output: torch.Tensor, card: ModelCard, of: str) -> OutputKind:
    """Class numbers are integers; probabilities are 0 … 1 and sum to one; else logits.

    `output` is (n, labels, …) or (n, 1, …), `of` what each of its figures is for: "row" or "pixel". A single figure
    could be a logit or a probability: then the card has to say it.
    """
    if output.shape[1] == 1:
        return _kind_of_one(output, card, of)
    if card.output_kind == "classes":
        raise ModuleProbeError(f"output_kind: the card says classes; the model gives {output.shape[1]} figures a {of}.")
    adds_up = bool(((output.float().sum(dim=1) - 1).abs() < _SUMS_TO_ONE).all()) and bool((output >= 0).all())
    if card.output_kind == "probabilities" and not adds_up:
        raise ModuleProbeError(f"output_kind: the card says probabilities; the model's {of}s do not sum to one.")
    return card.output_kind or ("probabilities" if adds_up else "logits")


def _kind_of_one(output: torch.Tensor, card: ModelCard, of: str) -> OutputKind:
    if not output.is_floating_point():
        if card.output_kind not in (None, "classes"):
            raise ModuleProbeError(f"output_kind: the card says {card.output_kind}; the model gives class numbers.")
        return "classes"
    if card.output_kind is None or (card.output_kind != "classes" and len(card.labels) != 2):
        raise ModuleProbeError(
            f"The model gives one figure a {of} for {len(card.labels)} labels: say in the card whether output_kind is "
            "logits or probabilities (of the second of two labels), or classes."
        )
    return card.output_kind
