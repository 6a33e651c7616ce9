"""The versions of a model: `versions.yaml` beside the card lists its further checkpoints, and which is the default.

The card says what all versions share, and is never written by a program; its own checkpoint is version 1. What differs
stands here: another checkpoint, its figures, what it was trained on. So a roll-back changes one word of this file, no
card, no hash, and nothing that runs.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from filelock import FileLock
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from engine.cards.card import Figure, ModelCard, file_hash
from engine.cards.parts import CardModel
from engine.cards.yaml_text import parsed
from engine.errors import CardError, NotWritable, UnknownVersion

VERSIONS_FILE = "versions.yaml"
FETCHED_FILE = ".fetched.json"
"""Stands in a folder that is a copy of an object store's."""
FIRST = "1"
_HEAD = "# The model's versions beside the card's own checkpoint, which is version 1. Written by Forelight.\n"
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


def _as_text(value: object) -> object:
    """A whole number as YAML reads `name: 2`, as text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


VersionName = Annotated[str, BeforeValidator(_as_text), Field(pattern=_NAME)]


class Version(CardModel):
    """One checkpoint of the model. What is not said here is as the card says; `created` is ISO 8601 in UTC.

    `trained` and `standardised` give, by column, what this version has seen, and the mean and std its numbers are fed
    with, where the card's column says those of another one.
    """

    name: VersionName
    checkpoint: str
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    created: str = ""
    note: str = ""
    figures: tuple[Figure, ...] = ()
    module: str = Field(default="", pattern=r"^([\w.]+:\w+)?$")
    hyper_parameters: dict[str, Any] = Field(default_factory=dict)
    trained: dict[str, tuple[float, float, float, float, float]] = Field(default_factory=dict)
    standardised: dict[str, tuple[float, float]] = Field(default_factory=dict)


class Versions(CardModel):
    """The content of `versions.yaml`."""

    default: VersionName = FIRST
    versions: tuple[Version, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [FIRST, *(version.name for version in self.versions)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"version '{twice[0]}' stands there twice; {FIRST} is the card's own checkpoint")
        if self.default not in names:
            raise ValueError(f"default: there is no version '{self.default}'; there are {', '.join(names)}")
        return self


def read_versions(folder: Path) -> Versions:
    """The versions beside the card's own; CardError where the file cannot be used."""
    path = folder / VERSIONS_FILE
    try:
        content = parsed(path.read_text(encoding="utf-8"))
        return Versions.model_validate(content or {})
    except FileNotFoundError:
        return Versions()
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise CardError(f"{VERSIONS_FILE} cannot be read as YAML: {exc}") from exc
    except ValidationError as exc:
        said = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}".removeprefix(": ") for each in exc.errors())
        raise CardError(f"{VERSIONS_FILE}: {'; '.join(said).replace('Value error, ', '')}") from exc


def first_version(card: ModelCard) -> Version:
    """The card's own checkpoint as a version."""
    return Version(name=FIRST, checkpoint=card.checkpoint, sha256=card.sha256, figures=card.figures)


def card_of(card: ModelCard, version: Version) -> ModelCard:
    """The card of that version; CardError where the two do not go together."""
    told = card.model_dump(mode="json", exclude_unset=True)
    told |= {"checkpoint": version.checkpoint, "sha256": version.sha256}
    told["figures"] = [figure.model_dump(mode="json") for figure in version.figures]
    told["hyper_parameters"] = {**card.hyper_parameters, **version.hyper_parameters}
    if version.module:
        told["module"] = version.module
    for column in told.get("signature", ()):
        if column["name"] in version.trained:
            column["trained"] = list(version.trained[column["name"]])
        if column["name"] in version.standardised:
            column["mean"], column["std"] = version.standardised[column["name"]]
    try:
        return ModelCard.model_validate(told)
    except ValidationError as exc:
        raise CardError(f"{VERSIONS_FILE}, version {version.name}: {exc.errors()[0]['msg']}") from exc


def card_text(card: ModelCard) -> bytes:
    """The card as a file, of what it says alone."""
    told = card.model_dump(mode="json", exclude_unset=True)
    return yaml.safe_dump(told, sort_keys=False, allow_unicode=True).encode()


def set_default(folder: Path, name: str) -> str:
    """Makes that version the default, at once; the name of the one before. UnknownVersion, NotWritable."""
    with changing(folder) as known:
        names = [FIRST, *(version.name for version in known.versions)]
        if name not in names:
            raise UnknownVersion(folder.name, name, names)
        write_versions(folder, known.model_copy(update={"default": name}))
        return known.default


def add_version(folder: Path, make: Callable[[str], Version], name: str = "") -> Version:
    """Adds what `make` gives for the name, the next free number where none is asked for; never as the default."""
    with changing(folder) as known:
        names = {FIRST, *(version.name for version in known.versions)}
        if name in names:
            raise CardError(f"The model '{folder.name}' has a version '{name}' already. Choose another name.")
        version = make(name or next(str(number) for number in range(2, len(names) + 2) if str(number) not in names))
        write_versions(folder, known.model_copy(update={"versions": (*known.versions, version)}))
        return version


def add_checkpoint(folder: Path, write: Callable[[Path], object], name: str = "", **told: Any) -> Version:
    """Adds the checkpoint that `write` writes to the path it is given; `told` is what else the Version says.

    No file of the folder's takes another's place, and none is left where the version cannot be added.
    """
    part = folder / f".{secrets.token_hex(8)}.part"
    placed: list[Path] = []

    def make(name: str) -> Version:
        write(part)
        placed.append(_place(part, folder, f"version-{name}"))
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return Version(name=name, checkpoint=placed[0].name, sha256=file_hash(placed[0]), created=now, **told)

    try:
        return add_version(folder, make, name)
    except BaseException:
        for path in placed:
            path.unlink(missing_ok=True)
        raise
    finally:
        part.unlink(missing_ok=True)


def _place(part: Path, folder: Path, stem: str) -> Path:
    """Where the file lies now: in the folder, by a name that nothing there had."""
    names = (f"{stem}.ckpt", *(f"{stem}-{number}.ckpt" for number in range(2, 10_000)))
    path = next(folder / name for name in names if not (folder / name).exists())
    part.replace(path)
    return path


@contextmanager
def changing(folder: Path) -> Iterator[Versions]:
    """The versions as they are, while nobody else changes them; NotWritable where nobody may."""
    if (folder / FETCHED_FILE).exists():
        raise NotWritable(folder, "it is a copy of an object store's")
    try:
        with FileLock(folder / ".versions.lock"):
            yield read_versions(folder)
    except OSError as exc:
        raise NotWritable(folder, exc.strerror or type(exc).__name__) from exc


def write_versions(folder: Path, versions: Versions) -> None:
    """Replaces the file whole: a reader meets the old one or the new one."""
    told: Mapping[str, Any] = versions.model_dump(mode="json", exclude_defaults=True)
    text = _HEAD + yaml.safe_dump(dict(told), sort_keys=False, allow_unicode=True)
    new = folder / f".{VERSIONS_FILE}.{secrets.token_hex(4)}"
    try:
        with new.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(folder / VERSIONS_FILE)
    finally:
        new.unlink(missing_ok=True)
