"""Pictures → float32 (pictures, channels, height, width), scaled to 0 … 1 and normalised as the card says."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from engine.cards.card import ImageInput, ModelCard
from engine.cards.signature import Report
from engine.errors import CardError
from engine.ingest.table import PIXELS, Progress
from engine.kinds.left_out import Part
from engine.readers import Source
from engine.settings import Settings
from engine.tasks.picture_parts import patches, without_patch
from engine.views import Gallery, View

if TYPE_CHECKING:
    import torch

    from engine.ingest.picture_labels import PictureLabels


class ImageInputs:
    """One picture, one prediction."""

    has_steps = False
    grows = True
    _zip = " (a folder's name may be the label)"

    def check_card(self, card: ModelCard) -> None:
        if card.image is None:
            raise CardError("key 'image' is missing: say the size and the channels of what the model takes")

    def ingest(
        self,
        sources: Sequence[Source],
        card: ModelCard,
        folder: Path,
        settings: Settings,
        renames: Mapping[str, str],
        progress: Progress,
    ) -> Report:
        from engine.ingest.images import ingest_images  # imports torch

        return ingest_images(sources, card, image_of(card), folder, settings, progress, self._labels())

    def _labels(self) -> type[PictureLabels]:
        """The labels that may lie beside the pictures."""
        from engine.ingest.picture_labels import FolderLabels

        return FolderLabels

    def batch_size(self) -> int:
        return 128

    def batches(self, rows: pa.Table, card: ModelCard, size: int) -> list[tuple[int, int]]:
        return [(start, min(start + size, rows.num_rows)) for start in range(0, rows.num_rows, size)]

    def encode(self, rows: pa.Table, card: ModelCard) -> torch.Tensor:
        image = image_of(card)
        shape = (rows.num_rows, image.channels, *image.size)
        return normalise(_pixels(rows.column(PIXELS)).reshape(shape), image, card.memory_format)

    def columns_of(self, x: torch.Tensor, card: ModelCard) -> dict[str, torch.Tensor]:
        return {}

    def per_line(self, output: torch.Tensor, lines: int) -> torch.Tensor:
        return output

    def probe(self, card: ModelCard, items: int) -> torch.Tensor:
        image = image_of(card)
        shape = (items, image.channels, *image.size)
        pixels = (np.arange(np.prod(shape)) * 73 % 256).astype(np.uint8).reshape(shape)
        return normalise(pixels, image)

    def hidden_columns(self) -> tuple[str, ...]:
        return (PIXELS,)

    def template(self, card: ModelCard) -> tuple[str, bytes]:
        return "zip", image_template(_TEMPLATE, card.labels)

    def views(self, card: ModelCard) -> tuple[View, ...]:
        return (Gallery(card.labels),)

    def needs(self, card: ModelCard) -> tuple[str, ...]:
        image = image_of(card)
        kind = "colour" if image.channels == 3 else "grey"
        return (
            f"Pictures: PNG, JPEG, WebP, BMP or TIFF; one, many, a folder, or a zip{self._zip}.",
            f"Any size; each is brought to {image.size[0]} × {image.size[1]} pixels, {kind} ({_FITS[image.fit]}).",
        )

    def parts(self, line: Mapping[str, object], card: ModelCard) -> tuple[Part, ...]:
        return patches(image_of(card))

    def without(self, row: pa.Table, part: Part, card: ModelCard) -> pa.Table:
        return without_patch(row, part, image_of(card))


_FITS = {"cover": "what hangs over is cut", "contain": "padded with black", "stretch": "stretched"}


_TEMPLATE = "Put your pictures here, or into the folders, whose names are then taken as labels.\n"


def image_template(text: str, folders: Sequence[str]) -> bytes:
    """A zip that shows the layout: the folders, and a text that says what goes where."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("README.txt", text)
        for folder in folders:
            archive.mkdir(folder)
    return content.getvalue()


def normalise(pixels: np.ndarray, image: ImageInput, memory_format: str = "contiguous") -> torch.Tensor:
    """uint8 (n, channels, height, width) → float32: transformed, pixel / 255, less the mean, over the deviation."""
    import torch

    layout = torch.channels_last if memory_format == "channels_last" else torch.contiguous_format

    x = torch.from_numpy(pixels)
    if image.transforms:
        from engine.tasks.image_transforms import transformed

        x = transformed(x, image.transforms)
    whole = x.dtype == torch.uint8
    x = x.to(torch.float32, memory_format=layout)
    if whole:
        x.div_(255)
    shape = (1, -1, 1, 1)
    if any(image.mean) or any(figure != 1 for figure in image.std):
        x.sub_(torch.tensor(image.mean).reshape(shape)).div_(torch.tensor(image.std).reshape(shape))
    return x


def _pixels(column: pa.ChunkedArray) -> np.ndarray:
    """The column's bytes as one uint8 array; no copy where the rows stand together in one chunk."""
    parts = [_bytes(chunk) for chunk in column.chunks]
    return parts[0] if len(parts) == 1 else np.concatenate(parts or [np.empty(0, np.uint8)])


def _bytes(chunk: pa.Array) -> np.ndarray:
    width = chunk.type.byte_width
    values = np.frombuffer(chunk.buffers()[1], np.uint8, len(chunk) * width, chunk.offset * width)
    return values.copy() if not values.flags.writeable else values


def image_of(card: ModelCard) -> ImageInput:
    """How the card wants its pictures."""
    if card.image is None:
        raise CardError("key 'image' is missing")
    return card.image
