"""A training whose folder holds a model already: whether it is the same model, and its place there as a version."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.cards.card import ModelCard, read_card
from engine.cards.code_files import file_beside
from engine.cards.versions import Version, add_checkpoint, changing
from engine.errors import CardError
from engine.models.registry import CARD_FILE
from engine.own_code.local_code import files_of

# What says which model it is. The rest is words for people, is a version's own, or was written by hand since.
_SAME = (
    "task",
    "encode",
    "decode",
    "collate",
    "batch",
    "step",
    "image",
    "sequence",
    "forecast",
    "dimensions",
    "output_kind",
    "output_key",
    "labels",
)
_PARTS = {"signature": ("type", "categories", "unit"), "outputs": ("unit",)}


def check_place(folder: Path, said: ModelCard) -> None:
    """CardError where the folder holds anything else than this model, NotWritable where it takes no version."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / CARD_FILE).is_file():
        raise CardError(
            f"ExportCard: '{folder}' is there already and holds no {CARD_FILE}, so it is not a model's folder. Name "
            "one that is not there yet; nothing in it was changed."
        )
    difference = difference_of(read_card(folder / CARD_FILE), said)
    if difference:
        raise CardError(
            f"ExportCard: '{folder}' holds another model. {difference} Name another folder for this one; nothing in "
            "it was changed."
        )
    with changing(folder):
        pass


def difference_of(card: ModelCard, said: ModelCard) -> str:
    """In one sentence what makes another model of it than the card's; empty where it is the same.

    What the training does not say is as the card says.
    """
    kinds = [each.module.partition(":")[2] for each in (card, said)]
    if kinds[0] != kinds[1]:
        return _differs("module", *kinds)
    found, told = card.model_dump(mode="json"), said.model_dump(mode="json", exclude_unset=True)
    for part in (part for part in _PARTS if told.get(part)):
        names = [", ".join(each["name"] for each in card[part]) or "nothing" for card in (found, told)]
        if names[0] != names[1]:
            return _differs(part, *names)
        for there, here in zip(found[part], told[part], strict=True):
            for key in _PARTS[part]:
                if there.get(key) and _contradicts(here.get(key), there[key]):
                    return _differs(f"{part}, '{there['name']}', {key}", there[key], here[key])
    for key in _SAME:
        if _contradicts(told.get(key), found[key]):
            return _differs(key, found[key], told[key])
    return ""


def add_trained(new: Path, folder: Path, card: ModelCard) -> Version:
    """Puts what lies in `new`, which that card describes, into the model's folder, as a further version."""

    def write(part: Path) -> None:
        shutil.copyfile(new / card.checkpoint, part)

    module = _class_beside(new, folder, card.module)
    return add_checkpoint(
        folder,
        write,
        figures=card.figures,
        module="" if module == read_card(folder / CARD_FILE).module else module,
        hyper_parameters=card.hyper_parameters,
        trained={column.name: column.trained for column in card.signature if column.trained},
        standardised={
            column.name: (column.mean, column.std)
            for column in card.signature
            if column.model_fields_set & {"mean", "std"}
        },
    )


def _class_beside(new: Path, folder: Path, module: str) -> str:
    """What the version calls its class. Code that changed gets a place of its own: older versions need theirs.

    That is a file of another name, or a folder where the class has files beside it that it imports or opens.
    """
    name, _, kind = module.partition(":")
    source = file_beside(name, new)
    if source is None:
        return module
    others, top = files_of(source)[1:], name.partition(".")[0]
    for number in range(1, 10_000):
        if (others or top != name) and number > 1:
            beside, called = folder / f"{top}_{number}", f"{top}_{number}.{name}"
        else:
            beside, called = folder, name if number == 1 else f"{name}_{number}"
        place = source.relative_to(new).parent / f"{called.rpartition('.')[2]}.py"
        files = {beside / place: source}
        files |= {beside / path.relative_to(new): path for path in others}
        if _placed(files):
            return f"{called}:{kind}"
    raise CardError(f"ExportCard: '{folder}' has thousands of files {name}_…. Delete those that no version needs.")


def _placed(files: Mapping[Path, Path]) -> bool:
    """Whether those files are there now, each as its source is; nothing is written where one is there and another."""
    if any(path.exists() and path.read_bytes() != source.read_bytes() for path, source in files.items()):
        return False
    for path, source in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("xb") as file:
                file.write(source.read_bytes())
        except FileExistsError:
            pass
    return all(path.read_bytes() == source.read_bytes() for path, source in files.items())


def _contradicts(said: Any, found: Any) -> bool:
    """Whether something that is said is not so; what is not said, or is empty, contradicts nothing."""
    if said in (None, "", [], {}):
        return False
    if isinstance(said, Mapping) and isinstance(found, Mapping):
        return any(_contradicts(value, found.get(key)) for key, value in said.items())
    if isinstance(said, list) and isinstance(found, list):
        return len(said) != len(found) or any(map(_contradicts, said, found))
    return bool(said != found)


def _differs(key: str, there: object, here: object) -> str:
    return f"{key}: the card there says {_short(there)}, this training {_short(here)}."


def _short(value: object, most: int = 120) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= most else f"{text[:most]}…"
