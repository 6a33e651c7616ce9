"""How a run is cut: spans of rows, planned once, so that a run that is resumed meets the batches it would have met."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count

from engine.card import ModelCard
from engine.runs.folder import RunFolder
from engine.runs.queue import Span
from engine.tasks import task_of


def planned(folder: RunFolder, card: ModelCard, rows: int, devices: int, shard_rows: int) -> tuple[Span, ...]:
    """Spans that cover all rows, one a device at least, none above `shard_rows`; a series is never cut."""
    most = max(1, min(shard_rows, -(-rows // devices)))
    inputs = task_of(card).inputs
    if not inputs.has_steps:
        return tuple(spans(rows, most))
    return tuple(_merged(inputs.batches(folder.rows(), card, most), most))


def missing(plan: Iterable[Span], finished: Iterable[Span]) -> tuple[Span, ...]:
    """What is left of the plan where shards with those rows are there."""
    done = sorted(finished)
    left = []
    for start, stop in plan:
        for first, last in done:
            if start <= first < stop:
                if start < first:
                    left.append((start, first))
                start = last
        if start < stop:
            left.append((start, stop))
    return tuple(left)


def spans(rows: int, most: int) -> Iterator[Span]:
    """[start, stop) ranges that cover `rows` rows, at most `most` each."""
    for start in count(0, most):
        if start >= rows:
            return
        yield start, min(start + most, rows)


def _merged(ranges: Sequence[Span], most: int) -> Iterator[Span]:
    """Neighbouring ranges put together, as long as they stay within `most` rows."""
    start, stop = ranges[0]
    for first, last in ranges[1:]:
        if last - start > most:
            yield start, stop
            start = first
        stop = last
    yield start, stop
