"""Predicts one shard: `Trainer.predict` over one range of rows. Start reading here."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from engine.data import PredictDataset, predict_dataloader
from engine.errors import ForelightError, PredictionFailed
from engine.module import lightning_package
from engine.warm import LoadedModel
from engine.writer import ShardWriter, prediction_writer

AfterBatch = Callable[[int, int], bool]


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
) -> tuple[int, int]:
    """Predicts `rows`, the lines of one shard of the input from number `first_row` on, into the Parquet file `path`.

    Returns (lines done, lines failed). `after_batch` is told the same after each batch; where it answers True the
    shard ends there, shorter. Raises PredictionFailed where the module's own code fails, with its words; `path` is
    then not there.
    """
    package = lightning_package(model.module)
    quieten(package)
    kind = device_kind(package, accelerator)
    size = batch_size or model.task.inputs.batch_size(kind)
    dataset = PredictDataset(rows, model.card, model.task, model.calling, size)
    with ShardWriter(path, rows, first_row, model) as writer:

        def wrote() -> None:
            if after_batch(*writer.lines):
                raise _Enough

        callback = prediction_writer(package, writer, dataset.ranges, wrote)
        try:
            if dataset.ranges:
                trainer = lean_trainer(package, callback, precision or model.card.precision, accelerator, kind, device)
                _predict(trainer, model, dataset)
            writer.finish()
        except _Enough:
            pass
    return writer.lines


def lean_trainer(package: Any, callback: Any, precision: str, accelerator: str, kind: str, device: int) -> Any:
    """A Trainer that only predicts: its loggers, checkpoints and bars cost more than a batch of a small model."""
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


def device_kind(package: Any, accelerator: str) -> str:
    """ "cpu", "cuda" or "mps": what that accelerator means on this machine."""
    if accelerator == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def quieten(package: Any) -> None:
    """Keeps the package's tips and device listings, made for a person who trains, out of a server's log."""
    logging.getLogger(package.__name__).setLevel(logging.ERROR)
    for words in (".*does not have many workers.*", ".*Couldn't infer the batch indices.*", ".*treespec.*"):
        warnings.filterwarnings("ignore", message=words)


def _predict(trainer: Any, model: LoadedModel, dataset: PredictDataset) -> None:
    try:
        trainer.predict(model.module, predict_dataloader(dataset), return_predictions=False)
    except (ForelightError, _Enough, OSError):
        raise
    except Exception as exc:  # the module is the host's own code
        words = str(exc).strip().splitlines()
        raise PredictionFailed(
            f"The model '{model.card.title}' failed while predicting: {type(exc).__name__}: {words[0] if words else ''}"
        ) from exc
