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


@pytest.mark.parametrize(
    "wrapped", ["_orig_mod.{}", "module.{}", "_forward_module.{}", "_fsdp_wrapped_module._orig_mod.{}"]
)
def test_weights_saved_while_the_module_was_wrapped(tmp_path: Path, wrapped: str) -> None:
    from engine.demos.mlp import MlpClassifier

    path, trained = tmp_path / "model.ckpt", MlpClassifier(3, 2, 8).state_dict()
    torch.save({"state_dict": {wrapped.format(name): weight for name, weight in trained.items()}}, path)
    card = CARD.model_copy(update={"hyper_parameters": {"features": 3, "classes": 2, "hidden": 8}})
    module = build_module(card, tmp_path, load_checkpoint(path, card))
    assert all(torch.equal(weight, trained[name]) for name, weight in module.state_dict().items())


def test_two_weights_that_differ_in_their_wrapping_alone_are_not_taken_for_each_other(tmp_path: Path) -> None:
    from engine.demos.mlp import MlpClassifier

    path, trained = tmp_path / "model.ckpt", MlpClassifier(3, 2, 8).state_dict()
    torch.save({"state_dict": {**trained, **{f"module.{name}": weight for name, weight in trained.items()}}}, path)
    card = CARD.model_copy(update={"hyper_parameters": {"features": 3, "classes": 2, "hidden": 8}})
    with pytest.raises(CheckpointError, match="which the class does not know"):
        build_module(card, tmp_path, load_checkpoint(path, card))


NAMESPACE = """
import pytorch_lightning as pl
import torch

class Model(pl.LightningModule):
    def __init__(self, args):
        super().__init__()
        self.save_hyperparameters(args)
        self.layer = torch.nn.Linear(args.features, args.width)
"""


def test_hyper_parameters_that_were_a_namespace(tmp_path: Path) -> None:
    (tmp_path / "spaced.py").write_text(NAMESPACE)
    path = tmp_path / "model.ckpt"
    torch.save(
        {
            "state_dict": torch.nn.ModuleDict({"layer": torch.nn.Linear(4, 2)}).state_dict(),
            "hyper_parameters": {"features": 4, "width": 2},
            "hparams_name": "args",
        },
        path,
    )
    card = CARD.model_copy(update={"module": "spaced:Model"})
    assert build_module(card, tmp_path, load_checkpoint(path, card)).layer.out_features == 2
