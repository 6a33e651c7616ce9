"""Two runs on the same rows: whether they are the same, where the predictions agree, and where they differ most."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from engine.errors import NotComparable
from engine.kinds.predicted import Classes, Embeddings, LabelSets, Values, comparable
from engine.results.filters import Filters
from engine.results.results import Results

_SHARED_ROLES = ("input", "order", "label", "extra")


@dataclass(frozen=True, slots=True)
class ClassAgreement:
    """Over `rows` that both runs predicted: the share with the same class, and how many of each pair there are.

    `pairs` has a, b, rows: the class by the first and by the second run.
    """

    rows: int
    share: float
    pairs: pl.DataFrame


@dataclass(frozen=True, slots=True)
class ValueAgreement:
    """Over `rows` that both runs predicted, differences being second − first, in the value's unit.

    `share` of them differ by at most `tolerance`; `correlation` is Pearson's, None where one run gives one value.
    """

    rows: int
    share: float
    tolerance: float
    mean_difference: float
    mean_absolute_difference: float
    correlation: float | None


class _Comparison:
    """What both kinds share: the lines of two runs side by side, those that filters leave of the first."""

    def __init__(self, a: Results, b: Results) -> None:
        self.a, self.b = a, b

    def _beside(self, a: dict[str, pl.Expr], b: dict[str, pl.Expr], where: Filters) -> pl.LazyFrame:
        """row, and the asked columns of both runs, of lines that both predicted and that the filters leave."""
        first, second = (
            results.scan(chosen)
            .filter(pl.col("status") == "ok")
            .select("row", *(each.alias(name) for name, each in asked.items()))
            for results, asked, chosen in ((self.a, a, where), (self.b, b, ()))
        )
        return first.join(second, on="row", how="inner", maintain_order="left")


class ClassComparison(_Comparison):
    """Two runs that each chose a class for the same rows."""

    def __init__(self, a: Results, b: Results, of_a: Classes, of_b: Classes) -> None:
        super().__init__(a, b)
        self._of_a, self._of_b = of_a, of_b
        self.labels = tuple(dict.fromkeys((*of_a.labels, *of_b.labels)))
        """The classes of both, those of the first run first."""

    def agreement(self, where: Filters = ()) -> ClassAgreement:
        """How often the two runs chose the same class, and which instead."""
        pairs = (
            self._predictions(where)
            .group_by("a", "b")
            .agg(pl.len().alias("rows"))
            .sort("a", "b")
            .collect(engine="streaming")
        )
        rows = int(pairs["rows"].sum())
        same = int(pairs.filter(pl.col("a") == pl.col("b"))["rows"].sum())
        return ClassAgreement(rows, same / rows if rows else 0.0, pairs)

    @property
    def has_gap(self) -> bool:
        """Whether rows can be ordered by how far the probabilities are apart."""
        return bool(self._of_a.shares and self._of_b.shares and self._shared)

    def differences(self, limit: int = 50, where: Filters = ()) -> pl.DataFrame:
        """The lines that differ most: row, a, b, and gap, the largest difference of a class's probability (0 to 1).

        Without probabilities in both, the first lines with another class, and no gap.
        """
        if not self.has_gap:
            other = self._predictions(where).filter(pl.col("a") != pl.col("b"))
            return other.head(limit).collect(engine="streaming")
        beside = self._beside(self._with_shares(self._of_a, "a"), self._with_shares(self._of_b, "b"), where)
        gaps = [(pl.col(f"a{number}") - pl.col(f"b{number}")).abs() for number in range(len(self._shared))]
        apart = beside.select("row", "a", "b", pl.max_horizontal(gaps).alias("gap")).filter(pl.col("gap") > 0)
        return apart.sort("gap", "row", descending=[True, False]).head(limit).collect(engine="streaming")

    def _with_shares(self, classes: Classes, name: str) -> dict[str, pl.Expr]:
        """The class as `name`, and the probability of each shared label as `name` and the label's number."""
        places = (classes.labels.index(label) for label in self._shared)
        shares = {f"{name}{number}": pl.col(classes.shares[place]) for number, place in enumerate(places)}
        return {name: pl.col(classes.column), **shares}

    def _predictions(self, where: Filters) -> pl.LazyFrame:
        return self._beside({"a": pl.col(self._of_a.column)}, {"b": pl.col(self._of_b.column)}, where)

    @property
    def _shared(self) -> list[str]:
        return [label for label in self._of_a.labels if label in self._of_b.labels]


