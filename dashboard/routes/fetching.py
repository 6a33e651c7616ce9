"""What a browser fetches beside the pages: downloads, reports, templates and pictures. Errors are plain sentences."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route

from dashboard.access.callers import guarded
from dashboard.access.security import HEADERS
from dashboard.address import FILTER, query, read_filters
from dashboard.routes.files import LargeFile, attachment
from dashboard.routes.gone import gone_meanwhile
from dashboard.routes.receiving import UPLOAD_ROUTES
from dashboard.routes.statuses import status_of
from engine import Filter, report_incident
from engine.errors import ExportError, ForelightError

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "jsonl": "application/x-ndjson",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
    "json": "application/json",
}
COLUMN = "c"


class _RowNumber(IntegerConvertor):
    """A number that a row may have: Python makes none of some thousand digits."""

    regex = "[0-9]{1,15}"


_PRIVATE = {"cache-control": "private, no-store"}
# The report says itself which scripts may run; here they also lose this server's origin.
_REPORT_POLICY = "sandbox allow-scripts allow-modals allow-downloads; frame-ancestors 'none'"
_FOR_AN_HOUR = {"cache-control": "private, max-age=3600"}
register_url_convertor("row", _RowNumber())
_log = logging.getLogger("forelight.dashboard")


def download_path(run_id: str, name: str, where: Sequence[Filter] = (), columns: Sequence[str] = ()) -> str:
    """Where those lines and columns (all where none is named) are downloaded; the suffix of `name` is the format."""
    chosen = query(where, [(COLUMN, column) for column in columns])
    return f"/download/{run_id}/{quote(name)}" + (f"?{chosen}" if chosen else "")


def report_path(run_id: str, *, save: bool = False) -> str:
    """Where the run's report is; with `save` a browser keeps it as a file."""
    return f"/report/{run_id}" + ("?save=1" if save else "")


def template_path(model_id: str) -> str:
    return f"/template/{model_id}"


def picture_path(run_id: str, row: int, *, small: bool) -> str:
    """Where the picture of that row is; `small` for a thumbnail."""
    return f"/image/{run_id}/{row}" + ("?small=1" if small else "")


def mask_path(run_id: str, row: int, *, truth: bool = False, whole: bool = False) -> str:
    """Where the mask of that row is, in the model's shape; `truth` for the one that came along, `whole` in its own."""
    return f"/mask/{run_id}/{row}" + ("?truth=1" if truth else "?whole=1" if whole else "")


async def download(request: Request) -> Response:
    """The lines and columns asked for as a file: from the disk, or while it is first written; not compressed again."""
    suffix = request.path_params["name"].rpartition(".")[2]
    file, name = await run_in_threadpool(_file, request, suffix)
    headers = {"content-encoding": "identity", **_PRIVATE}
    if isinstance(file, Path):
        return LargeFile(file, filename=name, media_type=MEDIA_TYPES.get(suffix), headers=headers)
    headers["content-disposition"] = attachment(name)
    return StreamingResponse(file, media_type=MEDIA_TYPES.get(suffix), headers=headers)


def _file(request: Request, suffix: str) -> tuple[Path | Iterator[bytes], str]:
    """(the file, its name); ExportError where other rows or columns are asked for than there are."""
    engine, run_id = guarded(request), request.path_params["run_id"]
    filters, columns = request.query_params.getlist(FILTER), [*dict.fromkeys(request.query_params.getlist(COLUMN))]
    name = engine.download_name(run_id, suffix)
    if not filters and not columns:
        return engine.download(run_id, suffix), name
    known = engine.results(run_id).columns
    where, unread = read_filters(filters, known)
    missing = [name for name in columns if name not in {column.name for column in known}]
    if unread or missing:
        raise ExportError(" ".join((*unread, *(f"There is no column '{name}'." for name in missing))))
    return engine.download(run_id, suffix, where, columns), name


