"""Files that lie side by side import each other, as where they were trained."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, ExtensionFileLoader, FileFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType


class AsItStands(SourceFileLoader):
    """Compiles what stands in the file now: bytecode kept beside it is told by second and size alone, and goes along
    when a folder is copied. None is left in the host's folders either."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Meanwhile files and packages of the folder can be imported by their names; what is installed comes first.

    They are forgotten afterwards, since another model may have others of the same names.
    """
    folder, before = folder.absolute(), set(sys.modules)
    finder = _finder_below(folder)
    sys.path.append(str(folder))
    sys.path_hooks.insert(0, finder)
    _look_anew(folder)
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.path_hooks.remove(finder)
        _look_anew(folder)
        new = set(sys.modules) - before
        for name in [name for name in new if _is_of(folder, name, sys.modules[name])]:  # a part asks its whole for it
            del sys.modules[name]


def _finder_below(folder: Path) -> Callable[[str], FileFinder]:
    """What finds files there as they stand; other things that lie in there, such as an environment, as ever."""
    others = [path for entry in sys.path if folder in (path := Path(entry).absolute()).parents]

    def finder(entry: str) -> FileFinder:
        path = Path(entry)
        if not path.is_relative_to(folder) or any(path.is_relative_to(other) for other in others):
            raise ImportError(f"{entry} is another's")
        return FileFinder(entry, (ExtensionFileLoader, EXTENSION_SUFFIXES), (AsItStands, SOURCE_SUFFIXES))

    return finder


def _look_anew(folder: Path) -> None:
    """Forgets what was found there, and who finds it."""
    for entry in [entry for entry in sys.path_importer_cache if Path(entry).is_relative_to(folder)]:
        del sys.path_importer_cache[entry]
    importlib.invalidate_caches()


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
