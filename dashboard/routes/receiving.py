"""Where the pages' uploader sends files: raw bytes, straight to disk. Answers are JSON, errors a sentence in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from dashboard.access.callers import caller_of, guarded
from dashboard.routes.statuses import status_of
from engine import ForelightError, Receiving, Upload
from engine.errors import UploadRefused

PATH = "/upload"
MARK = ("x-requested-with", "forelight")
_PIECE = 2 * 2**20
_MOST_DIGITS = 20
_MOST_READ_FOR_NOTHING = 4 * 2**20
_MOST_SECONDS_READ_FOR_NOTHING = 5.0
_MOST_SECONDS_OF_SILENCE = 60.0
_PRIVATE = {"cache-control": "private, no-store"}


async def room(request: Request) -> Response:
    """204 where a file of `size` bytes may come now, else why not: asked before a large file is sent for nothing."""
    refusal = await run_in_threadpool(_refusal, request)
    if refusal is not None:
        return refusal
    size = request.query_params.get("size", "")
    octets = int(size) if size.isdecimal() and len(size) < _MOST_DIGITS else 0
    try:
        await run_in_threadpool(lambda: guarded(request).check_room(octets))
    except ForelightError as error:
        return _said(error)
    return Response(status_code=204, headers=_PRIVATE)


async def receive(request: Request) -> Response:
    """Takes one file, the body of the request; its name is the query's `name`."""
    refusal = await run_in_threadpool(_refusal, request)
    if refusal is not None:
        return refusal
    size = _size(request)
    try:
        engine = await run_in_threadpool(guarded, request)
        found = await receive_body(request, engine.begin_upload, request.query_params.get("name", ""))
        answer = {"id": found.id, "name": found.name, "size": found.size, "sha256": found.sha256}
        return JSONResponse(answer, headers=_PRIVATE)
    except ClientDisconnect:
        return Response(status_code=400)  # nobody is there to read it
    except ForelightError as error:
        if size is not None and size <= _MOST_READ_FOR_NOTHING:
            await _read_on(request)
        return _said(error)


async def receive_body(request: Request, begin: Callable[[str, int | None], Receiving], name: str) -> Upload:
    """The body as the upload that `begin` begins. Hashed and written on another thread, some megabytes at a time."""
    receiving = await run_in_threadpool(begin, name, _size(request))
    with receiving:
        pieces, waiting = [], 0
        async for piece in _coming(request):
            pieces.append(piece)
            waiting += len(piece)
            if waiting >= _PIECE:
                await run_in_threadpool(receiving.write, b"".join(pieces))
                pieces, waiting = [], 0

        def last() -> Upload:
            receiving.write(b"".join(pieces))
            return receiving.finish()

        return await run_in_threadpool(last)


def _size(request: Request) -> int | None:
    """The bytes that are said to come."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() else None


async def _coming(request: Request) -> AsyncIterator[bytes]:
    """The body, piece by piece; UploadRefused where it stands still, as it takes room from others meanwhile."""
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(_MOST_SECONDS_OF_SILENCE):
                piece = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise UploadRefused("Nothing came for a minute, so it was given up. Send it again.") from None
        yield piece


async def remove(request: Request) -> Response:
    """Deletes a file that the visitor does not want any more."""
    refusal = await run_in_threadpool(_refusal, request)
    if refusal is not None:
        return refusal
    try:
        await run_in_threadpool(lambda: guarded(request).delete_upload(request.path_params["upload_id"]))
    except ForelightError as error:
        return _said(error)
    return Response(status_code=204, headers=_PRIVATE)


async def _read_on(request: Request) -> None:
    """Reads what is left of a small body, without which a browser would not read the answer."""
    try:
        async with asyncio.timeout(_MOST_SECONDS_READ_FOR_NOTHING):
            async for _ in request.stream():
                pass
    except (ClientDisconnect, TimeoutError, RuntimeError):  # nobody is there any more, or all was read before
        return


def _refusal(request: Request) -> Response | None:
    """What another site's page, or a browser that keeps no cookies, is told."""
    if request.headers.get(MARK[0]) != MARK[1] or not _same_origin(request):
        return _answer("Files are taken from this site's own pages only.", 403)
    if not caller_of(request).visitor:
        return _answer("This browser keeps no cookies for this site. Allow them, log in, and load the page again.", 403)
    return None


def _same_origin(request: Request) -> bool:
    """Whether a page of this site asks: by the browser's own word, else by host names, which a proxy may change."""
    told = request.headers.get("sec-fetch-site")
    if told is not None:
        return told == "same-origin"
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _said(error: ForelightError) -> Response:
    return _answer(str(error), status_of(error))


def _answer(words: str, status: int) -> Response:
    return JSONResponse({"error": words}, status, headers=_PRIVATE)


async def _nothing_here(request: Request) -> Response:
    return _answer("There is nothing here.", 404)


UPLOAD_ROUTES: tuple[BaseRoute, ...] = (
    Route(PATH, room, methods=["GET"]),
    Route(PATH, receive, methods=["POST"]),
    Route(f"{PATH}/{{upload_id}}", remove, methods=["DELETE"]),
    Route(f"{PATH}/{{rest:path}}", _nothing_here),
)
