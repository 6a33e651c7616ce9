"""A picture's patches, to be painted over one after the other."""

from __future__ import annotations

from itertools import product
from math import isqrt

import numpy as np
import pyarrow as pa

from engine.cards.parts import ImageInput
from engine.ingest.table import PIXELS
from engine.kinds.left_out import Part, Patch

_MOST_BYTES = 256 << 20  # of all the painted pictures: of very large ones there are fewer, with larger patches
_CELLS = 10  # a side; a patch is two of them wide and high, so that four patches tell of a cell: 81 in all


def patches(image: ImageInput) -> tuple[Patch, ...]:
    """Patches all over the model's picture, each over half of its neighbours; the first quarter covers nearly all."""
    cells = min(_CELLS, isqrt(_MOST_BYTES // (image.channels * image.size[0] * image.size[1])) + 1)
    rows, columns = (_edges(pixels, cells) for pixels in image.size)
    places = sorted(product(range(len(rows) - 2), range(len(columns) - 2)), key=lambda at: (at[0] % 2, at[1] % 2))
    return tuple(Patch(columns[x], rows[y], columns[x + 2], rows[y + 2]) for y, x in places)


def without_patch(row: pa.Table, part: Part, image: ImageInput) -> pa.Table:
    """The row, a table of one line, its picture in the patch of one colour: the mean of the whole picture."""
    assert isinstance(part, Patch)
    height, width = image.size
    place = row.schema.get_field_index(PIXELS)
    pixels = np.frombuffer(row.column(place)[0].as_py(), np.uint8).reshape(image.channels, height, width).copy()
    down = slice(round(part.top * height), round(part.bottom * height))
    across = slice(round(part.left * width), round(part.right * width))
    pixels[:, down, across] = pixels.mean(axis=(1, 2)).round()[:, None, None]
    field = row.schema.field(place)
    return row.set_column(place, field, pa.array([pixels.tobytes()], field.type))


def _edges(pixels: int, cells: int) -> list[float]:
    """Where cells begin and end, as shares of a side of so many pixels; each is a pixel wide at least."""
    cells = min(cells, pixels)
    return [round(cell * pixels / cells) / pixels for cell in range(cells + 1)]
