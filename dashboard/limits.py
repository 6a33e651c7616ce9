"""What Streamlit would take and this server does not: uploads into memory. Files come by dashboard/receiving.py."""

from __future__ import annotations

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

STREAMLITS_UPLOADS = "/_stcore/upload_file"


class NoUploadsToMemory:
    """ASGI middleware before Streamlit's own upload route: for everybody, it is not there."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and STREAMLITS_UPLOADS in scope["path"]:
            await PlainTextResponse("There is nothing here.", 404)(scope, receive, send)
        else:
            await self.app(scope, receive, send)
