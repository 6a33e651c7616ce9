"""From whose pages a session may be opened: one of another port is another site's, and Streamlit takes it for ours."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.web.server.server_util import allow_all_cross_origin_requests, is_allowed_origin

_PORTS = {"http": ":80", "https": ":443"}


class OwnOrigin:
    """ASGI middleware: a websocket of a page that did not come from the host and port that it speaks to is refused.

    `server.corsAllowedOrigins` lists further origins, as behind a proxy that changes the host. Programs say none.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket" or is_own_origin(Headers(scope=scope)):
            await self.app(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 4403})


def is_own_origin(headers: Headers) -> bool:
    """Whether the page that asks is of this server, or of an origin that the host has listed."""
    origin = headers.get("origin")
    if origin is None or is_allowed_origin(origin) or allow_all_cross_origin_requests():
        return True
    scheme, _, place = origin.casefold().partition("://")
    usual = _PORTS.get(scheme, "")
    return bool(place) and place.removesuffix(usual) == headers.get("host", "").casefold().removesuffix(usual)
