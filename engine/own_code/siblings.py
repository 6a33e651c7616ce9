"""Python files that import each other and lie side by side, as a training leaves them."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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

    They are forgotten afterwards, since another model may have others of the same names.
    """
    before = set(sys.modules)
    sys.path.append(str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).parent == folder:
                del sys.modules[name]


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
