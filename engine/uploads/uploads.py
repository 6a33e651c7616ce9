"""The files that visitors sent and have not used yet.

uploads/<owner>/<id>        the bytes              uploads/incoming-<token>/<id>   not yet whole
uploads/<owner>/<id>.json   name, size and hash    uploads/incoming-<token>.lock   held while that server lives

An owner is a visitor, hashed: who reads the disk does not learn what a browser shows to be known again.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import shutil
import threading
import time
import unicodedata
from collections import Counter
from pathlib import Path

from filelock import FileLock, Timeout

from engine.errors import UploadNotFound
from engine.ids import is_id, new_id
from engine.settings import Settings
from engine.uploads.receiving import Receiving, Upload, full_disk_said
from engine.uploads.room import Room, cost

_REORDERING = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
_OWNER = re.compile(r"[0-9a-f]{32}")
_MOST_NAME = 1_000
_A_DAY = 86_400.0


class Uploads:
    """Files on disk, each seen by its visitor only. Safe in several threads; `close` lets go what is half here.

    The limits are in bytes: of one file, of all files of one visitor, of all of them.
    """

    def __init__(self, folder: Path, most_bytes_a_file: int, most_bytes_a_visitor: int, most_bytes: int) -> None:
        self.folder = folder
        self._room = Room(folder, most_bytes_a_file, most_bytes_a_visitor, most_bytes)
        self._lock = threading.RLock()
        self._coming: list[Receiving] = []
        self._incoming: tuple[Path, FileLock] | None = None
        self._counted = False

    @classmethod
    def of(cls, settings: Settings) -> Uploads:
        """The uploads of that home, with the host's limits."""
        limits = (settings.max_file_bytes, settings.max_visitor_bytes, settings.max_upload_bytes)
        return cls(settings.uploads_folder, *limits)

    def check(self, visitor: str, size: int) -> None:
        """Returns where a file of that size may come now; else UploadRefused or DiskFull, saying why not."""
        self._count()
        self._room.check(_owner(visitor), size)

    def bytes(self) -> int:
        """What lies here or is on its way."""
        self._count()
        return self._room.taken

    def begin(self, visitor: str, name: str, size: int | None = None, most: int | None = None) -> Receiving:
        """A file begins to come; `size` where it is known, `most` where it may have fewer bytes than others.

        UploadRefused or DiskFull where there is no room for it.
        """
        self._count()
        upload_id = new_id()
        with self._lock:
            with full_disk_said():
                incoming = self._incoming_folder() / upload_id
            target = self.folder / _owner(visitor) / upload_id
            receiving = Receiving(_clean(name), size, incoming, target, self._room, self._keep, most)
            self._coming = [each for each in self._coming if each.counted] + [receiving]
        return receiving

    def get(self, visitor: str, upload_id: str) -> Upload:
        """The visitor's whole file of that id, or UploadNotFound."""
        path = self._path(visitor, upload_id)
        try:
            told = json.loads(path.with_suffix(".json").read_bytes())
            found = Upload(upload_id, str(told["name"]), int(told["size"]), str(told["sha256"]), path)
            if path.stat().st_size == found.size:
                return found
        except (OSError, ValueError, KeyError, TypeError):
            pass
        raise UploadNotFound

    def delete(self, visitor: str, upload_id: str) -> None:
        """Deletes the visitor's file of that id; UploadNotFound where there is none."""
        path = self._path(visitor, upload_id)
        self._count()
        with self._lock:
            try:
                size = path.stat().st_size
                path.unlink()
            except FileNotFoundError:
                raise UploadNotFound from None
            path.with_suffix(".json").unlink(missing_ok=True)
            self._room.give_back(path.parent.name, cost(size))

    def sweep(self, seconds: float = _A_DAY) -> int:
        """Removes files that came more than `seconds` ago, and what dead servers left half; says how many files."""
        gone, before = 0, time.time() - seconds
        with self._lock:
            for lock in self.folder.glob("incoming-*.lock"):
                gone += _clear_if_dead(lock)
            for path in self.folder.glob("*/*"):
                if _changed(path) < before:
                    path.unlink(missing_ok=True)
                    gone += not path.suffix
            self._counted = False
        return gone

    def close(self) -> None:
        """Nothing comes any more; what is half here is removed."""
        with self._lock:
            if self._incoming is not None:
                folder, lock = self._incoming
                self._incoming = None
                shutil.rmtree(folder, ignore_errors=True)
                lock.release()
                folder.with_suffix(".lock").unlink(missing_ok=True)

    def _keep(self, incoming: Path, whole: Upload) -> None:
        """The file goes to its owner's; its name and hash first, so that it is never there without them."""
        told = whole.path.with_suffix(".json")
        with self._lock:
            told.parent.mkdir(exist_ok=True)
            try:
                told.write_text(json.dumps({"name": whole.name, "size": whole.size, "sha256": whole.sha256}))
                incoming.rename(whole.path)
            except BaseException:
                told.unlink(missing_ok=True)
                raise

    def _count(self) -> None:
        """Looks once, and again after each sweep, what lies here: other servers of the same home bring files too."""
        with self._lock:
            if self._counted:
                return
            taken: Counter[str] = Counter()
            for path in self.folder.glob("*/*"):
                if is_id(path.name) and _OWNER.fullmatch(path.parent.name):
                    taken[path.parent.name] += cost(path.stat().st_size)
            for receiving in self._coming:
                taken[receiving.owner] += receiving.counted
            self._room.count_again(taken)
            self._counted = True

    def _incoming_folder(self) -> Path:
        """Where this server's files come in; its lock shows others that it lives."""
        if self._incoming is None:
            folder = self.folder / f"incoming-{secrets.token_hex(8)}"
            folder.mkdir(parents=True)
            lock = FileLock(folder.with_suffix(".lock"), thread_local=False)
            lock.acquire()
            self._incoming = folder, lock
        return self._incoming[0]

    def _path(self, visitor: str, upload_id: str) -> Path:
        if not visitor or not is_id(upload_id):
            raise UploadNotFound
        return self.folder / _owner(visitor) / upload_id


def _owner(visitor: str) -> str:
    return hashlib.sha256(visitor.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _clean(name: str) -> str:
    """The name as it can be kept and shown; of a very long one its end, which says of what kind the file is."""
    return "".join("�" if _misleads(sign) else sign for sign in name)[-_MOST_NAME:] or "file"


def _misleads(sign: str) -> bool:
    """Whether it is no character, or lets those behind it be shown in another order."""
    return unicodedata.category(sign) in ("Cc", "Cs") or unicodedata.bidirectional(sign) in _REORDERING


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _clear_if_dead(path: Path) -> int:
    """Removes what a server left half here whose lock is free; says how many files that were."""
    try:
        with FileLock(path).acquire(timeout=0):
            gone = sum(1 for _ in path.with_suffix("").glob("*"))
            shutil.rmtree(path.with_suffix(""), ignore_errors=True)
            path.unlink(missing_ok=True)
            return gone
    except Timeout:
        return 0
