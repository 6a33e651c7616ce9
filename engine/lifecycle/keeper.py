"""What a server does besides: shows that it lives, resumes what another one left, deletes what is too old."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from engine.errors import ForelightError, RunTaken
from engine.runs.book import RunBook
from engine.runs.owners import SECONDS_BETWEEN_BEATS
from engine.runs.run import ENDED, Record
from engine.runs.store import Search

_SECONDS_BETWEEN_SWEEPS = 600.0
_SECONDS_OF_A_CHECK = 86_400.0
log = logging.getLogger("forelight.runs")


class Keeper:
    """A thread that calls `tick` each second; as a server's, it also resumes and sweeps.

    Another one shows that the process lives, however long that takes: rows of another server may have to come first.
    """

    def __init__(self, book: RunBook, owner: str, tick: Callable[[], None]) -> None:
        self._book, self._owner, self._tick = book, owner, tick
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._heart: threading.Thread | None = None
        self._resume: Callable[[Record], None] | None = None
        self._sweep: Callable[[], object] | None = None

    def start(self) -> None:
        """Begins to show that this process lives; a second call does nothing."""
        if self._thread is None:
            self._book.store.beat(self._owner)
            self._thread = threading.Thread(target=self._run, name="forelight-keeper", daemon=True)
            self._heart = threading.Thread(target=self._beat, name="forelight-heart", daemon=True)
            self._thread.start()
            self._heart.start()

    def serve(self, resume: Callable[[Record], None], sweep: Callable[[], object]) -> None:
        """Looks after all runs from now on: `resume` is called for each that lost its process, `sweep` now and then."""
        self._resume, self._sweep = resume, sweep
        self._book.recovers = True
        self.start()

    def close(self) -> None:
        self._ended.set()
        if self._thread is not None and self._heart is not None:
            self._thread.join(5)
            self._heart.join(5)
            try:
                self._book.store.leave(self._owner)
            except ForelightError as exc:
                log.warning("%s", exc)

    def _beat(self) -> None:
        while not self._ended.wait(SECONDS_BETWEEN_BEATS):
            try:
                self._book.store.beat(self._owner)
            except ForelightError as exc:
                log.warning("%s", exc)

    def _run(self) -> None:
        swept = 0.0
        while not self._ended.wait(SECONDS_BETWEEN_BEATS):
            try:
                self._tick()
                if self._resume is not None:
                    for record in self._book.orphans():
                        with suppress(RunTaken):
                            self._resume(record)
                if self._sweep is not None and time.monotonic() - swept > _SECONDS_BETWEEN_SWEEPS:
                    swept = time.monotonic()
                    self._sweep()
            except ForelightError as exc:
                log.warning("%s", exc)
            except Exception:
                log.exception("the keeper goes on after")


def expired(book: RunBook, keep_days: float, keep_bytes: int) -> tuple[str, ...]:
    """The runs to delete, the oldest first: too old ones, then as many as are above the bytes; none that runs."""
    now = datetime.now(UTC)
    oldest = (now - timedelta(days=keep_days)).isoformat()
    unused = (now - timedelta(seconds=_SECONDS_OF_A_CHECK)).isoformat()
    ended = book.store.find(Search(states=ENDED))[::-1]
    gone = [record.id for record in book.store.find(Search(states=("checked",), until=unused))]
    gone += [record.id for record in ended if (record.finished or record.created) < oldest]
    return (*gone, *_above(keep_bytes, book.store.bytes_used(), [record for record in ended if record.id not in gone]))


def _above(cap: int, used: int, oldest_first: Sequence[Record]) -> list[str]:
    found = []
    for record in oldest_first:
        if used <= cap:
            break
        used -= record.bytes
        found.append(record.id)
    return found
