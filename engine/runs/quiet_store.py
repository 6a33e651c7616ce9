"""The object store of runs, whose words visitors read: what it says of itself stands in the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import MissingPackage, ObjectStoreError, StoreError
from engine.object_store import ObjectStore

_SECONDS_OF_SILENCE = 5.0
_SILENT = "The storage of runs does not answer. Try again later, or tell the host."
log = logging.getLogger("forelight.runs")


class QuietStore(ObjectStore):
    """Visitors read what is raised here: without the address, which stands in the log."""

    silent_until = 0.0

    def check(self) -> None:
        """StoreError where it did not answer just now: a list of runs waits for that once, not for each run."""
        if time.monotonic() < self.silent_until:
            raise StoreError(_SILENT)

    @contextmanager
    def _said(self) -> Iterator[None]:
        try:
            with super()._said():
                yield
        except (ObjectStoreError, MissingPackage, FileNotFoundError, NotADirectoryError, IsADirectoryError) as exc:
            if isinstance(exc, ObjectStoreError):
                self.silent_until = time.monotonic() + _SECONDS_OF_SILENCE
            if not isinstance(exc, FileNotFoundError):
                log.warning("%s", exc)
            raise StoreError(_SILENT) from exc
