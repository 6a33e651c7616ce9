"""JPEG: torchvision's decoder for plain ones, and decoding at a part of the size where the card allows that."""

from __future__ import annotations

import math

import torch
from PIL import ExifTags, Image
from PIL.JpegImagePlugin import JpegImageFile

from engine.cards.card import ImageInput

try:
    from torchvision.io import ImageReadMode, decode_image
except ImportError:  # since 0.29 it says that it will give its decoders up
    decode_image = None

_SPARE = 2.0
_ON_ITS_SIDE = (5, 6, 7, 8)


def plain_pixels(opened: Image.Image, content: bytes, channels: int) -> torch.Tensor | None:
    """uint8 (channels, height, width): what Pillow would give, in half of the time.

    None where it is for Pillow to look: no JPEG, turned by its EXIF, other colours than the model's, damaged.
    """
    if not isinstance(opened, JpegImageFile) or opened.mode != ("RGB" if channels == 3 else "L"):
        return None
    if decode_image is None or _orientation(opened) != 1:
        return None
    try:
        mode = ImageReadMode.RGB if channels == 3 else ImageReadMode.GRAY
        decoded: torch.Tensor = decode_image(torch.frombuffer(bytearray(content), dtype=torch.uint8), mode)
    except RuntimeError:
        return None
    return decoded


def shrink(opened: Image.Image, image: ImageInput) -> tuple[int, int] | None:
    """The upright picture's own (height, width), where it will now be decoded at a part of it; None where it will not.

    What is decoded is still twice what the card's `fit` needs.
    """
    if not isinstance(opened, JpegImageFile):
        return None
    width, height = opened.size
    lies = _orientation(opened) in _ON_ITS_SIDE
    target = image.size[::-1] if lies else image.size
    ratios = (target[0] / height, target[1] / width)
    needed = _SPARE * (min(ratios) if image.fit == "contain" else max(ratios))
    if needed < 1:
        opened.draft(None, (math.ceil(width * needed), math.ceil(height * needed)))
    if opened.size == (width, height):
        return None
    return (width, height) if lies else (height, width)


def _orientation(opened: Image.Image) -> int:
    return int(opened.getexif().get(ExifTags.Base.Orientation, 1))
