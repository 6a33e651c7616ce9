"""Files on their way in: raw bytes, of any size, straight to the disk."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from dashboard.routes.receiving import receive_body
from dashboard.v1.asking import Asked
from dashboard.v1.problems import responses
from dashboard.v1.schemas import OtherId, UploadedFile

router = APIRouter(prefix="/uploads", tags=["runs"])
BYTES: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
BODY: dict[str, Any] = {"requestBody": {"required": False, "content": {"application/octet-stream": BYTES}}}
_NAME = "what the file is called; its suffix is its format"
FileName = Annotated[str, Query(min_length=1, max_length=1_000, description=_NAME)]


@router.post("", status_code=201, responses=responses(413, 507), openapi_extra=BODY)
async def send_file(request: Request, name: FileName, engine: Asked) -> UploadedFile:
    """Takes one file, the body as it is. It waits a day for a run that names it."""
    return UploadedFile.of(await receive_body(request, engine.begin_upload, name))


@router.delete("/{upload_id}", status_code=204, responses=responses(404))
async def delete_file(upload_id: OtherId, engine: Asked) -> Response:
    """Deletes a file that no run has taken."""
    await run_in_threadpool(engine.delete_upload, upload_id)
    return Response(status_code=204)
