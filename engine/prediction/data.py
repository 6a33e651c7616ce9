"""The DataLoader of a prediction: ready batches in the order of the rows, nothing collated row by row."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from math import isqrt

import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset

from engine.cards.card import ModelCard
from engine.checkpoints.calling import Batch, Calling
from engine.errors import EncodeRaised, PredictionFailed
from engine.ingest.table import FAULT
from engine.own_code.refused_rows import RowsRefused, good_places, refused_rows
from engine.tasks.task import Task

AHEAD_OF_A_GPU = 2
_FEW_LINES = 32


class PredictDataset(Dataset[Batch]):
    """Item *i* is the *i*-th batch: the good rows of `ranges[i]`, as the module wants them.

    `ranges` are [start, stop) of `rows`; a range without one good row is not among them. A batch's number is its
    range, so row identity needs no further bookkeeping. RowsRefused tells of rows of a batch that the card's own code
    does not take: `spoil` notes them, and the batch can be asked for again.
    """

    def __init__(self, rows: pa.Table, card: ModelCard, task: Task, calling: Calling, batch_size: int) -> None:
        self._rows, self._card, self._task, self._calling = rows, card, task, calling
        ranges = task.inputs.batches(rows, card, batch_size)
        self.ranges = _worth(ranges, rows)

    def __len__(self) -> int:
        return len(self.ranges)

    def __getitem__(self, index: int) -> Batch:
        inputs = self._task.inputs
        span = self.ranges[index]
        good = good_rows(self._rows, span)
        try:
            x = self._calling.own.encoded(good, self._card, inputs)
        except EncodeRaised as exc:
            refused = refused_rows(self._calling.own, good, self._card, inputs)
            if not refused:
                raise
            places = good_places(self._rows, span)
            raise RowsRefused({int(places[line]): words for line, words in refused.items()}) from exc
        return self._calling.pack(x, lambda: inputs.columns_of(x, self._card) if isinstance(x, torch.Tensor) else {})

    def spoil(self, rows: pa.Table, line: int) -> None:
        """Takes the rows again, of which more have a fault now, all in the batch of that line."""
        self._rows = rows
        number = bisect_left(self.ranges, (line + 1,)) - 1
        self.ranges[number : number + 1] = _worth(self.ranges[number : number + 1], rows)

    def first_after(self, lines: int) -> int:
        """The number of the first batch behind so many lines."""
        return bisect_left(self.ranges, (lines, lines))

    def part(self, number: int) -> bool:
        """Makes small batches of a large one, single rows of a small one; False where it is one row, or one series.

        Not halves: each batch that fails ends its Trainer, and another one takes longer than some rows by themselves.
        """
        start, stop = self.ranges[number]
        return (stop - start > _FEW_LINES and self._cut(number, isqrt(stop - start))) or self._cut(number, 1)

    def halve(self, number: int) -> int:
        """Makes two of a batch that the memory does not hold; returns its lines. PredictionFailed where it cannot."""
        start, stop = self.ranges[number]
        lines = stop - start
        if not self._cut(number, -(-lines // 2)):
            counted = "1 row" if lines == 1 else f"{lines} rows"
            raise PredictionFailed(
                f"The memory does not hold the model '{self._card.title}' and {counted}, which cannot be "
                "cut further. Free memory of the device, or take a larger one."
            )
        return lines

    def _cut(self, number: int, lines: int) -> bool:
        """Makes batches of so many lines of that one; False where it cannot be cut so."""
        start, stop = self.ranges[number]
        part = self._rows.slice(start, stop - start)
        parts = self._task.inputs.batches(part, self._card, lines)
        if len(parts) > 1:
            worth = _worth(parts, part)
            self.ranges[number : number + 1] = [(start + first, start + last) for first, last in worth]
        return len(parts) > 1


class _Ahead(IterableDataset[Batch]):
    """The dataset's batches from number `first` on, in order; a thread makes the next ones while one is predicted."""

    def __init__(self, dataset: PredictDataset, first: int) -> None:
        self._dataset, self._first = dataset, first

    def __iter__(self) -> Iterator[Batch]:
        with ThreadPoolExecutor(1, "forelight-encode") as pool:
            waiting: deque[Future[Batch]] = deque()
            for number in range(self._first, len(self._dataset)):
                waiting.append(pool.submit(self._dataset.__getitem__, number))
                if len(waiting) > AHEAD_OF_A_GPU:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()


def predict_dataloader(dataset: PredictDataset, first: int = 0, kind: str = "cpu") -> DataLoader[Batch]:
    """Hands the dataset's batches out as they are, from number `first` on: no sampler, no collation.

    For a GPU (`kind` "cuda") they are made ahead, in memory that it copies from while it computes. A CPU has no core
    to spare for that.
    """
    if kind == "cuda":
        return DataLoader(_Ahead(dataset, first), batch_size=None, num_workers=0, pin_memory=torch.cuda.is_available())
    left = Subset(dataset, range(first, len(dataset)))
    return DataLoader(left, batch_size=None, shuffle=False, num_workers=0)


def good_rows(rows: pa.Table, span: tuple[int, int]) -> pa.Table:
    """The rows of [start, stop) that can be predicted; a view where all of them can."""
    part = rows.slice(span[0], span[1] - span[0])
    if FAULT not in part.column_names:
        return part
    good = pc.is_null(part.column(FAULT))
    return part if pc.all(good).as_py() else part.filter(good)


def _worth(ranges: list[tuple[int, int]], rows: pa.Table) -> list[tuple[int, int]]:
    """Those with a row that can be predicted."""
    return [span for span in ranges if FAULT not in rows.column_names or good_rows(rows, span).num_rows]
