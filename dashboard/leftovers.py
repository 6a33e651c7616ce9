"""What closed tabs leave in memory, given back once they will not come back; Streamlit waits for the next visitor."""

from __future__ import annotations

import asyncio
import ctypes
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.concurrency import run_in_threadpool
from streamlit import runtime

_SECONDS_BETWEEN_LOOKS = 10.0
_ARENA_MAX, _MMAP_THRESHOLD = -8, -3  # parameters of glibc's mallopt
_ARENAS, _OWN_PAGES = 4, 2**20


@asynccontextmanager
async def leftovers_given_back() -> AsyncIterator[None]:
    """Looks for them meanwhile, on the server's own loop, as sessions are not safe on any other thread."""
    looking = asyncio.create_task(_look_now_and_then())
    try:
        yield
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking


def keep_memory_together() -> None:
    """Lets the C library spread over fewer places, and give large pieces back when they are free, where it can.

    Each rerun of a page is a new thread, and each thread would take from a place of its own, which then keeps holes.
    """
    with suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, _ARENAS)
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _OWN_PAGES)


async def _look_now_and_then() -> None:
    while True:
        await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
        if runtime.exists() and forget_sessions(runtime.get_instance()):
            gc.collect()  # a session is a ring of objects; what was there at the start is frozen and costs nothing
            await run_in_threadpool(trim)


def forget_sessions(server: runtime.Runtime) -> int:
    """How many sessions were forgotten, whose tabs were closed longer ago than `server.disconnectedSessionTTL`."""
    kept = server._session_mgr._session_storage._cache  # type: ignore[attr-defined]
    return len(kept.expire())


def trim() -> None:
    """Gives free memory between used pieces back to the system, where the C library can."""
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
