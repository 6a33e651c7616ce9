"""Pictures from files, folders and zips, and how they are decoded: capped, whole, first frame, never trusted."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torchvision.transforms.v2 import functional as transforms

from engine.cards.card import ImageInput
from engine.errors import ReadError
from engine.readers.archives import Member, members, read_member
from engine.readers.jpeg import plain_pixels, shrink
from engine.readers.png import plain_png
from engine.readers.source import IMAGE_SUFFIXES, Source
from engine.settings import Settings

_FREE_BYTES, _BYTES_A_PIXEL = 1 << 20, 8  # the largest there is: four channels of 16 bits
_MOST_THREADS = 6  # each may hold a picture of the most pixels, of some bytes each, and the process has its limit
_FEWEST_A_TASK, _MOST_A_TASK = 8, 128
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")
_HEIC = " Pictures of an iPhone (HEIC) are read once they are saved as JPEG."
Image.MAX_IMAGE_PIXELS = None  # Pillow only warns up to twice its own limit; the host's is asked for every picture


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture, not yet decoded. `name` holds the folders it is in."""

    name: str
    place: Source | Member

    def read(self, max_pixels: int) -> bytes:
        """Its bytes; ReadError or OSError where they cannot be had, or are more than so many pixels can be."""
        size = self.place.size if isinstance(self.place, Member) else self.place.path.stat().st_size
        if size > _FREE_BYTES + _BYTES_A_PIXEL * max_pixels:
            raise ReadError(
                f"has {size >> 20:,} MiB, more than {max_pixels / 1e6:g} million pixels can take. Make it smaller."
            )
        return read_member(self.place) if isinstance(self.place, Member) else self.place.path.read_bytes()


@dataclass(frozen=True, slots=True)
class Listed:
    """The pictures among some files, the files that are `aside`, and what was left out, in sentences."""

    pictures: list[Picture]
    aside: list[Picture]
    notes: list[str]


def list_pictures(
    sources: Sequence[Source], settings: Settings, is_aside: Callable[[str], bool] = lambda name: False
) -> Listed:
    """All pictures, in the order of the files and of the zips' directories; `is_aside` says by name what is none."""
    pictures: list[Picture] = []
    aside: list[Picture] = []
    left_out: list[str] = []
    for source in sources:
        places = members(source, settings) if source.name.lower().endswith(".zip") else [source]
        for place in places:
            file = Picture(place.name.replace("\\", "/"), place)
            if is_aside(file.name):
                aside.append(file)
            elif place.name.lower().endswith(IMAGE_SUFFIXES):
                pictures.append(file)
            else:
                left_out.append(place.name)
    named = ", ".join(left_out[:3]) + (" …" if len(left_out) > 3 else "")
    counted = "1 file is no picture" if len(left_out) == 1 else f"{len(left_out)} files are no pictures"
    note = f"{counted}, and left out: {named}.{_HEIC if any(map(_is_heic, left_out)) else ''}"
    return Listed(pictures, aside, [note] if left_out else [])


def _is_heic(name: str) -> bool:
    return name.lower().endswith((".heic", ".heif"))


def decoders() -> ThreadPoolExecutor:
    """The threads that decode, to be shared by all pictures of a check."""
    return ThreadPoolExecutor(min(_MOST_THREADS, max(2, torch.get_num_threads())), "forelight-decode")


