"""PNG: plain ones decoded from their packed pixels at once, by the decoder that Pillow comes to in the end."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from types import MappingProxyType

from PIL import Image

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">8xI4sIIBBBBB")
_CHUNK = struct.Struct(">I4s")
_MODES: Mapping[int, str] = MappingProxyType({0: "L", 2: "RGB"})  # by the header's colour type


def plain_png(content: bytes, max_pixels: int) -> Image.Image | None:
    """The picture as Pillow would open it, sooner; torchvision's decoder ends the process where pixels are damaged.

    None where it is for Pillow to look, and to say what is wrong: no PNG of 8 bits a channel, too large, damaged, or
    with more in it than pixels.
    """
    if len(content) < _HEADER.size or not content.startswith(_SIGNATURE):
        return None
    length, kind, width, height, depth, colour, *others = _HEADER.unpack_from(content)
    if (length, kind, depth, others) != (13, b"IHDR", 8, [0, 0, 0]) or colour not in _MODES:
        return None
    if not 0 < width * height <= max_pixels or not (packed := _pixel_data(content)):
        return None
    try:
        return Image.frombytes(_MODES[colour], (width, height), packed, "zip", _MODES[colour])
    except (ValueError, MemoryError):
        return None


def _pixel_data(content: bytes) -> bytes:
    """The packed pixels, where the chunks are header, pixels and end, all checksums right; else nothing."""
    place, packed, kind = 8, [], b""
    while place + 12 <= len(content) and kind != b"IEND":
        length, kind = _CHUNK.unpack_from(content, place)
        end = place + 8 + length
        if end + 4 > len(content) or zlib.crc32(content[place + 4 : end]) != int.from_bytes(content[end : end + 4]):
            return b""
        if kind == b"IDAT":
            packed.append(content[place + 8 : end])
        elif kind != (b"IEND" if packed else b"IHDR") or (kind == b"IHDR" and place != 8):
            return b""
        place = end + 4
    return b"".join(packed) if kind == b"IEND" else b""
