"""What the files beside pictures say is right: the folders' names, masks as PNG, boxes in a COCO file. Never fed."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa

from engine.cards.card import ImageInput, ModelCard
from engine.cards.signature import ColumnUse, Problem
from engine.errors import ReadError
from engine.ingest.table import TRUTH
from engine.kinds.boxes import SIDES
from engine.kinds.frame import frame_of
from engine.kinds.masks import MOST_LABELS, UNKNOWN, in_model_shape, mask_png, read_any_mask
from engine.readers.images import Listed, Picture
from engine.settings import Settings

TRUE_BOX = pa.struct([("label", pa.string()), *((side, pa.float32()) for side in SIDES)])
_SHOWN = 3
_MASK_FOLDERS = ("mask", "masks")
_PICTURE_FOLDERS = ("image", "images", "picture", "pictures")


class PictureLabels(ABC):
    """The labels of some pictures: columns of the input beside `file`, for each batch of pictures in turn.

    `sized` says whether each picture's own width and height are kept: predictions lie in the picture.
    """

    sized: bool
    fields: tuple[pa.Field[Any], ...]
    uses: tuple[ColumnUse, ...]

    @abstractmethod
    def __init__(self, listed: Listed, card: ModelCard, image: ImageInput, settings: Settings) -> None: ...

    @staticmethod
    def is_aside(name: str) -> bool:
        """Whether a file of that name holds labels, and is no picture."""
        return False

    @abstractmethod
    def columns(self, start: int, pictures: Sequence[Picture], sizes: np.ndarray) -> list[pa.Array]:
        """One array a field, for the pictures from place `start` on; `sizes` are their own (height, width)."""

    @abstractmethod
    def problems(self) -> list[Problem]:
        """What a person should know of the labels, once all columns were asked for."""


class FolderLabels(PictureLabels):
    """The folder of each picture, where every one of them is one of the card's labels; else nothing.

    Where the model names no classes but its card a target, any folders are labels.
    """

    sized = False

    def __init__(self, listed: Listed, card: ModelCard, image: ImageInput, settings: Settings) -> None:
        folders = [picture.name.rpartition("/")[0].rpartition("/")[2] for picture in listed.pictures]
        known = set(card.labels) if card.labels or not card.target else set(folders) - {""}
        self._labels = folders if set(folders) <= known else []
        self._target = card.target or "label"
        self.fields = (pa.field(self._target, pa.string()),) if self._labels else ()
        self.uses = (ColumnUse(self._target, "label", "category"),) if self._labels else ()

    def columns(self, start: int, pictures: Sequence[Picture], sizes: np.ndarray) -> list[pa.Array]:
        return [pa.array(self._labels[start : start + len(pictures)])] if self._labels else []

    def problems(self) -> list[Problem]:
        if not self._labels:
            return []
        about = "The folders' names are the labels: never fed to the model, "
        about += f"kept as '{self._target}' beside its predictions."
        return [Problem("note", "label-column", about, "", self._target)]


class MaskLabels(PictureLabels):
    """A mask for each picture: a grey or indexed PNG of its name, in a folder `masks` or with `_mask` behind the name.

    Its values are places among the card's labels, 255 is not judged; 0 and 255 alone are the first and the second of
    two labels. It is kept in the model's shape; the label's column holds the mask's name.
    """

    sized = True

    def __init__(self, listed: Listed, card: ModelCard, image: ImageInput, settings: Settings) -> None:
        self._masks = {_key(mask.name): mask for mask in listed.aside}
        self._image, self._labels, self._settings = image, card.labels, settings
        self._target = card.target or "label"
        self._faults: list[str] = []
        self._used = 0
        self._pictures = {_key(picture.name) for picture in listed.pictures}
        has = bool(self._masks)
        self.fields = (pa.field(self._target, pa.string()), pa.field(TRUTH, pa.binary())) if has else ()
        self.uses = (ColumnUse(self._target, "label"),) if has else ()

    @staticmethod
    def is_aside(name: str) -> bool:
        path = PurePosixPath(name)
        folders = [part.lower() for part in path.parts[:-1]]
        is_mask = any(folder in _MASK_FOLDERS for folder in folders) or path.stem.lower().endswith(("_mask", ".mask"))
        return is_mask and path.suffix.lower() == ".png"

    def columns(self, start: int, pictures: Sequence[Picture], sizes: np.ndarray) -> list[pa.Array]:
        if not self._masks:
            return []
        names: list[str | None] = []
        masks: list[bytes | None] = []
        for picture, (height, width) in zip(pictures, sizes.tolist(), strict=True):
            file = self._masks.get(_key(picture.name))
            mask = self._read(file, height, width) if file is not None and height else None
            names.append(file.name if file is not None and mask is not None else None)
            masks.append(mask)
        return [pa.array(names, pa.string()), pa.array(masks, pa.binary())]

    def problems(self) -> list[Problem]:
        if not self._masks:
            return []
        about = f"{_counted(self._used, 'mask')} beside the pictures are the labels: never fed to the model, "
        about += f"named in '{self._target}'."
        strays = len(set(self._masks) - self._pictures)
        if strays:
            about += f" {_counted(strays, 'mask')} {'belongs' if strays == 1 else 'belong'} to no picture."
        notes = [about, *self._faults[:_SHOWN]]
        if len(self._faults) > _SHOWN:
            notes.append(f"{len(self._faults) - _SHOWN:,} more masks cannot be used.")
        return [Problem("note", "label-column", note, "", self._target) for note in notes]

    def _read(self, file: Picture, height: int, width: int) -> bytes | None:
        try:
            mask = read_any_mask(file.read(self._settings.max_pixels), self._settings.max_pixels)
        except (ReadError, OSError) as exc:
            self._faults.append(f"The mask {file.name} cannot be used: {exc}")
            return None
        if mask.shape != (height, width):
            self._faults.append(
                f"The mask {file.name} has {mask.shape[1]} × {mask.shape[0]} pixels, its picture {width} × {height}: "
                "it is not used. Save it as large as the picture."
            )
            return None
        self._used += 1
        places = _as_labels(mask, len(self._labels))
        return mask_png(in_model_shape(places, frame_of(self._image, height, width), self._image.size))


class BoxLabels(PictureLabels):
    """The boxes of each picture, from a COCO file (JSON) among the files: null where it does not name the picture."""

    sized = True

    def __init__(self, listed: Listed, card: ModelCard, image: ImageInput, settings: Settings) -> None:
        self._boxes: dict[str, list[dict[str, Any]]] = {}
        self._labels = {label.strip().casefold(): label for label in card.labels}
        self._target = card.target or "label"
        self._notes: list[str] = []
        self._strange: Counter[str] = Counter()
        for file in listed.aside:
            try:
                self._take(json.loads(file.read(settings.max_pixels)))
            except (ReadError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
                why = f"{type(exc).__name__}: {exc}"[:200]
                self._notes.append(
                    f"{file.name} is no COCO file with images, annotations and categories, and left out ({why})."
                )
        lasts = Counter(PurePosixPath(name).name for name in self._boxes)
        by_last = {PurePosixPath(name).name: boxes for name, boxes in self._boxes.items()}
        self._by_last = {last: boxes for last, boxes in by_last.items() if lasts[last] == 1}
        has = bool(self._boxes)
        self.fields = (pa.field(self._target, pa.list_(TRUE_BOX)),) if has else ()
        self.uses = (ColumnUse(self._target, "label"),) if has else ()
        self._used = 0

    @staticmethod
    def is_aside(name: str) -> bool:
        return name.lower().endswith(".json")

    def columns(self, start: int, pictures: Sequence[Picture], sizes: np.ndarray) -> list[pa.Array]:
        if not self._boxes:
            return []
        found = [self._of(picture.name) for picture in pictures]
        self._used += sum(boxes is not None for boxes in found)
        return [pa.array(found, pa.list_(TRUE_BOX))]

    def problems(self) -> list[Problem]:
        notes = list(self._notes)
        if self._boxes:
            about = f"The COCO file names the boxes of {_counted(self._used, 'picture')}"
            notes.append(f"{about}: never fed to the model, kept as '{self._target}' beside its predictions.")
        if self._strange:
            named = ", ".join(f"'{name}'" for name in list(self._strange)[:_SHOWN])
            total = self._strange.total()
            are = "box is" if total == 1 else "boxes are"
            notes.append(f"{total:,} {are} of {named}, which the model does not know: left out.")
        return [Problem("note", "label-column", note, "", self._target) for note in notes]

    def _take(self, content: dict[str, Any]) -> None:
        kinds = {kind["id"]: str(kind["name"]) for kind in content["categories"]}
        names = {picture["id"]: str(picture["file_name"]).replace("\\", "/") for picture in content["images"]}
        boxes: dict[str, list[dict[str, Any]]] = {name: [] for name in names.values()}
        for each in content["annotations"]:
            label = self._labels.get(kinds[each["category_id"]].strip().casefold())
            if label is None:
                self._strange[kinds[each["category_id"]]] += 1
            elif not each.get("iscrowd"):
                x, y, width, height = (float(figure) for figure in each["bbox"])
                boxes[names[each["image_id"]]].append(
                    {"label": label, "x": x, "y": y, "width": width, "height": height}
                )
        self._boxes |= boxes

    def _of(self, name: str) -> list[dict[str, Any]] | None:
        """The boxes of the picture of that name; by its last part where that is one picture's alone."""
        return self._boxes.get(name, self._by_last.get(PurePosixPath(name).name))


def _key(name: str) -> str:
    """What a picture and its mask have in common."""
    path = PurePosixPath(name.lower())
    folders = [part for part in path.parts[:-1] if part not in (*_MASK_FOLDERS, *_PICTURE_FOLDERS)]
    return "/".join((*folders, path.stem.removesuffix("_mask").removesuffix(".mask")))


def _as_labels(mask: np.ndarray, labels: int) -> np.ndarray:
    """The values as places among the labels; what is none is UNKNOWN."""
    if labels == 2 and np.isin(mask, (0, 255)).all():
        second: np.ndarray = (mask == 255).astype(np.uint8)
        return second
    known: np.ndarray = np.where(mask < min(labels, MOST_LABELS), mask, UNKNOWN).astype(np.uint8)
    return known


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
