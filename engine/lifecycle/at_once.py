"""How many checks a visitor has going at once: each holds a thread, and the next one waits for those before it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import QueueFull


class AtOnce:
    """Counts by visitor; "" is the host's own programs, who may as many as they like."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._going: Counter[str] = Counter()

    @contextmanager
    def one(self, visitor: str) -> Iterator[None]:
        """One more meanwhile; QueueFull where as many as may be are going already."""
        with self._lock:
            if visitor and self._going[visitor] >= self._most:
                raise QueueFull(
                    f"{self._most:,} of your checks are going on already, as many as there may be at once. Wait until "
                    "one has ended."
                )
            self._going[visitor] += 1
        try:
            yield
        finally:
            with self._lock:
                self._going[visitor] -= 1
                if not self._going[visitor]:
                    del self._going[visitor]