async def report(request: Request) -> Response:
    """The run's report, whose own policy lets nothing in it ask anybody; apart from this server's other pages."""
    content, name = await run_in_threadpool(_report, request)
    kind = "attachment" if request.query_params.get("save") else "inline"
    headers = {"content-security-policy": _REPORT_POLICY, "content-disposition": f'{kind}; filename="{name}.html"'}
    return HTMLResponse(content, headers={**headers, **_PRIVATE})


def _report(request: Request) -> tuple[str, str]:
    engine, run_id = guarded(request), request.path_params["run_id"]
    return engine.report(run_id), _header_safe(engine.download_name(run_id, "csv").removesuffix(".csv"))


async def template(request: Request) -> Response:
    """The file a visitor fills in for a model."""
    name, content = await run_in_threadpool(lambda: guarded(request).template(request.path_params["model_id"]))
    headers = {"content-disposition": attachment(name), **_PRIVATE}
    return Response(content, media_type=MEDIA_TYPES.get(name.rpartition(".")[2]), headers=headers)


async def picture(request: Request) -> Response:
    """The visitor's own picture of one row."""
    content, media_type = await run_in_threadpool(_picture, request)
    return Response(content, media_type=media_type, headers=_FOR_AN_HOUR)


def _picture(request: Request) -> tuple[bytes, str]:
    results, row = guarded(request).results(request.path_params["run_id"]), request.path_params["row"]
    return (results.thumbnail(row), "image/webp") if request.query_params.get("small") else results.image(row)


async def mask(request: Request) -> Response:
    """The mask of one row, as PNG."""
    content = await run_in_threadpool(_mask, request)
    if not content:
        return await _nothing_here(request)
    name = f"mask-{request.path_params['row']}.png"
    kind = "attachment" if request.query_params.get("whole") else "inline"
    headers = {"content-disposition": f'{kind}; filename="{name}"', **_FOR_AN_HOUR}
    return Response(content, media_type="image/png", headers=headers)


def _mask(request: Request) -> bytes:
    results, row = guarded(request).results(request.path_params["run_id"]), request.path_params["row"]
    if request.query_params.get("whole"):
        return results.own_mask(row)
    return results.mask(row, truth=bool(request.query_params.get("truth")))


async def say_error(request: Request, error: Exception) -> Response:
    """The error's own sentence; of one that nobody foresaw, only an incident number that the log has too."""
    return PlainTextResponse(str(error), status_of(error), headers=_PRIVATE)


async def say_incident(request: Request, error: Exception) -> Response:
    """What was wrong is in the log, under a number; of a run that is gone by now, that is all that was."""
    gone = await run_in_threadpool(gone_meanwhile, request)
    if gone is not None:
        return PlainTextResponse(str(gone), status_of(gone), headers={**HEADERS, **_PRIVATE})
    incident = report_incident(_log, error, run=str(request.path_params.get("run_id", "")))
    headers = {**HEADERS, **_PRIVATE}  # this answer is given outside of all middleware
    return PlainTextResponse(f"Something went wrong. Incident {incident}.", 500, headers=headers)


async def _nothing_here(request: Request) -> Response:
    return PlainTextResponse("There is nothing here.", 404, headers=_PRIVATE)


def _header_safe(name: str) -> str:
    return "".join(sign for sign in name if sign.isascii() and sign.isprintable() and sign not in '"\\')


def _branch(path: str, route: Route) -> Mount:
    """The route, and a plain 404 for all else below `path`: without it Streamlit answers with its page and 200."""
    return Mount(path, routes=[route, Route("/{rest:path}", _nothing_here)])


ROUTES: tuple[BaseRoute, ...] = (
    _branch("/download", Route("/{run_id}/{name}", download)),
    _branch("/report", Route("/{run_id}", report)),
    _branch("/template", Route("/{model_id}", template)),
    _branch("/image", Route("/{run_id}/{row:row}", picture)),
    _branch("/mask", Route("/{run_id}/{row:row}", mask)),
    *UPLOAD_ROUTES,
)
EXCEPTION_HANDLERS = {ForelightError: say_error, Exception: say_incident}
