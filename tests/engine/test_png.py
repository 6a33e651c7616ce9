"""PNG pictures: the pixels that Pillow and torchvision give, decoded at once; what is damaged is left to Pillow."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image, PngImagePlugin

from engine.cards.card import ImageInput
from engine.errors import ReadError
from engine.readers.images import decode
from engine.readers.png import plain_png

MOST = 64_000_000
LINE = bytes(range(24))  # of 8 pixels


def pixels(mode: str, height: int = 61, width: int = 47) -> np.ndarray:
    shape = (height, width, 3) if mode == "RGB" else (height, width)
    values: np.ndarray = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    values[: height // 2] = np.sort(values[: height // 2], axis=1)  # every filter has something to do
    return values


def written(values: np.ndarray, **options: object) -> bytes:
    content = io.BytesIO()
    Image.fromarray(values).save(content, "PNG", **options)
    return content.getvalue()


def packed(data: bytes) -> bytes:
    """A PNG of 8 × 8 pixels, whose packed pixels are these bytes; every checksum is right."""
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(held)) + kind + held + struct.pack(">I", zlib.crc32(kind + held)) for kind, held in chunks
    )


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("size", [(1, 1), (61, 47), (300, 400)], ids=str)  # the last in several chunks
def test_the_pixels_are_pillows_and_torchvisions(size: tuple[int, int], mode: str, channels: int) -> None:
    io_ = pytest.importorskip("torchvision.io")
    content = written(pixels(mode, *size))
    assert plain_png(content, MOST) is not None
    found = decode(content, ImageInput(size=size, channels=channels), MOST)  # type: ignore[arg-type]
    pillows = np.array(Image.open(io.BytesIO(content)).convert("RGB" if channels == 3 else "L"))
    assert torch.equal(found, torch.from_numpy(pillows).reshape(*size, channels).permute(2, 0, 1))
    if (mode, channels) != ("RGB", 1):  # grays of colours: each rounds on its own
        theirs = io_.decode_image(torch.frombuffer(bytearray(content), dtype=torch.uint8))
        assert torch.equal(found, theirs.expand(channels, -1, -1))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no zlib",
        zlib.compress(b""),
        zlib.compress((b"\0" + LINE) * 7 + b"\0"),
        zlib.compress((b"\0" + LINE) * 7 + b"\5" + LINE),
        zlib.compress((b"\0" + LINE) * 8)[:-12],
        zlib.compress((b"\0" + LINE) * 8)[:-4] + b"\1\2\3\4",
    ],
    ids=["nothing", "no zlib", "no pixels", "a line short", "no such filter", "cut short", "wrong checksum"],
)
def test_damaged_pixels_are_refused(data: bytes) -> None:
    """Of each of these torchvision's decoder dies."""
    assert plain_png(packed(data), MOST) is None
    with pytest.raises(ReadError, match="damaged or cut short"):
        decode(packed(data), ImageInput(size=(8, 8)), MOST)


def test_what_is_more_than_pixels_is_left_to_pillow() -> None:
    said = PngImagePlugin.PngInfo()
    said.add_text("Author", "somebody")
    whole = written(pixels("RGB"))
    checksum = whole.index(b"IEND") - 8
    for other in (
        written(pixels("RGB"), pnginfo=said),
        written(pixels("L"), transparency=3),
        written(pixels("L") > 99),
        whole[:-12],
        whole[: checksum - 1] + bytes([whole[checksum - 1] ^ 1]) + whole[checksum:],
        b"",
    ):
        assert plain_png(other, MOST) is None
    assert plain_png(whole, 61 * 47) is not None
    assert plain_png(whole, 61 * 47 - 1) is None
