"""What a task wants shown of its results: values, drawn by whoever shows them. No data and no drawing here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Headline:
    """One figure above the charts; `help` says how to read it."""

    label: str
    value: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class Distribution:
    """How often which value of a number column was predicted; `whole` where it counts, so that a bar is one number."""

    column: str
    title: str
    unit: str = ""
    whole: bool = False

    def shift(self, lo: Iterable[float], hi: Iterable[float]) -> float:
        """How far bins of single whole numbers are moved to lie around them: bin 2 to 3 holds nothing but 2."""
        return -0.5 if self.whole and all(high - low == 1 for low, high in zip(lo, hi, strict=True)) else 0.0


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
class Threshold:
    """How many lines each of two classes gets where the second one's share has to reach a threshold."""

    column: str
    positive: str
    negative: str
    labels: tuple[str, ...]
    title: str = "Decision threshold"


@dataclass(frozen=True, slots=True)
class Review:
    """Lines that a person should look at: the least sure ones, and those whose two likeliest classes are nearest.

    `shares` maps each label to the column of its probability; empty where there are too many to compare.
    """

    chosen: str
    confidence: str
    shares: tuple[tuple[str, str], ...] = ()
    title: str = "Needs review"


@dataclass(frozen=True, slots=True)
class Extremes:
    """The lines with the highest and the lowest predictions."""

    columns: tuple[str, ...]
    units: tuple[tuple[str, str], ...] = ()
    title: str = "Lowest and highest"


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
class ClassAreas:
    """How much of the pictures each class covers: `shares` are the columns of the labels, in their order."""

    shares: tuple[str, ...]
    labels: tuple[str, ...]
    title: str = "Area by class"


@dataclass(frozen=True, slots=True)
class FoundObjects:
    """How many objects of each class were found in all pictures, and how sure the model was of them.

    The boxes stand in `column`, `counts` are the columns of `labels`; a box counts from a score of `threshold` on.
    """

    column: str
    counts: tuple[str, ...]
    labels: tuple[str, ...]
    threshold: float
    title: str = "Objects by class"


@dataclass(frozen=True, slots=True)
class SeriesLines:
    """One series at a time: what went in and what came out, over its steps."""

    series: str
    step: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    title: str = "Series"


@dataclass(frozen=True, slots=True)
class SeriesGrid:
    """Many series side by side, each over its steps; those in which an output moves most first."""

    series: str
    step: str
    outputs: tuple[str, ...]
    title: str = "Where the outputs move most"


@dataclass(frozen=True, slots=True)
class LabelShare:
    """One of several labels that may hold at once: the column of its probability, and from where on it holds."""

    label: str
    column: str
    threshold: float


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """How many lines each label holds of."""

    shares: tuple[LabelShare, ...]
    title: str = "Predicted labels"


@dataclass(frozen=True, slots=True)
class LabelThreshold:
    """The probabilities of one label, and how many lines it would hold of from another threshold on."""

    shares: tuple[LabelShare, ...]
    title: str = "Threshold of a label"


@dataclass(frozen=True, slots=True)
class LabelsTogether:
    """How many lines each two labels hold of together."""

    shares: tuple[LabelShare, ...]
    title: str = "Labels that come together"


@dataclass(frozen=True, slots=True)
class LabelReview:
    """Lines that a person should look at: those where a label's probability is nearest to its threshold."""

    shares: tuple[LabelShare, ...]
    title: str = "Needs review"


@dataclass(frozen=True, slots=True)
class ForecastLines:
    """One series at a time: its history, the forecast, the `band` that the lowest and highest quantile span, or none,
    and what came later in the column `later`, where the file has it.
    """

    series: str
    step: str
    of: str
    forecast: str
    band: tuple[str, str] | tuple[()] = ()
    later: str = ""
    title: str = "History and forecast"


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts with what was predicted of them, those that the model was least sure of first where it says how sure."""

    column: str
    labels: tuple[str, ...]
    title: str = "Texts"


@dataclass(frozen=True, slots=True)
class EmbeddingMap:
    """Embeddings in the two directions in which they differ most; near points are rows that are alike."""

    column: str
    labels: tuple[str, ...] = ()
    title: str = "Map of the embeddings"


View = (
    Distribution
    | EmbeddingMap
    | Texts
    | ForecastLines
    | LabelCounts
    | LabelThreshold
    | LabelsTogether
    | LabelReview
    | ClassBalance
    | Confidence
    | Threshold
    | Review
    | Extremes
    | Against
    | Gallery
    | ClassAreas
    | FoundObjects
    | SeriesLines
    | SeriesGrid
)
