"""The batch size at which a model predicts fastest on a device, found by trying on the rows at hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pyarrow as pa

from engine.checkpoints.warm import LoadedModel
from engine.prediction.predictor import predict_shard
from engine.tasks import usual_batch_size

_WORTH_IT = 1.1
_SECONDS_EACH = 0.2
_LONGEST_BATCH = 1.0
_FEWEST_BATCHES, _MOST_BATCHES = 3, 32


def find_batch_size(
    model: LoadedModel,
    rows: pa.Table,
    scratch: Path,
    *,
    precision: str | None = None,
    accelerator: str = "auto",
    device: int = 0,
    stopped: Callable[[], bool] = lambda: False,
) -> tuple[int, bool]:
    """(lines of a batch, whether that holds for longer inputs too).

    The size is doubled while that makes prediction a tenth faster, a batch takes less than a second (one is waited
    for when a run is cancelled), and the memory holds it; where it does not hold the first, it is halved instead.
    `scratch` is a file that may be written, and is then removed.
    """
    size, best, fastest, shrunk = usual_batch_size(model.card), 0, 0.0, False
    while not stopped():
        batches = model.task.inputs.batches(rows, model.card, size)[:_MOST_BATCHES]
        if best and len(batches) < _FEWEST_BATCHES:
            return best, False
        found, seconds = speed(model, rows.slice(0, batches[-1][1]), size, scratch, precision, accelerator, device)
        if found is None and not best and size > 1:
            size, shrunk = size // 2, True
            continue
        if best and (found is None or found < fastest * _WORTH_IT):
            return best, True
        best, fastest = size, found or 0.0
        if shrunk or seconds > _LONGEST_BATCH:
            return best, True
        size *= 2
    return best or size, False


def as_many(rows: pa.Table, count: int) -> pa.Table:
    """The rows again and again, nothing copied, until there are so many: they stand for others that are to come."""
    return pa.concat_tables([rows] * -(-count // rows.num_rows)).slice(0, count)


def speed(
    model: LoadedModel,
    rows: pa.Table,
    size: int,
    scratch: Path,
    precision: str | None = None,
    accelerator: str = "auto",
    device: int = 0,
) -> tuple[float | None, float]:
    """(rows a second behind the first batch, or None where the memory does not hold one; seconds of a batch)."""
    seen: list[tuple[int, float]] = []
    failed: list[int] = []

    def after_batch(done: int, _: int) -> bool:
        seen.append((done, time.perf_counter()))
        spent = seen[-1][1] - seen[0][1]
        return bool(failed) or (spent > _SECONDS_EACH and len(seen) >= _FEWEST_BATCHES) or spent > _LONGEST_BATCH

    predict_shard(
        model,
        rows,
        1,
        scratch,
        batch_size=size,
        precision=precision,
        accelerator=accelerator,
        device=device,
        after_batch=after_batch,
        too_large=failed.append,
    )
    scratch.unlink(missing_ok=True)
    if failed or len(seen) < 2:
        return None if failed else 0.0, 0.0
    steps = [(later[0] - earlier[0], max(later[1] - earlier[1], 1e-6)) for earlier, later in pairwise(seen)]
    fastest = max(lines / seconds for lines, seconds in steps)  # what else the machine does only makes it slower
    return fastest, min(seconds for _, seconds in steps)
