"""Threat 13: honest hyper-parameters of types that are not loaded: which type, under which key, and what to do."""

from __future__ import annotations

import argparse
import datetime
import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.errors import CheckpointError
from tests.threats.checkpoints import load, saved


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (Path("data"), "pathlib.PosixPath"),
        (argparse.Namespace(lr=1), "argparse.Namespace"),
        (np.float64(3), "numpy._core.multiarray.scalar"),
        (datetime.date(2026, 1, 1), "datetime.date"),
        (functools.partial(max, 1), "functools.partial"),
        (torch.optim.SGD, "torch.optim.sgd.SGD"),
        (torch.nn.ReLU(), "torch.nn.modules.activation.ReLU"),
    ],
)
def test_the_type_and_the_key_are_said(tmp_path: Path, value: Any, name: str) -> None:
    path = saved(tmp_path / "model.ckpt", hyper_parameters={"lr": 0.1, "data": {"folders": [1, value]}, "lr2": 0.1})
    with pytest.raises(CheckpointError) as error:
        load(path)
    said = str(error.value)
    assert f"{name} (hyper_parameters.data.folders)" in said
    assert "save_hyperparameters(ignore=[…])" in said
    assert "`python -m engine init` copies the checkpoint without them and proposes what the card then says" in said
    assert "weights_only" not in said
    assert "safe_globals" not in said, "unsafe loading is not advised"


def test_what_one_file_asks_for_is_allowed_to_none(tmp_path: Path) -> None:
    before = list(torch.serialization.get_safe_globals())
    with pytest.raises(CheckpointError):
        load(saved(tmp_path / "model.ckpt", hyper_parameters={"folder": Path("x")}))
    assert torch.serialization.get_safe_globals() == before