def decode_into(
    pixels: np.ndarray,
    pictures: Sequence[Picture],
    pool: ThreadPoolExecutor,
    image: ImageInput,
    max_pixels: int,
    careful: bool = False,
    sizes: np.ndarray | None = None,
) -> Callable[[], list[str]]:
    """Begins to decode into uint8 `pixels` (pictures, channels, height, width), and returns what waits for the end.

    That gives for each picture "" or why it cannot be used. `sizes` (pictures, 2) gets each one's own height and width,
    as it is looked at; 0 where it cannot be decoded.

    `careful` leaves all decoding to Pillow, as whoever asks again does after the process ended.
    """

    a_task = min(_MOST_A_TASK, max(_FEWEST_A_TASK, -(-len(pictures) // (4 * _MOST_THREADS))))
    out = torch.from_numpy(pixels)
    black = torch.zeros_like(out[0])

    def task(start: int) -> list[str]:
        part = pictures[start : start + a_task]
        decoded = [_decode_one(picture, image, max_pixels, careful) for picture in part]
        if sizes is not None:
            sizes[start : start + len(part)] = [size for _, size, _ in decoded]
        # One copy for all of them: each gives up the interpreter's lock, and waits for it again.
        torch.stack([black if found is None else found for found, _, _ in decoded], out=out[start : start + len(part)])
        return [error for _, _, error in decoded]

    found = pool.map(task, range(0, len(pictures), a_task))
    return lambda: [error for errors in found for error in errors]


def decode(content: bytes, image: ImageInput, max_pixels: int, careful: bool = False) -> torch.Tensor:
    """uint8 (channels, height, width) of the size the model takes; ReadError saying what is wrong with the picture."""
    return fit(_decoded(content, image, max_pixels, careful)[0], image)


def fit(picture: torch.Tensor, image: ImageInput) -> torch.Tensor:
    """The picture at the card's size, resized with antialiasing as `fit` says; itself where it has that size."""
    height, width = picture.shape[-2:]
    target = tuple(image.size)
    if (height, width) == target:
        return picture
    if image.fit == "stretch":
        stretched: torch.Tensor = transforms.resize(picture, list(target), antialias=True)
        return stretched
    ratios = (target[0] / height, target[1] / width)
    ratio = max(ratios) if image.fit == "cover" else min(ratios)
    size = [max(1, round(height * ratio)), max(1, round(width * ratio))]
    fitted: torch.Tensor = transforms.center_crop(transforms.resize(picture, size, antialias=True), list(target))
    return fitted


def _decode_one(
    picture: Picture, image: ImageInput, max_pixels: int, careful: bool
) -> tuple[torch.Tensor | None, tuple[int, int], str]:
    """(the picture at the card's size, or None; its own height and width; why it cannot be used, or "")."""
    try:
        whole, size = _decoded(picture.read(max_pixels), image, max_pixels, careful)
    except ReadError as exc:
        return None, (0, 0), str(exc)
    except OSError as exc:
        return None, (0, 0), f"cannot be read ({exc.strerror or exc})."
    return fit(whole, image), size, ""


def _decoded(content: bytes, image: ImageInput, max_pixels: int, careful: bool) -> tuple[torch.Tensor, tuple[int, int]]:
    """(the picture, its own height and width): by the fast decoders plain PNG and JPEG, by Pillow every other kind."""
    png = plain_png(content, max_pixels)
    if png is None:
        return _opened_and_decoded(content, image, max_pixels, careful)
    decoded = _pixels(png, image.channels)
    return decoded, _height_width(decoded)


def _opened_and_decoded(
    content: bytes, image: ImageInput, max_pixels: int, careful: bool
) -> tuple[torch.Tensor, tuple[int, int]]:
    with opened_picture(content, max_pixels) as opened:
        if image.draft and (size := shrink(opened, image)):
            return _with_pillow(opened, image.channels), size
        plain = None if careful else plain_pixels(opened, content, image.channels)
        decoded = _with_pillow(opened, image.channels) if plain is None else plain
        return decoded, _height_width(decoded)


def _with_pillow(opened: Image.Image, channels: int) -> torch.Tensor:
    """The first frame, upright, on white where it is transparent; its channels lie together."""
    ImageOps.exif_transpose(opened, in_place=True)
    return _pixels(_on_white(opened), channels)


def _pixels(picture: Image.Image, channels: int) -> torch.Tensor:
    mode = "RGB" if channels == 3 else "L"
    values = torch.from_numpy(np.array(picture if picture.mode == mode else picture.convert(mode)))
    return values.permute(2, 0, 1) if channels == 3 else values[None]


def _height_width(picture: torch.Tensor) -> tuple[int, int]:
    return picture.shape[-2], picture.shape[-1]


@contextmanager
def opened_picture(content: bytes, max_pixels: int) -> Iterator[Image.Image]:
    """The picture, its first frame not yet decoded; the size is judged by the header.

    Raises ReadError where it is none or too large, and for what goes wrong with it as long as it is open.
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
            if opened.width * opened.height > max_pixels:
                raise ReadError(
                    f"has {opened.width} × {opened.height} pixels; at most {max_pixels / 1e6:g} million are decoded. "
                    "Make it smaller."
                )
            yield opened
    except ReadError:
        raise
    except UnidentifiedImageError as exc:
        raise ReadError("is no PNG, JPEG, WebP, BMP or TIFF picture, whatever its name says. Save it as one.") from exc
    except MemoryError as exc:
        raise ReadError("is too large for the memory here. Make it smaller.") from exc
    except Exception as exc:  # Pillow raises what its decoders run into: struct.error, IndexError, KeyError …
        raise ReadError("cannot be decoded: it is damaged or cut short. Save it again.") from exc


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I;16") or picture.mode in ("I", "F"):
        values = np.asarray(picture, np.float64)
        top = 65535.0 if values.max(initial=0) > 255 else 255.0
        return Image.fromarray((values / top * 255).clip(0, 255).astype(np.uint8))
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layered = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered)
    return picture
