"""Python files that import each other and lie side by side, as a training leaves them."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType


def siblings(path: Path) -> list[Path]:
    """The files beside that one which it imports, and which those import."""
    found: dict[Path, None] = {}
    waiting = [path]
    while waiting:
        for name in _imported(waiting.pop()):
            other = path.parent / f"{name}.py"
            if other not in found and other != path and other.is_file():
                found[other] = None
                waiting.append(other)
    return list(found)


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Meanwhile files of the folder can be imported by their names; what is installed under a name comes first.

    They are forgotten afterwards, packages too, since another model may have others of the same names.
    """
    before = set(sys.modules)
    sys.path.append(str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        new = set(sys.modules) - before
        own = {name for name in new if "." not in name and _lies_in(folder, sys.modules[name])}
        sys.path.remove(str(folder))
        for name in new:
            if name.partition(".")[0] in own:
                del sys.modules[name]


def _lies_in(folder: Path, module: ModuleType) -> bool:
    places = (getattr(module, "__file__", None), *getattr(module, "__path__", ()))
    return any(place is not None and Path(place).parent == folder for place in places)


def _imported(path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # importing it says so
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name.partition(".")[0] for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
