"""The memory that processes hold, without the pages of files they map."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path


def held(pid: int | str = "self") -> int:
    """Bytes of anonymous memory of that process now; 0 where it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return 0


class Watch:
    """Notes the peak of what some processes hold together, while its body runs."""

    def __init__(self, pids: Callable[[], list[int]] = list, seconds: float = 0.01) -> None:
        self.peak = 0
        self._pids, self._seconds, self._done = pids, seconds, threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.is_set():
            self.peak = max(self.peak, held() + sum(map(held, self._pids())))
            time.sleep(self._seconds)
