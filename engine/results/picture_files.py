"""What was found in pictures as files that other programs read: masks as PNG, boxes in COCO's form."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

import polars as pl

from engine.errors import RunStateError
from engine.kinds.boxes import SIDES
from engine.kinds.frame import frame_of
from engine.kinds.masks import colored_png, in_own_shape, read_mask
from engine.kinds.predicted import Boxes, Masks
from engine.results.filters import Filter, Filters
from engine.results.results import Results

_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class PictureFormat:
    """A file format of its own: what it is called, which results it can hold, and how it is written."""

    title: str
    fits: Callable[[Results], bool]
    write: Callable[[Results, Path, Filters], None]


def own_mask(results: Results, row: int) -> bytes:
    """The mask of row `row` as large as its picture: an indexed PNG, whose values are places among the labels."""
    for _, content in _masks(results, [Filter("row", "in", (row,))]):
        return content
    raise RunStateError(f"Row {row} has no mask.")


def write_masks(results: Results, path: Path, where: Filters) -> None:
    """A zip with the mask of each line as `own_mask` gives it, named as its picture, and the labels as JSON."""
    labels = dict(enumerate(results.card.labels))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("labels.json", json.dumps(labels, ensure_ascii=False, indent=1))
        taken: set[str] = set()
        for line, content in _masks(results, where):
            name = str(PurePosixPath("masks", line["file"].lstrip("/")).with_suffix(".png"))
            name = f"masks/{line['row']}/{PurePosixPath(name).name}" if name in taken or ".." in name else name
            taken.add(name)
            archive.writestr(name, content)


def write_boxes(results: Results, path: Path, where: Filters) -> None:
    """The boxes that count as a COCO file: images, categories, and annotations with their score."""
    predicted = results.predicted
    assert isinstance(predicted, Boxes)
    kinds = {label: place for place, label in enumerate(results.card.labels)}
    images: list[dict[str, object]] = []
    found: list[dict[str, object]] = []
    lines = results.scan(where).select("row", "file", "width", "height", boxes=predicted.column)
    for batch in lines.filter(pl.col("boxes").is_not_null()).collect_batches(chunk_size=_AT_ONCE, maintain_order=True):
        for row, file, width, height, boxes in batch.iter_rows():
            images.append({"id": row, "file_name": file, "width": width, "height": height})
            for box in boxes:
                if box["score"] < predicted.threshold:
                    continue
                sides = [round(box[side], 3) for side in SIDES]
                about = {"id": len(found) + 1, "image_id": row, "category_id": kinds[box["label"]], "iscrowd": 0}
                area = round(sides[2] * sides[3], 3)
                found.append({**about, "bbox": sides, "area": area, "score": round(box["score"], 6)})
    categories = [{"id": kinds[label], "name": label} for label in predicted.found]
    content = {"images": images, "annotations": found, "categories": categories}
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def _masks(results: Results, where: Filters) -> Iterator[tuple[dict[str, Any], bytes]]:
    """(row and file, the mask as large as the picture) of each line that has one."""
    predicted, image = results.predicted, results.card.image
    if not isinstance(predicted, Masks) or image is None:
        return
    lines = results.scan(where).select("row", "file", "width", "height", mask=predicted.column)
    for batch in lines.filter(pl.col("mask").is_not_null()).collect_batches(chunk_size=_AT_ONCE, maintain_order=True):
        for line in batch.iter_rows(named=True):
            own = in_own_shape(read_mask(line["mask"]), frame_of(image, line["height"], line["width"]))
            yield line, colored_png(own, predicted.labels, predicted.background, clear=False)


PICTURE_FORMATS: Mapping[str, PictureFormat] = MappingProxyType(
    {
        "zip": PictureFormat("Masks as PNG", lambda results: isinstance(results.predicted, Masks), write_masks),
        "json": PictureFormat("Boxes as COCO", lambda results: isinstance(results.predicted, Boxes), write_boxes),
    }
)
