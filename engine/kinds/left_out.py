"""Parts of a row that can be left out, to see what its prediction is without them: patches of a picture, words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

_Of = TypeVar("_Of")


@dataclass(frozen=True, slots=True)
class Patch:
    """A rectangle of the picture as the model gets it; its sides as shares of the picture's width and height."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Passage:
    """The signs [start, stop) of the text in that column: a word, or some in a row."""

    column: str
    start: int
    stop: int


Part = Patch | Passage


def spread(parts: Sequence[_Of], rounds: int = 4) -> tuple[_Of, ...]:
    """The same in an order whose first ones lie all over: who has to stop early has seen a bit of everything."""
    return tuple(part for first in range(rounds) for part in parts[first::rounds])
