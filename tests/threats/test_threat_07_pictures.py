"""Threat 7: pictures that are too large, damaged, disguised or cut short cost their own row, and nothing else."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from engine.cards.card import ImageInput
from engine.errors import ReadError
from engine.readers import Source
from engine.readers.images import decode, opened_picture
from engine.results.own_pictures import picture_bytes, picture_thumbnail
from engine.settings import Settings
from tests.threats.reading import PICTURES, messages, read

IMAGE = ImageInput(size=(4, 4))
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 4\nshowpage\n"


def picture(kind: str = "PNG", size: tuple[int, int] = (4, 4), mode: str = "RGB", **options: object) -> bytes:
    content = io.BytesIO()
    Image.new(mode, size, 1).save(content, kind, **options)
    return content.getvalue()


def declaring(width: int, height: int) -> bytes:
    """A PNG that declares so many pixels and holds almost none."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def zipped(path: Path, **pictures: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in pictures.items():
            archive.writestr(f"{name}.png", content)
    return path


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_pixels_at_the_limit_and_one_above(kind: str, mode: str) -> None:
    assert decode(picture(kind, (10, 10), mode), IMAGE, 100).shape == (3, 4, 4)
    with pytest.raises(ReadError, match="has 101 × 1 pixels; at most 0.0001 million are decoded"):
        decode(picture(kind, (101, 1), mode), IMAGE, 100)


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (2**31 - 1, 2**31 - 1), (100_000_000, 1)])
def test_a_bomb_is_refused_by_its_header(width: int, height: int) -> None:
    with pytest.raises(ReadError, match="pixels; at most 64 million|damaged"):
        decode(declaring(width, height), IMAGE, Settings.model_fields["max_pixels"].default)


def test_a_host_may_allow_more_than_the_library_does() -> None:
    with opened_picture(picture("PNG", (20_000, 9_000), "1"), 200_000_000) as opened:
        assert opened.size == (20_000, 9_000)


def test_bytes_that_no_picture_of_so_many_pixels_takes(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    path.write_bytes(picture())
    with path.open("r+b") as file:
        file.truncate((1 << 20) + 8 * 100 + 1)
    report, _ = read(path, card=PICTURES, max_pixels=100)
    assert "has 1 MiB, more than 0.0001 million pixels can take" in messages(report)[0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (EPS, "no PNG, JPEG, WebP, BMP or TIFF"),
        (b"GIF89a" + bytes(20), "no PNG, JPEG, WebP, BMP or TIFF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no PNG, JPEG, WebP, BMP or TIFF"),
        (b"", "no PNG, JPEG, WebP, BMP or TIFF"),
        (picture("JPEG", (64, 64))[:-200], "damaged or cut short"),
        (picture("PNG", (64, 64))[:-60], "damaged or cut short"),
        (picture("BMP", (64, 64))[:-200], "damaged or cut short"),
        (picture("TIFF", (64, 64))[:-200], "damaged or cut short|no PNG"),
        (picture("WEBP", (64, 64))[:-8], "damaged or cut short|no PNG"),
    ],
)
def test_what_is_no_whole_picture(content: bytes, words: str) -> None:
    with pytest.raises(ReadError, match=words):
        decode(content, IMAGE, 10_000)


@pytest.mark.parametrize("kind", ["WEBP", "TIFF", "PNG"])
def test_of_several_frames_the_first_one_counts(kind: str) -> None:
    frames = [Image.new("RGB", (4, 4), (colour, 0, 0)) for colour in (250, 0, 0)]
    content = io.BytesIO()
    frames[0].save(
        content, kind, save_all=True, append_images=frames[1:], **({"lossless": True} if kind == "WEBP" else {})
    )
    assert decode(content.getvalue(), IMAGE, 100)[0].float().mean() == 250


def test_no_flipped_byte_of_a_png_ends_the_process() -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (24, 24, 3), np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    whole, image = content.getvalue(), ImageInput(size=(24, 24))
    assert np.array_equal(decode(whole, image, 1_000).permute(1, 2, 0).numpy(), pixels)
    refused = 0
    for place in range(8, len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(random.integers(8))
        try:
            decode(_checksummed(damaged) if place % 2 else bytes(damaged), image, 1_000)
        except ReadError:
            refused += 1
    assert refused > len(whole) / 2


def _checksummed(content: bytearray) -> bytes:
    """The PNG with its chunks' checksums made right again, so that only its pixels are wrong."""
    place = 8
    while place + 12 <= len(content):
        length = int.from_bytes(content[place : place + 4])
        end = place + 8 + length
        if end + 4 > len(content):
            break
        content[end : end + 4] = zlib.crc32(content[place + 4 : end]).to_bytes(4)
        place = end + 4
    return bytes(content)


def test_one_corrupt_picture_in_ten_thousand_costs_its_row_only(tmp_path: Path) -> None:
    whole = picture()
    pictures = {f"{number:05}": whole for number in range(10_000)}
    pictures["04711"] = whole[:-30]
    report, rows = read(zipped(tmp_path / "many.zip", **pictures), card=PICTURES)
    assert (report.n_rows, report.n_good) == (10_000, 9_999)
    assert rows["__fault"].is_not_null().arg_true().to_list() == [4_711]
    assert rows["file"].to_list() == [f"{number:05}.png" for number in range(10_000)]


def test_pictures_that_were_refused_are_not_decoded_to_be_shown(tmp_path: Path) -> None:
    path = tmp_path / "large.tiff"
    path.write_bytes(picture("TIFF", (30, 30)))
    sources = (Source("large.tiff", path),)
    folder: Any = SimpleNamespace(sources=lambda: sources, rows=lambda start, stop: pa.table({}))
    settings = Settings(home=tmp_path, max_pixels=100)
    for show in (picture_bytes, partial(picture_thumbnail, pixels=50)):
        with pytest.raises(ReadError, match="row 1 cannot be shown: it has 30 × 30 pixels"):
            show(folder, 1, settings=settings)
