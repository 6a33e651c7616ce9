"""What a task wants shown of its results: values, drawn by whoever shows them. No data and no drawing here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Headline:
    """One figure above the charts; `help` says how to read it."""

    label: str
    value: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class Distribution:
    """How often which value of a number column was predicted."""

    column: str
    title: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class ClassBalance:
    """How many lines each class got."""

    column: str
    labels: tuple[str, ...]
    title: str = "Predicted classes"


@dataclass(frozen=True, slots=True)
class Confidence:
    """How sure the model was, a colour a class."""

    column: str
    by: str
    labels: tuple[str, ...]
    title: str = "Confidence"


@dataclass(frozen=True, slots=True)
class Against:
    """Predictions against a column a person chooses; points coloured by `color` where given."""

    y: tuple[str, ...]
    x: tuple[str, ...]
    units: tuple[tuple[str, str], ...] = ()
    color: str = ""
    labels: tuple[str, ...] = ()
    title: str = "Prediction against a column"


@dataclass(frozen=True, slots=True)
class Gallery:
    """Pictures with their prediction."""

    labels: tuple[str, ...]
    title: str = "Pictures"


@dataclass(frozen=True, slots=True)
class SeriesLines:
    """One series at a time: what went in and what came out, over its steps."""

    series: str
    step: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    title: str = "Series"


View = Distribution | ClassBalance | Confidence | Against | Gallery | SeriesLines
