"""Models: which there are, what they take; and small predictions, answered in the same request."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from dashboard.routes.files import attachment
from dashboard.v1.asking import Asked
from dashboard.v1.problems import Refused, problem, problems_of, responses
from dashboard.v1.schemas import AskedVersion, Model, ModelId, Predictions, Rows
from engine import GuardedEngine, Report, Source

router = APIRouter(prefix="/models", tags=["models"])
_MOST_AT_ONCE = 32
_waiting = asyncio.Semaphore(_MOST_AT_ONCE)


@router.get("", responses=responses())
def list_models(engine: Asked) -> list[Model]:
    """Every model there is, the broken ones with their error."""
    return [Model.of(entry) for entry in engine.models()]


@router.get("/{model_id}", responses=responses(404))
def get_model(model_id: ModelId, engine: Asked) -> Model:
    """One model, with its signature."""
    return Model.of(engine.model(model_id))


@router.get("/{model_id}/template", response_class=Response, responses=responses(404))
def get_template(model_id: ModelId, engine: Asked) -> Response:
    """A file to fill in."""
    name, content = engine.template(model_id)
    return Response(content, headers={"content-disposition": attachment(name)})


@router.post("/{model_id}/predictions", response_model=Predictions, responses=responses(404, 503))
async def predict_rows(model_id: ModelId, wanted: Rows, engine: Asked, version: AskedVersion = "") -> Response:
    """Predicts up to 1,000 rows at once; nothing of them is kept."""
    if _waiting.locked():
        return problem(503, "Many predictions wait already. Try again, or make a run.", headers={"retry-after": "1"})
    async with _waiting:
        report, lines = await run_in_threadpool(_predicted, engine, model_id, version, wanted.rows)
    said = Predictions(rows=plain_rows(lines), problems=problems_of(report))
    return JSONResponse(said.model_dump())


def _predicted(
    engine: GuardedEngine, model_id: str, version: str, rows: Sequence[dict[str, Any]]
) -> tuple[Report, pl.DataFrame]:
    with TemporaryDirectory(prefix="forelight-") as folder:
        path = Path(folder) / "rows.jsonl"
        path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
        report, lines = engine.predict_now(model_id, (Source(path.name, path),), version=version)
    if report.fatal:
        raise Refused("The rows cannot be predicted; see problems.", report)
    return report, lines


def plain_rows(lines: pl.DataFrame) -> list[dict[str, Any]]:
    """The lines as JSON has them: what is no finite number is null, as in a JSON Lines download."""
    return [{name: _plain(value) for name, value in row.items()} for row in lines.iter_rows(named=True)]


def _plain(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | list | type(None)) else str(value)
