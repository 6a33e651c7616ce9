"""Where a model's picture lies in the visitor's own: how boxes and masks find back to the pixels they are about."""

from __future__ import annotations

from dataclasses import dataclass

from engine.cards.parts import ImageInput


@dataclass(frozen=True, slots=True)
class Frame:
    """The rectangle, in pixels of the own picture, that the model's picture covers; what is beyond was padded.

    `height` and `width` are the own picture's.
    """

    left: float
    top: float
    right: float
    bottom: float
    height: int
    width: int

    def inside(self, size: tuple[int, int]) -> tuple[slice, slice]:
        """(rows, columns) of a model's picture of `size` (height, width) that are no padding; at least one of each."""
        return (
            _inside(self.top, self.bottom, self.height, size[0]),
            _inside(self.left, self.right, self.width, size[1]),
        )

    def as_list(self) -> list[float]:
        """left, top, right, bottom."""
        return [self.left, self.top, self.right, self.bottom]


def frame_of(image: ImageInput, height: int, width: int) -> Frame:
    """The frame of a picture of that size: `engine.readers.images.fit` the other way round."""
    rows, columns = image.size
    if image.fit == "stretch" or (height, width) == (rows, columns):
        return Frame(0, 0, width, height, height, width)
    ratios = (rows / height, columns / width)
    ratio = max(ratios) if image.fit == "cover" else min(ratios)
    resized_height, resized_width = max(1, round(height * ratio)), max(1, round(width * ratio))
    top, bottom = _span(resized_height, rows, height)
    left, right = _span(resized_width, columns, width)
    return Frame(left, top, right, bottom, height, width)


def _span(resized: int, wanted: int, own: int) -> tuple[float, float]:
    """Where `wanted` pixels, cropped from or padded around the middle of `resized`, begin and end in `own` pixels."""
    first = round((resized - wanted) / 2) if resized >= wanted else -((wanted - resized) // 2)
    return first * own / resized, (first + wanted) * own / resized


def _inside(start: float, end: float, own: int, pixels: int) -> slice:
    a_pixel = (end - start) / pixels
    first = max(0, round(-start / a_pixel))
    last = min(pixels, round((own - start) / a_pixel))
    return slice(min(first, pixels - 1), max(last, min(first, pixels - 1) + 1))
