"""The lake: folders that a host offers visitors to take files from, here or on an object store. Nothing outside them.

A path in a folder is names between slashes. It is looked up below the folder, links are followed, and what then lies
outside, or in Forelight's own home, is as what never was.
"""

from __future__ import annotations

import logging
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.errors import LakeError, MissingPackage, NotInLake, ObjectStoreError
from engine.object_store import ObjectStore, is_address

MOST_ENTRIES = 2_000
_PIECE = 4 << 20
_FILE = "file://"
log = logging.getLogger("forelight.lake")


@dataclass(frozen=True, slots=True)
class LakeEntry:
    """A file, with its bytes, or a folder; `path` is what it is asked for by."""

    name: str
    path: str
    is_folder: bool
    size: int = 0


class _Folder(Protocol):
    def entries(self, path: str) -> Iterator[LakeEntry]: ...

    def size(self, path: str) -> int: ...

    def pieces(self, path: str) -> Iterator[bytes]: ...


class Lake:
    """The folders by their names; NotInLake for all that is not in them, LakeError where a store does not answer.

    What lies below `home`, or at the address `storage`, is Forelight's own and never offered, though a folder may
    hold it.
    """

    def __init__(self, folders: Mapping[str, str], home: Path, storage: str = "") -> None:
        self._addresses, self._home, self._storage = dict(folders), home, storage

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._addresses)

    def entries(self, folder: str, path: str = "") -> tuple[LakeEntry, ...]:
        """What lies at that path, folders first, by name; at most MOST_ENTRIES, nothing hidden."""
        with _said(folder):
            entries = self._folder(folder).entries(_checked(path))
            found = [each for each in entries if not each.name.startswith(".")]
        return tuple(sorted(found, key=lambda each: (not each.is_folder, each.name))[:MOST_ENTRIES])

    def open(self, folder: str, path: str) -> tuple[int, Iterator[bytes]]:
        """(how many bytes, the bytes) of the file at that path."""
        with _said(folder):
            own, path = self._folder(folder), _checked(path)
            if not path:
                raise NotInLake
            return own.size(path), _pieces(folder, own, path)

    def _folder(self, name: str) -> _Folder:
        if name not in self._addresses:
            raise NotInLake
        address = self._addresses[name]
        if is_address(address) and not address.startswith(_FILE):
            return _Stored(ObjectStore(address), self._storage)
        return _Local(Path(address.removeprefix(_FILE)), self._home)


class _Local:
    """A folder of this machine. Only plain files: a pipe or a device would hang, or give what it should not."""

    def __init__(self, root: Path, home: Path) -> None:
        self._root, self._home = root, home

    def entries(self, path: str) -> Iterator[LakeEntry]:
        for each in self._found(path, stat.S_ISDIR).iterdir():
            own = f"{path}/{each.name}" if path else each.name
            try:
                told = self._found(own, lambda mode: stat.S_ISDIR(mode) or stat.S_ISREG(mode)).stat()
            except NotInLake:
                continue
            is_folder = stat.S_ISDIR(told.st_mode)
            yield LakeEntry(each.name, own, is_folder, 0 if is_folder else told.st_size)

    def size(self, path: str) -> int:
        return self._found(path, stat.S_ISREG).stat().st_size

    def pieces(self, path: str) -> Iterator[bytes]:
        with self._found(path, stat.S_ISREG).open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece

    def _found(self, path: str, wanted: Callable[[int], bool]) -> Path:
        """Where that path really is, if that is inside and what is wanted; NotInLake else."""
        try:
            root = self._root.resolve(strict=True)
            real = (root / path).resolve(strict=True)
            ours = real.is_relative_to(self._home.resolve())
            if real.is_relative_to(root) and not ours and wanted(real.stat().st_mode):
                return real
        except (OSError, RuntimeError, ValueError):
            pass
        raise NotInLake


class _Stored:
    """A folder of an object store."""

    def __init__(self, store: ObjectStore, storage: str) -> None:
        self._store, self._storage = store, storage.rstrip("/")

    def entries(self, path: str) -> Iterator[LakeEntry]:
        for each in self._store.entries(self._open(path)):
            if not self._is_ours(each.path):
                yield LakeEntry(each.name, each.path, each.is_folder, each.size)

    def size(self, path: str) -> int:
        return self._store.size(self._open(path))

    def pieces(self, path: str) -> Iterator[bytes]:
        return self._store.pieces(self._open(path))

    def _open(self, path: str) -> str:
        if self._is_ours(path):
            raise NotInLake
        return path

    def _is_ours(self, path: str) -> bool:
        whole = f"{self._store.address.rstrip('/')}/{path}".rstrip("/")
        return bool(self._storage) and f"{whole}/".startswith(f"{self._storage}/")


def _checked(path: str) -> str:
    """The path where it is names between slashes; NotInLake for one that would climb, begin anew or end a string."""
    parts = path.split("/") if path else []
    if any(not part or part.startswith(".") or "\0" in part or "\\" in part for part in parts):
        raise NotInLake
    return path


def _pieces(name: str, folder: _Folder, path: str) -> Iterator[bytes]:
    with _said(name):
        yield from folder.pieces(path)


@contextmanager
def _said(folder: str) -> Iterator[None]:
    """What a store or a disk says against it, in a sentence that holds no address of the host's."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise NotInLake from None
    except (OSError, ObjectStoreError, MissingPackage) as exc:
        log.warning("the folder %r of the lake: %s", folder, exc)
        raise LakeError(folder) from exc
