"""How a run may be cut: where its batches begin, decided once, so that every cutting gives the same batches."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from engine.cards.card import ModelCard
from engine.runs.folder import RunFolder
from engine.runs.queue import Span
from engine.runs.run import Options
from engine.tasks import task_of, usual_batch_size

_BATCHES_WORTH_MEASURING = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """The batches of a run: `batch_size` lines each, or from one of `edges` to the next where they are not all alike.

    Whoever predicts a part of the run, wherever and whenever, cuts it where a batch begins. So each row is predicted
    among the same rows, and comes out the same to the bit, however many devices there are and however often they die.
    """

    batch_size: int
    edges: tuple[int, ...] = ()

    def cut(self, span: Span, lines: float) -> tuple[Span, Span | None]:
        """About the first `lines` of the span, whole batches, one at least; and the rest, None where there is none."""
        start, stop = span
        if self.edges:
            first = bisect_right(self.edges, start)
            place = max(first, bisect_left(self.edges, start + lines))
            end = self.edges[place] if place < len(self.edges) else stop
        else:
            end = (start // self.batch_size + max(1, round(lines / self.batch_size))) * self.batch_size
        return (start, min(end, stop)), ((end, stop) if end < stop else None)

    def keep(self, folder: RunFolder) -> Plan:
        """The plan, written into the run's folder: from now on its batches stand fast."""
        folder.write_plan(self.to_json())
        return self

    def to_json(self) -> dict[str, Any]:
        return {"batch_size": self.batch_size, "edges": list(self.edges)}

    @classmethod
    def from_json(cls, content: Any) -> Plan | None:
        """The plan; None where it is not one, as of an older version: what is left is then planned anew."""
        if not isinstance(content, dict):
            return None
        return cls(content["batch_size"], tuple(content["edges"]))


def planned(folder: RunFolder, card: ModelCard, rows: int, batch_size: int) -> Plan:
    """The plan of a run in batches of so many lines; a series is never cut."""
    inputs = task_of(card).inputs
    if not inputs.has_steps:
        return Plan(batch_size)
    batches = inputs.batches(folder.rows(), card, batch_size)
    return Plan(batch_size, (*(start for start, _ in batches), rows))


def planned_at_once(folder: RunFolder, card: ModelCard, rows: int, options: Options) -> Plan | None:
    """The plan, kept, where its batch size is given or hardly matters; None where it is worth measuring first."""
    usual = usual_batch_size(card)
    if options.batch_size is None and rows >= _BATCHES_WORTH_MEASURING * usual:
        return None
    return planned(folder, card, rows, options.batch_size or usual).keep(folder)


def missing(span: Span, finished: Iterable[Span]) -> tuple[Span, ...]:
    """What is left of the span where shards with those rows are there."""
    left = []
    start, stop = span
    for first, last in sorted(finished):
        if start < first:
            left.append((start, first))
        start = max(start, last)
    if start < stop:
        left.append((start, stop))
    return tuple(left)
