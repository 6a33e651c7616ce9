"""How well sets of labels were predicted, over the lines whose labels are known. Workers compute what needs torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, reduce

import polars as pl

from engine.cards.cells import text, typed
from engine.cards.parts import Column
from engine.evaluation.asking import asked
from engine.evaluation.curves import Curve
from engine.evaluation.labels import Used, count_used, is_empty, usable
from engine.kinds.predicted import NO_LABEL, LabelSets
from engine.results.filters import Filters
from engine.results.results import Results

_SIGNS = (";", "|", ",")


@dataclass(frozen=True, slots=True)
class LabelSetFigures:
    """Figures over `used.rows` lines.

    `exact` is the share of lines whose labels are all right, `hamming` the share of single answers that are wrong;
    `micro_f1` counts every answer alike, `macro_f1` and `auroc` every label that occurs; `auroc` is None where none
    can be told apart. `per_label` has label, rows, predicted, precision, recall, f1, auroc.
    """

    used: Used
    exact: float
    hamming: float
    micro_f1: float
    macro_f1: float
    auroc: float | None
    per_label: pl.DataFrame


class LabelSetEvaluation:
    """The judgement of one run's labels by those that the upload brought: a column of texts, or a column for each."""

    has_shares = True

    def __init__(self, results: Results, columns: tuple[str, ...], predicted: LabelSets) -> None:
        """`columns` are those of the upload that hold labels; where several do, each stands for one label."""
        self.results, self.predicted, self.labels = results, predicted, predicted.labels
        own = {label: column for label, column in predicted.targets if column in columns}
        self.column = "" if own else columns[0]
        self.own: Mapping[str, str] = own
        self.label = ", ".join(own.values()) if own else columns[0]

    @property
    def judged(self) -> tuple[str, ...]:
        """The labels of which something is known, in the order of the card."""
        return tuple(label for label in self.labels if label in self.own or not self.own)

    def used(self, where: Filters = ()) -> Used:
        """How many lines of the selection can be judged, and why the others cannot."""
        named = self.column or next(iter(self.own.values()))
        return count_used(self.results.scan(where), self._empty, self._known, self._sound, named)

    def figures(self, where: Filters = ()) -> LabelSetFigures | None:
        """The figures of the selection, computed by a worker; None where not one line can be judged."""
        return asked(self.results, LabelSetFigures, "label_set_figures", where)

    def curve(self, label: str, where: Filters = ()) -> Curve | None:
        """ROC and precision–recall of one label; None where it holds of all lines or of none."""
        return asked(self.results, Curve, "label_curve", where, label=label)

    def lines(self, where: Filters = ()) -> pl.LazyFrame:
        """The lines that can be judged: for each label judged, by its number, t (holds), h (predicted), p (share)."""
        lines = self.results.scan(where).filter(usable(self._empty, self._known, self._sound))
        columns: list[pl.Expr] = []
        for number, label in enumerate(self.judged):
            place = self.labels.index(label)
            share = pl.col(self.predicted.shares[place])
            columns += [
                self._truth(label).cast(pl.Int8).alias(f"t{number}"),
                (share >= self.predicted.thresholds[place]).cast(pl.Int8).alias(f"h{number}"),
                share.clip(0, 1).alias(f"p{number}"),
            ]
        return lines.select(columns)

    def _truth(self, label: str) -> pl.Expr:
        if self.own:
            return self._yes_or_no(self.own[label])
        return self._parts.list.contains(label.casefold())

    @property
    def _parts(self) -> pl.Expr:
        """The labels in a cell, each once, without the word for none."""
        signs = [sign for sign in _SIGNS if not any(sign in label for label in self.labels)]
        cell = text(pl.col(self.column), self._schema[self.column]).str.to_lowercase()
        cell = reduce(lambda words, sign: words.str.replace_all(sign, ";", literal=True), signs, cell)
        parts = cell.str.split(";").list.eval(pl.element().str.strip_chars())
        return parts.list.unique().list.set_difference(["", NO_LABEL])

    @property
    def _known(self) -> pl.Expr:
        if self.own:
            return pl.all_horizontal(self._yes_or_no(column).is_not_null() for column in self.own.values())
        labels = [label.casefold() for label in self.labels]
        return self._parts.list.set_difference(labels).list.len() == 0

    @property
    def _empty(self) -> pl.Expr:
        return pl.any_horizontal(is_empty(name, self._schema[name]) for name in self.own.values() or [self.column])

    @property
    def _sound(self) -> pl.Expr:
        return pl.all_horizontal(pl.col(share).is_finite() for share in self.predicted.shares)

    def _yes_or_no(self, column: str) -> pl.Expr:
        return typed(Column(name=column, type="boolean"), self._schema[column])

    @cached_property
    def _schema(self) -> Mapping[str, pl.DataType]:
        return self.results.scan().collect_schema()
