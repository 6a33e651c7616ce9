"""How sure a detector was of the boxes that it found: not of pictures, of single boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from engine.results.filters import Filters
from engine.results.results import Results

_BINS = 20


def box_scores(results: Results, column: str, where: Filters = ()) -> pl.DataFrame:
    """How many of the boxes in `column` have a score from `lo` to `hi`: columns label, lo, hi, boxes; no empty bins."""
    boxes = results.scan(where).select(pl.col(column)).explode(column).filter(pl.col(column).is_not_null())
    place = (pl.col(column).struct.field("score") * _BINS).floor().clip(0, _BINS - 1).cast(pl.Float64)
    named = boxes.select(label=pl.col(column).struct.field("label"), bin=place)
    counted = named.group_by("label", "bin").agg(boxes=pl.len()).collect(engine="streaming")
    edges = {"lo": pl.col("bin") / _BINS, "hi": (pl.col("bin") + 1) / _BINS}
    return counted.sort("bin", "label").select("label", **edges, boxes="boxes")


def box_counts(
    results: Results, labels: Sequence[str], counts: Sequence[str], where: Filters = ()
) -> Mapping[str, int]:
    """How many objects of each label there are in all pictures; `counts` are the labels' columns."""
    sums = results.scan(where).select(pl.col(list(counts)).sum()).collect(engine="streaming").row(0)
    return {label: int(found or 0) for label, found in zip(labels, sums, strict=True)}
