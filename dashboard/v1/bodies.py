"""Who may send a body at all, and how large one that is read whole may be: asked before a byte of it is kept."""

from __future__ import annotations

import asyncio
import re

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.v1.asking import asked_engine
from dashboard.v1.problems import forelight_error, problem
from engine import ForelightError
from engine.errors import LoginNeeded

_FILES = re.compile(r"/uploads|/lake/[^/]+|/models/[^/]+/(runs|versions)")  # go to the disk as they come
_MOST_SECONDS = 60.0


class Bodies:
    """ASGI middleware: nobody's body is left unread, and JSON, which is parsed in memory, may have so many bytes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _has_body(request := Request(scope, receive)):
            await self.app(scope, receive, send)
            return
        try:
            engine = await run_in_threadpool(asked_engine, request)
            if engine.caller.role == "nobody":
                raise LoginNeeded
        except ForelightError as error:
            await (await forelight_error(request, error))(scope, receive, send)
            return
        if _FILES.fullmatch(scope["path"].removeprefix(scope.get("root_path", ""))):
            await self.app(scope, receive, send)
            return
        found = await _whole(request, engine.settings.max_json_bytes)
        if isinstance(found, Response):
            await found(scope, receive, send)
        else:
            await self.app(scope, _given(found, receive), send)


def _has_body(request: Request) -> bool:
    return request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers


async def _whole(request: Request, most: int) -> bytes | Response:
    """The body, or why it is not taken."""
    pieces, size = [], int(request.headers.get("content-length", 0))
    too_large = problem(413, f"The body is too large: JSON may have {most:,} bytes. Send files to /uploads instead.")
    if size > most:
        return too_large
    size = 0
    try:
        async with asyncio.timeout(_MOST_SECONDS):
            async for piece in request.stream():
                size += len(piece)
                if size > most:
                    return too_large
                pieces.append(piece)
    except TimeoutError:
        return problem(408, f"The body did not come within {_MOST_SECONDS:.0f} seconds. Send it again.")
    except ClientDisconnect:
        return Response(status_code=400)  # nobody is there to read it
    return b"".join(pieces)


def _given(body: bytes, receive: Receive) -> Receive:
    """Gives the body at once, then what else comes."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message
