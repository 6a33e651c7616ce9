"""How the tests of hostile checkpoints make one, by torch.save or instruction by instruction, and load it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from engine.cards.card import ModelCard
from engine.checkpoints.checkpoint import Checkpoint, load_checkpoint

CARD = ModelCard.model_validate(
    {"title": "t", "task": "tabular-regression", "module": "engine.demos.mlp:MlpClassifier", "labels": ["a", "b"]}
)
WEIGHT = {"weight": torch.ones(2, 2)}


class Runs:
    """Unpickled, it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.path,)


def saved(path: Path, **content: Any) -> Path:
    """What torch.save writes of that; with weights unless the content has others."""
    torch.save({"state_dict": WEIGHT, **content}, path)
    return path


def repacked(path: Path, pickled: Callable[[bytes], bytes], method: int = zipfile.ZIP_STORED) -> Path:
    """The checkpoint with another pickle in it."""
    content = io.BytesIO()
    with zipfile.ZipFile(path) as read, zipfile.ZipFile(content, "w", method) as write:
        for name in read.namelist():
            part = read.read(name)
            write.writestr(name, pickled(part) if name.endswith("data.pkl") else part)
    path.write_bytes(content.getvalue())
    return path


def load(path: Path) -> Checkpoint:
    return load_checkpoint(path, CARD)
