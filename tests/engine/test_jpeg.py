"""JPEG pictures: the pixels that Pillow gives, whoever decodes them; near to them where the card allows a draft."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from engine.cards.card import ImageInput
from engine.errors import ReadError
from engine.readers import Source
from engine.readers.images import Picture, decode, decode_into, decoders, fit
from engine.settings import BUNDLED_MODELS

MOST = 64_000_000
PHOTO = BUNDLED_MODELS / "cifar10" / "samples" / "cat.jpg"


def photo(width: int = 640, height: int = 480, mode: str = "RGB", orientation: int = 1, **options: object) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = io.BytesIO()
    Image.open(PHOTO).convert("RGB").resize((width, height)).convert(mode).save(content, "JPEG", exif=exif, **options)
    return content.getvalue()


def by_pillow(content: bytes, image: ImageInput) -> torch.Tensor:
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    values = np.asarray(upright.convert("RGB" if image.channels == 3 else "L"))
    return fit(torch.from_numpy(values.reshape(*values.shape[:2], -1).transpose(2, 0, 1).copy()), image)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"orientation": 6}], ids=str)
def test_the_pixels_are_pillows(channels: int, mode: str, options: dict[str, object]) -> None:
    content, image = photo(61, 47, mode, **options), ImageInput(size=(32, 32), channels=channels)  # type: ignore[arg-type]
    assert torch.equal(decode(content, image, MOST), by_pillow(content, image))


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("how", ["cover", "contain", "stretch"])
def test_a_draft_is_near_and_knows_the_pictures_own_size(tmp_path: Path, how: str, orientation: int) -> None:
    (tmp_path / "a.jpg").write_bytes(photo(orientation=orientation))
    image = ImageInput(size=(40, 24), fit=how)  # type: ignore[arg-type]
    found, sizes = [], []
    for draft in (False, True):
        pixels, own = np.zeros((1, 3, 40, 24), np.uint8), np.zeros((1, 2), np.int64)
        source = Picture("a.jpg", Source("a.jpg", tmp_path / "a.jpg"))
        card = image.model_copy(update={"draft": draft})
        with decoders() as pool:
            assert decode_into(pixels, [source], pool, card, MOST, sizes=own)() == [""]
        found.append(pixels.astype(int))
        sizes.append(own.tolist())
    assert sizes == [[[640, 480]] if orientation == 6 else [[480, 640]]] * 2
    assert 0 < np.abs(found[0] - found[1]).mean() < 1.5, "another decoding, and nearly the same picture"


def test_a_small_picture_has_no_draft() -> None:
    image, content = ImageInput(size=(224, 224), draft=True), photo(400, 300)
    assert torch.equal(decode(content, image, MOST), by_pillow(content, image))


@pytest.mark.parametrize("draft", [False, True])
def test_half_a_picture_is_none(draft: bool) -> None:
    content = photo()
    with pytest.raises(ReadError, match="damaged or cut short"):
        decode(content[: len(content) // 2], ImageInput(size=(8, 8), draft=draft), MOST)
