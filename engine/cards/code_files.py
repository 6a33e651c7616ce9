"""The Python files that a card's own code is: those it names, and what these import of the files beside them."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.cards.card import ModelCard

_CLASS, _INIT = "class_path", "__init__.py"


def code_files(card: ModelCard, folder: Path) -> tuple[Path, ...]:
    """The files in the folder that predictions of the card run; none where all of it is in packages."""
    found: dict[Path, None] = {}
    for name in _named(card):
        path = file_beside(name, folder)
        if path is not None:
            found |= dict.fromkeys((path, *siblings(path, folder)))
    return tuple(found)


def file_beside(name: str, folder: Path) -> Path | None:
    """The file that a module of that name is beside the card; None where there is none."""
    *inside, last = name.split(".")
    path = folder.joinpath(*inside, f"{last}.py")
    return path if all((*inside, last)) and path.is_file() else None


def root_of(path: Path, within: Path | None = None) -> Path:
    """The folder that the imports of a Python file begin in: its own, or the one that the package it is of lies in.

    It is of one where `__init__.py` lies beside it, or where its own imports say so. `within` bounds the way up.
    """
    path = path.absolute()
    depth = max((0, *_depths(path)))
    while path.parents[depth].name.isidentifier() and (path.parents[depth] / _INIT).is_file():
        depth += 1
    if within is not None:
        depth = min(depth, len(path.parent.relative_to(within.absolute()).parts))
    return path.parents[depth]


def siblings(path: Path, within: Path | None = None) -> list[Path]:
    """The files beside that one, or in packages beside it, which it imports, and which those import."""
    path, root = path.absolute(), root_of(path, within)
    folders = [root, *(folder for folder in path.parents if folder.is_relative_to(root) and folder != root)]
    found = {init: None for folder in folders[1:] if (init := folder / _INIT).is_file() and init != path}
    waiting = [path, *found]
    while waiting:
        for other in _imported(waiting.pop(), (root, path.parent)):
            if other not in found and other != path and other.is_relative_to(root) and other.is_file():
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


def _imported(path: Path, roots: Sequence[Path]) -> Iterator[Path]:
    """Where what the file imports would be, were it in one of `roots`."""
    for node in _nodes(path):
        if isinstance(node, ast.ImportFrom) and node.level:
            inside = tuple(node.module.split(".")) if node.module else ()
            if node.level <= len(path.parents):
                yield from _places(path.parents[node.level - 1], [(*inside, each.name) for each in node.names])
        elif isinstance(node, ast.ImportFrom | ast.Import):
            top = tuple((node.module or "").split(".")) if isinstance(node, ast.ImportFrom) else ()
            for root in dict.fromkeys(roots):
                yield from _places(root, [(*top, *each.name.split(".")) for each in node.names])


def _places(root: Path, names: Sequence[tuple[str, ...]]) -> Iterator[Path]:
    """The files that modules of these names would be, or their packages' own."""
    for parts in names:
        for length in range(1, len(parts) + 1):
            yield root.joinpath(*parts[: length - 1], f"{parts[length - 1]}.py")
            yield root.joinpath(*parts[:length], _INIT)


def _depths(path: Path) -> Iterator[int]:
    """How many folders above its own the imports of the file lead to."""
    for node in _nodes(path):
        if isinstance(node, ast.ImportFrom) and node.level and node.level < len(path.parents):
            yield node.level
        elif isinstance(node, ast.ImportFrom | ast.Import):
            before = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            names = [f"{before}{each.name}" for each in node.names]
            for top, *inside in (name.split(".") for name in names):
                own = [depth for depth, folder in enumerate(path.parents) if folder.name == top]
                yield from (
                    depth + 1
                    for depth in own
                    if inside and any((path.parents[depth] / f"{inside[0]}{suffix}").exists() for suffix in ("", ".py"))
                )


def _nodes(path: Path) -> Iterator[ast.AST]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # importing it says so
        return
    yield from ast.walk(tree)
