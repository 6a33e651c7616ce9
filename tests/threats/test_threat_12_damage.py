"""Threat 12: a bit that was flipped, or another file in the checkpoint's place, is found; torch would load either."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.checkpoints.checkpoint import load_checkpoint
from engine.errors import CheckpointError
from tests.threats.checkpoints import CARD, WEIGHT, load, saved


def test_one_flipped_bit_is_found(tmp_path: Path) -> None:
    path = saved(tmp_path / "model.ckpt")
    content = bytearray(path.read_bytes())
    content[content.index(WEIGHT["weight"].numpy().tobytes()) + 3] ^= 0x40
    path.write_bytes(content)
    assert not torch.equal(torch.load(path, weights_only=True)["state_dict"]["weight"], WEIGHT["weight"])
    with pytest.raises(CheckpointError, match="is damaged: the checksum"):
        load(path)


def test_another_file_than_the_card_names(tmp_path: Path) -> None:
    card = CARD.model_copy(update={"sha256": "0" * 64})
    with pytest.raises(CheckpointError, match=r"its SHA-256 is [0-9a-f]{12}…, the card says 000000000000"):
        load_checkpoint(saved(tmp_path / "model.ckpt"), card)


def test_one_that_is_cut_short(tmp_path: Path) -> None:
    path = saved(tmp_path / "model.ckpt")
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match="not a checkpoint that torch.save wrote"):
            load(path)