@dataclass(frozen=True, slots=True)
class LabelSetAgreement:
    """Over `rows` that both runs predicted: the share with the same labels, and the share of single answers alike.

    `per_label` has label, both, first (only), second (only), neither.
    """

    rows: int
    share: float
    answers: float
    per_label: pl.DataFrame


class LabelSetComparison(_Comparison):
    """Two runs that each said which labels hold of the same rows; `labels` are those that both know."""

    def __init__(self, a: Results, b: Results, of_a: LabelSets, of_b: LabelSets) -> None:
        super().__init__(a, b)
        self._of_a, self._of_b = of_a, of_b
        self.labels = tuple(label for label in of_a.labels if label in of_b.labels)

    def agreement(self, where: Filters = ()) -> LabelSetAgreement:
        """How often the two runs gave the same labels."""
        names = range(len(self.labels))
        pairs = [(pl.col(f"a{number}"), pl.col(f"b{number}")) for number in names]
        counts = [
            each.sum().alias(f"{kind}{number}")
            for number, (a, b) in zip(names, pairs, strict=True)
            for kind, each in (("both", a & b), ("first", a & ~b), ("second", b & ~a))
        ]
        same = pl.all_horizontal(a == b for a, b in pairs).mean().alias("same")
        beside = self._beside(_held(self._of_a, self.labels, "a"), _held(self._of_b, self.labels, "b"), where)
        found = beside.select(pl.len().alias("rows"), same, *counts).collect(engine="streaming").row(0, named=True)
        rows = int(found["rows"])
        kinds = {kind: [int(found[f"{kind}{number}"] or 0) for number in names] for kind in ("both", "first", "second")}
        other = [first + second for first, second in zip(kinds["first"], kinds["second"], strict=True)]
        neither = [rows - both - apart for both, apart in zip(kinds["both"], other, strict=True)]
        frame = pl.DataFrame({"label": self.labels, **kinds, "neither": neither})
        answers = 1 - sum(other) / (rows * len(self.labels)) if rows else 0.0
        return LabelSetAgreement(rows, float(found["same"] or 0), answers, frame)

    def differences(self, limit: int = 50, where: Filters = ()) -> pl.DataFrame:
        """The lines that differ most: row, a, b, and gap, the largest difference of a label's probability (0 to 1)."""
        first, second = (
            {name: pl.col(each.column)}
            | {f"{name}{place}": pl.col(_share_of(each, label)) for place, label in enumerate(self.labels)}
            for each, name in ((self._of_a, "a"), (self._of_b, "b"))
        )
        gaps = [(pl.col(f"a{place}") - pl.col(f"b{place}")).abs() for place in range(len(self.labels))]
        apart = self._beside(first, second, where).select("row", "a", "b", pl.max_horizontal(gaps).alias("gap"))
        return (
            apart.filter(pl.col("gap") > 0)
            .sort("gap", "row", descending=[True, False])
            .head(limit)
            .collect(engine="streaming")
        )


def _share_of(sets: LabelSets, label: str) -> str:
    return sets.shares[sets.labels.index(label)]


def _held(sets: LabelSets, labels: tuple[str, ...], name: str) -> dict[str, pl.Expr]:
    """Whether each of `labels` was predicted, as `name` and its number."""
    least = dict(zip(sets.labels, sets.thresholds, strict=True))
    return {f"{name}{place}": pl.col(_share_of(sets, label)) >= least[label] for place, label in enumerate(labels)}


