"""What workers do with the pictures of a run; see `engine.workers.work`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.results.picture_files import own_mask
from engine.results.results import Asked
from engine.runs.folder import RunFolder
from engine.settings import Settings

_Result = tuple[Mapping[str, Any], bytes]


def picture(desk: object, settings: Settings, talk: object, *, folder: Path, row: int) -> _Result:
    """The visitor's own picture of a row, as a browser can show it."""
    from engine.results.own_pictures import picture_bytes  # imports torch

    content, media_type = picture_bytes(RunFolder(folder), row, settings)
    return {"media_type": media_type}, content


def thumbnail(desk: object, settings: Settings, talk: object, *, folder: Path, row: int, pixels: int) -> _Result:
    """The picture of a row, small, as WebP."""
    from engine.results.own_pictures import picture_thumbnail

    return {}, picture_thumbnail(RunFolder(folder), row, pixels, settings)


def mask(desk: object, settings: Settings, talk: object, *, of: Asked, row: int) -> _Result:
    """The mask of a row as large as its picture, in the labels' colours."""
    return {}, own_mask(of.results(), row)
