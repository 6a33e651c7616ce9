"""What a host's machinery asks: whether the server lives, whether it may get visitors, and its figures."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from streamlit import runtime

from dashboard.access.callers import operator_of
from dashboard.resources import get_engine
from engine import Engine, GuardedEngine
from engine.errors import LoginNeeded, NotAllowed

_NO_STORE = {"cache-control": "no-store"}
_SECONDS_AN_ANSWER_IS_GOOD = 2.0


class _Readiness:
    """Why the server is not ready; looked for at most every other second, whoever asks how often."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: tuple[str, ...] = ()
        self._looked = float("-inf")

    def why_not(self, engine: Engine) -> tuple[str, ...]:
        with self._lock:
            if time.monotonic() - self._looked > _SECONDS_AN_ANSWER_IS_GOOD:
                self._found = engine.why_not_ready()
                self._looked = time.monotonic()
            return self._found


_readiness = _Readiness()


async def alive(request: Request) -> Response:
    """200: the process answers."""
    return PlainTextResponse("alive", headers=_NO_STORE)


async def ready(request: Request) -> Response:
    """200 where visitors can be served, else 503 with the reasons."""
    reasons = await run_in_threadpool(_readiness.why_not, get_engine())
    return JSONResponse({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200, headers=_NO_STORE)


async def metrics(request: Request) -> Response:
    """Figures in Prometheus' text format, for hosts; for all others there is nothing here."""
    try:
        content = await run_in_threadpool(_text, request)
    except (LoginNeeded, NotAllowed):
        return PlainTextResponse("There is nothing here.", 404, headers=_NO_STORE)
    return Response(content, headers={"content-type": CONTENT_TYPE_LATEST, **_NO_STORE})


def _text(request: Request) -> bytes:
    return generate_latest(_figures(GuardedEngine(get_engine(), operator_of(request))))


class _Sessions(Collector):
    """How many pages are open, which only Streamlit knows."""

    def collect(self) -> Iterator[Metric]:
        sessions = runtime.get_instance()._session_mgr.list_active_sessions() if runtime.exists() else []
        yield GaugeMetricFamily("forelight_sessions", "Pages that are open", value=len(sessions))


def _figures(engine: GuardedEngine | Engine) -> CollectorRegistry:
    registry = engine.metrics()
    registry.register(_Sessions())
    return registry


@contextmanager
def serve_metrics(engine: Engine) -> Iterator[None]:
    """The figures on a port of their own meanwhile, where the host wants that; whoever reaches it reads them."""
    port = engine.settings.metrics_port
    if not port:
        yield
        return
    server, _ = start_http_server(port, engine.settings.metrics_address, _figures(engine))
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


OPERATING_ROUTES: tuple[BaseRoute, ...] = (
    Route("/healthz", alive, methods=["GET"]),
    Route("/readyz", ready, methods=["GET"]),
    Route("/metrics", metrics, methods=["GET"]),
)