class ValueComparison(_Comparison):
    """Two runs that each gave numbers for the same rows; `pairs` are outputs to compare, those of one name first."""

    def __init__(self, a: Results, b: Results, of_a: Values, of_b: Values) -> None:
        super().__init__(a, b)
        same = [(name, name) for name in of_a.columns if name in of_b.columns]
        others = [(one, other) for one in of_a.columns for other in of_b.columns if one != other]
        self.pairs = tuple(same + others)

    def agreement(self, pair: tuple[str, str], tolerance: float, where: Filters = ()) -> ValueAgreement:
        """How near the two runs are, differences up to `tolerance` counting as the same."""
        difference = (pl.col("b") - pl.col("a")).alias("difference")
        asked = [
            pl.len().alias("rows"),
            (difference.abs() <= tolerance).mean().alias("share"),
            difference.mean().alias("mean"),
            difference.abs().mean().alias("absolute"),
            pl.corr("a", "b").alias("correlation"),
        ]
        found = self._values(pair, where).select(asked).collect(engine="streaming").row(0, named=True)
        correlation = found["correlation"]
        defined = correlation is not None and correlation == correlation
        return ValueAgreement(
            int(found["rows"]),
            float(found["share"] or 0),
            tolerance,
            float(found["mean"] or 0),
            float(found["absolute"] or 0),
            float(correlation) if defined else None,
        )

    def tolerance(self, pair: tuple[str, str]) -> float:
        """A hundredth of the width in which the first run's middle nine tenths lie: small, seen over all rows."""
        spread = self.a.quantiles(pair[0])
        return (spread["p95"] - spread["p05"]) / 100 if spread else 0.0

    def scatter(self, pair: tuple[str, str], limit: int = 4_000, where: Filters = ()) -> pl.DataFrame:
        """At most `limit` lines, evenly spaced over the file: row, a, b."""
        lines = self._values(pair, where)
        rows = int(lines.select(pl.len()).collect(engine="streaming").item())
        return lines.gather_every(max(1, -(-rows // limit))).collect(engine="streaming")

    def differences(self, pair: tuple[str, str], limit: int = 50, where: Filters = ()) -> pl.DataFrame:
        """The lines that differ most: row, a, b, difference (b − a)."""
        lines = self._values(pair, where).with_columns((pl.col("b") - pl.col("a")).alias("difference"))
        lines = lines.filter(pl.col("difference") != 0)
        return (
            lines.sort(pl.col("difference").abs(), "row", descending=[True, False])
            .head(limit)
            .collect(engine="streaming")
        )

    def _values(self, pair: tuple[str, str], where: Filters) -> pl.LazyFrame:
        """row, a, b as float64, of the lines where both are finite."""
        a, b = (pl.col(name).cast(pl.Float64) for name in pair)
        return self._beside({"a": a}, {"b": b}, where).filter(pl.col("a").is_finite() & pl.col("b").is_finite())


Comparison = ClassComparison | LabelSetComparison | ValueComparison


def compare(a: Results, b: Results) -> Comparison:
    """The two runs side by side; NotComparable, with the reason, where they are not about the same rows."""
    of_a, of_b = comparable(a.predicted), comparable(b.predicted)
    _check_rows(a, b)
    if isinstance(of_a, Classes) and isinstance(of_b, Classes):
        return ClassComparison(a, b, of_a, of_b)
    if isinstance(of_a, Values) and isinstance(of_b, Values):
        return ValueComparison(a, b, of_a, of_b)
    if isinstance(of_a, LabelSets) and isinstance(of_b, LabelSets) and set(of_a.labels) & set(of_b.labels):
        return LabelSetComparison(a, b, of_a, of_b)
    if isinstance(of_a, Embeddings) and isinstance(of_b, Embeddings):
        raise NotComparable("Two models place rows in spaces of their own: embeddings have nothing to compare.")
    raise NotComparable("These runs predict different kinds of things: there is nothing to compare.")


def _check_rows(a: Results, b: Results) -> None:
    """Raises NotComparable unless both runs have as many rows, with the same cells in the columns that they share."""
    if a.run.rows_total != b.run.rows_total:
        raise NotComparable(
            f"These runs are not about the same rows: one has {a.run.rows_total:,}, the other {b.run.rows_total:,}. "
            "Predict the same file with both models."
        )
    shared = _shared_columns(a, b)
    if not shared:
        raise NotComparable("These runs share no column, so nothing says that their rows are the same.")
    first, second = _digests(a, b, shared), _digests(b, a, shared)
    other = [name for name in shared if first[name] != second[name]]
    if other:
        named = ", ".join(f"'{name}'" for name in other[:3]) + (" …" if len(other) > 3 else "")
        raise NotComparable(
            f"These runs are not about the same rows: {named} differ{'s' if len(other) == 1 else ''} between them. "
            "Predict the same file with both models."
        )


def _shared_columns(a: Results, b: Results) -> list[str]:
    """The columns of the files that both runs have, in one type."""
    of_b = {each.name: each.dtype for each in b.columns if each.role in _SHARED_ROLES and each.dtype != "list"}
    return [each.name for each in a.columns if each.role in _SHARED_ROLES and of_b.get(each.name) == each.dtype]


def _digests(results: Results, other: Results, columns: list[str]) -> dict[str, int]:
    """A number for each column that is another one where a cell is, over the rows that both runs have."""
    lines = results.scan()
    if results.n_rows != other.n_rows:
        lines = lines.join(other.scan().select("row"), on="row", how="semi")
    digests = (pl.struct("row", name).hash().sum().alias(f"{number}") for number, name in enumerate(columns))
    return dict(zip(columns, lines.select(digests).collect(engine="streaming").row(0), strict=True))
