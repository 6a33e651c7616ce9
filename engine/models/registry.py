"""The models a host offers: folders with a card, read again when a card changes; a broken one hides no other."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.cards.card import ModelCard, read_card
from engine.cards.code_files import code_files, hash_of
from engine.cards.versions import FIRST, VERSIONS_FILE, Version, card_of, card_text, first_version, read_versions
from engine.errors import CardError, UnknownModel, UnknownVersion
from engine.tasks import task_of

CARD_FILE = "card.yaml"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One version of the model in a folder: its card, or the sentence that says what is wrong with it.

    `text` is the card's. `card_sha256`, which stands in the runs, is the SHA-256 of that, and of the code beside it
    where it has any; `code` are those files, and what they were when they were read. `versions` are all that the folder
    has.
    """

    id: str
    folder: Path
    card: ModelCard | None
    error: str = ""
    checkpoint_bytes: int = 0
    version: str = FIRST
    default: str = FIRST
    versions: tuple[Version, ...] = ()
    text: bytes = field(default=b"", repr=False)
    card_sha256: str = ""
    code: Mapping[Path, tuple[int, ...]] = field(default_factory=dict, repr=False, hash=False)

    @property
    def is_default(self) -> bool:
        return self.version == self.default

    def usable_card(self) -> ModelCard:
        """The card; CardError with the entry's sentence where it is broken."""
        if self.card is None:
            raise CardError(f"The model '{self.id}' cannot be used: {self.error}")
        return self.card


class ModelRegistry:
    """Every folder with a card.yaml directly in one of the host's folders; its name, without a dot first, is the id."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)
        self._read: dict[Path, tuple[Mapping[Path, tuple[int, ...]], Mapping[str, ModelEntry]]] = {}
        self._lock = threading.Lock()

    def entries(self) -> tuple[ModelEntry, ...]:
        """All models, by id, each in its default version; of two folders with the same id, the first named counts."""
        found: dict[str, ModelEntry] = {}
        for folder in self._folders:
            for path in sorted(folder.glob(f"[!.]*/{CARD_FILE}")):
                if path.parent.name not in found:
                    found[path.parent.name] = self._versions(path)[""]
        return tuple(found[name] for name in sorted(found))

    def entry(self, model_id: str, version: str = "") -> ModelEntry:
        """That version of the model, the default where none is named; UnknownModel naming the nearest."""
        entries = {entry.id: entry for entry in self.entries()}
        if model_id not in entries:
            raise UnknownModel(model_id, entries)
        versions = self._versions(entries[model_id].folder / CARD_FILE)
        if len(versions) == 1:
            return versions[""]  # none can be used, which its error says
        if version not in versions:
            raise UnknownVersion(model_id, version, [name for name in versions if name])
        return versions[version]

    def _versions(self, path: Path) -> Mapping[str, ModelEntry]:
        beside = (path, path.with_name(VERSIONS_FILE), *_beside(path.parent))
        with self._lock:
            files, entries = self._read.get(path, ({}, {}))
            now = {each: changed(each) for each in {*beside, *files}}
            if now != files:
                entries = read_entries(path)
                ran = {file: was for entry in entries.values() for file, was in entry.code.items()}
                self._read[path] = ({each: now[each] for each in beside} | ran, entries)
            return entries


def _beside(folder: Path) -> list[Path]:
    """The folder's checkpoints and Python files: one that is new may be what was missing."""
    return [*folder.glob("*.ckpt"), *folder.glob("*.py")]


def read_entries(path: Path) -> Mapping[str, ModelEntry]:
    """The entries of one card file by version, and the default's as ""; what cannot be used is an entry's error."""
    folder = path.parent
    broken = ModelEntry(folder.name, folder, None)
    try:
        card, text = read_card(path), path.read_bytes()
        task_of(card).check_card(card)
        known = read_versions(folder)
    except (CardError, OSError) as exc:
        return {"": replace(broken, error=str(exc))}
    versions = (first_version(card), *known.versions)
    found = {}
    for version in versions:
        entry = replace(broken, version=version.name, default=known.default, versions=versions)
        try:
            own = card if version.name == FIRST else card_of(card, version)
            size = _checkpoint_bytes(folder, own)
            own_text = text if version.name == FIRST else card_text(own)
            code = {path: changed(path) for path in code_files(own, folder)}
            sha256 = hash_of(tuple(code), own_text)
            found[version.name] = replace(
                entry, card=own, checkpoint_bytes=size, text=own_text, card_sha256=sha256, code=code
            )
        except (CardError, OSError) as exc:
            found[version.name] = replace(entry, error=str(exc))
    return {**found, "": found[known.default]}


def _checkpoint_bytes(folder: Path, card: ModelCard) -> int:
    checkpoint = folder / card.checkpoint
    if not checkpoint.resolve().is_relative_to(folder.resolve()) or not checkpoint.is_file():
        raise CardError(f"checkpoint: '{card.checkpoint}' is not in the model's folder. Put it there.")
    return checkpoint.stat().st_size


def changed(path: Path) -> tuple[int, ...]:
    """What is another once the file is: a file that takes another's place has another number."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino
