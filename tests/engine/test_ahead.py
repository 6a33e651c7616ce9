"""Batches made ahead of a GPU, here for a CPU: the same lines, also where the memory does not hold a batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from engine.cards.card import read_card
from engine.checkpoints.warm import LoadedModel, load_model
from engine.errors import PredictionFailed
from engine.prediction import predictor
from engine.prediction.data import predict_dataloader
from engine.prediction.predictor import predict_shard
from tests.engine.making import TABULAR_CARD, write_model

CODE = """
import pytorch_lightning as pl
import torch
class Model(pl.LightningModule):
    def forward(self, x):
        if len(x) > 60 and x[0, 0] > 0:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        if (x[:, 1] > 90).any():
            raise ValueError("too much")
        return x.sum(dim=1, keepdim=True)
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    folder = write_model(tmp_path_factory.mktemp("ahead") / "sum", CODE, TABULAR_CARD)
    return load_model(read_card(folder / "card.yaml"), folder)


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    def loader(dataset: Any, first: int, kind: str) -> Any:
        return predict_dataloader(dataset, first, "cuda")

    monkeypatch.setattr(predictor, "predict_dataloader", loader)


def rows(count: int) -> pa.Table:
    values = np.random.default_rng(0).normal(size=(4, count)).astype(np.float32)
    return pa.table(list(values), names=list("abcd"))


def test_the_lines_are_the_same(model: LoadedModel, ahead: None, tmp_path: Path) -> None:
    lines, too_large = rows(1_010), list[int]()
    path = tmp_path / "lines.parquet"
    done = predict_shard(model, lines, 1, path, batch_size=100, accelerator="cpu", too_large=too_large.append)
    assert done == (1_010, 0)
    assert too_large
    found = pl.read_parquet(path)
    assert found["row"].to_list() == list(range(1, 1_011))
    expected = sum(np.asarray(lines[name]) for name in "abcd")
    assert np.allclose(found["y"].to_numpy(), expected, atol=1e-5)


def test_it_ends_after_the_batch_that_it_is_told_to(model: LoadedModel, ahead: None, tmp_path: Path) -> None:
    path = tmp_path / "lines.parquet"
    done = predict_shard(
        model, rows(500), 1, path, batch_size=50, accelerator="cpu", after_batch=lambda done, failed: done >= 100
    )
    assert done == (100, 0)
    assert pl.read_parquet(path).height == 100


def test_the_models_words_come_through(model: LoadedModel, ahead: None, tmp_path: Path) -> None:
    lines = rows(200).set_column(1, "b", pa.array(np.arange(200, dtype=np.float32)))
    with pytest.raises(PredictionFailed, match="ValueError: too much"):
        predict_shard(model, lines, 1, tmp_path / "lines.parquet", batch_size=50, accelerator="cpu")
    assert not (tmp_path / "lines.parquet").exists()
