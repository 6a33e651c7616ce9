"""Calls that a person waits for: done before runs, by the first device that is free."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from engine.backends.backend import Result, Worker

Call = Callable[[Worker], Result]


class Calls:
    """Those that wait. Not thread-safe: its owner's lock guards it."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Call, Future[Any]]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, call: Call) -> Future[Result]:
        """What becomes of the call."""
        future: Future[Result] = Future()
        self._waiting.append((call, future))
        return future

    def next(self, worker: Worker) -> Callable[[], None]:
        """Takes the one that waits longest; what is returned has the worker do it."""
        return partial(_answer, *self._waiting.popleft(), worker)

    def cancel(self) -> None:
        """Tells all that wait that nobody does them."""
        for _, future in self._waiting:
            future.cancel()


def _answer(call: Call, future: Future[Any], worker: Worker) -> None:
    if future.set_running_or_notify_cancel():
        try:
            future.set_result(call(worker))
        except BaseException as exc:
            future.set_exception(exc)
