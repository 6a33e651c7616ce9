"""What a task's predictions are: one class, several labels, or numbers. What figures make sense follows from that."""

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
    """Each of `columns` is a number; `units` are theirs, in their order.

    `targets` are the columns of an upload that hold what is true, for those that have one of their own.
    """

    columns: tuple[str, ...]
    units: tuple[str, ...]
    targets: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Forecasts(Values):
    """The number is a forecast of the column `of` of a series, some steps ahead; `band` are its lowest and highest
    quantile's columns and what share of what comes should lie between them; empty where the model gives none.
    """

    of: str = ""
    series: str = ""
    step: str = ""
    season: int = 1
    band: tuple[str, str, float] | tuple[()] = ()


NO_LABEL = "none"
"""What stands for no label at all, in predictions and in labels."""


@dataclass(frozen=True, slots=True)
class LabelSets:
    """Any number of `labels` hold of a line: each whose probability, in the column of `shares`, reaches its threshold.

    `column` names them as text. `targets` are the columns of an upload that say of each label whether it holds.
    """

    column: str
    labels: tuple[str, ...]
    shares: tuple[str, ...]
    thresholds: tuple[float, ...]
    targets: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Embeddings:
    """A vector of so many `dimensions` stands in `column`; of rows that are alike they point the same way."""

    column: str
    dimensions: int


Predicted = Classes | Embeddings | LabelSets | Values
