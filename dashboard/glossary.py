"""What a model's figures mean, for those who never met them: a sentence for each name that is common in the field."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_HIGHER, _LOWER = "the higher, the better.", "the lower, the better."
_SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "accuracy": f"The share of rows whose class was right; {_HIGHER}",
        "balanced accuracy": f"The share that was right, averaged over the classes, however rare; {_HIGHER}",
        "auroc": "How well the probabilities tell classes apart: 1 is perfect, 0.5 is chance.",
        "average precision": "How well the probabilities put the rows that are meant first: 1 is perfect.",
        "precision": f"Of what the model called so, the share that was so; {_HIGHER}",
        "recall": f"Of what was so, the share that the model found; {_HIGHER}",
        "f1": "What is found and what is right about it, in one figure: 1 is perfect, 0 is worst.",
        "micro f1": "What is found and what is right about it, over all labels at once: 1 is perfect, 0 is worst.",
        "macro f1": "What is found and what is right about it, averaged over the classes: 1 is perfect, 0 is worst.",
        "log loss": f"How far the probabilities are from the truth; {_LOWER}",
        "mae": f"The average error, in the unit of what is predicted; {_LOWER}",
        "rmse": f"The typical error, large ones counting more, in the unit of what is predicted; {_LOWER}",
        "mape": f"The average error as a share of the true value; {_LOWER}",
        "smape": f"The average error as a share of the true and the predicted value; {_LOWER}",
        "r²": "How much of what varies is foreseen: 1 is all of it, 0 is no more than the average would.",
        "map": "How well things are found, named and outlined by boxes: 1 is perfect.",
        "ap50": "How well things are found and named, where a box that covers about half counts: 1 is perfect.",
        "mean iou": "How far the predicted and the true areas overlap, averaged over the classes: 1 is perfect.",
    }
)


def meaning(name: str) -> str:
    """The sentence for a figure of that name, or of one that begins so, as in "R² of body mass"; "" where none is."""
    words = name.lower().replace("r2", "r²").split()
    for length in range(len(words), 0, -1):
        found = _SENTENCES.get(" ".join(words[:length]))
        if found:
            return found
    return ""
