"""Errors as RFC 9457 problems, in the words that the pages have."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from dashboard.routes.gone import gone_meanwhile
from dashboard.routes.statuses import status_of
from engine import ForelightError, Report, report_incident
from engine.errors import CardError, CheckpointError, InputRefused, LoginNeeded, ReadError

MEDIA_TYPE = "application/problem+json"
_NO_STORE = {"cache-control": "no-store"}
_MOST_PROBLEMS = 1_000
log = logging.getLogger("forelight.api")


class FileProblem(BaseModel):
    """One thing that is wrong with a file: what was found, what was expected, where."""

    severity: str = Field(
        description="fatal: nothing can be predicted; rows: those rows cannot be; note: nothing is lost"
    )
    code: str
    message: str
    file: str = ""
    column: str = ""
    row: int | None = Field(None, description="the first such row, from 1")
    rows: int = Field(0, description="how many rows")
    found: str = ""
    expected: str = ""


class Problem(BaseModel):
    """What went wrong, as RFC 9457 has it."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str = Field("", description="an incident, where the host's log has more")
    problems: list[FileProblem] = []


class Refused(Exception):
    """A file or rows that cannot be predicted as asked; the report says why."""

    def __init__(self, words: str, report: Report) -> None:
        super().__init__(words)
        self.report = report


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What the OpenAPI description says of these statuses, beside those that any call may have."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    every = sorted({*statuses, 400, 401, 403, 408, 413, 422, 500, 503})
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in every}


def problems_of(report: Report) -> list[FileProblem]:
    """The report's problems, at most a thousand."""
    names = tuple(FileProblem.model_fields)
    found = report.problems[:_MOST_PROBLEMS]
    return [FileProblem(**{name: getattr(each, name) for name in names}) for each in found]


def add_handlers(app: FastAPI) -> None:
    """Every error leaves as a problem."""
    app.add_exception_handler(ForelightError, forelight_error)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _incident)


def problem(status: int, detail: str, *, headers: dict[str, str] | None = None, **more: Any) -> JSONResponse:
    """That problem as an answer."""
    said = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, **more)
    headers = {**_NO_STORE, **(headers or {})}
    return JSONResponse(said.model_dump(), status, headers=headers, media_type=MEDIA_TYPE)


async def forelight_error(request: Request, error: Exception) -> JSONResponse:
    """The error in its own words."""
    status = 422 if isinstance(error, InputRefused | ReadError | CardError | CheckpointError) else status_of(error)
    headers = {"www-authenticate": "Bearer"} if isinstance(error, LoginNeeded) else {}
    if status in (429, 503):
        headers["retry-after"] = "5"
    return problem(status, str(error), headers=headers)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)
    return problem(422, str(error), problems=problems_of(error.report))


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    said = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:10])
    return problem(422, said or "The request is not as described.")


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, str(error.detail), headers=dict(error.headers or {}))


async def _incident(request: Request, error: Exception) -> JSONResponse:
    gone = await run_in_threadpool(gone_meanwhile, request)
    if gone is not None:
        return await forelight_error(request, gone)
    incident = report_incident(log, error, run=str(request.path_params.get("run_id", "")))
    return problem(500, f"Something went wrong. Incident {incident}.", instance=f"urn:forelight:incident:{incident}")
