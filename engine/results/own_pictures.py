"""The visitor's own pictures of a run, as browsers show them: looked for in the files again. For worker processes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from PIL import Image, ImageOps

from engine.errors import ReadError, RunStateError
from engine.ingest.picture_labels import FolderLabels, MaskLabels
from engine.ingest.table import TRUTH
from engine.readers import Source
from engine.readers.images import Picture, list_pictures, opened_picture
from engine.runs.folder import RunFolder
from engine.settings import Settings

_BROWSER_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


def picture_bytes(folder: RunFolder, row: int, settings: Settings) -> tuple[bytes, str]:
    """(the visitor's picture of that row as a browser can show it, its media type); ReadError where there is none."""
    original = _original(folder, row, settings)
    with _opened(original, row, settings) as picture:
        if picture.format in _BROWSER_TYPES:
            return original, _BROWSER_TYPES[picture.format]
        return _encoded(picture, None), "image/webp"


def picture_thumbnail(folder: RunFolder, row: int, pixels: int, settings: Settings) -> bytes:
    """The picture of that row as WebP, at most `pixels` high and wide; a smaller one is shown in whole pixels."""
    with _opened(_original(folder, row, settings), row, settings) as picture:
        return _encoded(picture, pixels)


@contextmanager
def _opened(content: bytes, row: int, settings: Settings) -> Iterator[Image.Image]:
    try:
        with opened_picture(content, settings.max_pixels) as picture:
            yield picture
    except ReadError as exc:
        raise ReadError(f"The picture of row {row} cannot be shown: it {exc}") from exc


def _original(folder: RunFolder, row: int, settings: Settings) -> bytes:
    masked = TRUTH in folder.rows(0, 0).column_names
    pictures = _pictures(folder.sources(), settings, masked)
    if not 1 <= row <= len(pictures):
        raise RunStateError(f"There is no picture {row}; the run has {len(pictures)}.")
    try:
        return pictures[row - 1].read(settings.max_pixels)
    except OSError as exc:
        raise ReadError(f"The picture of row {row} is no longer where it was: {exc}") from exc


@lru_cache(maxsize=8)
def _pictures(sources: tuple[Source, ...], settings: Settings, masked: bool) -> tuple[Picture, ...]:
    """Kept for the runs looked at last: a gallery asks for many pictures of one zip, whose directory is long."""
    kind = MaskLabels if masked else FolderLabels
    return tuple(list_pictures(sources, settings, kind.is_aside).pictures)


def _encoded(picture: Image.Image, pixels: int | None) -> bytes:
    shown = ImageOps.exif_transpose(picture).convert("RGB")
    if pixels is not None:
        if max(shown.size) < pixels // 2:
            factor = pixels // max(shown.size)
            shown = shown.resize((shown.width * factor, shown.height * factor), Image.Resampling.NEAREST)
        shown.thumbnail((pixels, pixels))
    content = io.BytesIO()
    shown.save(content, "WEBP", quality=80)
    return content.getvalue()
