"""The Python files that a card's own code is: those it names, and what these import of the files beside them."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.cards.card import ModelCard

_CLASS = "class_path"


def code_files(card: ModelCard, folder: Path) -> tuple[Path, ...]:
    """The files in the folder that predictions of the card run; none where all of it is in packages."""
    found: dict[Path, None] = {}
    for name in _named(card):
        path = file_beside(name, folder)
        if path is not None:
            found |= dict.fromkeys((path, *siblings(path)))
    return tuple(found)


def file_beside(name: str, folder: Path) -> Path | None:
    """The file that a module of that name is beside the card; None where there is none."""
    *inside, last = name.split(".")
    path = folder.joinpath(*inside, f"{last}.py")
    return path if all((*inside, last)) and path.is_file() else None


def siblings(path: Path) -> list[Path]:
    """The files beside that one, or in packages beside it, which it imports, and which those import."""
    found: dict[Path, None] = {}
    waiting = [path]
    while waiting:
        for other in _imported(waiting.pop(), path.parent):
            if other not in found and other != path and other.is_file():
                found[other] = None
                waiting.append(other)
    return list(found)


def hash_of(paths: Sequence[Path], first: bytes = b"") -> str:
    """SHA-256 of `first` and the files' contents; that of `first` alone where there are no files."""
    found = hashlib.sha256(first)
    for path in paths:
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def _named(card: ModelCard) -> Iterator[str]:
    """The modules that the card names, as `module:name`, or as `module.Class` of an object."""
    for reference in (card.module, card.encode, card.collate, card.decode):
        if reference:
            yield reference.partition(":")[0]
    yield from _of_objects([card.hyper_parameters, card.data_parameters])


def _of_objects(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(value.get(_CLASS), str):
            yield value[_CLASS].replace(":", ".").rpartition(".")[0]
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from _of_objects(each)


def _imported(path: Path, root: Path) -> Iterator[Path]:
    """Where what the file imports would be, were it in `root`."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # importing it says so
        return
    package = path.parent.relative_to(root).parts
    for node in ast.walk(tree):
        names: list[tuple[str, ...]] = []
        if isinstance(node, ast.Import):
            names = [tuple(each.name.split(".")) for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            inside = package[: len(package) - node.level + 1] if node.level else ()
            inside += tuple(node.module.split(".")) if node.module else ()
            names = [(*inside, each.name) for each in node.names]
        for parts in names:
            for length in range(1, len(parts) + 1):
                yield root.joinpath(*parts[: length - 1], f"{parts[length - 1]}.py")
                yield root.joinpath(*parts[:length], "__init__.py")
