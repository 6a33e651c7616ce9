"""Checkpoints that cannot be used, or are of another class: refused with a sentence. Hostile ones: tests/threats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from engine.checkpoints.checkpoint import load_checkpoint
from engine.checkpoints.module import build_module
from engine.errors import CheckpointError, ForelightError
from tests.threats.checkpoints import CARD, saved


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"state_dict": {"weight": torch.tensor([float("nan")])}}, "'weight' is not finite"),
        ({"state_dict": 3}, "no 'state_dict' of tensors"),
        ({"state_dict": {3: torch.ones(1)}}, "no 'state_dict' of tensors"),
        ({"hyper_parameters": {"_class": 1}}, "begins with '_'"),
        ({"hyper_parameters": {"deep": [{"list": list(range(20_000))}]}}, "more than 10,000 hyper-parameters"),
        ({"hyper_parameters": 7}, "expected a dict"),
    ],
)
def test_contents_that_cannot_be_used(tmp_path: Path, content: dict[str, Any], words: str) -> None:
    with pytest.raises(CheckpointError, match=words):
        load_checkpoint(saved(tmp_path / "model.ckpt", **content), CARD)


def test_what_lightning_cli_adds_is_left_out(tmp_path: Path) -> None:
    path = saved(
        tmp_path / "model.ckpt", hyper_parameters={"hidden": 3, "_instantiator": "lightning", "_class_path": "a.B"}
    )
    assert load_checkpoint(path, CARD).hyper_parameters == {"hidden": 3}


@pytest.mark.parametrize(
    ("state", "parameters", "words"),
    [
        (
            {"weight": torch.ones(1)},
            {"features": 3, "classes": 2},
            "not one of engine.demos.mlp:MlpClassifier: it lacks",
        ),
        ({}, {"features": 3}, "MlpClassifier cannot be built .*given: features"),
    ],
)
def test_a_checkpoint_of_another_class(
    tmp_path: Path, state: dict[str, torch.Tensor], parameters: dict[str, Any], words: str
) -> None:
    path = tmp_path / "model.ckpt"
    torch.save({"state_dict": state, "hyper_parameters": parameters}, path)
    with pytest.raises(ForelightError, match=words):
        build_module(CARD, tmp_path, load_checkpoint(path, CARD))


def test_other_hyper_parameters_than_in_the_training(tmp_path: Path) -> None:
    from engine.demos.mlp import MlpClassifier

    path = tmp_path / "model.ckpt"
    torch.save({"state_dict": MlpClassifier(3, 2, 8).state_dict()}, path)
    card = CARD.model_copy(update={"hyper_parameters": {"features": 3, "classes": 2, "hidden": 16}})
    with pytest.raises(CheckpointError, match=r"'layers.0.weight' is \[8, 3\] there, the class makes \[16, 3\]"):
        build_module(card, tmp_path, load_checkpoint(path, card))
