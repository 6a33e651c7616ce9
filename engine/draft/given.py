"""What the host says of a model, what is open, and what comes of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Given:
    """What the host says. What is empty is looked for, and asked for where it cannot be found."""

    checkpoint: Path
    module: str
    sample: Path | None = None
    title: str = ""
    task: str = ""
    target: str = ""
    labels: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    output_kind: str = ""
    output_key: str = ""
    hyper_parameters: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, str] = field(default_factory=dict)
    """The host's functions, by the card's keys: encode, collate, decode."""
    series: str = ""
    step: str = ""
    forecast: str = ""
    quantiles: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """A key that nothing tells, why, and what it may be: `option` is how the host says it on the command line.

    `answer` is what may be typed on a terminal, where that is another form.
    """

    key: str
    why: str
    option: str = ""
    choices: tuple[str, ...] = ()
    example: str = ""
    answer: str = ""
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Draft:
    """A card as far as it is known, why its keys are what they are, and what is open."""

    card: Mapping[str, Any]
    reasons: Mapping[str, str]
    questions: tuple[Question, ...]

    @property
    def works(self) -> bool:
        """Whether nothing is open that a prediction needs."""
        return not any(question.needed for question in self.questions)
