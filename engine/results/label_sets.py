"""Lines of which several labels may hold: how many, which together, and which are near to another answer."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from engine.results.filters import Filters
from engine.results.results import Results
from engine.views import LabelShare


def label_counts(results: Results, shares: Sequence[LabelShare], where: Filters = ()) -> pl.DataFrame:
    """How many lines each label holds of: label, rows."""
    counts = [_holds(share).sum().alias(str(place)) for place, share in enumerate(shares)]
    found = results.scan(where).select(counts).collect(engine="streaming").row(0)
    return pl.DataFrame(
        {"label": [share.label for share in shares], "rows": [int(rows or 0) for rows in found]},
        schema={"label": pl.String, "rows": pl.Int64},
    )


def labels_together(results: Results, shares: Sequence[LabelShare], where: Filters = ()) -> dict[tuple[str, str], int]:
    """How many lines each two labels hold of together; of a label and itself, how many it holds of."""
    pairs = [(one, two) for place, one in enumerate(shares) for two in shares[place:]]
    both = [(_holds(one) & _holds(two)).sum().alias(str(place)) for place, (one, two) in enumerate(pairs)]
    found = results.scan(where).select(both).collect(engine="streaming").row(0)
    cells = {(one.label, two.label): int(rows or 0) for (one, two), rows in zip(pairs, found, strict=True)}
    return cells | {(two, one): rows for (one, two), rows in cells.items()}


def nearest_calls(results: Results, shares: Sequence[LabelShare], limit: int, where: Filters = ()) -> pl.DataFrame:
    """The lines in which a label's probability is nearest to its threshold: row, label, apart, prediction."""
    gaps = [(pl.col(share.column) - share.threshold).abs() for share in shares]
    least = pl.min_horizontal(gaps)
    which = pl.coalesce(
        pl.when(gap == least).then(pl.lit(share.label)) for share, gap in zip(shares, gaps, strict=True)
    )
    lines = results.scan(where).filter(pl.col("prediction").is_not_null())
    found = lines.select("row", which.alias("label"), least.alias("apart"), "prediction")
    return found.sort("apart", "row").head(limit).collect(engine="streaming")


def _holds(share: LabelShare) -> pl.Expr:
    return pl.col(share.column) >= share.threshold
