"""The audit trail as a file, for hosts; and who its visitors are, without what only their browsers should know."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlencode

import polars as pl
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from dashboard.access.callers import operator_of
from dashboard.resources import get_engine
from engine import AuditEntry, AuditSearch, GuardedEngine, csv_text
from engine.errors import LoginNeeded, NotAllowed

PATH = "/trail.csv"
_HEADERS = {"content-disposition": 'attachment; filename="trail.csv"', "cache-control": "private, no-store"}
_SIGNS = 6
_COLUMNS = ("at", "who", "did", "run", "model", "detail")
_SCHEMA = dict.fromkeys(_COLUMNS, pl.String())


def trail_path(wanted: AuditSearch) -> str:
    """Where those entries are downloaded."""
    asked = {"did": wanted.action, "run": wanted.run_id, "since": wanted.since}
    asked["who"] = mark_of(wanted.visitor) if wanted.visitor else ""
    chosen = urlencode({name: value for name, value in asked.items() if value})
    return f"{PATH}?{chosen}" if chosen else PATH


def mark_of(visitor: str) -> str:
    """Some signs that tell one visitor from another: without a login, the visitor's own number lets others in."""
    return hashlib.sha256(visitor.encode("utf-8", "surrogatepass")).hexdigest()[:_SIGNS]


def namer(names: Mapping[str, str]) -> Callable[[str], str]:
    """Says who a visitor is: by the name of their login, else by a mark."""

    def whose(visitor: str) -> str:
        return names.get(visitor) or (f"visitor {mark_of(visitor)}" if visitor else "nobody")

    return whose


async def trail(request: Request) -> Response:
    """What was done as CSV, the newest first; for all but hosts there is nothing here."""
    try:
        lines = await run_in_threadpool(_lines, GuardedEngine(get_engine(), operator_of(request)), request)
    except (LoginNeeded, NotAllowed):
        return PlainTextResponse("There is nothing here.", 404, headers={"cache-control": "no-store"})
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=_HEADERS)


def _lines(engine: GuardedEngine, request: Request) -> Iterator[str]:
    asked, people = request.query_params, engine.people()
    who = asked.get("who", "")
    visitor = next((each for each in people if mark_of(each) == who), who)  # an unknown mark is nobody's
    wanted = AuditSearch(visitor, asked.get("run", ""), asked.get("did", ""), asked.get("since", ""))
    return _csv(engine.download_audit(wanted), namer(people))


def _csv(pages: Iterator[tuple[AuditEntry, ...]], whose: Callable[[str], str]) -> Iterator[str]:
    yield csv_text(pl.DataFrame(schema=_SCHEMA))
    for page in pages:
        rows = [
            (each.at, each.visitor_name or whose(each.visitor), each.action, each.run_id, each.model_id, each.detail)
            for each in page
        ]
        yield csv_text(pl.DataFrame(rows, _SCHEMA, orient="row"), header=False)


TRAIL_ROUTES: tuple[BaseRoute, ...] = (Route(PATH, trail, methods=["GET"]),)
