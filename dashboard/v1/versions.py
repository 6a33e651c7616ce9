"""The versions of a model: which there are, and which one predicts where none is named."""

from __future__ import annotations

from fastapi import APIRouter

from dashboard.v1.asking import Asked
from dashboard.v1.problems import responses
from dashboard.v1.schemas import Model, ModelId, VersionOfModel, WantedVersion
from engine import GuardedEngine, ModelEntry, Version

router = APIRouter(prefix="/models/{model_id}", tags=["models"])


@router.get("/versions", responses=responses(404))
def list_versions(model_id: ModelId, engine: Asked) -> list[VersionOfModel]:
    """The checkpoints there are, with what they were measured to do."""
    entry = engine.model(model_id)
    return [_told(engine, entry, version) for version in entry.versions]


@router.put("/default", responses=responses(404, 507))
def set_default(model_id: ModelId, wanted: WantedVersion, engine: Asked) -> Model:
    """Makes that version the default, at once; for hosts. Runs keep the version they have."""
    engine.set_default(model_id, wanted.version)
    return Model.of(engine.model(model_id))


def _told(engine: GuardedEngine, entry: ModelEntry, version: Version) -> VersionOfModel:
    told = version.model_dump(include={"name", "sha256", "created", "note", "figures"})
    error = engine.model(entry.id, version.name).error
    return VersionOfModel(default=version.name == entry.default, error=error, **told)
