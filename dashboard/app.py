"""What `python -m streamlit run dashboard/app.py` starts: the pages, the routes beside them, and their headers."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from anyio.to_thread import current_default_thread_limiter
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware

from dashboard.access.exposure import check_exposure, check_what_is_read_first, said_at_the_start
from dashboard.access.login import LOGIN_ROUTES, LoginWall
from dashboard.access.login_trail import LoginTrail
from dashboard.access.names import OwnNames
from dashboard.access.origins import OwnOrigin
from dashboard.access.security import Closed, SecurityHeaders
from dashboard.access.visitors import Visitors
from dashboard.failures import show_failure
from dashboard.frame import OwnFrame
from dashboard.leftovers import keep_memory_together, leftovers_given_back
from dashboard.logs import speak_through_one
from dashboard.resources import get_engine, warm_up
from dashboard.routes.fetching import EXCEPTION_HANDLERS, ROUTES
from dashboard.routes.operating import OPERATING_ROUTES, serve_metrics
from dashboard.routes.trail import TRAIL_ROUTES
from dashboard.v1.app import API_ROUTES
from engine import set_up_logs

_THREADS = 120  # a check waits in one for the files before it, and downloads should not wait for that


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Takes up what an earlier server left, and lets workers load models before the first visitor comes.

    What is imported by then is left out of later garbage collections.
    """
    with said_at_the_start():
        engine = get_engine()
    check_exposure(engine.settings)
    set_up_logs(engine.settings, "server")
    speak_through_one()
    keep_memory_together()
    current_default_thread_limiter().total_tokens = _THREADS
    with said_at_the_start():
        await run_in_threadpool(engine.serve)
    warm_up(engine)
    gc.collect()
    gc.freeze()
    async with leftovers_given_back():
        with serve_metrics(engine):
            yield
    await run_in_threadpool(engine.close)


check_what_is_read_first()
app = st.App(
    Path(__file__).with_name("main.py"),
    lifespan=lifespan,
    routes=(*ROUTES, *LOGIN_ROUTES, *OPERATING_ROUTES, *TRAIL_ROUTES, *API_ROUTES),
    middleware=[
        Middleware(SecurityHeaders),
        Middleware(OwnNames),
        Middleware(OwnOrigin),
        Middleware(Visitors),
        Middleware(LoginWall),
        Middleware(LoginTrail),
        Middleware(Closed),
        Middleware(OwnFrame),
    ],
    exception_handlers=EXCEPTION_HANDLERS,
    on_script_error=show_failure,
)
