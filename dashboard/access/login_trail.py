"""Logins for the audit trail: who came in, who left, and who was refused."""

from __future__ import annotations

import logging
from http.cookies import CookieError, SimpleCookie

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.access.callers import person_of
from dashboard.resources import get_engine
from engine import Caller
from engine.errors import StoreError

CALLBACK, LOGOUT = "/oauth2callback", "/auth/logout"
log = logging.getLogger("forelight.login")


class LoginTrail:
    """ASGI middleware: notes what Streamlit's routes answer to those who come from the identity provider, or go.

    Whether a person came in is read from the cookie that they are given, as every later request is.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" and get_engine().settings.login else ""
        if path == LOGOUT:
            await _note(person_of(HTTPConnection(scope).cookies, get_engine().settings), "logged out")
        await self.app(scope, receive, _noting(send) if path == CALLBACK else send)


def _noting(send: Send) -> Send:
    """Sends on, and notes who was let in by what is sent."""

    async def heard(message: Message) -> None:
        if message["type"] == "http.response.start":
            caller = person_of(_cookies_set(Headers(raw=message["headers"])), get_engine().settings)
            came_in = caller.role != "nobody"
            await _note(caller, "logged in" if came_in else "was refused" if caller.name else "failed to log in")
        await send(message)

    return heard


async def _note(caller: Caller, action: str) -> None:
    """Notes it; of those who are nobody, not even to the provider, once an hour: anybody can ask that often."""
    if not caller.name and action == "logged out":
        return
    _, _, audit = get_engine().access()
    try:
        await run_in_threadpool(audit.note if caller.name else audit.did_often, caller, action)
    except StoreError as exc:  # who may do nothing now may still come and go
        log.warning("a login is not in the trail: %s", exc)


def _cookies_set(headers: Headers) -> dict[str, str]:
    """The cookies that a browser has by that answer."""
    found: SimpleCookie = SimpleCookie()
    for line in headers.getlist("set-cookie"):
        try:
            found.load(line)
        except CookieError:
            continue
    return {name: cookie.value for name, cookie in found.items()}
