"""Loaded models: built once, kept warm, never used by two predictions at once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from engine.cards.card import ModelCard
from engine.checkpoints.calling import Calling
from engine.checkpoints.checkpoint import Checkpoint, load_checkpoint
from engine.checkpoints.compiling import compile_forward
from engine.checkpoints.module import build_module
from engine.checkpoints.probe import probe
from engine.models.registry import ModelEntry
from engine.own_code.functions import own_code_of
from engine.tasks import task_of
from engine.tasks.task import Task

Key = tuple[str, str, str, int, str, int]


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A module in eval mode, and how it is called. `lock` is held by whoever predicts with it."""

    card: ModelCard
    card_sha256: str
    task: Task
    module: nn.Module
    calling: Calling
    checkpoint: Checkpoint
    lock: threading.Lock = field(default_factory=threading.Lock)


def load_model(card: ModelCard, folder: Path, card_sha256: str = "") -> LoadedModel:
    """The card's model, ready to predict; else an error that says why it is not."""
    task = task_of(card)
    checkpoint = load_checkpoint(folder / card.checkpoint, card)
    module = build_module(card, folder, checkpoint)
    calling = probe(module, card, task, own_code_of(card, folder, checkpoint.data_parameters), folder)
    if card.memory_format == "channels_last":
        module.to(memory_format=torch.channels_last)
    if card.compile:
        compile_forward(module, card.title)
    return LoadedModel(card, card_sha256, task, module, calling, checkpoint)


class WarmModels:
    """At most `size` loaded models; the one least recently used goes first.

    A model is loaded anew when its card, its code or its checkpoint changed. Each device and precision has a copy of
    its own, since a precision changes the weights' type and a prediction moves them.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._models: OrderedDict[Key, LoadedModel] = OrderedDict()
        self._loading = threading.Lock()

    @contextmanager
    def lease(self, entry: ModelEntry, *, precision: str = "", device: int = 0) -> Iterator[LoadedModel]:
        """The model, for one prediction; waits where another has it."""
        model = self._model(entry, precision, device)
        with model.lock:
            model.module.eval()
            try:
                yield model
            finally:
                model.module.eval()

    def _model(self, entry: ModelEntry, precision: str, device: int) -> LoadedModel:
        card = entry.usable_card()
        changed = (entry.folder / card.checkpoint).stat().st_mtime_ns if entry.checkpoint_bytes else 0
        key = (entry.id, entry.version, entry.card_sha256, changed, precision or card.precision, device)
        with self._loading:
            if key not in self._models:
                self._models[key] = load_model(card, entry.folder, entry.card_sha256)
                while len(self._models) > self._size:
                    self._models.popitem(last=False)
            self._models.move_to_end(key)
            return self._models[key]
