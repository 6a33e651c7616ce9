"""What a browser fetches beside the pages: downloads, templates and pictures. Errors are plain sentences."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from dashboard.resources import get_engine
from dashboard.visitors import visitor_of
from engine.errors import (
    DiskFull,
    ExportError,
    ForelightError,
    QueueFull,
    ReadError,
    RunNotFound,
    RunStateError,
    StoreError,
    UnknownModel,
    UploadNotFound,
    UploadRefused,
)

STATUS: Mapping[type[ForelightError], int] = {
    RunNotFound: 404,
    UnknownModel: 404,
    UploadNotFound: 404,
    UploadRefused: 413,
    QueueFull: 429,
    StoreError: 503,
    DiskFull: 507,
    ReadError: 404,
    RunStateError: 409,
    ExportError: 422,
}
_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "jsonl": "application/x-ndjson",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
}
_PRIVATE = {"cache-control": "private, no-store"}
_FOR_AN_HOUR = {"cache-control": "private, max-age=3600"}
UPLOAD_PATH = "/upload"
_PIECE = 1 << 21
_log = logging.getLogger("forelight.dashboard")


def download_path(run_id: str, name: str) -> str:
    """Where the results of the run are downloaded; the suffix of `name` is the format."""
    return f"/download/{run_id}/{name}"


def template_path(model_id: str) -> str:
    return f"/template/{model_id}"


def picture_path(run_id: str, row: int, *, small: bool) -> str:
    """Where the picture of that row is; `small` for a thumbnail."""
    return f"/image/{run_id}/{row}" + ("?small=1" if small else "")


async def download(request: Request) -> Response:
    """The run's results as a file, straight from the disk, not compressed again."""
    engine, run_id = get_engine(), request.path_params["run_id"]
    suffix = request.path_params["name"].rpartition(".")[2]
    path = await run_in_threadpool(engine.export, run_id, suffix)
    name = engine.download_name(run_id, suffix)
    headers = {"content-encoding": "identity", **_PRIVATE}
    return FileResponse(path, filename=name, media_type=_TYPES.get(suffix), headers=headers)


async def template(request: Request) -> Response:
    """The file a visitor fills in for a model."""
    name, content = await run_in_threadpool(get_engine().template, request.path_params["model_id"])
    headers = {"content-disposition": f'attachment; filename="{_header_safe(name)}"', **_PRIVATE}
    return Response(content, media_type=_TYPES.get(name.rpartition(".")[2]), headers=headers)


async def picture(request: Request) -> Response:
    """The visitor's own picture of one row."""
    run_id, row = request.path_params["run_id"], request.path_params["row"]
    content, media_type = await run_in_threadpool(_picture, run_id, row, bool(request.query_params.get("small")))
    return Response(content, media_type=media_type, headers=_FOR_AN_HOUR)


def _picture(run_id: str, row: int, small: bool) -> tuple[bytes, str]:
    results = get_engine().results(run_id)
    return (results.thumbnail(row), "image/webp") if small else results.image(row)


async def receive(request: Request) -> Response:
    """Takes one file, the body as it is, straight to the disk; answers its number, size and hash."""
    visitor, length = _own_page(request), request.headers.get("content-length", "")
    if not length.isdecimal():
        return PlainTextResponse("Say how long the file is: content-length is missing.", 411, headers=_PRIVATE)
    uploads, name = get_engine().uploads, request.query_params.get("name", "")
    receiving = await run_in_threadpool(uploads.begin, visitor, name, int(length))
    try:
        pieces: list[bytes] = []
        held = 0
        async for piece in request.stream():
            pieces.append(piece)
            held += len(piece)
            if held >= _PIECE:
                await run_in_threadpool(receiving.write, b"".join(pieces))
                pieces, held = [], 0
        await run_in_threadpool(receiving.write, b"".join(pieces))
        upload = await run_in_threadpool(receiving.finish)
    except BaseException:  # a browser that goes away, too: what is not whole is nothing
        receiving.abort()
        raise
    return JSONResponse({"id": upload.id, "size": upload.size, "sha256": upload.sha256}, headers=_PRIVATE)


async def take_back(request: Request) -> Response:
    """Removes a file that the visitor does not want predicted."""
    await run_in_threadpool(get_engine().uploads.delete, _own_page(request), request.path_params["upload_id"])
    return Response(status_code=204, headers=_PRIVATE)


def _own_page(request: Request) -> str:
    """The visitor whose browser asks, from a page of ours: other sites cannot send this header."""
    visitor = visitor_of(request)
    if not visitor or request.headers.get("x-requested-with") != "forelight":
        raise HTTPException(403, "Files are taken from a page of this server only. Open it, with cookies allowed.")
    return visitor


async def say_error(request: Request, error: Exception) -> Response:
    """The error's own sentence; of one that nobody foresaw, only an incident number that the log has too."""
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 400)
    return PlainTextResponse(str(error), status, headers=_PRIVATE)


async def say_incident(request: Request, error: Exception) -> Response:
    incident = secrets.token_hex(3).upper()
    _log.error("incident %s", incident, exc_info=error)
    return PlainTextResponse(f"Something went wrong. Incident {incident}.", 500, headers=_PRIVATE)


async def _nothing_here(request: Request) -> Response:
    return PlainTextResponse("There is nothing here.", 404, headers=_PRIVATE)


def _header_safe(name: str) -> str:
    return "".join(sign for sign in name if sign.isascii() and sign.isprintable() and sign not in '"\\')


def _branch(path: str, *routes: Route) -> Mount:
    """The routes, and a plain 404 for all else below `path`: without it Streamlit answers with its page and 200."""
    return Mount(path, routes=[*routes, Route("/{rest:path}", _nothing_here)])


ROUTES: tuple[BaseRoute, ...] = (
    _branch("/download", Route("/{run_id}/{name}", download)),
    _branch("/template", Route("/{model_id}", template)),
    _branch(UPLOAD_PATH, Route("/", receive, methods=["POST"]), Route("/{upload_id}", take_back, methods=["DELETE"])),
    _branch("/image", Route("/{run_id}/{row:int}", picture)),
)
EXCEPTION_HANDLERS = {ForelightError: say_error, Exception: say_incident}
