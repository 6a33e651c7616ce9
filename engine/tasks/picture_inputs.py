"""Pictures whose predictions lie in them: the visitor's own sizes are kept, and masks or boxes may come along."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from engine.cards.card import ModelCard
from engine.ingest.table import PIXELS, TRUTH
from engine.tasks.image_inputs import ImageInputs, image_of, image_template
from engine.views import Gallery, View

if TYPE_CHECKING:
    from engine.ingest.picture_labels import PictureLabels

_PIXELS_A_BATCH = 4_000_000  # of a figure for each label and pixel, a batch then takes some hundred MB


class MaskedImageInputs(ImageInputs):
    """One picture, one mask."""

    _zip = ""

    def batches(self, rows: pa.Table, card: ModelCard, size: int) -> list[tuple[int, int]]:
        height, width = image_of(card).size
        return super().batches(rows, card, max(1, min(size, _PIXELS_A_BATCH // (height * width))))

    def _labels(self) -> type[PictureLabels]:
        from engine.ingest.picture_labels import MaskLabels

        return MaskLabels

    def hidden_columns(self) -> tuple[str, ...]:
        return (PIXELS, TRUTH)

    def template(self, card: ModelCard) -> tuple[str, bytes]:
        values = ", ".join(f"{place} {label}" for place, label in enumerate(card.labels))
        return "zip", image_template(_MASK_TEMPLATE.format(values=values), ("images", "masks"))

    def views(self, card: ModelCard) -> tuple[View, ...]:
        return (Gallery(card.labels, "Pictures, and what was found in them"),)

    def needs(self, card: ModelCard) -> tuple[str, ...]:
        return (*super().needs(card), _MASKS)


class BoxedImageInputs(MaskedImageInputs):
    """One picture, some boxes."""

    def _labels(self) -> type[PictureLabels]:
        from engine.ingest.picture_labels import BoxLabels

        return BoxLabels

    def template(self, card: ModelCard) -> tuple[str, bytes]:
        return "zip", image_template(_BOX_TEMPLATE, ("images",))

    def needs(self, card: ModelCard) -> tuple[str, ...]:
        return (*ImageInputs.needs(self, card), _BOXES)


_BOXES = "To be judged: a COCO file (JSON) beside the pictures, that names their boxes."
_BOX_TEMPLATE = """Put your pictures into the folder images.

To see how right the model is, put a COCO file, such as annotations.json, beside it: images (id, file_name),
categories (id, name: a label of the model) and annotations (image_id, category_id, bbox: x, y, width, height in pixels;
x and y are those of the upper left corner).
"""
_MASKS = "To be judged: a mask for each picture, a grey PNG of its name in a folder 'masks'; values are class numbers."
_MASK_TEMPLATE = """Put your pictures into the folder images.

To see how right the model is, put a mask of the same name for each into masks: a grey or indexed PNG as large as the
picture. Its values: {values}; 255 is not judged.
"""
