"""What closed tabs leave in memory, given back once they will not come back; Streamlit waits for the next visitor."""

from __future__ import annotations

import asyncio
import ctypes
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import cache

from starlette.concurrency import run_in_threadpool
from streamlit import runtime

_SECONDS_BETWEEN_LOOKS = 10.0


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
        _c_library().malloc_trim(0)


@cache
def _c_library() -> ctypes.CDLL:
    return ctypes.CDLL(None)
