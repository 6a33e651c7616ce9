"""Masks as PNG: a grey picture whose values are places among the labels; 255 where nothing is known."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

from engine.errors import ReadError
from engine.kinds.frame import Frame
from engine.kinds.palette import COLORS

UNKNOWN = 255
"""A pixel beyond the visitor's picture, or one whose class nobody says."""
MOST_LABELS = 255
_ALPHA = 140


def mask_png(mask: np.ndarray) -> bytes:
    """uint8 (height, width) as a grey PNG."""
    from PIL import Image  # the server, which knows the tasks, opens no picture

    content = io.BytesIO()
    Image.fromarray(mask).save(content, "PNG", compress_level=3)
    return content.getvalue()


def read_mask(content: bytes) -> np.ndarray:
    """The uint8 (height, width) that `mask_png` was given."""
    from PIL import Image  # the server, which knows the tasks, opens no picture

    with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
        return np.array(picture)


def read_any_mask(content: bytes, max_pixels: int) -> np.ndarray:
    """The values (height, width) of a visitor's mask, a grey or indexed PNG; ReadError saying what is wrong with it."""
    from PIL import Image  # the server, which knows the tasks, opens no picture

    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
            if picture.width * picture.height > max_pixels:
                raise ReadError(f"it has {picture.width} × {picture.height} pixels. Make it smaller.")
            if picture.mode not in ("1", "L", "P", "I", "I;16"):
                raise ReadError(
                    f"it has colours ({picture.mode}), not class numbers. Save it as a grey or indexed PNG."
                )
            return np.array(picture).astype(np.int64)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as exc:
        raise ReadError("it is damaged, or no PNG. Save it again.") from exc


def in_model_shape(mask: np.ndarray, frame: Frame, size: tuple[int, int]) -> np.ndarray:
    """The own picture's mask at the model's height and width; UNKNOWN where that is padded."""
    rows, columns = (
        np.floor(first + (np.arange(pixels) + 0.5) * (last - first) / pixels).astype(np.int64)
        for first, last, pixels in ((frame.top, frame.bottom, size[0]), (frame.left, frame.right, size[1]))
    )
    small: np.ndarray = mask[np.clip(rows, 0, frame.height - 1)][:, np.clip(columns, 0, frame.width - 1)]
    small[(rows < 0) | (rows >= frame.height)] = UNKNOWN
    small[:, (columns < 0) | (columns >= frame.width)] = UNKNOWN
    return small


def in_own_shape(mask: np.ndarray, frame: Frame) -> np.ndarray:
    """The mask of a model's picture at the visitor's own height and width; UNKNOWN where the model saw nothing."""
    rows = _places(frame.top, frame.bottom, frame.height, mask.shape[0])
    columns = _places(frame.left, frame.right, frame.width, mask.shape[1])
    own: np.ndarray = mask[np.clip(rows, 0, mask.shape[0] - 1)][:, np.clip(columns, 0, mask.shape[1] - 1)]
    own[(rows < 0) | (rows >= mask.shape[0])] = UNKNOWN
    own[:, (columns < 0) | (columns >= mask.shape[1])] = UNKNOWN
    return own


def colored_png(mask: np.ndarray, labels: Sequence[str], background: str, *, clear: bool) -> bytes:
    """The mask as an indexed PNG in the labels' colours, its values still the places among them.

    `clear` to be laid over a picture: half transparent, and wholly so where there is background or nothing known.
    """
    from PIL import Image  # the server, which knows the tasks, opens no picture

    picture = Image.fromarray(mask).convert("P")
    picture.putdata(mask.reshape(-1))
    colors = [_rgb(COLORS[place % len(COLORS)]) for place in range(len(labels))]
    palette = [(0, 0, 0) if label == background else colors[place] for place, label in enumerate(labels)]
    palette += [(255, 255, 255)] * (256 - len(palette))
    picture.putpalette([value for color in palette for value in color])
    content = io.BytesIO()
    if clear:
        shown = [_ALPHA if label != background else 0 for label in labels]
        picture.save(content, "PNG", transparency=bytes(shown + [0] * (256 - len(shown))))
    else:
        picture.save(content, "PNG")
    return content.getvalue()


def _places(start: float, end: float, own: int, pixels: int) -> np.ndarray:
    """For the middle of each of `own` pixels, which of the model's it lies in."""
    middles = np.arange(own) + 0.5
    places: np.ndarray = np.floor((middles - start) * pixels / (end - start)).astype(np.int64)
    return places


def _rgb(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
