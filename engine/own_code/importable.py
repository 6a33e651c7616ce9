"""Files that lie side by side import each other, as where they were trained."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Meanwhile files and packages of the folder can be imported by their names; what is installed comes first.

    They are forgotten afterwards, since another model may have others of the same names.
    """
    folder, before = folder.absolute(), set(sys.modules)
    sys.path.append(str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        new = set(sys.modules) - before
        for name in [name for name in new if _is_of(folder, name, sys.modules[name])]:  # a part asks its whole for it
            del sys.modules[name]


def _is_of(folder: Path, name: str, module: ModuleType) -> bool:
    """Whether it is a file of the folder's, or of a package in it; not of an environment that lies in there."""
    top = folder / name.partition(".")[0]
    if not top.is_dir() and not top.with_name(f"{top.name}.py").is_file():
        return False
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
    return any(
        place and (Path(place) == top.with_name(f"{top.name}.py") or top in (Path(place), *Path(place).parents))
        for place in places
    )
