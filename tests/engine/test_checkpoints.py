"""Checkpoints that are hostile, damaged or another's: refused with a sentence, before anything of them runs."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.card import ModelCard
from engine.checkpoint import UNSAFE_VARIABLE, load_checkpoint
from engine.errors import CheckpointError, ForelightError
from engine.module import build_module

CARD = ModelCard.model_validate(
    {"title": "t", "task": "tabular-regression", "module": "engine.demos.mlp:MlpClassifier", "labels": ["a", "b"]}
)


class Runs:
    """Unpickled, it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.path,)


def saved(path: Path, **content: Any) -> Path:
    torch.save({"state_dict": {"weight": torch.ones(2, 2)}, **content}, path)
    return path


def test_code_is_not_run(tmp_path: Path) -> None:
    path = saved(tmp_path / "model.ckpt", callbacks=Runs(tmp_path / "was-here"))
    with pytest.raises(CheckpointError, match="holds objects of .*only tensors and plain data"):
        load_checkpoint(path, CARD)
    assert not (tmp_path / "was-here").exists()


def test_a_bare_pickle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.ckpt"
    path.write_bytes(pickle.dumps({"state_dict": Runs(tmp_path / "was-here")}))
    with pytest.raises(CheckpointError, match="not a checkpoint that"):
        load_checkpoint(path, CARD)
    assert not (tmp_path / "was-here").exists()


def test_packed_members_are_refused(tmp_path: Path) -> None:
    plain, packed = saved(tmp_path / "plain.ckpt"), tmp_path / "packed.ckpt"
    with zipfile.ZipFile(plain) as read, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as write:
        for name in read.namelist():
            write.writestr(name, read.read(name))
    with pytest.raises(CheckpointError, match="packed or doubled"):
        load_checkpoint(packed, CARD)


def test_one_flipped_bit_is_found(tmp_path: Path) -> None:
    path = saved(tmp_path / "model.ckpt")
    content = bytearray(path.read_bytes())
    place = content.index(torch.ones(2, 2).numpy().tobytes())
    content[place] ^= 0x40
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="is damaged: the checksum"):
        load_checkpoint(path, CARD)


def test_another_file_than_the_card_names(tmp_path: Path) -> None:
    card = CARD.model_copy(update={"sha256": "0" * 64})
    with pytest.raises(CheckpointError, match=r"its SHA-256 is [0-9a-f]{12}…, the card says 000000000000"):
        load_checkpoint(saved(tmp_path / "model.ckpt"), card)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"state_dict": {"weight": torch.tensor([float("nan")])}}, "'weight' is not finite"),
        ({"state_dict": 3}, "no 'state_dict' of tensors"),
        ({"hyper_parameters": {"_class": 1}}, "begins with '_'"),
        ({"hyper_parameters": {"deep": [{"list": list(range(20_000))}]}}, "more than 10,000 hyper-parameters"),
        ({"hyper_parameters": 7}, "expected a dict"),
    ],
)
def test_contents_that_cannot_be_used(tmp_path: Path, content: dict[str, Any], words: str) -> None:
    with pytest.raises(CheckpointError, match=words):
        load_checkpoint(saved(tmp_path / "model.ckpt", **content), CARD)


def test_unsafe_loading_is_not_allowed_from_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(UNSAFE_VARIABLE, "1")
    with pytest.raises(CheckpointError, match="Unset it"):
        load_checkpoint(saved(tmp_path / "model.ckpt"), CARD)


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
        ({}, {"features": 3, "classes": 2, "hidden": 10**9}, "not one of"),
    ],
)
def test_a_checkpoint_of_another_class(
    tmp_path: Path, state: dict[str, torch.Tensor], parameters: dict[str, Any], words: str
) -> None:
    """The last one asks for 4 × 10¹⁸ bytes: found out before any is taken."""
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
