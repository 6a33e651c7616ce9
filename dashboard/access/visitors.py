"""Who asks: each browser has a random number in a cookie, by which its own runs and uploads are found again."""

from __future__ import annotations

import re
import secrets

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "forelight_visitor"
_A_YEAR = 31_536_000
_NUMBER = re.compile(r"[A-Za-z0-9_-]{22}")


class Visitors:
    """ASGI middleware that gives a browser without a number a new one, with the page that it asks for first."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or visitor_of(HTTPConnection(scope)):
            await self.app(scope, receive, send)
            return
        secure = "; Secure" if scope.get("scheme") == "https" else ""
        cookie = f"{COOKIE}={secrets.token_urlsafe(16)}; HttpOnly; SameSite=Lax; Path=/; Max-Age={_A_YEAR}{secure}"

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.append("set-cookie", cookie)
                    headers["cache-control"] = "no-store"  # the next one who gets this page is somebody else
            await send(message)

        await self.app(scope, receive, send_with_cookie)


def visitor_of(request: HTTPConnection) -> str:
    """The number of the browser that asks a route; "" where it has none."""
    return _checked(request.cookies.get(COOKIE, ""))


def this_visitor() -> str:
    """The number of the browser that looks at this page; one for this session only where it keeps no cookies."""
    found = _checked(_kept())
    own: str = found or st.session_state.setdefault("visitor", f"session-{secrets.token_urlsafe(16)}")
    return own


def _kept() -> str:
    return st.context.cookies.get(COOKIE, "")


def _checked(number: str) -> str:
    return number if _NUMBER.fullmatch(number) else ""
