"""Typed rows to try a model's own `encode` with: those of the card's sample, else made up from its signature."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from engine.cards.card import Column, ModelCard
from engine.errors import ForelightError
from engine.ingest.table import FAULT, INPUT_FILE, PIXELS
from engine.own_code.functions import OwnCode
from engine.own_code.refused_rows import without_refused
from engine.readers import Source
from engine.settings import Settings
from engine.tasks.table_inputs import probe_columns
from engine.tasks.task import Task

_MOST_BYTES = 16 * 2**20
_MOST_ITEMS = 5
_STEPS = 4


def probe_rows(
    card: ModelCard, task: Task, folder: Path | None, counts: Sequence[int], own: OwnCode
) -> Iterator[list[pa.Table]]:
    """For each of `counts` a table of that many items, as a run's input has them: none is faulty, none refused.

    First of all items of the sample, then of each alone: `decode` may not take all of them.
    """
    first = _sampled(card, task, folder) if folder is not None else None
    if first is None:
        yield [_made_up(card, count) for count in counts]
        return
    taken = without_refused(own, first, card, task.inputs)
    yield [_repeated(taken, card, count) for count in counts]
    for start, stop in task.inputs.batches(taken, card, 1):
        yield [_repeated(taken.slice(start, stop - start), card, count) for count in counts]


def _sampled(card: ModelCard, task: Task, folder: Path) -> pa.Table | None:
    """The good rows of the card's first sample; None where it has none that is small and whole."""
    paths = [folder / file for file in card.samples[0].files] if card.samples else []
    if not paths or not all(path.is_file() for path in paths) or sum(p.stat().st_size for p in paths) > _MOST_BYTES:
        return None
    with TemporaryDirectory(prefix="forelight-") as name:
        sources = [Source(path.name, path) for path in paths]
        try:
            report = task.inputs.ingest(sources, card, Path(name), Settings(), {}, lambda stage, done, total: None)
        except ForelightError:
            return None
        if report.fatal:
            return None
        with pa.OSFile(str(Path(name) / INPUT_FILE)) as file:
            rows = pa.ipc.open_file(file).read_all()
    if FAULT in rows.column_names:
        rows = rows.filter(pc.is_null(rows.column(FAULT)))
    spans = task.inputs.batches(rows, card, 1)
    return rows.slice(0, spans[min(len(spans), _MOST_ITEMS) - 1][1]) if spans else None


def _repeated(rows: pa.Table, card: ModelCard, count: int) -> pa.Table:
    """`count` items, taken from the first on, and again from the first; of series the first one, as often."""
    if card.sequence is None:
        return rows.take(pa.array(np.arange(count) % rows.num_rows)).combine_chunks()
    frame = pl.DataFrame(rows)
    series = frame.filter(pl.col(card.sequence.series) == frame[card.sequence.series][0])
    renamed = [series.with_columns(pl.lit(f"series {n}").alias(card.sequence.series)) for n in range(count)]
    return pl.concat(renamed).to_arrow(compat_level=pl.CompatLevel.oldest())


def _made_up(card: ModelCard, count: int) -> pa.Table:
    """Items whose values are valid by the signature and differ from row to row; texts are the columns' examples."""
    if card.image is not None:
        size = int(np.prod((card.image.channels, *card.image.size)))
        pixels = (np.arange(count * size) * 73 % 256).astype(np.uint8)
        blocks = pa.FixedSizeBinaryArray.from_buffers(pa.binary(size), count, [None, pa.py_buffer(pixels)])
        return pa.table({"file": [f"{number}.png" for number in range(count)], PIXELS: blocks})
    steps = (card.sequence.length or _STEPS) if card.sequence else 1
    lines = count * steps
    values = (
        probe_columns(card.signature, lines, standardised=False).numpy() if card.signature else np.empty((lines, 0))
    )
    table = {column.name: _values(column, values[:, place]) for place, column in enumerate(card.signature)}
    if card.sequence is None:
        return pa.table(table)
    order = {
        card.sequence.series: pa.array([f"series {line // steps}" for line in range(lines)]),
        card.sequence.step: pa.array([str(line % steps + 1) for line in range(lines)]),
    }
    return pa.table({**order, **table})


def _values(column: Column, numbers: np.ndarray) -> pa.Array:
    if column.type == "category":
        return pa.array([column.categories[int(number)] for number in numbers], pa.string())
    if column.type == "boolean":
        return pa.array(numbers.astype(bool))
    if column.type == "string":
        text = "a text" if column.example is None else str(column.example)
        return pa.array([text] * len(numbers), pa.string())
    return pa.array(numbers.astype(np.int64 if column.type == "integer" else np.float64))
