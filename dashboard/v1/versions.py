"""The versions of a model: which there are, and which one predicts where none is named."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool

from dashboard.routes.receiving import receive_body
from dashboard.v1.asking import Asked
from dashboard.v1.problems import responses
from dashboard.v1.schemas import Model, ModelId, Text, VersionOfModel, WantedVersion
from dashboard.v1.uploads import BODY, FileName
from engine import GuardedEngine, ModelEntry, Version

router = APIRouter(prefix="/models/{model_id}", tags=["models"])
_TOLD = {"name", "sha256", "created", "note", "figures"}


@router.get("/versions", responses=responses(404))
def list_versions(model_id: ModelId, engine: Asked) -> list[VersionOfModel]:
    """The checkpoints there are, with what they were measured to do."""
    entry = engine.model(model_id)
    return [_told(engine, entry, version) for version in entry.versions]


@router.post("/versions", status_code=201, responses=responses(404, 413, 507), openapi_extra=BODY)
async def add_version(
    model_id: ModelId,
    request: Request,
    name: FileName,
    engine: Asked,
    note: Annotated[Text, Query(description="what tells it from the other versions")] = "",
) -> VersionOfModel:
    """Takes a checkpoint of the model's class, the body as it is, as a further version; for hosts, where switched on.

    It is loaded by a path that runs no code of its own, and tried; 422 says why it was not taken. The default stays.
    """
    upload = await receive_body(request, partial(engine.begin_checkpoint, model_id), name)
    version = await run_in_threadpool(engine.add_checkpoint, model_id, upload.id, note)
    return VersionOfModel(default=False, **version.model_dump(include=_TOLD))


@router.put("/default", responses=responses(404, 507))
def set_default(model_id: ModelId, wanted: WantedVersion, engine: Asked) -> Model:
    """Makes that version the default, at once; for hosts. Runs keep the version they have."""
    engine.set_default(model_id, wanted.version)
    return Model.of(engine.model(model_id))


def _told(engine: GuardedEngine, entry: ModelEntry, version: Version) -> VersionOfModel:
    error = engine.model(entry.id, version.name).error
    return VersionOfModel(default=version.name == entry.default, error=error, **version.model_dump(include=_TOLD))
