"""A folder of an object store, such as s3://bucket/folder: what lies in it, read and written. fsspec speaks with it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from engine.errors import FULL_DISK, DiskFull, MissingPackage, ObjectStoreError

_PACKAGES = {"s3": "s3fs", "gs": "gcsfs", "abfs": "adlfs", "az": "adlfs"}
_PIECE = 4 << 20
_ADDRESS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<root>[^/].*?)/*")


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object, with its bytes, or a folder of some. `path` is below the store's folder; `mark` changes with it."""

    path: str
    is_folder: bool
    size: int = 0
    mark: str = ""

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


class ObjectStore:
    """Paths are names between slashes below the store's folder, and the caller's to check: keys know no links.

    Raises ObjectStoreError where the store does not answer, FileNotFoundError and its kin for what is not there.
    """

    def __init__(self, address: str) -> None:
        found = _ADDRESS.fullmatch(address)
        if found is None:
            raise ObjectStoreError(address, "this is no address such as s3://bucket/folder")
        self.address = address
        self._scheme, self._root = found["scheme"], found["root"]

    def entries(self, path: str = "") -> Iterator[StoredObject]:
        """What lies directly at that path."""
        whole = self._whole(path)
        with self._said():
            found = self._files.ls(whole, detail=True)
        for each in found:
            below = self._below(each)
            if each["type"] == "file" and below == path:
                raise NotADirectoryError(path)
            name = below.removeprefix(f"{path}/" if path else "")
            if name and "/" not in name and below != path:  # else the folder itself, where its key was made
                yield _stored(below, each)

    def walk(self, path: str = "") -> Mapping[str, StoredObject]:
        """All objects at and below that path, by their own."""
        with self._said():
            try:
                found = self._files.find(self._whole(path), detail=True).values()
            except FileNotFoundError as exc:
                raise ObjectStoreError(self.address, "there is no such bucket") from exc
        return {(below := self._below(each)): _stored(below, each) for each in found if not _is_folder_key(each)}

    def size(self, path: str) -> int:
        """The bytes of the object."""
        with self._said():
            told = self._files.info(self._whole(path))
        if told["type"] != "file":
            raise IsADirectoryError(path)
        return int(told["size"])

    def pieces(self, path: str) -> Iterator[bytes]:
        """The object's bytes, some megabytes at a time."""
        with self._said():
            file = self._files.open(self._whole(path), "rb", block_size=_PIECE, cache_type="readahead")
        try:
            while True:
                with self._said():
                    piece = file.read(_PIECE)
                if not piece:
                    return
                yield piece
        finally:
            file.close()

    def read(self, path: str) -> bytes:
        """The whole of a small object."""
        with self._said():
            content: bytes = self._files.cat_file(self._whole(path))
        return content

    def write(self, path: str, content: bytes) -> None:
        """Makes or replaces a small object, whole."""
        with self._said():
            self._writing(lambda: self._files.pipe_file(self._whole(path), content))

    def fetch(self, path: str, target: Path) -> None:
        """Copies the object to a file, which is there only when it is whole."""
        part = target.with_name(f".{target.name}.fetched")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("wb") as file:
                for piece in self.pieces(path):
                    file.write(piece)
            part.replace(target)
        except OSError as exc:
            if exc.errno in FULL_DISK:
                raise DiskFull from exc
            raise
        finally:
            part.unlink(missing_ok=True)

    def keep(self, source: Path, path: str) -> None:
        """Copies a file to an object, which others see only when it is whole."""
        with self._said():
            self._writing(lambda: self._files.put_file(str(source), self._whole(path)))

    def delete(self, path: str) -> None:
        """Removes all objects at and below that path; nothing where there are none."""
        with self._said():
            if self._files.exists(self._whole(path)):
                self._files.rm(self._whole(path), recursive=True)

    def _writing(self, write: Callable[[], object]) -> None:
        try:
            write()
        except OSError as exc:
            raise ObjectStoreError(self.address, f"{type(exc).__name__}: {exc}") from exc

    @cached_property
    def _files(self) -> Any:
        import fsspec

        try:
            return fsspec.filesystem(self._scheme, use_listings_cache=False)
        except ImportError as exc:
            raise MissingPackage(f"{self._scheme}://", _PACKAGES.get(self._scheme, self._scheme)) from exc
        except ValueError as exc:
            raise ObjectStoreError(self.address, str(exc)) from exc

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Whatever the store's package raises, as one of ours: these packages have no error in common."""
        try:
            yield
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError, MissingPackage, ObjectStoreError):
            raise
        except Exception as exc:
            raise ObjectStoreError(self.address, f"{type(exc).__name__}: {exc}") from exc

    def _whole(self, path: str) -> str:
        return f"{self._root}/{path}" if path else self._root

    def _below(self, told: Mapping[str, Any]) -> str:
        """The path below the folder; "" for the folder itself."""
        return str(told["name"]).strip("/").removeprefix(self._root).strip("/")


def kept_marks(path: Path) -> dict[str, str]:
    """What was written down of a store's objects in that file; nothing where nothing was."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def is_address(text: str) -> bool:
    """Whether that is an object store's, and no path."""
    return "://" in text


def _stored(below: str, told: Mapping[str, Any]) -> StoredObject:
    marks = (str(told.get(name) or "") for name in ("ETag", "etag", "LastModified", "mtime", "created"))
    is_folder = told["type"] == "directory"
    size = 0 if is_folder else int(told["size"] or 0)
    return StoredObject(below, is_folder, size, f"{size} {next(filter(None, marks), '')}")


def _is_folder_key(told: Mapping[str, Any]) -> bool:
    """Whether that is the empty object that some tools make to show a folder."""
    return told["type"] == "directory" or str(told["name"]).endswith("/")
