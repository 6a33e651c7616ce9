"""Worker processes that all tests of one process share, forked where torch is loaded already."""

from __future__ import annotations

import atexit
from functools import cache

import pytest

from engine import Engine, Settings
from engine.backends import WorkerPool, process
from tests.forking import begin_forked


@cache
def pool(devices: int = 1) -> WorkerPool:
    made = WorkerPool(devices, begin=begin_forked)
    atexit.register(made.close)
    return made


def open_engine(settings: Settings) -> Engine:
    """An engine on the shared workers; the one that tries its models is forked like them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "begin_process", begin_forked)
        return Engine(settings, pool=pool(settings.devices if isinstance(settings.devices, int) else 1))
