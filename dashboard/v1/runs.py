"""Runs: made of files, watched, stopped, resumed, described, shared, deleted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from sse_starlette.sse import EventSourceResponse
from starlette.concurrency import run_in_threadpool

from dashboard.routes.receiving import receive_body
from dashboard.v1.asking import Asked, asked_again
from dashboard.v1.problems import Refused, responses
from dashboard.v1.schemas import (
    AskedVersion,
    ChangedRun,
    ModelId,
    NewRun,
    OtherId,
    RunId,
    RunInfo,
    RunList,
    RunState,
    SharedRun,
    Text,
    WantedShare,
    WantedVersion,
)
from dashboard.v1.uploads import BODY, FileName
from engine import GuardedEngine, Options, Run, Search, Source
from engine.errors import ForelightError

router = APIRouter(prefix="/runs", tags=["runs"])
of_model = APIRouter(prefix="/models/{model_id}/runs", tags=["runs"])
_SECONDS_BETWEEN_LOOKS = 0.5
_SECONDS_BETWEEN_PINGS = 15
_STREAM = {"text/event-stream": {"schema": {"type": "string"}}}
_EVENTS: dict[int | str, dict[str, Any]] = {200: {"description": "states, as they come", "content": _STREAM}}


@router.post("", status_code=201, responses=responses(404, 409, 429, 507))
def make_run(wanted: NewRun, engine: Asked) -> RunInfo:
    """Checks uploaded files and, unless `start` is false, begins to predict them. 422 lists what is in the way."""
    sources = [engine.upload(each).source() for each in wanted.uploads]
    asked = (wanted.model, wanted.version)
    return RunInfo.of(_begun(engine, asked, sources, wanted.renames, wanted.options, start=wanted.start))


@of_model.post("", status_code=201, responses=responses(404, 409, 413, 429, 507), openapi_extra=BODY)
async def make_run_of_one_file(
    model_id: ModelId,
    request: Request,
    name: FileName,
    engine: Asked,
    on_error: Annotated[Literal["refuse", "report"], Query()] = "refuse",
    version: AskedVersion = "",
) -> RunInfo:
    """The same of one file, the body as it is."""
    await run_in_threadpool(engine.check_model, model_id, version)
    upload = await receive_body(request, engine.begin_upload, name)
    options = Options(on_error=on_error)
    return RunInfo.of(
        await run_in_threadpool(_begun, engine, (model_id, version), [upload.source()], {}, options, start=True)
    )


@router.get("", responses=responses())
def list_runs(
    engine: Asked,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 50,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    state: Annotated[list[RunState] | None, Query()] = None,
    model: Annotated[Text, Query()] = "",
    text: Annotated[Text, Query(description="in name, note, model or file")] = "",
) -> RunList:
    """One's own runs, the newest first."""
    search = Search(states=tuple(state or ()), model_id=model, text=text)
    found = engine.runs(search, limit=limit, offset=offset)
    return RunList(runs=[RunInfo.of(run) for run in found], total=engine.count_runs(search))


@router.get("/{run_id}", responses=responses(404))
def get_run(run_id: RunId, engine: Asked) -> RunInfo:
    """The run as it is now."""
    return RunInfo.of(engine.run(run_id))


@router.get("/{run_id}/events", response_class=EventSourceResponse, responses={**responses(404), **_EVENTS})
async def watch_run(run_id: RunId, request: Request, engine: Asked) -> EventSourceResponse:
    """Server-sent events: `run` with the run as it is, each time it has changed, until it has ended."""
    first = await run_in_threadpool(engine.run, run_id)
    return EventSourceResponse(_events(request, first), ping=_SECONDS_BETWEEN_PINGS)


@router.post("/{run_id}/start", responses=responses(404, 409, 429))
def start_run(run_id: RunId, options: Options, engine: Asked) -> RunInfo:
    """Begins to predict a checked run."""
    return RunInfo.of(engine.submit(run_id, options))


@router.post("/{run_id}/cancel", status_code=202, responses=responses(404))
def cancel_run(run_id: RunId, engine: Asked) -> Response:
    """Stops the run after its current batch; what is finished stays."""
    engine.cancel(run_id)
    return Response(status_code=202)


@router.post("/{run_id}/resume", responses=responses(404, 409, 429))
def resume_run(run_id: RunId, engine: Asked) -> RunInfo:
    """Goes on with a run that did not come to its end."""
    return RunInfo.of(engine.resume(run_id))


@router.post("/{run_id}/by-version", status_code=201, responses=responses(404, 409, 429, 507))
def predict_by_version(run_id: RunId, wanted: WantedVersion, engine: Asked) -> RunInfo:
    """What another version of the model says of the same files: a run that is there already, or a new one, begun."""
    return RunInfo.of(engine.by_version(run_id, wanted.version))


@router.patch("/{run_id}", responses=responses(404))
def change_run(run_id: RunId, wanted: ChangedRun, engine: Asked) -> RunInfo:
    """Gives the run a name or a note."""
    return RunInfo.of(engine.describe(run_id, name=wanted.name, note=wanted.note))


@router.delete("/{run_id}", status_code=204, responses=responses(404))
def delete_run(run_id: RunId, engine: Asked) -> Response:
    """Deletes the run and its files."""
    engine.delete(run_id)
    return Response(status_code=204)


@router.get("/{run_id}/shares", responses=responses(404))
def list_shares(run_id: RunId, engine: Asked) -> list[SharedRun]:
    """The ways that others have to see the run."""
    return [SharedRun.of(share) for share in engine.shares(run_id)]


@router.post("/{run_id}/shares", status_code=201, responses=responses(404))
def share_run(run_id: RunId, wanted: WantedShare, engine: Asked) -> SharedRun:
    """Lets others see the run: by a link, whose key is in this answer alone, or all who may log in."""
    if wanted.everyone:
        return SharedRun.of(engine.share_with_all(run_id, wanted.days))
    return SharedRun.of(*engine.share_link(run_id, wanted.days))


@router.delete("/{run_id}/shares/{share_id}", status_code=204, responses=responses(404))
def unshare_run(run_id: RunId, share_id: OtherId, engine: Asked) -> Response:
    """Takes that way back, at once."""
    engine.unshare(run_id, share_id)
    return Response(status_code=204)


def _begun(
    engine: GuardedEngine,
    asked: tuple[str, str],
    sources: list[Source],
    renames: dict[str, str],
    options: Options,
    *,
    start: bool,
) -> Run:
    """The run by (a model, its version), checked and started; Refused, and nothing left, where files are in the way."""
    model_id, version = asked
    ahead = options if start else None
    run = engine.check(model_id, sources, version=version, renames=renames, keep_files=True, ahead=ahead)
    if not start:
        return run
    try:
        return engine.submit(run.id, options)
    except ForelightError as error:
        engine.delete(run.id)
        if not run.report.clean:
            raise Refused(str(error), run.report) from error
        raise


async def _events(request: Request, run: Run) -> AsyncIterator[dict[str, str]]:
    """Looks twice a second, as whoever asks may by then, and holds no thread between."""
    last = None
    while True:
        said = RunInfo.of(run).model_dump_json()
        if said != last:
            yield {"event": "run", "data": said}
        if run.ended:
            return
        last = said
        await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
        try:
            engine = await run_in_threadpool(asked_again, request)
            run = await run_in_threadpool(engine.run, run.id)
        except ForelightError as error:
            yield {"event": "error", "data": str(error)}
            return
