"""How many bytes visitors may leave here, and how many they have."""

from __future__ import annotations

import shutil
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from engine.errors import DiskFull, UploadRefused

_LEAST_COST = 4_096


def cost(size: int) -> int:
    """What a file of that size counts, in bytes: an empty one takes a block of the disk too."""
    return max(size, _LEAST_COST)


class Room:
    """Bytes that lie in `folder` or are on their way, by owner, and their limits. Safe in several threads."""

    def __init__(self, folder: Path, most_bytes_a_file: int, most_bytes_an_owner: int, most_bytes: int) -> None:
        self._folder, self._a_file, self._an_owner, self._together = (
            folder,
            most_bytes_a_file,
            most_bytes_an_owner,
            most_bytes,
        )
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()

    def check(self, owner: str, size: int, before: int = 0) -> None:
        """Returns where a file of `size` bytes may come that counts as `before` already; else says why not.

        Raises UploadRefused, or DiskFull.
        """
        if size > self._a_file:
            raise UploadRefused(f"The file is too large: one file may have {said_bytes(self._a_file)}. Split it.")
        more = cost(size) - before
        if self._taken[owner] + more > self._an_owner:
            raise UploadRefused(
                f"All your files together may have {said_bytes(self._an_owner)}. Predict those you brought, or remove "
                "some."
            )
        if self._taken.total() + more > self._together:
            raise UploadRefused("Too many files of all visitors wait here just now. Try again in some minutes.")
        self._folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(self._folder).free < size - before:
            raise DiskFull

    def take(self, owner: str, size: int, before: int = 0) -> int:
        """Counts the file from now on, where `check` lets it come; returns what it counts."""
        with self._lock:
            self.check(owner, size, before)
            self._taken[owner] += cost(size) - before
        return cost(size)

    @property
    def taken(self) -> int:
        """Bytes of all owners."""
        with self._lock:
            return self._taken.total()

    def give_back(self, owner: str, counted: int) -> None:
        with self._lock:
            self._taken[owner] -= counted
            if self._taken[owner] <= 0:
                del self._taken[owner]

    def count_again(self, taken: Mapping[str, int]) -> None:
        """Puts what was found on disk, and is on its way, in place of what was counted."""
        with self._lock:
            self._taken = Counter(taken)


def said_bytes(octets: int) -> str:
    """So many bytes, in the unit that a person would take."""
    return f"{octets / 1e9:.1f} GB" if octets >= 1e9 else f"{octets / 1e6:.3g} MB"
