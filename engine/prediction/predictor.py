"""Predicts one shard: `Trainer.predict` over one range of rows. Start reading here."""

from __future__ import annotations

import gc
import logging
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch

from engine.checkpoints.module import lightning_package
from engine.checkpoints.warm import LoadedModel
from engine.errors import DecodeRaised, DeviceLost, ForelightError, HostCodeFailed, PredictionFailed
from engine.own_code.refused_rows import RowsRefused, with_faults
from engine.prediction.data import PredictDataset, predict_dataloader
from engine.prediction.writer import ShardWriter, prediction_writer
from engine.tasks import usual_batch_size

MOST_REFUSED = 1_000
AfterBatch = Callable[[int, int], bool]
_NO_MEMORY = "DefaultCPUAllocator"


class _Enough(Exception):
    """Ends a prediction after the current batch."""


def predict_shard(
    model: LoadedModel,
    rows: pa.Table,
    first_row: int,
    path: Path,
    *,
    batch_size: int | None = None,
    precision: str | None = None,
    accelerator: str = "auto",
    device: int = 0,
    after_batch: AfterBatch = lambda done, failed: False,
    too_large: Callable[[int], None] = lambda lines: None,
    before_keeping: Callable[[], None] = lambda: None,
    begins_run: bool = False,
) -> tuple[int, int]:
    """Predicts `rows`, the lines of one shard of the input from number `first_row` on, into the Parquet file `path`.

    Returns (lines done, lines failed). `after_batch` is told the same after each batch; where it answers True the
    shard ends there, shorter. `too_large` is told the lines of a batch that the memory did not hold: it is predicted
    in halves, and the ones after it whole again. `before_keeping` is called before `path` appears, and may raise.
    Raises PredictionFailed where the module's own code fails, with its words, and DeviceLost where this process can use
    its device no more; `path` is then not there. A row that the card's `decode` raises for is a line that failed; where
    it raises for all rows, or the first MOST_REFUSED, of a shard that `begins_run`, HostCodeFailed; such a shard ends
    early only once a row was taken.
    """
    package = lightning_package(model.module)
    quieten(package)
    kind = device_kind(accelerator)
    size = batch_size or usual_batch_size(model.card)
    dataset = PredictDataset(rows, model.card, model.task, model.calling, size)
    ends = {stop for _, stop in dataset.ranges}  # where a batch ends by the plan; the half of one is none
    with ShardWriter(path, rows, first_row, model, before_keeping) as writer:

        def check_decode(fewest: int) -> None:
            if begins_run and writer.why_nothing and writer.refused_alone >= fewest:
                raise HostCodeFailed(writer.why_nothing)

        def wrote() -> None:
            check_decode(MOST_REFUSED)
            enough = after_batch(*writer.lines) and writer.lines[0] in ends
            if enough and not (begins_run and writer.why_nothing):  # of a later shard all rows may fail
                raise _Enough

        def trainer(ranges: Sequence[tuple[int, int]]) -> Any:
            callback = prediction_writer(package, writer, ranges, wrote)
            return lean_trainer(package, callback, precision or model.card.precision, accelerator, kind, device)

        try:
            while (first := dataset.first_after(writer.lines[0])) < len(dataset):
                try:
                    fits = _predict(trainer(dataset.ranges[first:]), model, dataset, first, kind)
                except RowsRefused as exc:
                    rows = with_faults(rows, exc.faults)
                    dataset.spoil(rows, min(exc.faults))
                    writer.spoil(rows)
                    continue
                except DecodeRaised:
                    if not dataset.part(dataset.first_after(writer.lines[0])):
                        raise
                    continue
                if not fits:
                    _free_memory()
                    too_large(dataset.halve(dataset.first_after(writer.lines[0])))
            check_decode(1)
            writer.finish()
        except _Enough:
            pass
    return writer.lines


def lean_trainer(package: Any, callback: Any, precision: str, accelerator: str, kind: str, device: int) -> Any:
    """A Trainer that only predicts: its loggers, checkpoints and bars cost more than a batch of a small model.

    PredictionFailed where Lightning has no such device here.
    """
    try:
        return package.Trainer(
            accelerator=accelerator,
            devices=1 if kind == "cpu" else [device],
            precision=precision,
            callbacks=[callback],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
    except Exception as exc:  # each Lightning package has errors of its own for it
        raise PredictionFailed(
            f"This machine cannot predict on '{accelerator}' in {precision} ({exc}). The host's FORELIGHT_ACCELERATOR "
            "says where: auto and cpu are always there."
        ) from exc


def device_kind(accelerator: str) -> str:
    """ "cpu", "cuda" or "mps": what that accelerator means on this machine."""
    if accelerator == "cpu":
        return "cpu"
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def device_name(accelerator: str, device: int) -> str:
    """What the device is called, equal for devices that are alike: "cpu", "mps", "NVIDIA H100 80GB HBM3"."""
    kind = device_kind(accelerator)
    return torch.cuda.get_device_name(device) if kind == "cuda" else kind


@cache
def quieten(package: Any) -> None:
    """Keeps the package's tips and device listings, made for a person who trains, out of a server's log, for good."""
    logging.getLogger(package.__name__).setLevel(logging.ERROR)
    for words in (".*does not have many workers.*", ".*Couldn't infer the batch indices.*", ".*treespec.*"):
        warnings.filterwarnings("ignore", message=words)


def _predict(trainer: Any, model: LoadedModel, dataset: PredictDataset, first: int, kind: str) -> bool:
    """Predicts the batches from number `first` on; False where the memory does not hold one of them."""
    try:
        trainer.predict(model.module, predict_dataloader(dataset, first, kind), return_predictions=False)
    except (ForelightError, RowsRefused, _Enough, OSError):
        raise
    except Exception as exc:  # the module is the host's own code
        if isinstance(exc, torch.OutOfMemoryError) or _NO_MEMORY in str(exc):
            return False
        words = str(exc).strip().splitlines()
        if isinstance(exc, torch.AcceleratorError) or str(exc).startswith("CUDA error"):
            raise DeviceLost(f"The device failed while the model '{model.card.title}' predicted: {words[0]}") from exc
        raise PredictionFailed(
            f"The model '{model.card.title}' failed while predicting: {type(exc).__name__}: {words[0] if words else ''}"
        ) from exc
    return True


def _free_memory() -> None:
    """Gives back what the batch that did not fit has left behind, once nothing refers to its error any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
