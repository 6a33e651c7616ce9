"""The model card: what the host writes about a checkpoint, validated; never what a checkpoint says of itself."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from engine.cards.parts import (
    BoxOutput,
    CardModel,
    Column,
    ColumnType,
    Figure,
    Forecast,
    ImageInput,
    Output,
    Sample,
    SequenceInput,
)
from engine.cards.yaml_text import parsed
from engine.errors import CardError, nearest

TaskName = Annotated[str, Field(pattern=r"^[a-z]+(-[a-z]+)*$")]
OutputKind = Literal["values", "logits", "probabilities", "classes", "boxes"]
Precision = Literal["32-true", "16-mixed", "bf16-mixed", "bf16-true", "64-true"]
FUNCTION = r"^([\w.]+:\w+)?$"
__all__ = [
    "AHEAD",
    "RESERVED_NAMES",
    "BoxOutput",
    "Column",
    "ColumnType",
    "Figure",
    "Forecast",
    "ImageInput",
    "ModelCard",
    "Output",
    "OutputKind",
    "Precision",
    "Sample",
    "SequenceInput",
    "file_hash",
    "read_card",
]
AHEAD = "ahead"
"""The results' column that counts the steps of a horizon, from 1."""
RESERVED_NAMES = ("row", "status", "error", "prediction", "confidence", "file")


class ModelCard(CardModel):
    """What a visitor needs to know of a model, and the engine to run it: the content of `card.yaml`.

    `target` is the column of an upload that holds what is true; `targets` are such columns for each label or output
    that has one of its own. `thresholds` are the probabilities from which on a label counts, where several may.
    `precision` is Lightning's; `memory_format` and `compile` are torch's: `check --tune` measures which of them pay.
    """

    title: str
    task: TaskName
    module: str = Field(pattern=r"^[\w.]+:\w+$")
    checkpoint: str = "model.ckpt"
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    hyper_parameters: dict[str, Any] = Field(default_factory=dict)
    description: str = ""
    source: str = ""
    license: str = ""
    encode: str = Field(default="", pattern=FUNCTION)
    decode: str = Field(default="", pattern=FUNCTION)
    collate: str = Field(default="", pattern=FUNCTION)
    data_parameters: dict[str, Any] = Field(default_factory=dict)
    batch: Literal["tensor", "pair", "dict", "list"] | None = None
    step: Literal["predict_step", "forward"] = "predict_step"
    precision: Precision = "32-true"
    memory_format: Literal["contiguous", "channels_last"] = "contiguous"
    compile: bool = False
    signature: tuple[Column, ...] = ()
    image: ImageInput | None = None
    sequence: SequenceInput | None = None
    forecast: Forecast | None = None
    dimensions: int | None = Field(default=None, ge=2, le=65_536)
    outputs: tuple[Output, ...] = ()
    output_kind: OutputKind | None = None
    output_key: str = ""
    labels: tuple[str, ...] = ()
    thresholds: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict)
    background: str = ""
    boxes: BoxOutput | None = None
    target: str = ""
    targets: dict[str, str] = Field(default_factory=dict)
    samples: tuple[Sample, ...] = ()
    figures: tuple[Figure, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for what, names in (
            ("signature", [column.name for column in self.signature]),
            ("outputs", [output.name for output in self.outputs]),
            ("labels", list(self.labels)),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what}: '{twice[0]}' stands there twice")
        if self.background and self.background not in self.labels:
            raise ValueError(f"background: '{self.background}' is none of the labels; name it among them, in its place")
        own = {output.name for output in self.outputs} | set(RESERVED_NAMES)
        own |= {*self.forecast.columns, AHEAD} if self.forecast else set()
        own |= {"embedding"} if self.dimensions else set()
        columns = {column.name for column in self.signature}
        clash = sorted(own & columns)
        if clash:
            raise ValueError(f"signature: '{clash[0]}' is the name of a column of the results; call it otherwise")
        if self.memory_format == "channels_last" and self.image is None:
            raise ValueError("memory_format: channels_last is a layout of pictures, and this model takes none (image)")
        fed = [name for name in self.target_columns if name in columns]
        if fed:
            raise ValueError(f"target: '{fed[0]}' is in the signature too; a label is never fed to the model")
        taken = [name for name in self.targets.values() if name in own]
        if taken:
            raise ValueError(f"targets: '{taken[0]}' is the name of a column of the results; call it otherwise")
        known = {*self.labels, *(output.name for output in self.outputs)}
        given = {"targets": set(self.targets) - known, "thresholds": set(self.thresholds) - set(self.labels)}
        for key, strange in given.items():
            if strange:
                raise ValueError(f"{key}: '{min(strange)}' is none of the {'labels' if self.labels else 'outputs'}")
        return self

    @property
    def target_columns(self) -> tuple[str, ...]:
        """The columns of an upload that hold what is true: recognised, never fed to the model."""
        return tuple(dict.fromkeys((*([self.target] if self.target else []), *self.targets.values())))

    def column(self, name: str) -> Column:
        """The signature's column of that name; KeyError where there is none."""
        return {column.name: column for column in self.signature}[name]


def read_card(path: Path) -> ModelCard:
    """The card in `path`, or CardError naming the key at fault and the nearest known one."""
    try:
        content = parsed(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise CardError(f"{path.name} cannot be read as YAML: {exc}") from exc
    if not isinstance(content, dict):
        raise CardError(f"{path.name} holds {type(content).__name__}, expected keys such as title, task, module.")
    try:
        return ModelCard.model_validate(content)
    except ValidationError as exc:
        raise CardError(f"{path.name}: " + "; ".join(_sentences(exc))) from exc


def file_hash(path: Path) -> str:
    """SHA-256 of the file's bytes, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sentences(error: ValidationError) -> list[str]:
    return [_sentence(tuple(detail["loc"]), detail["type"], detail["msg"]) for detail in error.errors()]


def _sentence(location: tuple[int | str, ...], kind: str, message: str) -> str:
    key = ".".join(str(part) for part in location) or "card"
    if kind == "extra_forbidden":
        known = _known_keys(location[:-1])
        near = nearest(str(location[-1]), known)
        return f"unknown key '{key}'" + (f", did you mean '{near}'?" if near else f"; known: {', '.join(known)}")
    if kind == "missing":
        return f"key '{key}' is missing"
    return f"'{key}': {message.removeprefix('Value error, ')}"


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    parts: dict[str, type[CardModel]] = {
        "signature": Column,
        "outputs": Output,
        "image": ImageInput,
        "sequence": SequenceInput,
        "forecast": Forecast,
        "boxes": BoxOutput,
        "samples": Sample,
        "figures": Figure,
    }
    model = parts[str(location[0])] if location and location[0] in parts else ModelCard
    return list(model.model_fields)
