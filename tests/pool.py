"""Worker processes that all tests of one process share, forked where torch is loaded already."""

from __future__ import annotations

import atexit
from functools import cache

from engine import Engine, Settings
from engine.backends import WorkerPool
from tests.forking import begin_forked


@cache
def pool(devices: int = 1) -> WorkerPool:
    made = WorkerPool(devices, begin=begin_forked)
    atexit.register(made.close)
    return made


def open_engine(settings: Settings) -> Engine:
    """An engine on the shared workers."""
    return Engine(settings, pool=pool(settings.devices))
