"""What the judgements of boxes and of masks share: the pictures that can be judged, as their truth came along."""

from __future__ import annotations

import polars as pl

from engine.evaluation.labels import Used, count_used
from engine.results.filters import Filters
from engine.results.results import Results


class PictureEvaluation:
    """Of one run; `label` is the column of the truth, empty where a picture came without one."""

    def __init__(self, results: Results, label: str) -> None:
        self.results, self.label = results, label

    def used(self, where: Filters = ()) -> Used:
        """How many pictures of the selection can be judged, and why the others cannot."""
        everything = pl.lit(value=True)
        return count_used(self.results.scan(where), self._empty, everything, everything, self.label)

    def _judged(self, where: Filters) -> pl.LazyFrame:
        """The lines of those pictures."""
        return self.results.scan(where).filter((pl.col("status") == "ok") & ~self._empty)

    @property
    def _empty(self) -> pl.Expr:
        return pl.col(self.label).is_null()
