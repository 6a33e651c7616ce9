"""Embeddings seen from afar, from one row, and by labels. Workers compute what takes long."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from engine.evaluation.asking import asked
from engine.evaluation.labels import Used, count_used, is_empty
from engine.kinds.predicted import Embeddings
from engine.results.filters import Filters
from engine.results.results import Results


@dataclass(frozen=True, slots=True)
class Projection:
    """The two directions in which `rows` embeddings differ most (principal components), at most 4,000 of them.

    `points` has row, x, y; `first` and `second` are the shares of the whole variance that x and y hold.
    """

    rows: int
    first: float
    second: float
    points: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Alike:
    """The rows most alike to one, the most alike first: row, similarity (cosine, -1 to 1); of so many `rows`."""

    rows: int
    found: pl.DataFrame


@dataclass(frozen=True, slots=True)
class EmbeddingFigures:
    """Whether rows that lie near each other have the same label; each row is looked up among all others.

    `nearest` is the share of rows whose nearest other row has their label, `five` the mean share among the five
    nearest, `chance` what rows picked at random would give. `per_label` has label, rows, nearest. Over `judged` rows,
    evenly spaced where there are more.
    """

    used: Used
    judged: int
    nearest: float
    five: float
    chance: float
    per_label: pl.DataFrame


class EmbeddingEvaluation:
    """The judgement of one run's embeddings by the labels in the column `label`."""

    def __init__(self, results: Results, label: str, predicted: Embeddings) -> None:
        self.results, self.label, self.predicted = results, label, predicted

    def used(self, where: Filters = ()) -> Used:
        """How many lines of the selection can be judged, and why the others cannot."""
        empty = is_empty(self.label, self.results.scan().collect_schema()[self.label])
        return count_used(self.results.scan(where), empty, pl.lit(True), pl.lit(True), self.label)

    def figures(self, where: Filters = ()) -> EmbeddingFigures | None:
        """The figures of the selection, computed by a worker; None where not two lines can be judged."""
        return asked(self.results, EmbeddingFigures, "embedding_figures", where)


def projection(results: Results, where: Filters = ()) -> Projection | None:
    """The map of the lines that the filters leave, made by a worker; None where there are not two."""
    return asked(results, Projection, "projected", where)


def alike(results: Results, row: int) -> Alike | None:
    """The rows most alike to `row`, found by a worker; None where it has no embedding."""
    return asked(results, Alike, "most_alike", (), row=str(row))
