"""The parts of a model card: columns, outputs, pictures, sequences, samples, figures; each validated by itself."""

from __future__ import annotations

import math
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from engine.errors import nearest

ColumnType = Literal["float", "integer", "category", "string", "boolean"]
# Those of torchvision.transforms.v2 that do the same to every picture, every time; nothing else is looked up there.
TRANSFORMS = ("CenterCrop", "GaussianBlur", "Grayscale", "Normalize", "Pad", "RGB", "Resize", "ToDtype")


class CardModel(BaseModel):
    """A part of a card: immutable, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(CardModel):
    """One column the model takes.

    `range` is the inclusive interval of valid values, in `unit`; a row outside of it is not predicted. `trained` is
    what the model has seen: minimum, quartiles, maximum; a row outside of it is predicted, and said to be.
    `categories` are the values known to the model; their position is the code it is fed. A number is fed as
    (value - `mean`) / `std`.
    """

    name: str = Field(min_length=1)
    type: ColumnType = "float"
    unit: str = ""
    description: str = ""
    range: tuple[float, float] | None = None
    trained: tuple[float, float, float, float, float] | None = None
    categories: tuple[str, ...] = ()
    example: float | int | str | None = None
    mean: float = 0.0
    std: float = 1.0

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.range and self.range[0] > self.range[1]:
            raise ValueError(f"range of column '{self.name}' ends ({self.range[1]}) before it begins ({self.range[0]})")
        if self.trained and list(self.trained) != sorted(self.trained):
            raise ValueError(f"trained of column '{self.name}' is minimum, quartiles and maximum, in this order")
        if self.type == "category" and len(set(self.categories)) < max(1, len(self.categories)):
            raise ValueError(f"column '{self.name}' is a category and needs `categories`, each named once")
        if not (math.isfinite(self.mean) and math.isfinite(self.std) and self.std > 0):
            raise ValueError(f"std of column '{self.name}' is {self.std:g}, mean {self.mean:g}; std must be above 0")
        if self.is_standardised and not self.is_number:
            raise ValueError(f"column '{self.name}' is of type {self.type}; only numbers have a mean and a std")
        return self

    @property
    def is_number(self) -> bool:
        return self.type in ("float", "integer")

    @property
    def is_standardised(self) -> bool:
        """Whether the model is fed another number than the one in the file."""
        return (self.mean, self.std) != (0.0, 1.0)


class Output(CardModel):
    """One value the model gives, with its unit."""

    name: str = Field(min_length=1)
    unit: str = ""
    description: str = ""


class Transform(CardModel):
    """One of TRANSFORMS, with its arguments; in a card `CenterCrop: {size: 224}`, or `RGB` where it takes none."""

    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)


def _transform(value: object) -> object:
    """`Name` and `{Name: {argument: value}}` as what a Transform is made of; ValueError where the name is no other."""
    if isinstance(value, Transform):
        return value
    name: object = value if isinstance(value, str) else None
    arguments: object = None
    if isinstance(value, dict) and len(value) == 1:
        name, arguments = next(iter(value.items()))
    if name not in TRANSFORMS:
        near = nearest(str(name), TRANSFORMS)
        hint = f"did you mean '{near}'?" if near else f"known: {', '.join(TRANSFORMS)}."
        raise ValueError(f"there is no transform '{name or value}' here, {hint} Others belong into a function: encode")
    return {"name": name, "arguments": arguments or {}}


class ImageInput(CardModel):
    """How a picture of any size becomes what the model was trained on.

    `size` is (height, width) in pixels; `fit` how a picture of another shape gets there: `cover` keeps the
    aspect and cuts what hangs over, `contain` keeps it and pads with black, `stretch` does not keep it.
    `transforms` of torchvision.transforms.v2, each a name with its arguments, are then applied in their order. Pixels
    that are still whole numbers are scaled to 0 … 1, and normalised by `mean` and `std`, one figure a channel.
    With `draft` a large JPEG is decoded at a half, a quarter or an eighth of its size, twice what is needed at least:
    faster, and some pixels come out a few steps of 255 off.
    """

    size: tuple[int, int]
    channels: Literal[1, 3] = 3
    fit: Literal["cover", "contain", "stretch"] = "cover"
    draft: bool = False
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    transforms: tuple[Transform, ...] = ()

    @field_validator("transforms", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        return [_transform(each) for each in value] if isinstance(value, list | tuple) else value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name, figures in (("mean", self.mean), ("std", self.std)):
            if len(figures) not in (1, self.channels):
                raise ValueError(f"{name} has {len(figures)} figures for {self.channels} channels")
        if min(self.size) < 1 or 0 in self.std:
            raise ValueError("size must be at least 1 × 1 pixel, and std must not be 0")
        return self


class BoxOutput(CardModel):
    """How a detector's boxes are read, and which of them count.

    `format` and `normalised` say what four figures a box has: corners, or a corner or the centre with width and
    height; in pixels of the model's picture, or as shares of it. A box counts from a score of `threshold` on; one
    below `lowest` is not kept, nor are more than `most` of one picture. Of boxes of one class that overlap by more
    than `overlap` (intersection over union) the surest stays; None where the model sees to that itself.
    """

    format: Literal["xyxy", "xywh", "cxcywh"] = "xyxy"
    normalised: bool = False
    threshold: float = Field(default=0.5, ge=0, le=1)
    lowest: float = Field(default=0.05, ge=0, le=1)
    most: int = Field(default=300, ge=1)
    overlap: float | None = Field(default=None, gt=0, le=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.lowest > self.threshold:
            raise ValueError(f"lowest ({self.lowest}) is more than threshold ({self.threshold}): it would rule")
        return self


class SequenceInput(CardModel):
    """Which columns of a long table say what belongs together: one line a step of a series.

    `length` is the number of steps the model takes; None means any, each series with its own.
    """

    series: str = "series"
    step: str = "step"
    length: int | None = Field(default=None, ge=1)
    step_unit: str = ""


class Forecast(CardModel):
    """What comes after a series: the next `horizon` steps of its column `of`.

    With `quantiles` the model gives those of each step, the middle one, 0.5, being the forecast itself. `season` is how
    many steps a period has: errors are then measured by those of repeating the last period.
    """

    of: str = Field(min_length=1)
    horizon: int = Field(ge=1)
    quantiles: tuple[float, ...] = ()
    season: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.quantiles and (list(self.quantiles) != sorted(set(self.quantiles)) or 0.5 not in self.quantiles):
            raise ValueError("quantiles rise from number to number, and 0.5, the forecast itself, is among them")
        if self.quantiles and not 0 < self.quantiles[0] < self.quantiles[-1] < 1 and len(self.quantiles) > 1:
            raise ValueError("quantiles lie between 0 and 1")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The results' columns, in the order of the model's outputs."""
        return tuple("forecast" if q == 0.5 else f"forecast_p{100 * q:g}" for q in self.quantiles) or ("forecast",)


class Sample(CardModel):
    """A file a visitor may try with one click; `files` are relative to the card's folder."""

    title: str
    files: tuple[str, ...] = Field(min_length=1)


class Figure(CardModel):
    """One figure of merit on data the model was not trained on."""

    name: str
    value: float
    unit: str = ""
    data: str = ""
