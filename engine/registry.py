"""The models a host offers: folders with a card, read again when a card changes; a broken one hides no other."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.card import ModelCard, read_card
from engine.errors import CardError, UnknownModel
from engine.tasks import task_of

CARD_FILE = "card.yaml"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model folder: its card, or the sentence that says what is wrong with it."""

    id: str
    folder: Path
    card: ModelCard | None
    error: str = ""
    checkpoint_bytes: int = 0

    def usable_card(self) -> ModelCard:
        """The card; CardError with the entry's sentence where it is broken."""
        if self.card is None:
            raise CardError(f"The model '{self.id}' cannot be used: {self.error}")
        return self.card


class ModelRegistry:
    """Every folder with a card.yaml directly in one of the host's folders; its name, without a dot first, is the id."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)
        self._read: dict[Path, tuple[tuple[int, ...], ModelEntry]] = {}
        self._lock = threading.Lock()

    def entries(self) -> tuple[ModelEntry, ...]:
        """All models, by id; where two folders have one of the same id, the first named counts."""
        found: dict[str, ModelEntry] = {}
        for folder in self._folders:
            for path in sorted(folder.glob(f"[!.]*/{CARD_FILE}")):
                found.setdefault(path.parent.name, self._entry(path))
        return tuple(found[name] for name in sorted(found))

    def entry(self, model_id: str) -> ModelEntry:
        """The model of that id; UnknownModel naming the nearest."""
        entries = {entry.id: entry for entry in self.entries()}
        if model_id not in entries:
            raise UnknownModel(model_id, entries)
        return entries[model_id]

    def _entry(self, path: Path) -> ModelEntry:
        changed = tuple(_changed(file) for file in (path, *sorted(path.parent.glob("*.ckpt"))))
        with self._lock:
            known = self._read.get(path)
            if known is None or known[0] != changed:
                known = self._read[path] = (changed, read_entry(path))
            return known[1]


def read_entry(path: Path) -> ModelEntry:
    """The entry of one card file; a card that cannot be used becomes the entry's error."""
    folder = path.parent
    try:
        card = read_card(path)
        task_of(card).check_card(card)
        checkpoint = folder / card.checkpoint
        if not checkpoint.resolve().is_relative_to(folder.resolve()) or not checkpoint.is_file():
            raise CardError(f"checkpoint: '{card.checkpoint}' is not in the model's folder. Put it there.")
    except CardError as exc:
        return ModelEntry(folder.name, folder, None, str(exc))
    return ModelEntry(folder.name, folder, card, "", checkpoint.stat().st_size)


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
