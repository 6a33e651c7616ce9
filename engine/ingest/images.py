"""Pictures: files, folders and zips → decoded once, brought to the model's size, kept as pixels in one Arrow file.

Every picture is decoded before anything is predicted, so that a broken one is found then; the prediction reads
pixels and decodes nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from engine.cards.card import ImageInput, ModelCard
from engine.cards.signature import ColumnUse, Problem, Report
from engine.ingest.picture_labels import FolderLabels, PictureLabels
from engine.ingest.table import FAULT, INPUT_FILE, PIXELS, Progress
from engine.readers import Source
from engine.readers.images import Picture, decode_into, decoders, list_pictures
from engine.settings import Settings

_MOST_A_BATCH, _FEWEST_A_BATCH, _BYTES_A_BATCH = 512, 16, 128 << 20
_BATCHES_AHEAD = 1
_SHOWN_FAULTS = 200
_SIDES = ("width", "height")


def ingest_images(
    sources: Sequence[Source],
    card: ModelCard,
    image: ImageInput,
    folder: Path,
    settings: Settings,
    progress: Progress,
    kind: type[PictureLabels] = FolderLabels,
) -> Report:
    """The report of the pictures; `folder/input.arrow` then holds `file`, pixels, and the labels of that kind.

    A picture that cannot be decoded is black there, and `__fault` says why. Where predictions lie in the picture, its
    own `width` and `height` are kept too.
    """
    listed = list_pictures(sources, settings, kind.is_aside)
    pictures = listed.pictures
    names = tuple(source.name for source in sources)
    if not pictures:
        wanted = "There is no picture among the files. Add PNG, JPEG, WebP, BMP or TIFF files, or a zip of them."
        message = " ".join((wanted, *listed.notes))
        return Report(0, 0, (Problem("fatal", "no-rows", message),), (), names)
    labels = kind(listed, card, image, settings)
    faults = _write(pictures, labels, image, folder, settings, progress)
    sizes = [ColumnUse(side, "extra", "integer", "px") for side in _SIDES] if labels.sized else []
    columns = [ColumnUse("file", "extra"), *sizes, *labels.uses]
    problems = [_problem(row, pictures[row - 1], fault) for row, fault in list(faults.items())[:_SHOWN_FAULTS]]
    problems += [Problem("note", "file", note) for note in listed.notes]
    problems += labels.problems()
    return Report(len(pictures), len(pictures) - len(faults), tuple(problems), tuple(columns), names)


def _write(
    pictures: Sequence[Picture],
    labels: PictureLabels,
    image: ImageInput,
    folder: Path,
    settings: Settings,
    progress: Progress,
) -> dict[int, str]:
    """Writes input.arrow a batch at a time; returns why a picture cannot be used, by its row from 1."""
    width = _bytes_of(image)
    own = [pa.field(side, pa.int32()) for side in _SIDES] if labels.sized else []
    schema = pa.schema(
        [pa.field("file", pa.string()), *own, *labels.fields, pa.field(FAULT, pa.string()), (PIXELS, pa.binary(width))]
    )
    faults: dict[int, str] = {}
    with pa.OSFile(str(folder / INPUT_FILE), "wb") as sink, pa.ipc.new_file(sink, schema) as file:
        for batch in _decoded(pictures, image, settings):
            errors, count = batch.errors(), len(batch.pictures)
            faults |= {batch.start + place + 1: error for place, error in enumerate(errors) if error}
            columns = [pa.array([picture.name for picture in batch.pictures])]
            if labels.sized:
                columns += [pa.array(batch.sizes[:, place], mask=batch.sizes[:, place] == 0) for place in (1, 0)]
            columns += labels.columns(batch.start, batch.pictures, batch.sizes)
            blocks = pa.FixedSizeBinaryArray.from_buffers(
                schema.field(PIXELS).type, count, [None, pa.py_buffer(batch.pixels)]
            )
            arrays = [*columns, pa.array([error or None for error in errors], pa.string()), blocks]
            file.write_batch(pa.record_batch(arrays, schema))
            progress("Decoding pictures", batch.start + count, len(pictures))
    return faults


@dataclass(frozen=True, slots=True)
class _Batch:
    """Pictures that are written together. Once `errors` came back, pixels and their own sizes are there."""

    start: int
    pictures: Sequence[Picture]
    pixels: np.ndarray
    sizes: np.ndarray
    errors: Callable[[], list[str]]


def _decoded(pictures: Sequence[Picture], image: ImageInput, settings: Settings) -> Iterator[_Batch]:
    """All pictures, batch by batch; while one batch is waited for and written, the decoders are at the next one."""
    # A power of two, as the batches of a prediction are: those then stand in one piece, and need not be copied.
    fitting = 2 ** (max(1, _BYTES_A_BATCH // _bytes_of(image)).bit_length() - 1)
    count = min(_MOST_A_BATCH, max(_FEWEST_A_BATCH, fitting))
    waiting: deque[_Batch] = deque()
    with decoders() as pool:
        for start in range(0, len(pictures), count):
            part = pictures[start : start + count]
            pixels = np.zeros((len(part), image.channels, *image.size), np.uint8)
            sizes = np.zeros((len(part), 2), np.int32)
            errors = decode_into(pixels, part, pool, image, settings.max_pixels, settings.careful_decoding, sizes)
            waiting.append(_Batch(start, part, pixels, sizes, errors))
            if len(waiting) > _BATCHES_AHEAD:
                yield waiting.popleft()
        while waiting:
            yield waiting.popleft()


def _bytes_of(image: ImageInput) -> int:
    """What the pixels of one picture take."""
    return image.channels * image.size[0] * image.size[1]


def _problem(row: int, picture: Picture, fault: str) -> Problem:
    message = f"Row {row}, {picture.name}: {fault}"
    return Problem("rows", "undecodable-image", message, picture.name, "file", row, 1, fault, "a picture")
