"""The lake: folders that the host offers, to take files from instead of sending them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from dashboard.v1.asking import Asked
from dashboard.v1.problems import responses
from dashboard.v1.schemas import UploadedFile

router = APIRouter(prefix="/lake", tags=["runs"])
Folder = Annotated[str, Path(pattern=r"^[^/\x00-\x1f\x7f]{1,200}$")]
Where = Annotated[str, Query(max_length=2_000, description="names between slashes, as a listing gives them")]


class FileOfLake(BaseModel):
    """A file or a folder of the lake."""

    name: str
    path: str
    is_folder: bool
    size: int = Field(description="bytes; 0 for a folder")


@router.get("", responses=responses())
def list_lake(engine: Asked) -> list[str]:
    """The names of the folders."""
    return list(engine.lake_names())


@router.get("/{folder}", responses=responses(404, 503))
def list_folder(folder: Folder, engine: Asked, path: Where = "") -> list[FileOfLake]:
    """What lies in the folder, at that path of it."""
    found = engine.lake_entries(folder, path)
    return [FileOfLake(name=each.name, path=each.path, is_folder=each.is_folder, size=each.size) for each in found]


@router.post("/{folder}", status_code=201, responses=responses(404, 413, 503, 507))
def take_file(folder: Folder, engine: Asked, path: Annotated[Where, Query(min_length=1)]) -> UploadedFile:
    """Takes that file as if it had been sent: it can be named in a run within a day."""
    return UploadedFile.of(engine.take_from_lake(folder, path))
