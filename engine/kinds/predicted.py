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


@dataclass(frozen=True, slots=True)
class Masks:
    """The class of each pixel stands in the PNGs of `column`, as places among `labels`.

    `shares` are the columns with the share of the picture that each of `labels` covers, `chosen` the one with the
    label that covers most beside the `background` ("" where there is none), `confidence` the mean over the pixels.
    """

    column: str
    labels: tuple[str, ...]
    shares: tuple[str, ...]
    chosen: str
    background: str = ""
    confidence: str = ""

    @property
    def as_classes(self) -> Classes:
        """The class that covers most of each picture."""
        return Classes(self.chosen, self.labels, self.shares, self.confidence)


@dataclass(frozen=True, slots=True)
class Boxes:
    """The boxes of each line stand in `column`, a list of label, score, x, y, width, height.

    `found` are those of `labels` that a box may have, `counts` the columns with how many of each there are, `total`
    the one with all: those with a score of at least `threshold`. Boxes below `lowest` are not kept.
    """

    column: str
    labels: tuple[str, ...]
    found: tuple[str, ...]
    counts: tuple[str, ...]
    total: str
    threshold: float
    lowest: float

    @property
    def as_values(self) -> Values:
        """How many there are in each picture."""
        columns = (self.total, *self.counts)
        return Values(columns, ("",) * len(columns))


Predicted = Boxes | Classes | Embeddings | LabelSets | Masks | Values


def comparable(predicted: Predicted) -> Predicted:
    """What of a prediction is set beside another run's: of masks the class that covers most, of boxes how many."""
    if isinstance(predicted, Masks):
        return predicted.as_classes
    return predicted.as_values if isinstance(predicted, Boxes) else predicted
