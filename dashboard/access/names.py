"""By which names the server may be called: a page of another site whose name leads here would be that site's own."""

from __future__ import annotations

import streamlit as st
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.access.callers import host_in, is_loopback
from dashboard.resources import get_engine
from engine import Settings

_REFUSED = "This server is not called so. Its host lists the names it answers to in FORELIGHT_NAMES."


class OwnNames:
    """ASGI middleware against DNS rebinding: what is asked of another name is misdirected, 421."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or _is_own(HTTPConnection(scope).headers.get("host", "")):
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await PlainTextResponse(_REFUSED, 421)(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 4421})


def _is_own(host: str) -> bool:
    names = _names(get_engine().settings)
    called = host_in(host).casefold().rstrip(".")
    return names is None or is_loopback(called) or called in names


def _names(settings: Settings) -> tuple[str, ...] | None:
    """The names beside this machine's own; None for any: where a login's cookie lets in, which other names lack."""
    if settings.names:
        return settings.names
    closed = is_loopback(st.get_option("server.address") or "") and not settings.login and not settings.open
    return () if closed else None
