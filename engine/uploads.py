"""Files that visitors sent and have not predicted yet: on disk as they come, hashed on the way, counted by visitor."""

from __future__ import annotations

import errno
import hashlib
import json
import re
import secrets
import shutil
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.errors import DiskFull, UploadNotFound, UploadRefused
from engine.readers import Source

_ID = re.compile(r"^[A-Za-z0-9_-]{22}$")
_MOST_SIGNS = 500


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes: of one file, of all files of one visitor, of all visitors."""

    file: int
    visitor: int
    together: int


@dataclass(frozen=True, slots=True)
class Upload:
    """A whole file. `name` is what the visitor calls it, folders included, and never a path."""

    id: str
    visitor: str
    name: str
    size: int
    sha256: str
    path: Path

    def source(self) -> Source:
        return Source(self.name, self.path, self.sha256)


class Receiving:
    """A file that is on its way. What is not finished leaves nothing."""

    def __init__(self, uploads: Uploads, visitor: str, name: str, size: int) -> None:
        self._uploads, self.visitor, self._name, self._expected = uploads, visitor, name, size
        self.reserved = size
        self._folder = uploads.folder / secrets.token_urlsafe(16)
        self._folder.mkdir(parents=True)
        self._digest = hashlib.sha256()
        self._size = 0
        self._file = (self._folder / "content").open("wb")

    def write(self, piece: bytes) -> None:
        """Appends; UploadRefused where more comes than was announced, DiskFull where there is no room."""
        self._size += len(piece)
        if self._size > self._expected:
            raise UploadRefused(f"'{self._name}' is longer than the {self._expected:,} bytes that were announced.")
        self._digest.update(piece)
        try:
            self._file.write(piece)
        except OSError as exc:
            raise _full(exc) from exc

    def finish(self) -> Upload:
        """The whole file; UploadRefused where bytes are missing."""
        if self._size != self._expected:
            raise UploadRefused(f"'{self._name}' broke off after {self._size:,} of {self._expected:,} bytes.")
        try:
            self._file.close()
            upload = Upload(
                self._folder.name,
                self.visitor,
                self._name,
                self._size,
                self._digest.hexdigest(),
                self._folder / "content",
            )
            about = {name: value for name, value in asdict(upload).items() if name != "path"}
            (self._folder / "about.json").write_text(json.dumps(about), encoding="utf-8")
        except OSError as exc:
            raise _full(exc) from exc
        return upload

    def abort(self) -> None:
        """Leaves nothing; can be called at any time before the end."""
        self._file.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._uploads.release(self.visitor, self.reserved)


class Uploads:
    """All uploads of a home. Safe to use from several threads."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder, self._limits = folder, limits
        self._held: Counter[str] = Counter()
        self._lock = threading.Lock()
        for path in folder.glob("*/about.json"):
            upload = _read(path.parent)
            if upload is not None:
                self._held[upload.visitor] += upload.size

    def begin(self, visitor: str, name: str, size: int) -> Receiving:
        """A file of `size` bytes begins to come; UploadRefused where it is too much."""
        name = name.replace("\\", "/").replace("\0", "�")[-_MOST_SIGNS:] or "file"
        with self._lock:
            if size > self._limits.file:
                raise UploadRefused(f"'{name}' has {size:,} bytes; a file may have {self._limits.file:,}.")
            if self._held[visitor] + size > self._limits.visitor:
                raise UploadRefused(
                    f"'{name}' is too much: your files may have {self._limits.visitor:,} bytes together, "
                    f"{self._held[visitor]:,} are taken. Predict or remove the others first."
                )
            if self._held.total() + size > self._limits.together:
                raise UploadRefused("The server holds as many files as it may. Try again in a while.")
            self._held[visitor] += size
        try:
            return Receiving(self, visitor, name, size)
        except OSError as exc:
            self.release(visitor, size)
            raise _full(exc) from exc

    def get(self, visitor: str, upload_id: str) -> Upload:
        """That visitor's upload; UploadNotFound for every other."""
        upload = _read(self.folder / upload_id) if _ID.match(upload_id) else None
        if upload is None or upload.visitor != visitor:
            raise UploadNotFound
        return upload

    def delete(self, visitor: str, upload_id: str) -> None:
        """Removes that visitor's upload; UploadNotFound for every other."""
        self._remove(self.get(visitor, upload_id))

    def sweep(self, seconds: float) -> None:
        """Removes what is older than that, and what never came to its end."""
        before = time.time() - seconds
        for folder in self.folder.iterdir() if self.folder.is_dir() else ():
            if folder.stat().st_mtime < before:
                upload = _read(folder)
                if upload is not None:
                    self._remove(upload)
                else:
                    shutil.rmtree(folder, ignore_errors=True)

    def release(self, visitor: str, size: int) -> None:
        """So many bytes of the visitor's are free again."""
        with self._lock:
            self._held[visitor] -= size
            if self._held[visitor] <= 0:
                del self._held[visitor]

    def _remove(self, upload: Upload) -> None:
        shutil.rmtree(upload.path.parent, ignore_errors=True)
        self.release(upload.visitor, upload.size)


def _read(folder: Path) -> Upload | None:
    try:
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        return Upload(**about, path=folder / "content")
    except (OSError, ValueError, TypeError):
        return None


def _full(error: OSError) -> OSError | DiskFull:
    return DiskFull() if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else error
