"""Servers on several machines, for all that they can tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from engine import Engine, Settings
from engine.runs import owners
from tests.pool import open_engine


@contextmanager
def machines() -> Iterator[Callable[[str, Settings], Engine]]:
    """Opens engines, each as if on a machine of that name, who miss each other within a second; closes them."""
    opened: list[Engine] = []

    def open_on(machine: str, settings: Settings) -> Engine:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owners, "_machine", lambda: machine)
            opened.append(open_engine(settings))
        return opened[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owners, "_SECONDS_UNTIL_DEAD", 1.0)
        patch.setattr("engine.lifecycle.keeper.SECONDS_BETWEEN_BEATS", 0.2)
        yield open_on
        for engine in opened:
            engine.close()
