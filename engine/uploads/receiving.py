"""One file that comes piece by piece, and what it is when whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from engine.errors import FULL_DISK, DiskFull, UploadRefused
from engine.readers import Source
from engine.uploads.room import Room, said_bytes


@dataclass(frozen=True, slots=True)
class Upload:
    """One whole file: `name` is the visitor's, folders included, and never a path; `size` in bytes."""

    id: str
    name: str
    size: int
    sha256: str
    path: Path

    def source(self) -> Source:
        """The file as readers take it."""
        return Source(self.name, self.path, self.sha256)


class Receiving:
    """A file on its way to `target`. Leaving it as a context before `finish` leaves nothing of it.

    `keep` puts the whole file from `path`, where it comes in, to its target.
    """

    def __init__(
        self,
        name: str,
        size: int | None,
        path: Path,
        target: Path,
        room: Room,
        keep: Callable[[Path, Upload], None],
        most: int | None = None,
    ) -> None:
        check_size(size or 0, most)
        self.name, self.owner, self.received = name, target.parent.name, 0
        self._size, self._path, self._target, self._room, self._keep = size, path, target, room, keep
        self._most = most
        self._hash = hashlib.sha256()
        self.counted = room.take(self.owner, size or 0)
        try:
            with full_disk_said():
                self._file = path.open("xb", buffering=0)
        except BaseException:
            room.give_back(self.owner, self.counted)
            raise

    def write(self, piece: bytes) -> None:
        """Takes the next bytes. UploadRefused where they are more than may come, DiskFull where there is no room."""
        received = self.received + len(piece)
        if self._size is not None and received > self._size:
            raise UploadRefused(f"{self.name}: more came than the {self._size:,} bytes that were said. Send it again.")
        check_size(received, self._most)
        if received > self.counted:
            self.counted = self._room.take(self.owner, received, self.counted)
        with full_disk_said():
            rest = memoryview(piece)
            while rest:
                rest = rest[self._file.write(rest) :]
        self._hash.update(piece)
        self.received = received

    def finish(self) -> Upload:
        """The file, now that it is whole; UploadRefused where bytes are missing."""
        if self._size is not None and self.received < self._size:
            raise UploadRefused(
                f"{self.name} broke off: {self.received:,} of {self._size:,} bytes came. Send it again."
            )
        with full_disk_said():
            self._file.close()
            whole = Upload(self._target.name, self.name, self.received, self._hash.hexdigest(), self._target)
            self._keep(self._path, whole)
        self.counted = 0  # it counts as a file that lies here from now on
        return whole

    def abort(self) -> None:
        """Removes what came of it; does nothing where it is finished, or was aborted before."""
        self._file.close()
        if self.counted:
            self._path.unlink(missing_ok=True)
            self._room.give_back(self.owner, self.counted)
            self.counted = 0

    def __enter__(self) -> Receiving:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()


def check_size(size: int, most: int | None) -> None:
    """UploadRefused where a file of so many bytes is larger than files of its kind may be."""
    if most is not None and size > most:
        raise UploadRefused(f"The file is too large: a file of this kind may have {said_bytes(most)}.")


@contextmanager
def full_disk_said() -> Iterator[None]:
    """DiskFull where the system says that there is no room, or that no file may be so large."""
    try:
        yield
    except OSError as exc:
        if exc.errno in FULL_DISK:
            raise DiskFull from exc
        raise
