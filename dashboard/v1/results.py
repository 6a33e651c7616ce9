"""Results of a run: a page of lines, or all of them as a file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse

from dashboard.address import FILTER, read_filters
from dashboard.routes.fetching import COLUMN, MEDIA_TYPES
from dashboard.routes.files import LargeFile, attachment
from dashboard.v1.asking import Asked
from dashboard.v1.models import plain_rows
from dashboard.v1.problems import responses
from dashboard.v1.schemas import Page, RunId, Text
from dashboard.v1.uploads import BYTES
from engine import Filter, Results
from engine.errors import ExportError

router = APIRouter(prefix="/runs/{run_id}", tags=["results"])
ARROW = "application/vnd.apache.arrow.stream"
_FILTER = "a filter, as in the address of the run's page: column~in~value, column~between~low~high, ~search~words"
Filters = Annotated[list[Text] | None, Query(alias=FILTER, description=_FILTER)]
Columns = Annotated[list[Text] | None, Query(alias=COLUMN, description="a column; all where none is named")]
_Responses = dict[int | str, dict[str, Any]]
_LINES: _Responses = {200: {"description": "lines", "model": Page, "content": {ARROW: BYTES}}}
_PNG: _Responses = {200: {"description": "the mask", "content": {"image/png": BYTES}}}
_DATA = dict.fromkeys((kind.partition(";")[0] for kind in MEDIA_TYPES.values()), BYTES)
_FILE: _Responses = {status: {"description": "the file", "content": _DATA} for status in (200, 206)}


@router.get("/rows", response_model=Page, responses={**responses(404, 409), **_LINES})
def get_rows(
    run_id: RunId,
    request: Request,
    engine: Asked,
    offset: Annotated[int, Query(ge=0, le=10**12)] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
    sort: Annotated[Text, Query()] = "row",
    descending: Annotated[bool, Query()] = False,
    filters: Filters = None,
    columns: Columns = None,
) -> Response:
    """Lines from number `offset` on; JSON, or an Arrow stream where that is what you accept."""
    results = engine.results(run_id)
    where, chosen = _chosen(results, filters or (), columns or ())
    _known(results, [sort])
    if any(column.name == sort and column.dtype == "list" for column in results.columns):
        raise ExportError(f"'{sort}' holds lists, which have no order; sort by another column.")
    lines = results.page(offset, limit, sort=sort, descending=descending, where=where, columns=chosen)
    if ARROW in request.headers.get("accept", ""):
        content = io.BytesIO()
        lines.write_ipc_stream(content)
        return Response(content.getvalue(), media_type=ARROW)
    return JSONResponse({"rows": plain_rows(lines), "total": results.count(where)})


@router.get("/download.{suffix}", response_class=Response, responses={**responses(404, 409, 416, 507), **_FILE})
def download(
    run_id: RunId,
    suffix: Literal["csv", "parquet", "jsonl", "xlsx", "zip", "json"],
    request: Request,
    engine: Asked,
    filters: Filters = None,
    columns: Columns = None,
) -> Response:
    """The lines and columns chosen as a file; ranges are answered, so that a download can go on where it broke off.

    zip holds masks as PNG, json boxes in COCO's form, where the model finds such.
    """
    results = engine.results(run_id)
    where, chosen = _chosen(results, filters or (), columns or ())
    name = engine.download_name(run_id, suffix)
    ranged = "range" in request.headers
    file = (engine.export if ranged else engine.download)(run_id, suffix, where, chosen)
    headers = {"content-encoding": "identity", "cache-control": "private, no-store"}
    if isinstance(file, FilePath):
        return LargeFile(file, filename=name, media_type=MEDIA_TYPES[suffix], headers=headers)
    headers["content-disposition"] = attachment(name)
    return StreamingResponse(file, media_type=MEDIA_TYPES[suffix], headers=headers)


@router.get("/rows/{row}/mask.png", response_class=Response, responses={**responses(404, 409), **_PNG})
def get_mask(run_id: RunId, row: Annotated[int, Path(ge=1, le=10**12)], engine: Asked) -> Response:
    """The mask of one row, as large as its picture: an indexed PNG whose values are places among the model's labels."""
    return Response(engine.results(run_id).own_mask(row), media_type="image/png")


@router.get("/report", response_class=HTMLResponse, responses=responses(404, 409))
def get_report(run_id: RunId, engine: Asked) -> HTMLResponse:
    """The run as one HTML file that needs no connection."""
    headers = {"content-disposition": 'attachment; filename="report.html"', "content-security-policy": "sandbox"}
    return HTMLResponse(engine.report(run_id), headers=headers)


def _chosen(
    results: Results, filters: Sequence[str], columns: Sequence[str]
) -> tuple[tuple[Filter, ...], tuple[str, ...]]:
    """ExportError where what is asked for is not there: other rows than asked would mislead."""
    where, unread = read_filters(filters, results.columns)
    if unread:
        raise ExportError(" ".join(unread))
    _known(results, columns)
    return where, tuple(dict.fromkeys(columns))


def _known(results: Results, columns: Sequence[str]) -> None:
    missing = sorted(set(columns) - {column.name for column in results.columns})
    if missing:
        raise ExportError(f"There is no column '{missing[0][:100]}'.")
