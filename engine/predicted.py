"""What a task's predictions are: a class out of some, or numbers. What figures make sense follows from that."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Classes:
    """The class of a line stands in `column`.

    `shares` are the columns with the probability of each of `labels`, in their order, and `confidence` the one with the
    largest of them; empty where the model gives classes alone.
    """

    column: str
    labels: tuple[str, ...]
    shares: tuple[str, ...] = ()
    confidence: str = ""


@dataclass(frozen=True, slots=True)
class Values:
    """Each of `columns` is a number; `units` are theirs, in their order."""

    columns: tuple[str, ...]
    units: tuple[str, ...]


Predicted = Classes | Values
