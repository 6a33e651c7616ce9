"""How much visitors may make the server remember: Streamlit keeps uploads in memory until a page has taken them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

UPLOADS = "/_stcore/upload_file/"
MOST_BYTES_A_SESSION = 2 * 2**30
MOST_BYTES = 4 * 2**30


def bytes_held() -> Mapping[str, int]:
    """The bytes of uploads in memory, by session."""
    manager = runtime.get_instance().uploaded_file_mgr if runtime.exists() else None
    if not isinstance(manager, MemoryUploadedFileManager):
        return {}
    sessions = list(manager.file_storage.items())
    return {session: sum(len(file.data) for file in list(files.values())) for session, files in sessions}


class UploadLimits:
    """ASGI middleware before Streamlit's upload route: a length is wanted, and there is a cap for one and for all."""

    def __init__(
        self,
        app: ASGIApp,
        one: int = MOST_BYTES_A_SESSION,
        together: int = MOST_BYTES,
        held: Callable[[], Mapping[str, int]] = bytes_held,
    ) -> None:
        self.app, self.one, self.together, self.held = app, one, together, held
        self._coming: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("PUT", "POST") or not scope["path"].startswith(UPLOADS):
            await self.app(scope, receive, send)
            return
        session = scope["path"].removeprefix(UPLOADS).partition("/")[0]
        length = Request(scope).headers.get("content-length", "")
        refusal = self._refusal(session, length)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        self._coming[session] += int(length)
        try:
            await self.app(scope, receive, send)
        finally:
            self._coming[session] -= int(length)

    def _refusal(self, session: str, length: str) -> PlainTextResponse | None:
        if not length.isdecimal():
            return PlainTextResponse("Say how long the upload is: content-length is missing.", 411)
        held = Counter(self.held()) + self._coming
        if held[session] + int(length) > self.one:
            return PlainTextResponse(f"All files together may have {self.one:,} bytes.", 413)
        if sum(held.values()) + int(length) > self.together:
            return PlainTextResponse("Too many uploads at once. Try again in a minute.", 503)
        return None
